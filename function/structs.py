"""protobuf Structs as mappings, and mappings as Structs. Together with fn the only place that knows protobuf."""

import marshal
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2

from function.reading import Tree


class View(Tree):
    """A Struct as a read-only mapping. Only what is read is converted: all of it would cost ten times the rest."""

    __slots__ = ("_fields", "_struct")

    def __init__(self, struct: struct_pb2.Struct) -> None:
        """Look at `struct`."""
        self._struct, self._fields = struct, struct.fields

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401  # Any JSON value.
        """The value at `key`. Asking protobuf for a missing key would make one, so it is asked for first."""
        if key not in self._fields:
            raise KeyError(key)
        return _read(self._fields[key])

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  # Any JSON value.
        """The value at `key`, or `default`."""
        return _read(self._fields[key]) if key in self._fields else default

    def dig(self, path: tuple[str, ...]) -> Any:  # noqa: ANN401  # Any JSON value.
        """The value at `path`, without a view of each step."""
        fields: Mapping[str, struct_pb2.Value] = self._fields
        value = None
        for part in path:
            if part not in fields:
                return None
            value = fields[part]
            fields = value.struct_value.fields if value.HasField("struct_value") else {}
        return self if value is None else _read(value)

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self._fields)

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        """Whether `other` is a view or a dict with the same in it, where true is not 1."""
        if isinstance(other, View):
            return bool(self._struct == other._struct)
        return isinstance(other, dict) and bool(self._struct == _WRITTEN.struct(other))

    __hash__ = None  # type: ignore[assignment]  # Equal to dicts, which have none.


class Written:
    """Structs of dicts, of which those last used are kept: most manifests are the same at every call.

    A Struct is kept under the bytes of its dict, so what is kept never changes what comes out.
    """

    MOST = 4096
    """Structs that are kept, at about 10 KiB each."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: dict[bytes, struct_pb2.Struct] = {}

    def struct(self, content: Mapping[str, Any]) -> struct_pb2.Struct:
        """A Struct that says what `content` says. It is shared: copy it, never change it."""
        # By bytes, not by dict: to Python, 1 is True. Version 2 has no references to what was there before.
        key = marshal.dumps(content, 2)  # type: ignore[arg-type]  # Plain JSON is marshallable.
        kept = self._kept.pop(key, None)
        if kept is None:
            kept = struct_pb2.Struct()
            kept.update(content)
        self._kept[key] = kept  # The last one used is the last to go.
        if len(self._kept) > self.MOST:
            del self._kept[next(iter(self._kept))]
        return kept


_WRITTEN = Written()


def write(struct: struct_pb2.Struct, content: Mapping[str, Any]) -> None:
    """Make `struct` say what `content` says."""
    struct.CopyFrom(_WRITTEN.struct(content))


def plain(view: View) -> dict[str, Any]:
    """`view` as dicts and lists, nulls and all: what the author wrote is judged as it was written."""
    return {k: _plain(v) for k, v in view.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401  # Any JSON value.
    if isinstance(value, View):
        return plain(value)
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _read(value: struct_pb2.Value) -> Any:  # noqa: ANN401  # Any JSON value.
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "struct_value":
        return View(value.struct_value)
    if kind == "list_value":
        return [_read(v) for v in value.list_value.values]
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        number = value.number_value  # A Struct has only floats.
        return int(number) if number.is_integer() else number
    return None
