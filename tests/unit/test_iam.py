"""Teams, robots, tokens, repositories and roles, step by step: what is used is never taken away."""

import asyncio
import copy
import functools
from typing import Any

import pytest
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import fn, model, names
from function.model import Identity
from tests import stories, strategies, upbound, world
from tests.unit.test_life import change, conditions

ACME = Identity("platform", "acme")
HOST = "west.spaces.upbound.io"
EAST = "east.spaces.upbound.io"
TEAM, ROBOT, TOKEN = "team/platform", "robot/ci", "token/ci/spaces/{}"
BINDING = f"resource/group/west/dev/{'ObjectRoleBinding.authorization.spaces.upbound.io'}/-/dev"
BOUND = (HOST, "", "ObjectRoleBinding", "dev", "dev")
IAM: dict[str, Any] = {
    "teams": [{"name": "platform"}],
    "robots": [{"name": "ci", "teams": ["platform"], "tokens": [{"name": "spaces"}]}],
    "repositories": [{"name": "config", "permissions": [{"team": "platform", "permission": "read"}]}],
}
SPEC: dict[str, Any] = {
    "organization": "acme",
    "spaces": [
        {"name": "west", "host": HOST},
        {"name": "east", "host": EAST, "credentials": {"robotTokenRef": {"robot": "ci", "token": "spaces"}}},
    ],
    "groups": [{"name": "dev", "space": "west", "access": [{"team": "platform", "role": "editor"}]}],
    "controlPlanes": [{"name": "dev", "group": "dev"}, {"name": "far", "space": "east"}],
    "iam": IAM,
}
BOTH = pytest.mark.parametrize("namespaced", [False, True], ids=["claims", "namespaced"])


def xr(*, namespaced: bool = True, **spec: Any) -> dict[str, Any]:
    """An environment whose second Space is reached with a robot's token."""
    return strategies.composite(copy.deepcopy({**SPEC, **spec}), namespaced=namespaced)


def lived(*, namespaced: bool = True, **spec: Any) -> world.World:
    """A world in which all of it came to rest."""
    return world.settled(xr(namespaced=namespaced, **spec), strategies.INPUT)


@functools.cache
def once() -> world.World:
    """That world, made once: copy it."""
    return lived()


def ready(rsp: fnv1.RunFunctionResponse) -> bool:
    """Whether Crossplane would say that the XR is."""
    return rsp.desired.composite.ready != fnv1.READY_FALSE and all(r.ready == fnv1.READY_TRUE for r in rsp.desired.resources.values())


def sound(w: world.World) -> None:
    """Nothing that is used is gone: the token of each Space that has things, the teams of each role, the robots of each token."""
    secret = w.observed.get("providerconfig/east", {}).get("spec", {}).get("identity", {}).get("secretRef", {}).get("name")
    if secret and any(k.startswith("controlplane/east") for k in w.observed):
        token = w.secrets[secret]
        assert ("api.upbound.io", "", "Token", "", token) in w.remote
        assert any(p[2] == "RobotTeamMembership" for p in w.remote)
    for subject in w.remote.get(BOUND, {}).get("spec", {}).get("subjects", []):
        assert ("api.upbound.io", "", "Team", "", subject["name"]) in w.remote
    kinds = [p[2] for p in w.remote]
    assert "Robot" in kinds or "Token" not in kinds


def token(generation: int) -> list[dict[str, Any]]:
    """The robots, with a generation of their token."""
    return [{"name": "ci", "teams": ["platform"], "tokens": [{"name": "spaces", "generation": generation}]}]


@BOTH
def test_a_walk_of_states_in_which_nothing_is_ever_without_what_it_uses(namespaced: bool) -> None:
    w = world.World(xr(namespaced=namespaced), strategies.INPUT)

    # Nothing is observed: what cannot be written yet waits, everything else is there.
    first = w.reconcile()
    assert {TEAM, ROBOT, "membership/ci/platform", TOKEN.format(1), "repository/config", "upbound"} <= set(first.desired.resources)
    assert not {BINDING, "providerconfig/east", "permission/config/platform/read"} & set(first.desired.resources)
    assert not ready(first)

    # Each becomes ready in its turn.
    seen = []
    for kind in ("Team", "Robot", "RobotTeamMembership", "Token", "Repository", "Permission"):
        for key in [k for k, o in w.observed.items() if o["kind"] == kind]:
            upbound.provide(w, key, ready=True)
        rsp = w.reconcile()
        seen.append((kind, {BINDING, "providerconfig/east"} & set(rsp.desired.resources)))
        sound(w)
        assert not ready(rsp)
    assert seen[0] == ("Team", {BINDING})
    assert [kind for kind, there in seen if "providerconfig/east" in there] == ["Token", "Repository", "Permission"]
    for _ in range(5):
        rsp = w.step()
        sound(w)
    assert ready(rsp)
    uuid = w.observed[TEAM]["metadata"]["annotations"][upbound.NAME]
    assert w.remote[BOUND]["spec"]["subjects"] == [{"kind": "UpboundTeam", "name": uuid, "role": "editor"}]

    # Rotated: the Space moves when the new token is ready, and the old one goes after that.
    old, new = (f"ci-spaces-{n}" for n in (1, 2))
    change(w, iam={**IAM, "robots": token(2)})
    rsp = w.reconcile()
    assert (used(rsp), ready(rsp), TOKEN.format(1) in rsp.desired.resources) == (old, False, True)
    w.provide(ready=False)
    assert used(w.reconcile()) == old
    w.provide()
    rsp = w.reconcile()
    assert (used(rsp), TOKEN.format(1) in rsp.desired.resources) == (new, True)
    sound(w)
    # What was ready once is used for good, whatever is seen of it later.
    w.observed[TOKEN.format(2)]["status"] = {}
    rsp = w.reconcile()
    assert (used(rsp), ready(rsp)) == (new, False)
    for _ in range(4):
        rsp = w.step()
        sound(w)
    assert (sorted(w.secrets), TOKEN.format(1) in w.observed, ready(rsp)) == ([new], False, True)
    assert [p[2] for p in w.deleted] == ["Token"]

    # Removed, all at once: what uses goes before what is used.
    change(w, removalPolicy="Delete")
    for _ in range(3):
        w.step()
    w.deleted.clear()
    w.xr = strategies.composite({"organization": "acme", "removalPolicy": "Delete"}, namespaced=namespaced)
    for _ in range(12):
        w.step()
        sound(w)
    assert w.observed == {}
    order = [p[2] for p in w.deleted]
    assert order.index("ControlPlane") < order.index("Token") < order.index("RobotTeamMembership") < order.index("Team")
    assert order.index("Token") < order.index("Robot")
    assert order.index("ObjectRoleBinding") < order.index("Team")
    assert order.index("Permission") < order.index("Repository")


def used(rsp: fnv1.RunFunctionResponse) -> str:
    """The Secret that the second Space is reached with."""
    found: str = world.plain(rsp.desired.resources["providerconfig/east"].resource)["spec"]["identity"]["secretRef"]["name"]
    return found


def test_a_rotation_that_comes_twice_waits_for_the_newest_that_works() -> None:
    w = lived()
    change(w, iam={**IAM, "robots": token(2)})
    w.step()
    change(w, iam={**IAM, "robots": token(3)})
    rsp = w.reconcile()
    assert (used(rsp), {TOKEN.format(n) for n in (1, 2, 3)} <= set(rsp.desired.resources)) == ("ci-spaces-2", True)
    for _ in range(5):
        w.step()
        sound(w)
    assert sorted(w.secrets) == ["ci-spaces-3"]


def test_an_old_token_that_is_on_its_way_out_is_not_gone_back_to() -> None:
    w = lived()
    change(w, iam={**IAM, "robots": token(2)})
    w.reconcile()
    w.observed[TOKEN.format(1)]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert used(w.reconcile()) == "ci-spaces-1", "which the Space is reached with until the next one is there"
    w.provide()
    assert used(w.reconcile()) == "ci-spaces-2"


def test_an_old_token_that_is_wanted_again_is_used_when_it_is_made_anew() -> None:
    w = lived()
    change(w, iam={**IAM, "robots": token(2)})
    while "deletionTimestamp" not in w.observed[TOKEN.format(1)]["metadata"]:
        w.provide()
        w.reconcile()
    change(w, iam={**IAM, "robots": token(1)})
    assert used(w.reconcile()) == "ci-spaces-2", "though what is going still says Ready"


def test_the_status_says_where_a_token_is_and_which_team_is_which() -> None:
    w = lived()
    change(w, iam={**IAM, "robots": token(2)})
    w.reconcile()
    status = w.xr["status"]

    assert status["teams"] == [{"name": "platform", "id": w.observed[TEAM]["metadata"]["annotations"][upbound.NAME], "ready": True}]
    assert status["tokens"] == [
        {"name": "ci/spaces", "namespace": "platform", "secretName": "ci-spaces-1", "ready": False, "message": "is being created"}
    ]


def test_a_token_is_never_written_to_another_secret_than_it_was_made_into() -> None:
    w = lived()
    change(w, iam={**IAM, "robots": [{**token(1)[0], "tokens": [{"name": "spaces", "writeConnectionSecretToRef": {"name": "other"}}]}]})

    assert "cannot change writeConnectionSecretToRef once it exists" in conditions(w)["Refused"]
    assert w.observed[TOKEN.format(1)]["spec"]["writeConnectionSecretToRef"]["name"] == "ci-spaces-1"


@pytest.mark.parametrize(
    ("iam", "field"),
    [
        ({"teams": [{"name": "platform", "remoteName": "other"}]}, "name"),
        ({"robots": [{**IAM["robots"][0], "remoteName": "other"}]}, "name"),
        ({"robots": [{**IAM["robots"][0], "description": "other"}]}, "description"),
    ],
)
def test_a_change_that_the_provider_would_ignore_is_refused(iam: dict[str, Any], field: str) -> None:
    w = lived()
    before = copy.deepcopy({k: w.observed[k]["spec"]["forProvider"] for k in (TEAM, ROBOT)})
    change(w, iam={**IAM, **iam})

    assert f"cannot change {field} once it exists: put it back as it was, or remove it and make another" in conditions(w)["Refused"]
    assert {k: w.observed[k]["spec"]["forProvider"] for k in (TEAM, ROBOT)} == before
    assert not ready(w.reconcile())


def permission(level: str) -> dict[str, Any]:
    """The iam, with another permission."""
    return {**IAM, "repositories": [{"name": "config", "permissions": [{"team": "platform", "permission": level}]}]}


def test_another_level_of_a_permission_comes_when_the_old_one_is_gone() -> None:
    w = lived()
    uuid = w.observed[TEAM]["metadata"]["annotations"][upbound.NAME]
    place = ("api.upbound.io", "", "Permission", "config", uuid)
    assert w.remote[place]["permission"] == "read"

    change(w, iam=permission("write"))
    for _ in range(2):
        rsp = w.step()
        assert ("permission/config/platform/write" in rsp.desired.resources, ready(rsp)) == (False, False)
    for _ in range(3):
        rsp = w.step()
    assert (w.remote[place]["permission"], ready(rsp)) == ("write", True)


def test_a_team_that_exists_already_is_looked_at_and_left() -> None:
    w = lived(iam={**IAM, "teams": [{"name": "platform", "externalName": upbound.UUID}]}, removalPolicy="Delete")
    assert w.observed[TEAM]["spec"]["managementPolicies"] == ["Observe"]
    assert w.remote[BOUND]["spec"]["subjects"][0]["name"] == upbound.UUID

    change(w, iam={}, groups=[], controlPlanes=[], spaces=[])
    for _ in range(12):
        w.step()
    assert (w.observed, ("api.upbound.io", "", "Team", "", upbound.UUID) in w.remote) == ({}, True)


OTHER = "11111111-58c2-4a6e-9d1c-6a3b2c1d0e9f"


@pytest.mark.parametrize("field", ["teams", "robots"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"externalName": upbound.UUID}, id="made, and then said to be another"),
        pytest.param({"externalName": upbound.UUID}, {}, id="found, and then to be made"),
        pytest.param({"externalName": upbound.UUID}, {"externalName": OTHER}, id="found, and then another"),
    ],
)
def test_what_a_team_or_robot_was_found_or_made_as_it_stays(field: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    key = TEAM if field == "teams" else ROBOT

    def iam(said: dict[str, Any]) -> dict[str, Any]:
        return {**IAM, field: [{**IAM[field][0], **said}]}

    w = lived(iam=iam(before), removalPolicy="Delete")
    had, bound = copy.deepcopy(w.observed[key]), copy.deepcopy(w.remote[BOUND]["spec"])
    change(w, iam=iam(after))

    assert "cannot change externalName once it is known" in conditions(w)["Refused"]
    for _ in range(4):
        w.step()
    annotations = {name: w.observed[key]["metadata"]["annotations"][name] for name in (upbound.NAME, "environments.upbound.io/name")}
    assert annotations == {name: had["metadata"]["annotations"][name] for name in annotations}
    assert w.observed[key]["spec"] == had["spec"]
    assert w.remote[BOUND]["spec"] == bound, "roles stay where they are"
    assert not ready(w.reconcile())

    change(w, iam=iam(before))
    assert "Refused" not in conditions(w)


def test_what_was_made_may_be_left_to_itself_by_its_own_uuid() -> None:
    w = lived(removalPolicy="Delete")
    uuid = w.observed[TEAM]["metadata"]["annotations"][upbound.NAME]
    change(w, iam={**IAM, "teams": [{"name": "platform", "externalName": uuid}]})
    for _ in range(3):
        w.step()
    assert "Refused" not in conditions(w)
    assert w.observed[TEAM]["spec"]["managementPolicies"] == ["Observe"]
    change(w, iam=IAM)
    w.step()
    assert w.observed[TEAM]["spec"]["managementPolicies"] == ["*"]


def test_a_role_by_uuid_needs_no_team_of_this_environment() -> None:
    w = world.World(xr(groups=[{"name": "dev", "space": "west", "access": [{"team": upbound.UUID, "role": "admin"}]}]), strategies.INPUT)

    rsp = w.reconcile()

    bound = world.plain(rsp.desired.resources[BINDING].resource)["spec"]["forProvider"]["manifest"]["spec"]
    assert bound["subjects"] == [{"kind": "UpboundTeam", "name": upbound.UUID, "role": "admin"}]


@pytest.mark.parametrize("cut", [{}, {"annotations": None}])
def test_a_team_that_cannot_be_read_takes_nobodys_role_away(cut: dict[str, Any]) -> None:
    w = lived()
    before = w.observed[BINDING]["spec"]["forProvider"]["manifest"]["spec"]["subjects"]
    w.observed[TEAM]["metadata"] = {"name": w.observed[TEAM]["metadata"]["name"], **cut}
    if cut:
        w.observed[BINDING]["spec"]["forProvider"] = {}

    rsp = world.call(w.xr, strategies.INPUT, w.observed)

    after = world.plain(rsp.desired.resources[BINDING].resource)["spec"]["forProvider"]["manifest"]["spec"]["subjects"]
    assert after == ([] if cut else before)


REPOSITORY = ("api.upbound.io", "", "Repository", "", "config")


def repository(**fields: Any) -> dict[str, Any]:
    """The iam, with another repository."""
    return {**IAM, "repositories": [{"name": "config", **fields}]}


def test_a_repository_that_exists_is_a_conflict_until_it_is_adopted() -> None:
    w = world.World(xr(), strategies.INPUT)
    w.remote[REPOSITORY] = {"repositoryId": 7, "public": True, "publishPolicy": "publish"}
    for _ in range(4):
        w.step()
    assert "repository config exists already and is not this environment's: set adopt: true" in conditions(w)["Conflict"]
    assert (w.remote[REPOSITORY]["public"], [p for p in w.remote if p[2] == "Permission"]) == (True, [])

    change(w, iam=repository(adopt=True))
    for _ in range(4):
        w.step()
    assert ("Conflict" in conditions(w), w.remote[REPOSITORY]["public"]) == (False, False)


def test_a_repository_whose_line_is_gone_is_held_until_its_number_confirms_it() -> None:
    w = lived()
    number = w.remote[REPOSITORY]["repositoryId"]
    change(w, iam={**IAM, "repositories": []})
    for _ in range(4):
        w.step()
    assert f"{{kind: Repository, name: config, uid: {number}}}" in conditions(w)["RemovalPending"]
    assert REPOSITORY in w.remote

    status = w.observed["repository/config"].pop("status")
    change(w, confirmedRemovals=[{"kind": "Repository", "name": "config", "uid": "unknown"}])
    assert "it cannot be read now" in conditions(w)["RemovalPending"]

    w.observed["repository/config"]["status"] = status
    change(w, confirmedRemovals=[{"kind": "Repository", "name": "config", "uid": str(number)}])
    for _ in range(3):
        w.step()
    assert REPOSITORY not in w.remote


def test_a_change_of_one_field_that_the_provider_takes_for_none_is_refused_until_it_is_carried_out() -> None:
    w = lived()
    change(w, iam=repository(public=True))
    assert "repository config cannot change public alone" in conditions(w)["Refused"]
    assert w.observed["repository/config"]["spec"]["forProvider"]["public"] is False

    w.remote[REPOSITORY]["public"] = True
    for _ in range(3):
        rsp = w.step()
    assert (w.observed["repository/config"]["spec"]["forProvider"]["public"], ready(rsp)) == (True, True)

    change(w, iam=repository(public=False, publish=True))
    for _ in range(3):
        rsp = w.step()
    assert (w.remote[REPOSITORY]["publishPolicy"], ready(rsp)) == ("publish", True)


def test_an_environment_whose_space_rests_on_its_own_robot_is_not_deletable() -> None:
    w = lived(removalPolicy="Delete")

    message = next(c.message for c in w.reconcile().conditions if c.type == "Deletable")

    assert message == (
        "a robot's token would go while it is in use: write tokenSecretRef first, "
        "or empty the lists, which removes all in order: Space east"
    )


def test_a_confirmation_of_a_repository_that_is_wanted_is_warned_about() -> None:
    w = lived(confirmedRemovals=[{"kind": "Repository", "name": "config", "uid": "1"}])

    assert "confirmedRemovals names Repository config, which is still wanted; take the entry out" in w.xr["status"]["warnings"]


@pytest.mark.parametrize(("organizations", "warned"), [(["acme"], False), (["acme", "other"], True), (["ac*"], True)])
def test_rules_that_let_two_organizations_use_one_provider_are_warned_about(organizations: list[str], warned: bool) -> None:
    rules = {**strategies.INPUT, "rules": [{**strategies.INPUT["rules"][0], "organizations": organizations}]}

    status = world.plain(world.call(xr(), rules).desired.composite.resource)["status"]

    assert any("one session a process" in text for text in status.get("warnings", [])) is warned


def test_names_of_what_is_made_are_found_again() -> None:
    w = lived()

    assert w.observed[TEAM]["metadata"]["name"] == names.object_name(ACME, TEAM)


def test_the_shipped_runtime_config_lets_the_provider_know_management_policies() -> None:
    runtime, provider = stories.load(stories.ROOT / "package" / "install" / "provider-upbound.yaml")

    (container,) = runtime["spec"]["deploymentTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "ENABLE_MANAGEMENT_POLICIES", "value": "true"}]
    assert provider["spec"]["runtimeConfigRef"]["name"] == runtime["metadata"]["name"]


def test_a_token_of_a_bare_composite_needs_a_namespace() -> None:
    bare = {**xr(namespaced=False), "metadata": {"name": "acme"}}
    bare["spec"] = {k: v for k, v in bare["spec"].items() if k != "claimRef"}

    with pytest.raises(model.InvalidError, match="is required where the environment has no namespace; name the namespace of the Secret"):
        model.parse(bare, strategies.INPUT)


@pytest.mark.parametrize("broken", [{"spec": {}}, {"spec": None}, {"metadata": {"name": "x"}}, {"kind": None}, {"status": 1}])
@pytest.mark.parametrize(
    "key", [TEAM, ROBOT, TOKEN.format(1), "membership/ci/platform", "repository/config", "permission/config/platform/read"]
)
def test_broken_resources_of_the_organization_are_no_defect(key: str, broken: dict[str, Any]) -> None:
    for spec in (SPEC, {"organization": "acme"}):
        w = copy.deepcopy(once())
        w.observed[key] = {**w.observed[key], **broken}
        w.xr = strategies.composite(copy.deepcopy(spec), namespaced=True)

        rsp = asyncio.run(fn.FunctionRunner().RunFunction(world.request(w.xr, strategies.INPUT, w.observed), None))

        assert not rsp.results


def test_an_environment_with_removal_policy_delete_and_teams_becomes_deletable() -> None:
    w = lived(removalPolicy="Delete", spaces=SPEC["spaces"][:1], controlPlanes=[{"name": "dev", "group": "dev"}])

    condition = next(c for c in w.reconcile().conditions if c.type == "Deletable")

    assert (condition.status, condition.reason) == (fnv1.STATUS_CONDITION_TRUE, "Ready")
    assert all(o["spec"]["managementPolicies"] == ["*"] for o in w.observed.values() if o["kind"] in upbound.KINDS)


def test_a_token_that_something_is_only_about_to_use_stays() -> None:
    w = lived()
    change(w, iam={**IAM, "robots": token(2)})
    del w.observed["providerconfig/east"]

    rsp = w.reconcile()

    assert used(rsp) == "ci-spaces-1"
    assert "*" not in world.plain(rsp.desired.resources[TOKEN.format(1)].resource)["spec"]["managementPolicies"]


def test_the_token_that_others_outside_read_stays_until_the_next_one_is_ready() -> None:
    robots = [{"name": "ci", "tokens": [{"name": "outside"}]}]
    w = lived(spaces=[SPEC["spaces"][0]], controlPlanes=SPEC["controlPlanes"][:1], iam={**IAM, "robots": robots})
    assert list(w.secrets) == ["ci-outside-1"]
    change(w, iam={**IAM, "robots": [{"name": "ci", "tokens": [{"name": "outside", "generation": 2}]}]})
    for _ in range(3):
        w.step(ready=False)
        assert "ci-outside-1" in w.secrets
    for _ in range(4):
        w.step()
    assert list(w.secrets) == ["ci-outside-2"]
