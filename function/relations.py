"""Who refers to whom, and what is where: read from the resources themselves, so that it holds for what we no longer want."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from function import names
from function.desired import Composed
from function.observed import WANTED, Observed, dig
from function.readiness import Document

Identifier = tuple[str, str]
"""Kind and name. Composed resources of one environment share a namespace, or have none."""


def identity(document: Document) -> Identifier:
    """What others call `document`."""
    return str(document.get("kind")), str(dig(document, "metadata", "name"))


def referrers(observed: Observed) -> Mapping[Identifier, set[str]]:
    """For everything that an observed resource refers to: the keys of those that do."""
    found: defaultdict[Identifier, set[str]] = defaultdict(set)
    for key in observed:
        for target in _targets(observed.document(key)):
            found[target].add(key)
    return found


def _targets(document: Document) -> Iterator[Identifier]:
    references = dig(document, "spec", "references")
    for r in references if isinstance(references, (list, tuple)) else ():
        yield str(dig(r, "dependsOn", "kind")), str(dig(r, "dependsOn", "name"))
    yield "ProviderConfig", str(dig(document, "spec", "providerConfigRef", "name"))
    yield "Secret", str(dig(document, "spec", "credentials", "secretRef", "name"))


class RemotePlaces:
    """Which remote object each Object stands for, told by host, kind, namespace and name."""

    def __init__(self, wanted: Mapping[str, Composed], observed: Observed) -> None:
        """Read the hosts of all ProviderConfigs, and the places of all wanted Objects."""
        self._observed = observed
        configs = [*(observed.document(k) for k in observed), *(c.manifest for c in wanted.values())]
        self._hosts = {
            dig(d, "metadata", "name"): dig(d, "metadata", "annotations", names.ANNOTATION_HOST)
            for d in configs
            if d.get("kind") == "ProviderConfig"
        }
        self._wanted = {self._place(c.manifest) for c in wanted.values() if c.manifest["kind"] == "Object"}

    def wanted_elsewhere(self, key: str) -> bool:
        """Whether a wanted Object stands for the same remote object as the observed one `key`."""
        place = self._place(self._observed.document(key))
        return place[0] is not None and place in self._wanted

    def _place(self, document: Document) -> tuple[Any, ...]:
        host = self._hosts.get(dig(document, "spec", "providerConfigRef", "name"))
        manifest = dig(document, *WANTED)
        return (
            host,
            dig(manifest, "apiVersion"),
            dig(manifest, "kind"),
            dig(manifest, "metadata", "namespace"),
            dig(manifest, "metadata", "name"),
        )


def edges(wanted: Mapping[str, Composed], observed: Observed) -> Iterator[tuple[str, str, bool]]:
    """Each edge between wanted resources: dependent, what it comes after, and whether deletion runs along it.

    It does once the dependent's finalizer is on the other (provider-kubernetes object.go:105, 826); an edge
    that was added later, or lost to a conflict at that moment, never gets one.
    """
    for c in wanted.values():
        finalizer = f"kubernetes.crossplane.io/referred-by-object-{observed.text(c.key, 'metadata', 'uid')}"
        for other in c.after:
            yield c.key, other, finalizer in (observed.field(other, "metadata", "finalizers") or ())
