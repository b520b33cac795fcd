"""Identity through a stand-in for provider-upbound, and the services of a Space through its gateway."""

from typing import Any

import pytest

from live.environments import CLAIMS, CONTROL_PLANES, LiveEnvironment
from live.times import now
from live.waiting import until
from live.world import MOVED, World

BINDINGS = "objectrolebindings.v1alpha1.authorization.spaces.upbound.io"
REPOSITORY = {"name": "config", "permissions": [{"team": "a", "permission": "read"}]}
STORES = "sharedsecretstores.v1alpha1.spaces.upbound.io"


def _iam(api: str, kind: str) -> str:
    family = "repository" if kind in ("repositories", "permissions") else "iam"
    return f"{kind}.v1alpha1.{family}.{'' if api == CLAIMS else 'm.'}upbound.io"


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
        iam={"teams": [{"name": "a"}], "robots": [robot], "repositories": [REPOSITORY]},
    )
    until("the role binding", lambda: world.space.list(BINDINGS, dev), 120, e.explain)
    (binding,) = world.space.list(BINDINGS, dev)
    (team,) = _mine(world, e, "teams")
    assert binding["spec"]["subjects"][0]["name"] == team["metadata"]["annotations"]["crossplane.io/external-name"]
    e.until_ready(240)
    (token,) = _mine(world, e, "tokens")
    robot["tokens"][0]["generation"] = 2  # type: ignore[index]  # A list.
    e.apply(iam={"teams": [{"name": "a"}], "robots": [robot], "repositories": [REPOSITORY]})

    def moved() -> bool:
        tokens = _mine(world, e, "tokens")
        return len(tokens) == 1 and tokens[0]["metadata"]["uid"] != token["metadata"]["uid"]

    until("the old token is gone", moved, 180, e.explain)
    e.until_ready(180)
    two = world.space.get(CONTROL_PLANES, e.namespace, "default")
    assert two
    (permission,) = _mine(world, e, "permissions")
    assert permission["spec"]["forProvider"]["permission"] == "read"
    e.apply(removalPolicy="Orphan", controlPlanes=e.spec["controlPlanes"][:1])
    until("let go", lambda: f"controlplane/east/default/{e.namespace}" not in e.objects(), 90, e.explain)
    world.space.delete(CONTROL_PLANES, e.namespace, "default")
    # All of it goes, and nothing before what uses it: its role is gone from the Space before its team is.
    e.apply(spaces=[e.spec["spaces"][0]], iam=None, groups=[{"name": dev, "space": "west"}])
    until("the team is gone", lambda: not _mine(world, e, "teams"), 180, e.explain)
    assert world.space.list(BINDINGS, dev) == []
    left = ("robots", "robotteammemberships", "tokens", "repositories", "permissions")
    until("all of it is gone", lambda: not any(_mine(world, e, kind) for kind in left), 180, e.explain)
    e.until_ready(150)


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
    e.until_says("ControlPlanesReady", "1 of 1")
    assert e.condition("Ready")[0] == "False"
    failed = {"controlPlane": "one", "conditions": [{"type": "Ready", "status": "False", "reason": "No", "message": "access denied"}]}
    world.space.patch(STORES, "aws", {"status": {"failed": [failed]}}, dev, sub="status")
    e.until_says("ResourcesReady", "one", "access denied", status="False")
    world.space.patch(
        STORES, "aws", {"status": {"failed": None, "provisioned": [{"controlPlane": "one"}], "observedAt": now()}}, dev, sub="status"
    )
    e.until_ready(150)


SERVICES: dict[str, dict[str, Any]] = {
    "SharedExternalSecret": {
        "namespaceSelector": {"names": ["default"]},
        "externalSecretSpec": {"secretStoreRef": {"name": "aws", "kind": "ClusterSecretStore"}, "data": []},
    },
    "SharedBackupConfig": {
        "objectStorage": {
            "provider": "AWS",
            "bucket": "backups",
            "credentials": {"source": "Secret", "secretRef": {"name": "bucket", "key": "credentials"}},
        }
    },
    "SharedBackupSchedule": {"schedule": "@daily", "configRef": {"kind": "SharedBackupConfig", "name": "it"}},
    "BackupSchedule": {"schedule": "@daily", "controlPlane": "one", "configRef": {"kind": "SharedBackupConfig", "name": "it"}},
    "SharedBackup": {"configRef": {"kind": "SharedBackupConfig", "name": "it"}, "controlPlaneSelector": {"names": ["one"]}},
    "Backup": {"controlPlane": "one", "configRef": {"kind": "SharedBackupConfig", "name": "it"}},
    "SharedTelemetryConfig": {"exporters": {"debug": {}}, "exportPipeline": {"traces": ["debug"]}},
}
"""One of each service of a Space, all called `it`."""


def _version(kind: str) -> str:
    group = "observability.spaces.upbound.io" if "Telemetry" in kind else "spaces.upbound.io"
    return f"{group}/{'v1beta1' if 'Backup' in kind else 'v1alpha1'}"


def test_every_service_and_a_restore(world: World, environment: LiveEnvironment) -> None:
    """The Space's API takes one of each; a control plane is restored once its backup is complete, and not before."""
    e = environment
    dev = e.group("dev")
    resources = [
        {
            "name": kind.lower(),
            "group": dev,
            "manifest": {"apiVersion": _version(kind), "kind": kind, "metadata": {"name": "it"}, "spec": spec},
        }
        for kind, spec in SERVICES.items()
    ]
    again = {"name": "again", "group": dev, "restore": {"source": {"kind": "Backup", "name": "it"}}}
    e.apply(groups=[{"name": dev}], controlPlanes=[{"name": "one", "group": dev}, again], resources=resources)

    def plural(kind: str) -> str:
        group, _, version = _version(kind).partition("/")
        return f"{kind.lower()}s.{version}.{group}"

    for kind in SERVICES:
        until(f"the {kind} is in the Space", lambda kind=kind: world.space.get(plural(kind), "it", dev), 180, e.explain)  # type: ignore[misc]  # A name of the loop's.
    assert not e.remote("again", "dev"), "its backup is not complete"
    for kind in ("Backup", "SharedBackup"):
        world.space.patch(plural(kind), "it", {"status": {"phase": "Completed"}}, dev, sub="status")
    until("restored", lambda: e.remote("again", "dev"), 150, e.explain)
    assert e.remote("again", "dev")["spec"]["restore"]["source"]["name"] == "it"


pytestmark = pytest.mark.long
