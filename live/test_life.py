"""Environments come up, change and go, in both APIs, as their authors and the Space see it."""

from collections.abc import Callable

import pytest

from live.environments import LABEL, LiveEnvironment, uid, version
from live.standins.controller import FAILURE
from live.waiting import until
from live.world import MOVED, World


@pytest.mark.everywhere
def test_comes_up(world: World, environment: LiveEnvironment, took: Callable[[str], None]) -> None:
    """Three control planes in two groups: made through the gateway with an exchanged token, Ready when all are, and not before."""
    e = environment
    late = f"{e.group('prod')}/late"
    world.tell_space("modes", {late: "stall"})
    e.apply(
        groups=[{"name": e.group("dev")}, {"name": e.group("prod")}],
        controlPlanes=[
            {"name": "one", "group": e.group("dev")},
            {"name": "two", "group": e.group("dev")},
            {"name": "late", "group": e.group("prod")},
        ],
    )
    until("a control plane is ready, and not all are", lambda: e.status.get("readyControlPlanes") == 2, 90, e.explain)
    e.until_says("ControlPlanesReady", "2 of 3", "late", status="False")
    assert e.condition("Ready")[0] == "False"
    took("two of three")
    world.tell_space("modes", {late: ""})
    e.until_ready()
    took("Ready")

    for group in ("dev", "prod"):
        labels = e.remote_group(group)["metadata"]["labels"]
        assert labels["spaces.upbound.io/group"] == "true"
        assert labels[LABEL] == e.remote("one", "dev")["metadata"]["labels"][LABEL]
    assert e.remote("one", "dev")["spec"]["crossplane"]["autoUpgrade"]["channel"] == "Stable"
    assert e.status["summary"] == "3/3"
    assert e.line("one")["crossplane"] == "2.0.2-up.5"
    assert e.line("one")["endpoint"].endswith(f"/namespaces/{e.group('dev')}/controlplanes/one/k8s")
    columns = world.kubectl("get", f"upboundenvironments.{e.manifest['apiVersion'].partition('/')[0]}", "-n", e.namespace).splitlines()
    assert columns[0].split()[:5] == ["NAME", "CONTROL-PLANES", "ROLLOUT", "ORGANIZATION", "MESSAGE"]
    assert columns[1].split()[:3] == ["acme", "3/3", "acme"]
    assert "all is ready" in columns[1]
    asked = [a for a in world.audit() if a["at"] == "gateway" and e.group("dev") in a["path"]]
    assert asked
    assert all(a["code"] < 400 or a["code"] == 404 for a in asked), asked
    assert not any(a["content"] == "application/apply-patch+yaml" for a in asked)
    exchanges = {(a["organization"], a["code"]) for a in world.audit() if a["at"] == "exchange"}
    assert ("acme", 200) in exchanges, "the token was exchanged for one of the organization"


def test_a_control_plane_that_cannot_be_made_says_why(world: World, environment: LiveEnvironment) -> None:
    """What the Space says of a control plane is what the environment's author reads, until it is no longer so."""
    e = environment
    dev = e.group("dev")
    world.tell_space("modes", {f"{dev}/two": "fail"})
    e.apply(groups=[{"name": dev}], controlPlanes=[{"name": "one", "group": dev}, {"name": "two", "group": dev}])
    e.until_says("ControlPlanesReady", "1 of 2", f"two ({FAILURE})", status="False")
    e.until_not_ready()
    assert e.line("two")["message"] == FAILURE
    had = uid(e.remote("two", "dev"))
    world.tell_space("modes", {f"{dev}/two": "slow"})
    e.until_ready()
    assert uid(e.remote("two", "dev")) == had


def test_edits_change_what_they_say(environment: LiveEnvironment) -> None:
    """Every edit changes its control plane, and no write reaches another."""
    e = environment
    dev = e.group("dev")
    still, edited = {"name": "still", "group": dev}, {"name": "edited", "group": dev, "labels": {"stage": "dev", "team": "a"}}
    e.apply(groups=[{"name": dev}], controlPlanes=[still, edited])
    e.until_ready()
    before, group = version(e.remote("still", "dev")), version(e.remote_group("dev"))

    e.apply(controlPlanes=[still, edited, {"name": "added", "group": dev}])
    until("added", lambda: e.remote("added", "dev"), 60, e.explain)
    e.until_ready()

    edited = {**edited, "crossplane": {"state": "Paused"}}
    e.apply(controlPlanes=[still, edited, {"name": "added", "group": dev}])
    until("paused", lambda: e.remote("edited", "dev")["spec"]["crossplane"].get("state") == "Paused", 60, e.explain)
    e.until_ready()

    edited = {**edited, "crossplane": {"state": "Running", "version": "2.1.0-up.1", "autoUpgrade": {"channel": "None"}}}
    edited["labels"] = {"stage": "dev", "new": "label"}
    e.apply(controlPlanes=[still, edited, {"name": "added", "group": dev}], groups=[{"name": dev}, {"name": e.group("more")}])
    until("version", lambda: e.remote("edited", "dev")["spec"]["crossplane"].get("version") == "2.1.0-up.1", 60, e.explain)
    until("group", lambda: e.remote_group("more"), 60, e.explain)
    e.until_ready()
    assert e.remote("edited", "dev")["spec"]["crossplane"]["autoUpgrade"]["channel"] == "None"
    labels = e.remote("edited", "dev")["metadata"]["labels"]
    assert (labels["new"], labels["stage"]) == ("label", "dev")
    assert labels["team"] == "a", "a merge patch does not prune"
    left = until("what was dropped is named", lambda: e.status.get("leftBehind"), 60, e.explain)
    assert left[0]["field"] == "/metadata/labels/team"
    assert "kubectl" in left[0]["command"]

    assert (version(e.remote("still", "dev")), version(e.remote_group("dev"))) == (before, group)


def test_host_moves_only_on_purpose(environment: LiveEnvironment) -> None:
    """A Space at another address is refused while something is there, unless the environment says that it is the same Space."""
    e = environment
    e.apply(groups=[{"name": e.group("dev")}], controlPlanes=[{"name": "one", "group": e.group("dev")}])
    e.until_ready()
    before = e.remote("one", "dev")
    moved = f"127.0.0.1:{MOVED}"
    e.apply(spaces=[e.west(MOVED)])
    e.until_says("Refused", "formerHosts")
    assert "17444" in e.line("one")["endpoint"]
    e.apply(spaces=[e.west(MOVED, formerHosts=[e.west()["host"]])])
    e.until_says("Refused", status="False")
    e.until_ready()
    assert moved in e.line("one")["endpoint"]
    assert (uid(e.remote("one", "dev")), version(e.remote("one", "dev"))) == (uid(before), version(before)), "nothing is written"


def test_objects_inside_a_control_plane(environment: LiveEnvironment, took: Callable[[str], None]) -> None:
    """They come up soon after their control plane, and do not block its end."""
    e = environment
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}, "data": {"a": "b"}}
    e.apply(
        groups=[{"name": e.group("dev")}],
        controlPlanes=[{"name": "one", "group": e.group("dev")}],
        resources=[{"name": "settings", "controlPlane": "one", "manifest": manifest}],
    )
    until("the control plane is ready", lambda: e.line("one").get("ready"), 120, e.explain)
    took("control plane")
    e.until_ready()
    took("its object")
    assert e.status["resources"] == [{"name": "settings", "ready": True}]
    e.apply(removalPolicy="Delete")
    e.until_says("Deletable")
    e.delete()
    e.until_gone()
    until("gone from the Space", lambda: not e.remote("one", "dev") and not e.remote_group("dev"), 90, e.explain)
    took("gone")
