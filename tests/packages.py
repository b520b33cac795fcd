"""The model of the world, with what a package manager does inside control planes, and with time."""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function.observed import ABSENT
from tests import strategies, world

PACKAGE = "xpkg.upbound.io/acme/platform"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOAK = timedelta(hours=1)
_WANTED = re.compile(r'object\.spec\.package == ("[^"]+")')


def source(version: str) -> str:
    """What Crossplane calls a version of the package."""
    return f"{PACKAGE}:{version}"


def environment(stages: dict[str, list[str]], version: str, **spec: Any) -> dict[str, Any]:
    """An XR with control planes in stages, each with the label of its stage, and one Configuration."""
    return strategies.composite(
        {
            "organization": "acme",
            "spaces": [{"name": "west", "host": "west.spaces.upbound.io"}],
            "controlPlanes": [{"name": name, "labels": {"stage": stage}} for stage, found in stages.items() for name in found],
            "configurations": [{"name": "platform", "package": PACKAGE, "version": version}],
            "rollout": {
                "stages": [
                    {"name": s, "soak": "1h", "controlPlaneSelector": {"matchLabels": {"stage": s}}} for s, found in stages.items() if found
                ]
            },
            **spec,
        },
        namespaced=True,
    )


class World(world.World):
    """`bad` sources are never healthy, `broken` ones cannot be pulled, and three things can be wrong with a control plane.

    One that is `down` cannot be reached, nor anything in it; one that is `shut` is seen, and nothing in it; one that has
    `crashed` is seen not to be ready, and nothing in it is seen.
    """

    def __init__(self, xr: dict[str, Any]) -> None:
        """Begin with nothing, at START."""
        super().__init__(xr, strategies.INPUT)
        self.now = START
        self.bad: set[str] = set()
        self.broken: set[str] = set()
        self.down: set[str] = set()
        self.shut: set[str] = set()
        self.crashed: set[str] = set()

    def step(self, *, ready: bool = True, minutes: int = 0) -> fnv1.RunFunctionResponse:
        """A reconcile of Crossplane, one of every provider, one of every package manager; and then time passes."""
        rsp = super().step(ready=ready)
        self.manage()
        for key in [k for k in self.observed if k.startswith("configuration/")]:
            self._look(key)
        self.now += timedelta(minutes=minutes)
        return rsp

    def rest(self, *, steps: int = 9) -> fnv1.RunFunctionResponse:
        """Steps without time, after which nothing moves by itself."""
        for _ in range(steps):
            self.step()
        return self.step()

    def edit(self, **spec: Any) -> None:
        """Change the environment in Git."""
        self.xr = {**self.xr, "spec": {**self.xr["spec"], **spec}}

    def release(self, version: str) -> None:
        """Commit a version."""
        self.edit(configurations=[{"name": "platform", "package": PACKAGE, "version": version}])

    def manage(self) -> None:
        """The package managers: unpack what is new, and then say how it is."""
        for place, o in self.remote.items():
            if o["kind"] != "Configuration" or place[1].rpartition(".")[2] in self.down | self.shut | self.crashed:
                continue
            wanted, status = o["spec"]["package"], o.setdefault("status", {})
            if wanted in self.broken:
                status["conditions"] = [
                    _condition("Installed", "False", "cannot unpack package: 404"),
                    _condition("Healthy", "False", "404"),
                ]
            elif status.get("currentIdentifier") != wanted:
                status["currentIdentifier"] = wanted
                unknown = _condition("Healthy", "False", 'Package revision health is "Unknown"')
                status["conditions"] = [_condition("Installed", "True"), unknown]
            else:
                health = ("False", "cannot establish control of object") if wanted in self.bad else ("True", "")
                status["conditions"] = [_condition("Installed", "True"), _condition("Healthy", *health)]

    def runs(self) -> dict[str, str]:
        """The version that each control plane is told to run."""
        return {name: source.rpartition(":")[2] for name, source in self.told().items()}

    def told(self) -> dict[str, str]:
        """The source that each control plane is told to run, whoever sees it."""
        return {name: o["spec"]["package"] for name, o in self._configurations()}

    def running(self) -> dict[str, str]:
        """The source that each control plane runs in truth, whoever sees it: empty where it has unpacked none yet."""
        return {name: o.get("status", {}).get("currentIdentifier", "") for name, o in self._configurations()}

    def _configurations(self) -> list[tuple[str, dict[str, Any]]]:
        return sorted((place[1].rpartition(".")[2], o) for place, o in self.remote.items() if o["kind"] == "Configuration")

    def status(self) -> dict[str, Any]:
        """The environment's status."""
        return self.xr["status"]

    def _object(self, key: str, *, ready: bool) -> None:
        last = self.observed[key].get("status", {})
        super()._object(key, ready=ready)
        if key in self.observed:
            self._look(key, last)

    def _look(self, key: str, last: dict[str, Any] | None = None) -> None:
        """What provider-kubernetes says of a Configuration, and of what cannot be reached: that had the status `last`, or has it."""
        o = self.observed[key]
        name = key.split("/")[3] if key.startswith(("configuration/", "controlplane/")) else ""
        if o["kind"] != "Object" or not name or "status" not in o:
            return
        if name in self.down or (name in self.shut | self.crashed and key.startswith("configuration/")):
            conditions = [_condition("Synced", "False", "connection refused"), _condition("Ready", "False")]
            o["status"] = {**(o["status"] if last is None else last), "conditions": conditions}
            return
        if key.startswith("controlplane/"):
            for c in o["status"]["conditions"]:
                c["status"] = "False" if c["type"] == "Ready" and name in self.crashed else c["status"]
            return
        seen, generation = self.remote.get(self.place(o)), {"observedGeneration": o["metadata"]["generation"]}
        home = any(p[2] == "ControlPlane" and p[4] == name for p in self.remote)
        if seen is None or not home:
            message = f"observe failed: {ABSENT}" if home else "connection refused"
            o["status"] = {"conditions": [{**_condition("Synced", "False", message), **generation}, _condition("Ready", "False")]}
            return
        status, wanted = seen.get("status", {}), json.loads(_WANTED.search(o["spec"]["readiness"]["celQuery"]).group(1))
        good = all(c["status"] == "True" for c in status.get("conditions", [{"status": "False"}]))
        up = good and seen["spec"]["package"] == status.get("currentIdentifier") == wanted
        o["status"] = {
            "conditions": [{**_condition("Synced", "True"), **generation}, _condition("Ready", "True" if up else "False")],
            "atProvider": {"manifest": copy.deepcopy(seen)},
        }


def _condition(type_: str, status: str, message: str = "") -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": "Available", "message": message}
