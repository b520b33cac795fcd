"""What is wrong with a spec by itself, before anything in it is looked up: most of it the API server refuses too."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from function.model import spec as s
from function.model.environment import qualified_kind
from function.model.errors import Location, Problem
from function.model.parts import DOMAIN, Resource
from function.model.types import BASE64, DNS_LABEL, LIST_MAP_KEYS, PATTERN_HINTS, Model
from function.reading import dig

RESERVED_LABELS = (f"{DOMAIN}/", "spaces.upbound.io/", "internal.spaces.upbound.io/")
"""Labels that this function or a Space sets."""

_AIMED_AT = {"Application": ("spec", "destination", "server"), "ApplicationSet": ("spec", "template", "spec", "destination", "server")}
_CLOUD_HOSTS = (".spaces.upbound.io", ".space.mxe.upbound.io")


def problems(spec: s.Spec) -> Iterator[Problem]:
    """All that is wrong, in the order of the spec."""
    yield from _names(spec, ("spec",))
    for i, space in enumerate(spec.spaces):
        yield from _space(("spec", "spaces", i), space)
    for i, group in enumerate(spec.groups):
        yield from _labels(("spec", "groups", i, "labels"), group.labels)
    yield from _labels(("spec", "defaults", "controlPlane", "labels"), spec.defaults.control_plane.labels)
    for i, control_plane in enumerate(spec.control_planes):
        yield from _labels(("spec", "controlPlanes", i, "labels"), control_plane.labels)
    for i, resource in enumerate(spec.resources):
        yield from _resource(("spec", "resources", i), resource)
        path = _AIMED_AT.get(str(resource.manifest.get("kind")), ())
        if path and _is_cloud_space(str(dig(resource.manifest, *path)), spec.spaces):
            text = "is the API of a Cloud Space, which has no watch, and Argo CD needs one; aim at a control plane"
            yield Problem(("spec", "resources", i, "manifest", *path), text)
    if spec.argocd and spec.argocd.applications:
        yield from _address(("spec", "argocd", "applications", "repoURL"), spec.argocd.applications.repo_url)
    if spec.flux and spec.flux.source:
        yield from _address(("spec", "flux", "source", "url"), spec.flux.source.url)


def unique(found: Iterable[tuple[Location, Any]], text: str) -> Iterator[Problem]:
    """A problem for each location whose value has been there before."""
    seen = set()
    for at, value in found:
        if value in seen:
            yield Problem(at, text)
        seen.add(value)


def is_object(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest says what it is."""
    named = (manifest.get("apiVersion"), manifest.get("kind"), dig(manifest, "metadata", "name"))
    namespace = dig(manifest, "metadata", "namespace")
    whole = all(isinstance(n, str) and n for n in named) and "/" not in str(named[2])
    return whole and (namespace is None or (isinstance(namespace, str) and bool(re.fullmatch(DNS_LABEL[1:-1], namespace))))


def places(resources: Iterable[Resource]) -> Iterable[tuple[int, str, Any]]:
    """Where each resource goes, and what it is there."""
    for i, r in enumerate(resources):
        if is_object(r.manifest):
            metadata, inside = r.manifest["metadata"], r.control_plane.entry if r.control_plane else None
            yield i, "", (r.space, r.group, inside, qualified_kind(r.manifest), str(metadata.get("namespace")), metadata["name"])


def _names(whole: Model, at: Location) -> Iterator[Problem]:
    """Names that stand twice in a list whose entries are told apart by them, anywhere in `whole`."""
    for field, info in type(whole).model_fields.items():
        value, there = getattr(whole, field), (*at, str(info.alias))
        entries = [(there, value)] if isinstance(value, Model) else []
        if isinstance(value, tuple):
            entries = [((*there, i), e) for i, e in enumerate(value) if isinstance(e, Model)]
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get(LIST_MAP_KEYS) == ["name"]:
            yield from unique((((*place, "name"), getattr(e, "name", "")) for place, e in entries), "stands twice; write a name of its own")
        for place, e in entries:
            yield from _names(e, place)


def _space(at: Location, e: s.Space) -> Iterator[Problem]:
    disconnected = e.type == "Disconnected"
    if disconnected and not e.credentials.kubeconfig_secret_ref:
        text = "is required for a Disconnected Space; name the Secret with its kubeconfig"
        yield Problem((*at, "credentials", "kubeconfigSecretRef"), text)
    for field, ref in (("tokenSecretRef", e.credentials.token_secret_ref), ("robotTokenRef", e.credentials.robot_token_ref)):
        if disconnected and ref:
            text = "is not for a Disconnected Space, whose kubeconfig has its own credentials; leave it out"
            yield Problem((*at, "credentials", field), text)
    if e.certificate_authority_data and not _is_certificate(e.certificate_authority_data):
        yield Problem((*at, "certificateAuthorityData"), f"is not a PEM certificate; {PATTERN_HINTS[BASE64]}")
    if e.host is None and e.type != "Legacy":
        text = "is required; write the host of the Space's API, such as upbound-gcp-us-west-1.spaces.upbound.io"
        yield Problem((*at, "host"), text)


def _is_cloud_space(server: str, spaces: Iterable[s.Space]) -> bool:
    """Whether an address is the API of a Cloud Space itself, now or formerly, and not of a control plane in it.

    What `spaces` does not know is one by its name.
    """
    types = {h.removesuffix(":443"): e.type for e in spaces for h in (*e.former_hosts, e.host or "")}
    address, _, path = server.partition("://")[2].partition("/")
    host = address.lower().removesuffix(":443")
    return types.get(host, "Cloud" if host.endswith(_CLOUD_HOSTS) else "") == "Cloud" and "/controlplanes/" not in path


def _labels(at: Location, labels: Mapping[str, str] | None) -> Iterator[Problem]:
    for label in labels or {}:
        if label.startswith(RESERVED_LABELS):
            yield Problem(at, f"has {label}, which is set by this function; leave it out")


def _resource(at: Location, e: s.Resource) -> Iterator[Problem]:
    if (e.space, e.group, e.control_plane).count(None) != 2:  # noqa: PLR2004  # Exactly one of three.
        yield Problem(at, "is placed nowhere or in several places; write exactly one of space, group and controlPlane")
    if not is_object(e.manifest):
        yield Problem((*at, "manifest"), "is no object; write apiVersion, kind, metadata.name, and metadata.namespace where it has one")
    if "status" in e.manifest:
        yield Problem((*at, "manifest", "status"), "is the API's to write; leave it out")
    for path in _nulls(e.manifest):
        yield Problem((*at, "manifest", *path), "is null, which no object keeps; leave the field out")


def _address(at: Location, url: str) -> Iterator[Problem]:
    """A password in an address is a secret in a spec. Over SSH a user alone is none; over HTTPS it may be a token.

    It may have a slash, so that all before the last @ counts, wherever the host would end.
    """
    scheme, _, rest = url.partition("://")
    user, there, _ = rest.rpartition("@")
    if there and (scheme != "ssh" or ":" in user):
        yield Problem(at, "has credentials in it, which would be a secret in a spec; leave them out, and give them to the tool in a Secret")


def _nulls(value: Any, at: Location = ()) -> Iterator[Location]:  # noqa: ANN401  # Any JSON value.
    """Where `value` has nothing, or a number that is none."""
    if value is None or value != value:  # noqa: PLR0124  # NaN is not equal to itself.
        yield at
    elements = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in elements:
        yield from _nulls(inner, (*at, name))


def _is_certificate(text: str) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
