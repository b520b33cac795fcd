"""Connection Secrets of control planes, carried here: their bytes are only ever in Secrets."""

import base64
from collections.abc import Iterator

from function import endpoints, kube, names
from function.desired import Composed, Life
from function.model.environment import Environment
from function.model.parts import ControlPlane, Policies, SecretKey
from function.model.resolve import PLATFORM_NAMESPACE
from function.observed import Observed

KEY = "kubeconfig"


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """For each control plane that writes a Secret an Object that only looks, and for a namespaced environment the Secret."""
    hosts = endpoints.hosts(env, observed)
    writing = [c for c in env.control_planes if c.spec.get("writeConnectionSecretToRef")]
    for c in writing:
        yield _carrier(env, c, hosts)
    carried = _carried(env, observed)
    if not (env.namespaced and carried):
        return
    key, found = names.CONNECTIONS, {k: base64.b64encode(v).decode() for k, v in details(env, observed).items()}
    wanted = [names.connection_detail(entry, KEY) for entry in carried.values()]
    had = {k: v for k, v in observed.mapping(key, "data").items() if k in wanted}
    data = dict(sorted({**had, **found}.items()))
    yield Composed(
        key,
        kube.secret(names.object_name(env.identity, key), env.identity.namespace, kube.plain(data)),
        needs=tuple(map(names.connection, writing)),
        entry=key,
    )


def details(env: Environment, observed: Observed) -> dict[str, bytes]:
    """The connection details of the environment, by key."""
    carried = _carried(env, observed).items()
    found = {names.connection_detail(entry, KEY): observed.connection(key).get(KEY, b"") for key, entry in carried}
    return {k: v for k, v in found.items() if v}


def _carried(env: Environment, observed: Observed) -> dict[str, str]:
    """The entry of each control plane whose Secret is carried here, by the carrier's key: one that is held keeps its own."""
    held = {k: observed.annotation(k, names.ANNOTATION_ENTRY) for k in observed if k.startswith("connection/")}
    return {**held, **{names.connection(c): c.entry for c in env.control_planes if c.spec.get("writeConnectionSecretToRef")}}


def _carrier(env: Environment, c: ControlPlane, hosts: dict[str, str]) -> Composed:
    """An Object of its own, around the ControlPlane and not its Secret, which would be copied into the Object's status.

    While a connection detail is missing, provider-kubernetes does nothing else with an Object (object.go:776; its issue 345).
    """
    key, ref = names.connection(c), c.spec["writeConnectionSecretToRef"]
    via, after = endpoints.into_space(env, hosts, c.space)
    metadata = {"name": c.name, "namespace": c.group}
    manifest = {"apiVersion": "spaces.upbound.io/v1beta1", "kind": "ControlPlane", "metadata": metadata, "spec": dict(c.spec)}
    target = SecretKey(env.hub.namespace if env.hub else PLATFORM_NAMESPACE, names.object_name(env.identity, key), "")
    made = kube.written(env, kube.wrapped(env, key, manifest, via), target)
    secret = {"apiVersion": "v1", "kind": "Secret", "name": ref["name"], "namespace": ref["namespace"]}
    made["spec"]["connectionDetails"] = [{**secret, "fieldPath": f"data.{KEY}", "toConnectionSecretKey": KEY}]
    return Composed(
        key,
        made,
        after=(*after, names.control_plane(c)),
        needs=(names.control_plane(c),),
        entry=c.entry,
        life=Life.USED,
        policies=Policies.OBSERVE,
        # Whoever writes the environment would read a Secret of somebody else's control plane.
        guarded=True,
    )
