"""What was dropped from Git and stays in a Space: a merge patch never takes a field away.

Spaces refuse server-side apply, so provider-kubernetes sends merge patches (internal/controller/*/object/syncer.go).
What a patch leaves behind is remembered in the status, with the command that removes it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from function.desired import remote
from function.observed import REMOTE, WANTED, Observed
from function.plan import Plan
from function.reading import dig, listed

_MOST = 100
_PARTS = ("metadata", "spec", "data")


def left_behind(plan: Plan, observed: Observed) -> list[dict[str, str]]:
    """Entries {resource, field, command}: what is still there of what earlier versions of the environment said."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for e in plan.emitted:
        if (
            e.key in plan.wanted
            and not e.stated
            and e.manifest.get("kind") == "Object"
            and {"*", "Update"} & set(dig(e.manifest, "spec", "managementPolicies") or ())
        ):
            want, had = dig(e.manifest, *WANTED), observed.mapping(e.key, *WANTED)
            for path in _dropped(had, want) if want else ():
                _note(found, e.key, path, want, observed)
    for entry in listed(observed.status, "leftBehind"):
        key, field = dig(entry, "resource"), dig(entry, "field")
        if isinstance(key, str) and isinstance(field, str) and key in plan.wanted and plan.wanted[key].manifest["kind"] == "Object":
            want, path = remote(plan.wanted[key].manifest), _parsed(field)
            if dig(want, *path) is None:
                _note(found, key, path, want, observed)
    return [found[k] for k in sorted(found)][:_MOST]


def _note(
    found: dict[tuple[str, str], dict[str, str]], key: str, path: tuple[str, ...], want: Mapping[str, Any], observed: Observed
) -> None:
    """Remember `path`, unless the remote object is seen without it."""
    seen = observed.field(key, *REMOTE)
    if seen is not None and dig(seen, *path) is None:
        return
    field = "".join("/" + p.replace("~", "~0").replace("/", "~1") for p in path)
    found[key, field] = {"resource": key, "field": field, "command": _command(want, field)}


def _command(manifest: Mapping[str, Any], field: str) -> str:
    group, _, version = manifest["apiVersion"].rpartition("/")
    kind = ".".join(filter(None, (manifest["kind"], version if group else "", group)))
    namespace = manifest["metadata"].get("namespace")
    patch = json.dumps([{"op": "remove", "path": field}])
    return f"kubectl {f'-n {namespace} ' if namespace else ''}patch {kind} {manifest['metadata']['name']} --type=json -p '{patch}'"


def _dropped(had: Mapping[str, Any], want: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The highest paths that `had` has and `want` has not. Lists are replaced as a whole, so nothing stays of them."""
    for name in sorted(had):
        if not at and name not in _PARTS:
            continue
        if name not in want:
            yield (*at, name)
        elif isinstance(had[name], Mapping) and isinstance(want[name], Mapping):
            yield from _dropped(had[name], want[name], (*at, name))


def _parsed(field: str) -> tuple[str, ...]:
    return tuple(p.replace("~1", "/").replace("~0", "~") for p in field.split("/")[1:])
