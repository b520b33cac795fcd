"""What a family of resources hands over: composed resources, with their order and their life as data."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from function import readiness
from function.model.parts import Policies

Manifest = dict[str, Any]
"""A Kubernetes object, as plain as the YAML that it becomes."""


class Life(enum.Enum):
    """How a composed resource lives and goes. The table is in docs/removal.md."""

    LOCAL = enum.auto()
    """Lives in this cluster or for it: full control, goes with its line."""
    OWNED = enum.auto()
    """May be somebody else's: created if absent, changed once ours, removed as removalPolicy says."""
    USED = enum.auto()
    """Needed but not ours: created if absent, never changed, never removed."""
    INSIDE = enum.auto()
    """Lives in a Space, group or control plane: never deleted by deleting the environment, deleted with its line."""
    KEPT = enum.auto()
    """Lives in a group and holds data: removed as removalPolicy says."""
    ISSUED = enum.auto()
    """Lives in the organization: deleted with its line, and with the environment if removalPolicy is Delete."""


@dataclass(frozen=True, slots=True)
class Composed:
    """One composed resource.

    Attributes:
        key: its identity in Crossplane; another key is another resource.
        manifest: the whole object; for an Object without managementPolicies and references.
        after: keys that come before it and go after it; never withholds it.
        needs: keys that must be ready before it is created.
        instead_of: keys that must be gone before it is created.
        early: why it is too early to make it: until then it only looks whether it is there.
        guarded: whether it is created only once it is seen that what it comes after is this environment's.
        entry: its name in the environment, for messages.
        life: how it lives and goes.
        policies: what its author allows.
        adopt: whether it may take over what exists.
        immutable: paths of its remote manifest's spec, or of its own where it wraps none, that cannot be changed.
        asks: whether its removal is asked about, as a control plane's is, though it is inside one.
        once: whether it stays ready once it has been: how its changes go is told elsewhere.
        refused: why it is not as the environment says, where its family had to keep it as it was.
        leads: whether others get somewhere by it: a change of it waits, as its creation does, for what it needs.
        lacks: what its manifest cannot be written without, and is not there: it is not created, or stays as it is.
    """

    key: str
    manifest: Manifest
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    entry: str = ""
    life: Life = Life.LOCAL
    policies: Policies = Policies.FULL
    adopt: bool = False
    immutable: tuple[tuple[str, ...], ...] = ()
    asks: bool = False
    once: bool = False
    refused: str = ""
    lacks: str = ""
    instead_of: tuple[str, ...] = ()
    guarded: bool = False
    early: str = ""
    leads: bool = False


def annotated(manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
    """`manifest` with more annotations, if there are any."""
    if not annotations:
        return manifest
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}}}


def managed(manifest: Mapping[str, Any]) -> bool:
    """Whether `manifest` stands for something outside this cluster, with managementPolicies: an Object or its like."""
    return manifest.get("kind") not in (None, *readiness.LOCAL)


def remote(manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401  # A manifest, or nothing where there is none.
    """The manifest that an Object wraps, or what any other managed resource says of what it stands for."""
    said = manifest["spec"]["forProvider"]
    return said["manifest"] if manifest["kind"] == "Object" else said
