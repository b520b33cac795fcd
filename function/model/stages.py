"""What an environment's Configurations and stages mean: merged by name, every control plane in one stage."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from function.model import packages as p
from function.model import spec as s
from function.model.errors import Location, Problem, nearest
from function.model.parts import Configuration, ControlPlane, Resource, Stage
from function.reading import dig

SHORTEST_SOAK = timedelta(minutes=5)
"""Ready Objects are looked at every minute at best: a shorter soak would see next to nothing."""

_Entries = tuple[Location, Sequence[p.Configuration]]
"""A list of Configurations, and where it stands."""


def configurations(shared: Sequence[p.Configuration], own: Sequence[p.Configuration]) -> tuple[Configuration, ...]:
    """The Configurations of one control plane: its own laid over the environment's, by name and field by field.

    A package or version that neither names is empty here, and is told by `lacking`.
    """
    merged: dict[str, p.Configuration] = {}
    for entry in (*shared, *own):
        said = {field: getattr(entry, field) for field in entry.model_fields_set}
        merged[entry.name] = merged.get(entry.name, entry).model_copy(update={k: v for k, v in said.items() if v is not None})
    return tuple(
        Configuration(
            name=e.name,
            package=e.package or "",
            version=e.version or "",
            pull_secrets=tuple(s.name for s in e.package_pull_secrets or ()),
            pull_policy=e.package_pull_policy or "IfNotPresent",
            skip_dependency_resolution=bool(e.skip_dependency_resolution),
        )
        for e in merged.values()
    )


def lacking(control_planes: Iterable[ControlPlane], spec: s.Spec) -> Iterator[Problem]:
    """The entries of Configurations that have no package or no version in one of `control_planes`, each at its own place."""
    known = [k.name for k in spec.configurations if k.package]
    shared, nearer = _said(spec)
    for entry, k in ((c.entry, k) for c in control_planes for k in c.configurations if not (k.package and k.version)):
        at = next((*at, i) for at, found in (nearer[entry], shared) for i, e in enumerate(found) if e.name == k.name)
        if k.package or at[:-1] == shared[0]:
            yield Problem(at, f"has no {'version' if k.package else 'package'} for {k.name}; write one")
        else:
            yield Problem((*at, "name"), f"names {k.name}, which has no package here{nearest(k.name, known) or '; write one'}")


def place(c: ControlPlane, spec: s.Spec) -> Location:
    """Where it is said that `c` has Configurations."""
    shared, nearer = _said(spec)
    return (shared if spec.configurations else nearer[c.entry])[0]


def _said(spec: s.Spec) -> tuple[_Entries, dict[str, _Entries]]:
    """The Configurations of all control planes, and what is said nearer to each, by its entry."""
    default: _Entries = (("spec", "defaults", "controlPlane", "configurations"), spec.defaults.control_plane.configurations or ())
    nearer: dict[str, _Entries] = {
        e.name: (("spec", "controlPlanes", i, "configurations"), e.configurations or ())
        if "configurations" in e.model_fields_set
        else default
        for i, e in enumerate(spec.control_planes)
    }
    return (("spec", "configurations"), spec.configurations), nearer


def problems(control_planes: Sequence[ControlPlane], rollout: p.Rollout) -> Iterator[Problem]:
    """What is wrong with stages. Control planes of Legacy Spaces are not given: nothing goes into them."""
    stages_of: dict[str, list[str]] = {c.entry: [] for c in control_planes}
    several = len({k.name for c in control_planes for k in c.configurations}) > 1
    for i, stage in enumerate(rollout.stages):
        yield from _stage(("spec", "rollout", "stages", i), stage, stages_of, several=several)
        for selected in (o for o in control_planes if _selects(stage.control_plane_selector, o)):
            stages_of[selected.entry].append(stage.name)
        if not any(stage.name in found for found in stages_of.values()):
            text = "selects no control plane; write labels that one has, or names"
            yield Problem(("spec", "rollout", "stages", i, "controlPlaneSelector"), text)
    for entry, found in stages_of.items() if rollout.stages else ():
        if len(found) != 1:
            where = f"are several ({', '.join(found)})" if found else "are none"
            text = f"{where} for control plane {entry}; let exactly one select it, by its labels or name"
            yield Problem(("spec", "rollout", "stages"), text)


def _stage(at: Location, stage: p.Stage, known: Iterable[str], *, several: bool) -> Iterator[Problem]:
    """What is wrong with one stage by itself."""
    for i, name in enumerate(stage.control_plane_selector.names):
        if name not in known:
            text = f"names {name}, which is no control plane here that something can go into{nearest(name, known)}"
            yield Problem((*at, "controlPlaneSelector", "names", i), text)
    if _duration(stage.soak) < SHORTEST_SOAK:
        yield Problem((*at, "soak"), "is too short to see anything, since Objects are polled every minute at best; write at least 5m")
    if stage.version and several:
        text = "pins one Configuration where there are several; leave it out, and write versions under the configurations of control planes"
        yield Problem((*at, "version"), text)


def repeated(resources: Sequence[Resource]) -> Iterator[Problem]:
    """Resources that are Configurations of their control plane once more."""
    for i, r in enumerate(resources):
        is_one = dig(r.manifest, "kind") == "Configuration" and str(dig(r.manifest, "apiVersion")).startswith("pkg.crossplane.io/")
        if is_one and r.control_plane and dig(r.manifest, "metadata", "name") in {k.name for k in r.control_plane.configurations}:
            yield Problem(("spec", "resources", i), "is one of configurations too; keep it there")


def stages(control_planes: Sequence[ControlPlane], rollout: p.Rollout) -> Iterator[Stage]:
    """The stages, in order."""
    for stage in rollout.stages:
        selected = tuple(c for c in control_planes if _selects(stage.control_plane_selector, c))
        yield Stage(stage.name, selected, _duration(stage.soak), stage.version)


def _selects(selector: p.ControlPlaneSelector, c: ControlPlane) -> bool:
    labels: Mapping[str, str] = selector.match_labels or {}
    return c.entry in selector.names or (bool(labels) and labels.items() <= c.labels.items())


def _duration(text: str | None) -> timedelta:
    """A duration as Kubernetes writes it; none is the shortest one."""
    n = {unit: int(number) for number, unit in re.findall(r"([0-9]+)([hms])", text or "5m")}
    return timedelta(hours=n.get("h", 0), minutes=n.get("m", 0), seconds=n.get("s", 0))
