"""Kubeconfigs for people: one for each endpoint of an environment, and an environment from what `up ctx` wrote."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from function import kube, names
from function.desired import Manifest
from function.documents import UnusableError
from function.model.environment import Environment
from function.model.parts import ControlPlane, Space
from function.reading import dig, listed

_CONTROL_PLANE = re.compile(r"^/apis/spaces\.upbound\.io/v1beta1/namespaces/([^/]+)/controlplanes/([^/]+)/k8s/?$")


def of_space(env: Environment, name: str | None, credentials: Mapping[str, Any] | None) -> Manifest:
    """The kubeconfig of a Space: of the only one, where no name is given."""
    if name is None and len(env.spaces) != 1:
        raise UnusableError(f"the environment has {len(env.spaces)} Spaces; say which one with --space, --group or --control-plane")
    space = _named(env.spaces, name or next(iter(env.spaces)), "Space")
    if space.legacy:
        raise UnusableError(f"{space.name} is a Legacy Space, which has no API of its own; use --control-plane")
    return _kubeconfig(env, space, names.space_url(space.host), "", credentials)


def of_group(env: Environment, name: str, credentials: Mapping[str, Any] | None) -> Manifest:
    """The kubeconfig of a group: of its Space, with the group as namespace."""
    group = _named({g.entry: g for g in env.groups}, name, "group")
    space = env.spaces[group.space]
    return _kubeconfig(env, space, names.space_url(space.host), group.name, credentials)


def of_control_plane(env: Environment, name: str, credentials: Mapping[str, Any] | None, token_file: str | None) -> Manifest:
    """The kubeconfig of a control plane; of a Legacy one it reads the token from `token_file` at each use."""
    c: ControlPlane = _named({c.entry: c for c in env.control_planes}, name, "control plane")
    space = env.spaces[c.space]
    if not space.legacy:
        return _kubeconfig(env, space, names.control_plane_url(space.host, c), "default", credentials)
    if not token_file:
        raise UnusableError(f"{name} is in a Legacy Space: give --token-file, the path of a file with a personal access token")
    return _with_user(
        kube.kubeconfig(env.organization, space, names.legacy_url(space.host, env.organization, c), namespace="default"),
        {"tokenFile": token_file},
    )


def environment_from(kubeconfig: Mapping[str, Any], name: str, namespace: str, *, api: str) -> Manifest:
    """An environment with the Space, group and control plane of a kubeconfig's current context.

    Raises:
        UnusableError: it is not one that `up ctx` wrote.
    """
    context = _entry(kubeconfig, "contexts", "context", str(kubeconfig.get("current-context")))
    cluster, user = _entry(kubeconfig, "clusters", "cluster", str(context.get("cluster"))), current_user(kubeconfig)
    scheme, _, rest = str(cluster.get("server")).partition("://")
    host, slash, path = rest.partition("/")
    if scheme != "https" or not host:
        raise UnusableError("the cluster's server is no https address; write the kubeconfig with up ctx")
    extensions = listed(context, "extensions")
    cloud = next((dig(e, "extension", "spec", "cloud") for e in extensions if dig(e, "name") == "spaces.upbound.io/space"), None)
    said = (dig(e, "value") for e in listed(user, "exec", "env") if dig(e, "name") == "ORGANIZATION")
    organization = dig(cloud, "organization") or next(said, None)
    space: Manifest = {"name": str(dig(cloud, "space") or host.partition(".")[0]).lower(), "host": host}
    if ca := cluster.get("certificate-authority-data"):
        base64.b64decode(str(ca))
        space["certificateAuthorityData"] = str(ca)
    if cloud is None and organization is None:
        ref = {"name": f"{name}-kubeconfig", "key": "kubeconfig"} | ({} if api.endswith("m.upbound.io") else {"namespace": namespace})
        space |= {"type": "Disconnected", "credentials": {"kubeconfigSecretRef": ref}}
    spec: Manifest = {"organization": str(organization or name), "spaces": [space]}
    inside = _CONTROL_PLANE.match(slash + path)
    if inside:
        spec["controlPlanes"] = [{"name": inside.group(2), "group": inside.group(1), "adopt": True}]
    elif context.get("namespace") not in (None, "default"):
        spec["groups"] = [{"name": str(context["namespace"]), "adopt": True}]
    return {"apiVersion": f"{api}/v1alpha1", "kind": "UpboundEnvironment", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def current_user(kubeconfig: Mapping[str, Any]) -> Manifest:
    """The credentials of a kubeconfig's current context."""
    context = _entry(kubeconfig, "contexts", "context", str(kubeconfig.get("current-context")))
    return dict(_entry(kubeconfig, "users", "user", str(context.get("user"))))


def _kubeconfig(env: Environment, space: Space, server: str, namespace: str, credentials: Mapping[str, Any] | None) -> Manifest:
    made = kube.kubeconfig(env.organization, space, server, namespace=namespace)
    if space.type != "Disconnected":
        return made
    if credentials is None:
        raise UnusableError(f"{space.name} is a Disconnected Space: give --credentials, a kubeconfig with credentials for it")
    return _with_user(made, current_user(credentials))


def _with_user(made: Manifest, user: Manifest) -> Manifest:
    return {**made, "users": [{"name": made["users"][0]["name"], "user": user}]}


def _entry(kubeconfig: Mapping[str, Any], list_: str, field: str, name: str) -> Mapping[str, Any]:
    found = next((dig(e, field) for e in listed(kubeconfig, list_) if dig(e, "name") == name), None)
    if not isinstance(found, Mapping):
        raise UnusableError(f"the kubeconfig has no {name} under {list_}; write it with up ctx")
    return found


def _named(things: Mapping[str, Any], name: str, noun: str) -> Any:  # noqa: ANN401  # One of the things.
    if name not in things:
        raise UnusableError(f"the environment has no {noun} {name}; it has {', '.join(sorted(things)) or 'none'}")
    return things[name]
