"""Packages come and go under a live environment: an upgrade, and a function that is removed by mistake."""

import shutil
from pathlib import Path

import pytest
import yaml

from live.crossplane import ROOT
from live.environments import Document, LiveEnvironment, uid, version
from live.runtime import FUNCTION
from live.waiting import until
from live.world import World


def _settled(e: LiveEnvironment) -> dict[str, str]:
    dev = e.group("dev")
    e.apply(groups=[{"name": dev}], controlPlanes=[{"name": "one", "group": dev}, {"name": "two", "group": dev}])
    e.until_ready()
    return _names(e)


def _names(e: LiveEnvironment) -> dict[str, str]:
    """What there is: the Object of each key, by its name and uid."""
    return {key: f"{o['metadata']['name']} {uid(o)}" for key, o in e.objects().items()}


@pytest.mark.alone
@pytest.mark.usefixtures("healthy")
def test_upgrade(world: World, environment: LiveEnvironment, tmp_path: Path) -> None:
    """A newer package takes over: no composed resource is deleted, made again or renamed, and nothing is written in the Space."""
    had, remote = _settled(environment), version(environment.remote("one", "dev"))
    newer = tmp_path / "function"
    shutil.copytree(ROOT / "package" / "function", newer)
    file = newer / "crossplane.yaml"
    package: Document = yaml.safe_load(file.read_text())
    package["metadata"]["annotations"]["live.test/release"] = environment.api
    file.write_text(yaml.safe_dump(package))
    tag = f"v0.1.{1 if environment.api == 'claims' else 2}"
    world.packages.push("function", newer, tag)
    image = f"xpkg.upbound.io/upbound/function-upbound-environment:{tag}"
    world.hub.patch("functions.v1.pkg.crossplane.io", FUNCTION, {"spec": {"package": image}})
    resource = "functionrevisions.v1.pkg.crossplane.io"
    until(
        "a newer revision is active",
        lambda: [r for r in world.hub.list(resource) if r["spec"]["image"] == image and r["spec"]["desiredState"] == "Active"],
    )
    world.sandbox.kill("function-0")
    world.runtime.start_function()
    environment.apply(controlPlanes=[*environment.spec["controlPlanes"], {"name": "newer", "group": environment.group("dev")}])
    until("the newer one works", lambda: environment.remote("newer", "dev"), 90, environment.explain)
    environment.until_ready()
    assert had.items() <= _names(environment).items()
    assert version(environment.remote("one", "dev")) == remote


@pytest.mark.alone
@pytest.mark.usefixtures("healthy")
def test_the_function_is_removed(world: World, environment: LiveEnvironment) -> None:
    """Without the function nothing changes; when it is there again, everything goes on."""
    had, remote = _settled(environment), version(environment.remote("one", "dev"))
    world.hub.delete("functions.v1.pkg.crossplane.io", FUNCTION)
    before = {uid(r) for r in world.hub.list("functionrevisions.v1.pkg.crossplane.io")}
    gone = "the function's revision is gone"
    until(gone, lambda: not before & {uid(r) for r in world.hub.list("functionrevisions.v1.pkg.crossplane.io")}, 90)
    environment.apply(controlPlanes=environment.spec["controlPlanes"][:1])
    environment.until_says("Synced", "Function", status="False")
    assert _names(environment) == had
    assert version(environment.remote("one", "dev")) == remote
    world.sandbox.kill("function-0")
    world.install("function")
    world.runtime.start_function()
    environment.until_says("RemovalPending", "control plane two")
    assert environment.remote("two", "dev")
