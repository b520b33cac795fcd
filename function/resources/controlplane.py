"""Control planes."""

from collections.abc import Iterator

from function import endpoints, kube, names
from function.desired import Composed, Life
from function.model import services
from function.model.environment import Environment
from function.model.parts import ControlPlane
from function.observed import Observed

_READY = services.CONDITION.format("Ready", "True")
_PAUSED = 'object.status.conditions.exists(c, c.type == "CrossplaneRunning" && c.status == "False" && c.reason == "Paused")'
_HAS_CONDITIONS = "has(object.status) && has(object.status.conditions)"

RUNNING = f"{_HAS_CONDITIONS} && {_READY} && {services.CONDITION.format('Healthy', 'True')}"
"""Ready and Healthy. Not all conditions: Supported may be False in a control plane that works."""
PAUSED = f"{_HAS_CONDITIONS} && ({_READY} || {_PAUSED})"


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The control planes, but those of Legacy Spaces, which are only referred to."""
    hosts = endpoints.hosts(env, observed)
    for c in env.control_planes:
        if env.spaces[c.space].legacy:
            continue
        key = names.control_plane(c)
        via, after = endpoints.into_space(env, hosts, c.space, c.group)
        yield Composed(
            key,
            kube.wrapped(env, key, _control_plane(env, c), via, PAUSED if c.spec["crossplane"]["state"] == "Paused" else RUNNING),
            after=after,
            needs=tuple(names.resource(r) for r in services.restored_from(c, env.resources)),
            entry=c.entry,
            life=Life.OWNED,
            policies=c.policies,
            adopt=c.adopt,
            immutable=(("restore", "source"), ("hostNamespace", "name")),
        )


def _control_plane(env: Environment, c: ControlPlane) -> dict[str, object]:
    return {
        "apiVersion": "spaces.upbound.io/v1beta1",
        "kind": "ControlPlane",
        "metadata": {
            "name": c.name,
            "namespace": c.group,
            "labels": {**c.labels, names.LABEL_ENVIRONMENT: names.environment_label(env.identity)},
        },
        "spec": dict(c.spec),
    }
