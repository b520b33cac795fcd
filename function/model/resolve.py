"""From the author's spec to an Environment: defaults applied, references resolved."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from function.model import checks, defaults, remote, resolve_iam, service_checks, stages
from function.model import spec as s
from function.model.consumers import Consumers
from function.model.environment import Environment
from function.model.errors import InvalidError, Location, Problem, unknown
from function.model.input import Input
from function.model.parts import ENVIRONMENT, Confirmation, ControlPlane, Group, Identity, Policies, Resource, SecretKey, Space, Token
from function.model.references import SecretKeyRef

LEGACY_HOST = "proxy.upbound.io"
PLATFORM_NAMESPACE = "crossplane-system"
TOKEN_SECRET = ("upbound-credentials", "token")
KUBECONFIG_SECRET = ("cluster-config", "kubeconfig")
DEFAULT_GROUP = "default"
_T = TypeVar("_T")


class Resolver:
    """One pass over a spec. What is wrong is collected, so that an author sees all of it at once."""

    def __init__(self, spec: s.Spec, input_: Input, identity: Identity, *, namespaced: bool) -> None:
        """Keep what the methods share."""
        self.spec, self.input, self.identity, self.namespaced = spec, input_, identity, namespaced
        self.problems, self.named = list(checks.problems(spec)), list[tuple[Location, SecretKey]]()
        self.policies = _policies(spec.management_policies)

    def environment(self) -> Environment:
        """The environment.

        Raises:
            InvalidError: the spec contradicts itself, or a reference has no target.
        """
        spec = self.spec
        self.iam = resolve_iam.resolved(spec.iam, self.identity, self.input, self._token_secret)
        self.spaces = {e.name: self._space(("spec", "spaces", i), e) for i, e in enumerate(spec.spaces)}
        self._unique("spaces", ((i, "host", space.host) for i, space in enumerate(self.spaces.values())), "is the host of two Spaces")
        moved = ((i, s, {*s.former_hosts, s.host}) for i, s in enumerate(self.spaces.values()) if s.former_hosts)
        for i, space, mine in moved:
            if any(mine & {o.host, *o.former_hosts} for o in self.spaces.values() if o is not space):
                self._wrong(
                    ("spec", "spaces", i, "formerHosts"), "has a host of another Space; list only hosts that were this Space's alone"
                )
        self.groups = {e.name: self._group(("spec", "groups", i), e) for i, e in enumerate(spec.groups)}
        self._unique("groups", ((i, "", (g.space, g.name)) for i, g in enumerate(self.groups.values())), "names a group of its Space twice")
        self.problems += resolve_iam.problems(spec, self.iam, namespaced=self.namespaced)
        self.problems += resolve_iam.robots_that_make_groups(self.spaces.values(), self.groups.values())
        shared = spec.defaults.control_plane
        merged = [(("spec", "controlPlanes", i), e, defaults.merged(shared, e)) for i, e in enumerate(spec.control_planes)]
        self.control_planes = {e.name: self._control_plane(at, e, settings) for at, e, settings in merged}
        self._unique_control_planes(list(self.control_planes.values()))
        entered = [c for c in self.control_planes.values() if not self._legacy(c.space)]
        self.problems += (*stages.lacking(entered, spec), *stages.problems(entered, spec.rollout))
        for c in entered:
            if c.configurations:
                self._reachable(stages.place(c, spec), c)
        self.used = self._used_groups()
        resources = tuple(self._resource(("spec", "resources", i), e) for i, e in enumerate(spec.resources))
        self._unique("resources", checks.places(resources), "is the same object as another resource; keep one")
        rollout = tuple(stages.stages(entered, spec.rollout))
        self.problems += service_checks.problems(resources, self.spaces, self.control_planes.values(), self.groups.values(), rollout)
        self.problems += stages.repeated(resources)
        settings = [(at, self.control_planes[e.name], settings) for at, e, settings in merged]
        whole = (self.identity, self.namespaced, self.spaces, self.control_planes, self._wrong, self._token, self._reachable, self.iam)
        consumers = Consumers(spec, settings, self.input, *whole).resolved()
        self.problems += resolve_iam.taken(self.iam, self.named)
        if self.problems:
            raise InvalidError(dict.fromkeys(self.problems))
        return Environment(
            identity=self.identity,
            namespaced=self.namespaced,
            organization=spec.organization,
            policies=self.policies,
            removal_policy=spec.removal_policy,
            confirmations=tuple(Confirmation(c.kind, c.name, c.uid) for c in spec.confirmed_removals),
            spaces=self.spaces,
            groups=(*self.groups.values(), *self.used),
            control_planes=tuple(self.control_planes.values()),
            resources=resources,
            hub=None if self.namespaced else self.input.hub,
            iam=self.iam,
            stages=rollout,
            **consumers,
        )

    # Spaces and their credentials.

    def _space(self, at: Location, e: s.Space) -> Space:
        return Space(
            name=e.name,
            type=e.type,
            host=(e.host or LEGACY_HOST).removesuffix(":443"),
            former_hosts=tuple(h.removesuffix(":443") for h in e.former_hosts),
            certificate_authority_data=e.certificate_authority_data,
            insecure=bool(e.insecure_skip_tls_verify),
            token=None if e.type == "Disconnected" else self._token((*at, "credentials"), e.credentials),
            kubeconfig=self._kubeconfig((*at, "credentials", "kubeconfigSecretRef"), e),
        )

    def _token(self, at: Location, source: s.TokenSource) -> SecretKey | Token | None:
        """The token that `source` names, or the default one."""
        if source.robot_token_ref is None:
            return self._token_secret((*at, "tokenSecretRef"), source.token_secret_ref)
        if source.token_secret_ref:
            self._wrong(at, "names two tokens; write tokenSecretRef or robotTokenRef")
        found, problems = resolve_iam.token_of(self.iam, (*at, "robotTokenRef"), source.robot_token_ref)
        self.problems += problems
        return found

    def _token_secret(self, at: Location, ref: s.SecretKeyRef | None) -> SecretKey:
        if ref:
            return self._secret(at, ref)
        return SecretKey(self.identity.namespace if self.namespaced else PLATFORM_NAMESPACE, *TOKEN_SECRET)

    def _kubeconfig(self, at: Location, e: s.Space) -> SecretKey | None:
        """The kubeconfig that is not ours to generate: the author's, or the guide's where nothing can hold ours."""
        if ref := e.credentials.kubeconfig_secret_ref:
            return self._secret(at, ref)
        if self.namespaced or self.input.hub or e.type in ("Disconnected", "Legacy"):
            return None
        if sum(o.credentials.kubeconfig_secret_ref is None and o.type != "Legacy" for o in self.spec.spaces) > 1:
            where = "a claim has several Spaces and the Composition's Input names no hub"
            self._wrong(at, f"is required where {where}; set it, or ask the platform team for a hub")
        return SecretKey(PLATFORM_NAMESPACE, *KUBECONFIG_SECRET)

    def _secret(self, at: Location, ref: SecretKeyRef) -> SecretKey:
        if self.namespaced and ref.namespace is not None:
            self._wrong((*at, "namespace"), "is always the environment's own namespace here; leave it out")
        if not self.namespaced and ref.namespace is None:
            self._wrong((*at, "namespace"), "is required; name the namespace of the Secret")
        found = SecretKey(self.identity.namespace if self.namespaced else ref.namespace or "", ref.name, ref.key)
        self.named.append((at, found))
        return found

    # Groups.

    def _group(self, at: Location, e: s.Group) -> Group:
        space = self._placed((*at, "space"), e.space)
        if self._legacy(space):
            self._wrong((*at, "space"), "is a Legacy Space, which has no groups; leave the group out")
        return Group(
            entry=e.name,
            name=e.remote_name or e.name,
            space=space,
            owned=True,
            policies=_policies(e.management_policies, self.policies),
            labels=e.labels or {},
            adopt=e.adopt,
            deletion_protection=e.deletion_protection,
            access={a.team: a.role for a in e.access},
        )

    def _used_groups(self) -> list[Group]:
        """Groups that only control planes name; `default` is always there already. Looked at only, if all of those are."""
        listed = {(g.space, g.name) for g in self.groups.values()}
        used: dict[tuple[str, str], Policies] = {}
        for c in self.control_planes.values():
            place = (c.space, c.group)
            if place not in listed and c.group != DEFAULT_GROUP and not self._legacy(c.space):
                used[place] = c.policies if used.get(place, Policies.OBSERVE) is Policies.OBSERVE else used[place]
        return [Group(name, name, space, owned=False, policies=policies, labels={}) for (space, name), policies in used.items()]

    # Control planes.

    def _control_plane(self, at: Location, e: s.ControlPlane, settings: s.ControlPlaneSettings) -> ControlPlane:
        """A control plane, with `settings` that have the defaults under its own."""
        listed = self.groups.get(e.group or DEFAULT_GROUP)
        space = self._placed((*at, "space"), e.space if e.space or not listed else listed.space)
        if listed and listed.space != space:
            self._wrong((*at, "space"), f"is not the Space of group {listed.entry}; leave it out, or write {listed.space}")
        group = listed.name if listed else e.group or DEFAULT_GROUP
        listed = listed or next((g for g in self.groups.values() if (g.space, g.name) == (space, group)), None)
        policies = _policies(settings.management_policies, listed.policies if listed else self.policies)
        return ControlPlane(
            entry=e.name,
            name=e.remote_name or e.name,
            space=space,
            group=group,
            policies=policies,
            adopt=bool(settings.adopt),
            labels=settings.labels or {},
            spec=self._nothing(at, e) if self._legacy(space) else remote.spec(at, e, settings, group, self._wrong),
            kubeconfig=self._own_kubeconfig((*at, "kubeconfigSecretRef"), e, space),
            configurations=() if self._legacy(space) else stages.configurations(self.spec.configurations, settings.configurations or ()),
            mark={} if policies is Policies.OBSERVE else {ENVIRONMENT: self.identity.label},
        )

    def _nothing(self, at: Location, e: s.ControlPlane) -> Mapping[str, Any]:
        for field in sorted(e.model_fields_set - {"name", "remote_name", "space", "labels", "argocd", "flux"}):
            alias = str(type(e).model_fields[field].alias)
            self._wrong((*at, alias), "is not for a control plane of a Legacy Space, which is only referred to; leave it out")
        return {}

    def _own_kubeconfig(self, at: Location, e: s.ControlPlane, space: str) -> SecretKey | None:
        if e.kubeconfig_secret_ref is None:
            return None
        if space in self.spaces and self.spaces[space].type != "Disconnected":
            self._wrong(at, "is only for a Disconnected Space; leave it out, and it is generated")
        return self._secret(at, e.kubeconfig_secret_ref)

    def _unique_control_planes(self, control_planes: list[ControlPlane]) -> None:
        places = ((i, "", (c.space, c.group, c.name)) for i, c in enumerate(control_planes))
        self._unique("controlPlanes", places, "names a control plane of its group twice; set remoteName or group")
        for field, noun in (("writeConnectionSecretToRef", "Secret"), ("hostNamespace", "namespace")):
            refs = ((i, c.space, c.spec[field]) for i, c in enumerate(control_planes) if field in c.spec)
            named = ((i, field, (space, ref.get("namespace"), ref["name"])) for i, space, ref in refs)
            self._unique("controlPlanes", named, f"names the {noun} of another control plane; write a name for each")

    # Other objects.

    def _resource(self, at: Location, e: s.Resource) -> Resource:
        scope, space, group, control_plane, policies = "Space", e.space or "", "", None, self.policies
        if e.space:
            self._known((*at, "space"), e.space, self.spaces)
        if e.group:
            scope, (space, group, policies) = "Group", self._group_of((*at, "group"), e.group)
        if e.control_plane:
            scope, control_plane = "ControlPlane", self._known((*at, "controlPlane"), e.control_plane, self.control_planes)
        if control_plane:
            space, group, policies = control_plane.space, control_plane.group, control_plane.policies
            self._reachable((*at, "controlPlane"), control_plane)
        if self._legacy(space):
            self._wrong(at, "goes to a Legacy Space, in which nothing is created; leave it out")
        return Resource(e.name, scope, space, group, control_plane, e.manifest, _policies(e.management_policies, policies))

    def _group_of(self, at: Location, name: str) -> tuple[str, str, Policies]:
        """Space, name and policies of a group that a resource names."""
        found = [g for g in (*self.groups.values(), *self.used) if g.entry == name]
        if name == DEFAULT_GROUP and not found and len(self.spaces) == 1:
            return next(iter(self.spaces)), name, self.policies
        if len(found) > 1:
            self._wrong(at, "is the name of groups in several Spaces; list the one that is meant in groups")
        group = self._known(at, name, {g.entry: g for g in (*self.used, *self.groups.values())})
        return (group.space, group.name, group.policies) if group else ("", "", self.policies)

    def _reachable(self, at: Location, c: ControlPlane) -> None:
        """Whether something can go into a control plane: it needs a kubeconfig for that."""
        disconnected = c.space in self.spaces and self.spaces[c.space].type == "Disconnected"
        if disconnected and not c.kubeconfig:
            field = ("spec", "controlPlanes", list(self.control_planes).index(c.entry), "kubeconfigSecretRef")
            where = "something goes into a control plane of a Disconnected Space"
            self._wrong(field, f"is required where {where}; name the Secret with its kubeconfig")
        if not (disconnected or self.namespaced or self.input.hub):
            need = "for which a claim needs a hub in the Composition's Input"
            self._wrong(at, f"goes into a control plane, {need}; ask the platform team for one")

    # What all of them share.

    def _placed(self, at: Location, name: str | None) -> str:
        """The Space that is named, or the only one."""
        if name is None and len(self.spaces) == 1:
            return next(iter(self.spaces))
        if name is None:
            self._wrong(at, "is required where there is not exactly one Space; write the name of one")
            return ""
        self._known(at, name, self.spaces)
        return name

    def _legacy(self, space: str) -> bool:
        return space in self.spaces and self.spaces[space].legacy

    def _known(self, at: Location, name: str, known: Mapping[str, _T]) -> _T | None:
        if name not in known:
            self.problems.append(unknown(at, name, known))
        return known.get(name)

    def _unique(self, field: str, found: Iterable[tuple[int, str, Any]], text: str) -> None:
        located = ((("spec", field, i, inner) if inner else ("spec", field, i), value) for i, inner, value in found)
        self.problems += checks.unique(located, text)

    def _wrong(self, at: Location, text: str) -> None:
        self.problems.append(Problem(at, text))


def _policies(chosen: tuple[str, ...] | None, otherwise: Policies = Policies.FULL) -> Policies:
    if chosen is None:
        return otherwise
    return next((p for p in (Policies.FULL, Policies.OBSERVE) if p.value == chosen), Policies.WITHOUT_DELETE)
