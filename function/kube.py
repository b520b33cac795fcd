"""Constructors of the generic shapes: Objects, ProviderConfigs, Secrets and kubeconfigs, in both worlds."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from function import desired, names
from function.desired import Composed, Manifest
from function.model.consumed import Target
from function.model.environment import Environment
from function.model.parts import DOMAIN, SecretKey, Space
from function.observed import Observed
from function.reading import dig, listed

CLUSTER = "kubernetes.crossplane.io"
NAMESPACED = "kubernetes.m.crossplane.io"
_MANAGED_SPEC = (
    "connectionDetails",
    "forProvider",
    "managementPolicies",
    "providerConfigRef",
    "readiness",
    "references",
    "writeConnectionSecretToRef",
)


@dataclass(frozen=True, slots=True)
class Via:
    """A ProviderConfig, and the host that it reaches; none for this cluster and for targets."""

    provider_config: str
    host: str = ""
    kind: str = "ProviderConfig"


def wrapped(env: Environment, key: str, manifest: Manifest, via: Via, cel: str = "") -> Manifest:
    """An Object around `manifest`, applied `via` a ProviderConfig.

    Ready as soon as it is applied, or when the CEL expression `cel` over `object` holds. The expression
    must be a bool by its type: provider-kubernetes gives no reason for one that is not (object.go:656).
    """
    if (manifest["apiVersion"], manifest["kind"]) == ("v1", "Secret"):
        raise ValueError("cannot wrap a Secret: its bytes would be in the Object's spec")
    return _object(env, key, manifest, via, cel)


def wrapped_without_secret(env: Environment, key: str, manifest: Manifest, via: Via) -> Manifest:
    """An Object around a Secret, the only one there is: what reaches something in it is a program's name, and no secret."""
    return _object(env, key, manifest, via, "")


def secret(name: str, namespace: str, data: Mapping[str, str], labels: Mapping[str, str] | None = None) -> Manifest:
    """A Secret with base64 `data`: stringData is never stored, so it would always look different."""
    metadata = {"name": name, "namespace": namespace, **({"labels": dict(labels)} if labels else {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": dict(data)}


def provider_config(env: Environment, key: str, host: str, kubeconfig: SecretKey, token: SecretKey | None) -> Manifest:
    """A ProviderConfig that reaches `host` with `kubeconfig`, and with `token` as UpboundTokens identity."""
    credentials = {"source": "Secret", "secretRef": _ref(kubeconfig)}
    identity = {"identity": {"type": "UpboundTokens", "source": "Secret", "secretRef": _ref(token)}} if token else {}
    return {
        "apiVersion": f"{NAMESPACED if env.namespaced else CLUSTER}/v1alpha1",
        "kind": "ProviderConfig",
        "metadata": {**_metadata(env, key), "annotations": {names.ANNOTATION_HOST: host}},
        "spec": {"credentials": credentials, **identity},
    }


def release(env: Environment, key: str, target: Target, for_provider: Manifest) -> Manifest:
    """A Helm release of provider-helm, at `target`."""
    return {
        "apiVersion": f"helm.{'m.' if env.namespaced else ''}crossplane.io/v1beta1",
        "kind": "Release",
        "metadata": _metadata(env, key),
        "spec": {
            "forProvider": for_provider,
            "providerConfigRef": _config_ref(env, target.place.helm_provider_config_name or "", target.kind),
        },
    }


def upbound_config(env: Environment, token: SecretKey) -> Manifest:
    """The ProviderConfig with which provider-upbound reaches the organization."""
    return {
        "apiVersion": f"{_upbound(env)}/v1alpha1",
        "kind": "ProviderConfig",
        "metadata": _metadata(env, names.UPBOUND),
        "spec": {"organization": env.organization, "credentials": {"source": "Secret", "secretRef": _ref(token)}},
    }


def managed(env: Environment, key: str, kind: str, for_provider: Manifest) -> Manifest:
    """A resource of provider-upbound, which makes what `for_provider` says."""
    group = "repository" if kind in ("Repository", "Permission") else "iam"
    return {
        "apiVersion": f"{group}.{_upbound(env)}/v1alpha1",
        "kind": kind,
        "metadata": _metadata(env, key),
        "spec": {
            "forProvider": for_provider,
            "providerConfigRef": _config_ref(env, names.object_name(env.identity, names.UPBOUND)),
        },
    }


def written(env: Environment, manifest: Manifest, secret: SecretKey) -> Manifest:
    """`manifest`, whose provider writes what it gets into `secret`."""
    place = {} if env.namespaced else {"namespace": secret.namespace}
    return {**manifest, "spec": {**manifest["spec"], "writeConnectionSecretToRef": {"name": secret.name, **place}}}


def kubeconfig(organization: str, space: Space, server: str, *, namespace: str = "") -> Manifest:
    """A kubeconfig in the shape that the UpboundTokens identity takes (provider-kubernetes pkg/kube/client/upbound).

    It has no secret in it: whoever uses it runs `up`, or brings the token along as provider-kubernetes does.
    """
    cluster: Manifest = {"server": server}
    if space.certificate_authority_data:
        cluster["certificate-authority-data"] = space.certificate_authority_data
    if space.insecure:
        cluster["insecure-skip-tls-verify"] = True
    context = {"cluster": "upbound", "user": "upbound", **({"namespace": namespace} if namespace else {})}
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "up",  # Never a path: provider-kubernetes takes only `up`.
        "args": ["organization", "token"],
        "env": [{"name": "ORGANIZATION", "value": organization}],
        "interactiveMode": "IfAvailable",
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "upbound",
        "clusters": [{"name": "upbound", "cluster": cluster}],
        "contexts": [{"name": "upbound", "context": context}],
        "users": [{"name": "upbound", "user": {"exec": plugin}}],
    }


def encoded(document: Manifest) -> str:
    """`document` as it stands in a Secret's data: base64 of JSON, which is YAML too."""
    return encoded_text(json.dumps(document, indent=1))


def encoded_text(text: str) -> str:
    """`text` as it stands in a Secret's data."""
    return base64.b64encode(text.encode()).decode()


def certificate_in(data: object) -> str | None:
    """The CA in a kubeconfig that stands in a Secret's data; None where there is none to be found."""
    try:
        return _of_first(json.loads(decoded(str(data))), "clusters", "cluster", "certificate-authority-data") or None
    except ValueError:
        return None


def decoded(data: str) -> str:
    """The text of what stands in a Secret's data, or an empty string."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return ""


class _Plain(yaml.BaseLoader):
    """YAML whose every value is text. An alias, which no kubeconfig has, could make much of little."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def credentials_in(text: str) -> tuple[str, str]:
    """Token and CA of the first user and cluster of a kubeconfig, each empty where there is none."""
    try:
        found = yaml.load(text, _Plain)  # noqa: S506  # It makes text, lists and dicts only.
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):  # The last two come of numbers in escapes and directives.
        return "", ""
    return _of_first(found, "users", "user", "token"), _of_first(found, "clusters", "cluster", "certificate-authority-data")


def _of_first(kubeconfig: object, list_: str, *path: str) -> str:
    """What the first entry of a list has at `path`, or an empty string: where it is no string, or what YAML calls null."""
    found = next((dig(e, *path) for e in listed(kubeconfig, list_)), None)
    return found if isinstance(found, str) and found not in ("null", "Null", "NULL", "~") else ""


def reference(manifest: Manifest) -> Manifest:
    """An edge to `manifest`. Its namespace is written out: provider-kubernetes fills in none (object.go:716)."""
    metadata = manifest["metadata"]
    namespace = {"namespace": metadata["namespace"]} if "namespace" in metadata else {}
    return {"dependsOn": {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "name": metadata["name"], **namespace}}


def restated(env: Environment, key: str, observed: Observed) -> Composed:
    """`key` again, as it is observed: what is ours to write of it, and nothing that others wrote."""
    document, metadata = observed.document(key), plain(observed.mapping(key, "metadata"))
    is_object = document.get("kind") == "Object"
    # An external-name that were dropped with its line would have the provider make another.
    theirs = () if is_object else (names.ANNOTATION_EXTERNAL_NAME,)
    annotations = {k: v for k, v in observed.mapping(key, "metadata", "annotations").items() if k.startswith(DOMAIN) or k in theirs}
    # A tool finds what is no Object by its labels. Those of Crossplane are Crossplane's to write.
    labels = {k: v for k, v in observed.mapping(key, "metadata", "labels").items() if not (is_object or k.startswith("crossplane.io/"))}
    manifest: Manifest = {
        **{k: document[k] for k in ("apiVersion", "kind") if isinstance(document.get(k), str)},
        "metadata": {
            "name": names.object_name(env.identity, key),
            **{k: metadata[k] for k in ("name", "namespace") if k in metadata},
            **{k: plain(v) for k, v in (("annotations", annotations), ("labels", labels)) if v},
        },
    }
    if desired.managed(document):
        spec = plain(observed.mapping(key, "spec"))
        manifest["spec"] = {k: spec[k] for k in _MANAGED_SPEC if k in spec}
    else:
        manifest.update({k: plain(document[k]) for k in ("spec", "type", "data") if document.get(k) is not None})
    return Composed(key, manifest, entry=observed.annotation(key, names.ANNOTATION_ENTRY))


def plain(value: Any) -> Any:  # noqa: ANN401  # Any JSON value.
    """`value` as plain dicts and lists, without nulls."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in sorted(value.items()) if v is not None}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value if v is not None]
    return value


def _object(env: Environment, key: str, manifest: Manifest, via: Via, cel: str) -> Manifest:
    metadata = _metadata(env, key)
    return {
        "apiVersion": f"{NAMESPACED}/v1alpha1" if env.namespaced else f"{CLUSTER}/v1alpha2",
        "kind": "Object",
        "metadata": {**metadata, "annotations": {names.ANNOTATION_HOST: via.host}} if via.host else metadata,
        "spec": {
            "forProvider": {"manifest": manifest},
            "readiness": {"policy": "DeriveFromCelQuery", "celQuery": cel} if cel else {"policy": "SuccessfulCreate"},
            "providerConfigRef": _config_ref(env, via.provider_config, via.kind),
        },
    }


def _upbound(env: Environment) -> str:
    return "m.upbound.io" if env.namespaced else "upbound.io"


def _config_ref(env: Environment, name: str, kind: str = "ProviderConfig") -> Manifest:
    return {"kind": kind, "name": name} if env.namespaced else {"name": name}


def _metadata(env: Environment, key: str) -> Manifest:
    namespace = {"namespace": env.identity.namespace} if env.namespaced else {}
    return {"name": names.object_name(env.identity, key), **namespace}


def _ref(secret_key: SecretKey) -> Manifest:
    return {"namespace": secret_key.namespace, "name": secret_key.name, "key": secret_key.key}
