"""The spec of an UpboundEnvironment, as its author writes it. The XRDs and the README's table are made from this."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from function.model import gitops
from function.model import types as t
from function.model.iam import Access, Iam
from function.model.packages import Configuration, Rollout
from function.model.parts import RemovalPolicy
from function.model.references import Credentials, SecretKeyRef, TokenSource

__all__ = ["Credentials", "SecretKeyRef", "Spec", "TokenSource"]

MANAGEMENT_POLICIES = (
    frozenset({"*"}),
    frozenset({"Observe"}),
    frozenset({"Observe", "Create", "Update"}),
    frozenset({"Observe", "Create", "Update", "LateInitialize"}),
)
"""Full control, looking only, and everything but deleting (two spellings, as Crossplane has them)."""

POLICIES_HINT = "write ['*'], ['Observe'], or everything but deleting: ['Observe', 'Create', 'Update', 'LateInitialize']"


def _one_of_the_sets(policies: tuple[str, ...]) -> tuple[str, ...]:
    if frozenset(policies) not in MANAGEMENT_POLICIES or len(set(policies)) != len(policies):
        raise PydanticCustomError("management_policies", "{hint}", {"hint": POLICIES_HINT})
    return policies


_POLICIES = Annotated[
    tuple[Annotated[str, Field(json_schema_extra={"enum": ["*", "Observe", "Create", "Update", "LateInitialize"]})], ...],
    t.AsTuple,
    AfterValidator(_one_of_the_sets),
    Field(
        json_schema_extra={
            "minItems": 1,
            "maxItems": 4,
            **t.cel(
                (
                    "self == ['*'] || self == ['Observe'] || (!('*' in self) && ['Observe', 'Create', 'Update'].all(p, p in self))",
                    f"managementPolicies is not one of the sets: {POLICIES_HINT}",
                )
            ),
        }
    ),
]


class Space(t.Model):
    """A place where control planes run."""

    model_config = ConfigDict(
        json_schema_extra=t.cel(
            (
                "!has(self.type) || self.type != 'Disconnected' || (has(self.credentials) && has(self.credentials.kubeconfigSecretRef))",
                "a Disconnected Space needs credentials.kubeconfigSecretRef",
            ),
            (
                "!has(self.type) || self.type != 'Disconnected' || !has(self.credentials) || !has(self.credentials.tokenSecretRef)",
                "a Disconnected Space takes no credentials.tokenSecretRef: its kubeconfig carries its own credentials",
            ),
            (
                "has(self.host) || (has(self.type) && self.type == 'Legacy')",
                "host is required, such as upbound-gcp-us-west-1.spaces.upbound.io",
            ),
        )
    )

    name: t.Name
    """What the rest of the environment calls this Space."""
    type: Literal["Cloud", "Connected", "Disconnected", "Legacy"] = "Cloud"
    """Cloud (run by Upbound), Connected or Disconnected (run by you), or Legacy (proxy.upbound.io). Default: Cloud."""
    host: t.Host | None = None
    """Host of the Space's API, with a port if it needs one, without a scheme. Default for Legacy: proxy.upbound.io."""
    former_hosts: Annotated[tuple[t.Host, ...], t.AsTuple, Field(max_length=8)] = ()
    """Earlier hosts of the same Space. A host changes only if the old one is listed here."""
    certificate_authority_data: t.Certificate | None = None
    """CA of the Space's API: PEM in base64, as in a kubeconfig. Default: the system's roots."""
    insecure_skip_tls_verify: bool | None = Field(default=None, alias="insecureSkipTLSVerify")
    """Do not verify the Space's certificate. Only where the Composition's Input allows it."""
    credentials: Credentials = Credentials()
    """What reaches this Space."""


class Group(t.Model):
    """A group of control planes that this environment owns."""

    name: t.Name
    """What the rest of the environment calls this group."""
    remote_name: t.Name | None = None
    """Name of the group in its Space. Default: name."""
    space: t.Name | None = None
    """Space of the group. May be left out when there is one."""
    labels: t.Labels | None = None
    """Labels of the group."""
    deletion_protection: bool | None = None
    """Whether the Spaces API refuses to delete the group. Left as it is when absent."""
    adopt: bool = False
    """Take over a group that exists already."""
    access: Annotated[tuple[Access, ...], t.AsTuple, t.list_map("team", most=32)] = ()
    """Roles of teams in the group."""
    management_policies: _POLICIES | None = None
    """['*'], ['Observe'], or all but Delete. Default: the environment's."""


class AutoUpgrade(t.Model):
    """Who chooses Crossplane's version."""

    channel: Literal["None", "Patch", "Stable", "Rapid"]
    """None (version is pinned), Patch, Stable or Rapid. Default: None where the same entry has a version, else Stable."""


class Crossplane(t.Model):
    """Crossplane in a control plane."""

    model_config = ConfigDict(
        json_schema_extra=t.cel(
            (
                "!has(self.version) || !has(self.autoUpgrade) || self.autoUpgrade.channel == 'None'",
                "version pins Crossplane: leave autoUpgrade out, or set its channel to None",
            )
        )
    )

    version: t.Version | None = None
    """Version without a leading v. Pins it: the channel becomes None. A Space's default otherwise."""
    auto_upgrade: AutoUpgrade | None = None
    """The channel that upgrades Crossplane."""
    state: Literal["Running", "Paused"] | None = None
    """Running or Paused. Default: Running."""


class RestoreSource(t.Model):
    """The backup that a control plane starts from."""

    kind: Literal["Backup", "BackupSchedule"]
    """Backup, or BackupSchedule for its newest backup."""
    name: t.ObjectName
    """Name of the Backup or BackupSchedule in the control plane's group."""


class Restore(t.Model):
    """Start from a backup. Fixed once the control plane exists."""

    source: RestoreSource
    """The backup."""


class ConnectionSecret(t.Model):
    """A Secret in the Space that receives the control plane's kubeconfig."""

    name: t.ObjectName
    """Name of the Secret."""
    namespace: t.Name | None = None
    """Namespace of the Secret in the Space. Default: the control plane's group."""


class HostNamespace(t.Model):
    """The namespace of a self-hosted Space's cluster in which a control plane runs. Fixed once it exists."""

    name: t.Name
    """Name of the namespace."""
    deletion_policy: Literal["Delete", "Orphan"] | None = None
    """What happens to the namespace with the control plane. Default: Delete."""


class ControlPlaneSettings(t.Model):
    """What a control plane and `defaults` have in common."""

    adopt: bool | None = None
    """Take over a control plane that exists already. Default: false."""
    labels: t.Labels | None = None
    """Labels of the control plane."""
    class_: t.Name | None = Field(default=None, alias="class")
    """Class of the control plane. Default: the Space's."""
    crossplane: Crossplane | None = None
    """Crossplane in the control plane."""
    restore: Restore | None = None
    """Start from a backup. Fixed once the control plane exists."""
    write_connection_secret_to_ref: ConnectionSecret | None = None
    """A Secret in the Space that receives a kubeconfig. Spaces call the field deprecated."""
    host_namespace: HostNamespace | None = None
    """The host cluster's namespace, on self-hosted Spaces. Fixed once the control plane exists."""
    configurations: Annotated[tuple[Configuration, ...] | None, t.AsTuple, t.list_map("name", most=32)] = None
    """Configurations of this control plane, merged by name over the environment's."""
    management_policies: _POLICIES | None = None
    """['*'], ['Observe'], or all but Delete. Default: the group's, then the environment's."""
    argocd: gitops.ArgoCDSettings | None = None
    """This control plane in Argo CD, where it differs from spec.argocd."""
    flux: gitops.FluxSettings | None = None
    """This control plane in Flux, where it differs from spec.flux."""


class ControlPlane(ControlPlaneSettings):
    """A control plane."""

    name: t.Name
    """Unique in the environment: what everything else refers to."""
    remote_name: t.Name | None = None
    """Name of the control plane in its Space. Default: name."""
    space: t.Name | None = None
    """Space of the control plane. May be left out when there is one, or when group is listed."""
    group: t.Name | None = None
    """Group of the control plane: one of groups, or any other group by its name in the Space. Default: default."""
    kubeconfig_secret_ref: SecretKeyRef | None = None
    """Kubeconfig of this control plane, in a Disconnected Space, when something is to go inside it."""


class Defaults(t.Model):
    """What entries have in common."""

    control_plane: ControlPlaneSettings = ControlPlaneSettings()
    """Any field of a control plane but name, remoteName, space and group, merged under every entry: what an entry says
    wins, and a list replaces the whole list."""


class Resource(t.Model):
    """Any other object in a Space, a group or a control plane."""

    model_config = ConfigDict(
        json_schema_extra=t.cel(
            (
                "(has(self.space) ? 1 : 0) + (has(self.group) ? 1 : 0) + (has(self.controlPlane) ? 1 : 0) == 1",
                "name exactly one of space, group and controlPlane",
            )
        )
    )

    name: t.Name
    """Unique in the environment."""
    space: t.Name | None = None
    """The Space that gets the object, for an object that belongs to no group."""
    group: t.Name | None = None
    """The group that gets the object: one of groups, or one that a control plane names."""
    control_plane: t.Name | None = None
    """The control plane that gets the object inside it, by its name in this environment."""
    manifest: dict[str, Any]
    """The object. The Composition's Input says which kinds are allowed."""
    management_policies: _POLICIES | None = None
    """['*'], ['Observe'], or all but Delete. Default: the nearest of control plane, group and environment."""


class ConfirmedRemoval(t.Model):
    """Agreement to delete one thing whose line is gone. The RemovalPending condition prints the entry."""

    kind: Literal["ControlPlane", "Group", "Configuration", "Repository", "Backup", "SharedBackup"]
    """ControlPlane, Group, Configuration, Repository, Backup or SharedBackup."""
    name: t.Name
    """Its name in this environment."""
    uid: t.Uid
    """Its uid in the Space: a later namesake has another."""


class Spec(t.Model):
    """An environment: Spaces, groups, control planes and what goes into them."""

    organization: t.Name = Field(json_schema_extra=t.cel(("self == oldSelf", "organization cannot change: make another environment")))
    """Upbound organization. Cannot change."""
    management_policies: _POLICIES = ("*",)
    """['*'], ['Observe'], or all but Delete. A group's or control plane's own wins. Default: ['*']."""
    removal_policy: RemovalPolicy = "Confirm"
    """What happens to a control plane, owned group or Configuration whose line is removed: Confirm holds it until
    confirmedRemovals names it, Delete deletes it, Orphan lets it live on by itself. Default: Confirm."""
    confirmed_removals: Annotated[tuple[ConfirmedRemoval, ...], t.AsTuple, t.list_map("kind", "name", "uid", most=100)] = ()
    """Removals that are meant."""
    spaces: Annotated[tuple[Space, ...], t.AsTuple, t.list_map("name", most=32)] = ()
    """Places where control planes run."""
    groups: Annotated[tuple[Group, ...], t.AsTuple, t.list_map("name", most=100)] = ()
    """Groups that this environment owns. A group that only a control plane names is created, never deleted."""
    defaults: Defaults = Defaults()
    """What entries have in common: controlPlane has any field of a control plane but name, remoteName, space and group,
    and is merged under every entry. What an entry says wins, and a list replaces the whole list."""
    control_planes: Annotated[tuple[ControlPlane, ...], t.AsTuple, t.list_map("name", most=1000)] = ()
    """The control planes."""
    configurations: Annotated[tuple[Configuration, ...], t.AsTuple, t.list_map("name", most=32)] = ()
    """Configuration packages of all control planes."""
    rollout: Rollout = Rollout()
    """How a version of the Configurations reaches the control planes: in stages, one after the other."""
    resources: Annotated[tuple[Resource, ...], t.AsTuple, t.list_map("name", most=200)] = ()
    """Any other objects."""
    argocd: gitops.ArgoCD | None = None
    """Registers every control plane in Argo CD."""
    flux: gitops.Flux | None = None
    """Has Flux apply claims to every control plane."""
    connectors: Annotated[tuple[gitops.Connector, ...], t.AsTuple, t.list_map("name", most=200)] = ()
    """App clusters that are connected to control planes, with Control Plane Connector."""
    iam: Iam | None = None
    """Teams, robots and repositories of the organization."""
