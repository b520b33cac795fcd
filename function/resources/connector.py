"""Control Plane Connector: the claim namespace inside the control plane first, then the Helm release on the app cluster."""

from collections.abc import Iterator

from function import endpoints, kube, names, tokens
from function.desired import Composed, Life, Manifest
from function.model.consumed import Connector
from function.model.environment import Environment
from function.model.parts import Policies, SecretKey
from function.observed import Observed

CHART = {"name": "mcp-connector", "repository": "oci://xpkg.upbound.io/spaces-artifacts"}
LEGACY_CHART = {"name": "mcp-connector", "repository": "https://charts.upbound.io/beta"}


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The claim namespaces, each once, and the releases."""
    hosts, made = endpoints.hosts(env, observed), set()
    for c in env.connectors:
        cp = c.control_plane
        namespace = names.claim_namespace(cp, c.said.claim_namespace)
        if c.makes_namespace and namespace not in made:
            yield _namespace(env, c, namespace, hosts)
            made.add(namespace)
        key, (token, uses) = names.connector(c.target), tokens.current(c.token, observed)
        yield Composed(
            key,
            kube.release(env, key, c.target, _release(env, c, hosts[cp.space], token)),
            after=(*endpoints.place(env, cp), *uses),
            needs=(*((namespace,) if namespace in made else ()), *uses),
            entry=c.said.name,
            policies=cp.policies,
            leads=True,
            guarded=cp.policies is not Policies.OBSERVE,
        )


def _namespace(env: Environment, c: Connector, key: str, hosts: dict[str, str]) -> Composed:
    """The namespace. Created if absent and never deleted: it holds the claims of an app cluster."""
    via, after = endpoints.into_control_plane(env, hosts, c.control_plane)
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": c.said.claim_namespace}}
    return Composed(
        key,
        kube.wrapped(env, key, manifest, via),
        after=after,
        entry=c.said.claim_namespace,
        life=Life.USED,
        policies=c.control_plane.policies,
    )


def _release(env: Environment, c: Connector, host: str, token: SecretKey | None) -> Manifest:
    value = "mcp.token" if env.spaces[c.control_plane.space].legacy else "upbound.token"  # A value's name.
    chart = LEGACY_CHART if env.spaces[c.control_plane.space].legacy else CHART
    out: Manifest = {"chart": {**chart, "version": c.said.version}, "namespace": c.target.namespace, "values": values(env, c, host)}
    if token:
        namespace = {} if env.namespaced else {"namespace": token.namespace}
        ref = {**namespace, "name": token.name, "key": token.key}
        out["set"] = [{"name": value, "valueFrom": {"secretKeyRef": ref}}]
    return out


def values(env: Environment, c: Connector, host: str) -> Manifest:
    """The chart's values, but for the token."""
    cp, space = c.control_plane, env.spaces[c.control_plane.space]
    if space.legacy:
        return {"mcp": {"account": env.organization, "name": cp.name, "namespace": c.said.claim_namespace}}
    cluster_id = {"clusterID": c.said.cluster_id} if c.said.cluster_id else {}
    if ref := c.said.kubeconfig_secret_ref:
        return {**cluster_id, "spaces": {"controlPlane": {"claimNamespace": c.said.claim_namespace, "kubeconfigSecret": ref.model_dump()}}}
    return {
        **cluster_id,
        "upbound": {"account": env.organization},
        "spaces": {
            "host": host,
            "insecureSkipTLSVerify": bool(c.said.insecure_skip_tls_verify),
            "controlPlane": {"name": cp.name, "group": cp.group, "claimNamespace": c.said.claim_namespace},
        },
    }
