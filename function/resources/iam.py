"""Teams, robots with their tokens, repositories, and the roles of teams in groups. provider-upbound makes all but the last."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from function import endpoints, kube, names
from function.desired import Composed, Life, Manifest, annotated
from function.model.environment import Environment
from function.model.iam import Repository, RepositoryPermission, Robot, Team
from function.model.parts import Group, Policies, Token
from function.observed import WANTED, Observed
from function.reading import dig, listed

ONE_FIELD = (
    "cannot change {field} alone: provider-upbound takes such a change for none (its repository controller compares with or); "
    "change {field} of the repository in Upbound first, or public and publish together"
)


TWICE = "stays as it is: access names a team twice, by its name and by its UUID; keep one"
FOUND = "cannot change externalName once it is known: put it back as it was, or remove the entry and write another"


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """All of it. Nothing where the environment has no teams, robots or repositories, and no group gives a role."""
    iam = env.iam
    if iam.teams or iam.robots or iam.repositories:
        yield Composed(names.UPBOUND, kube.upbound_config(env, iam.token), entry=env.organization)
    for team in iam.teams.values():
        yield _team(env, team, observed)
    for robot in iam.robots.values():
        yield _robot(env, robot, observed)
        yield from (_membership(env, robot, team) for team in robot.teams)
    yield from (_token(env, token) for token in iam.tokens.values())
    for repository in iam.repositories:
        yield _repository(env, repository, observed)
        yield from (_permission(env, repository, p, observed) for p in repository.permissions)
    yield from (_roles(env, group, observed) for group in env.groups if group.access)


def _team(env: Environment, team: Team, observed: Observed) -> Composed:
    key = names.team(team.name)
    manifest = kube.managed(env, key, "Team", {"name": team.called, "organizationName": env.organization})
    return _found(team.external_name or "", _issued(env, key, manifest, team.name, immutable=(("forProvider", "name"),)), observed)


def _robot(env: Environment, robot: Robot, observed: Observed) -> Composed:
    key = names.robot(robot.name)
    said = {"name": robot.called, "description": robot.description, "owner": {"name": env.organization}}
    fixed = (("forProvider", "name"), ("forProvider", "description"))
    made = _issued(env, key, kube.managed(env, key, "Robot", said), robot.name, immutable=fixed)
    return _found(robot.external_name or "", made, observed)


def _membership(env: Environment, robot: Robot, team: str) -> Composed:
    key, of = names.membership(robot.name, team), names.robot(robot.name)
    manifest = kube.managed(env, key, "RobotTeamMembership", {"robotIdRef": _ref(env, of), **_team_id(env, team)})
    return _issued(env, key, manifest, f"{robot.name} in {team}", after=(of, *_made(env, team)))


def _token(env: Environment, token: Token) -> Composed:
    key, of = names.token(token), names.robot(token.robot)
    manifest = kube.managed(
        env, key, "Token", {"name": f"{token.name}-{token.generation}", "owner": {"type": "robots", "idRef": _ref(env, of)}}
    )
    # Its provider writes the Secret when it makes the token, and never again.
    fixed = (("writeConnectionSecretToRef",),)
    return _issued(env, key, kube.written(env, manifest, token.secret), f"{token.robot}/{token.name}", after=(of,), immutable=fixed)


def _repository(env: Environment, r: Repository, observed: Observed) -> Composed:
    key = names.repository(r.name)
    said = {"name": r.name, "organizationName": env.organization, "public": r.public, "publish": r.publish}
    # Found by its name from the start: without one, its provider takes over what exists (its Create is an upsert).
    manifest = annotated(kube.managed(env, key, "Repository", said), {names.ANNOTATION_EXTERNAL_NAME: r.name})
    refused = "" if env.policies is Policies.OBSERVE else _one_field(r, key, observed)
    return replace(_issued(env, key, manifest, r.name), life=Life.OWNED, adopt=r.adopt, refused=refused)


def _permission(env: Environment, r: Repository, p: RepositoryPermission, observed: Observed) -> Composed:
    key, all_of_it = names.permission(r.name, p.team, p.permission), names.permissions(r.name)
    said = {"organizationName": env.organization, "repository": r.name, "permission": p.permission, **_team_id(env, p.team)}
    return _issued(
        env,
        key,
        kube.managed(env, key, "Permission", said),
        f"{p.team} on {r.name}",
        after=(names.repository(r.name), *_made(env, p.team)),
        needs=(names.repository(r.name),),
        # Its provider would take another level for this one, or the same team by its UUID, and removing that would remove both.
        instead_of=tuple(
            k for k in observed if k.startswith(all_of_it) and k != key and _uuid(k.split("/")[2], observed) == _uuid(p.team, observed)
        ),
    )


def _one_field(r: Repository, key: str, observed: Observed) -> str:
    """Why a change of one field is not sent. One that is carried out already, by hand, is."""
    had = observed.mapping(key, "spec", "forProvider")
    seen = {"public": observed.field(key, "status", "atProvider", "public")}
    seen["publish"] = observed.text(key, "status", "atProvider", "publishPolicy") == "publish"
    changed = [f for f, value in (("public", r.public), ("publish", r.publish)) if had.get(f, value) != value]
    stuck = len(changed) == 1 and seen[changed[0]] != getattr(r, changed[0]) and bool(observed.field(key, "status", "atProvider"))
    return ONE_FIELD.format(field=changed[0]) if stuck else ""


def _roles(env: Environment, group: Group, observed: Observed) -> Composed:
    """The one ObjectRoleBinding that a group may have. Its subjects are UUIDs, so it needs its teams."""
    key = names.role_binding(group.space, group.name)
    found = {team: observed.annotation(names.team(team), names.ANNOTATION_EXTERNAL_NAME) or env.iam.known(team) for team in group.access}
    subjects = [{"kind": "UpboundTeam", "name": found[team], "role": role} for team, role in group.access.items() if found[team]]
    missing = [team for team, uuid in found.items() if not uuid]
    before = kube.plain(listed(observed.document(key), *WANTED, "spec", "subjects"))
    lacks = f"waits for the UUID of {', '.join(missing)}" if missing else ""
    known = [s["name"] for s in subjects]
    if len(set(known)) < len(known):
        # Which of its roles is meant is not to be guessed, and the API takes one.
        subjects, lacks = before, TWICE
    elif any(observed.ready(names.team(team)) or observed.seen(names.team(team)) for team in missing):
        # A team that was made and cannot be read takes nobody's role away: it is not known which of these was its own.
        subjects += [s for s in before if dig(s, "name") not in known]
    manifest: Manifest = {
        "apiVersion": "authorization.spaces.upbound.io/v1alpha1",
        "kind": "ObjectRoleBinding",
        "metadata": {"name": group.name, "namespace": group.name},
        "spec": {"object": {"apiGroup": "core", "resource": "namespaces", "name": group.name}, "subjects": subjects},
    }
    via, after = endpoints.into_space(env, endpoints.hosts(env, observed), group.space, group.name)
    return Composed(
        key,
        kube.wrapped(env, key, manifest, via),
        after=after,
        needs=tuple(names.team(team) for team in group.access if not env.iam.known(team)),
        lacks=lacks if key in observed or lacks == TWICE else "",
        entry=f"roles in {group.entry}",
        life=Life.INSIDE,
        policies=group.policies,
    )


def _issued(env: Environment, key: str, manifest: Manifest, entry: str, *, after: tuple[str, ...] = (), **more: Any) -> Composed:  # noqa: ANN401  # Fields of Composed.
    """What provider-upbound makes and never changes: its updates do nothing, so what it would ignore is fixed."""
    return Composed(key, manifest, (names.UPBOUND, *after), entry=entry, life=Life.ISSUED, policies=env.policies, **more)


def _found(uuid: str, c: Composed, observed: Observed) -> Composed:
    """`c`, which is only looked at where it exists already under `uuid`.

    What it was made or found as, it stays: others refer to its UUID, and what is only looked at must not become ours.
    """
    before = observed.annotation(c.key, names.ANNOTATION_EXTERNAL_NAME)
    made = bool(observed.annotation(c.key, names.ANNOTATION_MADE))
    known = "" if made else before
    # Its own UUID, written at what was made here, says that it is to be looked at from now on.
    refused = FOUND if before and uuid not in (known, before) else ""
    uuid = known if refused else uuid
    c = replace(c, refused=refused)
    known_as = {names.ANNOTATION_EXTERNAL_NAME: uuid}
    return replace(c, manifest=annotated(c.manifest, known_as), policies=Policies.OBSERVE) if uuid else c


def _uuid(team: str, observed: Observed) -> str:
    """The UUID of a team where it is known, and its name where not."""
    return observed.annotation(names.team(team), names.ANNOTATION_EXTERNAL_NAME) or team


def _team_id(env: Environment, team: str) -> Manifest:
    return {"teamIdRef": _ref(env, names.team(team))} if team in env.iam.teams else {"teamId": team}


def _made(env: Environment, team: str) -> tuple[str, ...]:
    return (names.team(team),) if team in env.iam.teams else ()


def _ref(env: Environment, key: str) -> Manifest:
    return {"name": names.object_name(env.identity, key)}
