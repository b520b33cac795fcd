"""Who may do what in the organization, as its author writes it: teams, robots and their tokens, repositories."""

from typing import Annotated, Literal

from pydantic import Field

from function.model import types as t
from function.model.references import SecretKeyRef

_Teams = Annotated[tuple[t.Name, ...], t.AsTuple, Field(max_length=32)]


class Access(t.Model):
    """The role of one team in a group."""

    team: t.Name
    """One of iam.teams, or the UUID of a team that exists already."""
    role: Literal["viewer", "editor", "admin"]
    """viewer, editor or admin."""


class Named(t.Model):
    """What has a name and a UUID in the organization."""

    name: t.Name
    """What the rest of the environment calls it."""
    remote_name: t.Name | None = None
    """Its name in the organization. Fixed once it exists. Default: name."""
    external_name: t.Uuid | None = None
    """UUID of one that exists already: it is looked at, and never changed."""

    @property
    def called(self) -> str:
        """Its name in the organization."""
        return self.remote_name or self.name


class Team(Named):
    """A team."""


class TokenSecret(t.Model):
    """The Secret that receives a token."""

    namespace: t.Name | None = None
    """Namespace of the Secret. Default: the environment's."""
    name: t.Name
    """Beginning of its name: the token's generation is added, as in ci-argocd-1."""


class RobotToken(t.Model):
    """A token of a robot, in a Secret with the keys token and id."""

    name: t.Name
    """What the rest of the environment calls this token."""
    generation: Annotated[int, Field(ge=1, le=1000000)] = 1
    """Write the next number to replace the token: the old one goes when nothing uses it any more. Default: 1."""
    write_connection_secret_to_ref: TokenSecret | None = None
    """The Secret that receives it. Default: robot and token, as in ci-argocd-1, in the environment's namespace."""


class Robot(Named):
    """A robot: who programs are in the organization."""

    description: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """What it is for. Fixed once it exists."""
    teams: _Teams = ()
    """Teams that it belongs to: of iam.teams, or by the UUID of one that exists already."""
    tokens: Annotated[tuple[RobotToken, ...], t.AsTuple, t.list_map("name", most=16)] = ()
    """Its tokens."""


class RepositoryPermission(t.Model):
    """What a team may do with a repository."""

    team: t.Name
    """One of iam.teams, or the UUID of a team that exists already."""
    permission: Literal["admin", "read", "write", "view"]
    """admin, read, write or view."""


class Repository(t.Model):
    """A repository of packages."""

    name: t.Name
    """Its name in the organization."""
    public: bool = False
    """Whether everybody may pull from it. Default: false."""
    publish: bool = False
    """Whether its packages are published on the Marketplace. Default: false."""
    adopt: bool = False
    """Take over a repository that exists already."""
    permissions: Annotated[tuple[RepositoryPermission, ...], t.AsTuple, t.list_map("team", most=32)] = ()
    """What teams may do with it."""


class Iam(t.Model):
    """Teams, robots and repositories of the organization, made by provider-upbound."""

    token_secret_ref: SecretKeyRef | None = None
    """Token of an owner or admin of the organization. Default: Secret upbound-credentials, key token; for claims in
    crossplane-system."""
    teams: Annotated[tuple[Team, ...], t.AsTuple, t.list_map("name", most=100)] = ()
    """Teams."""
    robots: Annotated[tuple[Robot, ...], t.AsTuple, t.list_map("name", most=100)] = ()
    """Robots."""
    repositories: Annotated[tuple[Repository, ...], t.AsTuple, t.list_map("name", most=100)] = ()
    """Repositories."""
