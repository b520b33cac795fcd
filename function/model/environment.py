"""An environment with every default applied, every reference resolved and every rule checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from function.model.consumed import ArgoCD, Connector, Flux
from function.model.input import Hub
from function.model.parts import (
    Confirmation,
    ControlPlane,
    Group,
    Iam,
    Identity,
    Policies,
    RemovalPolicy,
    Resource,
    SecretKey,
    Space,
    Stage,
    Token,
)


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
    def entered(self) -> tuple[ControlPlane, ...]:
        """Control planes that something goes into."""
        inside = {r.control_plane.entry for r in self.resources if r.control_plane}
        inside |= {c.control_plane.entry for c in self.connectors if c.makes_namespace}
        return tuple(c for c in self.control_planes if c.configurations or c.entry in inside)

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
