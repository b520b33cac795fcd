"""What leads somewhere moves when that is there: another token, another control plane, another namespace."""

import copy
from typing import Any

import pytest

from function import model, names
from function.model.parts import SecretKey
from tests import strategies, world
from tests.unit.test_iam import BINDING, BOTH, BOUND, IAM, ROBOT, SPEC, TEAM, TOKEN, lived, ready, used, xr
from tests.unit.test_life import change, conditions

RELEASE = "connector/shop/kube-system"
PERSONAL = {"tokenSecretRef": {"name": "personal", "key": "token"}}
NEW = ({"robot": "ci", "token": "new"}, {"name": "new"})


def spaces(token: dict[str, Any]) -> list[dict[str, Any]]:
    """The Spaces, the second of which is reached with `token`."""
    west, east = SPEC["spaces"]
    return [west, {**east, "credentials": token}]


def tokens(*said: dict[str, Any]) -> dict[str, Any]:
    """The iam, in which the robot has these tokens."""
    return {**IAM, "robots": [{"name": "ci", "teams": ["platform"], "tokens": list(said)}]}


def message(w: world.World, type_: str) -> str:
    """What a condition says."""
    return next(c.message for c in w.reconcile().conditions if c.type == type_)


@BOTH
def test_a_space_moves_to_a_robots_token_when_that_is_there(namespaced: bool) -> None:
    personal = {"tokenSecretRef": {**PERSONAL["tokenSecretRef"], **({} if namespaced else {"namespace": "crossplane-system"})}}
    rules = copy.deepcopy(strategies.INPUT)
    rules["rules"][0]["secrets"].append({"namespace": "crossplane-system", "name": "personal", "key": "token", "use": "Token"})
    w = world.settled(xr(namespaced=namespaced, spaces=spaces(personal)), rules)
    ref, said = NEW
    change(w, spaces=spaces({"robotTokenRef": ref}), iam=tokens({"name": "spaces"}, said))

    for _ in range(2):
        rsp = w.reconcile()
        assert (used(rsp), ready(rsp)) == ("personal", False)
    assert "access to east (waiting for token ci/new (ci/new/1)): not there yet" in message(w, "CredentialsReady")
    for _ in range(3):
        rsp = w.step()
    assert (used(rsp), ready(rsp), "ci-new-1" in w.secrets) == ("ci-new-1", True, True)


def test_a_token_under_another_name_is_used_when_it_is_there_and_the_old_one_goes_after_that() -> None:
    w = lived()
    ref, said = NEW
    change(w, spaces=spaces({"robotTokenRef": ref}), iam=tokens(said))

    for _ in range(4):
        w.reconcile()
        w.observed["token/ci/new/1"]["status"] = {}
    assert (w.observed["providerconfig/east"]["spec"]["identity"]["secretRef"]["name"], list(w.secrets)) == ("ci-spaces-1", ["ci-spaces-1"])
    assert "deletionTimestamp" not in w.observed[TOKEN.format(1)]["metadata"]
    for _ in range(4):
        rsp = w.step()
    assert (used(rsp), list(w.secrets), ready(rsp)) == ("ci-new-1", ["ci-new-1"], True)


def test_a_secret_of_the_same_name_elsewhere_is_another() -> None:
    rules = copy.deepcopy(strategies.INPUT)
    rules["rules"][0]["secrets"].append({"namespace": "crossplane-system", "name": "ci-spaces-2", "key": "token", "use": "Token"})
    other = {
        "name": "north",
        "host": strategies.HOSTS[2],
        "credentials": {"tokenSecretRef": {"namespace": "crossplane-system", "name": "ci-spaces-2", "key": "token"}},
    }
    w = world.settled(xr(namespaced=False, spaces=[*SPEC["spaces"], other]), rules)
    change(w, iam=tokens({"name": "spaces", "generation": 2}))

    assert used(w.reconcile()) == "ci-spaces-1"


def test_a_secret_whose_name_goes_on_otherwise_is_nobodys_token() -> None:
    env = model.parse(xr(spaces=spaces({"tokenSecretRef": {"name": "ci-spaces-old", "key": "token"}})), strategies.INPUT)

    assert env.spaces["east"].token == SecretKey("platform", "ci-spaces-old", "token")


def connected(**more: Any) -> dict[str, Any]:
    """A namespaced environment with two control planes and a connector to the first."""
    connector = {
        "name": "a",
        "controlPlane": "c",
        "target": "shop",
        "version": "0.10.0",
        "claimNamespace": "one",
        "robotTokenRef": {"robot": "ci", "token": "apps"},
    }
    spec = {
        "organization": "acme",
        "spaces": [{"name": "w", "host": strategies.HOSTS[0]}],
        "controlPlanes": [{"name": "c"}],
        "iam": {"robots": [{"name": "ci", "tokens": [{"name": "apps"}]}]},
        "connectors": [{**connector, **more}],
    }
    return strategies.composite(spec, namespaced=True)


def aimed(w: world.World) -> dict[str, Any]:
    """What the Release's control plane is."""
    found: dict[str, Any] = w.observed[RELEASE]["spec"]["forProvider"]["values"]["spaces"]["controlPlane"]
    return found


def test_a_connector_moves_to_another_namespace_when_that_is_there() -> None:
    w = world.settled(connected(), strategies.INPUT)
    change(w, connectors=connected(claimNamespace="two")["spec"]["connectors"])

    rsp = w.reconcile()
    assert (aimed(w)["claimNamespace"], ready(rsp)) == ("one", False)
    assert "a (waiting for resource two" in message(w, "ConnectorsReady")
    for _ in range(4):
        rsp = w.step()
    assert (aimed(w)["claimNamespace"], ready(rsp)) == ("two", True)


def test_a_connector_never_moves_to_somebody_elses_control_plane() -> None:
    w = world.settled(connected(), strategies.INPUT)
    labels = {names.LABEL_ENVIRONMENT: "f" * 32}
    w.remote[strategies.HOSTS[0], "", "ControlPlane", "default", "d"] = {
        "kind": "ControlPlane",
        "metadata": {"name": "d", "namespace": "default", "uid": "u", "labels": labels},
        "spec": {},
    }
    change(w, controlPlanes=[{"name": "c"}, {"name": "d"}], connectors=connected(controlPlane="d")["spec"]["connectors"])

    for _ in range(5):
        rsp = w.step()
        assert (aimed(w)["name"], ready(rsp)) == ("c", False)
    assert "control plane d" in conditions(w)["Conflict"]


def test_a_connectors_old_token_stays_until_its_release_works_with_the_new_one() -> None:
    w = world.settled(connected(), strategies.INPUT)
    change(w, iam={"robots": [{"name": "ci", "tokens": [{"name": "apps", "generation": 2}]}]})
    for _ in range(5):
        w.step()
        w.observed[RELEASE]["status"] = {"conditions": [world.condition("Synced", met=False), world.condition("Ready", met=True)]}
    (value,) = w.observed[RELEASE]["spec"]["forProvider"]["set"]
    assert (value["valueFrom"]["secretKeyRef"]["name"], sorted(w.secrets)) == ("ci-apps-2", ["ci-apps-1", "ci-apps-2"])

    for _ in range(4):
        w.step()
    assert sorted(w.secrets) == ["ci-apps-2"]


def test_a_role_is_lowered_though_another_team_of_the_group_is_not_there_yet() -> None:
    w = lived()
    uuid = w.observed[TEAM]["metadata"]["annotations"]["crossplane.io/external-name"]
    access = [{"team": "platform", "role": "viewer"}, {"team": "new", "role": "admin"}]
    change(w, groups=[{**SPEC["groups"][0], "access": access}], iam={**IAM, "teams": [{"name": "platform"}, {"name": "new"}]})
    w.reconcile()
    w.observed["team/new"]["spec"]["managementPolicies"] = ["Observe"]  # It cannot be made.
    w.provide()
    assert w.remote[BOUND]["spec"]["subjects"] == [{"kind": "UpboundTeam", "name": uuid, "role": "viewer"}]
    assert "waits for the UUID of new" in message(w, "ResourcesReady")

    for _ in range(3):
        rsp = w.step()
    assert ([s["role"] for s in w.remote[BOUND]["spec"]["subjects"]], ready(rsp)) == (["viewer", "admin"], True)


def test_a_team_by_its_name_and_by_its_uuid_changes_nothing() -> None:
    w = lived()
    uuid, before = w.observed[TEAM]["metadata"]["annotations"]["crossplane.io/external-name"], copy.deepcopy(w.remote[BOUND]["spec"])
    access = [{"team": "platform", "role": "viewer"}, {"team": uuid, "role": "admin"}]
    change(w, groups=[{**SPEC["groups"][0], "access": access}])

    for _ in range(3):
        rsp = w.step()
    assert (w.remote[BOUND]["spec"], ready(rsp)) == (before, False)
    assert "access names a team twice, by its name and by its UUID; keep one" in message(w, "ResourcesReady")


def test_a_team_that_cannot_be_read_keeps_others_from_nothing() -> None:
    access = [{"team": "platform", "role": "editor"}, {"team": strategies.UUID, "role": "admin"}]
    w = lived(groups=[{**SPEC["groups"][0], "access": access}])
    before = copy.deepcopy(w.remote[BOUND]["spec"]["subjects"])
    del w.observed[TEAM]["metadata"]["annotations"]["crossplane.io/external-name"]
    change(w, groups=[{**SPEC["groups"][0], "access": [access[0], {**access[1], "role": "viewer"}]}])

    w.reconcile()

    subjects = w.observed[BINDING]["spec"]["forProvider"]["manifest"]["spec"]["subjects"]
    assert sorted(subjects, key=lambda s: s["role"]) == [before[0], {**before[1], "role": "viewer"}]


@pytest.mark.parametrize(("key", "field", "made"), [(ROBOT, "robots", TOKEN.format(1)), (TEAM, "teams", "permission/config/platform/read")])
def test_what_refers_to_one_that_is_going_waits_until_that_is_made_anew(key: str, field: str, made: str) -> None:
    w = lived(spaces=SPEC["spaces"][:1], controlPlanes=[], groups=[])
    change(w, iam={**IAM, "robots": [], "teams": [], "repositories": [{"name": "config"}]} if field == "teams" else {**IAM, field: []})
    while "deletionTimestamp" not in w.observed[key]["metadata"]:
        w.provide()
        w.reconcile()
    assert made not in w.observed
    change(w, iam=IAM)
    assert made not in w.reconcile().desired.resources
    for _ in range(6):
        rsp = w.step()
    assert (made in w.observed, ready(rsp)) == (True, True)


def test_a_robot_keeps_a_team_until_it_is_in_the_next_one() -> None:
    teams = [{"name": "platform"}, {"name": "two"}]
    w = lived(iam={**IAM, "teams": teams})
    change(w, iam={**IAM, "teams": teams, "robots": [{**IAM["robots"][0], "teams": ["two"]}]})

    for _ in range(3):
        w.reconcile()
        w.observed["membership/ci/two"]["status"] = {}
        assert "deletionTimestamp" not in w.observed["membership/ci/platform"]["metadata"]
    for _ in range(3):
        w.step()
    assert [k for k in w.observed if k.startswith("membership/")] == ["membership/ci/two"]


def test_a_group_that_a_robot_could_not_make_is_only_found() -> None:
    w = lived(controlPlanes=[*SPEC["controlPlanes"], {"name": "more", "space": "east", "group": "theirs"}])

    assert w.observed["group/east/theirs"]["spec"]["managementPolicies"] == ["Observe"]
    assert "theirs (is not there, and a robot's token cannot create groups" in message(w, "GroupsReady")


@BOTH
def test_a_control_plane_that_is_held_keeps_its_connection_secret(namespaced: bool) -> None:
    planes = [{"name": n, "writeConnectionSecretToRef": {"name": f"kubeconfig-{n}"}} for n in ("c", "d")]
    w = world.settled(xr(namespaced=namespaced, spaces=SPEC["spaces"][:1], groups=[], iam={}, controlPlanes=planes), strategies.INPUT)

    def kept() -> list[str]:
        rsp = w.reconcile()
        return sorted(w.observed["connections"]["data"] if namespaced else rsp.desired.composite.connection_details)

    assert kept() == ["c.kubeconfig", "d.kubeconfig"]
    change(w, controlPlanes=[])
    for _ in range(3):
        assert kept() == ["c.kubeconfig", "d.kubeconfig"]
    uid = w.remote[SPEC["spaces"][0]["host"], "", "ControlPlane", "default", "d"]["metadata"]["uid"]
    change(w, confirmedRemovals=[{"kind": "ControlPlane", "name": "d", "uid": uid}])
    for _ in range(5):
        w.step()
    assert kept() == ["c.kubeconfig"]


def test_a_permission_of_a_team_by_its_uuid_comes_when_that_by_its_name_is_gone() -> None:
    w = lived()
    uuid = w.observed[TEAM]["metadata"]["annotations"]["crossplane.io/external-name"]
    change(w, iam={**IAM, "repositories": [{"name": "config", "permissions": [{"team": uuid, "permission": "read"}]}]})

    assert f"permission/config/{uuid}/read" not in w.reconcile().desired.resources
    for _ in range(5):
        rsp = w.step()
    assert ([p for p in w.remote if p[2] == "Permission"], ready(rsp)) == ([("api.upbound.io", "", "Permission", "config", uuid)], True)


def test_what_works_while_it_is_going_holds_nothing_up() -> None:
    """A ProviderConfig that somebody deletes stays as long as it is used, and what is added uses it too."""
    settings = [
        {"name": n, "controlPlane": "far", "manifest": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n, "namespace": "x"}}}
        for n in "ab"
    ]
    w = lived(resources=settings[:1])
    for key in ("providerconfig/east", "providerconfig/east/default/far"):
        w.observed[key]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    change(w, resources=settings)
    for _ in range(3):
        rsp = w.step()

    assert ("resource/controlplane/east/default/far/ConfigMap/x/b" in w.observed, ready(rsp)) == (True, True)


def test_a_team_is_made_while_the_access_to_the_organization_is_going_and_in_use() -> None:
    w = lived()
    w.observed["upbound"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    change(w, iam={**IAM, "teams": [{"name": "platform"}, {"name": "two"}]})

    assert "team/two" in w.reconcile().desired.resources


def test_a_host_that_may_not_change_is_told_of_while_a_token_cannot_be_read() -> None:
    w = lived()
    w.observed[TOKEN.format(1)]["status"] = {}
    west, east = SPEC["spaces"]
    change(w, spaces=[west, {**east, "host": strategies.HOSTS[2]}])

    assert "cannot change its host" in conditions(w)["Refused"]
