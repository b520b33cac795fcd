"""How things live and go, step by step, in a world that moves."""

from datetime import UTC, datetime
from typing import Any

import pytest
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import compose, kube
from function.desired import Composed
from tests import strategies, world

DEV = ("west.spaces.upbound.io", "", "ControlPlane", "default", "dev")


def lived(steps: int = 8, *, namespaced: bool = True, **spec: Any) -> world.World:
    """A world in which an environment with one control plane came to rest."""
    return world.settled(xr(namespaced=namespaced, **spec), strategies.INPUT, steps=steps)


def xr(*, namespaced: bool = True, **spec: Any) -> dict[str, Any]:
    """An environment with one control plane."""
    base = {"organization": "acme", "spaces": [{"name": "west", "host": "west.spaces.upbound.io"}], "controlPlanes": [{"name": "dev"}]}
    return strategies.composite({**base, **spec}, namespaced=namespaced)


def change(w: world.World, **spec: Any) -> None:
    """Edit the environment in Git."""
    w.xr = {**w.xr, "spec": {**w.xr["spec"], **spec}}


def policies(w: world.World, key: str = "controlplane/west/default/dev") -> list[str]:
    """The managementPolicies of an Object."""
    found: list[str] = w.observed[key]["spec"]["managementPolicies"]
    return found


def conditions(w: world.World) -> dict[str, str]:
    """Messages of the conditions that are True."""
    return {c.type: c.message for c in w.reconcile().conditions if c.status == 2}


def test_update_joins_once_the_label_is_seen_and_stays_when_the_remote_becomes_unreadable() -> None:
    w = lived(steps=1)
    assert policies(w) == ["Observe", "Create", "LateInitialize"]

    w.step()
    assert policies(w) == ["Observe", "Create", "Update", "LateInitialize"]

    del w.observed["controlplane/west/default/dev"]["status"]
    w.reconcile()
    assert policies(w) == ["Observe", "Create", "Update", "LateInitialize"]


def test_adopting_waits_until_it_is_seen_whose_it_is() -> None:
    w = world.World(xr(controlPlanes=[{"name": "dev", "adopt": True, "labels": {"a": "b"}}]), strategies.INPUT)
    w.remote[DEV] = {"kind": "ControlPlane", "metadata": {"name": "dev", "namespace": "default", "uid": "u"}, "spec": {}}

    w.step()
    assert (policies(w), w.remote[DEV]["metadata"].get("labels")) == (["Observe", "Create", "LateInitialize"], None)

    w.step()
    assert w.remote[DEV]["metadata"]["labels"]["a"] == "b"


def test_an_environment_that_is_deleted_and_committed_again_finds_its_control_plane() -> None:
    first = lived()
    again = world.World(xr(namespaced=False), strategies.INPUT)  # Moved to the other API, too.
    again.remote = first.remote

    for _ in range(4):
        again.step()

    assert "Conflict" not in conditions(again)
    assert policies(again) == ["Observe", "Create", "Update", "LateInitialize"]


def test_a_confirmed_removal_deletes_that_control_plane_and_nothing_else() -> None:
    w = lived(controlPlanes=[{"name": "dev"}, {"name": "prod"}])
    change(w, controlPlanes=[{"name": "prod"}])
    for _ in range(3):
        w.step()
    assert (DEV in w.remote, w.deleted) == (True, [])

    uid = w.remote[DEV]["metadata"]["uid"]
    assert f"{{kind: ControlPlane, name: dev, uid: {uid}}}" in conditions(w)["RemovalPending"]
    change(w, confirmedRemovals=[{"kind": "ControlPlane", "name": "dev", "uid": uid}])
    for _ in range(4):
        w.step()

    assert w.deleted == [DEV]
    assert "controlplane/west/default/dev" not in w.observed
    assert "RemovalPending" not in conditions(w)


def test_a_removal_of_what_was_never_made_is_confirmed_as_unknown_and_leaves_everything() -> None:
    w = world.World(xr(), strategies.INPUT)
    w.reconcile()
    change(w, controlPlanes=[])
    assert "{kind: ControlPlane, name: dev, uid: unknown}" in conditions(w)["RemovalPending"]

    change(w, confirmedRemovals=[{"kind": "ControlPlane", "name": "dev", "uid": "unknown"}])
    assert "controlplane/west/default/dev" not in w.reconcile().desired.resources


def test_a_held_control_plane_keeps_what_it_needs_though_its_space_is_gone_too() -> None:
    w = lived()
    change(w, controlPlanes=[], spaces=[])
    for _ in range(3):
        w.step()

    assert sorted(w.observed) == ["controlplane/west/default/dev", "kubeconfig", "providerconfig/west"]
    assert list(w.observed["kubeconfig"]["data"]) == ["west"]


def test_a_kubeconfig_stays_as_long_as_something_reads_it() -> None:
    w = lived()
    change(w, controlPlanes=[], spaces=[{"name": "east", "host": "east.spaces.upbound.io"}])
    w.step()

    assert sorted(w.observed["kubeconfig"]["data"]) == ["east", "west"]


def test_what_is_held_loses_a_delete_policy_that_it_had() -> None:
    w = lived(removalPolicy="Delete")
    assert policies(w) == ["*"]

    change(w, controlPlanes=[], removalPolicy="Confirm")
    w.step()

    assert policies(w) == ["Observe", "Create", "Update", "LateInitialize"]


@pytest.mark.parametrize("before", ["Confirm", "Delete"])
def test_orphaning_never_deletes_even_what_could_be_deleted_before(before: str) -> None:
    w = lived(removalPolicy=before)
    change(w, controlPlanes=[], removalPolicy="Orphan")
    for _ in range(4):
        w.step()

    assert (w.deleted, DEV in w.remote, "controlplane/west/default/dev" in w.observed) == ([], True, False)


def test_renaming_a_space_deletes_nothing_under_any_removal_policy() -> None:
    w = lived(removalPolicy="Delete", groups=[{"name": "g"}])
    change(w, spaces=[{"name": "other", "host": "west.spaces.upbound.io"}])
    for _ in range(8):
        w.step()

    assert (w.deleted, DEV in w.remote) == ([], True)
    assert sorted(w.observed) == ["controlplane/other/default/dev", "group/other/g", "kubeconfig", "providerconfig/other"]


def test_objects_inside_a_control_plane_go_with_it_without_holding_it_up() -> None:
    inside = [
        {
            "name": "settings",
            "controlPlane": "dev",
            "manifest": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": "n"}},
        }
    ]
    w = lived(removalPolicy="Delete", resources=inside)
    assert policies(w, "resource/controlplane/west/default/dev/ConfigMap/n/s") == ["Observe", "Create", "Update", "LateInitialize"]

    change(w, controlPlanes=[], resources=[])
    for _ in range(6):
        w.step()

    assert w.deleted == [DEV]
    assert sorted(w.observed) == ["kubeconfig", "providerconfig/west"]


def test_a_resource_whose_line_is_gone_goes_from_the_space_too() -> None:
    store = {"apiVersion": "spaces.upbound.io/v1alpha1", "kind": "SharedSecretStore", "metadata": {"name": "aws"}, "spec": strategies.STORE}
    w = lived(groups=[{"name": "g"}], resources=[{"name": "store", "group": "g", "manifest": store}])
    change(w, resources=[])
    for _ in range(4):
        w.step()

    assert [place[2:] for place in w.deleted] == [("SharedSecretStore", "g", "aws")]


def test_a_label_of_another_environment_in_the_way_of_a_removal_lets_go_without_deleting() -> None:
    w = lived(removalPolicy="Delete")
    w.remote[DEV]["metadata"]["labels"]["environments.upbound.io/environment"] = "another"
    w.provide()
    w.remote[DEV]["metadata"]["labels"]["environments.upbound.io/environment"] = "another"
    w.observed["controlplane/west/default/dev"]["status"]["atProvider"]["manifest"]["metadata"]["labels"][
        "environments.upbound.io/environment"
    ] = "another"
    change(w, controlPlanes=[])
    w.reconcile()

    assert policies(w) == ["Observe", "Create", "Update", "LateInitialize"]


def test_a_field_that_is_fixed_is_compared_with_what_was_asked_for_while_the_space_cannot_be_read() -> None:
    restore = {"source": {"kind": "Backup", "name": "b"}}
    w = lived(controlPlanes=[{"name": "dev", "restore": restore}])
    assert "Refused" not in conditions(w)

    o = w.observed["controlplane/west/default/dev"]
    o["status"] = {}
    o["metadata"]["annotations"]["crossplane.io/external-create-succeeded"] = "2026-01-01T00:00:00Z"
    assert "Refused" not in conditions(w)

    change(w, controlPlanes=[{"name": "dev"}])
    assert conditions(w)["Refused"].startswith("control plane dev (west/default/dev) cannot change restore.source once it exists")


def test_a_fixed_field_may_be_written_before_the_control_plane_exists() -> None:
    w = world.World(xr(), strategies.INPUT)
    w.reconcile()
    change(w, controlPlanes=[{"name": "dev", "restore": {"source": {"kind": "Backup", "name": "b"}}}])

    assert "Refused" not in conditions(w)


RESTORED = {"name": "dev", "restore": {"source": {"kind": "Backup", "name": "old"}}}
OTHERWISE = {"name": "dev", "labels": {"a": "b"}, "restore": {"source": {"kind": "Backup", "name": "new"}}}


@pytest.mark.parametrize("adopt", [True, False], ids=["that was another's", "of the same environment"])
def test_another_value_of_a_fixed_field_than_what_exists_already_has_is_never_sent(*, adopt: bool) -> None:
    first = lived(controlPlanes=[RESTORED])
    if adopt:
        first.remote[DEV]["metadata"].pop("labels")
    w = world.World(xr(controlPlanes=[{**OTHERWISE, "adopt": adopt}]), strategies.INPUT)
    w.remote = first.remote

    for _ in range(5):
        w.step()
        assert w.remote[DEV]["spec"]["restore"]["source"]["name"] == "old"
        assert "a" not in w.remote[DEV]["metadata"].get("labels", {})

    assert conditions(w)["Refused"].startswith("control plane dev (west/default/dev) cannot change restore.source once it exists")
    assert policies(w) == ["Observe", "Create", "LateInitialize"]

    change(w, controlPlanes=[{**OTHERWISE, **RESTORED, "adopt": adopt}])
    for _ in range(3):
        w.step()

    assert ("Refused" in conditions(w), w.remote[DEV]["metadata"]["labels"]["a"]) == (False, "b")


def test_a_refused_change_of_a_fixed_field_keeps_what_was_asked_for_before_up_to_date() -> None:
    w = lived(controlPlanes=[RESTORED])
    change(w, controlPlanes=[OTHERWISE])
    w.step()

    assert "Refused" in conditions(w)
    assert policies(w) == ["Observe", "Create", "Update", "LateInitialize"]


def test_a_host_changes_freely_while_nothing_is_there() -> None:
    w = lived(controlPlanes=[])
    change(w, spaces=[{"name": "west", "host": "east.spaces.upbound.io"}])

    assert "Refused" not in conditions(w)
    assert w.observed["providerconfig/west"]["metadata"]["annotations"]["environments.upbound.io/host"] == "east.spaces.upbound.io"


def test_a_refused_host_keeps_the_kubeconfig_as_it_was() -> None:
    w = lived()
    before = w.observed["kubeconfig"]["data"]["west"]
    change(w, spaces=[{"name": "west", "host": "east.spaces.upbound.io"}])

    assert "cannot change its host from west.spaces.upbound.io to east.spaces.upbound.io" in conditions(w)["Refused"]
    assert w.observed["kubeconfig"]["data"]["west"] == before
    assert w.xr["status"]["controlPlanes"][0]["endpoint"].startswith("https://west.spaces.upbound.io/")


def test_what_was_left_behind_is_remembered_until_it_is_gone() -> None:
    w = lived(controlPlanes=[{"name": "dev", "labels": {"a/b": "c"}, "class": "small"}])
    change(w, controlPlanes=[{"name": "dev"}])
    for _ in range(3):
        w.step()
    assert [e["field"] for e in w.xr["status"]["leftBehind"]] == ["/metadata/labels/a~1b", "/spec/class"]

    del w.observed["controlplane/west/default/dev"]["status"]
    w.reconcile()
    assert len(w.xr["status"]["leftBehind"]) == 2

    del w.remote[DEV]["metadata"]["labels"]["a/b"]
    w.provide()
    change(w, controlPlanes=[{"name": "dev", "class": "large"}])
    w.reconcile()
    assert "leftBehind" not in w.xr["status"]


def test_a_broken_memory_of_what_was_left_behind_is_no_harm() -> None:
    w = lived()
    for broken in (
        [],
        "x",
        ["x", {"resource": "gone", "field": "/a"}, {"resource": 1, "field": "/a"}, {"resource": "kubeconfig", "field": "/a"}],
    ):
        w.xr["status"]["leftBehind"] = broken
        w.reconcile()
        assert "leftBehind" not in w.xr["status"]


def test_warnings_name_what_works_and_should_not_stay() -> None:
    many = [{"name": f"c{i}"} for i in range(45)]
    w = world.World(
        xr(
            controlPlanes=many,
            groups=[{"name": "g"}],
            confirmedRemovals=[{"kind": "ControlPlane", "name": "c1", "uid": "a"}, {"kind": "Group", "name": "x", "uid": "b"}],
        ),
        strategies.INPUT,
    )
    w.xr["spec"]["spaces"][0]["insecureSkipTLSVerify"] = True
    w.input = {**w.input, "rules": [{**w.input["rules"][0], "insecureSkipTLSVerify": True}]}
    w.reconcile()

    assert w.xr["status"]["warnings"] == [
        "certificate of Space west is not verified",
        "confirmedRemovals names ControlPlane c1, which is still wanted; take the entry out",
        "48 composed resources are more than the 40 that one environment should have; make several environments",
    ]


def test_what_a_space_says_of_a_control_plane_is_passed_on() -> None:
    w = lived(steps=2)
    remote = {**w.remote[DEV], "status": {"message": "quota exceeded"}}
    w.observed["controlplane/west/default/dev"]["status"] = {
        "conditions": [{"type": "Synced", "status": "True"}, {"type": "Ready", "status": "False"}],
        "atProvider": {"manifest": remote},
    }
    w.reconcile()
    assert w.xr["status"]["controlPlanes"][0]["message"] == "quota exceeded"

    remote["status"] = {"conditions": [{"type": "Ready", "status": "False", "reason": "RestorePending"}]}
    w.reconcile()
    assert w.xr["status"]["controlPlanes"][0]["message"] == "RestorePending"


def test_what_waits_for_nothing_is_being_created() -> None:
    w = lived()
    change(w, controlPlanes=[{"name": "dev"}, {"name": "new"}])
    w.reconcile()

    assert w.xr["status"]["controlPlanes"][1]["message"] == "is being created"


def test_only_the_first_of_many_are_named() -> None:
    w = world.World(xr(controlPlanes=[{"name": f"c{i}"} for i in range(7)]), strategies.INPUT)

    message = next(c.message for c in w.reconcile().conditions if c.type == "ControlPlanesReady")
    assert message.startswith("0 of 7 control planes are ready: c0 (waiting for Secret kubeconfig, access to west), c1")
    assert message.endswith(" and 2 more")


def test_a_resource_may_go_to_the_group_that_every_space_has() -> None:
    store = {"apiVersion": "spaces.upbound.io/v1alpha1", "kind": "SharedSecretStore", "metadata": {"name": "aws"}, "spec": strategies.STORE}
    w = lived(resources=[{"name": "store", "group": "default", "manifest": store}])

    made = w.observed["resource/group/west/default/SharedSecretStore.spaces.upbound.io/-/aws"]
    assert made["spec"]["forProvider"]["manifest"]["metadata"] == {"name": "aws", "namespace": "default"}


@pytest.mark.parametrize("lost", [{}, {"finalizers": None}, {"finalizers": ["of-another"]}])
def test_an_order_of_deletion_that_is_not_observed_is_no_order(lost: dict[str, Any]) -> None:
    w = lived(removalPolicy="Delete")
    assert "Deletable" in conditions(w)

    if lost:
        w.observed["providerconfig/west"]["metadata"] |= lost
    else:
        del w.observed["kubeconfig"]
    assert "Deletable" not in conditions(w)
    w.step()
    w.step()
    assert "Deletable" in conditions(w), "an edge that was lost is made again"


def test_what_comes_up_is_not_deletable_before_all_of_it_would_go() -> None:
    w = lived(steps=1, removalPolicy="Delete")
    for _ in range(3):
        del w.observed["controlplane/west/default/dev"]["status"]
        w.reconcile()
        assert policies(w) == ["Observe", "Create", "LateInitialize"]
        assert "Deletable" not in conditions(w)


def test_a_group_that_exists_already_and_is_only_used_becomes_ready() -> None:
    w = world.World(xr(controlPlanes=[{"name": "dev", "group": "g"}]), strategies.INPUT)
    there = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "g", "labels": {"spaces.upbound.io/group": "true"}}}
    w.remote["west.spaces.upbound.io", "", "Namespace", "", "g"] = there
    for _ in range(8):
        w.step()
    assert conditions(w)["GroupsReady"] == "1 of 1 groups are ready"


def test_a_kubeconfig_of_ones_own_and_generated_ones_live_side_by_side() -> None:
    own = {"kubeconfigSecretRef": {"name": "lab", "key": "k"}}
    spaces = [
        {"name": "west", "host": "west.spaces.upbound.io"},
        {"name": "lab", "type": "Disconnected", "host": "east.spaces.upbound.io", "credentials": own},
    ]
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": "n"}}
    rule = {**strategies.INPUT["rules"][0], "ownKubeconfigs": True}
    spec = {
        "controlPlanes": [{"name": "dev", "space": "lab", **own}],
        "resources": [{"name": "s", "controlPlane": "dev", "manifest": manifest}],
    }
    w = world.World(xr(spaces=spaces, **spec), {**strategies.INPUT, "rules": [rule]})
    w.reconcile()

    assert list(w.observed["kubeconfig"]["data"]) == ["west"]
    secret = {"namespace": "platform", "name": "lab", "key": "k"}
    assert w.observed["providerconfig/lab/default/dev"]["spec"] == {"credentials": {"source": "Secret", "secretRef": secret}}


def test_what_needs_something_is_withheld_until_that_is_ready_and_stays_when_it_is_not_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def family(env: Any, _: Any) -> Any:
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "n"}}
        via = kube.Via("west", "west.spaces.upbound.io")
        yield Composed("late", kube.wrapped(env, "late", manifest, via), needs=("controlplane/west/default/dev", "nothing"), entry="late")

    monkeypatch.setattr(compose, "FAMILIES", (*compose.FAMILIES, family))
    w = world.World(xr(), strategies.INPUT)
    w.step(ready=False)
    rsp = w.reconcile()
    assert ("late" in w.observed, rsp.desired.composite.ready) == (False, fnv1.READY_FALSE)

    for _ in range(3):
        w.step()
    assert "late" in w.observed

    del w.observed["controlplane/west/default/dev"]["status"]
    assert "late" in w.reconcile().desired.resources


def test_a_conflict_ends_when_what_was_in_the_way_is_gone() -> None:
    w = world.World(xr(), strategies.INPUT)
    place = ("west.spaces.upbound.io", "", "ControlPlane", "default", "dev")
    labels = {"environments.upbound.io/environment": "another"}
    w.remote[place] = {"apiVersion": "spaces.upbound.io/v1beta1", "kind": "ControlPlane", "metadata": {"name": "dev", "labels": labels}}
    for _ in range(4):
        w.step()
    assert "Conflict" in conditions(w)
    assert policies(w) == ["Observe"]

    del w.remote[place]
    for _ in range(6):
        w.step()
    assert "Conflict" not in conditions(w)
    assert w.remote[place]["metadata"]["labels"] != labels, "it is made"


def test_nothing_new_is_put_on_what_is_being_deleted() -> None:
    w = lived(steps=1)
    secret = w.observed["kubeconfig"]["metadata"]
    secret["deletionTimestamp"], secret["finalizers"] = "2026-01-01T00:00:00Z", ["somebodys"]
    stated = world.plain(w.reconcile().desired.resources["kubeconfig"].resource)["metadata"]
    assert "finalizers" not in stated


@pytest.mark.parametrize(
    ("responsive", "seconds"),
    [
        ({"status": "True", "lastTransitionTime": "2026-01-01T12:00:00Z"}, 600),
        ({"status": "False", "lastTransitionTime": "2026-01-01T12:00:00Z"}, 10),
        ({"status": "False", "lastTransitionTime": "2026-01-01T11:55:00Z"}, 60),
        ({"status": "False", "lastTransitionTime": "then"}, 10),
    ],
)
def test_what_rests_is_looked_at_often_while_crossplane_hears_of_no_change(responsive: dict[str, str], seconds: int) -> None:
    w = lived()
    w.now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    w.xr = {**w.xr, "status": {"conditions": [{"type": "Responsive", **responsive}]}}

    assert w.reconcile().meta.ttl.seconds == seconds
