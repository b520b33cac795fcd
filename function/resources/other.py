"""Any other object in a Space, a group or a control plane: what the environment's `resources` carry."""

from collections.abc import Iterator

from function import endpoints, kube, names
from function.desired import Composed, Life
from function.model import services
from function.model.environment import Environment
from function.model.parts import Policies, Resource
from function.observed import Observed


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The objects. Each comes after the place that it goes to."""
    hosts = endpoints.hosts(env, observed)
    for r in env.resources:
        service, label = services.service_of(r.manifest), {names.LABEL_ENVIRONMENT: names.environment_label(env.identity)}
        manifest = kube.plain(r.manifest)
        if r.policies is not Policies.OBSERVE:
            manifest = kube.plain(services.completed(r.manifest, label, services.staged(r, env.stages)))
        if r.scope == "Group":
            manifest["metadata"]["namespace"] = r.group
        key = names.resource(r)
        inside = r.control_plane and endpoints.into_control_plane(env, hosts, r.control_plane)
        via, after = inside or endpoints.into_space(env, hosts, r.space, r.group)
        yield Composed(
            key,
            kube.wrapped(env, key, manifest, via, service.ready),
            after=(*after, *map(names.resource, services.before(r, env.resources))),
            early="" if observed.remote(key) and not observed.absent(key) else _early(env, r, observed),
            entry=r.entry,
            life=Life.KEPT if service.kept else Life.INSIDE,
            policies=r.policies,
            immutable=service.fixed,
        )


def _early(env: Environment, r: Resource, observed: Observed) -> str:
    """Why it is too early to make `r`, or an empty string: a backup holds, for good, what was there when it was made."""
    coming = (c for c in services.backed_up(r, env.control_planes, env.stages) if not observed.ready(names.control_plane(c)))
    first = next(coming, None)
    return f"waiting for control plane {first.entry}" if first else ""
