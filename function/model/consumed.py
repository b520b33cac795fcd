"""What consumes an environment's control planes, resolved: Argo CD, Flux and connectors, and where they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from function.model import gitops
from function.model.input import Target as Place
from function.model.parts import ControlPlane, SecretKey, Token


@dataclass(frozen=True, slots=True)
class Target:
    """Where a consuming tool is: a place of the Input, and a namespace there. `kind` is that of its ProviderConfigs."""

    place: Place
    namespace: str
    kind: str

    @property
    def here(self) -> bool:
        """Whether it is this cluster."""
        return self.place.here

    @property
    def app_cluster(self) -> tuple[str, str | None]:
        """The ProviderConfig of provider-helm: two targets may be one app cluster."""
        return self.kind, self.place.helm_provider_config_name


@dataclass(frozen=True, slots=True)
class ArgoCD:
    """A control plane in Argo CD.

    Where its Secret is `composed` with credentials, they are read from `secret`: a token, or for a Disconnected Space a
    kubeconfig. Without one, they are those of the control plane's connection Secret.
    """

    control_plane: ControlPlane
    target: Target
    external: gitops.ExternalSecret | None
    composed: bool
    secret: SecretKey | Token | None
    project: str
    application: gitops.Applications | None


@dataclass(frozen=True, slots=True)
class Source:
    """A Flux source that is made for the environment, beside the Kustomizations."""

    kind: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flux:
    """A control plane in Flux. With neither `kubeconfig` nor `external`, its kubeconfig runs a program.

    `source` is what is made here, or kind and name of one that exists.
    """

    control_plane: ControlPlane
    target: Target
    kubeconfig: Mapping[str, str] | None
    external: gitops.ExternalSecret | None
    source: Source | Mapping[str, str]
    path: str
    interval: str
    prune: bool


@dataclass(frozen=True, slots=True)
class Connector:
    """An app cluster that is connected to a control plane: what its author `said`, and what that refers to.

    The claim namespace is ours to make, but for `default`, which is there, and in a Legacy Space, where nothing is made.
    """

    said: gitops.Connector
    control_plane: ControlPlane
    target: Target
    token: SecretKey | Token | None
    makes_namespace: bool
