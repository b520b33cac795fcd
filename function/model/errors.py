"""What is wrong with an environment, in sentences: the field, what is wrong, what to write."""

import difflib
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from function.model.types import PATTERN_HINTS

Location = tuple[str | int, ...]
_LONGEST_NAME = 63
_MOST = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Never quotes a value that could be a secret."""

    at: Location
    text: str

    @property
    def path(self) -> str:
        """The field, as kubectl explain and jsonpath spell it: spec.spaces[0].host."""
        return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.at).lstrip(".")

    def __str__(self) -> str:
        """`field: what is wrong; what to write`."""
        return f"{self.path}: {self.text}" if self.at else self.text


class InvalidError(Exception):
    """The environment or the Input cannot be used; `problems` says all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems, in the order in which the document has them."""
        self.problems = tuple(problems)
        shown, more = self.problems[:_MOST], len(self.problems) - _MOST
        super().__init__("; ".join([*map(str, shown), *([f"and {more} more"] if more > 0 else [])]))


def from_pydantic(error: ValidationError, model: type[BaseModel], at: Location) -> list[Problem]:
    """Every failure of `model`, as sentences under the field `at`."""
    return [
        Problem((*at, *_visible(e["loc"])), _sentence(e["type"], e.get("ctx", {}), e["loc"], model))
        for e in error.errors(include_url=False, include_input=False)
    ]


def unknown(at: Location, name: str, known: Iterable[str]) -> Problem:
    """That `name` is not in the environment, and what is."""
    return Problem(at, f"names {name}, which is not in this environment{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """`: did you mean x?`, or the list of what is known where nothing is near."""
    names = sorted(known)
    if len(names) > _MOST:
        return ""  # Looking for the nearest of many, for many, would take the function's time from others.
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; write one of {', '.join(names)}" if names else ""


def _visible(loc: Location) -> Location:
    """`loc` without what pydantic adds to it: [key] after the key of a map."""
    return tuple(str(p)[:_LONGEST_NAME] if isinstance(p, str) else p for p in loc if p != "[key]")


_SENTENCES = {
    "missing": "is required",
    "string_too_long": "is too long; write at most {max_length} characters",
    "string_too_short": "is empty; write at least one character",
    "too_long": "has too many entries; write at most {max_length}",
    "literal_error": "is not one of the values; write {expected}",
    "string_type": "is not a string; write it in quotes",
    "int_type": "is not a whole number; write it without quotes",
    "greater_than_equal": "is too small; write {ge} or more",
    "less_than_equal": "is too large; write {le} or less",
    "bool_type": "is not a boolean; write true or false, without quotes",
    "tuple_type": "is not a list; begin each entry with '- '",
    "management_policies": "is not one of the sets; {hint}",
}
"""What to say for each kind of error that pydantic has; for all others, an object was expected."""


def _sentence(kind: str, ctx: dict[str, Any], loc: Location, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"is not a field of {_owner(loc)}{nearest(str(loc[-1]), _fields(loc[:-1], model))}"
    if kind == "string_pattern_mismatch":
        return f"is not valid; {PATTERN_HINTS[ctx['pattern']]}"
    return _SENTENCES.get(kind, "is not an object; write 'field: value' lines").format(**ctx)


def _owner(loc: Location) -> str:
    names = [p for p in loc[:-1] if isinstance(p, str)]
    return names[-1] if names else "spec"


def _fields(loc: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """The fields that the object at `loc` of `model` has."""
    current: Any = model
    for part in loc:
        if isinstance(part, str):
            current = next(f.annotation for f in current.model_fields.values() if f.alias == part)
        current = _model_in(current)
    return [str(f.alias) for f in current.model_fields.values()]


def _model_in(annotation: Any) -> type[BaseModel]:  # noqa: ANN401  # Type annotations have no common type.
    """The model inside `X | None`, `tuple[X, ...]` or X itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(a) for a in typing.get_args(annotation) if a not in (type(None), Ellipsis))
    return next(inside)
