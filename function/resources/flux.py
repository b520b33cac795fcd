"""Control planes in Flux: a Kustomization each, the kubeconfig that it uses, and the source of them all."""

from collections.abc import Iterator

from function import delivery, endpoints, kube, names
from function.desired import Composed, Manifest
from function.model.consumed import Flux, Source
from function.model.environment import Environment
from function.observed import Observed

_KEY = "value"
_TOKEN = "@token@"  # noqa: S105  # A placeholder, for which a template says what stands there.


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The source once, and what Flux has of each control plane."""
    hosts, sources = endpoints.hosts(env, observed), set()
    for r in env.flux:
        c, place = r.control_plane, endpoints.place(env, r.control_plane)
        source, after = r.source, place
        if isinstance(source, Source):
            key = names.flux_source(r.target, source.kind)
            name = names.name_at_target(env.identity, key, "claims")
            if key not in sources:
                yield Composed(key, delivery.delivered(env, key, r.target, _source(name, r.target.namespace, source)), entry="claims")
            sources.add(key)
            source, after = {"kind": source.kind, "name": name}, (*after, key)
        kubeconfig = r.kubeconfig
        if kubeconfig is None:
            made = _kubeconfig(env, r, endpoints.control_plane_url(env, hosts[c.space], c))
            yield made
            kubeconfig, after = {"name": names.name_at_target(env.identity, made.key, c.entry), "key": _KEY}, (*after, made.key)
        key = names.flux(r.target, "kustomization", c)
        manifest = _kustomization(names.name_at_target(env.identity, key, c.entry), r, dict(source), dict(kubeconfig))
        yield Composed(key, delivery.delivered(env, key, r.target, manifest), after=after, entry=c.entry, policies=c.policies)


def _source(name: str, namespace: str, source: Source) -> Manifest:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": source.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(source.spec),
    }


def _kubeconfig(env: Environment, r: Flux, server: str) -> Composed:
    """The Secret with the kubeconfig: one that runs `up`, or what External Secrets Operator makes of a token."""
    c, space = r.control_plane, env.spaces[r.control_plane.space]
    key = names.flux(r.target, "externalsecret" if r.external else "kubeconfig", c)
    name, document = names.name_at_target(env.identity, key, c.entry), kube.kubeconfig(env.organization, space, server, namespace="default")
    data, read_as = {_KEY: kube.encoded(document)}, ""
    if r.external and space.type == "Disconnected":
        data, read_as = {_KEY: "{{ .kubeconfig }}"}, "kubeconfig"
    elif r.external:
        users = [{"name": document["users"][0]["name"], "user": {"token": _TOKEN}}]
        data, read_as = {_KEY: delivery.templated({**document, "users": users}, {_TOKEN: ".token"})}, "token"
    secret = kube.secret(name, r.target.namespace, data)
    if r.external:
        manifest = delivery.delivered(env, key, r.target, delivery.external_secret(secret, r.external, read_as))
    else:
        manifest = delivery.delivered_without_secret(env, key, r.target, secret)
    return Composed(key, manifest, after=endpoints.place(env, c), entry=c.entry, policies=c.policies)


def _kustomization(name: str, r: Flux, source: Manifest, kubeconfig: Manifest) -> Manifest:
    """A Kustomization. Orphan: without it, what was applied is deleted when this goes (Flux: Kustomization, deletionPolicy)."""
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": r.target.namespace},
        "spec": {
            "interval": r.interval,
            "path": r.path,
            "prune": r.prune,
            "deletionPolicy": "Orphan",
            "sourceRef": source,
            "kubeConfig": {"secretRef": kubeconfig},
        },
    }
