"""Reading documents of any shape: they may be foreign, old or cut off, so nothing in one is trusted to be there."""

import abc
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
"""A Kubernetes object, as a dict or as a view of one; only what is asked for is ever read."""


class Tree(Mapping[str, Any]):
    """A document that knows a quick way to what it has at a path."""

    __slots__ = ()

    @abc.abstractmethod
    def dig(self, path: tuple[str, ...]) -> Any:  # noqa: ANN401  # Any JSON value.
        """What it has at `path`, or None where any part of it is missing or no object."""


def dig(document: object, *path: str) -> Any:  # noqa: ANN401  # Any JSON value.
    """What `document` has at `path`, or None where any part of it is missing or no object."""
    if not isinstance(document, dict) and isinstance(document, Tree):
        return document.dig(path)
    for part in path:
        # A dict is known for one at once; to ask whether something is any Mapping takes ten times as long.
        if not isinstance(document, (dict, Mapping)):
            return None
        document = document.get(part)
    return document


def text(document: object, *path: str) -> str:
    """The string that `document` has at `path`, or an empty one."""
    found = dig(document, *path)
    return found if isinstance(found, str) else ""


def listed(document: object, *path: str) -> list[Any]:
    """The list that `document` has at `path`, or an empty one."""
    found = dig(document, *path)
    return found if isinstance(found, list) else []


def mapping(document: object, *path: str) -> Document:
    """The object that `document` has at `path`, or an empty one."""
    found = dig(document, *path)
    return found if isinstance(found, Mapping) else {}
