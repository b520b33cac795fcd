"""Where Spaces and control planes are reached, and what must be there to reach them."""

from function import names
from function.kube import Via
from function.model.environment import Environment
from function.model.parts import ControlPlane, Space
from function.observed import Observed

Way = tuple[Via, tuple[str, ...]]
"""How an Object gets to where it goes, and the keys of what must be there before."""


def into_space(env: Environment, hosts: dict[str, str], space: str, group: str = "") -> Way:
    """The way into a Space at its host, and into a group of it: all but `default` are composed.

    The kubeconfig Secret comes before where the environment has it: there is a place for it, and something to put there.
    """
    generated = any(s.kubeconfig is None and not s.legacy for s in env.spaces.values())
    secret = (names.KUBECONFIG,) if generated and (env.namespaced or env.hub) else ()
    own = (names.group(space, group),) if (space, group) in env.composed_groups else ()
    access = names.space_access(space)
    return Via(names.object_name(env.identity, access), hosts[space]), (*secret, access, *own)


def into_control_plane(env: Environment, hosts: dict[str, str], c: ControlPlane) -> Way:
    """The way into a control plane."""
    access, (_, after) = names.control_plane_access(c), into_space(env, hosts, c.space)
    return Via(names.object_name(env.identity, access), hosts[c.space]), (*after, access, names.control_plane(c))


def place(env: Environment, c: ControlPlane) -> tuple[str, ...]:
    """Key of a control plane; nothing in a Legacy Space, where none is composed."""
    return () if env.spaces[c.space].legacy else (names.control_plane(c),)


def hosts(env: Environment, observed: Observed) -> dict[str, str]:
    """The host of each Space: the one in the spec, or the observed one while that may not be left."""
    return {s.name: _host(observed, s) for s in env.spaces.values()}


def control_plane_url(env: Environment, host: str, c: ControlPlane) -> str:
    """Address of a control plane's API in a Space at `host`."""
    return names.legacy_url(host, env.organization, c) if env.spaces[c.space].legacy else names.control_plane_url(host, c)


def _host(observed: Observed, space: Space) -> str:
    known = (space.host, *space.former_hosts)
    old = observed.annotation(names.space_access(space.name), names.ANNOTATION_HOST)
    if old in known:
        return space.host
    # It has moved, or its ProviderConfig is gone: what is there says where it is.
    there = [observed.annotation(key, names.ANNOTATION_HOST) for key in observed if names.space_of(key) == space.name]
    strange = [host for host in (old, *there) if host not in ("", *known)]
    return strange[0] if strange and there else space.host
