"""Where Spaces and control planes are reached, and what must be there to reach them."""

from function import names
from function.model.environment import ControlPlane, Environment, Space
from function.observed import Observed


def prerequisites(env: Environment, space: str) -> tuple[str, ...]:
    """Keys of what must be there to reach a Space, or a control plane in it."""
    secret = (names.KUBECONFIG,) if holds_kubeconfigs(env) else ()
    return (*secret, names.space_access(space))


def holds_kubeconfigs(env: Environment) -> bool:
    """Whether this environment has a kubeconfig Secret of its own: there is a place for it, and something to put there."""
    generated = any(s.kubeconfig is None and not s.legacy for s in env.spaces.values())
    return generated and (env.namespaced or env.hub is not None)


def host(observed: Observed, space: Space) -> str:
    """The host that a Space has: the one in the spec, or the observed one while that may not be left."""
    old = observed.annotation(names.space_access(space.name), names.ANNOTATION_HOST)
    if old in ("", space.host, *space.former_hosts):
        return space.host
    return old if any(names.space_of(key) == space.name for key in observed) else space.host


def control_plane_url(env: Environment, observed: Observed, c: ControlPlane) -> str:
    """Address of a control plane's API."""
    space = env.spaces[c.space]
    if space.legacy:
        return names.legacy_url(space.host, env.organization, c)
    return names.control_plane_url(host(observed, space), c)
