"""The Space's own controller: it moves ControlPlanes through their conditions, and lets go of those that are deleted."""

import contextlib
import threading
import time
from typing import Any

from live.client import Api, ApiError
from live.standins.config import State
from live.standins.inside import ControlPlaneApis, condition
from live.times import now

KIND = "controlplanes.v1beta1.spaces.upbound.io"
FINALIZER = "live.test/space"
VERSION = "2.0.2-up.5"
"""What a channel gives: a control plane without a version gets one from its Space."""
FAILURE = "cannot provision: quota exceeded"
"""What a control plane says that is told to fail."""
_QUICK, _SLOW, _GOING = 1.0, 10.0, 1.0


class Controller:
    """Watches ControlPlanes; each is moved on by a thread of its own, so that a slow one holds up none."""

    def __init__(self, space: Api, state: State, apis: ControlPlaneApis) -> None:
        """Watch nothing yet."""
        self._space, self._state, self._apis = space, state, apis
        self._moving: dict[str, bool] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Watch, for ever."""
        while True:
            with contextlib.suppress(OSError, ApiError, ValueError, KeyError):
                for found in self._space.watch(KIND):
                    self._move(found)
            time.sleep(0.2)

    def _move(self, found: dict[str, Any]) -> None:
        uid = found["metadata"]["uid"]
        with self._lock:
            followed = uid in self._moving
            self._moving[uid] = followed
        if not followed:
            threading.Thread(target=self._follow, args=(found, uid), daemon=True).start()

    def _follow(self, found: dict[str, Any], uid: str) -> None:
        """Move a control plane until it is where its spec says, and nothing was told of it meanwhile. What fails is tried again."""
        group, name = found["metadata"]["namespace"], found["metadata"]["name"]
        while True:
            try:
                while (seen := self._space.get(KIND, name, group)) and seen["metadata"]["uid"] == uid and self._step(seen, group, name):
                    time.sleep(0.1)
            except (OSError, ApiError):
                time.sleep(0.5)
                continue
            with self._lock:
                if not self._moving[uid]:
                    del self._moving[uid]
                    return
                self._moving[uid] = False

    def _step(self, seen: dict[str, Any], group: str, name: str) -> bool:
        """One step; whether there may be another."""
        if seen["metadata"].get("deletionTimestamp"):
            time.sleep(_GOING)
            self._apis.forget(group, name)
            self._space.patch(KIND, name, {"metadata": {"finalizers": None}}, group)
            return False
        if FINALIZER not in seen["metadata"].get("finalizers", []):
            version = {} if seen["spec"]["crossplane"].get("version") else {"spec": {"crossplane": {"version": VERSION}}}
            self._space.patch(KIND, name, {"metadata": {"finalizers": [FINALIZER]}, **version}, group)
            return True
        if condition(seen, "Ready") == "":
            self._tell(seen, {"Ready": ("False", "Creating"), "Healthy": ("False", "UnhealthyControlPlane")}, "Creating...")
            return True
        mode = self._state.modes.get(f"{group}/{name}", "")
        if condition(seen, "Ready") != "True" and mode in ("fail", "stall"):
            if mode == "fail" and seen["status"].get("message") != FAILURE:
                self._tell(seen, {"Ready": ("False", "Unavailable")}, FAILURE)
            time.sleep(_QUICK)
            return True
        if condition(seen, "Ready") != "True" or _behind(seen):
            time.sleep(_SLOW if mode == "slow" else _QUICK)
            paused = seen["spec"]["crossplane"].get("state") == "Paused"
            running = {"CrossplaneRunning": ("False", "Paused") if paused else ("True", "Running")}
            self._tell(seen, {"Ready": ("True", "Available"), "Healthy": ("True", "HealthyControlPlane"), **running}, "")
        return False

    def _tell(self, seen: dict[str, Any], conditions: dict[str, tuple[str, str]], message: str) -> None:
        """Write conditions into the status, those that it has and these."""
        generation, name, group = seen["metadata"]["generation"], seen["metadata"]["name"], seen["metadata"]["namespace"]
        all_ = {c["type"]: (c["status"], c["reason"]) for c in seen.get("status", {}).get("conditions", [])} | conditions
        written = [{"type": t, "status": s, "reason": r, "lastTransitionTime": now()} for t, (s, r) in all_.items()]
        status = {"conditions": written, "message": message, "observedGeneration": generation, "controlPlaneID": seen["metadata"]["uid"]}
        self._space.patch(KIND, name, {"status": status}, group, sub="status")


def _behind(seen: dict[str, Any]) -> bool:
    """Whether the controller has not dealt with what the spec says now."""
    going = bool(seen["metadata"].get("deletionTimestamp"))
    return going or seen.get("status", {}).get("observedGeneration") != seen["metadata"]["generation"] or condition(seen, "Ready") == ""
