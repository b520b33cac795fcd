"""Configuration packages inside control planes. Which version each of them gets is function.rollout's to say."""

import json
from collections.abc import Iterator

from function import endpoints, kube, rollout
from function.desired import Composed, Life
from function.model.environment import Environment
from function.model.parts import Configuration, Policies
from function.model.services import CONDITION
from function.observed import Observed

HEALTHY = (
    "has(object.status) && has(object.status.conditions) && has(object.status.currentIdentifier)"
    " && object.spec.package == {0} && object.status.currentIdentifier == {0}"
    f" && {CONDITION.format('Installed', 'True')} && {CONDITION.format('Healthy', 'True')}"
)
"""Installed and Healthy at this very version: both may still speak of the one before (currentIdentifier tells)."""


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The Configurations. What has no version to run yet only looks whether there is one."""
    hosts = endpoints.hosts(env, observed)
    for install in (i for stage in rollout.of(env, observed).stages for i in stage.installs):
        c, k, source = install.control_plane, install.configuration, install.target or install.configuration.source
        via, after = endpoints.into_control_plane(env, hosts, c)
        yield Composed(
            install.key,
            kube.wrapped(env, install.key, _configuration(k, source), via, HEALTHY.replace("{0}", json.dumps(source))),
            after=after,
            entry=k.name,
            life=Life.INSIDE,
            policies=c.policies if install.target else Policies.OBSERVE,
            asks=True,
            once=bool(env.stages),
        )


def _configuration(k: Configuration, source: str) -> dict[str, object]:
    """The Configuration. All that has a default is written: a merge patch cannot take it away later."""
    return {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": "Configuration",
        "metadata": {"name": k.name},
        "spec": {
            "package": source,
            "packagePullPolicy": k.pull_policy,
            "packagePullSecrets": [{"name": name} for name in k.pull_secrets],
            "revisionActivationPolicy": "Automatic",
            "skipDependencyResolution": k.skip_dependency_resolution,
        },
    }
