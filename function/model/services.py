"""What the services of a Space need, one row a kind: what makes one ready, what is fixed, what is required, what comes first.

docs/space-services.md tells it to users. Sources: the published CRDs of Spaces 1.17, and Upbound's guides where a row says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from function.model.environment import qualified_kind
from function.model.errors import Location
from function.model.parts import ControlPlane, Policies, Resource, Stage
from function.model.selectors import selects
from function.reading import dig

Path = tuple[str, ...]
Required = Mapping[Path, str]
Shape = Mapping[Path, tuple[str, str]]
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
    """What one kind needs. Paths are below `spec`; those of `shape` and `after` go through lists.

    Attributes:
        ready: a CEL expression over `object`, a bool by its type; empty where being there is all.
        fixed: what the API refuses to change.
        required: what must be said, and what to write.
        where: for a path, the values that it may have, and with each of them what is required too.
        shape: for a path, the pattern of what it says, if it says anything, and what to write.
        one_of: objects of which exactly one field is said, and their fields.
        selectors: which control planes and namespaces it is for.
        after: the kind that a path names an object of, which comes first.
        called: a path with its other name, where others know it by that.
        alone: whether a control plane has only one.
        kept: whether it holds data, so that its removal is asked about.
        cloud: for a path, the one value that Cloud Spaces take.
    """

    ready: str = ""
    fixed: tuple[Path, ...] = ()
    required: Required = field(default_factory=dict)
    where: Mapping[Path, Mapping[str, Required]] = field(default_factory=dict)
    shape: Shape = field(default_factory=dict)
    one_of: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    selectors: tuple[str, ...] = (SELECTOR,)
    after: Mapping[Path, str] = field(default_factory=dict)
    called: Path = ()
    alone: bool = False
    kept: bool = False
    cloud: Mapping[Path, str] = field(default_factory=dict)


_CONFIG = ("configRef", "name")
_OF_A_CONFIG: dict[str, Any] = {
    "where": {("configRef", "kind"): {"SharedBackupConfig": {_CONFIG: "write the name of a SharedBackupConfig of the group"}}},
    "after": {_CONFIG: "SharedBackupConfig"},
}
_API_GROUP: Mapping[Path, tuple[str, str]] = {
    ("configRef", "apiGroup"): (r"spaces\.upbound\.io", "write spaces.upbound.io, or leave it out")
}
_SCHEDULE = 'write when, as cron has it and in quotes, such as "@daily"'
_SCHEDULED_BY: dict[str, Any] = {"ready": _SCHEDULED, "shape": {("schedule",): (r"\S.*", _SCHEDULE), **_API_GROUP}, **_OF_A_CONFIG}
_ONE: Required = {("controlPlane",): "write the name of a control plane of the group"}
_CREDENTIALS = ("objectStorage", "credentials")
_BACKUPS = {
    "SharedBackupConfig": Service(
        required={("objectStorage", "bucket"): "write the name of the bucket"},
        where={
            ("objectStorage", "provider"): {"AWS": {}, "Azure": {}, "GCP": {}},
            (*_CREDENTIALS, "source"): {
                "Secret": {(*_CREDENTIALS, "secretRef", "name"): "write the name of a Secret of the group"},
                "InjectedIdentity": {},
            },
        },
        selectors=(),
        cloud={(*_CREDENTIALS, "source"): "Secret"},  # cloud/howtos/backup-and-restore.md
    ),
    "SharedBackupSchedule": Service(required={("schedule",): _SCHEDULE}, **_SCHEDULED_BY),
    "BackupSchedule": Service(required={("schedule",): _SCHEDULE, **_ONE}, fixed=(("controlPlane",),), selectors=(), **_SCHEDULED_BY),
    "SharedBackup": Service(ready=_COMPLETED, fixed=((SELECTOR,), ("excludedResources",)), shape=_API_GROUP, kept=True, **_OF_A_CONFIG),
    "Backup": Service(
        ready=_COMPLETED,
        required=_ONE,
        fixed=(("controlPlane",), ("configRef",), ("excludedResources",)),
        shape=_API_GROUP,
        selectors=(),
        kept=True,
        **_OF_A_CONFIG,
    ),
}
_PROVIDERS = (
    "akeyless aws azurekv barbican beyondtrust bitwardensecretsmanager chef cloudrusm conjur delinea doppler dvls fake fortanix gcpsm "
    "github gitlab ibm infisical keepersecurity kubernetes nebiusmysterybox ngrok onboardbase onepassword onepasswordSDK oracle passbolt "
    "passworddepot previder pulumi scaleway secretserver senhasegura upboundspaces vault volcengine webhook yandexcertificatemanager "
    "yandexlockbox"
)
TABLE: Mapping[tuple[str, str], Service] = {
    ("spaces.upbound.io/v1alpha1", "SharedSecretStore"): Service(
        ready=_EACH,
        fixed=(("secretStoreName",),),
        one_of={("provider",): tuple(_PROVIDERS.split())},
        selectors=(SELECTOR, "namespaceSelector"),
        called=("secretStoreName",),
    ),
    ("spaces.upbound.io/v1alpha1", "SharedExternalSecret"): Service(
        ready=_EACH,
        fixed=(("externalSecretName",),),
        required={("externalSecretSpec",): "write the spec of an ExternalSecret: secretStoreRef, target, and data or dataFrom"},
        selectors=(SELECTOR, "namespaceSelector"),
        after={
            ("externalSecretSpec", *path, "name"): "SharedSecretStore"
            for path in (("secretStoreRef",), ("data", "sourceRef", "storeRef"), ("dataFrom", "sourceRef", "storeRef"))
        },
    ),
    ("observability.spaces.upbound.io/v1alpha1", "SharedTelemetryConfig"): Service(
        ready=f"{_EACH_NAME} && {_EACH_SELECTED} && {_VALIDATED}",
        required={
            ("exporters",): "write what is sent to, such as otlphttp with its endpoint",
            ("exportPipeline",): "write what is sent there, such as metrics: [otlphttp]",
        },
        shape={("configPatchSecretRefs", "path"): (r"exporters\..+", "write the path of a field of exporters, beginning with exporters.")},
        alone=True,
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

    The short form is written out, a stage is the names of its control planes in `stages`, and none is `label`, the environment's.
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
    short = {k: selector[k] for k in ("matchLabels", "matchExpressions") if k in selector} if isinstance(selector, Mapping) else {}
    others = selector.get("labelSelectors", []) if short else None
    if not isinstance(others, list):
        return selector
    return {**{k: v for k, v in selector.items() if k not in short}, "labelSelectors": [*others, short]}


def before(r: Resource, resources: Iterable[Resource]) -> Iterator[Resource]:
    """Those of `resources` that `r` names, which come before it."""
    after = service_of(r.manifest).after.items()
    named = [(kind, name) for path, kind in after for _, name in found(r.manifest.get("spec"), path) if name]
    yield from (o for o in _in_group(r, resources) if any((o.manifest["kind"], name) in named for name in _names(o)))


def found(value: Any, path: Path, at: Location = ()) -> Iterator[tuple[Location, Any]]:  # noqa: ANN401  # Any JSON value.
    """Each value that `value` has at `path`, through lists, with where it is."""
    if not path:
        yield at, value
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from found(inner, path, (*at, i))
    elif isinstance(value, Mapping) and path[0] in value:
        yield from found(value[path[0]], path[1:], (*at, path[0]))


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


def _in_group(r: Resource, resources: Iterable[Resource]) -> Iterator[Resource]:
    return (o for o in resources if r.scope == "Group" and (o.scope, o.space, o.group) == (r.scope, r.space, r.group))


def _names(r: Resource) -> tuple[Any, ...]:
    """What others call `r`."""
    called = service_of(r.manifest).called
    return (r.manifest["metadata"]["name"], *([dig(r.manifest, "spec", *called)] if called else ()))
