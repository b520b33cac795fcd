"""Identity through a stand-in for provider-upbound, and the services of a Space through its gateway."""

from typing import Any

import pytest

from live.environments import CLAIMS, LiveEnvironment
from live.times import now
from live.waiting import until
from live.world import MOVED, World

BINDINGS = "objectrolebindings.v1alpha1.authorization.spaces.upbound.io"
STORES = "sharedsecretstores.v1alpha1.spaces.upbound.io"


def _iam(api: str, kind: str) -> str:
    return f"{kind}.v1alpha1.iam.{'' if api == CLAIMS else 'm.'}upbound.io"


def _mine(world: World, e: LiveEnvironment, kind: str) -> list[dict[str, Any]]:
    """Resources of provider-upbound that belong to the environment."""
    composite = e.composite()["metadata"]["uid"]
    found = world.hub.list(_iam(e.api, kind))
    return [o for o in found if any(r["uid"] == composite for r in o["metadata"].get("ownerReferences", []))]


def test_teams_robots_and_tokens(world: World, environment: LiveEnvironment) -> None:
    """A team's UUID gets into the group's role binding, a robot's token reaches a Space; a new generation takes over, then the old goes."""
    e = environment
    dev = e.group("dev")
    robot = {"name": "deployer", "teams": ["a"], "tokens": [{"name": "spaces"}]}
    east = {**e.west(MOVED), "name": "east", "credentials": {"robotTokenRef": {"robot": "deployer", "token": "spaces"}}}
    if e.api == CLAIMS:
        robot["tokens"][0]["writeConnectionSecretToRef"] = {"name": "robot", "namespace": e.namespace}  # type: ignore[index]  # A list.
    e.apply(
        spaces=[e.west(), east],
        groups=[{"name": dev, "space": "west", "access": [{"team": "a", "role": "editor"}]}],
        controlPlanes=[
            {"name": "one", "space": "west", "group": dev},
            {"name": "two", "remoteName": e.namespace, "space": "east", "group": "default"},
        ],
        iam={"teams": [{"name": "a"}], "robots": [robot]},
    )
    until("the role binding", lambda: world.space.list(BINDINGS, dev), 120, e.explain)
    (binding,) = world.space.list(BINDINGS, dev)
    (team,) = _mine(world, e, "teams")
    assert binding["spec"]["subjects"][0]["name"] == team["metadata"]["annotations"]["crossplane.io/external-name"]
    e.until_ready(240)
    (token,) = _mine(world, e, "tokens")
    robot["tokens"][0]["generation"] = 2  # type: ignore[index]  # A list.
    e.apply(iam={"teams": [{"name": "a"}], "robots": [robot]})

    def moved() -> bool:
        tokens = _mine(world, e, "tokens")
        return len(tokens) == 1 and tokens[0]["metadata"]["uid"] != token["metadata"]["uid"]

    until("the old token is gone", moved, 180, e.explain)
    e.until_ready(180)
    two = world.space.get("controlplanes.v1beta1.spaces.upbound.io", e.namespace, "default")
    assert two
    e.apply(removalPolicy="Orphan", controlPlanes=e.spec["controlPlanes"][:1])
    until("let go", lambda: f"controlplane/east/default/{e.namespace}" not in e.objects(), 90, e.explain)
    world.space.delete("controlplanes.v1beta1.spaces.upbound.io", e.namespace, "default")


def test_a_service_of_the_space(world: World, environment: LiveEnvironment) -> None:
    """A store gets through the gateway, is not ready before it is provisioned, and what fails is said for each control plane."""
    e = environment
    dev = e.group("dev")
    provider = {"aws": {"service": "SecretsManager", "region": "eu-west-1", "auth": {"secretRef": {}}}}
    manifest = {
        "apiVersion": "spaces.upbound.io/v1alpha1",
        "kind": "SharedSecretStore",
        "metadata": {"name": "aws"},
        "spec": {"namespaceSelector": {"names": ["default"]}, "provider": provider},
    }
    e.apply(
        groups=[{"name": dev}],
        controlPlanes=[{"name": "one", "group": dev}],
        resources=[{"name": "store", "group": dev, "manifest": manifest}],
    )
    until("the store is in the Space", lambda: world.space.get(STORES, "aws", dev), 120, e.explain)
    until("the control plane is ready", lambda: e.line("one").get("ready"), 120, e.explain)
    e.until_not_ready()
    failed = {"controlPlane": "one", "conditions": [{"type": "Ready", "status": "False", "reason": "No", "message": "access denied"}]}
    world.space.patch(STORES, "aws", {"status": {"failed": [failed]}}, dev, sub="status")
    e.until_says("ResourcesReady", "one", status="False", seconds=120)
    world.space.patch(
        STORES, "aws", {"status": {"failed": None, "provisioned": [{"controlPlane": "one"}], "observedAt": now()}}, dev, sub="status"
    )
    e.until_ready(150)


pytestmark = pytest.mark.long
