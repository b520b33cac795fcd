"""What the Input's rules allow: every host, group, kind and Secret of an environment is held against one rule here.

The point of it: an environment's author must not be able to send the platform's token to a server of
their own, nor to reach a Secret, group or namespace that the platform team did not grant.
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from function.model import spec as s
from function.model.environment import ControlPlane, Environment, Resource, SecretKey, Space, qualified_kind
from function.model.errors import Location, Problem
from function.model.input import NEVER_ALLOWED, Input, Rule

RESERVED_GROUPS = ("kube-*", "upbound-*", "mxp-*", "crossplane-system", "cert-manager", "ingress-nginx")
"""Namespaces of a Space that belong to the Space itself: never created, labelled or deleted by us."""
ASK = "ask the platform team to allow it in the Composition's Input"


def rule_for(input_: Input, namespace: str) -> Rule | None:
    """The first rule that lists `namespace`, the environment's."""
    return next((r for r in input_.rules if _matches(namespace, r.namespaces)), None)


def problems(env: Environment, spec: s.Spec, rule: Rule | None) -> Iterator[Problem]:
    """All that `rule` does not allow in `env`, under the fields of `spec`."""
    if rule is None:
        yield Problem((), f"no rule of the Composition's Input is for namespace '{env.identity.namespace}'; {ASK}")
        return
    if not _matches(env.organization, rule.organizations):
        yield Problem(("spec", "organization"), f"may not be used from this namespace; {ASK}")
    for i, space in enumerate(env.spaces.values()):
        yield from _space(("spec", "spaces", i), space, env, spec.spaces[i].credentials, rule)
    for i, group in enumerate(spec.groups):
        yield from _group(("spec", "groups", i, "name"), group.remote_name or group.name, rule)
        if (group.remote_name or group.name) == "default":
            yield Problem(("spec", "groups", i, "name"), "is used, never owned; leave it out of groups")
    for i, control_plane in enumerate(env.control_planes):
        if not env.spaces[control_plane.space].legacy:
            yield from _control_plane(("spec", "controlPlanes", i), control_plane, env, rule)
    for i, resource in enumerate(env.resources):
        yield from _resource(("spec", "resources", i), resource, rule)


def _space(at: Location, space: Space, env: Environment, credentials: s.Credentials, rule: Rule) -> Iterator[Problem]:
    if not _matches(space.host, rule.hosts) or not all(_matches(h, rule.hosts) for h in space.former_hosts):
        yield Problem((*at, "host"), f"may not be reached from this namespace, or one of formerHosts may not; {ASK}")
    if space.insecure and not rule.insecure_skip_tls_verify:
        yield Problem((*at, "insecureSkipTLSVerify"), f"may not be set from this namespace; give certificateAuthorityData, or {ASK}")
    if space.token and not (_own(space.token, env) or _listed(space.token, rule, "Token")):
        yield Problem((*at, "credentials", "tokenSecretRef"), f"names a Secret that is not this environment's to use; {ASK}")
    if space.kubeconfig and credentials.kubeconfig_secret_ref:
        yield from _kubeconfig((*at, "credentials", "kubeconfigSecretRef"), space.kubeconfig, "Kubeconfig", env, rule)
    elif space.kubeconfig and not _listed(space.kubeconfig, rule, "Kubeconfig"):
        yield Problem((*at, "credentials", "kubeconfigSecretRef"), f"is by default a Secret that is not this environment's to use; {ASK}")
    if space.token and not _own(space.token, env):
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
    if host and (_reserved(host["name"]) or not _matches(host["name"], rule.host_namespaces)):
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
    if _reserved(name):
        yield Problem(at, f"names {name}, which belongs to the Space itself; choose another group")
    elif not _matches(name, rule.groups):
        yield Problem(at, f"names {name}, which may not be used from this namespace; {ASK}")


def _resource(at: Location, resource: Resource, rule: Rule) -> Iterator[Problem]:
    kind = qualified_kind(resource.manifest)
    if kind in NEVER_ALLOWED:
        yield Problem((*at, "manifest", "kind"), f"is never {resource.manifest['kind']}; {_INSTEAD[kind]}")
    elif not any(r.scope == resource.scope and kind in r.kinds for r in rule.resources):
        yield Problem((*at, "manifest", "kind"), f"may not be {kind} at scope {resource.scope}; {ASK}")
    namespace = resource.manifest["metadata"].get("namespace")
    if resource.scope == "Group":
        yield from _group((*at, "group"), resource.group, rule)
        if namespace not in (None, resource.group):
            yield Problem((*at, "manifest", "metadata", "namespace"), "is not the group that the resource names; leave it out")
    if resource.scope == "Space" and namespace is not None:
        yield Problem((*at, "manifest", "metadata", "namespace"), "puts it into a group; write group: instead of space:, and leave it out")


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


def _reserved(name: str) -> bool:
    return _matches(name, RESERVED_GROUPS)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, g) for g in globs)
