"""The table of contents, and the one law of emission: what is wanted and may exist, and what must not go yet."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from function import endpoints, kube, lifecycle, names, relations, removal, rollout, tokens
from function.desired import Composed, Life, Manifest, annotated, managed, remote
from function.lifecycle import Settled
from function.model.environment import Environment
from function.observed import Observed
from function.plan import Emitted, Plan
from function.resources import access, argocd, configuration, connection, connector, controlplane, flux, group, iam, other

UNSEEN = "waits until it is seen that what it is for is this environment's"

FAMILIES: tuple[Callable[[Environment, Observed], Iterable[Composed]], ...] = (
    access.compose,
    group.compose,
    controlplane.compose,
    configuration.compose,
    other.compose,
    iam.compose,
    connection.compose,
    argocd.compose,
    flux.compose,
    connector.compose,
)


def compose(env: Environment, observed: Observed) -> Plan:
    """What is to exist now. Wanted and observed is always emitted; unwanted and observed goes as removal says."""
    wanted = {c.key: c for family in FAMILIES for c in family(env, observed)}
    withheld: dict[str, Composed] = {}
    settled: dict[str, Settled | None] = {}
    places = lifecycle.Places()
    for c in wanted.values():
        new, early, barred = c.key not in observed, _too_early(c, wanted, observed), lifecycle.barred(c, places)
        moves = new or (c.leads and _changes(c, observed))
        if not moves or not (early or barred or c.lacks):
            settled[c.key] = lifecycle.wanted(env, c, observed, places)
            continue
        if not (early or c.lacks):
            wanted[c.key] = replace(c, lacks=UNSEEN)
        if new:
            withheld[c.key] = wanted[c.key]
        else:
            settled[c.key] = Settled(kube.restated(env, c.key, observed))
    stated = [(key, s.composed.manifest) for key, s in settled.items() if s]
    settled |= _unwanted(env, wanted, observed, places.foreign, stated)
    settled = removal.spare_groups(env, settled, observed)
    stay = {key: s for key, s in settled.items() if s}
    linked = {key: _linked(s, wanted, observed) if key in wanted else s.composed.manifest for key, s in stay.items()}
    manifests = relations.secured(linked, observed)
    emitted = tuple(
        _emitted(wanted[key], manifest, observed) if key in wanted else Emitted(key, manifest, observed.ready(key))
        for key, manifest in manifests.items()
    )
    return Plan(
        emitted=emitted,
        withheld=tuple(withheld.values()),
        notices=tuple(sorted((s.notice for s in stay.values() if s.notice), key=lambda n: (n.trouble.value, n.key))),
        wanted=wanted,
        going=tuple(key for key, s in settled.items() if s is None),
        rollout=replace(rollout.of(env, observed), changing=frozenset(e.key for e in emitted if not e.stated)),
    )


def _too_early(c: Composed, wanted: dict[str, Composed], observed: Observed) -> bool:
    """Whether something that `c` needs is not ready, what it would be bound to is going, or what it is instead of is still there."""
    # A UUID is resolved once. What works while it is going, as a ProviderConfig in use does, holds nothing up.
    bound = (k for k in c.after if c.life is Life.ISSUED and k != names.UPBOUND)
    return (
        not all(observed.ready(n) for n in c.needs if n in wanted)
        or any(map(observed.going, bound))
        or any(k in observed for k in c.instead_of)
    )


def _changes(c: Composed, observed: Observed) -> bool:
    """Whether `c` says something else than what is observed of it."""
    return not _within({part: c.manifest[part] for part in ("spec", "data") if part in c.manifest}, observed.document(c.key))


def _linked(settled: Settled, wanted: dict[str, Composed], observed: Observed) -> Manifest:
    """A manifest with its edges, and the annotations that say what has been ready once: all it comes after, and it itself."""
    c = settled.composed
    after = [a for a in c.after if a in wanted]
    if not managed(c.manifest):
        # A generation of a token that is in use need not be the wanted one, and stays until what uses it works with another.
        works = not c.after or (observed.ready(c.key) and not c.lacks and not _changes(c, observed))
        before = () if works else tokens.named_by(c.key, observed)
        after = [a for a in dict.fromkeys((*c.after, *before)) if a in wanted or a in observed]
        return annotated(c.manifest, {names.ANNOTATION_AFTER: ",".join(after)} if after else {})
    if c.manifest["kind"] != "Object" or not after:
        return c.manifest
    once = {names.ANNOTATION_PREREQUISITES: after, **({names.ANNOTATION_INSTALLED: [c.key]} if c.once else {})}
    annotations = {a: "true" for a, keys in once.items() if observed.annotation(c.key, a) or all(map(observed.ready, keys))}
    spec = {**c.manifest["spec"], "references": [kube.reference(wanted[a].manifest) for a in after]}
    return {**annotated(c.manifest, annotations), "spec": spec}


def _emitted(c: Composed, manifest: Manifest, observed: Observed) -> Emitted:
    """`c`, ready if what is observed is and already says what we want: its Ready speaks of what it says."""
    if not managed(manifest):
        # What Ready says of a Release is of what it said until now.
        said = manifest.get("kind") != "Release" or _within(manifest["spec"]["forProvider"], observed.field(c.key, "spec", "forProvider"))
        waits = c.leads and not all(observed.ready(n) for n in c.needs)
        return Emitted(c.key, manifest, observed.ready(c.key) and said and not c.lacks and not waits)
    want, have = remote(c.manifest), observed.said(c.key)
    stated = bool(have == want)
    # What an author wrote of metadata may be dropped by the API server, so it is not waited for.
    part = want if c.life not in (Life.INSIDE, Life.KEPT) else {k: v for k, v in want.items() if k != "metadata"}
    said = (stated or _within(part, have)) and observed.field(c.key, "spec", "managementPolicies") == manifest["spec"]["managementPolicies"]
    was = c.once and bool(observed.annotation(c.key, names.ANNOTATION_INSTALLED))
    return Emitted(c.key, manifest, (observed.ready(c.key) and said and not c.lacks) or was, stated=stated)


def _within(want: object, have: object) -> bool:
    """Whether `have` says all that `want` says: the API server may add to what it is given."""
    if isinstance(want, dict):
        return isinstance(have, Mapping) and all(_within(v, have.get(k)) for k, v in want.items())
    return want == have


def _unwanted(
    env: Environment, wanted: dict[str, Composed], observed: Observed, foreign: set[str], stated: list[tuple[str, Manifest]]
) -> dict[str, Settled | None]:
    """What becomes of each key whose line is gone. Nothing goes while something that exists, or is stated now, refers to it."""
    # Control planes first: what is in one that is held is held with it.
    gone = sorted((key for key in observed if key not in wanted), key=lambda k: (not k.startswith("controlplane/"), k))
    if not gone:
        return {}
    referrers, hosts = relations.referrers(observed, *stated), endpoints.hosts(env, observed)
    places = {relations.place(env, c.key, c.manifest) for c in wanted.values() if c.manifest["kind"] == "Object"}
    out: dict[str, Settled | None] = {}
    for key in gone:
        inside = names.control_plane_of(key)
        leave = (
            relations.place(env, key, observed.document(key)) in places
            or bool(inside and inside not in wanted)
            or removal.in_conflict(key, foreign)
        )
        with_home = removal.held_with(out.get(inside), env, key, observed)
        out[key] = with_home or removal.unwanted(env, key, observed, leave=leave, hosts=hosts)
        used = any(referrers[i] - {key} for i in relations.identities(observed.document(key))) or relations.acts(key, wanted, observed)
        # What is not in a Space is not even prepared to go while it is used: nothing but this holds it.
        if used and (out[key] is None or observed.field(key, "kind") != "Object"):
            settled = out[key]
            out[key] = Settled(kube.restated(env, key, observed), settled.notice if settled else None)
    # What consumes a control plane that is held stays too.
    held = [i for key, s in out.items() if s and s.notice for i in relations.identities(observed.document(key))]
    for key in {r for h in held for r in referrers[h] if r in out and r.startswith(names.CONSUMERS)}:
        out[key] = out[key] or Settled(kube.restated(env, key, observed))
    return out
