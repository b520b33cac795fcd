"""What the services of a Space need, one row a kind: what makes one ready, what is fixed, what is required, what comes first.

docs/space-services.md tells it to users. Sources: the published CRDs of Spaces 1.17, and Upbound's guides where a row says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from function.model import checks
from function.model.environment import dig, qualified_kind
from function.model.errors import Location, Problem, nearest
from function.model.parts import ControlPlane, Group, Policies, Resource, Space, Stage
from function.model.selectors import Selector, parsed, selects

Path = tuple[str, ...]
SELECTOR = "controlPlaneSelector"
ROLE_BINDING = "ObjectRoleBinding.authorization.spaces.upbound.io"

_CURRENT = (
    "has(object.status) && (!has(object.status.observedGeneration) || object.status.observedGeneration >= object.metadata.generation)"
)
_NONE_FAILED = "(!has(object.status.failed) || size(object.status.failed) == 0)"
_NAMED = "object.spec.controlPlaneSelector.names"
_PROVISIONED = (
    f"{_CURRENT} && {_NONE_FAILED} && has(object.status.provisioned) && size(object.status.provisioned) > 0"
    f" && (!has({_NAMED}) || has(object.spec.controlPlaneSelector.labelSelectors) || {_NAMED}.all(n, {{}}))"
)
_EACH = _PROVISIONED.format("object.status.provisioned.exists(p, p.controlPlane == n)")
_EACH_NAME = _PROVISIONED.format("n in object.status.provisioned")
CONDITION = 'object.status.conditions.exists(c, c.type == "{}" && c.status == "{}")'
_EACH_SELECTED = "(!has(object.status.selectedControlPlanes) || object.status.selectedControlPlanes.all(n, n in object.status.provisioned))"
_SCHEDULED = (
    f"{_CURRENT} && (!has(object.status.conditions) || !{CONDITION.format('Synced', 'False')} && !{CONDITION.format('Ready', 'False')})"
)
_COMPLETED = 'has(object.status) && has(object.status.phase) && object.status.phase == "Completed"'
_VALIDATED = f"has(object.status.conditions) && {CONDITION.format('Validated', 'True')} && !{CONDITION.format('Failed', 'True')}"


@dataclass(frozen=True, slots=True)
class Service:
    """What one kind needs. Paths are below `spec`.

    Attributes:
        ready: a CEL expression over `object`, a bool by its type; empty where being there is all.
        fixed: what the API refuses to change.
        required: what must be said.
        where: for a path, the values that it may have, and for one of them what is required with it.
        one_of: objects of which exactly one field is said.
        selectors: which control planes and namespaces it is for.
        after: the kind that a path names an object of, which comes first.
        called: a path with its other name, where others know it by that.
        alone: whether a control plane has only one.
        kept: whether it holds data, so that its removal is asked about.
        cloud: for a path, the one value that Cloud Spaces take.
    """

    ready: str = ""
    fixed: tuple[Path, ...] = ()
    required: tuple[Path, ...] = ()
    where: Mapping[Path, Mapping[str, Path]] = field(default_factory=dict)
    one_of: tuple[Path, ...] = ()
    selectors: tuple[str, ...] = (SELECTOR,)
    after: Mapping[Path, str] = field(default_factory=dict)
    called: Path = ()
    alone: bool = False
    kept: bool = False
    cloud: Mapping[Path, str] = field(default_factory=dict)


_CONFIG = ("configRef", "name")
_OF_A_CONFIG: dict[str, Any] = {
    "where": {("configRef", "kind"): {"SharedBackupConfig": _CONFIG}},
    "after": {_CONFIG: "SharedBackupConfig"},
}
_BACKUPS = {
    "SharedBackupConfig": Service(
        required=(("objectStorage", "bucket"),),
        where={
            ("objectStorage", "provider"): {"AWS": (), "Azure": (), "GCP": ()},
            ("objectStorage", "credentials", "source"): {
                "Secret": ("objectStorage", "credentials", "secretRef", "name"),
                "InjectedIdentity": (),
            },
        },
        selectors=(),
        cloud={("objectStorage", "credentials", "source"): "Secret"},  # cloud/howtos/backup-and-restore.md
    ),
    "SharedBackupSchedule": Service(ready=_SCHEDULED, required=(("schedule",),), **_OF_A_CONFIG),
    "BackupSchedule": Service(
        ready=_SCHEDULED, required=(("schedule",), ("controlPlane",)), fixed=(("controlPlane",),), selectors=(), **_OF_A_CONFIG
    ),
    "SharedBackup": Service(ready=_COMPLETED, fixed=((SELECTOR,), ("excludedResources",)), kept=True, **_OF_A_CONFIG),
    "Backup": Service(
        ready=_COMPLETED,
        required=(("controlPlane",),),
        fixed=(("controlPlane",), ("configRef",), ("excludedResources",)),
        selectors=(),
        kept=True,
        **_OF_A_CONFIG,
    ),
}
TABLE: Mapping[tuple[str, str], Service] = {
    ("spaces.upbound.io/v1alpha1", "SharedSecretStore"): Service(
        ready=_EACH,
        fixed=(("secretStoreName",),),
        one_of=(("provider",),),
        selectors=(SELECTOR, "namespaceSelector"),
        called=("secretStoreName",),
    ),
    ("spaces.upbound.io/v1alpha1", "SharedExternalSecret"): Service(
        ready=_EACH,
        fixed=(("externalSecretName",),),
        required=(("externalSecretSpec",),),
        selectors=(SELECTOR, "namespaceSelector"),
        after={("externalSecretSpec", "secretStoreRef", "name"): "SharedSecretStore"},
    ),
    ("observability.spaces.upbound.io/v1alpha1", "SharedTelemetryConfig"): Service(
        ready=f"{_EACH_NAME} && {_EACH_SELECTED} && {_VALIDATED}", required=(("exporters",), ("exportPipeline",)), alone=True
    ),
    **{(f"spaces.upbound.io/{v}", kind): service for v in ("v1alpha1", "v1beta1") for kind, service in _BACKUPS.items()},
}
"""Every kind of service, by version and kind."""


def service_of(manifest: Mapping[str, Any]) -> Service:
    """The row for `manifest`; of any other object nothing is known."""
    return TABLE.get((manifest["apiVersion"], manifest["kind"]), _OTHER)


_OTHER = Service(selectors=())


def completed(manifest: Mapping[str, Any], label: Mapping[str, str], stages: Mapping[str, list[str]]) -> Mapping[str, Any]:
    """`manifest` with its selectors as the API takes them.

    matchLabels are written out, a stage is the names of its control planes in `stages`, and none is `label`, the environment's.
    """
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return manifest
    said = {**({SELECTOR: {"matchLabels": dict(label)}} if SELECTOR in service_of(manifest).selectors else {}), **spec}
    return {**manifest, "spec": {**said, **{n: _in_full(said[n], stages) for n in service_of(manifest).selectors if n in said}}}


def staged(r: Resource, stages: Iterable[Stage]) -> dict[str, list[str]]:
    """The control planes of each stage that are in the group of `r`, by their names there."""
    return {s.name: [c.name for c in s.control_planes if (c.space, c.group) == (r.space, r.group)] for s in stages}


_NOTHING: Mapping[str, list[str]] = {"names": []}


def _in_full(selector: Any, stages: Mapping[str, list[str]]) -> Any:  # noqa: ANN401  # What an author wrote.
    if isinstance(selector, Mapping) and "stage" in selector:
        return {"names": stages.get(str(selector["stage"]), [])}
    if not isinstance(selector, Mapping) or "matchLabels" not in selector:
        return selector
    rest, others = {k: v for k, v in selector.items() if k != "matchLabels"}, selector.get("labelSelectors", [])
    if not isinstance(others, list):
        return selector
    return {**rest, "labelSelectors": [*others, {"matchLabels": selector["matchLabels"]}]}


def before(r: Resource, resources: Iterable[Resource]) -> Iterator[Resource]:
    """Those of `resources` that `r` names, which come before it."""
    for path, kind in service_of(r.manifest).after.items():
        name = dig(r.manifest, "spec", *path)
        yield from (o for o in _in_group(r, resources) if name and o.manifest["kind"] == kind and name in _names(o))


def restored_from(c: ControlPlane, resources: Iterable[Resource]) -> Iterator[Resource]:
    """Those of `resources` that control plane `c` is restored from."""
    source = dig(c.spec, "restore", "source")
    for r in resources if source else ():
        named = f"{source['kind']}.{source['apiGroup']}", source["name"]
        there = (r.scope, r.space, r.group) == ("Group", c.space, c.group)
        if there and (qualified_kind(r.manifest), r.manifest["metadata"]["name"]) == named:
            yield r


def selected(r: Resource, control_planes: Iterable[ControlPlane], stages: Iterable[Stage]) -> Iterator[ControlPlane]:
    """The control planes of this environment that `r` is for: those that it selects, or the one that it names."""
    spec = r.manifest.get("spec")
    one, selector = dig(spec, "controlPlane"), _in_full(dig(spec, SELECTOR), staged(r, stages))
    for c in control_planes if r.scope == "Group" and selector != _NOTHING else ():
        # Without a selector it is for those that have the environment's label, which is never put on what is looked at.
        meant = c.name == one if one else selects(selector, c) and not (selector is None and c.policies is Policies.OBSERVE)
        if (c.space, c.group) == (r.space, r.group) and meant:
            yield c


def backed_up(r: Resource, control_planes: Iterable[ControlPlane], stages: Iterable[Stage]) -> Iterator[ControlPlane]:
    """The control planes that must be there before `r` is made: a backup is made once, of what is there then."""
    return selected(r, control_planes, stages) if service_of(r.manifest).kept else iter(())


# What is wrong with services, before the API says so.


def problems(
    resources: Iterable[Resource],
    spaces: Mapping[str, Space],
    control_planes: Iterable[ControlPlane],
    groups: Iterable[Group],
    stages: Iterable[Stage],
) -> Iterator[Problem]:
    """All that is wrong. What is only looked at need not be complete, and what goes elsewhere than to a group is not ours to know."""
    bound = {(g.space, g.name) for g in groups if g.access}
    for i, r in enumerate(resources):
        at = ("spec", "resources", i, "manifest")
        if not checks.is_object(r.manifest):
            continue
        if qualified_kind(r.manifest) == ROLE_BINDING and (r.space, r.group) in bound:
            yield Problem(at, "binds roles in a group that has access; write them there, and leave this out")
        if r.policies is Policies.OBSERVE or r.scope != "Group":
            continue
        service, known = service_of(r.manifest), staged(r, stages)
        yield from _said((*at, "spec"), r, service, spaces)
        yield from _stage((*at, "spec", SELECTOR), dig(r.manifest, "spec", SELECTOR), known)
        if (SELECTOR,) in service.fixed and dig(r.manifest, "spec", SELECTOR, "stage") is not None:
            text = f"may come to mean other control planes, and a {r.manifest['kind']} cannot change; write names"
            yield Problem((*at, "spec", SELECTOR, "stage"), text)
        yield from _chosen((*at, "spec"), r.manifest.get("spec"), service)
    yield from _alone(list(resources), list(control_planes), list(stages))


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
    for path in service.required:
        if dig(spec, *path) in (None, "", {}):
            yield Problem((*at, *path), "is required")
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
        elif values[value] and not dig(spec, *values[value]):
            yield Problem((*at, *values[value]), f"is required where {path[-1]} is {value}")
    for path in service.one_of:
        one = dig(spec, *path)
        if not isinstance(one, Mapping) or len(one) != 1:
            yield Problem((*at, *path), "has none or several fields; write exactly one")


def _in_group(r: Resource, resources: Iterable[Resource]) -> Iterator[Resource]:
    return (o for o in resources if r.scope == "Group" and (o.scope, o.space, o.group) == (r.scope, r.space, r.group))


def _names(r: Resource) -> tuple[Any, ...]:
    """What others call `r`."""
    called = service_of(r.manifest).called
    return (r.manifest["metadata"]["name"], *([dig(r.manifest, "spec", *called)] if called else ()))
