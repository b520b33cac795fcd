"""What stands in for provider-upbound: it gives UUIDs to teams and robots, and tokens to robots, as Upbound would.

Nothing of Upbound's API is here: a resource exists as soon as its policies let it be created, and is gone when its
finalizer is taken away. What it does keep to is what a composition sees: external names, conditions, connection
Secrets, and that `managementPolicies` are obeyed.
"""

import base64
import contextlib
import time
import uuid
from http import HTTPStatus
from typing import Any

from live.client import Api, ApiError
from live.standins.config import ROBOT_TOKEN
from live.times import now

_EXTERNAL_NAME = "crossplane.io/external-name"
_MADE = "crossplane.io/external-create-succeeded"
_FINALIZER = "finalizer.managedresource.crossplane.io"
_GROUPS = {"iam": ("teams", "robots", "robotteammemberships", "tokens"), "repository": ("repositories", "permissions")}
_KINDS = [f"{plural}.v1alpha1.{group}{m}.upbound.io" for m in ("", ".m") for group, plurals in _GROUPS.items() for plural in plurals]
_INTERVAL_SECONDS = 1.0


def provide(hub: Api) -> None:
    """Look after all resources of provider-upbound, for ever."""
    while True:
        for kind in _KINDS:
            with contextlib.suppress(ApiError, OSError, ValueError):
                for found in hub.list(kind):
                    _look_after(hub, kind, found)
        time.sleep(_INTERVAL_SECONDS)


def _look_after(hub: Api, kind: str, found: dict[str, Any]) -> None:
    """One reconcile of one resource."""
    metadata, policies = found["metadata"], set(found["spec"].get("managementPolicies", ["*"]))
    name, namespace = metadata["name"], metadata.get("namespace", "")
    if metadata.get("deletionTimestamp"):
        hub.patch(
            kind, name, {"metadata": {"finalizers": [f for f in metadata.get("finalizers", []) if f != _FINALIZER] or None}}, namespace
        )
        return
    external = metadata.get("annotations", {}).get(_EXTERNAL_NAME)
    if _FINALIZER not in metadata.get("finalizers", []) or not external:
        makes = bool(policies & {"*", "Create"})
        if not external and not makes:
            return
        annotations = {_EXTERNAL_NAME: external or str(uuid.uuid4()), **({_MADE: now()} if makes else {})}
        change = {"finalizers": sorted({*metadata.get("finalizers", []), _FINALIZER}), "annotations": annotations}
        found = hub.patch(kind, name, {"metadata": change}, namespace)
        external = annotations[_EXTERNAL_NAME]
    if kind.startswith("tokens."):
        _publish(hub, found, str(external))
    generation = found["metadata"]["generation"]
    conditions = found.get("status", {}).get("conditions", [])
    if not any(c["type"] == "Synced" and c.get("observedGeneration") == generation for c in conditions):
        told = {"status": "True", "lastTransitionTime": now(), "observedGeneration": generation}
        all_ = [{"type": "Ready", "reason": "Available", **told}, {"type": "Synced", "reason": "ReconcileSuccess", **told}]
        at = {"id": external} if kind.startswith(("teams.", "robots.")) else {}
        if kind.startswith("repositories."):
            said = found["spec"]["forProvider"]
            policy = "publish" if said["publish"] else "draft"
            at = {
                "repositoryId": 1,
                "accountId": 1,
                "name": said["name"],
                "official": False,
                "public": said["public"],
                "publishPolicy": policy,
            }
        hub.patch(kind, name, {"status": {"conditions": all_, "atProvider": at}}, namespace, sub="status")


def _publish(hub: Api, token: dict[str, Any], external: str) -> None:
    """A Token's connection Secret, once."""
    to = token["spec"].get("writeConnectionSecretToRef")
    if not to:
        return
    namespace = to.get("namespace") or token["metadata"]["namespace"]
    data = {"token": f"{ROBOT_TOKEN}-{external}", "id": external}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "connection.crossplane.io/v1alpha1",
        "metadata": {"name": to["name"]},
        "data": {k: base64.b64encode(v.encode()).decode() for k, v in data.items()},
    }
    try:
        hub.create("secrets.v1.", secret, namespace)
    except ApiError as e:
        if e.code != HTTPStatus.CONFLICT:
            raise
