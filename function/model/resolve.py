"""From the author's spec to an Environment: defaults applied, references resolved."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from function.model import spec as s
from function.model.environment import Confirmation, ControlPlane, Environment, Group, Hub, Identity, Policies, RemovalPolicy, Resource, SecretKey, Space
from function.model.errors import Location, Problems, nearest
from function.model.input import Input

LEGACY_HOST = "proxy.upbound.io"
PLATFORM_NAMESPACE = "crossplane-system"
TOKEN_SECRET = ("upbound-credentials", "token")
KUBECONFIG_SECRET = ("cluster-config", "kubeconfig")
DEFAULT_GROUP = "default"


_T = TypeVar("_T")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class Resolver:
    """One pass over a spec. What is wrong is collected, so that an author sees all of it at once."""

    def __init__(self, spec: s.Spec, input_: Input, identity: Identity, *, namespaced: bool) -> None:
        """Keep what the methods share."""
        self.spec, self.input, self.identity, self.namespaced = spec, input_, identity, namespaced
        self.problems = Problems()
        self.policies = _policies(spec.management_policies)

    def environment(self) -> Environment:
        """The environment.

        Raises:
            InvalidError: a reference has no target, or two entries contradict each other.
        """
        for field in ("spaces", "groups", "controlPlanes", "resources"):
            self._unique_names(field)
        spaces = {e.name: self._space(i, e) for i, e in enumerate(self.spec.spaces)}
        self._unique([(("spec", "spaces", i, "host"), s.host) for i, s in enumerate(spaces.values())], "is the host of two Spaces")
        self.spaces = spaces
        self.groups = {e.name: self._group(i, e) for i, e in enumerate(self.spec.groups)}
        self._unique([(("spec", "groups", i), (g.space, g.name)) for i, g in enumerate(self.groups.values())], "names a group of its Space twice")
        self.control_planes = {e.name: self._control_plane(i, e) for i, e in enumerate(self.spec.control_planes)}
        self._unique(
            [(("spec", "controlPlanes", i), (c.space, c.group, c.name)) for i, c in enumerate(self.control_planes.values())],
            "names a control plane of its group twice; set remoteName or group",
        )
        self._unique_connection_secrets()
        used = self._used_groups()
        resources = tuple(self._resource(i, e, used) for i, e in enumerate(self.spec.resources))
        self.problems.check()
        hub = self.input.hub
        return Environment(
            identity=self.identity,
            namespaced=self.namespaced,
            organization=self.spec.organization,
            removal_policy=RemovalPolicy(self.spec.removal_policy),
            confirmations=tuple(Confirmation(c.kind, c.name, c.uid) for c in self.spec.confirmed_removals),
            spaces=spaces,
            groups=(*self.groups.values(), *used.values()),
            control_planes=tuple(self.control_planes.values()),
            resources=resources,
            hub=Hub(hub.provider_config_name, hub.namespace) if hub and not self.namespaced else None,
        )

    # Spaces and their credentials.

    def _space(self, index: int, e: s.Space) -> Space:
        at: Location = ("spec", "spaces", index)
        if e.type == "Disconnected" and not e.credentials.kubeconfig_secret_ref:
            self.problems.add((*at, "credentials", "kubeconfigSecretRef"), "is required for a Disconnected Space; name the Secret with its kubeconfig")
        if e.type == "Disconnected" and e.credentials.token_secret_ref:
            self.problems.add((*at, "credentials", "tokenSecretRef"), "is not for a Disconnected Space, whose kubeconfig has its own credentials; leave it out")
        if e.host is None and e.type != "Legacy":
            self.problems.add((*at, "host"), "is required; write the host of the Space's API, such as upbound-gcp-us-west-1.spaces.upbound.io")
        return Space(
            name=e.name,
            type=e.type,
            host=e.host or LEGACY_HOST,
            former_hosts=e.former_hosts,
            certificate_authority_data=e.certificate_authority_data,
            insecure=bool(e.insecure_skip_tls_verify),
            token=self._token(at, e),
            kubeconfig=self._kubeconfig(at, e),
        )

    def _token(self, at: Location, e: s.Space) -> SecretKey | None:
        if e.type == "Disconnected":
            return None
        if ref := e.credentials.token_secret_ref:
            return self._secret((*at, "credentials", "tokenSecretRef"), ref)
        name, key = TOKEN_SECRET
        return SecretKey(self.identity.namespace if self.namespaced else PLATFORM_NAMESPACE, name, key)

    def _kubeconfig(self, at: Location, e: s.Space) -> SecretKey | None:
        """The kubeconfig that is not ours to generate: the author's, or the guide's where nothing can hold ours."""
        if ref := e.credentials.kubeconfig_secret_ref:
            return self._secret((*at, "credentials", "kubeconfigSecretRef"), ref)
        if self.namespaced or self.input.hub or e.type in ("Disconnected", "Legacy"):
            return None
        if sum(o.credentials.kubeconfig_secret_ref is None and o.type != "Legacy" for o in self.spec.spaces) > 1:
            self.problems.add(
                (*at, "credentials", "kubeconfigSecretRef"),
                "is required where a claim has several Spaces and the Composition's Input names no hub; set it, or ask the platform team for a hub",
            )
        return SecretKey(PLATFORM_NAMESPACE, *KUBECONFIG_SECRET)

    def _secret(self, at: Location, ref: s.SecretKeyRef) -> SecretKey:
        if self.namespaced and ref.namespace is not None:
            self.problems.add((*at, "namespace"), "is always the environment's own namespace here; leave it out")
        if not self.namespaced and ref.namespace is None:
            self.problems.add((*at, "namespace"), "is required; name the namespace of the Secret")
        return SecretKey(self.identity.namespace if self.namespaced else ref.namespace or "", ref.name, ref.key)

    # Groups.

    def _group(self, index: int, e: s.Group) -> Group:
        at: Location = ("spec", "groups", index)
        space = self._place((*at, "space"), e.space)
        if space in self.spaces and self.spaces[space].legacy:
            self.problems.add((*at, "space"), "is a Legacy Space, which has no groups; leave the group out")
        return Group(
            entry=e.name,
            name=e.remote_name or e.name,
            space=space,
            owned=True,
            policies=_policies(e.management_policies, self.policies),
            adopt=e.adopt,
            labels=e.labels,
            deletion_protection=e.deletion_protection,
        )

    def _used_groups(self) -> dict[str, Group]:
        """Groups that only control planes name, by space/name; `default` is always there already."""
        listed = {(g.space, g.name) for g in self.groups.values()}
        return {
            f"{c.space}/{c.group}": Group(c.group, c.group, c.space, owned=False, policies=self.policies, labels={})
            for c in self.control_planes.values()
            if (c.space, c.group) not in listed and c.group != DEFAULT_GROUP and c.space in self.spaces and not self.spaces[c.space].legacy
        }

    # Control planes.

    def _control_plane(self, index: int, e: s.ControlPlane) -> ControlPlane:
        at: Location = ("spec", "controlPlanes", index)
        listed = self.groups.get(e.group or DEFAULT_GROUP)
        space = self._place((*at, "space"), e.space if e.space or not listed else listed.space)
        if listed and listed.space != space:
            self.problems.add((*at, "space"), f"is not the Space of group {listed.entry}; leave it out, or write {listed.space}")
        group = listed.name if listed else e.group or DEFAULT_GROUP
        settings = _merged(self.spec.defaults.control_plane, e)
        return ControlPlane(
            entry=e.name,
            name=e.remote_name or e.name,
            space=space,
            group=group,
            policies=_policies(settings.management_policies, listed.policies if listed else self.policies),
            adopt=bool(settings.adopt),
            labels=settings.labels or {},
            spec=self._legacy(at, e) if space in self.spaces and self.spaces[space].legacy else self._control_plane_spec(at, e, settings, group),
            kubeconfig=self._control_plane_kubeconfig(at, e, space),
        )

    def _legacy(self, at: Location, e: s.ControlPlane) -> Mapping[str, Any]:
        for field in sorted(e.model_fields_set - {"name", "remote_name", "space", "labels"}):
            alias = str(type(e).model_fields[field].alias)
            self.problems.add((*at, alias), "is not for a control plane of a Legacy Space, which is only referred to; leave it out")
        return {}

    def _control_plane_kubeconfig(self, at: Location, e: s.ControlPlane, space: str) -> SecretKey | None:
        if e.kubeconfig_secret_ref is None:
            return None
        if space in self.spaces and self.spaces[space].type != "Disconnected":
            self.problems.add((*at, "kubeconfigSecretRef"), "is only for a Disconnected Space; leave it out, and it is generated")
        return self._secret((*at, "kubeconfigSecretRef"), e.kubeconfig_secret_ref)

    def _control_plane_spec(self, at: Location, e: s.ControlPlane, settings: s.ControlPlaneSettings, group: str) -> Mapping[str, Any]:
        """The remote spec. Fields with a server default are always written: a merge patch cannot take them away later."""
        out: dict[str, Any] = {"crossplane": self._crossplane(at, e, settings)}
        if settings.class_:
            out["class"] = settings.class_
        if settings.restore:
            source = settings.restore.source
            out["restore"] = {"source": {"apiGroup": "spaces.upbound.io", "kind": source.kind, "name": source.name}}
        if ref := settings.write_connection_secret_to_ref:
            out["writeConnectionSecretToRef"] = {"name": ref.name, "namespace": ref.namespace or group}
        if host := settings.host_namespace:
            out["hostNamespace"] = {"name": host.name, "deletionPolicy": host.deletion_policy or "Delete"}
        return out

    def _crossplane(self, at: Location, e: s.ControlPlane, settings: s.ControlPlaneSettings) -> dict[str, Any]:
        own = e.crossplane or s.Crossplane()
        merged = settings.crossplane or s.Crossplane()
        version, channel = merged.version, merged.auto_upgrade.channel if merged.auto_upgrade else None
        # The nearest of the two that say who chooses the version decides, as one: a version pins, a channel upgrades.
        if own.version and not own.auto_upgrade:
            channel = "None"
        elif own.auto_upgrade and not own.version and channel != "None":
            version = None
        if version and channel is None:
            channel = "None"
        if version and channel != "None":
            self.problems.add((*at, "crossplane", "version"), "pins Crossplane, which a channel would upgrade; leave autoUpgrade out, or set its channel to None")
        if channel == "None" and not version:
            self.problems.add((*at, "crossplane", "version"), "is required where autoUpgrade.channel is None; write a full version, such as 2.0.2-up.5")
        upgrade = {"autoUpgrade": {"channel": channel or "Stable"}, "state": merged.state or "Running"}
        return {"version": version, **upgrade} if version else upgrade

    def _unique_connection_secrets(self) -> None:
        refs = [
            (("spec", "controlPlanes", i, "writeConnectionSecretToRef"), (c.space, ref["namespace"], ref["name"]))
            for i, c in enumerate(self.control_planes.values())
            if (ref := c.spec.get("writeConnectionSecretToRef"))
        ]
        self._unique(refs, "names the Secret of another control plane; write a name for each")

    # Other objects.

    def _resource(self, index: int, e: s.Resource, used: Mapping[str, Group]) -> Resource:
        at: Location = ("spec", "resources", index)
        if (e.space, e.group, e.control_plane).count(None) != 2:  # noqa: PLR2004  # Exactly one of three.
            self.problems.add(at, "is placed nowhere or in several places; write exactly one of space, group and controlPlane")
        metadata = e.manifest.get("metadata")
        if not (_texts(e.manifest, "apiVersion", "kind") and isinstance(metadata, dict) and _texts(metadata, "name")):
            self.problems.add((*at, "manifest"), "is no object; write apiVersion, kind and metadata.name")
        if "status" in e.manifest:
            self.problems.add((*at, "manifest", "status"), "is the API's to write; leave it out")
        scope, space, group, control_plane, policies = "Space", e.space or "", "", None, self.policies
        if e.space:
            self._place((*at, "space"), e.space)
        if e.group:
            scope, (space, group, policies) = "Group", self._placed_group(at, e.group, used)
        if e.control_plane:
            scope = "ControlPlane"
            if control_plane := self._known((*at, "controlPlane"), e.control_plane, self.control_planes):
                space, group, policies = control_plane.space, control_plane.group, control_plane.policies
        if space in self.spaces and self.spaces[space].legacy:
            self.problems.add(at, "goes to a Legacy Space, in which nothing is created; leave it out")
        return Resource(e.name, scope, space, group, control_plane, e.manifest, _policies(e.management_policies, policies))

    def _placed_group(self, at: Location, name: str, used: Mapping[str, Group]) -> tuple[str, str, Policies]:
        known = {g.entry: g for g in (*used.values(), *self.groups.values())}
        if name == DEFAULT_GROUP and name not in known and len(self.spaces) == 1:
            return next(iter(self.spaces)), name, self.policies
        if sum(g.entry == name for g in (*used.values(), *self.groups.values())) > 1:
            self.problems.add((*at, "group"), "is the name of groups in several Spaces; list the one that is meant in groups")
        group = self._known((*at, "group"), name, known)
        return (group.space, group.name, group.policies) if group else ("", "", self.policies)

    # What all of them share.

    def _place(self, at: Location, name: str | None) -> str:
        if name is None and len(self.spaces) == 1:
            return next(iter(self.spaces))
        if name is None:
            self.problems.add(at, "is required where there is not exactly one Space; write the name of one")
            return ""
        self._known(at, name, self.spaces)
        return name

    def _known(self, at: Location, name: str, known: Mapping[str, _T]) -> _T | None:
        if name not in known:
            self.problems.add(at, f"names {name}, which is not in this environment{nearest(name, known)}")
        return known.get(name)

    def _unique_names(self, field: str) -> None:
        entries: tuple[_Named, ...] = getattr(self.spec, {"controlPlanes": "control_planes"}.get(field, field))
        self._unique([(("spec", field, i, "name"), e.name) for i, e in enumerate(entries)], "stands twice; write a name of its own")

    def _unique(self, found: list[tuple[Location, Any]], text: str) -> None:
        seen: set[Any] = set()
        for at, value in found:
            if value in seen:
                self.problems.add(at, text)
            seen.add(value)


def _policies(chosen: tuple[str, ...] | None, otherwise: Policies = Policies.FULL) -> Policies:
    if chosen is None:
        return otherwise
    return {("*",): Policies.FULL, ("Observe",): Policies.OBSERVE}.get(chosen, Policies.WITHOUT_DELETE)


def _merged(under: s.ControlPlaneSettings, over: s.ControlPlane) -> s.ControlPlaneSettings:
    """`over` laid over `under`: objects are merged, everything else is replaced."""
    if not under.model_fields_set:
        return over
    fields = s.ControlPlaneSettings.model_fields
    merged = _laid(under.model_dump(exclude_unset=True), over.model_dump(exclude_unset=True, include=set(fields)))
    return s.ControlPlaneSettings.model_validate(merged, by_name=True, by_alias=False)


def _laid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: _laid(under[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(under.get(k), dict)}
    return {**under, **over, **both}


def _texts(of: Mapping[str, Any], *fields: str) -> bool:
    return all(isinstance(of.get(f), str) and of[f] for f in fields)


