"""The status of an UpboundEnvironment, for the XRDs. What fills it is function.status."""

from typing import Annotated

from pydantic import Field

from function.model import types as t


class _Status(t.Model):
    """What is told of everything that has an entry."""

    name: str
    """Its name in this environment."""
    ready: bool
    """Whether it is there."""
    message: str = ""
    """What stands in the way."""


class RegistrationStatus(_Status):
    """How one consumer of a control plane is doing."""

    kind: str
    """ArgoCD, Flux or Connector."""
    name: str = ""
    """The connector's name in this environment."""
    target: str
    """Where it is: a target of the Composition's Input."""


class ConfigurationStatus(t.Model):
    """How a Configuration is doing in a control plane."""

    name: str
    """Its name."""
    wanted: str
    """The version that the environment wants."""
    target: str = ""
    """The version that it is to run now. None while it waits for its stage."""
    running: str = ""
    """The version that it runs."""
    healthy: bool
    """Whether it runs its target, Installed and Healthy, in a control plane that is ready."""
    message: str = ""
    """What stands in the way."""


class StageStatus(t.Model):
    """How far a stage of the rollout is. What is written here is remembered: since when it has been healthy."""

    name: str
    """The stage."""
    phase: str
    """RolledOut, Progressing, Halted, Soaking, Pinned or Waiting."""
    wanted: str
    """The version that the environment wants in it."""
    target: str = ""
    """The version that it is to run now."""
    running: str = ""
    """The versions that it runs."""
    healthy: int
    """How many of its Configurations run their target, and well."""
    total: int
    """How many Configurations its control planes have together."""
    healthy_since: str = ""
    """Since when all of it has been healthy at what is wanted."""
    soaking_until: str = ""
    """When the next stage may go on."""
    message: str = ""
    """What it waits for, or what is wrong."""


class ControlPlaneStatus(_Status):
    """How a control plane is doing."""

    space: str
    """Its Space."""
    group: str = ""
    """Its group, by name in the Space."""
    ready: bool
    """Whether it is there, works, and is as the environment says."""
    crossplane: str = ""
    """Version of Crossplane."""
    endpoint: str
    """Address of its API."""
    stage: str = ""
    """Its stage of the rollout."""
    configurations: Annotated[tuple[ConfigurationStatus, ...], Field(max_length=64)] = ()
    """Its Configurations."""
    registrations: Annotated[tuple[RegistrationStatus, ...], Field(max_length=202)] = ()
    """What consumes it."""


class GroupStatus(_Status):
    """How a group is doing."""

    space: str
    """Its Space."""
    group: str
    """Its name in the Space."""


class ResourceStatus(_Status):
    """How another object is doing."""


class TeamStatus(_Status):
    """How a team is doing."""

    id: str = ""
    """Its UUID."""


class TokenStatus(_Status):
    """How a robot's token is doing."""

    name: str
    """Robot and token, as in ci/argocd."""
    namespace: str = ""
    """Namespace of the Secret that it is in."""
    secret_name: str = ""
    """Name of the Secret that it is in now."""
    ready: bool
    """Whether its newest generation is there."""


class LeftBehind(t.Model):
    """A field that was dropped from the environment and is still there."""

    resource: str
    """Which composed resource, by its key."""
    field: str
    """Which field of the remote object, as a JSON pointer."""
    command: str
    """The command that removes it, with a kubeconfig of the Space or control plane."""


class Status(t.Model):
    """How the environment is doing."""

    control_planes: Annotated[tuple[ControlPlaneStatus, ...], Field(max_length=1000)] = ()
    """The control planes."""
    stages: Annotated[tuple[StageStatus, ...], Field(max_length=32)] = ()
    """The stages of the rollout, in order."""
    rollout: str = ""
    """How far the rollout is, in a word, and at which stage."""
    groups: Annotated[tuple[GroupStatus, ...], Field(max_length=1100)] = ()
    """The groups."""
    resources: Annotated[tuple[ResourceStatus, ...], Field(max_length=200)] = ()
    """The other objects."""
    teams: Annotated[tuple[TeamStatus, ...], Field(max_length=100)] = ()
    """The teams."""
    tokens: Annotated[tuple[TokenStatus, ...], Field(max_length=1600)] = ()
    """The robots' tokens."""
    ready_control_planes: int = 0
    """How many control planes are ready."""
    total_control_planes: int = 0
    """How many control planes there are."""
    summary: str = ""
    """Ready and total control planes, as ready/total."""
    message: str = ""
    """What is wrong first, or that all is ready."""
    warnings: Annotated[tuple[str, ...], Field(max_length=200)] = ()
    """What works, and should not stay as it is."""
    left_behind: Annotated[tuple[LeftBehind, ...], Field(max_length=100)] = ()
    """Fields that were dropped from the environment and are still there, with what removes them."""
