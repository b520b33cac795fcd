"""Groups of control planes: labelled Namespaces of a Space."""

from collections.abc import Iterator

from function import endpoints, kube, names
from function.desired import Composed, Life
from function.model.environment import Environment
from function.model.parts import Group, Token
from function.observed import Observed

THERE = "!has(object.metadata.deletionTimestamp)"
"""There, and not going. An Object that may create but not update is never ready by SuccessfulCreate over a group that
exists already (provider-kubernetes object.go, handleObservation); a query is asked all the same."""

ROBOT = "is not there, and a robot's token cannot create groups: create it in the Space, or give the Space a tokenSecretRef"


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The groups that the environment lists, and those that its control planes only name."""
    hosts = endpoints.hosts(env, observed)
    for group in env.groups:
        key = names.group(group.space, group.name)
        via, after = endpoints.into_space(env, hosts, group.space)
        yield Composed(
            key,
            kube.wrapped(env, key, _namespace(env, group), via, THERE),
            after=after,
            entry=group.entry,
            life=Life.OWNED if group.owned else Life.USED,
            policies=group.policies,
            early="" if group.owned or not isinstance(env.spaces[group.space].token, Token) else ROBOT,
            adopt=group.adopt,
        )


def _namespace(env: Environment, group: Group) -> dict[str, object]:
    """The Namespace. It has no annotations: the Spaces API lets hardly any through (api.allowedNamespaceAnnotations)."""
    labels = dict(group.labels)
    if group.deletion_protection is not None:
        labels[names.LABEL_GROUP_PROTECTION] = "true" if group.deletion_protection else "false"
    if group.owned:
        labels[names.LABEL_ENVIRONMENT] = names.environment_label(env.identity)
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": group.name, "labels": {**labels, names.LABEL_GROUP: "true"}},
    }
