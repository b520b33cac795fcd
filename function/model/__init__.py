"""The API: what an environment may say, what it means, and what is wrong with one. pydantic stops here."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from function.model import tenancy
from function.model.environment import Environment
from function.model.errors import InvalidError, Problem, from_pydantic
from function.model.input import Input
from function.model.parts import Identity
from function.model.resolve import Resolver
from function.model.spec import Spec
from function.model.types import Model
from function.reading import dig, mapping

__all__ = ["Identity", "InvalidError", "author_spec", "identify", "parse"]

GROUP_CLAIMS = "environments.upbound.io"
GROUP_NAMESPACED = "environments.m.upbound.io"
VERSION = "v1alpha1"
KIND = "UpboundEnvironment"
KIND_COMPOSITE = "XUpboundEnvironment"

_MACHINERY = frozenset(
    {
        "claimRef",
        "compositeDeletePolicy",
        "compositionRef",
        "compositionRevisionRef",
        "compositionRevisionSelector",
        "compositionSelector",
        "compositionUpdatePolicy",
        "publishConnectionDetailsTo",
        "resourceRef",
        "resourceRefs",
        "writeConnectionSecretToRef",
    }
)
"""Fields of spec that are Crossplane's own, on claims and their composites (crossplane pkg/xcrd/schemas.go)."""

_M = TypeVar("_M", bound=Model)


def parse(composite: Mapping[str, Any], input_: Mapping[str, Any]) -> Environment:
    """The environment that `composite` describes, under the rules of `input_`.

    Args:
        composite: an XR of either API, as plain Python values.
        input_: the Input of the Composition's step; empty where the step has none.

    Raises:
        InvalidError: with every problem that is found, each with its field.
    """
    if not input_:
        raise InvalidError([Problem((), "the Composition's step has no input; install the Composition of package/install, which has one")])
    rules = _validated(Input, {k: v for k, v in input_.items() if k != "metadata"}, ("input",))
    spec = _validated(Spec, author_spec(composite), ("spec",))
    identity, namespaced = identify(composite)
    env = Resolver(spec, rules, identity, namespaced=namespaced).environment()
    problems = dict.fromkeys(tenancy.problems(env, spec, rules))
    if problems:
        raise InvalidError(problems)
    return env


def identify(composite: Mapping[str, Any]) -> tuple[Identity, bool]:
    """Who the environment is, and whether it is namespaced. Labels never count: a tenant can set them."""
    name, claim = str(dig(composite, "metadata", "name")), mapping(composite, "spec", "claimRef")
    if namespace := dig(composite, "metadata", "namespace"):
        return Identity(str(namespace), name), True
    if claim.get("namespace") and claim.get("name"):
        return Identity(str(claim["namespace"]), str(claim["name"])), False
    return Identity("", name), False


def author_spec(composite: Mapping[str, Any]) -> Any:  # noqa: ANN401  # Whatever the author wrote, right or wrong.
    """The spec without the fields that belong to Crossplane: `crossplane`, or on claims the older ones."""
    spec = composite.get("spec", {})
    if not isinstance(spec, Mapping):
        return spec
    namespaced = bool(dig(composite, "metadata", "namespace"))
    machinery = frozenset({"crossplane"}) if namespaced else _MACHINERY | {"crossplane"}
    return {k: v for k, v in spec.items() if k not in machinery}


def _validated(model: type[_M], document: Any, at: tuple[str, ...]) -> _M:  # noqa: ANN401  # Not validated yet.
    try:
        return model.model_validate(document)
    except ValidationError as e:
        raise InvalidError(from_pydantic(e, model, at)) from None
