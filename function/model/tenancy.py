"""What the Input's rules allow: every host, group, kind and Secret of an environment is held against one rule here.

The point of it: an environment's author must not be able to send the platform's token to a server of
their own, nor to reach a Secret, group or namespace that the platform team did not grant.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import unquote

from function.model import resolve_iam
from function.model import spec as s
from function.model.consumed import ArgoCD, Connector, Flux, Target
from function.model.environment import Environment, qualified_kind
from function.model.errors import Location, Problem
from function.model.input import NEVER_ALLOWED, Input, Rule
from function.model.parts import ControlPlane, Resource, SecretKey, Space, Token
from function.model.services import ROLE_BINDING

RESERVED_GROUPS = ("kube-*", "upbound-*", "mxp-*", "crossplane-system", "cert-manager", "ingress-nginx")
"""Namespaces of a Space that belong to the Space itself: never created, labelled or deleted by us."""
ASK = "ask the platform team to allow it in the Composition's Input"


def rule_for(input_: Input, namespace: str) -> Rule | None:
    """The first rule that lists `namespace`, the environment's."""
    return next((r for r in input_.rules if _matches(namespace, r.namespaces)), None)


def problems(env: Environment, spec: s.Spec, input_: Input) -> Iterator[Problem]:
    """All that the rule for `env` does not allow in it, under the fields of `spec`."""
    rule = rule_for(input_, env.identity.namespace)
    if rule is None:
        yield Problem((), f"no rule of the Composition's Input is for namespace '{env.identity.namespace}'; {ASK}")
        return
    if not _matches(env.organization, rule.organizations):
        yield Problem(("spec", "organization"), f"may not be used from this namespace; {ASK}")
    for i, space in enumerate(env.spaces.values()):
        yield from _space(("spec", "spaces", i), space, env, spec.spaces[i].credentials, rule)
    for i, group in enumerate(spec.groups):
        at = ("spec", "groups", i, "remoteName" if group.remote_name else "name")
        yield from _group(at, group.remote_name or group.name, rule)
        if (group.remote_name or group.name) == "default":
            yield Problem(at, "is used, never owned; leave it out of groups")
    for i, control_plane in enumerate(env.control_planes):
        if not env.spaces[control_plane.space].legacy:
            yield from _control_plane(("spec", "controlPlanes", i), control_plane, env, rule)
    for i, resource in enumerate(env.resources):
        yield from _resource(("spec", "resources", i), resource, rule)
    yield from _iam(env, spec, rule)
    yield from _argocd(env, spec)
    yield from _flux(env, spec)
    for i, connector in enumerate(env.connectors):
        yield from _connector(("spec", "connectors", i), connector, env, rule)


def _iam(env: Environment, spec: s.Spec, rule: Rule) -> Iterator[Problem]:
    for i, group in enumerate(spec.groups):
        if group.access:
            yield from _allowed(("spec", "groups", i, "access"), ROLE_BINDING, "Group", rule)
    for at, kind in resolve_iam.used(spec.iam):
        yield from _allowed(at, kind, resolve_iam.ORGANIZATION, rule)
    if spec.iam:
        yield from _token((*resolve_iam.AT, "tokenSecretRef"), env.iam.token, env, rule)
    for i, robot in enumerate(env.iam.robots):
        tokens = [t for t in env.iam.tokens.values() if t.robot == robot]
        for j, token in enumerate(tokens):
            yield from _token((*resolve_iam.AT, "robots", i, "tokens", j, "writeConnectionSecretToRef"), token.secret, env, rule)


def _allowed(at: Location, kind: str, scope: str, rule: Rule) -> Iterator[Problem]:
    """Whether a kind may go to a place: the one check of it, for every family."""
    if not any(r.scope == scope and kind in r.kinds for r in rule.resources):
        yield Problem(at, f"may not be {kind} at scope {scope}; {ASK}")


def _secret(token: SecretKey | Token | None) -> SecretKey | None:
    """The Secret that a token is in. That of a robot's is checked where the robot's token stands."""
    return token.secret if isinstance(token, Token) else token


def _token(at: Location, ref: SecretKey, env: Environment, rule: Rule, use: str = "Token") -> Iterator[Problem]:
    if not (_own(ref, env) or _listed(ref, rule, use)):
        yield Problem(at, f"names a Secret that is not this environment's to use; {ASK}")


def _space(at: Location, space: Space, env: Environment, credentials: s.Credentials, rule: Rule) -> Iterator[Problem]:
    if not _matches(space.host, rule.hosts) or not all(_matches(h, rule.hosts) for h in space.former_hosts):
        yield Problem((*at, "host"), f"may not be reached from this namespace, or one of formerHosts may not; {ASK}")
    if space.insecure and not rule.insecure_skip_tls_verify:
        yield Problem((*at, "insecureSkipTLSVerify"), f"may not be set from this namespace; give certificateAuthorityData, or {ASK}")
    token = _secret(space.token)
    if token and token is space.token:
        yield from _token((*at, "credentials", "tokenSecretRef"), token, env, rule)
    if space.kubeconfig and credentials.kubeconfig_secret_ref:
        yield from _kubeconfig((*at, "credentials", "kubeconfigSecretRef"), space.kubeconfig, "Kubeconfig", env, rule)
    elif space.kubeconfig and not _listed(space.kubeconfig, rule, "Kubeconfig"):
        yield Problem((*at, "credentials", "kubeconfigSecretRef"), f"is by default a Secret that is not this environment's to use; {ASK}")
    if token and not _own(token, env):
        # The platform's token goes only where the platform team says.
        if space.kubeconfig and _own(space.kubeconfig, env) and not _listed(space.kubeconfig, rule, "Kubeconfig"):
            yield Problem(
                (*at, "credentials"),
                "pairs a token from outside the environment's namespace with a kubeconfig of its own; leave kubeconfigSecretRef out",
            )
        if space.insecure:
            yield Problem(
                (*at, "insecureSkipTLSVerify"),
                "would send a token from outside the environment's namespace to an unverified server; give certificateAuthorityData",
            )


def _control_plane(at: Location, c: ControlPlane, env: Environment, rule: Rule) -> Iterator[Problem]:
    yield from _group((*at, "group"), c.group, rule)
    if ref := c.spec.get("writeConnectionSecretToRef"):
        yield from _group((*at, "writeConnectionSecretToRef", "namespace"), ref["namespace"], rule)
    host = c.spec.get("hostNamespace")
    if host and (reserved(host["name"]) or not _matches(host["name"], rule.host_namespaces)):
        yield Problem((*at, "hostNamespace", "name"), f"may not be used: it names a namespace of the Space's own cluster; {ASK}")
    if c.kubeconfig:
        yield from _kubeconfig((*at, "kubeconfigSecretRef"), c.kubeconfig, "ControlPlaneKubeconfig", env, rule)
    for package in dict.fromkeys(k.package for k in c.configurations):
        if not _matches(package, rule.packages):
            yield Problem(at, f"gets the package {package}, which may not be installed from this namespace; {ASK}")


def _kubeconfig(at: Location, ref: SecretKey, use: str, env: Environment, rule: Rule) -> Iterator[Problem]:
    if _listed(ref, rule, use):
        return
    if not _own(ref, env):
        yield Problem(at, f"names a Secret that is not this environment's to use; {ASK}")
    elif not rule.own_kubeconfigs:
        yield Problem(
            at, f"brings a kubeconfig of the environment's own, which no rule allows; {ASK} (ownKubeconfigs, or the Secret in secrets)"
        )


def _group(at: Location, name: str, rule: Rule) -> Iterator[Problem]:
    if reserved(name):
        yield Problem(at, f"names {name}, which belongs to the Space itself; choose another group")
    elif not _matches(name, rule.groups):
        yield Problem(at, f"names {name}, which may not be used from this namespace; {ASK}")


def _resource(at: Location, resource: Resource, rule: Rule) -> Iterator[Problem]:
    kind = qualified_kind(resource.manifest)
    if kind in NEVER_ALLOWED:
        yield Problem((*at, "manifest", "kind"), f"is never {resource.manifest['kind']}; {_INSTEAD[kind]}")
    else:
        yield from _allowed((*at, "manifest", "kind"), kind, resource.scope, rule)
    namespace = resource.manifest["metadata"].get("namespace")
    if resource.scope == "Group":
        yield from _group((*at, "group"), resource.group, rule)
        if namespace not in (None, resource.group):
            yield Problem((*at, "manifest", "metadata", "namespace"), "is not the group that the resource names; leave it out")
    if resource.scope == "Space" and namespace is not None:
        yield Problem((*at, "manifest", "metadata", "namespace"), "puts it into a group; write group: instead of space:, and leave it out")


def _argocd(env: Environment, spec: s.Spec) -> Iterator[Problem]:
    for r in env.argocd[:1]:
        yield from _namespace(("spec", "argocd", "namespace"), r.target)
        if r.project and not _matches(r.project, r.target.place.projects):
            yield Problem(("spec", "argocd", "project"), f"names a project that may not be used; leave it out, or {ASK}")
        if r.application:
            yield from _repository(("spec", "argocd", "applications", "repoURL"), r.application.repo_url, r.target)
    entries = {c.entry: i for i, c in enumerate(env.control_planes)}
    for r in env.argocd:
        i = entries[r.control_plane.entry]
        if not r.composed:
            yield from _sent(i, "argocd", r, spec, env)


def _repository(at: Location, url: str, target: Target) -> Iterator[Problem]:
    """Whether an Application may be made from a repository: Argo CD reads it with whatever credentials it has for it."""
    if ".." in re.split("[/:]", unquote(url)):
        yield Problem(at, "goes up with .., which a server may follow to another repository; write the address in full")
    elif not _matches(url, target.place.repositories):
        yield Problem(at, f"names a repository that may not be used at target {target.place.name}; {ASK}")


def _flux(env: Environment, spec: s.Spec) -> Iterator[Problem]:
    for r in env.flux[:1]:
        source = spec.flux.source if spec.flux else None
        yield from _namespace(("spec", "flux", "namespace"), r.target)
        if source and source.secret_name:
            yield from _there(("spec", "flux", "source", "secretName"), source.secret_name, "FluxSource", r.target)
        if isinstance(r.source, Mapping) and not r.target.here and not _matches(r.source["name"], r.target.place.sources):
            yield Problem(("spec", "flux", "sourceRef"), f"names a source that may not be used; make one under source, or {ASK}")
    entries = {c.entry: i for i, c in enumerate(env.control_planes)}
    for r in env.flux:
        i = entries[r.control_plane.entry]
        if r.kubeconfig:
            at = ("spec", "controlPlanes", i, "flux", "kubeconfigSecretRef")
            yield from _there(at, r.kubeconfig["name"], "FluxKubeconfig", r.target)
        else:
            yield from _sent(i, "flux", r, spec, env)


def _connector(at: Location, c: Connector, env: Environment, rule: Rule) -> Iterator[Problem]:
    yield from _namespace((*at, "namespace"), c.target)
    token = _secret(c.token)
    if token and token is c.token:
        yield from _token((*at, "tokenSecretRef"), token, env, rule, "ConnectorToken")
    if reserved(c.said.claim_namespace):
        yield Problem((*at, "claimNamespace"), f"names {c.said.claim_namespace}, which belongs to the control plane itself; choose another")
    if ref := c.said.kubeconfig_secret_ref:
        yield from _there((*at, "kubeconfigSecretRef"), ref.name, "ConnectorKubeconfig", c.target)
    if c.said.insecure_skip_tls_verify and not c.target.place.insecure_skip_tls_verify:
        yield Problem((*at, "insecureSkipTLSVerify"), f"may not be set for this target; leave it out, or {ASK}")
    elif c.said.insecure_skip_tls_verify and token and not _own(token, env):
        yield Problem(
            (*at, "insecureSkipTLSVerify"),
            "would send a token from outside the environment's namespace to an unverified server; leave it out",
        )


def _namespace(at: Location, target: Target) -> Iterator[Problem]:
    if not _matches(target.namespace, target.place.namespaces):
        yield Problem(at, f"is {target.namespace}, which may not be used at target {target.place.name}; {ASK}")


def _there(at: Location, name: str, use: str, target: Target) -> Iterator[Problem]:
    """Whether a Secret beside a tool may be used: where a namespaced environment lives, it is its own."""
    listed = any((r.namespace, r.name, r.use) == (target.namespace, name, use) for r in target.place.secrets)
    beside = use.startswith("Flux") and target.here
    if not (listed or beside):
        yield Problem(at, f"names a Secret that may not be used at target {target.place.name}; {ASK}")


def _sent(i: int, tool: Literal["argocd", "flux"], r: ArgoCD | Flux, spec: s.Spec, env: Environment) -> Iterator[Problem]:
    """Whether the credentials of the place where a tool is may be sent to the control plane with the number `i`."""
    at, external, target, space = ("spec", "controlPlanes", i), r.external, r.target, env.spaces[r.control_plane.space]
    beside = target.here and external is not None and external.secret_store_ref.kind == "SecretStore"
    if external and not beside:
        places: list[tuple[Location, object]] = [
            (at, spec.control_planes[i]),
            (("spec", "defaults", "controlPlane"), spec.defaults.control_plane),
            (("spec",), spec),
        ]
        said = (place for place, entry in places if getattr(getattr(entry, tool), "external_secret", None))
        where: Location = (*next(said), tool, "externalSecret")
        found = [
            r.keys
            for r in target.place.secret_stores
            if (r.kind, r.name) == (external.secret_store_ref.kind, external.secret_store_ref.name)
        ]
        if ".." in external.remote_ref.key.split("/"):
            yield Problem((*where, "remoteRef", "key"), "goes up with .., which a store may follow to another key; write the key in full")
        elif not any(_matches(external.remote_ref.key, keys) for keys in found):
            yield Problem(where, f"reads a key of a secret store that may not be used at target {target.place.name}; {ASK}")
    if not beside and not _matches(space.host, target.place.hosts):
        yield Problem((*at, tool), f"would send credentials of target {target.place.name} to a host that it does not list; {ASK}")
    if space.insecure and not beside:
        text = "would send credentials that are not this environment's to an unverified server; give the Space certificateAuthorityData"
        yield Problem((*at, tool), text)


_INSTEAD = {
    "ControlPlane.spaces.upbound.io": "write it under controlPlanes",
    "Namespace": "write a group under groups",
    "Secret": "a spec would hold its bytes; use a SharedExternalSecret, or create it by itself",
}


def _own(ref: SecretKey, env: Environment) -> bool:
    return ref.namespace == env.identity.namespace


def _listed(ref: SecretKey, rule: Rule, use: str) -> bool:
    """Whether a rule grants a Secret for one use: the one place that decides it, for every family."""
    return any((r.namespace, r.name, r.key, r.use) == (ref.namespace, ref.name, ref.key, use) for r in rule.secrets)


def reserved(name: str) -> bool:
    """Whether a namespace of a Space belongs to the Space itself."""
    return _matches(name, RESERVED_GROUPS)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, g) for g in globs)
