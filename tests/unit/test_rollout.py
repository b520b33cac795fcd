"""What a control plane is to run, and what is said of it, where the laws seldom come."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import fn, names, rollout
from function.model import parse
from function.observed import Observed
from tests import packages, strategies, world

STAGES = {"dev": ["d"], "staging": ["s"], "prod": ["p", "q"]}


def lived(version: str = "v1.0.0", **spec: Any) -> packages.World:
    """A world in which a first version has been rolled out, nine hours ago."""
    w = packages.World(packages.environment(STAGES, version, **spec))
    w.now -= timedelta(hours=9)
    w.rest()
    w.now = packages.START
    return w


def key(name: str) -> str:
    """The key of a Configuration."""
    return f"configuration/west/default/{name}/platform"


def stage(w: packages.World, name: str) -> dict[str, Any]:
    """The status of a stage."""
    return next(s for s in w.status()["stages"] if s["name"] == name)


def ready(rsp: fnv1.RunFunctionResponse) -> bool:
    """Whether the environment is Ready."""
    return rsp.desired.composite.ready != fnv1.READY_FALSE and all(r.ready == fnv1.READY_TRUE for r in rsp.desired.resources.values())


def test_soaking_waiting_and_halted_do_not_keep_the_environment_from_ready() -> None:
    w = lived()
    w.release("v1.1.0")
    assert all(ready(w.step()) for _ in range(6))
    w.bad.add(packages.source("v1.1.0"))
    assert [ready(w.rest()), w.status()["rollout"]] == [True, "dev: Halted"]


def test_a_control_plane_that_never_got_its_first_version_does() -> None:
    w = packages.World(packages.environment(STAGES, "v1.0.0"))
    w.bad.add(packages.source("v1.0.0"))
    assert [ready(w.rest()), w.status()["rollout"], w.runs()] == [False, "dev: Halted", {"d": "v1.0.0"}]


def test_without_stages_a_configuration_is_ready_when_it_is_healthy_at_the_wanted_version() -> None:
    w = lived(rollout={})
    assert ready(w.rest())
    w.broken.add(packages.source("v1.1.0"))
    w.release("v1.1.0")
    assert [ready(w.rest()), w.status()["rollout"], set(w.runs().values())] == [False, "Halted", {"v1.1.0"}]
    assert "cannot unpack package: 404" in w.status()["controlPlanes"][0]["configurations"][0]["message"]


def test_a_new_control_plane_gets_what_most_of_its_stage_runs() -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    new = {"name": "new", "labels": {"stage": "prod"}}
    w.edit(controlPlanes=[*w.xr["spec"]["controlPlanes"], new])
    w.rest()
    assert w.runs() == {"d": "v1.1.0", "s": "v1.0.0", "p": "v1.0.0", "q": "v1.0.0", "new": "v1.0.0"}


def test_what_cannot_be_looked_into_gets_nothing_until_it_can() -> None:
    w = packages.World(packages.environment(STAGES, "v1.0.0"))
    w.down = {"s"}
    w.rest()
    assert w.runs() == {"d": "v1.0.0"}
    w.down = set()
    w.rest()
    assert set(w.runs()) == {"d", "s", "p", "q"}


def test_a_first_installation_waits_for_the_health_of_all_stages_before_it() -> None:
    w = packages.World(packages.environment(STAGES, "v1.0.0"))
    w.down = {"p", "q"}
    w.rest()
    w.down = {"d"}
    w.rest()
    assert set(w.runs()) == {"d", "s"}
    w.down = set()
    w.rest()
    assert set(w.runs()) == {"d", "s", "p", "q"}


def test_a_version_that_was_unhealthy_for_a_while_has_to_soak_from_the_beginning() -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    w.now += timedelta(minutes=30)
    w.bad = {packages.source("v1.1.0")}
    w.rest()
    w.bad = set()
    w.rest()
    assert stage(w, "dev")["soakingUntil"] == "2026-01-01T13:30:00Z"


def test_a_confirmed_control_plane_goes_with_its_configuration() -> None:
    w = lived()
    uid = w.observed["controlplane/west/default/p"]["status"]["atProvider"]["manifest"]["metadata"]["uid"]
    w.edit(
        controlPlanes=[c for c in w.xr["spec"]["controlPlanes"] if c["name"] != "p"],
        confirmedRemovals=[{"kind": "ControlPlane", "name": "p", "uid": uid}],
    )
    w.rest()
    assert [place[2:] for place in w.deleted] == [("ControlPlane", "default", "p")]
    assert [k for k in w.observed if k.split("/")[3:4] == ["p"]] == []


def test_a_pin_wins_at_once_over_every_gate() -> None:
    w = lived()
    stages = [{**s, **({"version": "v2.0.0"} if s["name"] == "prod" else {})} for s in w.xr["spec"]["rollout"]["stages"]]
    w.edit(rollout={"stages": stages})
    w.rest()
    assert w.runs() == {"d": "v1.0.0", "s": "v1.0.0", "p": "v2.0.0", "q": "v2.0.0"}
    assert stage(w, "prod")["message"] == "v2.0.0 is pinned, v1.0.0 is wanted"


def test_a_control_plane_of_its_own_version_goes_through_the_gates_too() -> None:
    w = lived()
    planes = [
        {**c, **({"configurations": [{"name": "platform", "version": "v1.2.0"}]} if c["name"] in "dp" else {})}
        for c in w.xr["spec"]["controlPlanes"]
    ]
    w.edit(controlPlanes=planes)
    w.rest()
    assert w.runs() == {"d": "v1.2.0", "s": "v1.0.0", "p": "v1.0.0", "q": "v1.0.0"}
    assert (stage(w, "dev")["phase"], stage(w, "prod")["wanted"]) == ("Soaking", "v1.0.0, v1.2.0")
    w.now += packages.SOAK
    w.rest()
    assert w.runs() == {"d": "v1.2.0", "s": "v1.0.0", "p": "v1.2.0", "q": "v1.0.0"}


def test_several_configurations_are_told_by_name_and_wait_for_each_other() -> None:
    two = [{"name": n, "package": f"xpkg.upbound.io/acme/{n}", "version": "v1.0.0"} for n in ("a", "b")]
    w = packages.World(packages.environment(STAGES, "v1.0.0", configurations=two))
    w.bad = {"xpkg.upbound.io/acme/b:v1.0.0"}
    w.rest()
    assert (stage(w, "dev")["running"], stage(w, "dev")["healthy"], stage(w, "staging")["phase"]) == ("a v1.0.0, b v1.0.0", 1, "Waiting")


def test_a_stage_in_which_nothing_is_installed_stops_no_other() -> None:
    w = packages.World(packages.environment(STAGES, "v1.0.0", configurations=[]))
    own = [{"name": "platform", "package": packages.PACKAGE, "version": "v1.0.0"}]
    w.edit(controlPlanes=[{**c, **({"configurations": own} if c["name"] == "p" else {})} for c in w.xr["spec"]["controlPlanes"]])
    w.rest()
    assert w.runs() == {"p": "v1.0.0"}


def test_what_cannot_be_read_for_a_moment_does_not_start_the_soak_again_but_opens_no_gate() -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    w.down = {"d"}
    w.rest()
    w.now += packages.SOAK
    w.rest()
    assert (stage(w, "dev")["healthySince"], w.runs()["s"]) == ("2026-01-01T12:00:00Z", "v1.0.0")
    assert stage(w, "dev")["message"].startswith("platform in control plane d is not seen: the Space cannot be reached")
    w.down = set()
    w.rest()
    assert w.runs()["s"] == "v1.1.0"


def test_a_control_plane_that_is_not_ready_halts_the_rollout() -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    for c in w.observed["controlplane/west/default/d"]["status"]["conditions"]:
        c["status"] = "False" if c["type"] == "Ready" else c["status"]
    w.reconcile()
    assert stage(w, "dev")["message"] == "platform in control plane d is not healthy at v1.1.0: its control plane is not ready"


@pytest.mark.parametrize("since", ["2027-01-01T00:00:00Z", "2026-01-01T10:00:00", "yesterday", None, {"a": 1}])
def test_a_memory_that_cannot_be_true_is_none(since: Any) -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    w.xr["status"]["stages"] = [{**s, "healthySince": since} for s in w.status()["stages"]]
    w.rest()
    assert (stage(w, "dev")["healthySince"], w.runs()["s"]) == ("2026-01-01T12:00:00Z", "v1.0.0")


@pytest.mark.parametrize(("minutes", "seconds", "ttl"), [(0, 0, 600), (51, 0, 540), (51, 1, 540), (58, 59, 120), (59, 0, 60), (59, 59, 60)])
def test_the_function_is_woken_within_a_minute_after_the_next_gate_is_due(minutes: int, seconds: int, ttl: int) -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    w.now += timedelta(minutes=minutes, seconds=seconds)
    assert w.reconcile().meta.ttl.seconds == ttl


def test_between_two_gates_time_changes_nothing() -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    first, w.now = w.reconcile(), w.now + timedelta(minutes=59, seconds=59)
    second = w.reconcile()
    assert (first.desired, list(first.conditions)) == (second.desired, list(second.conditions))


def test_the_clock_is_read_at_the_edge_to_the_second() -> None:
    seen = fn.FunctionRunner().clock()
    assert abs(seen - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_source_says_its_version() -> None:
    found = [rollout.version(s) for s in ("a.b/c:v1", "a.b:5000/c:v1", "a.b/c@sha256:0", "a.b/c")]
    assert found == ["v1", "v1", "sha256:0", "a.b/c"]


def test_the_health_of_a_package_is_read_as_crossplane_writes_it() -> None:
    def health(installed: str, healthy: str, message: str = "", *, at_it: bool = True) -> str:
        found = {"Installed": {"status": installed, "message": message}, "Healthy": {"status": healthy, "message": message}}
        return rollout._health(found, at_it=at_it).name

    assert health("True", "True") == "HEALTHY"
    assert health("True", "True", at_it=False) == "CHANGING"
    assert health("True", "False", 'Package revision health is "Unknown"') == "CHANGING"
    assert health("True", "False", "cannot establish control") == "FAILING"
    assert health("True", "Unknown") == "CHANGING"
    assert health("False", "True", "cannot unpack package") == "FAILING"
    assert health("False", "True", "Waiting for unpack to complete") == "CHANGING"
    assert rollout._health({}, at_it=True) is rollout.State.CHANGING


def test_a_control_plane_that_is_only_looked_at_is_shown_as_it_is() -> None:
    w = lived()
    w.edit(managementPolicies=["Observe"])
    w.rest()
    w.release("v1.1.0")
    w.now += timedelta(days=1)
    w.rest()
    assert set(w.runs().values()) == {"v1.0.0"}
    assert w.status()["controlPlanes"][0]["configurations"][0]["wanted"] == "v1.1.0"


def test_the_configurations_of_a_held_control_plane_stay_as_they_are_and_are_known_when_it_comes_back() -> None:
    w = lived()
    w.release("v1.1.0")
    w.rest()
    lines = w.xr["spec"]["controlPlanes"]
    w.edit(controlPlanes=[c for c in lines if c["name"] != "p"])
    w.rest()
    assert w.observed[key("p")]["spec"]["managementPolicies"] == ["Observe", "Create", "Update", "LateInitialize"]
    w.edit(controlPlanes=lines)
    w.rest()
    assert (w.runs()["p"], [d for d in w.deleted if d[2] == "Configuration"]) == ("v1.0.0", [])


def test_a_held_configuration_loses_its_delete() -> None:
    w = lived(removalPolicy="Delete")
    w.edit(configurations=[], removalPolicy="Delete")
    w.reconcile()
    assert w.observed[key("p")]["spec"]["managementPolicies"] == ["*"]
    w.edit(controlPlanes=[c for c in w.xr["spec"]["controlPlanes"] if c["name"] != "p"], removalPolicy="Confirm")
    stages = w.xr["spec"]["rollout"]["stages"]
    w.edit(rollout={"stages": stages})
    rsp = w.reconcile()
    assert world.plain(rsp.desired.resources[key("p")].resource)["spec"]["managementPolicies"] == [
        "Observe",
        "Create",
        "Update",
        "LateInitialize",
    ]


def test_removal_policy_delete_uninstalls() -> None:
    w = lived(removalPolicy="Delete")
    w.edit(configurations=[])
    w.rest()
    assert len([d for d in w.deleted if d[2] == "Configuration"]) == 4


def test_a_control_plane_that_moves_is_said_to_be_another_one_for_as_long_as_the_old_one_is_held() -> None:
    w = lived()
    w.edit(controlPlanes=[{**c, **({"group": "elsewhere"} if c["name"] == "p" else {})} for c in w.xr["spec"]["controlPlanes"]])
    w.rest()
    said = next(c.message for c in w.reconcile().conditions if c.type == "RemovalPending")
    assert "(renaming or moving it makes another one: control plane p (west/elsewhere/p))" in said


def test_a_claims_environment_rolls_out_too() -> None:
    xr = packages.environment(STAGES, "v1.0.0")
    env = parse(strategies.composite(xr["spec"], namespaced=False), strategies.INPUT)
    found = rollout.of(env, Observed({}, {}))
    assert [len(s.installs) for s in found.stages] == [1, 1, 2]
    assert {i.key for s in found.stages for i in s.installs} == {key(n) for n in "dspq"}
    assert names.control_plane_of(key("d")) == "controlplane/west/default/d"


def cannot_pull(w: packages.World, names: str, version: str) -> None:
    """Control planes that were told another version go on to run `version`."""
    for name in names:
        o = w.observed[key(name)]
        o["status"]["atProvider"]["manifest"]["status"] = {
            "currentIdentifier": packages.source(version),
            "conditions": [
                {"type": "Installed", "status": "False", "message": "cannot unpack package: 404"},
                {"type": "Healthy", "status": "True"},
            ],
        }
        o["status"]["conditions"] = [{**c, "status": "False" if c["type"] == "Ready" else c["status"]} for c in o["status"]["conditions"]]


def test_going_back_to_what_the_last_stage_runs_opens_all_stages_whatever_it_was_told() -> None:
    w = lived()
    w.release("v1.1.0")
    for _ in range(2):
        w.rest()
        w.now += packages.SOAK
    w.step()
    assert set(w.runs().values()) == {"v1.1.0"}
    cannot_pull(w, "pq", "v1.0.0")
    w.reconcile()

    w.release("v1.0.0")
    w.reconcile()

    assert {s["target"] for s in w.status()["stages"]} == {"v1.0.0"}


def test_a_last_stage_that_is_only_told_a_version_opens_no_gate() -> None:
    w = lived()
    w.bad = {packages.source("v2.0.0")}
    stages = [{**s, **({"version": "v2.0.0"} if s["name"] == "prod" else {})} for s in w.xr["spec"]["rollout"]["stages"]]
    w.edit(rollout={"stages": stages})
    w.release("v2.0.0")
    w.step()
    cannot_pull(w, "pq", "v1.0.0")
    w.reconcile()

    assert [s["target"] for s in w.status()["stages"]] == ["v2.0.0", "v1.0.0", "v2.0.0"]


def own(w: packages.World, **lines: dict[str, Any]) -> None:
    """Give control planes lines of their own for the Configuration, and nobody else any."""
    planes = [{k: v for k, v in c.items() if k != "configurations"} for c in w.xr["spec"]["controlPlanes"]]
    w.edit(
        controlPlanes=[
            {**c, **({"configurations": [{"name": "platform", **lines[c["name"]]}]} if c["name"] in lines else {})} for c in planes
        ]
    )


def soaking() -> packages.World:
    """A world in which a release has soaked in dev for 50 minutes of 60."""
    w = lived()
    w.release("v1.1.0")
    w.rest()
    w.now += timedelta(minutes=50)
    w.step()
    return w


def halted(rsp: fnv1.RunFunctionResponse) -> str:
    """What RolloutHalted says; empty where it is False."""
    return next(
        c.message for c in rsp.conditions if c.type == "RolloutHalted" and (c.status == fnv1.STATUS_CONDITION_TRUE) == bool(c.message)
    )


def test_a_release_that_takes_its_control_plane_down_halts_and_has_to_soak_from_the_beginning() -> None:
    w = soaking()
    w.crashed = {"d"}
    said = halted(w.rest())
    assert said == "stage dev is Halted: platform in control plane d is not healthy at v1.1.0: its control plane is not ready"
    w.now += packages.SOAK
    w.rest()
    w.crashed = set()
    w.rest()
    assert (stage(w, "dev")["soakingUntil"], w.runs()["s"]) == ("2026-01-01T14:50:00Z", "v1.0.0")


def test_a_control_plane_that_goes_down_after_its_object_is_lost_has_to_soak_from_the_beginning() -> None:
    w = soaking()
    w.crashed = {"d"}
    del w.observed[key("d")]["status"]
    w.step()
    w.step()
    w.crashed = set()
    w.now += packages.SOAK
    w.rest()
    assert (stage(w, "dev")["soakingUntil"], w.runs()["s"]) == ("2026-01-01T14:50:00Z", "v1.0.0")


def test_a_control_plane_that_is_coming_up_for_the_first_time_halts_nothing() -> None:
    w = packages.World(packages.environment(STAGES, "v1.0.0"))
    w.crashed = {"d"}
    assert (halted(w.rest()), stage(w, "dev")["phase"]) == ("", "Progressing")


def test_what_is_seen_to_be_unhealthy_halts_though_its_control_plane_cannot_be_read() -> None:
    w = soaking()
    w.bad = {packages.source("v1.1.0")}
    w.rest()
    unread(w, "d")
    assert halted(w.reconcile()).endswith("is not healthy at v1.1.0: cannot establish control of object")


def unread(w: packages.World, name: str) -> None:
    """A read of a control plane has failed, and none of what is in it."""
    for c in w.observed[f"controlplane/west/default/{name}"]["status"]["conditions"]:
        if c["type"] == "Synced":
            c.update(status="False", message="observe failed: dial tcp: connection refused")


def test_a_control_plane_that_is_edited_or_cannot_be_read_for_a_moment_halts_nothing_and_goes_on_soaking() -> None:
    w = soaking()
    w.edit(controlPlanes=[{**c, "labels": {**c["labels"], "team": "a"}} for c in w.xr["spec"]["controlPlanes"]])
    w.reconcile()
    assert (halted(w.reconcile()), stage(w, "dev")["healthySince"]) == ("", "2026-01-01T12:00:00Z")
    assert stage(w, "dev")["message"] == "platform in control plane d is being looked at again"
    w.step()
    unread(w, "d")
    w.now += packages.SOAK
    assert (halted(w.reconcile()), stage(w, "dev")["healthySince"], w.runs()["s"]) == ("", "2026-01-01T12:00:00Z", "v1.0.0")
    assert stage(w, "dev")["message"].startswith("platform in control plane d is not seen: the Space cannot be reached")
    w.rest()
    assert w.runs()["s"] == "v1.1.0"


@pytest.mark.parametrize("lost", ["object", "status"])
def test_one_of_the_last_stage_that_is_not_seen_opens_no_gate(lost: str) -> None:
    w = lived()
    own(w, p={"version": "v1.1.0"})
    w.rest()
    w.now += timedelta(days=1)
    w.rest()
    own(w)
    w.release("v1.1.0")
    w.step()
    assert w.runs() == {"d": "v1.1.0", "s": "v1.0.0", "p": "v1.1.0", "q": "v1.0.0"}
    w.observed[key("q")].pop("status") if lost == "status" else w.observed.pop(key("q"))
    w.rest()
    assert w.runs() == {"d": "v1.1.0", "s": "v1.0.0", "p": "v1.1.0", "q": "v1.0.0"}


def test_a_new_control_plane_beside_one_that_cannot_be_read_is_no_first_installation() -> None:
    w = packages.World(packages.environment({"dev": ["d"], "prod": ["p"]}, "v1.0.0"))
    w.rest()
    w.release("v1.1.0")
    w.rest()
    w.observed, w.xr = {}, {k: v for k, v in w.xr.items() if k != "status"}
    w.shut = {"p"}
    w.edit(controlPlanes=[*w.xr["spec"]["controlPlanes"], {"name": "new", "labels": {"stage": "prod"}}])
    w.rest()
    assert w.runs() == {"d": "v1.1.0", "p": "v1.0.0"}
    w.shut = set()
    w.rest()
    assert w.runs() == {"d": "v1.1.0", "p": "v1.0.0", "new": "v1.0.0"}


def test_a_second_configuration_waits_for_the_soak_where_a_first_one_runs() -> None:
    w = lived()
    w.edit(configurations=[*w.xr["spec"]["configurations"], {"name": "more", "package": "xpkg.upbound.io/acme/more", "version": "v1.0.0"}])
    w.rest()
    assert (stage(w, "dev")["target"], stage(w, "staging")["target"]) == ("more v1.0.0, platform v1.0.0", "v1.0.0")
    assert [place[4] for place, o in w.remote.items() if o["kind"] == "Configuration" and place[1].endswith((".s", ".p"))] == [
        "platform"
    ] * 2
    w.now += packages.SOAK
    w.rest()
    assert stage(w, "staging")["target"] == "more v1.0.0, platform v1.0.0"


FIPS = {"package": "xpkg.upbound.io/acme/platform-fips"}


def half_way(**lines: dict[str, Any]) -> packages.World:
    """A world in which prod has lines of its own, and a release has come to dev and staging."""
    w = lived()
    own(w, **lines)
    w.now += timedelta(days=1)
    w.rest()
    w.now += timedelta(days=1)
    w.rest()
    w.release("v1.1.0")
    w.rest()
    w.now += packages.SOAK
    w.rest()
    assert {n: v for n, v in w.runs().items() if n in "ds"} == {"d": "v1.1.0", "s": "v1.1.0"}
    return w


@pytest.mark.parametrize("line", [FIPS, {"version": "v0.9.0"}, {**FIPS, "version": "v0.9.0"}], ids=["package", "version", "both"])
def test_going_back_is_open_at_once_though_one_of_the_last_stage_has_a_line_of_its_own(line: dict[str, str]) -> None:
    w = half_way(p=line)
    w.release("v1.0.0")
    w.step()
    assert w.runs() == {"d": "v1.0.0", "s": "v1.0.0", "p": line.get("version", "v1.0.0"), "q": "v1.0.0"}


@pytest.mark.parametrize(
    "lines",
    [
        {"p": {"version": "v0.9.0"}, "q": {"version": "v0.8.0"}},
        {"p": {"version": "v0.9.0"}, "q": FIPS},
    ],
    ids=["none of it runs that version", "only another package has it"],
)
def test_a_last_stage_of_lines_of_its_own_opens_no_gate(lines: dict[str, Any]) -> None:
    w = half_way(**lines)
    if lines["q"] is FIPS:
        # What q has is v1.0.0 of its old package, which says nothing of v1.0.0 of the new one.
        own(w, p=lines["p"])
    w.release("v1.2.0" if lines["q"] is not FIPS else "v1.0.0")
    w.step()
    assert (w.runs()["s"], stage(w, "staging")["target"]) == ("v1.1.0", "v1.1.0")


def test_a_new_control_plane_gets_what_others_run_of_its_own_package_and_waits_where_there_is_none() -> None:
    w = half_way(p=FIPS, q=FIPS)
    w.edit(controlPlanes=[*w.xr["spec"]["controlPlanes"], {"name": "new", "labels": {"stage": "prod"}}])
    w.rest()
    assert "new" not in w.runs()
    assert w.status()["controlPlanes"][-1]["configurations"][0]["message"] == "waits for its stage to be open"
    own(w, p=FIPS, q=FIPS, new=FIPS)
    w.rest()
    assert w.running()["new"] == f"{FIPS['package']}:v1.0.0"


def test_nothing_is_said_to_be_rolled_out_while_anything_of_it_changes() -> None:
    w = lived()
    w.edit(configurations=[{**w.xr["spec"]["configurations"][0], "packagePullPolicy": "Always"}])
    rsp = w.reconcile()
    said = next(c for c in rsp.conditions if c.type == "RolledOut")
    assert (said.status, said.reason, w.status()["rollout"]) == (fnv1.STATUS_CONDITION_FALSE, "Progressing", "dev: Progressing")
    assert said.message.startswith("stage dev is Progressing: platform in control plane d is being changed; stage staging")
    assert stage(w, "prod")["message"] == "platform in control plane p is being changed (and 1 more)"
    w.rest()
    assert (w.status()["rollout"], stage(w, "dev")["healthySince"]) == ("RolledOut", "2026-01-01T03:00:00Z")


def test_what_is_only_looked_at_is_nothing_to_wait_for_in_a_hurry_and_says_who_has_to_act() -> None:
    w = lived()
    planes = w.xr["spec"]["controlPlanes"]
    w.edit(controlPlanes=[{**c, **({"managementPolicies": ["Observe"]} if c["name"] == "s" else {})} for c in planes])
    w.rest()
    w.release("v1.1.0")
    w.rest()
    w.now += packages.SOAK
    rsp = w.rest()
    does = "is only looked at (managementPolicies: [Observe]) and runs v1.0.0: install v1.1.0 there"
    assert (w.status()["rollout"], rsp.meta.ttl.seconds) == ("staging: Waiting", 600)
    assert stage(w, "staging")["message"] == f"platform in control plane s {does}, or put it in the last stage"
    assert w.status()["controlPlanes"][1]["configurations"][0]["message"] == does
    assert stage(w, "prod")["message"] == "waits for stage staging"
    w.down = {"s"}
    w.rest()
    assert stage(w, "staging")["message"].startswith("platform in control plane s is not seen")
    w.down = set()
    own(w)
    stages = w.xr["spec"]["rollout"]["stages"]
    w.edit(
        rollout={
            "stages": [
                {**x, "controlPlaneSelector": {"names": {"staging": ["p", "q"], "prod": ["s"]}.get(x["name"], ["d"])}} for x in stages
            ]
        }
    )
    w.rest()
    assert stage(w, "prod")["message"] == "waits for stage staging"
    w.now += packages.SOAK
    w.rest()
    assert (w.runs()["p"], stage(w, "prod")["message"]) == ("v1.1.0", f"platform in control plane s {does}")
    del w.remote[next(place for place, o in w.remote.items() if o["kind"] == "Configuration" and place[1].endswith(".s"))]
    w.rest()
    assert "and runs nothing: install v1.1.0 there" in stage(w, "prod")["message"]


def test_what_somebody_changed_inside_a_control_plane_is_on_its_way_back_and_soaks_from_the_beginning() -> None:
    w = soaking()
    w.observed[key("d")]["status"]["atProvider"]["manifest"]["spec"]["package"] = packages.source("v1.2.0")
    w.reconcile()
    found = stage(w, "dev")
    assert (found["phase"], found["message"]) == ("Progressing", "platform in control plane d is on its way to v1.1.0")
    assert "healthySince" not in found
