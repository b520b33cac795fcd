"""The table of contents, and the one law of emission: what is wanted and may exist, and what must not go yet."""

from collections.abc import Callable, Iterable, Mapping

from function import endpoints, kube, lifecycle, names, relations, removal, rollout
from function.desired import Composed, Life, Manifest, remote
from function.lifecycle import Settled
from function.model.environment import Environment
from function.observed import WANTED, Observed
from function.plan import Emitted, Plan
from function.resources import access, configuration, controlplane, group, other

FAMILIES: tuple[Callable[[Environment, Observed], Iterable[Composed]], ...] = (
    access.compose,
    group.compose,
    controlplane.compose,
    configuration.compose,
    other.compose,
)


def compose(env: Environment, observed: Observed) -> Plan:
    """What is to exist now. Wanted and observed is always emitted; unwanted and observed goes as removal says."""
    wanted = {c.key: c for family in FAMILIES for c in family(env, observed)}
    withheld = {c.key: c for c in wanted.values() if c.key not in observed and not all(observed.ready(n) for n in c.needs if n in wanted)}
    settled: dict[str, Settled | None] = {}
    places = lifecycle.Places()
    for c in wanted.values():
        if c.key not in withheld:
            settled[c.key] = lifecycle.wanted(env, c, observed, places)
    settled |= _unwanted(env, wanted, observed, places.foreign)
    settled = removal.spare_groups(env, settled, observed)
    stay = {key: s for key, s in settled.items() if s}
    return Plan(
        emitted=tuple(
            _emitted(wanted[key], _linked(s, wanted, observed), observed)
            if key in wanted
            else Emitted(key, s.composed.manifest, observed.ready(key), wanted=False)
            for key, s in stay.items()
        ),
        withheld=tuple(withheld.values()),
        notices=tuple(sorted((s.notice for s in stay.values() if s.notice), key=lambda n: (n.trouble.value, n.key))),
        wanted=wanted,
        going=tuple(key for key, s in settled.items() if s is None),
        rollout=rollout.of(env, observed),
    )


def _linked(settled: Settled, wanted: dict[str, Composed], observed: Observed) -> Manifest:
    """A manifest with its edges, and the annotations that say what has been ready once: all it comes after, and it itself."""
    c = settled.composed
    after = [a for a in c.after if a in wanted]
    if c.manifest.get("kind") != "Object" or not after:
        return c.manifest
    metadata, spec = c.manifest["metadata"], c.manifest["spec"]
    if observed.annotation(c.key, names.ANNOTATION_PREREQUISITES) or all(map(observed.ready, after)):
        metadata = {**metadata, "annotations": {**metadata["annotations"], names.ANNOTATION_PREREQUISITES: "true"}}
    if c.once and (observed.annotation(c.key, names.ANNOTATION_INSTALLED) or observed.ready(c.key)):
        metadata = {**metadata, "annotations": {**metadata["annotations"], names.ANNOTATION_INSTALLED: "true"}}
    references = [kube.reference(wanted[a].manifest) for a in after]
    return {**c.manifest, "metadata": metadata, "spec": {**spec, "references": references}}


def _emitted(c: Composed, manifest: Manifest, observed: Observed) -> Emitted:
    """`c`, ready if the Object is and already says what we want: its Ready speaks of what it says."""
    if manifest.get("kind") != "Object":
        return Emitted(c.key, manifest, observed.ready(c.key))
    want, have = remote(c.manifest), observed.field(c.key, *WANTED)
    stated = bool(have == want)
    # What an author wrote of metadata may be dropped by the API server, so it is not waited for.
    part = want if c.life is not Life.INSIDE else {k: v for k, v in want.items() if k != "metadata"}
    said = (stated or _within(part, have)) and observed.field(c.key, "spec", "managementPolicies") == manifest["spec"]["managementPolicies"]
    was = c.once and bool(observed.annotation(c.key, names.ANNOTATION_INSTALLED))
    return Emitted(c.key, manifest, (observed.ready(c.key) and said) or was, stated=stated)


def _within(want: object, have: object) -> bool:
    """Whether `have` says all that `want` says: the API server may add to what it is given."""
    if isinstance(want, dict):
        return isinstance(have, Mapping) and all(_within(v, have.get(k)) for k, v in want.items())
    return want == have


def _unwanted(env: Environment, wanted: dict[str, Composed], observed: Observed, foreign: set[str]) -> dict[str, Settled | None]:
    """What becomes of each key whose line is gone. Nothing goes while something that exists still refers to it."""
    # Control planes first: what is in one that is held is held with it.
    gone = sorted((key for key in observed if key not in wanted), key=lambda k: (not k.startswith("controlplane/"), k))
    if not gone:
        return {}
    referrers, places, hosts = relations.referrers(observed), relations.RemotePlaces(env, wanted, observed), endpoints.hosts(env, observed)
    out: dict[str, Settled | None] = {}
    for key in gone:
        inside = names.control_plane_of(key)
        leave = places.wanted_elsewhere(key) or bool(inside and inside not in wanted) or removal.in_conflict(key, foreign)
        held = removal.held_with(out.get(inside), env, key, observed)
        out[key] = held or removal.unwanted(env, key, observed, leave=leave, hosts=hosts)
        if out[key] is None and referrers[relations.identity(observed.document(key))] - {key}:
            out[key] = Settled(lifecycle.again(env, key, observed))
    return out
