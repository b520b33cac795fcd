"""Who refers to whom, and what is where: read from the resources themselves, so that it holds for what we no longer want."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from function import names
from function.desired import Composed, Manifest
from function.model.environment import Environment
from function.observed import WANTED, Observed
from function.reading import Document, dig, listed

Identifier = tuple[str, str]
"""Kind and name, of a Secret with its namespace: all else that an environment composes shares one, or has none."""
PROVIDER = "finalizer.managedresource.crossplane.io"
"""provider-kubernetes' own finalizer: an Object that has it does not go before the provider has let go of what it refers to."""


def secret(namespace: object, name: object) -> Identifier:
    """What a Secret is called."""
    return "Secret", f"{namespace}/{name}"


def identity(document: Document) -> Identifier:
    """What others call `document`."""
    kind, name = str(document.get("kind")), str(dig(document, "metadata", "name"))
    return secret(dig(document, "metadata", "namespace"), name) if kind == "Secret" else (kind, name)


def identities(document: Document) -> Iterator[Identifier]:
    """What others call `document`, or what it brings along: a Secret that it writes, a UUID that it got."""
    kind = str(document.get("kind"))
    yield identity(document)
    yield from _secret(document, dig(document, "spec", "writeConnectionSecretToRef"))
    yield from _named(f"Upbound{kind}", dig(document, "metadata", "annotations", names.ANNOTATION_EXTERNAL_NAME))


def referrers(observed: Observed, *stated: tuple[str, Document]) -> Mapping[Identifier, set[str]]:
    """For everything that a resource refers to, one that is observed or one of `stated`: the keys of those that do."""
    found: defaultdict[Identifier, set[str]] = defaultdict(set)
    for key, document in (*((k, observed.document(k)) for k in observed), *stated):
        for target in _targets(document):
            found[target].add(key)
        for other in filter(None, observed.annotation(key, names.ANNOTATION_AFTER).split(",")):
            for target in identities(observed.document(other)):
                found[target].add(key)
    return found


def acts(key: str, wanted: Mapping[str, Composed], observed: Observed) -> bool:
    """Whether something lives by `key` that does not refer to it.

    A robot's tokens live by its memberships, until they are gone or the next ones are there. Whoever reads a token outside
    this environment lives by the old generation, until the next one is ready.
    """
    family, robot, *rest = (*key.split("/"), "")
    if family == "membership":
        serves = any(k.startswith(names.tokens_of(robot)) for k in observed)
        return serves and (names.robot(robot) not in wanted or _coming(names.membership(robot, ""), wanted, observed))
    return family == "token" and _coming(f"{names.tokens_of(robot)}{rest[0]}/", wanted, observed)


def _coming(beginning: str, wanted: Mapping[str, Composed], observed: Observed) -> bool:
    return any(not observed.ready(k) for k in wanted if k.startswith(beginning))


def _targets(document: Document) -> Iterator[Identifier]:
    spec = dig(document, "spec")
    yield from _references(document)
    yield from _named("ProviderConfig", dig(spec, "providerConfigRef", "name"))
    for part in ("credentials", "identity"):
        yield from _secret(document, dig(spec, part, "secretRef"))
    for path, kind in _REFERENCES:
        yield from _named(kind, dig(spec, "forProvider", *path))
    for subject in listed(document, *WANTED, "spec", "subjects"):
        yield from _named(str(dig(subject, "kind")), dig(subject, "name"))


def _references(document: Document) -> Iterator[Identifier]:
    for r in listed(document, "spec", "references"):
        kind, ref = str(dig(r, "dependsOn", "kind")), dig(r, "dependsOn")
        yield from _secret(document, ref) if kind == "Secret" else _named(kind, dig(ref, "name"))


def _secret(document: Document, ref: object) -> Iterator[Identifier]:
    """The Secret that `document` names by `ref`, in its own namespace where that says none."""
    if isinstance(name := dig(ref, "name"), str) and name:
        yield secret(dig(ref, "namespace") or dig(document, "metadata", "namespace"), name)


def _named(kind: str, name: object) -> Iterator[Identifier]:
    if isinstance(name, str) and name:
        yield kind, name


_REFERENCES = (
    (("robotIdRef", "name"), "Robot"),
    (("owner", "idRef", "name"), "Robot"),
    (("teamIdRef", "name"), "Team"),
    (("repository",), "UpboundRepository"),
)
"""Where resources of provider-upbound refer to each other."""


def place(env: Environment, key: str, document: Document) -> tuple[str, ...]:
    """Which remote object the Object `key` stands for: its host, control plane, API group, kind, namespace and name."""
    host, manifest = str(dig(document, "metadata", "annotations", names.ANNOTATION_HOST)), dig(document, *WANTED)
    inside = names.control_plane_of(key).split("/")[2:]
    what = [dig(manifest, *path) for path in (("kind",), ("metadata", "namespace"), ("metadata", "name"))]
    return (env.moved.get(host, host), *inside, names.group_of_version(dig(manifest, "apiVersion")), *map(str, what))


def edges(wanted: Mapping[str, Composed], observed: Observed) -> Iterator[tuple[str, str, bool]]:
    """Each edge between wanted resources: dependent, what it comes after, and whether deletion runs along it."""
    for c in wanted.values():
        if c.manifest["kind"] != "Object":
            continue  # Only provider-kubernetes makes such edges.
        for other in c.after:
            yield c.key, other, _finalizer(c.key, observed) in listed(observed.document(other), "metadata", "finalizers")


def secured(manifests: Mapping[str, Manifest], observed: Observed) -> dict[str, Manifest]:
    """`manifests`, by key, each with the finalizers of those that refer to it.

    provider-kubernetes puts them there itself, but once only, after its own finalizer: what does not exist at
    that moment, or is written by another one just then, never gets one (object.go, objFinalizer.AddFinalizer).
    It takes them away whoever put them there. A dependent without the provider's own finalizer would leave its
    behind, and so would one that is going; neither is counted. Nothing new is put on what is being deleted: the
    API server refuses that.
    """
    held: defaultdict[Identifier, list[str]] = defaultdict(list)
    for key, manifest in manifests.items():
        if PROVIDER in listed(observed.document(key), "metadata", "finalizers") and not observed.going(key):
            mine = _finalizer(key, observed)
            for target in _references(manifest):
                held[target].append(mine)
    return {
        key: _with_finalizers(manifest, held.get(identity(manifest), []), observed.mapping(key, "metadata"))
        for key, manifest in manifests.items()
    }


def _with_finalizers(manifest: Manifest, finalizers: list[str], metadata: Mapping[str, Any]) -> Manifest:
    if metadata.get("deletionTimestamp"):
        finalizers = [f for f in finalizers if f in listed(metadata, "finalizers")]
    return {**manifest, "metadata": {**manifest["metadata"], "finalizers": sorted(finalizers)}} if finalizers else manifest


def _finalizer(dependent: str, observed: Observed) -> str:
    """What keeps others while `dependent` is there (provider-kubernetes object.go:105)."""
    return f"kubernetes.crossplane.io/referred-by-object-{observed.text(dependent, 'metadata', 'uid')}"
