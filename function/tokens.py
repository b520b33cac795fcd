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
    if observed.ready(wanted) or used["Secret", token.secret.name]:
        return token.secret, (wanted,)
    for key in sorted((k for k in observed if k.startswith(names.generations(token)) and k != wanted), key=_generation, reverse=True):
        name, going = observed.text(key, *_REF, "name"), observed.field(key, "metadata", "deletionTimestamp")
        if name and not going and (observed.ready(key) or used["Secret", name]):
            return SecretKey(observed.text(key, *_REF, "namespace") or token.secret.namespace, name, token.secret.key), (key,)
    return token.secret, (wanted,)


def _generation(key: str) -> tuple[int, str]:
    return len(key), key
