"""How wanted resources live: sharing, adopting and refusing, each decided in one place. removal has how they go.

Deleting an environment never reaches a function: Crossplane drops its finalizer and garbage collection
does the rest. So what must not be deleted by that is protected by the managementPolicies of its Object,
at all times, and what happens when a line is gone is remembered in the Object's annotations.
"""

import enum
from dataclasses import dataclass, field, replace

from function import kube, names
from function.desired import Composed, Life, annotated, managed
from function.model.environment import Environment
from function.model.parts import Confirmation, Policies
from function.observed import REMOTE, WANTED, Observed
from function.reading import dig
from function.sight import Sight

CREATE_ONLY = ("Observe", "Create", "LateInitialize")
KINDS = {"ControlPlane": "ControlPlane", "Namespace": "Group"}
"""What confirmedRemovals calls a remote kind."""


_NOUNS = {
    "argocd": "Argo CD's",
    "connection": "connection Secret of",
    "connections": "Secret",
    "controlplane": "control plane",
    "flux": "Flux's",
    "kubeconfig": "Secret",
    "providerconfig": "access to",
    "upbound": "access to",
}


class WhenRemoved(enum.Enum):
    """What happens to an Object whose line is gone."""

    ASK = "Ask"
    """What removalPolicy says: hold, delete, or leave."""
    DELETE = "Delete"
    """The remote object goes too."""
    LEAVE = "Leave"
    """The Object goes, the remote object stays."""
    DROP = "Drop"
    """The Object goes, with the policies that it has."""


class Trouble(enum.Enum):
    """Why something is not as the environment says; each is a condition."""

    CONFLICT = "Conflict"
    REFUSED = "Refused"
    REMOVAL_PENDING = "RemovalPending"


@dataclass(frozen=True, slots=True)
class Notice:
    """One trouble with one resource, for people. `text` goes on from `title`."""

    trouble: Trouble
    key: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A composed resource as it is to be emitted, with the policies that it got, and what is wrong with it."""

    composed: Composed
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of the groups and control planes that other things go to.

    Attributes:
        foreign: keys of those that are somebody else's.
        unseen: keys of those of which it is not seen yet whose they are.
    """

    foreign: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)

    def learn(self, c: Composed, settled: Settled, sight: Sight) -> None:
        """Note what is known of `c`."""
        if c.life is Life.OWNED and (sight.owner == "another" or (settled.notice and settled.notice.trouble is Trouble.CONFLICT)):
            self.foreign.add(c.key)
        looked_at = c.policies is Policies.OBSERVE and sight.remote is not None
        if c.life is Life.OWNED and not looked_at and not sight.ours:
            self.unseen.add(c.key)


def wanted(env: Environment, c: Composed, observed: Observed, places: Places) -> Settled:
    """`c`, with the managementPolicies that what is observed of it, and of where it goes, allows."""
    if not managed(c.manifest):
        refused = Notice(Trouble.REFUSED, c.key, title(c.key, c.entry), c.refused) if c.refused else None
        return Settled(kube.restated(env, c.key, observed) if refused else c, refused)
    sight = Sight.of(env, c.key, observed)
    conflict = _conflict(c, sight, places)
    # What was told of somebody else's control plane by mistake goes as it came, with its line.
    kept = c.life is Life.LOCAL and sight.updating
    policies = ("Observe",) if conflict and not kept else _policies(env, c, sight, observed, places)
    annotations = {names.ANNOTATION_ENTRY: c.entry, names.ANNOTATION_WHEN_REMOVED: _when_removed(c, conflicting=bool(conflict)).value}
    if c.life is Life.OWNED and remembers(c.key, observed):
        c, annotations[names.SPARED] = remembering(c), "true"
    # What is being deleted must not delete more than it would have, and what was to be deleted is saved if it still can be.
    if "*" in policies and c.life is not Life.LOCAL and (sight.going or spared(env, c.key, observed)):
        policies = Policies.WITHOUT_DELETE.value
    why = "" if conflict else c.refused or ("" if c.policies is Policies.OBSERVE else _forbidden_change(c, sight, observed))
    if why:
        held = kube.restated(env, c.key, observed)
        # What is held may itself be what is refused: the remote object was there before, with another value.
        if policies != ("Observe",) and _forbidden_change(replace(c, manifest=held.manifest), sight, observed):
            policies = CREATE_ONLY
        settled = Settled(with_policies(held, policies, annotations), Notice(Trouble.REFUSED, c.key, title(c.key, c.entry), why))
    else:
        settled = Settled(with_policies(c, policies, annotations), conflict)
    places.learn(c, settled, sight)
    return settled


def barred(c: Composed, places: Places) -> bool:
    """Whether `c` may not be made, for what is somebody else's, or what it is not seen of yet: looking only is always allowed."""
    if c.guarded:
        return bool((places.foreign | places.unseen) & set(c.after))
    return not managed(c.manifest) and c.policies is not Policies.OBSERVE and bool(places.foreign & set(c.after))


def confirmation_for(key: str, observed: Observed) -> Confirmation:
    """The entry of confirmedRemovals that lets `key` go."""
    kind = observed.text(key, "kind")
    kind = observed.text(key, *WANTED, "kind") if kind == "Object" else kind
    entry = observed.annotation(key, names.ANNOTATION_ENTRY) or key.rpartition("/")[2]
    return Confirmation(KINDS.get(kind, kind), entry, observed.uid(key) or "unknown")


def spared(env: Environment, key: str, observed: Observed) -> bool:
    """Whether `key` is a group that something lives on in, and nobody has confirmed that it goes all the same."""
    return remembers(key, observed) and confirmation_for(key, observed) not in env.confirmations


def remembers(key: str, observed: Observed) -> bool:
    """Whether it is remembered of the group `key` that something lives on in it: here, or in the group itself."""
    if not key.startswith("group/"):
        return False
    return bool(observed.annotation(key, names.SPARED) or observed.text(key, *REMOTE, "metadata", "labels", names.SPARED))


def remembering(c: Composed) -> Composed:
    """The group `c`, which says itself that something lives on in it: its Object may go, and be made anew."""
    spec = c.manifest["spec"]
    group = spec["forProvider"]["manifest"]
    metadata = {**group["metadata"], "labels": {**group["metadata"].get("labels", {}), names.SPARED: "true"}}
    return replace(c, manifest={**c.manifest, "spec": {**spec, "forProvider": {"manifest": {**group, "metadata": metadata}}}})


def with_policies(c: Composed, policies: tuple[str, ...], annotations: dict[str, str]) -> Composed:
    """`c` with managementPolicies and more annotations."""
    spec = {**c.manifest["spec"], "managementPolicies": list(policies)}
    return replace(c, manifest={**annotated(c.manifest, annotations), "spec": spec})


def title(key: str, entry: str) -> str:
    """What people call a resource: its family, its name in the environment, and where it is if that says more."""
    family, _, path = key.partition("/")
    noun = _NOUNS.get(family, family)
    return f"{noun} {entry}" if path in ("", entry) else f"{noun} {entry} ({path})"


def _policies(  # noqa: PLR0911  # A ladder of reasons, the first of which decides.
    env: Environment, c: Composed, sight: Sight, observed: Observed, places: Places
) -> tuple[str, ...]:
    if c.life is Life.LOCAL:
        # What consumes a control plane is not told of it before it is seen whose that is.
        told = sight.updating or not places.unseen & set(c.after)
        return ("*",) if told else ("Observe",)
    if c.policies is Policies.OBSERVE or c.early or (c.life in (Life.INSIDE, Life.USED, Life.KEPT) and places.unseen & set(c.after)):
        return ("Observe",)
    if c.life is Life.INSIDE:
        return Policies.WITHOUT_DELETE.value
    if c.life is Life.OWNED and moved(c.key, str(dig(c.manifest, "metadata", "annotations", names.ANNOTATION_HOST)), observed):
        return ("Observe",)
    taken_over = (c.adopt or sight.made) and sight.remote is not None and sight.fresh
    if c.life is Life.USED or (c.life is Life.OWNED and not (sight.ours or taken_over)):
        return CREATE_ONLY
    if env.removal_policy == "Delete" and c.policies is Policies.FULL:
        return ("*",)
    return Policies.WITHOUT_DELETE.value


def moved(key: str, host: str, observed: Observed) -> bool:
    """Whether `key` was at another host until now: whose it is must be seen anew."""
    return observed.annotation(key, names.ANNOTATION_HOST) not in ("", host)


def _when_removed(c: Composed, *, conflicting: bool) -> WhenRemoved:
    if c.life is Life.LOCAL:
        return WhenRemoved.DROP
    if conflicting or c.life is Life.USED or c.policies is not Policies.FULL:
        return WhenRemoved.LEAVE
    return WhenRemoved.ASK if c.life in (Life.OWNED, Life.KEPT) or c.asks else WhenRemoved.DELETE


def _conflict(c: Composed, sight: Sight, places: Places) -> Notice | None:
    """Whether what exists is somebody else's. Looking only is never a conflict."""
    if c.policies is Policies.OBSERVE:
        return None
    if places.foreign & set(c.after):
        text = "goes to what is not this environment's: see what is said of that"
    elif c.life is Life.OWNED and sight.owner == "another":
        text = f"belongs to another environment: remove it there, and its label {names.LABEL_ENVIRONMENT} in the Space"
    elif c.life is Life.OWNED and sight.owner == "nobody" and sight.remote is not None and not (c.adopt or sight.made or sight.updating):
        text = (
            "exists already and is not this environment's: set adopt: true to take it over, or managementPolicies: [Observe] to look only"
        )
    else:
        return None
    return Notice(Trouble.CONFLICT, c.key, title(c.key, c.entry), text)


def _forbidden_change(c: Composed, sight: Sight, observed: Observed) -> str:
    """Why `c` would be refused, or ignored: a field is fixed once it exists."""
    wraps = c.manifest["kind"] == "Object"
    at = (*WANTED, "spec") if wraps else ("spec",)
    for path in c.immutable if observed.seen(c.key) else ():
        new, before = dig(c.manifest, *at, *path), observed.field(c.key, *at, *path)
        is_ = before if new is None or sight.remote is None or not wraps else dig(sight.remote, "spec", *path)
        if is_ != new:
            field = ".".join(p for p in path if p != "forProvider")
            return f"cannot change {field} once it exists: put it back as it was, or remove it and make another"
    return ""
