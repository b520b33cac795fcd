"""Configuration that is printed and not composed: Argo CD and Flux belong to whoever runs them, and app clusters to theirs."""

import json
import shlex
from collections.abc import Mapping

from function import documents, names
from function.desired import Manifest
from function.model.consumed import Connector
from function.model.environment import Environment
from function.model.parts import SecretKey

UP_CLI = "xpkg.upbound.io/upbound/up-cli:v0.39.0"
"""The image with the `up` command. Pinned: what it prints is a token."""
TOKEN = SecretKey("", "up-token", "token")
"""The Secret beside Argo CD or Flux that has UP_TOKEN, unless another is named."""
TRACKING = {"application.resourceTrackingMethod": "annotation", "resource.respectRBAC": "normal"}
EXCLUSIONS = {"resource.exclusions": documents.dump([{"apiGroups": ["*"], "kinds": ["ProviderConfigUsage"], "clusters": ["*"]}])}
LUA = """\
local status, c = obj.status or {}, {}
for _, condition in ipairs(status.conditions or {}) do
  c[condition.type] = condition
end
local function is(type, value, reason)
  return c[type] ~= nil and c[type].status == value and (reason == nil or c[type].reason == reason)
end
local function health(value, type)
  local message = c[type] and c[type].message
  if message == nil or message == "" then message = status.message or "" end
  return {status = value, message = message}
end
local seen = c["Ready"] and c["Ready"].observedGeneration
if seen ~= nil and seen < obj.metadata.generation then
  return {status = "Progressing", message = "waiting for the newest commit to be looked at"}
end
if is("Synced", "False") then return health("Degraded", "Synced") end
-- What a function said is Unknown from a call on that fails; the Synced of a claim does not tell.
if is("CredentialsReady", "Unknown") then return health("Degraded", "CredentialsReady") end
if is("CredentialsReady", "False", "Rejected") then return health("Degraded", "CredentialsReady") end
if is("Refused", "True") then return health("Degraded", "Refused") end
if is("Conflict", "True") then return health("Degraded", "Conflict") end
-- Somebody has to confirm: the message says how.
if is("RemovalPending", "True") then return health("Suspended", "RemovalPending") end
if is("Ready", "True") then return health("Healthy", "") end
if c["Ready"] ~= nil then return health("Progressing", "Ready") end
-- What follows is for kinds that are never Ready: packages and definitions, and those that have no status.
if is("Healthy", "False") then return health("Degraded", "Healthy") end
if is("Healthy", "True") or is("Established", "True") then return health("Healthy", "") end
local silent = {
  ClusterProviderConfig = true, Composition = true, CompositionRevision = true, ControllerConfig = true,
  DeploymentRuntimeConfig = true, EnvironmentConfig = true, ImageConfig = true, ProviderConfig = true, ProviderConfigUsage = true,
}
if silent[obj.kind] then return {status = "Healthy", message = "it has no status"} end
return health("Progressing", "")
"""
"""Health of Crossplane's kinds and ours. Argo CD runs it without Lua's libraries, so there is no `string` (util/lua)."""
HEALTH = {"resource.customizations": documents.dump({kind: {"health.lua": LUA} for kind in ("*.crossplane.io/*", "*.upbound.io/*")})}
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
    whole = " and ".join(sorted(cm.keys() & (HEALTH.keys() | EXCLUSIONS.keys())))
    commands = [f"# This replaces {whole} of argocd-cm: where yours has them already, add to them by hand."] if whole else []
    commands += [_patch(namespace, "configmap", "argocd-cm", "merge", {"data": dict(cm)})]
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


def migration(env: Environment, c: Connector, file: str, composition: str | None) -> list[str]:
    """Commands that move what an app cluster's own Crossplane has into the control plane of its connector.

    `file` and `composition` are where the environment and the rules for it are.
    """
    export = "migration.tar.gz"
    kubeconfig = ["upenv", "kubeconfig", file, "--control-plane", c.control_plane.entry]
    kubeconfig += ["--composition", composition] if composition else []
    # The kubeconfig of a Disconnected Space has its own credentials; whoever runs this has them.
    kubeconfig += ["--credentials", "space.kubeconfig"] if env.spaces[c.control_plane.space].type == "Disconnected" else []
    # Of definitions and not of categories: kubectl fails altogether where a category has no kind, as claims may not.
    categories = " or ".join(f'. == "{c}"' for c in ("claim", "composite", "managed", "crossplane"))
    crossplanes = f".items[] | select(.spec.names.categories // [] | any({categories})) | .metadata.name"
    finalized = ".items[] | select(.metadata.finalizers) | del(.metadata.finalizers)"
    ids = f"--mcp-connector-cluster-id={c.said.cluster_id} --mcp-connector-claim-namespace={c.said.claim_namespace}"
    return [
        f"# 1. In the app cluster: pause everything, and export it to {export}.",
        f"up controlplane migration export --pause-before-export --output={export} --yes",
        "# 2. In the control plane: import it. Both values are those of the connector: every claim's name is made from the first.",
        f"{shlex.join(kubeconfig)} > control-plane.kubeconfig",
        f"KUBECONFIG=control-plane.kubeconfig up controlplane migration import -i {export} --unpause-after-import {ids}",
        "# 3. In the app cluster, once the claims are ready in the control plane: stop Crossplane and its packages first.",
        "#    Then nothing is left that would delete anything in a cloud when its objects go. It stops at the first failure; run it again.",
        "(",
        "set -euo pipefail",
        "helm uninstall crossplane --namespace crossplane-system --ignore-not-found --wait",
        "kubectl --namespace crossplane-system delete deployments --all --wait",
        "kubectl delete validatingwebhookconfigurations crossplane crossplane-no-usages --ignore-not-found",
        f"kubectl get customresourcedefinitions -o json | jq -r '{crossplanes}' > crossplane-kinds",
        'kubectl get "$(paste -sd, crossplane-kinds)" --all-namespaces -o json > crossplane-objects.json',
        f"jq '{finalized}' crossplane-objects.json > crossplane-finalized.json",
        "if test -s crossplane-finalized.json; then kubectl replace -f crossplane-finalized.json; fi",
        "xargs kubectl delete customresourcedefinitions < crossplane-kinds",
        ")",
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
