"""What the stand-ins are told when they start, and what they can be told while they run."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ORGANIZATION = "acme"
ROBOT_TOKEN = "marker-robot-token"  # noqa: S105  # How robots' tokens begin. Searched for in everything that comes out.


@dataclass(frozen=True, slots=True)
class Config:
    """Ports and files. `gateways` are addresses of one Space; `strangers` are servers that are none and note who calls."""

    directory: str
    binaries: str
    crds: str
    hub: int
    space: int
    gateways: tuple[int, ...]
    strangers: tuple[int, ...]
    exchange: int
    proxy: int
    control: int
    user_tokens: tuple[str, ...]
    static_tokens: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Config":
        """From a file that `write` made."""
        said: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(path.read_text()).items()}
        return cls(**said)

    def write(self, path: Path) -> None:
        """To a file."""
        path.write_text(json.dumps(asdict(self)))


@dataclass(slots=True)
class State:
    """What changes: who has which access token, what is broken just now, and how control planes come up.

    Attributes:
        fault: what the gateway does wrong: {"status": 500}, {"delay": 3}, {"down": true}, {"reject": true}, or nothing.
        modes: how control planes come up, by "group/name": "slow", or not at all with "fail", which says why, or "stall"; else at once.
    """

    audit: Path
    fault: dict[str, Any] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, token: str, organization: str) -> None:
        """Remember that an access token is for an organization."""
        with self._lock:
            self._tokens[token] = organization

    def organization_of(self, token: str) -> str | None:
        """The organization that an access token is for."""
        with self._lock:
            return self._tokens.get(token)

    def tell(self, modes: Mapping[str, str]) -> None:
        """Say how some control planes come up."""
        with self._lock:
            self.modes = {**self.modes, **modes}

    def note(self, **what: Any) -> None:  # noqa: ANN401  # Whatever is worth noting.
        """Write a line of the audit log."""
        with self._lock, self.audit.open("a") as log:
            log.write(json.dumps({"time": round(time.time(), 3), **what}) + "\n")
