"""What is wrong with services of a Space, before the API says so: each by its row in services, none by its name."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from function.model import checks
from function.model.environment import qualified_kind
from function.model.errors import Location, Problem, nearest
from function.model.parts import ControlPlane, Group, Policies, Resource, Space, Stage
from function.model.selectors import Selector, parsed
from function.model.services import ROLE_BINDING, SELECTOR, TABLE, Service, found, selected, service_of, staged
from function.reading import dig

_NOTHING: tuple[Any, ...] = (None, "", {})


def problems(
    resources: Iterable[Resource],
    spaces: Mapping[str, Space],
    control_planes: Iterable[ControlPlane],
    groups: Iterable[Group],
    stages: Iterable[Stage],
) -> Iterator[Problem]:
    """All that is wrong. What is only looked at need not be complete, and what goes elsewhere than to a group is not ours to know."""
    bound = {(g.space, g.name) for g in groups if g.access}
    yield from checks.unique(_bound(resources), "binds roles of what another resource binds roles of; write all subjects in one")
    for i, r in enumerate(resources):
        at = ("spec", "resources", i, "manifest")
        if not checks.is_object(r.manifest):
            continue
        if qualified_kind(r.manifest) == ROLE_BINDING and (r.space, r.group) in bound:
            yield Problem(at, "binds roles in a group that has access; write them there, and leave this out")
        if r.policies is Policies.OBSERVE or r.scope != "Group":
            continue
        service, known = service_of(r.manifest), staged(r, stages)
        yield from _version((*at, "apiVersion"), r.manifest)
        yield from _said((*at, "spec"), r, service, spaces)
        yield from _stage((*at, "spec", SELECTOR), dig(r.manifest, "spec", SELECTOR), known)
        if (SELECTOR,) in service.fixed and dig(r.manifest, "spec", SELECTOR, "stage") is not None:
            text = f"may come to mean other control planes, and a {r.manifest['kind']} cannot change; write names"
            yield Problem((*at, "spec", SELECTOR, "stage"), text)
        yield from _chosen((*at, "spec"), r.manifest.get("spec"), service)
    yield from _alone(list(resources), list(control_planes), list(stages))


def _bound(resources: Iterable[Resource]) -> Iterator[tuple[Location, tuple[str, ...]]]:
    """Each object that has an ObjectRoleBinding: the API takes one for each."""
    for i, r in enumerate(resources):
        if checks.is_object(r.manifest) and qualified_kind(r.manifest) == ROLE_BINDING:
            target = (str(dig(r.manifest, "spec", "object", part)) for part in ("resource", "name"))
            yield ("spec", "resources", i, "manifest"), (r.space, r.group, *target)


def _version(at: Location, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    known = [v for v, kind in TABLE if kind == manifest["kind"] and v.partition("/")[0] == manifest["apiVersion"].partition("/")[0]]
    if known and manifest["apiVersion"] not in known:
        yield Problem(at, f"is no version of {manifest['kind']}; write {' or '.join(sorted(known))}")


def _alone(resources: Sequence[Resource], control_planes: Sequence[ControlPlane], stages: Sequence[Stage]) -> Iterator[Problem]:
    """Control planes that have two where there can be one. What is only looked at counts by what it says, and is not to blame."""
    taken: dict[str, str] = {}
    services = [(i, r) for i, r in enumerate(resources) if checks.is_object(r.manifest) and service_of(r.manifest).alone]
    for i, r in sorted(services, key=lambda found: found[1].policies is not Policies.OBSERVE):
        unsaid = r.policies is Policies.OBSERVE and dig(r.manifest, "spec", SELECTOR) is None
        for c in selected(r, control_planes, stages) if not unsaid else ():
            other = taken.setdefault(c.entry, r.entry)
            if other != r.entry and r.policies is not Policies.OBSERVE:
                text = f"selects control plane {c.entry}, as {other} does; a control plane has one {r.manifest['kind']}"
                yield Problem(("spec", "resources", i, "manifest", "spec", SELECTOR), text)


def _said(at: Location, r: Resource, service: Service, spaces: Mapping[str, Space]) -> Iterator[Problem]:
    spec = r.manifest.get("spec")
    for path, write in service.required.items():
        if (value := dig(spec, *path)) in _NOTHING:
            yield Problem((*at, *path), f"{'is required' if value is None else 'is empty'}; {write}")
    for path, (pattern, write) in service.shape.items():
        for inside, value in found(spec, path):
            said = path not in service.required or value not in _NOTHING
            if said and not (isinstance(value, str) and re.fullmatch(pattern, value)):
                yield Problem((*at, *inside), f"is not valid; {write}")
    for name in service.selectors:
        selector = dig(spec, name)
        left_out = selector is None and name == SELECTOR
        by_stage = name == SELECTOR and dig(selector, "stage") is not None
        if not left_out and not by_stage and parsed(selector) in (None, Selector()):
            yield Problem((*at, name), "selects nothing; write names, matchLabels or labelSelectors")
    for path, value in service.cloud.items():
        if r.space in spaces and spaces[r.space].type == "Cloud" and dig(spec, *path) not in (None, value):
            yield Problem((*at, *path), f"is not for a Cloud Space; write {value}")


def _stage(at: Location, selector: object, stages: Mapping[str, list[str]]) -> Iterator[Problem]:
    """What is wrong with a selector that names a stage."""
    stage = dig(selector, "stage")
    if stage is None:
        return
    if not isinstance(stage, str) or stage not in stages:
        yield Problem((*at, "stage"), f"names what is no stage of the rollout{nearest(str(stage), stages)}")
    elif not stages[stage]:
        yield Problem((*at, "stage"), "has no control plane in this group; write another stage, or leave the resource out")
    if isinstance(selector, Mapping) and len(selector) > 1:
        yield Problem(at, "says more than a stage; write the stage alone, or names and labels")


def _chosen(at: Location, spec: object, service: Service) -> Iterator[Problem]:
    for path, values in service.where.items():
        value = dig(spec, *path)
        if not isinstance(value, str) or value not in values:
            wrong = "is required" if value is None else "is not one of the values"
            yield Problem((*at, *path), f"{wrong}; write {' or '.join(values)}")
        else:
            missing = ((needed, write) for needed, write in values[value].items() if not dig(spec, *needed))
            yield from (Problem((*at, *needed), f"is required where {path[-1]} is {value}; {write}") for needed, write in missing)
    for path, fields in service.one_of.items():
        one = dig(spec, *path)
        if not isinstance(one, Mapping) or len(one) != 1:
            yield Problem((*at, *path), "has none or several fields; write exactly one")
        for name in one if isinstance(one, Mapping) else ():
            if name not in fields:
                yield Problem((*at, *path, name), f"is not a field of {path[-1]}{nearest(name, fields)}")
