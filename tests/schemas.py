"""The published schemas of the kinds that we emit, stripped to structure by tools/schemas.py."""

import functools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

HERE = Path(__file__).parent / "schemas"
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_META: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 63}}}
_CORE: dict[str, dict[str, Any]] = {
    "Secret": {
        "type": "object",
        "additionalProperties": False,
        "properties": {k: {} for k in ("apiVersion", "kind", "metadata", "type", "data")},
    },
    "Namespace": {"type": "object", "additionalProperties": False, "properties": {k: {} for k in ("apiVersion", "kind", "metadata")}},
    "ConfigMap": {
        "type": "object",
        "additionalProperties": False,
        "properties": {k: {} for k in ("apiVersion", "kind", "metadata", "data")},
    },
}


def _list_map(_: object, keys: list[str], entries: object, __: object) -> Iterator[jsonschema.ValidationError]:
    """An error for each entry that has the keys of another, which an API server refuses."""
    found = Counter(tuple(str(e.get(k)) for k in keys) for e in entries if isinstance(e, dict)) if isinstance(entries, list) else {}
    yield from (jsonschema.ValidationError(f"several entries have the {keys} of {k}") for k, n in found.items() if n > 1)


_LIST_MAP = "x-kubernetes-list-map-keys"
_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {_LIST_MAP: _list_map})  # type: ignore[no-untyped-call]  # Its stubs say so.


def check(manifest: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError if `manifest`, or what it wraps, has what its kind does not take."""
    jsonschema.validate(manifest, _schema(manifest["apiVersion"], manifest["kind"]), cls=_Validator)
    if manifest["kind"] == "Object":
        check(manifest["spec"]["forProvider"]["manifest"])


@functools.cache
def _schema(api_version: str, kind: str) -> dict[str, Any]:
    if api_version == "v1":
        return _CORE[kind]
    group, _, version = api_version.partition("/")
    for file in HERE.rglob("*.yaml"):
        text = file.read_text()
        if not text.startswith(f"# {kind},"):
            continue
        spec = yaml.safe_load(text)["spec"]
        for v in spec["versions"]:
            if (spec["group"], spec["names"]["kind"], v["name"]) == (group, kind, version):
                schema = _strict(v["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = _META
                return schema
    raise KeyError(f"no schema of {kind} in {api_version}")


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A structural schema that refuses unknown fields, as server-side apply does."""
    out = {k: v for k, v in schema.items() if k == _LIST_MAP or (not k.startswith("x-") and k not in ("default", "format"))}
    if "properties" in schema:
        out["properties"] = {k: _strict(v) for k, v in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            out["additionalProperties"] = False
    if isinstance(schema.get("items"), dict):
        out["items"] = _strict(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        out["additionalProperties"] = _strict(schema["additionalProperties"])
    return out
