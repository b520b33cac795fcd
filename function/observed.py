"""A read-only view of what exists. Nothing in it is trusted to have a shape: it may be foreign, old or cut off."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from function import names, readiness
from function.model.parts import SecretKey
from function.reading import Document, dig, mapping, text

REMOTE = ("status", "atProvider", "manifest")
"""Where provider-kubernetes keeps what it last saw of the remote object."""
WANTED = ("spec", "forProvider", "manifest")
"""Where an Object keeps what the remote object should be."""

ABSENT = "external resource does not exist"
"""What an Object that only looks says of nothing (crossplane-runtime pkg/reconciler/managed: errExternalResourceNotExist)."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock says where there is none: nothing is ever due."""


class Observed:
    """Composed resources that exist, by key, the composite's status as it was, and the time."""

    def __init__(
        self,
        resources: Mapping[str, Document],
        status: Document,
        secrets: Mapping[str, Document] | None = None,
        connections: Mapping[str, Mapping[str, bytes]] | None = None,
        now: datetime = BEGINNING,
    ) -> None:
        """Keep all; nothing is read until it is asked for.

        Args:
            resources: composed resources, by key.
            status: the composite's status.
            secrets: Secrets that were asked for, by the name of the request.
            connections: connection details of composed resources, by key.
            now: what the clock said at the edge.
        """
        self._resources, self._secrets, self._connections = resources, secrets or {}, connections or {}
        self._conditions: dict[str, readiness.Conditions] = {}
        self._annotations: dict[str, Mapping[str, Any]] = {}
        self.status = status
        self.now = now

    def __contains__(self, key: str) -> bool:
        """Whether `key` exists."""
        return key in self._resources

    def __iter__(self) -> Iterator[str]:
        """All keys, in order: Crossplane sends them in none."""
        return iter(sorted(self._resources))

    def ready(self, key: str) -> bool:
        """Whether `key` exists and is ready."""
        return key in self._resources and readiness.ready(self._resources[key], self._conditions_of(key))

    def fresh(self, key: str) -> bool:
        """Whether the provider of `key` has looked since its spec last changed."""
        return readiness.fresh(self.document(key), self._conditions_of(key))

    def going(self, key: str) -> bool:
        """Whether `key` is being deleted."""
        return bool(self.field(key, "metadata", "deletionTimestamp"))

    def condition(self, key: str, type_: str) -> Document:
        """A condition of `key`, or an empty one."""
        return self._conditions_of(key).get(type_, {})

    def document(self, key: str) -> Document:
        """All of `key`, or nothing where it does not exist."""
        return self._resources.get(key, {})

    def field(self, key: str, *path: str) -> Any:  # noqa: ANN401  # Whatever is there.
        """What `key` has at `path`, or None."""
        return dig(self.document(key), *path)

    def text(self, key: str, *path: str) -> str:
        """The string that `key` has at `path`, or an empty one."""
        return text(self.document(key), *path)

    def annotation(self, key: str, name: str) -> str:
        """An annotation of `key`, or an empty string."""
        if key not in self._annotations:
            self._annotations[key] = self.mapping(key, "metadata", "annotations")
        found = self._annotations[key].get(name)
        return found if isinstance(found, str) else ""

    def mapping(self, key: str, *path: str) -> Mapping[str, Any]:
        """The object that `key` has at `path`, or an empty one."""
        return mapping(self.document(key), *path)

    def secret(self, ref: SecretKey) -> str:
        """The bytes of a Secret that was asked for, in base64, or an empty string."""
        return text(self._secrets.get(names.required(ref), {}), "data", ref.key)

    def connection(self, key: str) -> Mapping[str, bytes]:
        """The connection details of `key`."""
        return self._connections.get(key, {})

    def said(self, key: str) -> Any:  # noqa: ANN401  # Whatever is there.
        """What `key` says of what it stands for."""
        return self.field(key, *(WANTED if self.field(key, "kind") == "Object" else WANTED[:-1]))

    def remote(self, key: str) -> Document | None:
        """What is seen of what `key` stands for, or None where nothing is."""
        found = self.field(key, *(REMOTE if self.field(key, "kind") == "Object" else REMOTE[:-1]))
        return found if isinstance(found, Mapping) and found else None

    def absent(self, key: str) -> bool:
        """Whether an Object that only looks has looked, and there is nothing. What it saw before stays in its status."""
        synced = self.condition(key, "Synced")
        return synced.get("status") == "False" and ABSENT in str(synced.get("message")) and self.fresh(key)

    def uid(self, key: str) -> str:
        """What tells the thing that `key` stands for from a later namesake, or an empty string where that is not seen."""
        if self.field(key, "kind") == "Object":
            return self.text(key, *REMOTE, "metadata", "uid")
        if self.field(key, "kind") == "Repository":
            number = self.field(key, "status", "atProvider", "repositoryId")
            return str(number) if isinstance(number, int) else ""
        made = self.annotation(key, names.ANNOTATION_MADE)
        return self.annotation(key, names.ANNOTATION_EXTERNAL_NAME) or (self.text(key, "metadata", "uid") if made else "")

    def seen(self, key: str) -> bool:
        """Whether a provider has seen what `key` stands for, now or when it made it."""
        return bool(self.remote(key)) or bool(self.annotation(key, names.ANNOTATION_MADE))

    def _conditions_of(self, key: str) -> readiness.Conditions:
        """The conditions of `key`. Read once: everything asks for them."""
        if key not in self._conditions:
            self._conditions[key] = readiness.conditions(self.document(key))
        return self._conditions[key]
