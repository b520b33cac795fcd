"""What consumes control planes, from the author's spec: defaults applied, targets and credentials resolved."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from function.model import checks, consumed, gitops, tenancy, unread
from function.model import parts as e
from function.model import spec as s
from function.model.errors import Location, nearest, unknown
from function.model.input import Input
from function.model.references import TokenSource

NAMESPACES = {"argocd": "argocd", "flux": "flux-system", "connectors": "kube-system"}
"""Where each tool is, by its own guide."""
FLUX_WAYS = (
    "Flux runs no programs of kubeconfigs by default, and this Space wants one; "
    "write kubeconfigSecretRef or externalSecret, or spec.flux.allowExecKubeconfig: true where upenv flux-patch has been applied"
)


@dataclass(frozen=True)
class Consumers:
    """What the methods share. `settings` has every control plane, with where it stands and what is said of it.

    `wrong`, `token` and `reachable` are those of the whole environment.
    """

    spec: s.Spec
    settings: Sequence[tuple[Location, e.ControlPlane, s.ControlPlaneSettings]]
    input: Input
    identity: e.Identity
    namespaced: bool
    spaces: Mapping[str, e.Space]
    control_planes: Mapping[str, e.ControlPlane]
    wrong: Callable[[Location, str], None]
    token: Callable[[Location, TokenSource], e.SecretKey | e.Token | None]
    reachable: Callable[[Location, e.ControlPlane], None]
    iam: e.Iam

    def resolved(self) -> dict[str, Any]:
        """The fields of an Environment that are about consumers."""
        for problem in unread.problems(self.spec, self.spaces, self.settings):
            self.wrong(problem.at, problem.text)
        return {"argocd": self.argocd(), "flux": self.flux(), "connectors": self.connectors()}

    def argocd(self) -> tuple[consumed.ArgoCD, ...]:
        """The control planes that Argo CD has, in the order of the spec."""
        whole = self.spec.argocd
        if whole is None:
            return ()
        target = self._target(("spec", "argocd"), whole.target, whole.namespace, "argocd")
        found: list[consumed.ArgoCD] = []
        called: list[tuple[Location, str]] = []
        for at, c, settings in self.settings:
            own = settings.argocd or gitops.ArgoCDSettings()
            if target and own.enabled is not False and c.space in self.spaces:
                found.append(self._argocd((*at, "argocd"), c, own, whole, target))
                called.append((at, f"{c.space}-{c.group}-{c.name}"))
        text = "is called in Argo CD as another control plane is, since names are joined with dashes; rename a Space, or opt one out"
        self._unique(called, text)
        return tuple(found)

    def _argocd(
        self, at: Location, c: e.ControlPlane, own: gitops.ArgoCDSettings, whole: gitops.ArgoCD, target: consumed.Target
    ) -> consumed.ArgoCD:
        auth, space = own.auth or whole.auth or unread.AUTH, self.spaces[c.space]
        field = (*at, "auth") if own.auth else ("spec", "argocd", "auth")
        source = next((x for x in (own, whole) if x.given), None)
        external: gitops.ExternalSecret | None = None
        secret: e.SecretKey | e.Token | None = None
        if auth == "PodEnvironment" and space.type in ("Disconnected", "Legacy"):
            self.wrong(field, f"cannot be PodEnvironment for {c.entry}, whose Space takes no organization token; {_OTHERS}")
        if auth == "ExternalSecret":
            external = own.external_secret or whole.external_secret
            if external is None:
                self.wrong((*at, "externalSecret"), "is required for ExternalSecret; name the store and the key")
        if auth == "ComposedSecret" and not (target.here and self.namespaced):
            self.wrong(field, "cannot be ComposedSecret in a foreign namespace: only a namespaced environment beside Argo CD composes one")
        elif auth == "ComposedSecret" and space.type == "Disconnected":
            secret = c.kubeconfig
            if not (c.kubeconfig or c.spec.get("writeConnectionSecretToRef")):
                text = "is required where ComposedSecret is made from it, or writeConnectionSecretToRef; write one of them"
                self.wrong((*at[:-1], "kubeconfigSecretRef"), text)
        elif auth == "ComposedSecret":
            secret = self.token(at if source is own else ("spec", "argocd"), source) if source else space.token
        applications = whole.applications
        if applications and own.path:
            applications = applications.model_copy(update={"path": own.path})
        return consumed.ArgoCD(c, target, external, auth == "ComposedSecret", secret, whole.project or "", applications)

    def flux(self) -> tuple[consumed.Flux, ...]:
        """The control planes that Flux has, in the order of the spec."""
        whole = self.spec.flux
        if whole is None:
            return ()
        target = self._target(("spec", "flux"), whole.target, whole.namespace, "flux")
        if (whole.source is None) == (whole.source_ref is None):
            self.wrong(("spec", "flux"), "has no source or two; write one of source and sourceRef")
        if target is None:
            return ()
        source: consumed.Source | Mapping[str, str] = {}
        if whole.source:
            source = self._source(("spec", "flux", "source"), whole.source, whole.interval or _INTERVAL)
        elif whole.source_ref:
            source = {"kind": whole.source_ref.kind or "GitRepository", "name": whole.source_ref.name}
        found = []
        for at, c, settings in self.settings:
            own = settings.flux or gitops.FluxSettings()
            if own.enabled is not False and c.space in self.spaces:
                found.append(self._flux((*at, "flux"), c, own, whole, target, source))
        return tuple(found)

    def _flux(  # noqa: PLR0913, PLR0917  # What a control plane says, what all say, and what was made of it.
        self,
        at: Location,
        c: e.ControlPlane,
        own: gitops.FluxSettings,
        whole: gitops.Flux,
        target: consumed.Target,
        source: consumed.Source | Mapping[str, str],
    ) -> consumed.Flux:
        space, kubeconfig, external = self.spaces[c.space], None, own.external_secret or whole.external_secret
        if own.kubeconfig_secret_ref:
            kubeconfig, external = {"name": own.kubeconfig_secret_ref.name, "key": own.kubeconfig_secret_ref.key}, None
        elif c.kubeconfig and not external and target.here:
            kubeconfig = {"name": c.kubeconfig.name, "key": c.kubeconfig.key}
        elif external is None and space.type in ("Disconnected", "Legacy"):
            self.wrong(at, f"has nothing that reaches {c.entry} in a {space.type} Space; write kubeconfigSecretRef or externalSecret")
        elif external is None and not whole.allow_exec_kubeconfig:
            self.wrong(at, f"would not work: {FLUX_WAYS}")
        path, interval, prune = own.path or whole.path or "./claims", whole.interval or _INTERVAL, whole.prune is not False
        return consumed.Flux(c, target, kubeconfig, external, source, path, interval, prune)

    def _source(self, at: Location, source: gitops.Source, interval: str) -> consumed.Source:
        oci, ref = source.url.startswith("oci://"), source.ref.model_dump(exclude_none=True) if source.ref else {}
        kind, allowed = ("OCIRepository", ("tag", "semver", "digest")) if oci else ("GitRepository", ("branch", "tag", "semver", "commit"))
        for field in sorted(set(ref) - set(allowed)):
            self.wrong((*at, "ref", field), f"is not for {kind}; write one of {', '.join(allowed)}")
        secret = {"secretRef": {"name": source.secret_name}} if source.secret_name else {}
        spec = {
            "url": source.url,
            "ref": ref or ({"tag": "latest"} if oci else {"branch": "main"}),
            "interval": source.interval or interval,
        }
        return consumed.Source(kind, {**spec, **secret})

    def connectors(self) -> tuple[consumed.Connector, ...]:
        """The connectors, in the order of the spec."""
        found: list[tuple[Location, consumed.Connector]] = []
        for i, c in enumerate(self.spec.connectors):
            at: Location = ("spec", "connectors", i)
            target = self._target(at, c.target, c.namespace, "connectors")
            control_plane = self.control_planes.get(c.control_plane)
            if control_plane is None:
                problem = unknown((*at, "controlPlane"), c.control_plane, self.control_planes)
                self.wrong(problem.at, problem.text)
            elif target and control_plane.space in self.spaces:
                found.append((at, self._connector(at, c, control_plane, target)))
        installed = [(at, c) for at, c in found if c.target.place.helm_provider_config_name]
        alike = "of another connector of this control plane: their claims would have the same names; write"
        given = (((*at, "clusterID"), (c.said.control_plane, c.said.cluster_id)) for at, c in installed if c.said.cluster_id)
        self._unique(given, f"is the clusterID {alike} another")
        by_default = (((*at, "clusterID"), (c.said.control_plane, c.target.app_cluster)) for at, c in installed if not c.said.cluster_id)
        self._unique(by_default, f"is by default its app cluster's, as that {alike} one, or keep one connector")
        places = ((at, (c.target.app_cluster, c.target.namespace)) for at, c in installed)
        self._unique(places, "is where another connector is; write another namespace or target")
        return tuple(c for _, c in found)

    def _connector(self, at: Location, c: gitops.Connector, control_plane: e.ControlPlane, target: consumed.Target) -> consumed.Connector:
        space, disconnected = self.spaces[control_plane.space], self.spaces[control_plane.space].type == "Disconnected"
        kubeconfig = "kubeconfigSecretRef" if c.kubeconfig_secret_ref else ""
        for field, given, needed in (
            ("tokenSecretRef", c.given, not disconnected),
            ("kubeconfigSecretRef", kubeconfig, disconnected),
        ):
            if bool(given) != needed:
                text = f"is required: control plane {control_plane.entry} is in" if needed else "is not for"
                self.wrong((*at, given or field), f"{text} a {space.type} Space; {'name the Secret' if needed else 'leave it out'}")
        if c.cluster_id and space.legacy:
            self.wrong((*at, "clusterID"), "is not for a Legacy Space, whose chart knows none; leave it out")
        if c.insecure_skip_tls_verify and (space.legacy or disconnected):
            self.wrong((*at, "insecureSkipTLSVerify"), f"has no effect for a {space.type} Space; leave it out")
        token = self.token(at, c) if c.given else None
        ours: dict[e.SecretKey | e.Token, str] = {self.iam.token: "iam, an owner's or admin's"} if self.spec.iam else {}
        ours |= {o.token: "a Space" for o in self.spaces.values() if o.token}
        if token and (whose := ours.get(token)):
            self.wrong((*at, c.given), f"is the token of {whose}, which never leaves this cluster; make one for the connector")
        if not target.place.helm_provider_config_name:
            self.wrong((*at, "target"), f"names {c.target}, which has no ProviderConfig of provider-helm; {tenancy.ASK}")
        makes_namespace = c.claim_namespace != "default" and not space.legacy
        if makes_namespace:
            self.reachable((*at, "controlPlane"), control_plane)
        return consumed.Connector(c, control_plane, target, token, makes_namespace)

    # What all of them share.

    def _target(self, at: Location, name: str, namespace: str | None, tool: str) -> consumed.Target | None:
        """The place that is named, if the rule for this environment has it."""
        rule = tenancy.rule_for(self.input, self.identity.namespace)
        known = {t.name: t for t in self.input.targets if rule and t.name in rule.targets}
        place = known.get(name)
        if place is None:
            self.wrong((*at, "target"), f"names {name}, which is no target that may be used from this namespace{nearest(name, known)}")
            return None
        kind = place.provider_config_kind if self.namespaced else "ProviderConfig"
        if tool == "connectors":
            return consumed.Target(place, namespace or NAMESPACES[tool], kind)
        if place.provider_config_name is None and not place.here:
            self.wrong((*at, "target"), f"names {name}, which is an app cluster, for connectors alone; name another target")
            return None
        if place.here and not self.namespaced:
            self.wrong((*at, "target"), f"names {name}, which has no ProviderConfig, and a claim needs one; {tenancy.ASK}")
        own = self.identity.namespace if place.here else NAMESPACES[tool]
        if place.here and self.namespaced and namespace not in (None, own):
            self.wrong(
                (*at, "namespace"), "is a foreign namespace of this cluster, where nothing can be composed; live there, or leave it out"
            )
        return consumed.Target(place, namespace or own, kind)

    def _unique(self, found: Iterable[tuple[Location, object]], text: str) -> None:
        for problem in checks.unique(found, text):
            self.wrong(problem.at, problem.text)


_INTERVAL = "5m0s"
_OTHERS = "write ExternalSecret or ComposedSecret"
