"""How resources go whose line is gone: held, left or retired, each decided in one place."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from function import kube, lifecycle, names, relations
from function.desired import Composed, managed
from function.lifecycle import Notice, Settled, Trouble, WhenRemoved
from function.model.environment import Environment
from function.model.parts import Policies
from function.observed import Observed
from function.reading import dig
from function.sight import Sight


def held_with(home: Settled | None, env: Environment, key: str, observed: Observed) -> Settled | None:
    """`key` as it is, if it is asked about and in a control plane that is held: it is known then when the line is put back."""
    if home and home.notice and observed.annotation(key, names.ANNOTATION_WHEN_REMOVED) == WhenRemoved.ASK.value:
        return Settled(_without_delete(kube.restated(env, key, observed), Sight.of(env, key, observed)))
    return None


def unwanted(env: Environment, key: str, observed: Observed, *, leave: bool, hosts: Mapping[str, str]) -> Settled | None:
    """What becomes of `key`, whose line is gone; None lets Crossplane delete it.

    Args:
        env: the environment that no longer has it.
        key: an observed composed resource.
        observed: all that is observed.
        leave: whether the remote object is to live on, for a reason that does not lie in `key` itself.
        hosts: the host of each Space that the environment has.
    """
    when = next((w for w in WhenRemoved if w.value == observed.annotation(key, names.ANNOTATION_WHEN_REMOVED)), None)
    if when is WhenRemoved.DROP or not managed(observed.document(key)):
        return None
    now, sight, space = kube.restated(env, key, observed), Sight.of(env, key, observed), names.space_of(key)
    if sight.going and not sight.deleting:
        return None
    if when is WhenRemoved.ASK and not sight.going and space in hosts and lifecycle.moved(key, hosts[space], observed):
        looking = lifecycle.with_policies(now, ("Observe",), {names.ANNOTATION_HOST: hosts[space]})
        return Settled(looking, _pending(key, looking, "is looked at once more: its Space has moved"))
    unknown = "" if leave else _held_unknown(env, key, observed, when=when)
    when = when or WhenRemoved.ASK
    if why := unknown or _held_because(env, key, observed, when=when, leave=leave):
        kept = _without_delete(now, sight)
        return Settled(kept, _pending(key, kept, why))
    if leave or _lives_on(env, key, observed, when) or lifecycle.confirmation_for(key, observed).uid == "unknown":
        # Without Delete first; only when that is observed does the Object go.
        return Settled(lifecycle.with_policies(now, Policies.WITHOUT_DELETE.value, {})) if sight.deleting else None
    # With Delete first; only when that is observed does the Object go, and the remote object with it. What is confirmed by
    # its uid goes only once the provider has looked again: a later namesake would be seen by then.
    gone = sight.policies == ("*",) and (not _confirming(env, when) or sight.going or _read(key, observed))
    return None if gone else Settled(lifecycle.with_policies(now, ("*",), {}))


def _confirming(env: Environment, when: WhenRemoved) -> bool:
    """Whether somebody has to agree."""
    return when is WhenRemoved.ASK and env.removal_policy == "Confirm"


def _read(key: str, observed: Observed) -> bool:
    """Whether the provider of `key` has looked since its spec last changed, and could: it begins with how far it got."""
    synced = observed.condition(key, "Synced")
    looked = str(synced.get("message")).startswith(("create failed", "update failed", "delete failed")) or observed.absent(key)
    return observed.fresh(key) and (synced.get("status") != "False" or looked)


def _without_delete(c: Composed, sight: Sight) -> Composed:
    """`c` as it is, but for Delete: deleting the environment must not delete what is held."""
    return lifecycle.with_policies(c, Policies.WITHOUT_DELETE.value, {}) if sight.deleting else c


def _held_unknown(env: Environment, key: str, observed: Observed, *, when: WhenRemoved | None) -> str:
    """Why `key` may not go where what was noted of it is lost, or an empty string."""
    lost = when is None or (names.space_of(key) and not observed.annotation(key, names.ANNOTATION_HOST))
    text = "is held because its annotations are lost, which say how it goes: put its line back first"
    return text if lost and lifecycle.confirmation_for(key, observed) not in env.confirmations else ""


def _held_because(env: Environment, key: str, observed: Observed, *, when: WhenRemoved, leave: bool) -> str:
    """Why `key` may not go yet, or an empty string."""
    sight, space = Sight.of(env, key, observed), names.space_of(key)
    if space in env.spaces and env.spaces[space].legacy:
        return f"is held because nothing can be in a Legacy Space: give Space {space} its type back"
    lives_on, confirmation = _lives_on(env, key, observed, when), lifecycle.confirmation_for(key, observed)
    confirming = _confirming(env, when)
    if leave or (lives_on and not (confirming and (sight.remote is None or lifecycle.spared(env, key, observed)))):
        return ""
    # What is read already as what is to go has been confirmed; anything else could be a namesake by now.
    unread = confirming and sight.policies != ("*",) and not sight.going and not _read(key, observed)
    if observed.seen(key) and (confirmation.uid == "unknown" or unread):
        return "is held because its line is gone, and it cannot be read now: put it back, or wait"
    if confirming and confirmation not in env.confirmations:
        entry = f"{{kind: {confirmation.kind}, name: {confirmation.name}, uid: {confirmation.uid}}}"
        return f"is held because its line is gone{_instead(env, key, observed)}: put it back, or add to spec.confirmedRemovals {entry}"
    if not lives_on and dig(sight.remote, "metadata", "labels", names.LABEL_GROUP_PROTECTION) == "true":
        return "is protected: put its line back with deletionProtection: false, then remove it"
    return ""


def _instead(env: Environment, key: str, observed: Observed) -> str:
    """What its line says now, where it was renamed or moved: that is a removal and a creation."""
    place, _, name = key.rpartition("/")
    entry = lifecycle.confirmation_for(key, observed).name
    for c in env.control_planes if key.startswith("controlplane/") else ():
        other = names.control_plane(c)
        moved_or_renamed = not observed.seen(other) and (c.name == name or other.startswith(f"{place}/"))
        if other != key and (c.entry == entry or moved_or_renamed):
            return f" (renaming or moving it makes another one: {lifecycle.title(other, c.entry)})"
    return ""


def _lives_on(env: Environment, key: str, observed: Observed, when: WhenRemoved) -> bool:
    """Whether the remote object stays when its Object goes: it is not ours, or somebody chose so."""
    sight = Sight.of(env, key, observed)
    chosen = when is WhenRemoved.LEAVE or (when is WhenRemoved.ASK and env.removal_policy == "Orphan")
    # An Object that only looked for a moment was ours to change before: its annotation says so.
    known = bool(observed.annotation(key, names.ANNOTATION_WHEN_REMOVED))
    ours = sight.ours or (known and sight.owner == "ours" and sight.fresh)
    return chosen or env.policies is not Policies.FULL or sight.owner == "another" or not ours or lifecycle.spared(env, key, observed)


def _pending(key: str, c: Composed, text: str) -> Notice:
    return Notice(Trouble.REMOVAL_PENDING, key, lifecycle.title(key, c.entry or key.rpartition("/")[2]), text)


def spare_groups(env: Environment, settled: dict[str, Settled | None], observed: Observed) -> dict[str, Settled | None]:
    """`settled`, in which no group goes that something which is to live is inside: deleting a group deletes all in it."""
    lives: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    left: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    groups = [key for key in settled if key.startswith("group/")]
    for key, s in settled.items():
        # What holds data in a group is held like a control plane.
        held = key.startswith("resource/group/") and s and s.notice and s.notice.trouble is Trouble.REMOVAL_PENDING
        if held or (key.startswith("controlplane/") and not _goes(env, key, s, observed)):
            host, namespace, name = _place(env, key, s, observed)
            (lives if s else left)[host, namespace].add(key if held else name)
    out = dict(settled)
    for key in groups:
        s = settled[key]
        host, _, name = _place(env, key, s, observed)
        place = host, name
        # What is let go is not seen again, so the group must remember it; unless it is wanted under another key.
        forgotten = bool(left[place] - lives[place])
        if (_goes(env, key, s, observed) and (lives[place] or forgotten)) or (s and forgotten):
            out[key] = _spare(s or Settled(kube.restated(env, key, observed)), remember=forgotten)
    return out


def _spare(settled: Settled, *, remember: bool) -> Settled:
    """A group without Delete."""
    policies = tuple(dig(settled.composed.manifest, "spec", "managementPolicies") or ())
    kept = Policies.WITHOUT_DELETE.value if policies == ("*",) else policies
    c = lifecycle.remembering(settled.composed) if remember else settled.composed
    return Settled(lifecycle.with_policies(c, kept, {names.SPARED: "true"} if remember else {}), settled.notice)


def _place(env: Environment, key: str, s: Settled | None, observed: Observed) -> tuple[str, str, str]:
    """The host, namespace and name of the remote object of `key`."""
    host, *_, namespace, name = relations.place(env, key, s.composed.manifest if s else observed.document(key))
    return host, namespace, name


def in_conflict(key: str, conflicts: AbstractSet[str]) -> bool:
    """Whether the thing `key` is in a group or control plane that is somebody else's."""
    return names.control_plane_of(key) in conflicts or any(key.startswith(f"resource/{c}/") for c in conflicts)


def _goes(env: Environment, key: str, settled: Settled | None, observed: Observed) -> bool:
    """Whether the remote object of `key` is deleted, with its Object or with the environment."""
    if settled is None:
        return Sight.of(env, key, observed).deleting
    return bool(settled.composed.manifest["spec"].get("managementPolicies") == ["*"])
