"""Who refers to whom, and what is where: read from the resources themselves, so that it holds for what we no longer want."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from function import names
from function.desired import Composed
from function.model.environment import Environment
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
        for other in filter(None, observed.annotation(key, names.ANNOTATION_AFTER).split(",")):
            found[identity(observed.document(other))].add(key)
    return found


def _targets(document: Document) -> Iterator[Identifier]:
    for r in _list(dig(document, "spec", "references")):
        yield str(dig(r, "dependsOn", "kind")), str(dig(r, "dependsOn", "name"))
    yield "ProviderConfig", str(dig(document, "spec", "providerConfigRef", "name"))
    yield "Secret", str(dig(document, "spec", "credentials", "secretRef", "name"))


class RemotePlaces:
    """Which remote object each Object stands for, told by host, control plane, kind, namespace and name."""

    def __init__(self, env: Environment, wanted: Mapping[str, Composed], observed: Observed) -> None:
        """Read the places of all wanted Objects."""
        self._observed = observed
        self._moved = env.moved
        self._wanted = {self._place(c.key, c.manifest) for c in wanted.values() if c.manifest["kind"] == "Object"}

    def wanted_elsewhere(self, key: str) -> bool:
        """Whether a wanted Object stands for the same remote object as the observed one `key`."""
        return self._place(key, self._observed.document(key)) in self._wanted

    def _place(self, key: str, document: Document) -> tuple[Any, ...]:
        host, manifest = dig(document, "metadata", "annotations", names.ANNOTATION_HOST), dig(document, *WANTED)
        inside = names.control_plane_of(key).split("/")[2:]
        what = [dig(manifest, *path) for path in (("kind",), ("metadata", "namespace"), ("metadata", "name"))]
        return (self._moved.get(str(host), str(host)), *inside, names.group_of_version(dig(manifest, "apiVersion")), *map(str, what))


def edges(wanted: Mapping[str, Composed], observed: Observed) -> Iterator[tuple[str, str, bool]]:
    """Each edge between wanted resources: dependent, what it comes after, and whether deletion runs along it.

    It does once the dependent's finalizer is on the other (provider-kubernetes object.go:105, 826); an edge
    that was added later, or lost to a conflict at that moment, never gets one.
    """
    for c in wanted.values():
        finalizer = f"kubernetes.crossplane.io/referred-by-object-{observed.text(c.key, 'metadata', 'uid')}"
        for other in c.after:
            yield c.key, other, finalizer in _list(observed.field(other, "metadata", "finalizers"))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
