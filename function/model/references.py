"""How an environment refers to secrets: by name. The value itself never appears in one."""

from pydantic import ConfigDict

from function.model import types as t


class SecretKeyRef(t.Model):
    """One key of a Secret. The value itself never appears in an environment."""

    namespace: t.Name | None = None
    """Namespace of the Secret."""
    name: t.ObjectName
    """Name of the Secret."""
    key: t.SecretKeyName
    """Key in the Secret's data."""


class RobotTokenRef(t.Model):
    """A token of a robot of this environment, whose Secret this environment knows."""

    robot: t.Name
    """One of iam.robots."""
    token: t.Name
    """One of its tokens. What uses it moves to each new generation when that is ready."""


class TokenSource(t.Model):
    """Where a token comes from: a Secret, or a robot of this environment."""

    model_config = ConfigDict(
        json_schema_extra=t.cel(
            ("!has(self.tokenSecretRef) || !has(self.robotTokenRef)", "name one token: tokenSecretRef or robotTokenRef, not both")
        )
    )

    token_secret_ref: SecretKeyRef | None = None
    """Secret with the token of an Upbound user or robot."""
    robot_token_ref: RobotTokenRef | None = None
    """Token of a robot of this environment instead, so that no personal token stays in use."""

    @property
    def given(self) -> str:
        """The field that names a token, or an empty string."""
        return "robotTokenRef" if self.robot_token_ref else "tokenSecretRef" if self.token_secret_ref else ""
