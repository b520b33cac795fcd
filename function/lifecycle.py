"""How composed resources live and go: sharing, adopting, refusing and removing, each decided in one place.

Deleting an environment never reaches a function: Crossplane drops its finalizer and garbage collection
does the rest. So what must not be deleted by that is protected by the managementPolicies of its Object,
at all times, and what happens when a line is gone is remembered in the Object's annotations.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from function import kube, names
from function.desired import Composed, Life, Manifest, remote
from function.model.environment import Confirmation, Environment, Policies, RemovalPolicy
from function.observed import REMOTE, WANTED, Observed, dig
from function.readiness import Document

CREATE_ONLY = ("Observe", "Create", "LateInitialize")
KINDS = {"ControlPlane": "ControlPlane", "Namespace": "Group"}
"""What confirmedRemovals calls a remote kind."""


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
class Sight:
    """What is seen of an Object and its remote object.

    Attributes:
        remote: the remote object, or None where it is not seen.
        owner: the environment that it belongs to: "ours", "another", or "nobody".
        updating: whether the Object may change it already.
    """

    remote: Document | None
    owner: str
    updating: bool

    @classmethod
    def of(cls, env: Environment, key: str, observed: Observed) -> "Sight":
        """What is seen of `key`."""
        seen = observed.field(key, *REMOTE)
        label = dig(seen, "metadata", "labels", names.LABEL_ENVIRONMENT) or ""
        owner = "nobody" if label == "" else "ours" if label == names.environment_label(env.identity) else "another"
        return cls(seen if isinstance(seen, Mapping) else None, owner, may_update(policies_of(observed, key)))


def wanted(env: Environment, c: Composed, observed: Observed) -> Settled:
    """`c`, with the managementPolicies that what is observed of it allows."""
    sight = Sight.of(env, c.key, observed)
    if why := c.refused or _forbidden_change(c, sight, observed):
        return Settled(_again(env, c.key, observed), Notice(Trouble.REFUSED, c.key, title(c.key, c.entry), why))
    if c.manifest["kind"] != "Object":
        return Settled(c)
    conflict = _conflict(c, sight)
    policies = ("Observe",) if conflict else _policies(env, c, sight)
    annotations = {names.ANNOTATION_ENTRY: c.entry, names.ANNOTATION_WHEN_REMOVED: _when_removed(c, conflicting=bool(conflict)).value}
    return Settled(_with(c, policies, annotations), conflict)


def unwanted(  # noqa: PLR0911  # A ladder of reasons, the first of which decides.
    env: Environment, key: str, observed: Observed, *, replaced: bool, orphaned: bool
) -> Settled | None:
    """What becomes of `key`, whose line is gone; None lets Crossplane delete it.

    Args:
        env: the environment that no longer has it.
        key: an observed composed resource.
        observed: all that is observed.
        replaced: whether the environment still wants the same remote object under another key.
        orphaned: whether the control plane that it is inside is unwanted too.
    """
    if observed.field(key, "kind") in ("ProviderConfig", "Secret"):
        return None
    when = next((w for w in WhenRemoved if w.value == observed.annotation(key, names.ANNOTATION_WHEN_REMOVED)), WhenRemoved.ASK)
    if when is WhenRemoved.DROP:
        return None
    if when is WhenRemoved.LEAVE or replaced or orphaned or Sight.of(env, key, observed).owner == "another":
        return _left(env, key, observed)
    if when is WhenRemoved.ASK and env.removal_policy is RemovalPolicy.ORPHAN:
        return _left(env, key, observed)
    if when is WhenRemoved.ASK and env.removal_policy is RemovalPolicy.CONFIRM:
        confirmation = confirmation_for(key, observed)
        if confirmation not in env.confirmations:
            return _held(
                env,
                key,
                observed,
                f"is held because its line is gone: put it back, or add to spec.confirmedRemovals {_spelled(confirmation)}",
            )
        if confirmation.uid == "unknown":
            return _left(env, key, observed)
    if _protected(key, observed):
        return _held(env, key, observed, "is protected: put its line back with deletionProtection: false, then remove it")
    return _retired(env, key, observed)


def confirmation_for(key: str, observed: Observed) -> Confirmation:
    """The entry of confirmedRemovals that lets `key` go."""
    kind = observed.text(key, *WANTED, "kind")
    entry = observed.annotation(key, names.ANNOTATION_ENTRY) or key.rpartition("/")[2]
    return Confirmation(KINDS.get(kind, kind), entry, observed.text(key, *REMOTE, "metadata", "uid") or "unknown")


def policies_of(observed: Observed, key: str) -> tuple[str, ...]:
    """The managementPolicies that an observed Object has."""
    found = observed.field(key, "spec", "managementPolicies")
    return tuple(p for p in found if isinstance(p, str)) if isinstance(found, (list, tuple)) else ()


def may_update(policies: tuple[str, ...]) -> bool:
    """Whether an Object with these policies changes what it wraps."""
    return "*" in policies or "Update" in policies


def _policies(env: Environment, c: Composed, sight: Sight) -> tuple[str, ...]:
    if c.life is Life.LOCAL:
        return ("*",)
    if c.policies is Policies.OBSERVE:
        return ("Observe",)
    if c.life is Life.INSIDE:
        return Policies.WITHOUT_DELETE.value
    taken_over = c.adopt and sight.remote is not None
    if c.life is Life.USED or not (sight.owner == "ours" or taken_over or sight.updating):
        return CREATE_ONLY
    if env.removal_policy is RemovalPolicy.DELETE and c.policies is Policies.FULL:
        return ("*",)
    return Policies.WITHOUT_DELETE.value


def _when_removed(c: Composed, *, conflicting: bool) -> WhenRemoved:
    if c.life is Life.LOCAL:
        return WhenRemoved.DROP
    if conflicting or c.life is Life.USED or c.policies is not Policies.FULL:
        return WhenRemoved.LEAVE
    return WhenRemoved.ASK if c.life is Life.OWNED else WhenRemoved.DELETE


def _conflict(c: Composed, sight: Sight) -> Notice | None:
    """Whether what exists is somebody else's. Looking only is never a conflict."""
    if c.life is not Life.OWNED or c.policies is Policies.OBSERVE:
        return None
    if sight.owner == "another":
        text = f"belongs to another environment: remove it there, and its label {names.LABEL_ENVIRONMENT} in the Space"
    elif sight.owner == "nobody" and sight.remote is not None and not (c.adopt or sight.updating):
        text = (
            "exists already and is not this environment's: set adopt: true to take it over, or managementPolicies: [Observe] to look only"
        )
    else:
        return None
    return Notice(Trouble.CONFLICT, c.key, title(c.key, c.entry), text)


def _forbidden_change(c: Composed, sight: Sight, observed: Observed) -> str:
    """Why the API would refuse `c`: a field is fixed once the object exists."""
    had = observed.field(c.key, *WANTED, "spec") if c.immutable else None
    for path in c.immutable:
        new, before = dig(remote(c.manifest)["spec"], *path), dig(had, *path)
        is_ = before if new is None or sight.remote is None else dig(sight.remote, "spec", *path)
        if is_ != new and observed.seen(c.key):
            field = ".".join(path)
            return f"cannot change {field} once it exists: put it back as it was, or remove the control plane and make another"
    return ""


def _protected(key: str, observed: Observed) -> bool:
    return observed.text(key, *REMOTE, "metadata", "labels", names.LABEL_GROUP_PROTECTION) == "true"


def _held(env: Environment, key: str, observed: Observed, text: str) -> Settled:
    """As it is, but without Delete: deleting the environment must not delete what is held."""
    composed = _again(env, key, observed)
    if "*" in policies_of(observed, key):
        composed = _with(composed, Policies.WITHOUT_DELETE.value, {})
    return Settled(composed, Notice(Trouble.REMOVAL_PENDING, key, title(key, composed.entry), text))


def _retired(env: Environment, key: str, observed: Observed) -> Settled | None:
    """With Delete first; only when that is observed does the Object go, and the remote object with it."""
    if policies_of(observed, key) == ("*",):
        return None
    return Settled(_with(_again(env, key, observed), ("*",), {}))


def _left(env: Environment, key: str, observed: Observed) -> Settled | None:
    """Without Delete first, if it has it; only when that is observed does the Object go, and the remote object stays."""
    if not {"*", "Delete"} & set(policies_of(observed, key)):
        return None
    return Settled(_with(_again(env, key, observed), Policies.WITHOUT_DELETE.value, {}))


def _again(env: Environment, key: str, observed: Observed) -> Composed:
    return kube.restated(env, key, observed.document(key))


def _with(c: Composed, policies: tuple[str, ...], annotations: dict[str, str]) -> Composed:
    manifest: Manifest = {
        **c.manifest,
        "metadata": dict(c.manifest["metadata"]),
        "spec": {**c.manifest["spec"], "managementPolicies": list(policies)},
    }
    manifest["metadata"]["annotations"] = {**manifest["metadata"].get("annotations", {}), **annotations}
    return replace(c, manifest=manifest)


def _spelled(c: Confirmation) -> str:
    return f"{{kind: {c.kind}, name: {c.name}, uid: {c.uid}}}"


def title(key: str, entry: str) -> str:
    """What people call a resource: its family, its name in the environment, and where it is if that says more."""
    family, _, path = key.partition("/")
    noun = {"controlplane": "control plane", "providerconfig": "access to", "kubeconfig": "Secret"}.get(family, family)
    return f"{noun} {entry}" if path in ("", entry) else f"{noun} {entry} ({path})"
