"""The table of contents, and the one law of emission: what is wanted and may exist, and what must not go yet."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from function import kube, lifecycle, names, relations
from function.desired import Composed, Life, Manifest, remote
from function.lifecycle import Settled
from function.model.environment import Environment
from function.observed import WANTED, Observed
from function.plan import Emitted, Plan
from function.resources import access, controlplane, group, other

FAMILIES: tuple[Callable[[Environment, Observed], Iterable[Composed]], ...] = (
    access.compose,
    group.compose,
    controlplane.compose,
    other.compose,
)


def compose(env: Environment, observed: Observed) -> Plan:
    """What is to exist now. Wanted and observed is always emitted; unwanted and observed goes as lifecycle says."""
    wanted = {c.key: c for family in FAMILIES for c in family(env, observed)}
    withheld = {c.key: c for c in wanted.values() if c.key not in observed and not all(observed.ready(n) for n in c.needs if n in wanted)}
    now = [(c, lifecycle.wanted(env, c, observed)) for c in wanted.values() if c.key not in withheld]
    gone = list(_unwanted(env, [key for key in observed if key not in wanted], wanted, observed))
    kept = [(key, settled) for key, settled in gone if settled]
    notices = [s.notice for _, s in (*now, *kept) if s.notice]
    return Plan(
        emitted=(
            *(_emitted(c, _linked(s, wanted, observed), observed) for c, s in now),
            *(Emitted(key, s.composed.manifest, observed.ready(key), wanted=False) for key, s in kept),
        ),
        withheld=tuple(withheld.values()),
        notices=tuple(sorted(notices, key=lambda n: (n.trouble.value, n.key))),
        wanted=wanted,
        going=tuple(key for key, settled in gone if settled is None),
    )


def _linked(settled: Settled, wanted: dict[str, Composed], observed: Observed) -> Manifest:
    """A manifest with its edges, and the annotation that says that all it comes after has been ready once."""
    c = settled.composed
    after = [a for a in c.after if a in wanted]
    if c.manifest["kind"] != "Object" or not after:
        return c.manifest
    metadata, spec = c.manifest["metadata"], c.manifest["spec"]
    if observed.annotation(c.key, names.ANNOTATION_PREREQUISITES) or all(map(observed.ready, after)):
        metadata = {**metadata, "annotations": {**metadata["annotations"], names.ANNOTATION_PREREQUISITES: "true"}}
    references = [kube.reference(wanted[a].manifest) for a in after]
    return {**c.manifest, "metadata": metadata, "spec": {**spec, "references": references}}


def _emitted(c: Composed, manifest: Manifest, observed: Observed) -> Emitted:
    """`c`, ready if the Object is and already says what we want: its Ready speaks of what it says."""
    if manifest["kind"] != "Object":
        return Emitted(c.key, manifest, observed.ready(c.key))
    want, have = remote(c.manifest), observed.field(c.key, *WANTED)
    stated = bool(have == want)
    said = stated or c.life is not Life.OWNED or _within(want, have)
    return Emitted(c.key, manifest, observed.ready(c.key) and said, stated=stated)


def _within(want: object, have: object) -> bool:
    """Whether `have` says all that `want` says: the API server may add to what it is given."""
    if isinstance(want, dict):
        return isinstance(have, Mapping) and all(_within(v, have.get(k)) for k, v in want.items())
    return want == have


def _unwanted(env: Environment, gone: list[str], wanted: dict[str, Composed], observed: Observed) -> Iterator[tuple[str, Settled | None]]:
    """What becomes of each key whose line is gone. Nothing goes while something that exists still refers to it."""
    if not gone:
        return
    referrers, places = relations.referrers(observed), relations.RemotePlaces(wanted, observed)
    for key in gone:
        inside = names.control_plane_of(key)
        orphaned = bool(inside) and inside not in wanted
        settled = lifecycle.unwanted(env, key, observed, replaced=places.wanted_elsewhere(key), orphaned=orphaned)
        if settled is None and referrers[relations.identity(observed.document(key))] - {key}:
            settled = Settled(kube.restated(env, key, observed.document(key)))
        yield key, settled
