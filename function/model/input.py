"""The Input in the Composition: what the platform team decides and an environment's author must not."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from function.model import types as t
from function.model.references import SecretKeyRef

NEVER_ALLOWED = ("ControlPlane.spaces.upbound.io", "Namespace", "Secret")
"""Kinds that `resources` never carries: the first two have fields of their own, the third would put a secret in a spec."""

_Globs = Annotated[tuple[t.Glob, ...], t.AsTuple, Field(max_length=100)]
_PackageGlobs = Annotated[tuple[t.PackageGlob, ...], t.AsTuple, Field(max_length=100)]


class SecretRule(SecretKeyRef):
    """One key of one Secret, exactly."""

    namespace: t.Name
    """Namespace of the Secret."""
    use: Literal["Token", "Kubeconfig", "ControlPlaneKubeconfig", "ConnectorToken"]
    """What it is: a Space's token, the kubeconfig of a Space or of a control plane, or the token that connectors carry
    to app clusters. It serves as nothing else."""


class ResourceRule(t.Model):
    """Kinds that may go to one kind of place."""

    scope: Literal["Space", "Group", "ControlPlane", "Organization"]
    """Where: in a Space outside any group, in a group, inside a control plane, or, for what iam makes, in the organization."""
    kinds: Annotated[tuple[t.Kind, ...], t.AsTuple, Field(max_length=100)]
    """Kind.group, such as SharedSecretStore.spaces.upbound.io; Kind alone for the core group."""


class Rule(t.Model):
    """What environments in some namespaces may do."""

    namespaces: _Globs
    """Namespaces of the environments that this rule is for. '*' stands for any characters."""
    organizations: _Globs
    """Upbound organizations that they may use."""
    hosts: _Globs
    """Hosts that they may reach: host, or host:port."""
    groups: _Globs = ("*",)
    """Groups that they may use, by name in the Space. Default: all that are not reserved."""
    secrets: Annotated[tuple[SecretRule, ...], t.AsTuple, Field(max_length=100)] = ()
    """Secrets outside their own namespace that they may refer to."""
    own_kubeconfigs: bool = False
    """Whether they may bring kubeconfigs in Secrets of their own namespace. A kubeconfig decides which server the
    provider talks to, and with which of its own files and programs; see docs/credentials.md. Default: false."""
    insecure_skip_tls_verify: bool = Field(default=False, alias="insecureSkipTLSVerify")
    """Whether they may leave a Space's certificate unverified. Default: false."""
    host_namespaces: _Globs = ()
    """Namespaces of a self-hosted Space's cluster that their control planes may run in. Default: none."""
    packages: _PackageGlobs = ("*",)
    """Configuration packages that they may install in their control planes: registry and repository. Default: all."""
    resources: Annotated[tuple[ResourceRule, ...], t.AsTuple, Field(max_length=20)] = ()
    """Kinds that spec.resources may carry, and that spec.iam and groups[].access may make. Default: none."""
    targets: Annotated[tuple[t.Name, ...], t.AsTuple, Field(max_length=100)] = ()
    """Targets that they may use, with all that each allows. Default: none."""


class Hub(t.Model):
    """The way back into this cluster, with which a claim's kubeconfigs are written."""

    provider_config_name: t.ObjectName
    """ProviderConfig (kubernetes.crossplane.io) that reaches this cluster."""
    namespace: t.Name
    """Namespace that gets the kubeconfig Secrets."""


class TargetSecretRule(t.Model):
    """A Secret of a target."""

    namespace: t.Name
    """Namespace of the Secret."""
    name: t.ObjectName
    """Name of the Secret."""
    use: Literal["FluxKubeconfig", "FluxSource", "ConnectorKubeconfig"]
    """What it is: a kubeconfig for Flux or a connector, or the credentials of a source. It serves as nothing else."""


class SecretStoreRule(t.Model):
    """A secret store of External Secrets Operator, at a target."""

    kind: Literal["SecretStore", "ClusterSecretStore"]
    """SecretStore or ClusterSecretStore."""
    name: t.ObjectName
    """Name of the store."""
    keys: Annotated[tuple[t.RemoteKey, ...], t.AsTuple, Field(max_length=100)]
    """Keys that may be read. '*' stands for any characters."""


class Target(t.Model):
    """A place where Argo CD, Flux or an app cluster's Helm releases are, and what may be done there."""

    name: t.Name
    """What rules and environments call it. A name always stands for the same place: for another, write another target."""
    provider_config_name: t.ObjectName | None = None
    """ProviderConfig of provider-kubernetes that reaches it. Absent: this cluster, for namespaced environments, which
    then live in the tool's own namespace. A claim needs one, for this cluster too."""
    helm_provider_config_name: t.ObjectName | None = None
    """ProviderConfig of provider-helm that reaches it, for connectors. With it alone, the target is an app cluster, for
    nothing else."""
    provider_config_kind: Literal["ProviderConfig", "ClusterProviderConfig"] = "ClusterProviderConfig"
    """Kind of both, for namespaced environments. Default: ClusterProviderConfig."""
    namespaces: _Globs
    """Namespaces there that may be used. '*' stands for any characters."""
    hosts: _Globs = ("*",)
    """Hosts of the Spaces to whose control planes Argo CD's and Flux's own credentials there may be sent, and those of its
    secret stores. Default: all that the environment may reach."""
    projects: Annotated[tuple[t.RemoteKey, ...], t.AsTuple, Field(max_length=100)] = ()
    """Argo CD projects that may be named. '*' stands for any characters. Default: only those that are made for it."""
    repositories: Annotated[tuple[t.RemoteKey, ...], t.AsTuple, Field(max_length=100)] = ()
    """Git repositories that Argo CD's Applications may be made from, with what credentials it has for them, such as
    https://github.com/acme/*. '*' stands for any characters. Default: none."""
    sources: Annotated[tuple[t.RemoteKey, ...], t.AsTuple, Field(max_length=100)] = ()
    """Flux sources there that may be named. '*' stands for any characters. Default: only those that are made for it."""
    secrets: Annotated[tuple[TargetSecretRule, ...], t.AsTuple, Field(max_length=100)] = ()
    """Secrets there that may be referred to. Default: none, but for the environment's own namespace."""
    secret_stores: Annotated[tuple[SecretStoreRule, ...], t.AsTuple, Field(max_length=100)] = ()
    """Secret stores there that may be used. Default: none."""
    insecure_skip_tls_verify: bool = Field(default=False, alias="insecureSkipTLSVerify")
    """Whether connectors there may leave a Space's certificate unverified. Default: false."""

    @property
    def here(self) -> bool:
        """Whether it is this cluster."""
        return self.provider_config_name is None and self.helm_provider_config_name is None


class Input(t.Model):
    """Rules for environments, and where this cluster is. The first rule for an environment's namespace decides."""

    model_config = ConfigDict(title="Input")

    api_version: Literal["upbound-environment.fn.crossplane.io/v1beta1"]
    """upbound-environment.fn.crossplane.io/v1beta1."""
    kind: Literal["Input"]
    """Input."""
    rules: Annotated[tuple[Rule, ...], t.AsTuple, Field(max_length=100)] = ()
    """The first rule that lists an environment's namespace decides; without one, the environment is refused."""
    hub: Hub | None = None
    """The way back into this cluster, for claims. Needed for more than one Space, and for objects inside control planes."""
    targets: Annotated[tuple[Target, ...], t.AsTuple, Field(max_length=100)] = ()
    """Where Argo CD, Flux and app clusters are. Rules say which of them an environment may use."""
