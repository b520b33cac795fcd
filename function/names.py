"""Every key, name, label and address that this project gives out. All of them are promises: none may change.

A key is the path of a remote thing; Crossplane tells composed resources apart by it. The parts are DNS
labels, which have no slash, so two things never share a key.
"""

import functools
import hashlib
import json
import re

from function.model.environment import ControlPlane, Identity, Resource, Token, qualified_kind

DOMAIN = "environments.upbound.io"
LABEL_ENVIRONMENT = f"{DOMAIN}/environment"
"""On groups and control planes: which environment they belong to."""
LABEL_GROUP = "spaces.upbound.io/group"
LABEL_GROUP_PROTECTION = "spaces.upbound.io/group-deletion-protection"
ANNOTATION_ENTRY = f"{DOMAIN}/name"
"""On Objects: the name of the entry in the environment, for when its line is gone."""
ANNOTATION_WHEN_REMOVED = f"{DOMAIN}/when-removed"
"""On Objects: what happens when the line is gone (see lifecycle.WhenRemoved)."""
ANNOTATION_PREREQUISITES = f"{DOMAIN}/prerequisites-ready"
"""On Objects: all that it comes after has been ready once. The change makes provider-kubernetes look at once."""
ANNOTATION_SPARED = f"{DOMAIN}/spared"
"""On Objects of groups: something that is not this environment's to delete lives on in it."""
ANNOTATION_HOST = f"{DOMAIN}/host"
"""On ProviderConfigs and Objects: the host that they reach."""

ANNOTATION_EXTERNAL_NAME = "crossplane.io/external-name"
"""On managed resources, Crossplane's own: what the thing is called where it is; for a team, its UUID."""

KUBECONFIG = "kubeconfig"
UPBOUND = "upbound"
"""Key of the ProviderConfig of provider-upbound: an environment has one organization."""
_READABLE = 40


def space_access(space: str) -> str:
    """Key of the ProviderConfig of a Space."""
    return f"providerconfig/{space}"


def control_plane_access(c: ControlPlane) -> str:
    """Key of the ProviderConfig inside a control plane."""
    return f"providerconfig/{c.space}/{c.group}/{c.name}"


def group(space: str, name: str) -> str:
    """Key of a group."""
    return f"group/{space}/{name}"


def control_plane(c: ControlPlane) -> str:
    """Key of a control plane."""
    return f"controlplane/{c.space}/{c.group}/{c.name}"


def resource(r: Resource) -> str:
    """Key of any other object: where it goes, its kind, and its own namespace inside a control plane."""
    place = {"Space": f"space/{r.space}", "Group": f"group/{r.space}/{r.group}"}.get(r.scope, "")
    if r.control_plane:
        place = f"controlplane/{r.space}/{r.group}/{r.control_plane.name}"
    metadata = r.manifest["metadata"]
    namespace = (r.control_plane and metadata.get("namespace")) or "-"
    return f"resource/{place}/{qualified_kind(r.manifest)}/{namespace}/{metadata['name']}"


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
    return f"{permissions(repository_, team_)}{level}"


def permissions(repository_: str, team_: str) -> str:
    """How the keys of all levels begin that a team can have in a repository."""
    return f"permission/{repository_}/{team_}/"


def role_binding(space: str, group_: str) -> str:
    """Key of the roles in a group: of the resource that `resources` could carry there under the group's name."""
    return f"resource/{group(space, group_)}/ObjectRoleBinding.authorization.spaces.upbound.io/-/{group_}"


def space_of(key: str) -> str:
    """The Space that the thing `key` is in, or an empty string where it is in none."""
    family, *path = key.split("/")
    return {"group": path[:1], "controlplane": path[:1], "resource": path[1:2]}.get(family, [""])[0]


def control_plane_of(key: str) -> str:
    """The key of the control plane that the resource `key` is inside, or an empty string."""
    path = key.split("/")
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
    readable = re.sub(r"[^a-z0-9]+", "-", f"{identity.name}-{key}".lower())[:_READABLE].strip("-")
    return f"{readable}-{_digest(identity.namespace, identity.name, key)[:8]}"


@functools.lru_cache(maxsize=1024)
def environment_label(identity: Identity) -> str:
    """Value of LABEL_ENVIRONMENT: tells environments apart without naming them."""
    return _digest(identity.namespace, identity.name)[:32]


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


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
