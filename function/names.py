"""Every key, name, label and address that this project gives out. All of them are promises: none may change.

A key is the path of a remote thing; Crossplane tells composed resources apart by it. The parts are DNS
labels, which have no slash, so two things never share a key.
"""

import functools
import hashlib
import re

from function.model.consumed import Target
from function.model.environment import qualified_kind
from function.model.parts import DOMAIN, ENVIRONMENT, ControlPlane, Identity, Resource, SecretKey, Token, digest
from function.model.services import ROLE_BINDING

LABEL_ENVIRONMENT = ENVIRONMENT
"""On groups, control planes and Argo CD's cluster Secrets: which environment they belong to."""
LABEL_GROUP = "spaces.upbound.io/group"
LABEL_GROUP_PROTECTION = "spaces.upbound.io/group-deletion-protection"
ANNOTATION_ENTRY = f"{DOMAIN}/name"
"""On Objects: the name of the entry in the environment, for when its line is gone."""
ANNOTATION_WHEN_REMOVED = f"{DOMAIN}/when-removed"
"""On Objects: what happens when the line is gone (see lifecycle.WhenRemoved)."""
ANNOTATION_PREREQUISITES = f"{DOMAIN}/prerequisites-ready"
"""On Objects: all that it comes after has been ready once. The change makes provider-kubernetes look at once."""
ANNOTATION_INSTALLED = f"{DOMAIN}/installed"
"""On Objects of Configurations: a version of it has been ready once. From then on, a rollout does not keep an environment from Ready."""
SPARED = f"{DOMAIN}/spared"
"""On Objects of groups an annotation, on the groups a label: something that is not this environment's to delete lives on in it."""
ANNOTATION_HOST = f"{DOMAIN}/host"
"""On ProviderConfigs and Objects: the host that they reach."""

ANNOTATION_AFTER = f"{DOMAIN}/after"
"""On what is no Object: keys of what it comes after, which stays for as long as it does. An Object has references for that."""
ANNOTATION_EXTERNAL_NAME = "crossplane.io/external-name"
"""On managed resources, Crossplane's own: what the thing is called where it is; for a team, its UUID."""
ANNOTATION_MADE = "crossplane.io/external-create-succeeded"
"""On managed resources, Crossplane's own: when its provider made the thing, and did not find it."""
LABEL_ORGANIZATION = f"{DOMAIN}/organization"
LABEL_SPACE = f"{DOMAIN}/space"
LABEL_CONTROL_PLANE_GROUP = f"{DOMAIN}/group"
LABEL_CONTROL_PLANE = f"{DOMAIN}/control-plane"
"""On Argo CD's cluster Secrets: what an ApplicationSet selects by."""
LABELS_CONNECTOR = tuple(f"mcp-connector.upbound.io/{part}" for part in ("app-resource-name", "app-namespace", "app-cluster"))
"""On what Control Plane Connector keeps in a control plane: which object of which app cluster it is."""

KUBECONFIG = "kubeconfig"
UPBOUND = "upbound"
"""Key of the ProviderConfig of provider-upbound: an environment has one organization."""
CONNECTIONS = "connections"
TARGETS = ("argocd/", "flux/", "connector/")
"""How the keys of all begin that go to a target."""
CONSUMERS = (*TARGETS, "connection")
"""How the keys of all begin that consume control planes."""
_READABLE = 40


def space_access(space: str) -> str:
    """Key of the ProviderConfig of a Space."""
    return f"providerconfig/{space}"


def control_plane_access(c: ControlPlane) -> str:
    """Key of the ProviderConfig inside a control plane."""
    return f"providerconfig/{_path(c)}"


def group(space: str, name: str) -> str:
    """Key of a group."""
    return f"group/{space}/{name}"


def control_plane(c: ControlPlane) -> str:
    """Key of a control plane."""
    return f"controlplane/{_path(c)}"


def configuration(c: ControlPlane, name: str) -> str:
    """Key of a Configuration inside a control plane."""
    return f"configuration/{_path(c)}/{name}"


def resource(r: Resource) -> str:
    """Key of any other object: where it goes, its kind, and its own namespace inside a control plane."""
    place = {"Space": f"space/{r.space}", "Group": f"group/{r.space}/{r.group}"}.get(r.scope, "")
    if r.control_plane:
        place = f"controlplane/{r.space}/{r.group}/{r.control_plane.name}"
    metadata = r.manifest["metadata"]
    namespace = (r.control_plane and metadata.get("namespace")) or "-"
    return f"resource/{place}/{qualified_kind(r.manifest)}/{namespace}/{metadata['name']}"


def argocd(target: Target, what: str, c: ControlPlane) -> str:
    """Key of what Argo CD has of a control plane: its cluster, externalsecret, project or application."""
    return f"argocd/{target.place.name}/{target.namespace}/{what}/{_path(c)}"


def flux(target: Target, what: str, c: ControlPlane) -> str:
    """Key of what Flux has of a control plane: its kubeconfig, externalsecret or kustomization."""
    return f"flux/{target.place.name}/{target.namespace}/{what}/{_path(c)}"


def flux_source(target: Target, kind: str) -> str:
    """Key of a Flux source."""
    return f"flux/{target.place.name}/{target.namespace}/{kind.lower()}"


def connector(target: Target) -> str:
    """Key of a connector: an app cluster's namespace has one at most."""
    return f"connector/{target.place.name}/{target.namespace}"


def claim_namespace(c: ControlPlane, namespace: str) -> str:
    """Key of the namespace for claims inside a control plane."""
    return f"resource/controlplane/{_path(c)}/Namespace/-/{namespace}"


def connection(c: ControlPlane) -> str:
    """Key of what carries a control plane's connection Secret here."""
    return f"connection/{_path(c)}"


def connection_detail(entry: str, key: str) -> str:
    """Key of a control plane's connection detail in the environment's connection Secret."""
    return f"{entry}.{key}"


def required(secret: SecretKey) -> str:
    """Name under which a Secret of this cluster is asked for."""
    return f"Secret/{secret.namespace}/{secret.name}"


def argocd_cluster(c: ControlPlane) -> str:
    """What Argo CD calls a control plane: controlplane-*, so that its settings can be for these alone."""
    return f"controlplane-{c.space}-{c.group}-{c.name}"


def connector_identifier(name: str, namespace: str, cluster_id: str) -> str:
    """The part of a name in a control plane that Control Plane Connector makes of an app cluster's object."""
    return hashlib.sha256(f"{name}-x-{namespace}-x-{cluster_id}".encode()).hexdigest()[:16]


def team(entry: str) -> str:
    """Key of a team."""
    return f"team/{entry}"


def robot(entry: str) -> str:
    """Key of a robot."""
    return f"robot/{entry}"


def membership(robot_: str, team_: str) -> str:
    """Key of a robot's membership in a team."""
    return f"membership/{robot_}/{team_}"


def token(t: Token) -> str:
    """Key of one generation of a robot's token."""
    return f"{generations(t)}{t.generation}"


def generations(t: Token) -> str:
    """How the keys of all generations of a robot's token begin."""
    return f"{tokens_of(t.robot)}{t.name}/"


def tokens_of(robot_: str) -> str:
    """How the keys of all tokens of a robot begin."""
    return f"token/{robot_}/"


def repository(name: str) -> str:
    """Key of a repository."""
    return f"repository/{name}"


def permission(repository_: str, team_: str, level: str) -> str:
    """Key of what a team may do with a repository. Another level is another thing: provider-upbound cannot change one."""
    return f"{permissions(repository_)}{team_}/{level}"


def permissions(repository_: str) -> str:
    """How the keys of all begin that teams may do with a repository."""
    return f"permission/{repository_}/"


def role_binding(space: str, group_: str) -> str:
    """Key of the roles in a group: of the resource that `resources` could carry there under the group's name."""
    return f"resource/{group(space, group_)}/{ROLE_BINDING}/-/{group_}"


def _path(c: ControlPlane) -> str:
    return f"{c.space}/{c.group}/{c.name}"


def space_of(key: str) -> str:
    """The Space that the thing `key` is in, or an empty string where it is in none."""
    family, *path = key.split("/")
    return {"group": path[:1], "controlplane": path[:1], "configuration": path[:1], "resource": path[1:2]}.get(family, [""])[0]


def control_plane_of(key: str) -> str:
    """The key of the control plane that the thing `key` is inside, or an empty string."""
    path = key.split("/")
    if path[0] == "configuration":
        return "/".join(("controlplane", *path[1:4]))
    return "/".join(path[1:5]) if path[:2] == ["resource", "controlplane"] else ""


def group_of_version(api_version: object) -> str:
    """The API group of an apiVersion: two versions are one object."""
    return str(api_version).rpartition("/")[0]


def space_endpoint_key(space: str) -> str:
    """Key of a Space's kubeconfig in the environment's Secret."""
    return space


def control_plane_endpoint_key(c: ControlPlane) -> str:
    """Key of a control plane's kubeconfig in the environment's Secret."""
    return f"{c.space}.{c.group}.{c.name}"


@functools.lru_cache(maxsize=16384)
def object_name(identity: Identity, key: str) -> str:
    """Name of the composed resource `key`: readable, at most 49 characters, of its own for each identity and key."""
    return _named(identity, key, f"{identity.name}-{key}")


def name_at_target(identity: Identity, key: str, entry: str) -> str:
    """Name of `key` beside the tool that uses it, where people see it: of its own for each identity and key, too."""
    return _named(identity, key, f"{identity.name}-{entry}")


def _named(identity: Identity, key: str, text: str) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", text.lower())[:_READABLE].strip("-")
    return f"{readable}-{digest(identity.namespace, identity.name, key)[:8]}"


@functools.lru_cache(maxsize=1024)
def environment_label(identity: Identity) -> str:
    """Value of LABEL_ENVIRONMENT. The model makes it, which judges selectors by it."""
    return identity.label


def space_url(host: str) -> str:
    """Address of a Space's API."""
    return f"https://{host}"


def control_plane_url(host: str, c: ControlPlane) -> str:
    """Address of a control plane's API in a Space."""
    return inner_url(host, c.group, c.name)


def inner_url(host: str, group_: str, name: str) -> str:
    """Address of the API inside a control plane, by its names in the Space."""
    return f"https://{host}/apis/spaces.upbound.io/v1beta1/namespaces/{group_}/controlplanes/{name}/k8s"


def legacy_url(host: str, organization: str, c: ControlPlane) -> str:
    """Address of a control plane's API in a Legacy Space."""
    return f"https://{host}/v1/controlPlanes/{organization}/{c.name}/k8s"
