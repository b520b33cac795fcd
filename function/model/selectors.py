"""Selectors of the Space API, as far as this function reads them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from function.model import types as t
from function.model.parts import ControlPlane


class _Expression(t.Model):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Annotated[tuple[str, ...], t.AsTuple] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        among = value is not None if self.operator in ("Exists", "DoesNotExist") else value in self.values
        return among == (self.operator in ("In", "Exists"))


class _Labels(t.Model):
    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: Annotated[tuple[_Expression, ...], t.AsTuple] = ()


class Selector(_Labels):
    """A selector of the Space API, with the short form of ours."""

    names: Annotated[tuple[str, ...], t.AsTuple] = ()
    label_selectors: Annotated[tuple[_Labels, ...], t.AsTuple] = ()


def parsed(selector: object) -> Selector | None:
    """`selector`, or None where it is none."""
    try:
        return Selector.model_validate(selector)
    except ValidationError:
        return None


def selects(selector: object, c: ControlPlane) -> bool:
    """Whether `selector` means `c`: its name where names are given, and any of the labels where those are."""
    found = parsed(selector or {}) or Selector()
    labels = [*found.label_selectors, *([found] if found.match_labels or found.match_expressions else [])]
    has = {**c.labels, **c.mark}
    return (not found.names or c.name in found.names) and (not labels or any(_match(one, has) for one in labels))


def _match(selector: _Labels, labels: Mapping[str, str]) -> bool:
    return selector.match_labels.items() <= labels.items() and all(e.holds(labels) for e in selector.match_expressions)
