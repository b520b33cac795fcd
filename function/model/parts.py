"""What an environment is made of, resolved: Spaces and tokens, groups, control planes, stages, other objects."""

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from function.model.iam import Repository, Robot, Team

DOMAIN = "environments.upbound.io"
ENVIRONMENT = f"{DOMAIN}/environment"
"""Label of groups and control planes in a Space: the environment that they belong to."""
RemovalPolicy = Literal["Confirm", "Delete", "Orphan"]
"""What happens to a control plane or owned group whose line is removed."""


def digest(*parts: str) -> str:
    """What tells `parts` from any others: names are made of it."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Policies(enum.Enum):
    """The managementPolicies that an author can choose."""

    FULL = ("*",)
    OBSERVE = ("Observe",)
    WITHOUT_DELETE = ("Observe", "Create", "Update", "LateInitialize")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an environment is: of the claim or the namespaced XR; a bare XR has no namespace."""

    namespace: str
    name: str

    @property
    def label(self) -> str:
        """Value of the label ENVIRONMENT: tells environments apart without naming them."""
        return digest(self.namespace, self.name)[:32]


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
        return (self.teams[team].external_name or "") if team in self.teams else team


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
    """A control plane. `entry` is its name in the environment; `spec` is what the Space gets.

    `mark` is the environment's label, which it has in the Space beside its `labels`, unless it is only looked at.
    """

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
    mark: Mapping[str, str] = field(default_factory=dict)


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
