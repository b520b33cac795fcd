"""Packages come and go under a live environment: an upgrade, and what is removed by mistake."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from live.crossplane import RELEASES, ROOT
from live.environments import APIS, CLAIMS, NAMESPACED, OBJECTS, Document, LiveEnvironment, uid, version
from live.packages import INSTALL
from live.runtime import FUNCTION, NOTHING
from live.waiting import until
from live.world import DEFINITIONS, World


def _settled(world: World, namespace: str) -> list[LiveEnvironment]:
    """An environment of each API, Ready."""
    found = []
    for api in RELEASES[world.release].apis:
        e = LiveEnvironment(world, api, namespace, f"acme-{api}")
        dev = e.group(api)
        e.spec = {"organization": "acme", "spaces": [e.west()], "groups": [{"name": dev}]}
        e.apply(controlPlanes=[{"name": "one", "group": dev}, {"name": "two", "group": dev}])
        found.append(e)
    for e in found:
        e.until_ready()
    return found


def _there(e: LiveEnvironment) -> dict[str, str]:
    """What there is: the Object of each key by its name and uid, and a control plane by its last write."""
    return {key: f"{o['metadata']['name']} {uid(o)}" for key, o in e.objects().items()} | {"one": version(e.remote("one", e.api))}


@pytest.mark.alone
@pytest.mark.usefixtures("healthy")
def test_upgrade(world: World, namespace: str, tmp_path: Path) -> None:
    """A newer package takes over: no composed resource is deleted, made again or renamed, and nothing is written in the Space."""
    environments = _settled(world, namespace)
    had = [_there(e) for e in environments]
    newer = tmp_path / "function"
    shutil.copytree(ROOT / "package" / "function", newer)
    file = newer / "crossplane.yaml"
    package: Document = yaml.safe_load(file.read_text())
    package["metadata"]["annotations"]["live.test/release"] = "newer"
    file.write_text(yaml.safe_dump(package))
    world.packages.push("function", newer, "v0.1.1")
    image = "xpkg.upbound.io/upbound/function-upbound-environment:v0.1.1"
    world.hub.patch("functions.v1.pkg.crossplane.io", FUNCTION, {"spec": {"package": image}})

    def active() -> list[Document]:
        revisions = world.hub.list("functionrevisions.v1.pkg.crossplane.io")
        return [r for r in revisions if r["spec"]["image"] == image and r["spec"]["desiredState"] == "Active"]

    until("a newer revision is active", active)
    world.sandbox.kill("function-0")
    world.runtime.start_function()
    for e in environments:
        e.apply(controlPlanes=[*e.spec["controlPlanes"], {"name": "newer", "group": e.group(e.api)}])
    for e, before in zip(environments, had, strict=True):
        until("the newer one works", partial(e.remote, "newer", e.api), 90, e.explain)
        e.until_ready()
        assert before.items() <= _there(e).items()


@pytest.mark.alone
@pytest.mark.everywhere
@pytest.mark.usefixtures("healthy")
def test_the_function_is_removed(world: World, namespace: str) -> None:
    """Without the function nothing changes; when it is there again, everything goes on."""
    environments = _settled(world, namespace)
    had = [_there(e) for e in environments]
    before = {uid(r) for r in world.hub.list("functionrevisions.v1.pkg.crossplane.io")}
    world.hub.delete("functions.v1.pkg.crossplane.io", FUNCTION)
    gone = "the function's revision is gone"
    until(gone, lambda: not before & {uid(r) for r in world.hub.list("functionrevisions.v1.pkg.crossplane.io")}, 90)
    for e in environments:
        e.apply(controlPlanes=e.spec["controlPlanes"][:1])
    for e, was in zip(environments, had, strict=True):
        e.until_says("Synced", "Function", status="False")
        assert _there(e) == was
    world.sandbox.kill("function-0")
    world.install("function")
    world.runtime.start_function()
    for e in environments:
        e.until_says("RemovalPending", "control plane two")
        assert e.remote("two", e.api)


def _lost_and_found(environments: list[LiveEnvironment], remove: Callable[[], None], restore: Callable[[], None]) -> None:
    """All Objects go, what they stand for stays; when what was removed is there again, the environments find it."""

    def control_planes() -> list[str]:
        return [uid(e.remote(name, e.api)) for e in environments for name in ("one", "two")]

    def objects() -> list[str]:
        mine = {e.namespace for e in environments}
        found = [o for e in environments for o in e.world.hub.list(OBJECTS[e.api]) if any(n in str(o["spec"]) for n in mine)]
        return [o["metadata"]["name"] for o in found]

    def composed(e: LiveEnvironment) -> bool:
        return len(e.objects()) > len(e.spec["controlPlanes"])

    had = control_planes()
    remove()
    until("the Objects are gone", lambda: not objects(), 300, lambda: "\n".join(objects()))
    assert control_planes() == had
    restore()
    for e in environments:
        e.apply()
        until("its Objects are there", partial(composed, e), 120, e.explain)
        e.until_ready(300)
        assert e.condition("Conflict")[0] == "False"
    assert control_planes() == had


@pytest.mark.alone
@pytest.mark.thorough
@pytest.mark.both
@pytest.mark.usefixtures("healthy")
def test_the_step_is_removed(world: World, namespace: str) -> None:
    """A Composition without our step wants nothing: control planes live on, and are found again with the step."""
    environments = _settled(world, namespace)
    world.packages.push_stand_in("nothing", "Function")
    function = {"apiVersion": "pkg.crossplane.io/v1", "kind": "Function", "metadata": {"name": NOTHING}}
    package = {"package": "xpkg.upbound.io/upbound/function-nothing:v0.1.0"}
    world.kubectl("apply", "-f", "-", stdin=yaml.safe_dump({**function, "spec": package}))
    world.runtime.start_nothing()
    other = {"spec": {"pipeline": [{"step": "nothing", "functionRef": {"name": NOTHING}}]}}

    def remove() -> None:
        for e in environments:
            world.hub.patch("compositions.v1.apiextensions.crossplane.io", DEFINITIONS[e.api], other)

    def restore() -> None:
        for e in environments:
            world.kubectl("delete", "composition", DEFINITIONS[e.api])
            world.apply_composition(e.api)

    _lost_and_found(environments, remove, restore)


@pytest.mark.alone
@pytest.mark.thorough
@pytest.mark.both
@pytest.mark.usefixtures("healthy")
def test_the_definitions_are_removed(world: World, namespace: str) -> None:
    """With a Configuration package its XRD goes, and with that every claim: control planes live on, and are found again.

    Of namespaced environments none goes: Crossplane asks for their deletion without a namespace, takes the answer for
    success, and waits (2.3, internal/controller/apiextensions/definition/reconciler.go, DeleteAllOf).
    """
    environments = _settled(world, namespace)

    def remove() -> None:
        for api in RELEASES[world.release].apis:
            world.kubectl("delete", "-f", str(INSTALL / f"configuration-{api}.yaml"))
        until("claims and their XRD are gone", lambda: world.definition(CLAIMS) is None, 180)
        waiting = until("the other XRD is going", lambda: (world.definition(NAMESPACED) or {})["metadata"].get("deletionTimestamp"))
        (environment,) = (e for e in environments if e.api == NAMESPACED)
        assert waiting
        assert environment.seen(), "it lives on"
        assert environment.objects()
        world.kubectl("delete", f"upboundenvironments.{APIS[NAMESPACED]}", "--all-namespaces", "--all", "--wait=false")
        until("the other XRD is gone", lambda: world.definition(NAMESPACED) is None, 180)

    def restore() -> None:
        for api in RELEASES[world.release].apis:
            world.install(f"configuration-{api}")
        until("the XRDs are there", lambda: all(map(world.established, RELEASES[world.release].apis)), 120)

    _lost_and_found(environments, remove, restore)
