"""Which Secret holds a token now: the one answer for everything that uses tokens."""

from typing import overload

from function import names, relations
from function.model.parts import SecretKey, Token
from function.observed import Observed

_REF = ("spec", "writeConnectionSecretToRef")


@overload
def current(token: SecretKey | Token, observed: Observed) -> tuple[SecretKey, tuple[str, ...]]: ...
@overload
def current(token: SecretKey | Token | None, observed: Observed) -> tuple[SecretKey | None, tuple[str, ...]]: ...
def current(token: SecretKey | Token | None, observed: Observed) -> tuple[SecretKey | None, tuple[str, ...]]:
    """The Secret that holds `token` now, and the key of what writes it, which must be ready before.

    A new generation is used as soon as it is ready, and then for good. Until then it is the newest other one that works
    or is in use, and that is there as long as anything that exists refers to its Secret (compose): so nothing is ever
    without a token.
    """
    if not isinstance(token, Token):
        return token, ()
    wanted, used = names.token(token), relations.referrers(observed)
    working = observed.ready(wanted) and not observed.going(wanted)
    if working or used[relations.secret(token.secret.namespace, token.secret.name)]:
        return token.secret, (wanted,)
    for key in sorted((k for k in observed if k.startswith(names.generations(token)) and k != wanted), key=_generation, reverse=True):
        namespace, name = observed.text(key, *_REF, "namespace") or token.secret.namespace, observed.text(key, *_REF, "name")
        if name and not observed.going(key) and (observed.ready(key) or used[relations.secret(namespace, name)]):
            return SecretKey(namespace, name, token.secret.key), (key,)
    return token.secret, (wanted,)


def named_by(key: str, observed: Observed) -> list[str]:
    """The robots' tokens that `key`, which is no Object, says it was made with."""
    return [k for k in observed.annotation(key, names.ANNOTATION_AFTER).split(",") if k.startswith("token/")]


def _generation(key: str) -> tuple[int, str]:
    return len(key), key
