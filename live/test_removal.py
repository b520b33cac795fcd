"""What goes when something is removed, and above all what does not."""

from collections.abc import Callable

import pytest

from live.environments import APIS, CLAIMS, CONTROL_PLANES, LABEL, NAMESPACED, OBJECTS, LiveEnvironment, uid
from live.waiting import until
from live.world import World


def _two(e: LiveEnvironment) -> None:
    dev = e.group("dev")
    e.apply(groups=[{"name": dev}], controlPlanes=[{"name": "one", "group": dev}, {"name": "two", "group": dev}])
    e.until_ready()


@pytest.mark.everywhere
def test_a_removed_line_is_held_until_it_is_confirmed(environment: LiveEnvironment) -> None:
    """A control plane whose line is gone lives on and is named; a stale confirmation does nothing, the printed one deletes it."""
    e = environment
    _two(e)
    had = uid(e.remote("two", "dev"))
    e.apply(controlPlanes=[e.spec["controlPlanes"][0]])
    e.until_says("RemovalPending", "control plane two", f"{{kind: ControlPlane, name: two, uid: {had}}}")
    e.until_not_ready()
    stale = {"kind": "ControlPlane", "name": "two", "uid": "00000000-0000-0000-0000-000000000000"}
    e.apply(confirmedRemovals=[stale], controlPlanes=[{**e.spec["controlPlanes"][0], "labels": {"read": "with-it"}}])
    until("it is read", lambda: e.remote("one", "dev")["metadata"]["labels"].get("read"), 90, e.explain)
    e.until_says("RemovalPending", had)
    assert e.objects()[f"controlplane/west/{e.group('dev')}/two"]["spec"]["managementPolicies"] != ["*"]
    assert (uid(e.remote("two", "dev")), e.remote("two", "dev")["metadata"].get("deletionTimestamp")) == (had, None)
    e.apply(confirmedRemovals=[{"kind": "ControlPlane", "name": "two", "uid": had}])
    until("confirmed and gone", lambda: not e.remote("two", "dev"), 150, e.explain)
    e.until_ready()
    assert e.remote("one", "dev")


def test_a_removed_space_is_held_with_all_in_it(environment: LiveEnvironment) -> None:
    """A bad merge that empties the file takes nothing away; the file put right finds all as it was."""
    e = environment
    _two(e)
    good, had = dict(e.spec), [uid(e.remote(name, "dev")) for name in ("one", "two")]
    e.apply(spaces=[], groups=[], controlPlanes=[])
    for what in ("control plane one", "control plane two", "group"):
        e.until_says("RemovalPending", what)
    e.until_not_ready()
    e.apply(**good)
    e.until_says("RemovalPending", status="False")
    e.until_ready()
    assert [uid(e.remote(name, "dev")) for name in ("one", "two")] == had


@pytest.mark.everywhere
def test_an_environment_that_is_deleted_leaves_what_it_made_and_finds_it_again(environment: LiveEnvironment) -> None:
    """A deleted file, a bad merge: control planes live on, and the same file finds them, with nothing in conflict."""
    e = environment
    _two(e)
    had = [uid(e.remote(name, "dev")) for name in ("one", "two")]
    e.delete()
    e.until_gone()
    assert [uid(e.remote(name, "dev")) for name in ("one", "two")] == had
    assert e.remote_group("dev")["metadata"]["labels"][LABEL]
    e.apply()
    e.until_ready()
    assert [uid(e.remote(name, "dev")) for name in ("one", "two")] == had
    assert e.condition("Conflict")[0] == "False"


@pytest.mark.long
@pytest.mark.everywhere
def test_delete_takes_everything_in_order(world: World, environment: LiveEnvironment, took: Callable[[str], None]) -> None:
    """On purpose: removalPolicy Delete, Deletable, and then nothing is left, nor stuck, also when one is still coming up."""
    e = environment
    world.tell_space("modes", {f"{e.group('dev')}/stalled": "stall"})
    _two(e)
    stalled = {"name": "stalled", "group": e.group("dev")}
    consumed = {"target": "here" if e.api == NAMESPACED else "hub"}
    e.apply(removalPolicy="Delete", controlPlanes=[*e.spec["controlPlanes"], stalled], argocd=consumed)
    until("one is coming up", lambda: e.remote("stalled", "dev"), 60, e.explain)
    e.until_says("Deletable")
    took("Deletable")
    e.delete()
    e.until_gone()
    took("gone")
    until("gone from the Space", lambda: not e.remote_group("dev"), 60, e.explain)
    assert _deleted_in_the_space(world, e) == ["controlplanes", "controlplanes", "controlplanes", "namespaces"]
    usages = {
        CLAIMS: "providerconfigusages.v1alpha1.kubernetes.crossplane.io",
        NAMESPACED: "providerconfigusages.v1alpha1.kubernetes.m.crossplane.io",
    }

    def left() -> list[str]:
        """What is left to garbage collection, which gets to it some time."""
        clusters = [s for s in world.hub.list("secrets.v1.") if "argocd" in str(s["metadata"].get("labels"))]
        return [o["metadata"]["name"] for o in (*world.hub.list(usages[e.api]), *clusters) if e.namespace in str(o)]

    until("no usage and no cluster Secret is left", lambda: not left(), 60, lambda: "\n".join(left()))


def _deleted_in_the_space(world: World, e: LiveEnvironment) -> list[str]:
    """The kinds of what the gateway was asked to delete of an environment, in order, each object once."""
    asked = [a["path"].partition("?")[0] for a in world.audit() if a["at"] == "gateway" and a["method"] == "DELETE"]
    return [path.rsplit("/", 2)[-2] for path in dict.fromkeys(asked) if e.group("dev") in path]


@pytest.mark.alone
@pytest.mark.both
@pytest.mark.usefixtures("healthy")
def test_delete_waits_for_a_space_that_is_away(world: World, namespace: str) -> None:
    """A Space that cannot be reached while the environment is being deleted holds that up, and no longer than it is away."""
    e = LiveEnvironment(world, NAMESPACED, namespace)
    e.spec = {"organization": "acme", "spaces": [e.west()]}
    _two(e)
    e.apply(removalPolicy="Delete")
    e.until_says("Deletable")
    world.tell_space("fault", {"down": True})
    e.delete()
    until("the environment itself is gone", lambda: not e.seen(), 60, e.explain)
    assert e.left(), "what is in the Space holds its Objects"
    world.tell_space("fault", {})
    e.until_gone()
    until("gone from the Space", lambda: not e.remote_group("dev"), 60, e.explain)
    assert _deleted_in_the_space(world, e) == ["controlplanes", "controlplanes", "namespaces"]


def test_lines_go_as_the_policy_says(environment: LiveEnvironment) -> None:
    """Orphan lets go of a control plane; Delete deletes one, and a group only once it is not protected."""
    e = environment
    dev, more = e.group("dev"), e.group("more")
    planes = {name: {"name": name, "group": dev} for name in ("one", "two", "three")}
    e.apply(groups=[{"name": dev}, {"name": more, "deletionProtection": True}], controlPlanes=list(planes.values()))
    e.until_ready()
    had = uid(e.remote("three", "dev"))
    e.apply(removalPolicy="Orphan", controlPlanes=[planes["one"], planes["two"]])
    until("let go", lambda: not any("three" in key for key in e.objects()), 90, e.explain)
    e.apply(removalPolicy="Delete", controlPlanes=[planes["one"]], groups=[{"name": dev}])
    until("deleted", lambda: not e.remote("two", "dev"), 120, e.explain)
    e.until_says("RemovalPending", "deletionProtection: false")
    assert e.remote_group("more")
    e.apply(groups=[{"name": dev}, {"name": more, "deletionProtection": False}])
    e.until_says("RemovalPending", status="False")
    e.until_ready()
    e.apply(groups=[{"name": dev}])
    until("the group is deleted", lambda: not e.remote_group("more"), 120, e.explain)
    assert uid(e.remote("three", "dev")) == had
    assert e.remote("one", "dev")


@pytest.mark.everywhere
def test_two_environments_over_one_control_plane(world: World, environment: LiveEnvironment, namespace: str) -> None:
    """The second is in conflict and writes nothing; when the first has gone, what it leaves can be adopted.

    A third that only names the group makes its own control plane there, and is told whose the group is.
    """
    first = environment
    _two(first)
    had, dev = first.remote("one", "dev"), first.group("dev")
    second = LiveEnvironment(world, first.api, namespace, name="second", spec=dict(first.spec))
    one = {"name": "one", "group": dev, "adopt": True, "labels": {"mine": "too"}}
    third = LiveEnvironment(world, first.api, namespace, name="third", spec=dict(first.spec))
    second.apply(groups=[{"name": dev, "adopt": True}], controlPlanes=[one])
    third.apply(groups=None, controlPlanes=[{"name": "guest", "group": dev}])
    second.until_says("Conflict", "control plane one", f"group {dev}", "belongs to another environment")
    second.until_not_ready()
    assert first.remote("one", "dev")["metadata"]["labels"] == had["metadata"]["labels"]
    third.until_ready()
    until(
        "it is told whose the group is",
        lambda: f"group {dev} is another environment's" in str(third.status.get("warnings")),
        60,
        third.explain,
    )
    guest = uid(third.remote("guest", "dev"))
    first.until_ready()
    first.delete()
    first.until_gone()
    # What the message asks for: the first's label is taken away in the Space.
    for kind, name, place in (("namespaces.v1.", dev, ""), (CONTROL_PLANES, "one", dev), (CONTROL_PLANES, "two", dev)):
        world.space.patch(kind, name, {"metadata": {"labels": {LABEL: None}}}, place)
    second.until_ready(240)
    seen = second.remote("one", "dev")
    assert (uid(seen), seen["metadata"]["labels"]["mine"]) == (uid(had), "too")
    assert LABEL not in second.remote("two", "dev")["metadata"].get("labels", {}), "which it does not have"
    assert uid(third.remote("guest", "dev")) == guest


@pytest.mark.everywhere
def test_adopting_one_that_exists(world: World, environment: LiveEnvironment) -> None:
    """Without `adopt` nothing is written over it and its author is told how; with it, only what the environment says changes."""
    e = environment
    dev = e.group("dev")
    group = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": dev, "labels": {"spaces.upbound.io/group": "true"}}}
    world.space.create("namespaces.v1.", group)
    spec = {"crossplane": {"version": "2.0.1-up.1", "autoUpgrade": {"channel": "Patch"}}}
    old = {"apiVersion": "spaces.upbound.io/v1beta1", "kind": "ControlPlane", "metadata": {"name": "old", "labels": {"by": "hand"}}}
    world.space.create("controlplanes.v1beta1.spaces.upbound.io", {**old, "spec": spec}, dev)
    e.apply(controlPlanes=[{"name": "old", "group": dev}])
    e.until_says("Conflict", "adopt: true")
    assert LABEL not in e.remote("old", "dev")["metadata"]["labels"]
    had = uid(e.remote("old", "dev"))
    e.apply(controlPlanes=[{"name": "old", "group": dev, "adopt": True, "crossplane": {"autoUpgrade": {"channel": "Patch"}}}])
    e.until_ready()
    seen = e.remote("old", "dev")
    assert uid(seen) == had
    assert seen["metadata"]["labels"]["by"] == "hand"
    assert LABEL in seen["metadata"]["labels"]
    assert seen["spec"]["crossplane"] == {**spec["crossplane"], "state": "Running"}


@pytest.mark.long
def test_twenty_at_once_have_their_edges(environment: LiveEnvironment, took: Callable[[str], None]) -> None:
    """Twenty control planes at once in one group: each edge of deletion is there, so that deleting all is in order."""
    e = environment
    dev = e.group("dev")
    e.apply(removalPolicy="Delete", groups=[{"name": dev}], controlPlanes=[{"name": f"c{i:02}", "group": dev} for i in range(20)])
    e.until_ready(240)
    took("Ready")
    e.until_says("Deletable")
    took("Deletable")
    objects = e.objects()
    edges = [f for f in objects[f"group/west/{dev}"]["metadata"]["finalizers"] if "referred-by" in f]
    assert len(edges) == 20
    e.delete()
    # The provider takes each edge away by an update of what is at its other end, and backs off when they collide.
    e.until_gone(480)
    took("gone")
    until("gone from the Space", lambda: not e.remote_group("dev"), 60, e.explain)


@pytest.mark.both
def test_moved_to_the_other_api(world: World, namespace: str) -> None:
    """The same environment under the other API finds its control planes: the group of the API is no part of who it is."""
    claim = LiveEnvironment(world, CLAIMS, namespace)
    claim.spec = {"organization": "acme", "spaces": [claim.west()]}
    _two(claim)
    had = uid(claim.remote("one", "dev"))
    claim.delete()
    claim.until_gone()
    moved = LiveEnvironment(world, NAMESPACED, namespace, spec=claim.spec)
    moved.apply()
    moved.until_ready()
    assert uid(moved.remote("one", "dev")) == had
    assert moved.condition("Conflict")[0] == "False"
    assert {APIS[moved.api], OBJECTS[moved.api]} == {"environments.m.upbound.io", "objects.v1alpha1.kubernetes.m.crossplane.io"}
