"""YAML files as the command line reads them: every document with the line of each of its fields."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from function.model.errors import Location


class UnreadableError(Exception):
    """A file cannot be read, or is no YAML; the message says where and why."""


class UnusableError(Exception):
    """What is given cannot be used; the message says why and what to do, but not in which file."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its file, its content, and the line that each field begins on."""

    file: str
    content: Any
    lines: dict[Location, int]

    def line(self, at: Location) -> int:
        """The line of the field `at`, or of the nearest one around it that is there."""
        return next(self.lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in self.lines)


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a date is a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """YAML for people: what stands twice is written twice, and lines of text as lines."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002  # The signature of PyYAML.
        """Never use an anchor."""
        return True


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def load(file: str) -> list[Document]:
    """The documents of `file`, or of standard input for '-'. Empty documents are left out.

    Raises:
        UnreadableError: the file cannot be read, is no YAML, or has a field twice.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        loader = _Loader(text)
        found = []
        while loader.check_node():
            lines: dict[Location, int] = {}
            content = _content(loader, loader.get_node(), file, (), lines)
            if content is not None:
                found.append(Document(file, content, lines))
    except (OSError, UnicodeDecodeError) as e:
        raise UnreadableError(f"cannot read {file}: {e.strerror if isinstance(e, OSError) else 'it is not UTF-8 text'}") from e
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        raise UnreadableError(f"{where}: is no YAML: {getattr(e, 'problem', None) or 'it has characters that YAML does not allow'}") from e
    return found


def load_all(path: str) -> list[Document]:
    """The documents of a file, or of every .yaml and .yml file in a directory and below it, in order of their names."""
    if not Path(path).is_dir():
        return load(path)
    files = sorted(f for f in Path(path).rglob("*") if f.suffix in (".yaml", ".yml"))
    return [document for f in files for document in load(str(f))]


def dump(content: Any) -> str:  # noqa: ANN401  # Any JSON value.
    """`content` as one YAML document, the way kubectl prints it."""
    return str(yaml.dump(content, Dumper=_Dumper, default_flow_style=False, sort_keys=True, width=1000, allow_unicode=True))


def _content(loader: _Loader, node: Any, file: str, at: Location, lines: dict[Location, int]) -> Any:  # noqa: ANN401  # Any JSON value.
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_content(loader, n, file, (*at, i), lines) for i, n in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node, deep=True)
    loader.flatten_mapping(node)
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in content:
            raise UnreadableError(f"{file}:{key_node.start_mark.line + 1}: has {key} twice in one object; keep one")
        lines[*at, key] = key_node.start_mark.line + 1
        content[key] = _content(loader, value_node, file, (*at, key), lines)
    return content
