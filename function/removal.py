"""How resources go whose line is gone: held, left or retired, each decided in one place."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from function import names
from function.desired import Composed
from function.lifecycle import CREATE_ONLY, Notice, Settled, Trouble, WhenRemoved, again, moved, title, with_policies
from function.model.environment import Confirmation, Environment, Policies, RemovalPolicy
from function.observed import REMOTE, WANTED, Observed, dig
from function.sight import Sight

KINDS = {"ControlPlane": "ControlPlane", "Namespace": "Group"}
"""What confirmedRemovals calls a remote kind."""


def unwanted(env: Environment, key: str, observed: Observed, *, leave: bool, hosts: Mapping[str, str]) -> Settled | None:
    """What becomes of `key`, whose line is gone; None lets Crossplane delete it.

    Args:
        env: the environment that no longer has it.
        key: an observed composed resource.
        observed: all that is observed.
        leave: whether the remote object is to live on, for a reason that does not lie in `key` itself.
        hosts: the host of each Space that the environment has.
    """
    when = next((w for w in WhenRemoved if w.value == observed.annotation(key, names.ANNOTATION_WHEN_REMOVED)), WhenRemoved.ASK)
    if when is WhenRemoved.DROP or observed.field(key, "kind") in ("ProviderConfig", "Secret"):
        return None
    sight, space = Sight.of(env, key, observed), names.space_of(key)
    if space in hosts and moved(key, hosts[space], observed):
        looking = with_policies(again(env, key, observed), CREATE_ONLY, {names.ANNOTATION_HOST: hosts[space]})
        return Settled(looking, _pending(key, looking, "is looked at once more: its Space has moved"))
    if why := _held_because(env, key, observed, when=when, leave=leave):
        held = again(env, key, observed)
        # Without Delete: deleting the environment must not delete what is held.
        held = with_policies(held, Policies.WITHOUT_DELETE.value, {}) if sight.deleting else held
        return Settled(held, _pending(key, held, why))
    if leave or _lives_on(env, sight, when) or confirmation_for(key, observed).uid == "unknown":
        # Without Delete first; only when that is observed does the Object go.
        return Settled(with_policies(again(env, key, observed), Policies.WITHOUT_DELETE.value, {})) if sight.deleting else None
    # With Delete first; only when that is observed does the Object go, and the remote object with it.
    return None if sight.policies == ("*",) else Settled(with_policies(again(env, key, observed), ("*",), {}))


def _held_because(env: Environment, key: str, observed: Observed, *, when: WhenRemoved, leave: bool) -> str:
    """Why `key` may not go yet, or an empty string."""
    sight, space = Sight.of(env, key, observed), names.space_of(key)
    if space in env.spaces and env.spaces[space].legacy:
        return f"is held because nothing can be in a Legacy Space: give Space {space} its type back"
    if leave or (_lives_on(env, sight, when) and sight.remote is not None):
        return ""
    if when is WhenRemoved.ASK and env.removal_policy is RemovalPolicy.CONFIRM:
        confirmation = confirmation_for(key, observed)
        if confirmation.uid == "unknown" and observed.seen(key):
            return "is held because its line is gone, and its Space cannot be read now: put it back, or wait"
        if confirmation not in env.confirmations:
            entry = f"{{kind: {confirmation.kind}, name: {confirmation.name}, uid: {confirmation.uid}}}"
            return f"is held because its line is gone: put it back, or add to spec.confirmedRemovals {entry}"
    if not _lives_on(env, sight, when) and dig(sight.remote, "metadata", "labels", names.LABEL_GROUP_PROTECTION) == "true":
        return "is protected: put its line back with deletionProtection: false, then remove it"
    return ""


def _lives_on(env: Environment, sight: Sight, when: WhenRemoved) -> bool:
    """Whether the remote object stays when its Object goes: it is not ours, or somebody chose so."""
    chosen = when is WhenRemoved.LEAVE or (when is WhenRemoved.ASK and env.removal_policy is RemovalPolicy.ORPHAN)
    return chosen or env.policies is not Policies.FULL or sight.owner == "another" or not sight.ours


def _pending(key: str, c: Composed, text: str) -> Notice:
    return Notice(Trouble.REMOVAL_PENDING, key, title(key, c.entry), text)


def spare_groups(env: Environment, settled: dict[str, Settled | None], observed: Observed) -> dict[str, Settled | None]:
    """`settled`, in which no group goes that something which is to live is inside: deleting a group deletes all in it."""
    inside = ((k, s) for k, s in settled.items() if k.startswith("controlplane/") and not _goes(env, k, s, observed))
    alive = {k.rpartition("/")[0].replace("controlplane/", "group/", 1): s for k, s in inside}
    out = dict(settled)
    for key, left in alive.items():
        if key in settled and _goes(env, key, settled[key], observed):
            kept = settled[key] or Settled(again(env, key, observed))
            # A control plane that is let go is not seen again: the group must remember not to go after it.
            annotations = {} if left else {names.ANNOTATION_WHEN_REMOVED: WhenRemoved.LEAVE.value}
            out[key] = Settled(with_policies(kept.composed, Policies.WITHOUT_DELETE.value, annotations), kept.notice)
    return out


def confirmation_for(key: str, observed: Observed) -> Confirmation:
    """The entry of confirmedRemovals that lets `key` go."""
    kind = observed.text(key, *WANTED, "kind")
    entry = observed.annotation(key, names.ANNOTATION_ENTRY) or key.rpartition("/")[2]
    return Confirmation(KINDS.get(kind, kind), entry, observed.text(key, *REMOTE, "metadata", "uid") or "unknown")


def in_conflict(key: str, conflicts: AbstractSet[str]) -> bool:
    """Whether the resource `key` is in a group or control plane that is somebody else's."""
    return any(key.startswith(f"resource/{c}/") for c in conflicts)


def _goes(env: Environment, key: str, settled: Settled | None, observed: Observed) -> bool:
    """Whether the remote object of `key` is deleted, with its Object or with the environment."""
    if settled is None:
        return Sight.of(env, key, observed).deleting
    return bool(settled.composed.manifest["spec"].get("managementPolicies") == ["*"])
