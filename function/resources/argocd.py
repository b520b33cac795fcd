"""Control planes in Argo CD: a cluster Secret each, and an Application in an AppProject of its own where wanted."""

from collections.abc import Iterator, Mapping

from function import delivery, endpoints, kube, names, tokens
from function.desired import Composed, Manifest
from function.model.consumed import ArgoCD
from function.model.environment import Environment
from function.model.gitops import Applications, ExternalSecret
from function.model.parts import ControlPlane, SecretKey, Space
from function.observed import Observed

_TOKEN, _CA = "@token@", "@ca@"  # Placeholders, for which templates say what stands there.
_FROM_KUBECONFIG = {
    _TOKEN: "(index (.kubeconfig | fromYaml).users 0).user.token",
    _CA: '(index (index (.kubeconfig | fromYaml).clusters 0).cluster "certificate-authority-data")',
}
_FROM_TOKEN = {_TOKEN: ".token"}


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The cluster of each control plane, and what Argo CD applies to it."""
    hosts = endpoints.hosts(env, observed)
    for r in env.argocd:
        c, place = r.control_plane, endpoints.place(env, r.control_plane)
        server = endpoints.control_plane_url(env, hosts[c.space], c)
        own = names.argocd(r.target, "project", c)
        project = r.project or (names.name_at_target(env.identity, own, c.entry) if r.application else "")
        facts = {"name": names.argocd_cluster(c), "server": server, **({"project": project} if project else {})}
        cluster = _external(env, r, facts, r.external) if r.external else _secret(env, r, facts, observed)
        yield cluster
        if not r.application:
            continue
        if not r.project:
            manifest = _project(project, r, r.application, server)
            yield Composed(own, delivery.delivered(env, own, r.target, manifest), after=place, entry=c.entry, policies=c.policies)
        key = names.argocd(r.target, "application", c)
        manifest = _application(names.name_at_target(env.identity, key, c.entry), r, r.application, project, server)
        after = (*place, *(() if r.project else (own,)), cluster.key)
        yield Composed(key, delivery.delivered(env, key, r.target, manifest), after=after, entry=c.entry, policies=c.policies)


def _external(env: Environment, r: ArgoCD, facts: Mapping[str, str], external: ExternalSecret) -> Composed:
    """A cluster Secret that External Secrets Operator writes."""
    c, space = r.control_plane, env.spaces[r.control_plane.space]
    key, disconnected = names.argocd(r.target, "externalsecret", c), space.type == "Disconnected"
    config = _config(env, space, _TOKEN, space.certificate_authority_data or (_CA if disconnected else ""))
    data = {**facts, "config": delivery.templated(config, _FROM_KUBECONFIG if disconnected else _FROM_TOKEN)}
    secret = kube.secret(names.name_at_target(env.identity, key, c.entry), r.target.namespace, data, _labels(env, c))
    manifest = delivery.external_secret(secret, external, "kubeconfig" if disconnected else "token")
    return Composed(
        key, delivery.delivered(env, key, r.target, manifest), after=endpoints.place(env, c), entry=c.entry, policies=c.policies
    )


def _secret(env: Environment, r: ArgoCD, facts: Mapping[str, str], observed: Observed) -> Composed:
    """A cluster Secret: without a token, or with the one that was read. What cannot be read leaves it as it is."""
    c, space = r.control_plane, env.spaces[r.control_plane.space]
    key, token, ca, lacks = names.argocd(r.target, "cluster", c), "", "", ""
    secret, uses = tokens.current(r.secret, observed)
    if r.composed:
        token, ca = _read(c, secret, space, observed)
        lacks = "" if token else _lacks(secret, space)
    config = delivery.templated(_config(env, space, token, space.certificate_authority_data or ca), {})
    data = {k: kube.encoded_text(v) for k, v in {**facts, "config": config}.items()}
    if lacks:
        # What it has stays.
        data = kube.plain(observed.mapping(key, "data"))
    manifest = kube.secret(names.name_at_target(env.identity, key, c.entry), r.target.namespace, data, _labels(env, c))
    deliver = delivery.delivered if r.composed else delivery.delivered_without_secret
    return Composed(
        key,
        deliver(env, key, r.target, manifest),
        after=(*endpoints.place(env, c), *(() if lacks else uses)),
        needs=uses if secret else (names.connection(c),) if r.composed else (),
        entry=c.entry,
        policies=c.policies,
        lacks=lacks,
    )


def _read(c: ControlPlane, secret: SecretKey | None, space: Space, observed: Observed) -> tuple[str, str]:
    """Token and CA, from a Secret of this cluster or the control plane's connection Secret; each empty where there is none."""
    carried = observed.connection(names.connection(c)).get("kubeconfig", b"").decode(errors="replace")
    text = kube.decoded(observed.secret(secret)).strip() if secret else carried
    return kube.credentials_in(text) if space.type == "Disconnected" else (text, "")


def _lacks(secret: SecretKey | None, space: Space) -> str:
    where = f"Secret {secret.name} under {secret.key}" if secret else "its connection Secret"
    return f"there is no {'kubeconfig with a token' if space.type == 'Disconnected' else 'token'} in {where}"


def _config(env: Environment, space: Space, token: str, ca: str) -> Manifest:
    """Argo CD's way to a cluster (Argo CD: declarative-setup, clusters): by the program `up`, or by a bearer token."""
    tls: Manifest = {"insecure": True} if space.insecure else {"insecure": False, **({"caData": ca} if ca else {})}
    if space.type in ("Disconnected", "Legacy"):
        return {"bearerToken": token, "tlsClientConfig": tls}
    return {
        "execProviderConfig": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "up",
            "args": ["org", "token"],
            "env": {"ORGANIZATION": env.organization, **({"UP_TOKEN": token} if token else {})},
        },
        "tlsClientConfig": tls,
    }


def _labels(env: Environment, c: ControlPlane) -> dict[str, str]:
    """What an ApplicationSet selects by: the control plane's own labels, too."""
    return {
        **c.labels,
        "argocd.argoproj.io/secret-type": "cluster",
        names.LABEL_ENVIRONMENT: names.environment_label(env.identity),
        names.LABEL_ORGANIZATION: env.organization,
        names.LABEL_SPACE: c.space,
        names.LABEL_CONTROL_PLANE_GROUP: c.group,
        names.LABEL_CONTROL_PLANE: c.entry,
    }


def _project(name: str, r: ArgoCD, a: Applications, server: str) -> Manifest:
    """An AppProject that takes claims from one repository to one namespace of one control plane."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": r.target.namespace},
        "spec": {"sourceRepos": [a.repo_url], "destinations": [{"server": server, "namespace": a.namespace}]},
    }


def _application(name: str, r: ArgoCD, a: Applications, project: str, server: str) -> Manifest:
    """An Application. It has no finalizer: with Argo CD's, deleting it would delete every claim."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": r.target.namespace},
        "spec": {
            "destination": {"server": server, "namespace": a.namespace},
            "project": project,
            "source": {
                "path": a.path,
                "repoURL": a.repo_url,
                "targetRevision": a.target_revision,
                "directory": {"recurse": a.recurse},
            },
            "syncPolicy": {
                "automated": a.sync_policy.automated.model_dump(by_alias=True, exclude_none=True),
                "syncOptions": ["SkipDryRunOnMissingResource=true"],
            },
        },
    }
