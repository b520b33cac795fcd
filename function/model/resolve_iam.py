"""From the author's `iam` to what is made in the organization: defaults applied, references resolved."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from function.model import checks
from function.model import iam as s
from function.model.errors import Location, Problem, unknown
from function.model.input import Input
from function.model.parts import Group, Iam, Identity, Policies, SecretKey, Space, Token
from function.model.references import RobotTokenRef, SecretKeyRef
from function.model.spec import Spec
from function.model.types import UUID

AT = ("spec", "iam")
ORGANIZATION = "Organization"


def resolved(spec: s.Iam | None, identity: Identity, input_: Input, secret: Callable[[Location, SecretKeyRef | None], SecretKey]) -> Iam:
    """What `spec` says. `secret` resolves a reference to a Secret, or its default."""
    spec = spec or s.Iam()
    tokens = {(r.name, t.name): Token(r.name, t.name, t.generation, _secret(r, t, identity)) for r in spec.robots for t in r.tokens}
    return Iam(
        token=secret((*AT, "tokenSecretRef"), spec.token_secret_ref),
        teams={t.name: t for t in spec.teams},
        robots={r.name: _described(r, identity) for r in spec.robots},
        tokens=tokens,
        repositories=spec.repositories,
        shared=_shared(input_),
    )


def problems(whole: Spec, iam: Iam, *, namespaced: bool) -> Iterator[Problem]:
    """What is wrong with the `iam` of a spec, and with the roles of its teams in groups."""
    spec = whole.iam or s.Iam()
    named: Mapping[str, Mapping[str, s.Named]] = {"teams": iam.teams, "robots": iam.robots}
    for field, known in named.items():
        called = (((*AT, field, i, "remoteName"), e.called) for i, e in enumerate(known.values()))
        yield from checks.unique(called, "is what another entry is called in the organization; keep one")
        found = (((*AT, field, i, "externalName"), e.external_name) for i, e in enumerate(known.values()) if e.external_name)
        yield from checks.unique(found, "is the UUID of another entry too; keep one entry for it")
    for i, robot in enumerate(spec.robots):
        at: Location = (*AT, "robots", i)
        yield from _teams(iam, [((*at, "teams", j), team) for j, team in enumerate(robot.teams)])
        for j, token in enumerate(robot.tokens):
            yield from _token(
                (*at, "tokens", j, "writeConnectionSecretToRef", "namespace"), iam.tokens[robot.name, token.name], token, namespaced
            )
    secrets = (
        ((*AT, "robots", i, "tokens", j), _beginning(iam.tokens[r.name, t.name]))
        for i, r in enumerate(spec.robots)
        for j, t in enumerate(r.tokens)
    )
    yield from checks.unique(secrets, "names the Secret of another token; write a name for each")
    for i, repository in enumerate(spec.repositories):
        yield from _teams(iam, [((*AT, "repositories", i, "permissions", j, "team"), p.team) for j, p in enumerate(repository.permissions)])
    for i, group in enumerate(whole.groups):
        yield from _teams(iam, [(("spec", "groups", i, "access", j, "team"), a.team) for j, a in enumerate(group.access)])


def token_of(iam: Iam, at: Location, ref: RobotTokenRef) -> tuple[Token | None, list[Problem]]:
    """The token that a reference names, or why there is none."""
    if ref.robot not in iam.robots:
        return None, [unknown((*at, "robot"), ref.robot, iam.robots)]
    if (ref.robot, ref.token) not in iam.tokens:
        return None, [unknown((*at, "token"), ref.token, (token for robot, token in iam.tokens if robot == ref.robot))]
    return iam.tokens[ref.robot, ref.token], []


def taken(iam: Iam, named: Iterable[tuple[Location, SecretKey]]) -> Iterator[Problem]:
    """Secrets that something `named` itself, and that a token of a robot is written to, in some generation."""
    tokens = {_beginning(t): t for t in iam.tokens.values()}
    for at, secret in named:
        name, _, number = secret.name.rpartition("-")
        if number.isdecimal() and (token := tokens.get((secret.namespace, name))):
            text = "write robotTokenRef where it is meant, or name another Secret"
            yield Problem(at, f"is a Secret of token {token.name} of robot {token.robot}; {text}")


def _beginning(token: Token) -> tuple[str, str]:
    """Namespace and name, but for the generation, of the Secrets of a token."""
    return token.secret.namespace, token.secret.name.rpartition("-")[0]


def used(spec: s.Iam | None) -> Iterator[tuple[Location, str]]:
    """Each kind that `spec` makes, where it does, as rules of the Input name it in both worlds."""
    spec = spec or s.Iam()
    for i, _ in enumerate(spec.teams):
        yield (*AT, "teams", i), "Team.iam.upbound.io"
    for i, robot in enumerate(spec.robots):
        yield (*AT, "robots", i), "Robot.iam.upbound.io"
        if robot.teams:
            yield (*AT, "robots", i, "teams"), "RobotTeamMembership.iam.upbound.io"
        if robot.tokens:
            yield (*AT, "robots", i, "tokens"), "Token.iam.upbound.io"
    for i, repository in enumerate(spec.repositories):
        yield (*AT, "repositories", i), "Repository.repository.upbound.io"
        if repository.permissions:
            yield (*AT, "repositories", i, "permissions"), "Permission.repository.upbound.io"


def _described(robot: s.Robot, identity: Identity) -> s.Robot:
    return robot if robot.description else robot.model_copy(update={"description": f"of environment {identity.name}"})


def _secret(robot: s.Robot, token: s.RobotToken, identity: Identity) -> SecretKey:
    """The Secret of this generation: two Tokens never write to one (crossplane-runtime refuses a Secret of another owner)."""
    ref = token.write_connection_secret_to_ref
    name = ref.name if ref else f"{robot.name}-{token.name}"
    return SecretKey((ref.namespace if ref else None) or identity.namespace, f"{name}-{token.generation}", "token")


def _token(at: Location, token: Token, e: s.RobotToken, namespaced: bool) -> Iterator[Problem]:  # noqa: FBT001  # Passed on as it came.
    ref = e.write_connection_secret_to_ref
    if namespaced and ref and ref.namespace is not None:
        yield Problem(at, "is always the environment's own namespace here; leave it out")
    if not token.secret.namespace:
        yield Problem(at, "is required where the environment has no namespace; name the namespace of the Secret")


def _teams(iam: Iam, found: list[tuple[Location, str]]) -> Iterator[Problem]:
    """What is wrong with references to teams, each with where it stands."""
    yield from checks.unique(((at, iam.known(team) or team) for at, team in found), "names a team twice; keep one")
    for at, team in found:
        if team not in iam.teams and not re.fullmatch(UUID, team):
            problem = unknown(at, team, iam.teams)
            yield (
                problem
                if iam.teams
                else Problem(at, f"{problem.text}; list it in iam.teams, or write the UUID of a team that exists already")
            )


def _shared(input_: Input) -> bool:
    """Whether rules let environments of several organizations use one provider-upbound, which serves only one."""
    granting = [r for r in input_.rules if any(k.scope == ORGANIZATION and k.kinds for k in r.resources)]
    organizations = {o for r in granting for o in r.organizations}
    return len(organizations) > 1 or any("*" in o for o in organizations)


def robots_that_make_groups(spaces: Iterable[Space], groups: Iterable[Group]) -> Iterator[Problem]:
    """Spaces whose token is a robot's, and whose groups only an owner's or admin's could make."""
    made = {g.space for g in groups if g.policies is not Policies.OBSERVE}
    for i, space in enumerate(spaces):
        if isinstance(space.token, Token) and space.name in made:
            text = "is a robot's, which cannot create groups; use tokenSecretRef with the token of an organization's owner or admin"
            yield Problem(("spec", "spaces", i, "credentials", "robotTokenRef"), f"{text}, or own no group in this Space")
