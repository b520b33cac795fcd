"""How a manifest reaches the place where a tool is: the one place that decides it, for every family."""

import json
from collections.abc import Mapping

from function import kube
from function.desired import Manifest
from function.model.consumed import Target
from function.model.environment import Environment
from function.model.gitops import ExternalSecret
from function.model.services import CONDITION

_READY = f"has(object.status) && has(object.status.conditions) && {CONDITION.format('Ready', 'True')}"


def delivered(env: Environment, key: str, target: Target, manifest: Manifest) -> Manifest:
    """`manifest` for `target`: as it is, where that is this cluster, else in an Object.

    Raises:
        ValueError: it is a Secret, which would put its bytes into an Object.
    """
    cel = _READY if manifest["kind"] == "ExternalSecret" else ""
    return manifest if target.here else kube.wrapped(env, key, manifest, _via(target), cel)


def delivered_without_secret(env: Environment, key: str, target: Target, manifest: Manifest) -> Manifest:
    """A Secret for `target` that holds no secret: only the name of a program that has it."""
    return manifest if target.here else kube.wrapped_without_secret(env, key, manifest, _via(target))


def _via(target: Target) -> kube.Via:
    return kube.Via(target.place.provider_config_name or "", kind=target.kind)


def external_secret(secret: Manifest, external: ExternalSecret, read_as: str) -> Manifest:
    """An ExternalSecret that writes `secret`, whose data are templates in which what is read goes by `read_as`."""
    metadata = secret["metadata"]
    labels = {"metadata": {"labels": metadata["labels"]}} if "labels" in metadata else {}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {
            "refreshInterval": external.refresh_interval,
            "secretStoreRef": external.secret_store_ref.model_dump(),
            "target": {
                "name": metadata["name"],
                "creationPolicy": "Owner",
                "deletionPolicy": "Retain",
                "template": {"engineVersion": "v2", "type": secret["type"], **labels, "data": secret["data"]},
            },
            "data": [{"secretKey": read_as, "remoteRef": external.remote_ref.model_dump(exclude_none=True)}],
        },
    }


def templated(document: Manifest, expressions: Mapping[str, str]) -> str:
    """`document` as JSON, in which each string that `expressions` has is what its template gives."""
    text = json.dumps(document, indent=1)
    for placeholder, expression in expressions.items():
        text = text.replace(json.dumps(placeholder), f"{{{{ {expression} | toJson }}}}")
    return text
