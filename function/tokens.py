"""Which Secret holds a token now: the one answer for everything that uses tokens."""

from function import names, relations
from function.model.environment import SecretKey, Token
from function.observed import Observed

_REF = ("spec", "writeConnectionSecretToRef")


def current(token: SecretKey | Token, observed: Observed) -> tuple[SecretKey, tuple[str, ...]]:
    """The Secret that holds `token` now, and the keys that must be ready before it does.

    A new generation is used as soon as it is ready, and then for good. Until then it is the newest other one that works,
    and an older one is there as long as anything that exists refers to its Secret (compose): so nothing is ever without.
    """
    if isinstance(token, SecretKey):
        return token, ()
    wanted = names.token(token)
    if not observed.ready(wanted) and not relations.referrers(observed)["Secret", token.secret.name]:
        for key in sorted((k for k in observed if k.startswith(names.tokens(token)) and k != wanted), key=_generation, reverse=True):
            if observed.ready(key) and not observed.field(key, "metadata", "deletionTimestamp"):
                namespace = observed.text(key, *_REF, "namespace") or token.secret.namespace
                return SecretKey(namespace, observed.text(key, *_REF, "name"), token.secret.key), ()
    return token.secret, (wanted,)


def _generation(key: str) -> tuple[int, str]:
    return len(key), key
