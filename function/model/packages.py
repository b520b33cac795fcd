"""Configurations and their rollout, as an environment's author writes them. A part of function.model.spec."""

from typing import Annotated, Literal

from pydantic import Field

from function.model import types as t


class PullSecret(t.Model):
    """A Secret for pulling a package."""

    name: t.ObjectName
    """Name of the Secret in the namespace of Crossplane inside the control plane."""


class Configuration(t.Model):
    """A Configuration package in control planes."""

    name: t.Name
    """Name of the Configuration inside the control planes. Entries of one name are merged, and the nearest wins field by field."""
    package: t.Package | None = None
    """Registry and repository, such as xpkg.upbound.io/acme/platform. Required in one of the entries of this name."""
    version: t.PackageVersion | None = None
    """Exact version (a tag such as v1.4.0) or digest (sha256:...). Required in one of the entries of this name."""
    package_pull_secrets: Annotated[tuple[PullSecret, ...] | None, t.AsTuple, t.list_map("name", most=16)] = None
    """Secrets that a private registry needs. They are inside the control plane: this environment neither reads nor makes them."""
    package_pull_policy: Literal["IfNotPresent", "Always", "Never"] | None = None
    """IfNotPresent, Always or Never. Default: IfNotPresent."""
    skip_dependency_resolution: bool | None = None
    """Do not install what the package depends on. Default: false."""


class ControlPlaneSelector(t.Model):
    """Which control planes: those that have all the labels, and those that are named."""

    match_labels: t.Labels | None = None
    """Labels that a control plane has."""
    names: Annotated[tuple[t.Name, ...], t.AsTuple, Field(max_length=1000)] = ()
    """Names of control planes in this environment."""


class Stage(t.Model):
    """One step of a rollout: control planes that get a version together."""

    name: t.Name
    """Name of the stage."""
    control_plane_selector: ControlPlaneSelector
    """Its control planes. Each control plane of the environment is in exactly one stage."""
    soak: t.Duration | None = None
    """How long the stage has to be healthy at a version before the next one gets it, such as 1h30m. At least 5m. Default: 5m."""
    version: t.PackageVersion | None = None
    """Pins the Configuration in this stage, whatever the other stages do: approval is a reviewed line."""


class Rollout(t.Model):
    """How a version of the Configurations reaches the control planes."""

    stages: Annotated[tuple[Stage, ...], t.AsTuple, t.list_map("name", most=32)] = ()
    """The stages, in order. Without any, all control planes get a version at once."""
