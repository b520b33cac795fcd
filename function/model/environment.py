"""An environment with every default applied, every reference resolved and every rule checked."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Token:
    """A token of a robot, and the Secret that this generation of it is in."""

    robot: str
    name: str
    generation: int
    secret: SecretKey


@dataclass(frozen=True, slots=True)
class Team:
    """A team. `uuid` is empty where the environment makes it."""

    entry: str
    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot, with the teams that it belongs to. `uuid` is empty where the environment makes it."""

    entry: str
    name: str
    description: str
    uuid: str
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of packages, with what each team may do with it."""

    name: str
    public: bool
    publish: bool
    adopt: bool
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Iam:
    """What is made in the organization. Teams are named by their entry, or by the UUID of one that exists already."""

    token: SecretKey
    teams: Mapping[str, Team]
    robots: Mapping[str, Robot]
    tokens: Mapping[tuple[str, str], Token]
    repositories: tuple[Repository, ...]
    shared: bool

    def known(self, team: str) -> str:
        """The UUID of `team` where Git says it, or an empty string."""
        return self.teams[team].uuid if team in self.teams else team


@dataclass(frozen=True, slots=True)
class Space:
    """A place where control planes run. `kubeconfig` is None where ours is generated."""

    name: str
    type: str
    host: str
    former_hosts: tuple[str, ...]
    certificate_authority_data: str | None
    insecure: bool
    token: SecretKey | Token | None
    kubeconfig: SecretKey | None

    @property
    def legacy(self) -> bool:
        """Whether nothing can be created in it."""
        return self.type == "Legacy"


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `entry` is its name in the environment; `owned` if it is listed there; `access` has the role of each team."""

    entry: str
    name: str
    space: str
    owned: bool
    policies: Policies
    labels: Mapping[str, str]
    adopt: bool = False
    deletion_protection: bool | None = None
    access: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Target:
    """Where a consuming tool is: a place of the Input, and a namespace there. This cluster where no ProviderConfig is named."""

    name: str
    namespace: str
    provider_config: str | None
    helm_provider_config: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class ExternalSecret:
    """Where External Secrets Operator finds credentials."""

    store: Mapping[str, str]
    remote: Mapping[str, str]
    refresh: str


@dataclass(frozen=True, slots=True)
class Application:
    """What Argo CD applies to a control plane."""

    repo_url: str
    target_revision: str
    path: str
    namespace: str
    recurse: bool
    automated: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class ArgoCD:
    """A control plane in Argo CD.

    Where its Secret is `composed` with credentials, they are read from `secret`: a token, or for a Disconnected Space a
    kubeconfig. Without one, they are those of the control plane's connection Secret.
    """

    control_plane: ControlPlane
    target: Target
    external: ExternalSecret | None
    composed: bool
    secret: SecretKey | Token | None
    project: str
    application: Application | None


@dataclass(frozen=True, slots=True)
class Source:
    """A Flux source that is made for the environment."""

    kind: str
    target: Target
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flux:
    """A control plane in Flux. With neither `kubeconfig` nor `external`, its kubeconfig runs a program.

    `source` is what is made here, or kind and name of one that exists.
    """

    control_plane: ControlPlane
    target: Target
    kubeconfig: Mapping[str, str] | None
    external: ExternalSecret | None
    source: Source | Mapping[str, str]
    path: str
    interval: str
    prune: bool


@dataclass(frozen=True, slots=True)
class Connector:
    """An app cluster that is connected to a control plane. A Disconnected Space has `kubeconfig`, all others a token."""

    entry: str
    control_plane: ControlPlane
    target: Target
    version: str
    claim_namespace: str
    cluster_id: str | None
    token: SecretKey | Token | None
    kubeconfig: Mapping[str, str] | None
    insecure: bool


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
    iam: Iam
    stages: tuple[Stage, ...] = ()
    argocd: tuple[ArgoCD, ...] = ()
    flux: tuple[Flux, ...] = ()
    connectors: tuple[Connector, ...] = ()

    @cached_property
    def entered(self) -> frozenset[tuple[str, str, str]]:
        """Control planes that something goes into, as (space, group, name)."""
        inside = [r.control_plane for r in self.resources if r.control_plane]
        inside += [c for c in self.control_planes if c.configurations]
        inside += [c.control_plane for c in self.connectors if self.makes_claim_namespace(c)]
        return frozenset((c.space, c.group, c.name) for c in inside)

    def makes_claim_namespace(self, c: Connector) -> bool:
        """Whether the claim namespace of a connector is ours to make: `default` is there, and nothing is made in a Legacy Space."""
        return c.claim_namespace != "default" and not self.spaces[c.control_plane.space].legacy

    @cached_property
    def read(self) -> tuple[SecretKey | Token, ...]:
        """What is read of Secrets of this cluster, to be written into a composed Secret."""
        return tuple(dict.fromkeys(r.secret for r in self.argocd if r.secret))

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
