"""One Configuration through three stages, in real control planes with a package manager that says yes or no."""

from collections.abc import Callable
from typing import Any

import pytest

from live.client import ApiError
from live.environments import NAMESPACED, LiveEnvironment, uid
from live.waiting import until
from live.world import World

STAGES = ("dev", "staging", "prod")
PACKAGES = "configurations.v1.pkg.crossplane.io"
SOAK_SECONDS = 5 * 60
"""The shortest that is allowed."""


def _runs(world: World, e: LiveEnvironment) -> dict[str, str]:
    """What each control plane is told to run."""
    found = {}
    for stage in STAGES:
        try:
            package = world.inside(e.group("all"), stage).get(PACKAGES, "platform") or {}
        except ApiError:
            package = {}
        found[stage] = package.get("spec", {}).get("package", "").rpartition(":")[2]
    return found


def _rollout(world: World, namespace: str) -> LiveEnvironment:
    """Version 1 everywhere."""
    e = LiveEnvironment(world, NAMESPACED, namespace)
    group = e.group("all")
    stages = [{"name": s, "soak": "5m", "controlPlaneSelector": {"names": [s]}} for s in STAGES]
    e.spec = {"organization": "acme", "spaces": [e.west()], "groups": [{"name": group}], "rollout": {"stages": stages}}
    e.apply(controlPlanes=[{"name": s, "group": group} for s in STAGES], configurations=[_version("v1.0.0")])
    until("version 1 everywhere", lambda: set(_runs(world, e).values()) == {"v1.0.0"}, 300, e.explain)
    e.until_ready(180)
    e.until_says("RolledOut")
    return e


def _stages_in(e: LiveEnvironment, stage: str, phase: str) -> list[dict[str, Any]]:
    """All stages as the status has them, once one of them is in a phase; none until then."""
    stages: list[dict[str, Any]] = e.status.get("stages", [])
    return stages if any(s["name"] == stage and s["phase"] == phase for s in stages) else []


def _targets(stages: list[dict[str, Any]]) -> dict[str, str]:
    """What each stage is to run."""
    return {s["name"]: s["target"] for s in stages}


def _version(version: str) -> dict[str, Any]:
    return {"name": "platform", "package": "xpkg.upbound.io/acme/platform", "version": version}


@pytest.mark.long
@pytest.mark.both
def test_a_bad_release_stops_at_the_first_stage(world: World, namespace: str, took: Callable[[str], None]) -> None:
    """It is installed in dev, said to be unhealthy, and gets no further; the environment stays Ready, and a mended one follows."""
    e = _rollout(world, namespace)
    took("first version everywhere")
    had = {s: uid(e.remote(s, "all")) for s in STAGES}
    e.apply(configurations=[_version("v1.1.0-bad")])
    message = e.until_says("RolloutHalted", "dev")
    took("halted")
    assert _targets(e.status["stages"]) == {"dev": "v1.1.0-bad", "staging": "v1.0.0", "prod": "v1.0.0"}
    until("so they run", lambda: _runs(world, e) == _targets(e.status["stages"]), 30, e.explain)
    assert "dev" in message
    assert e.condition("RolledOut")[0] == "False"
    assert e.condition("Ready")[0] == "True"
    e.apply(configurations=[_version("v1.1.1")])
    until("the mended one is in dev", lambda: _runs(world, e)["dev"] == "v1.1.1", 90, e.explain)
    e.until_says("RolloutHalted", status="False")
    stages = until("dev soaks", lambda: _stages_in(e, "dev", "Soaking"), 90, e.explain)
    assert _targets(stages) == {"dev": "v1.1.1", "staging": "v1.0.0", "prod": "v1.0.0"}
    assert _runs(world, e)["prod"] == "v1.0.0"
    assert {s: uid(e.remote(s, "all")) for s in STAGES} == had


@pytest.mark.long
@pytest.mark.both
@pytest.mark.thorough
def test_a_good_release_reaches_production(world: World, namespace: str, took: Callable[[str], None]) -> None:
    """Stage after stage, each when the one before has been healthy for its soak; then RolledOut."""
    e = _rollout(world, namespace)
    e.apply(configurations=[_version("v1.1.0")])
    until("dev", lambda: _runs(world, e)["dev"] == "v1.1.0", 90, e.explain)
    took("dev")
    until("staging", lambda: _runs(world, e)["staging"] == "v1.1.0", SOAK_SECONDS + 150, e.explain)
    took("staging")
    stages = until("staging soaks", lambda: _stages_in(e, "staging", "Soaking"), 90, e.explain)
    assert _targets(stages)["prod"] == "v1.0.0"
    assert _runs(world, e)["prod"] == "v1.0.0"
    until("prod", lambda: _runs(world, e)["prod"] == "v1.1.0", SOAK_SECONDS + 150, e.explain)
    took("prod")
    e.until_says("RolledOut")
