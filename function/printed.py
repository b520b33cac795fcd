"""Configuration that is printed and not composed: Argo CD and Flux belong to whoever runs them, and app clusters to theirs."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from function import documents, names
from function.model.consumed import Connector
from function.model.environment import Environment
from function.model.parts import SecretKey
from function.resources import connector

Manifest = dict[str, Any]
UP_CLI = "xpkg.upbound.io/upbound/up-cli:v0.39.0"
"""The image with the `up` command. Pinned: what it prints is a token."""
TOKEN = SecretKey("", "up-token", "token")
"""The Secret beside Argo CD or Flux that has UP_TOKEN, unless another is named."""
TRACKING = {"application.resourceTrackingMethod": "annotation", "resource.respectRBAC": "normal"}
EXCLUSIONS = {"resource.exclusions": documents.dump([{"apiGroups": ["*"], "kinds": ["ProviderConfigUsage"], "clusters": ["*"]}])}
_LUA = """\
local health = {status = "Progressing", message = "waiting to become ready"}
if obj.status == nil or obj.status.conditions == nil then
  if string.find(obj.kind, "^ProviderConfig") or string.find(obj.kind, "^ClusterProviderConfig") or obj.kind == "Composition" then
    return {status = "Healthy", message = "it has no status"}
  end
  return health
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Synced" and condition.status == "False" then
    return {status = "Degraded", message = condition.message}
  end
  if condition.status == "True" and (condition.type == "Ready" or condition.type == "Healthy" or condition.type == "Established") then
    health = {status = "Healthy", message = condition.reason}
  end
end
return health
"""
_KINDS = ("*.crossplane.io/*", "*.upbound.io/*")
HEALTH = {"resource.customizations": documents.dump({kind: {"health.lua": _LUA} for kind in _KINDS})}
"""Argo CD's word for wildcards of kinds; keys with a kind in their name take none."""


def argocd_cm(*, health_checks: bool, exclusions: bool) -> dict[str, str]:
    """Keys of the ConfigMap argocd-cm."""
    return {**TRACKING, **(HEALTH if health_checks else {}), **(EXCLUSIONS if exclusions else {})}


def argocd_values(cm: Mapping[str, str], image: str, token: SecretKey | None) -> Manifest:
    """Values for the Helm chart argo-cd."""
    part = {**_with_up(image, "/home/argocd/.up"), **({"env": [_up_token(token)]} if token else {})}
    return {"configs": {"cm": dict(cm)}, "controller": part, "server": part}


def argocd_patches(cm: Mapping[str, str], namespace: str, image: str, token: SecretKey | None) -> list[str]:
    """Commands that give an Argo CD that was not installed by Helm the same."""
    up = _with_up(image, "/home/argocd/.up")
    commands = [_patch(namespace, "configmap", "argocd-cm", "merge", {"data": dict(cm)})]
    for kind, name in (("statefulset", "argocd-application-controller"), ("deployment", "argocd-server")):
        container = {"name": name, "volumeMounts": up["volumeMounts"], **({"env": [_up_token(token)]} if token else {})}
        spec = {"containers": [container], "initContainers": up["initContainers"], "volumes": up["volumes"]}
        commands.append(_patch(namespace, kind, name, "strategic", {"spec": {"template": {"spec": spec}}}))
    return commands


def flux_patch(image: str, token: SecretKey) -> Manifest:
    """For the kustomization.yaml of flux-system: kustomize-controller runs `up` (flag: --insecure-kubeconfig-exec)."""
    at, up = "/spec/template/spec", _with_up(image, "/home/up")
    container = f"{at}/containers/0"
    steps = [
        {"op": "add", "path": f"{container}/args/-", "value": "--insecure-kubeconfig-exec=true"},
        {"op": "add", "path": f"{container}/env/-", "value": _up_token(token)},
        {"op": "add", "path": f"{container}/env/-", "value": {"name": "HOME", "value": "/home/up"}},
        *({"op": "add", "path": f"{container}/volumeMounts/-", "value": m} for m in up["volumeMounts"]),
        *({"op": "add", "path": f"{at}/volumes/-", "value": v} for v in up["volumes"]),
        {"op": "add", "path": f"{at}/initContainers", "value": up["initContainers"]},
    ]
    return {"patches": [{"target": {"kind": "Deployment", "name": "kustomize-controller"}, "patch": documents.dump(steps)}]}


def connector_values(env: Environment, c: Connector) -> Manifest:
    """The values file of a connector, but for its token."""
    return connector.values(env, c, env.spaces[c.control_plane.space].host)


def migration(c: Connector, file: str) -> list[str]:
    """Commands that move what an app cluster's own Crossplane has into the control plane of its connector."""
    export = "migration.tar.gz"
    categories = ("claim", "composite", "managed", "crossplane")
    is_crossplanes = " or ".join(f'. == "{c}"' for c in categories)
    crds = f".items[] | select(.spec.names.categories // [] | any({is_crossplanes})) | .metadata.name"
    ids = f"--mcp-connector-cluster-id={c.said.cluster_id} --mcp-connector-claim-namespace={c.said.claim_namespace}"
    return [
        f"# 1. In the app cluster: pause everything, and export it to {export}.",
        f"up controlplane migration export --pause-before-export --output={export} --yes",
        "# 2. In the control plane: import it. Both values are those of the connector: every claim's name is made from the first.",
        f"upenv kubeconfig {shlex.quote(file)} --control-plane {c.control_plane.entry} > control-plane.kubeconfig",
        f"KUBECONFIG=control-plane.kubeconfig up controlplane migration import -i {export} --unpause-after-import {ids}",
        "# 3. In the app cluster, once the claims are ready in the control plane: stop Crossplane and its packages first.",
        "#    Then nothing is left that would delete anything in a cloud when its objects go.",
        "helm uninstall crossplane --namespace crossplane-system --wait",
        "kubectl --namespace crossplane-system delete deployments --all --wait",
        f"kubectl get {','.join(categories)} --all-namespaces -o json | jq 'del(.items[].metadata.finalizers)' | kubectl replace -f -",
        f"kubectl get customresourcedefinitions -o json | jq -r '{crds}' | xargs kubectl delete customresourcedefinition",
        f"# 4. Commit connector {c.said.name}: its APIs need the names that these definitions had.",
    ]


def claim_name(name: str, namespace: str, cluster_id: str, prefix: str) -> str:
    """Name in a control plane of an app cluster's object."""
    return f"{prefix}-{names.connector_identifier(name, namespace, cluster_id)}"


def _with_up(image: str, home: str) -> Manifest:
    """What a pod needs that runs `up`, as Upbound's guide has it."""
    plugin = {"name": "up-plugin", "mountPath": "/plugin"}
    init = {"name": "up-plugin", "image": image, "command": ["cp"], "args": ["/usr/local/bin/up", "/plugin/up"], "volumeMounts": [plugin]}
    return {
        "volumes": [{"name": "up-plugin", "emptyDir": {}}, {"name": "up-home", "emptyDir": {}}],
        "volumeMounts": [
            {"name": "up-plugin", "mountPath": "/usr/local/bin/up", "subPath": "up"},
            {"name": "up-home", "mountPath": home},
        ],
        "initContainers": [init],
    }


def _up_token(token: SecretKey) -> Manifest:
    return {"name": "UP_TOKEN", "valueFrom": {"secretKeyRef": {"name": token.name, "key": token.key}}}


def _patch(namespace: str, kind: str, name: str, type_: str, patch: Manifest) -> str:
    return f"kubectl --namespace {namespace} patch {kind} {name} --type={type_} --patch={shlex.quote(json.dumps(patch))}"
