"""What entries have in common, laid under each of them."""

from collections.abc import Mapping
from typing import Any

from function.model import spec as s


def merged(under: s.ControlPlaneSettings, over: s.ControlPlane) -> s.ControlPlaneSettings:
    """`over` laid over `under`: objects are merged, everything else is replaced."""
    if not under.model_fields_set:
        return over
    fields = set(s.ControlPlaneSettings.model_fields)
    merged = _laid(under.model_dump(exclude_unset=True), over.model_dump(exclude_unset=True, include=fields))
    return s.ControlPlaneSettings.model_validate(merged, by_name=True, by_alias=False)


def _laid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: _laid(under[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(under.get(k), dict)}
    return {**under, **over, **both}
