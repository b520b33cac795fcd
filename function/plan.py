"""What compose decides, for fn to send and for status to tell."""

from dataclasses import dataclass

from function.desired import Composed, Manifest
from function.lifecycle import Notice
from function.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Emitted:
    """A composed resource as Crossplane gets it, be it wanted, held or on its way out.

    `stated` is true where the observed Object says of its remote object exactly what this one says.
    """

    key: str
    manifest: Manifest
    ready: bool
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is emitted, what is withheld until its needs are ready, what is wrong, and what each wanted thing is."""

    emitted: tuple[Emitted, ...]
    withheld: tuple[Composed, ...]
    notices: tuple[Notice, ...]
    wanted: dict[str, Composed]
    going: tuple[str, ...]
    rollout: Rollout

    @property
    def complete(self) -> bool:
        """Whether nothing but unready resources keeps the environment from being ready."""
        return not self.withheld and not self.notices
