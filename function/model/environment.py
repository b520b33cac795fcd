"""An environment with every default applied, every reference resolved and every rule checked."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any


class Policies(enum.Enum):
    """The managementPolicies that an author can choose."""

    FULL = ("*",)
    OBSERVE = ("Observe",)
    WITHOUT_DELETE = ("Observe", "Create", "Update", "LateInitialize")


class RemovalPolicy(enum.Enum):
    """What happens to a control plane or owned group whose line is removed."""

    CONFIRM = "Confirm"
    DELETE = "Delete"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an environment is: of the claim or the namespaced XR; a bare XR has no namespace."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of one Secret of this cluster."""

    namespace: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Space:
    """A place where control planes run. `kubeconfig` is None where ours is generated."""

    name: str
    type: str
    host: str
    former_hosts: tuple[str, ...]
    certificate_authority_data: str | None
    insecure: bool
    token: SecretKey | None
    kubeconfig: SecretKey | None

    @property
    def legacy(self) -> bool:
        """Whether nothing can be created in it."""
        return self.type == "Legacy"


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `entry` is its name in the environment; `owned` if it is listed there."""

    entry: str
    name: str
    space: str
    owned: bool
    policies: Policies
    labels: Mapping[str, str]
    adopt: bool = False
    deletion_protection: bool | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """A Configuration package, at the version that is wanted."""

    name: str
    package: str
    version: str
    pull_secrets: tuple[str, ...]
    pull_policy: str
    skip_dependency_resolution: bool

    @property
    def source(self) -> str:
        """Package and version, as Crossplane writes both."""
        return f"{self.package}{'@' if self.version.startswith('sha256:') else ':'}{self.version}"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane. `entry` is its name in the environment; `spec` is what the Space gets."""

    entry: str
    name: str
    space: str
    group: str
    policies: Policies
    adopt: bool
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    kubeconfig: SecretKey | None
    configurations: tuple[Configuration, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a rollout. `version` pins the Configurations of its control planes."""

    name: str
    control_planes: tuple[ControlPlane, ...]
    soak: timedelta
    version: str | None


@dataclass(frozen=True, slots=True)
class Resource:
    """Any other object. `scope` is Space, Group or ControlPlane; `control_plane` is set for the last."""

    entry: str
    scope: str
    space: str
    group: str
    control_plane: ControlPlane | None
    manifest: Mapping[str, Any]
    policies: Policies


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Agreement to delete one thing."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Hub:
    """The way back into this cluster: a ProviderConfig, and the namespace for kubeconfig Secrets."""

    provider_config: str
    namespace: str


@dataclass(frozen=True)
class Environment:
    """What every family of resources is made from."""

    identity: Identity
    namespaced: bool
    organization: str
    policies: Policies
    removal_policy: RemovalPolicy
    confirmations: tuple[Confirmation, ...]
    spaces: Mapping[str, Space]
    groups: tuple[Group, ...]
    control_planes: tuple[ControlPlane, ...]
    resources: tuple[Resource, ...]
    hub: Hub | None
    stages: tuple[Stage, ...] = ()

    @cached_property
    def entered(self) -> frozenset[tuple[str, str, str]]:
        """Control planes that something goes into, as (space, group, name)."""
        inside = (*(r.control_plane for r in self.resources if r.control_plane), *(c for c in self.control_planes if c.configurations))
        return frozenset((c.space, c.group, c.name) for c in inside)

    @cached_property
    def moved(self) -> Mapping[str, str]:
        """The host that each former host of a Space has become."""
        return {former: s.host for s in self.spaces.values() for former in s.former_hosts}

    @cached_property
    def composed_groups(self) -> frozenset[tuple[str, str]]:
        """Groups that are composed, as (space, name): all but `default`, which every Space has."""
        return frozenset((g.space, g.name) for g in self.groups)


def qualified_kind(manifest: Mapping[str, Any]) -> str:
    """Kind.group of an object, or its kind alone for the core group."""
    group, _, _ = manifest["apiVersion"].rpartition("/")
    return f"{manifest['kind']}.{group}" if group else str(manifest["kind"])


def dig(document: Any, *path: str) -> Any:  # noqa: ANN401  # Whatever is there.
    """What `document` has at `path`, or None where any part of it is missing or no object."""
    for part in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(part)
    return document
