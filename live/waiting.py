"""Waiting on state. Nothing here sleeps for a time and hopes."""

import http.client
import time
from collections.abc import Callable
from typing import Any

from live.client import ApiError

INTERVAL_SECONDS = 0.2
PATIENCE = 3
"""How much longer everything may take than where the limits were set. CI shares its processors, and whoever retries backs off."""


class NotInTimeError(AssertionError):
    """Something did not come about; the message says what, and what is known of why."""


def until(what: str, done: Callable[[], Any], seconds: float = 60, explain: Callable[[], str] = str) -> Any:  # noqa: ANN401  # What `done` gives.
    """Wait until `done` gives something true, which is returned. An API that cannot be reached is waited for, too.

    Raises:
        NotInTimeError: it did not within `seconds`, times our patience.
    """
    seconds *= PATIENCE
    deadline, trouble = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if found := done():
                return found
            trouble = ""
        except (OSError, ApiError) as e:
            trouble = str(e)
        time.sleep(INTERVAL_SECONDS)
    raise NotInTimeError("\n".join(filter(None, (f"not within {seconds:g} s: {what}", trouble, explain()))))


def listening(port: int) -> bool:
    """Whether something answers on a port of loopback."""
    connection = http.client.HTTPConnection("localhost", port, timeout=2)
    try:
        connection.connect()
    except OSError:
        return False
    connection.close()
    return True


def healthy(port: int) -> bool:
    """Whether a process says at its health port that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
