"""What a Space gets of a control plane: fields with a server default are always written."""

from collections.abc import Callable, Mapping
from typing import Any

from function.model import spec as s
from function.model.errors import Location

Wrong = Callable[[Location, str], None]
"""Takes down what is wrong, and where."""


def spec(at: Location, e: s.ControlPlane, settings: s.ControlPlaneSettings, group: str, wrong: Wrong) -> Mapping[str, Any]:
    """The remote spec. Fields with a server default are always written: a merge patch cannot take them away later."""
    out: dict[str, Any] = {"crossplane": _crossplane((*at, "crossplane", "version"), e, settings, wrong)}
    if settings.class_:
        out["class"] = settings.class_
    if settings.restore:
        source = settings.restore.source
        out["restore"] = {"source": {"apiGroup": "spaces.upbound.io", "kind": source.kind, "name": source.name}}
    if ref := settings.write_connection_secret_to_ref:
        out["writeConnectionSecretToRef"] = {"name": ref.name, "namespace": ref.namespace or group}
    if host := settings.host_namespace:
        out["hostNamespace"] = {"name": host.name, "deletionPolicy": host.deletion_policy or "Delete"}
    return out


def _crossplane(at: Location, e: s.ControlPlane, settings: s.ControlPlaneSettings, wrong: Wrong) -> dict[str, Any]:
    """Version, channel and state. Of version and channel, what the entry itself says decides: one pins, the other upgrades."""
    own, merged = e.crossplane or s.Crossplane(), settings.crossplane or s.Crossplane()
    version, channel = merged.version, merged.auto_upgrade.channel if merged.auto_upgrade else None
    if own.version and not own.auto_upgrade:
        channel = "None"
    elif own.auto_upgrade and not own.version and channel != "None":
        version = None
    channel = channel or ("None" if version else "Stable")
    if version and channel != "None":
        wrong(at, "pins Crossplane, which a channel would upgrade; leave autoUpgrade out, or set its channel to None")
    if channel == "None" and not version:
        wrong(at, "is required where autoUpgrade.channel is None; write a full version, such as 2.0.2-up.5")
    pinned = {"version": version} if version else {}
    return {**pinned, "autoUpgrade": {"channel": channel}, "state": merged.state or "Running"}
