"""How control planes are consumed, as an author writes it: Argo CD, Flux and Control Plane Connector."""

from typing import Any, Literal

from pydantic import Field, model_validator

from function.model import types as t
from function.model.references import SecretKeyRef, TokenSource


class _Defaulted(t.Model):
    """What has defaults of its own. A null is a field that is left out, as it is to the API server."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, said: Any) -> Any:  # noqa: ANN401  # Not validated yet.
        optional = {f.alias for f in cls.model_fields.values() if not f.is_required()}
        return {k: v for k, v in said.items() if v is not None or k not in optional} if isinstance(said, dict) else said


class SecretStoreRef(_Defaulted):
    """A secret store of External Secrets Operator, where the tool runs."""

    kind: Literal["SecretStore", "ClusterSecretStore"] = "ClusterSecretStore"
    """SecretStore or ClusterSecretStore. Default: ClusterSecretStore."""
    name: t.ObjectName
    """Name of the store."""


class RemoteRef(t.Model):
    """One value in a secret store."""

    key: t.RemoteKey
    """Key in the store."""
    property: t.RemoteKey | None = None
    """Property of what is under the key."""


class ExternalSecret(_Defaulted):
    """Where External Secrets Operator finds the credentials: a token, or for a Disconnected Space the kubeconfig."""

    secret_store_ref: SecretStoreRef
    """The store. The Composition's Input says which may be used."""
    remote_ref: RemoteRef
    """The value in the store."""
    refresh_interval: t.Interval = "1h"
    """How often it is read. Default: 1h."""


class LocalSecretKeyRef(t.Model):
    """One key of a Secret beside the tool that uses it, in its cluster and namespace."""

    name: t.ObjectName
    """Name of the Secret."""
    key: t.SecretKeyName
    """Key in the Secret's data."""


_Auth = Literal["PodEnvironment", "ExternalSecret", "ComposedSecret"]


class ArgoCDSettings(TokenSource):
    """What a control plane may have of its own in Argo CD."""

    enabled: bool | None = None
    """Whether it is registered. Default: true where spec.argocd is set."""
    auth: _Auth | None = None
    """Where the token comes from. Default: spec.argocd's."""
    external_secret: ExternalSecret | None = None
    """For auth ExternalSecret. Default: spec.argocd's."""
    token_secret_ref: SecretKeyRef | None = None
    """For auth ComposedSecret. Default: spec.argocd's."""
    path: t.RelativePath | None = None
    """Path of its claims. Default: that of spec.argocd.applications."""


class Automated(t.Model):
    """What Argo CD does by itself."""

    prune: bool | None = None
    """Whether it deletes from a control plane what is no longer in Git. Default: false."""
    self_heal: bool | None = None
    """Whether it undoes changes that are not from Git. Default: false."""


class SyncPolicy(_Defaulted):
    """How Argo CD syncs."""

    automated: Automated = Automated()
    """What it does by itself. Default: it syncs, without pruning and healing."""


class Applications(_Defaulted):
    """An Argo CD Application for each control plane, in an AppProject that reaches nothing else."""

    repo_url: t.GitUrl = Field(alias="repoURL")
    """Git repository with the claims. Its credentials are Argo CD's to have; none may be in the address."""
    target_revision: t.Revision = "main"
    """Branch, tag or commit. Default: main."""
    path: t.RelativePath = "claims"
    """Path of the claims in the repository. Default: claims."""
    namespace: t.Name = "default"
    """Namespace in the control plane for claims that name none; no other is allowed. Default: default."""
    recurse: bool = True
    """Whether directories below the path count. Default: true."""
    sync_policy: SyncPolicy = SyncPolicy()
    """How Argo CD syncs."""


class ArgoCD(TokenSource):
    """Argo CD, with every control plane as a cluster."""

    target: t.Name
    """Where Argo CD runs: a target of the Composition's Input."""
    namespace: t.Name | None = None
    """Argo CD's namespace there. Default: argocd; the environment's own where the target is this cluster."""
    auth: _Auth | None = None
    """Where the token comes from: PodEnvironment (Argo CD's pods have UP_TOKEN), ExternalSecret (External Secrets
    Operator writes the Secret), or ComposedSecret (we do, in a namespaced environment beside Argo CD).
    Default: PodEnvironment."""
    external_secret: ExternalSecret | None = None
    """For auth ExternalSecret: where the credentials are."""
    token_secret_ref: SecretKeyRef | None = None
    """For auth ComposedSecret: the token. Default: the Space's."""
    project: t.ObjectName | None = None
    """AppProject that the clusters and Applications belong to. Default: one of their own for each Application."""
    applications: Applications | None = None
    """Makes an Application for each control plane."""


class FluxSettings(t.Model):
    """What a control plane may have of its own in Flux."""

    enabled: bool | None = None
    """Whether Flux applies claims to it. Default: true where spec.flux is set."""
    kubeconfig_secret_ref: LocalSecretKeyRef | None = None
    """A Secret beside the Kustomization with a kubeconfig that works without a program. For a Disconnected Space and a
    target that is this cluster, default: the control plane's kubeconfigSecretRef."""
    external_secret: ExternalSecret | None = None
    """Where External Secrets Operator finds the credentials. Default: spec.flux's."""
    path: t.RelativePath | None = None
    """Path of its claims. Default: spec.flux's."""


class SourceReference(t.Model):
    """What of a source is used."""

    branch: t.Revision | None = None
    """Branch, of Git. Default: main."""
    tag: t.Revision | None = None
    """Tag. Default for OCI: latest."""
    semver: t.Revision | None = None
    """Newest tag in a range of versions."""
    commit: t.Revision | None = None
    """Commit, of Git."""
    digest: t.Digest | None = None
    """Digest, of OCI."""


class Source(t.Model):
    """A source that is made for this environment."""

    url: t.SourceUrl
    """Git repository (https, ssh) or OCI repository (oci). No credentials may be in the address."""
    ref: SourceReference | None = None
    """What of it is used."""
    interval: t.Interval | None = None
    """How often it is looked at. Default: spec.flux.interval."""
    secret_name: t.ObjectName | None = None
    """Secret with its credentials, beside it. The Composition's Input says which may be used."""


class SourceRef(t.Model):
    """A source that exists."""

    kind: Literal["GitRepository", "OCIRepository", "Bucket"] | None = None
    """GitRepository, OCIRepository or Bucket. Default: GitRepository."""
    name: t.ObjectName
    """Name of the source, beside the Kustomization."""


class Flux(t.Model):
    """Flux, with a Kustomization for every control plane. It never deletes claims when it goes."""

    target: t.Name
    """Where Flux runs: a target of the Composition's Input."""
    namespace: t.Name | None = None
    """Namespace there. Default: flux-system; the environment's own where the target is this cluster."""
    source: Source | None = None
    """The source with the claims, made for this environment. Or name one that exists in sourceRef."""
    source_ref: SourceRef | None = None
    """A source that exists. The Composition's Input says which may be used."""
    path: t.RelativePath | None = None
    """Path of the claims in the source. Default: ./claims."""
    interval: t.Interval | None = None
    """How often claims are applied. Default: 5m0s."""
    prune: bool | None = None
    """Whether Flux deletes from a control plane what is no longer in the source. Default: true."""
    external_secret: ExternalSecret | None = None
    """Where External Secrets Operator finds credentials, with which it writes the kubeconfig Secrets."""
    allow_exec_kubeconfig: bool | None = None
    """Says that kustomize-controller runs programs of kubeconfigs, and has up: see upenv flux-patch. Default: false."""


class Connector(TokenSource):
    """Control Plane Connector, in an app cluster."""

    name: t.Name
    """Unique in the environment."""
    control_plane: t.Name
    """The control plane that the app cluster is connected to, by its name in this environment."""
    target: t.Name
    """The app cluster: a target of the Composition's Input."""
    namespace: t.Name | None = None
    """Namespace of the connector there. Default: kube-system."""
    version: t.Version
    """Version of the chart."""
    claim_namespace: t.Name
    """Namespace in the control plane for the app cluster's claims; made there first, and never deleted."""
    cluster_id: t.ClusterId | None = Field(default=None, alias="clusterID")
    """The app cluster's part of every claim's name. Default: the chart's, from the app cluster."""
    token_secret_ref: SecretKeyRef | None = None
    """Token of the connector's own, or robotTokenRef; never a Space's, nor that of iam. Not for a Disconnected Space."""
    kubeconfig_secret_ref: LocalSecretKeyRef | None = None
    """For a Disconnected Space: the Secret in the app cluster, beside the connector, with the control plane's kubeconfig."""
    insecure_skip_tls_verify: bool | None = Field(default=None, alias="insecureSkipTLSVerify")
    """Do not verify the Space's certificate. Only where the target allows it."""
