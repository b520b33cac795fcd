"""What people read: the environment's status and its conditions. Messages are the same for the same state, and never carry a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from function import diagnosis, endpoints, lifecycle, names, progress, readiness, relations, tokens, warnings
from function.desired import Composed, Life
from function.diagnosis import few
from function.leftbehind import left_behind
from function.lifecycle import Trouble
from function.model.consumed import ArgoCD, Connector, Flux, Source
from function.model.environment import Environment
from function.model.parts import ControlPlane, Policies, Token
from function.observed import REMOTE, Observed
from function.plan import Plan
from function.reading import dig

_ARGOCD = ("cluster", "externalsecret", "project", "application")
_FLUX = ("kubeconfig", "externalsecret", "kustomization")
_IDENTITY = (names.UPBOUND, "team/", "robot/", "membership/", "token/", "repository/", "permission/")
_MOST_TROUBLES = 40
_WORSE_IF_TRUE = ("Refused", "Conflict", "RemovalPending", "RolloutHalted")
_FAMILIES = (
    ("GroupsReady", ("group/",), "groups"),
    ("ControlPlanesReady", ("controlplane/",), "control planes"),
    ("ResourcesReady", ("resource/",), "resources"),
    ("IdentityReady", _IDENTITY, "resources of the organization"),
    ("RegistrationsReady", ("argocd/", "flux/", "connection"), "registrations"),
    ("ConnectorsReady", ("connector/",), "connectors"),
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the composite and its claim."""

    type: str
    status: bool
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """How one wanted resource is doing."""

    key: str
    entry: str
    ready: bool
    message: str


def report(env: Environment, plan: Plan, observed: Observed) -> tuple[dict[str, Any], list[Condition]]:
    """The composite's status, and its conditions, always all of them and in the same order."""
    lines = {line.key: line for line in _lines(plan, observed)}
    hosts = endpoints.hosts(env, observed)
    more = (progress.control_planes(plan.rollout, observed), _registrations(env, lines))
    control_planes = [
        _control_plane(env, c, lines, observed, hosts[c.space]) | more[0].get(c.entry, {}) | more[1].get(c.entry, {})
        for c in env.control_planes
    ]
    conditions = [
        _credentials(plan, observed),
        *(_family(lines.values(), *f) for f in _FAMILIES),
        *(Condition(*c) for c in progress.told(plan.rollout, observed)),
        *_troubles(plan),
        _deletable(env, plan, observed),
    ]
    ready = sum(bool(c["ready"]) for c in control_planes)
    status = {
        "controlPlanes": control_planes,
        "stages": list(progress.stages(plan.rollout, observed)),
        "rollout": progress.summary(plan.rollout),
        "groups": [_entry(lines[names.group(g.space, g.name)], space=g.space, group=g.name) for g in env.groups],
        "resources": [_entry(lines[names.resource(r)]) for r in env.resources],
        "teams": [_entry(lines[k], id=observed.annotation(k, names.ANNOTATION_EXTERNAL_NAME)) for k in map(names.team, env.iam.teams)],
        "tokens": [_token(t, lines[names.token(t)], observed) for t in env.iam.tokens.values()],
        "readyControlPlanes": ready,
        "totalControlPlanes": len(control_planes),
        "summary": f"{ready}/{len(control_planes)}",
        "message": _message(conditions, plan),
        "warnings": warnings.told(env, plan, observed),
        "leftBehind": left_behind(plan, observed),
    }
    return {k: v for k, v in status.items() if v or isinstance(v, int) or k == "controlPlanes"}, conditions


# One line a resource.


def _lines(plan: Plan, observed: Observed) -> Iterable[_Line]:
    emitted = {e.key: e for e in plan.emitted}
    notices = {n.key: n.text for n in plan.notices}
    for c in plan.wanted.values():
        ready = c.key in emitted and emitted[c.key].ready and c.key not in notices
        yield _Line(c.key, c.entry, ready, "" if ready else notices.get(c.key) or _why(c, plan, observed))


def _why(c: Composed, plan: Plan, observed: Observed) -> str:
    """Why `c` is not ready: its own error, what it waits for, or what its Space says of it."""
    at_target = c.key.startswith(names.TARGETS)
    if error := _error(c, plan, observed):
        return diagnosis.explain(error, diagnosis.TARGETS if at_target else diagnosis.TABLE)
    if c.lacks or c.early:
        return c.lacks or c.early
    waiting = [
        lifecycle.title(k, plan.wanted[k].entry) for k in dict.fromkeys((*c.needs, *c.after)) if k in plan.wanted and not observed.ready(k)
    ]
    if waiting:
        return f"waiting for {few(waiting)}"
    if c.key not in observed or observed.ready(c.key):
        return "is being changed" if c.key in observed else "is being created"
    seen = readiness.conditions(observed.mapping(c.key, *REMOTE)).get("Ready", {})
    if failures := diagnosis.failures(observed.mapping(c.key, *REMOTE, "status")):
        return failures
    said = observed.text(c.key, *REMOTE, "status", "message") or str(seen.get("message") or seen.get("reason") or "")
    return (diagnosis.shown if at_target else diagnosis.explain)(said) or "is not ready yet"


def _error(c: Composed, plan: Plan, observed: Observed) -> str:
    """What its provider complains of, or an empty string.

    An Object that fails before its prerequisites are there is expected to: it is tried again once it is told that they are.
    """
    synced = observed.condition(c.key, "Synced")
    early = c.manifest["kind"] == "Object" and not observed.annotation(c.key, names.ANNOTATION_PREREQUISITES)
    early = (early and any(a in plan.wanted for a in c.after)) or (bool(c.early) and observed.absent(c.key))
    if synced.get("status") != "False" or early:
        return ""
    return str(synced.get("message") or synced.get("reason") or "is not in sync")


def _control_plane(env: Environment, c: ControlPlane, lines: dict[str, _Line], observed: Observed, host: str) -> dict[str, Any]:
    key, legacy = names.control_plane(c), env.spaces[c.space].legacy
    line = _Line(key, c.entry, ready=True, message="") if legacy else lines[key]
    version = observed.text(key, *REMOTE, "spec", "crossplane", "version") or c.spec.get("crossplane", {}).get("version", "")
    return _entry(
        line, space=c.space, group="" if legacy else c.group, crossplane=version, endpoint=endpoints.control_plane_url(env, host, c)
    )


def _registrations(env: Environment, lines: dict[str, _Line]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """What consumes each control plane, by its entry: a consumer is there when all that it is made of is."""
    made: list[tuple[str, str, ArgoCD | Flux | Connector, list[str]]]
    made = [("ArgoCD", "", r, [names.argocd(r.target, w, r.control_plane) for w in _ARGOCD]) for r in env.argocd]
    made += [("Flux", "", r, [*(names.flux(r.target, w, r.control_plane) for w in _FLUX), *_source(r)]) for r in env.flux]
    made += [
        ("Connector", r.said.name, r, [names.claim_namespace(r.control_plane, r.said.claim_namespace), names.connector(r.target)])
        for r in env.connectors
    ]
    out: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for kind, name, r, keys in made:
        bad = next((lines[k].message for k in keys if k in lines and not lines[k].ready), None)
        said = {"kind": kind, "name": name, "target": r.target.place.name, "message": bad}
        entry = {"ready": bad is None, **{k: v for k, v in said.items() if v}}
        out.setdefault(r.control_plane.entry, {"registrations": []})["registrations"].append(entry)
    return out


def _source(r: Flux) -> Iterable[str]:
    """The key of the source that is made for a control plane in Flux."""
    return [names.flux_source(r.target, r.source.kind)] if isinstance(r.source, Source) else []


def _token(token: Token, line: _Line, observed: Observed) -> dict[str, Any]:
    """A token, with the Secret that it is in now: the one before, until a new generation is ready."""
    secret, _ = tokens.current(token, observed)
    return _entry(line, namespace=secret.namespace, secretName=secret.name)


def _entry(line: _Line, **fields: str) -> dict[str, Any]:
    return {
        "name": line.entry,
        **{k: v for k, v in fields.items() if v},
        "ready": line.ready,
        **({"message": line.message} if line.message else {}),
    }


# Conditions.


def _credentials(plan: Plan, observed: Observed) -> Condition:
    """Whether everything that reaches Spaces is there, and no Object complains of it."""
    missing = [
        f"{lifecycle.title(c.key, c.entry)}{f' ({_why(c, plan, observed)})' if c.needs else ''}"
        for c in plan.wanted.values()
        if c.key.startswith(("kubeconfig", "providerconfig/")) and not all(map(observed.ready, (c.key, *c.needs)))
    ]
    if missing:
        return Condition("CredentialsReady", status=False, reason="Creating", message=f"{few(missing)}: not there yet")
    errors = {_error(c, plan, observed) for c in plan.wanted.values() if not c.key.startswith(names.CONSUMERS)}
    refused = sorted({diagnosis.explain(e) for e in errors if diagnosis.about_credentials(e)})
    if refused:
        return Condition("CredentialsReady", status=False, reason="Rejected", message=few(refused))
    return Condition("CredentialsReady", status=True, reason="Available")


def _family(lines: Iterable[_Line], type_: str, prefix: tuple[str, ...], noun: str) -> Condition:
    mine = [line for line in lines if line.key.startswith(prefix)]
    unready = [f"{_called(line)} ({line.message})" for line in mine if not line.ready]
    message = f"{len(mine) - len(unready)} of {len(mine)} {noun} are ready" if mine else f"no {noun}"
    if unready:
        return Condition(type_, status=False, reason="NotReady", message=f"{message}: {few(unready)}")
    return Condition(type_, status=True, reason="Available", message=message)


def _called(line: _Line) -> str:
    return lifecycle.title(line.key, line.entry) if line.key.startswith(_IDENTITY) else line.entry


def _troubles(plan: Plan) -> Iterable[Condition]:
    for trouble, reason in ((Trouble.CONFLICT, "NotOurs"), (Trouble.REFUSED, "Forbidden"), (Trouble.REMOVAL_PENDING, "LineRemoved")):
        texts = [f"{n.title} {n.text}" for n in plan.notices if n.trouble is trouble]
        yield Condition(trouble.value, bool(texts), reason if texts else "None", few(texts, "; ", _MOST_TROUBLES))


def _deletable(env: Environment, plan: Plan, observed: Observed) -> Condition:
    """Whether deleting the environment deletes what is in it, in order: every policy and every edge is observed."""
    if env.removal_policy != "Delete":
        text = "deleting the environment leaves its control planes and groups: removalPolicy is not Delete"
        return Condition("Deletable", status=False, reason="Protected", message=text)
    policies = {e.key: dig(e.manifest, "spec", "managementPolicies") for e in plan.emitted}
    owned = [c for c in plan.wanted.values() if c.life in (Life.OWNED, Life.KEPT, Life.ISSUED)]
    rests = [s.name for s in env.spaces.values() if isinstance(s.token, Token)]
    deleted = {c.key: lifecycle.title(c.key, c.entry) for c in owned if policies.get(c.key) == ["*"]}
    changing = [
        c.entry for c in owned if observed.field(c.key, "spec", "managementPolicies") != policies.get(c.key) or _coming(c, policies)
    ]
    labels = {key: observed.mapping(key, *REMOTE, "metadata", "labels") for key in deleted}
    protected = [deleted[key] for key in deleted if labels[key].get(names.LABEL_GROUP_PROTECTION) == "true"]
    lost = sorted({deleted[k] for k, _, held in relations.edges(plan.wanted, observed) if k in deleted and not held})
    robots = "a robot's token would go while it is in use: write tokenSecretRef first, or empty the lists, which removes all in order"
    obstacles = (  # What is in the way, first things first.
        ("Preparing", changing or [n.title for n in plan.notices] or plan.going, "not yet: "),
        ("GroupProtected", protected, "set deletionProtection: false first: "),
        ("OrderNotSecured", rests, f"{robots}: Space "),
        ("Preparing", lost, "not yet: the order of deletion is not secured for "),
    )
    for reason, found, text in obstacles:
        if found:
            return Condition("Deletable", status=False, reason=reason, message=f"{text}{few(found)}")
    what = few(list(deleted.values())) or "nothing in a Space"
    return Condition("Deletable", status=True, reason="Ready", message=f"deleting the environment deletes {what}")


def _coming(c: Composed, policies: dict[str, Any]) -> bool:
    """Whether `c` is to be deleted with the environment and is not seen to be ours yet."""
    return c.policies is Policies.FULL and policies.get(c.key) == list(lifecycle.CREATE_ONLY)


def _message(conditions: Sequence[Condition], plan: Plan) -> str:
    """The one line of the printer column: what is wrong first, else how far things are."""
    bad = [c for c in conditions if c.status == (c.type in _WORSE_IF_TRUE) and c.type != "Deletable"]
    order = (*_WORSE_IF_TRUE, "CredentialsReady", *(f[0] for f in _FAMILIES), "RolledOut")
    worst = min(bad, key=lambda c: order.index(c.type), default=None)
    leaving = [*(e.key for e in plan.emitted if e.key not in plan.wanted), *plan.going]
    return worst.message if worst else f"removing {few(leaving)}" if leaving else "all is ready"
