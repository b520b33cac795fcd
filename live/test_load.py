"""How many environments and control planes go well: numbers for docs/scale.md."""

import os
import re
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from live.environments import LiveEnvironment
from live.runtime import FUNCTION_METRICS
from live.waiting import until
from live.world import METRICS, World


def _metric(port: int, name: str) -> float:
    """The sum of a metric over its labels."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(float(m.group(1)) for m in re.finditer(rf"^{name}(?:{{[^}}]*}})? ([-.e+\d]+)$", text, re.MULTILINE))


def _used(world: World) -> tuple[float, float]:
    """Seconds of CPU that the function has used, and MiB that it has at most had."""
    pid = world.sandbox.pid("function-0")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak.group(1)) / 1024 if peak else 0


@pytest.mark.alone
@pytest.mark.thorough
@pytest.mark.usefixtures("healthy")
@pytest.mark.parametrize(("environments", "control_planes"), [(20, 5), (1, 60)])
def test_load(world: World, namespace: str, api: str, environments: int, control_planes: int, request: pytest.FixtureRequest) -> None:
    """All become Ready, and what that takes is noted."""
    world.sandbox.kill("function-0")
    world.runtime.start_function()
    opened, began = _metric(METRICS, "circuit_breaker_opens_total"), time.monotonic()
    all_ = []
    for i in range(environments):
        e = LiveEnvironment(world, api, namespace, f"load-{i}")
        group = e.group(f"g{i}")
        e.spec = {"organization": "acme", "spaces": [e.west()], "groups": [{"name": group}]}
        e.apply(controlPlanes=[{"name": f"c{j}", "group": group} for j in range(control_planes)])
        all_.append(e)
    for e in all_:
        e.until_ready(900)
    ready = time.monotonic() - began
    cpu, memory = _used(world)
    calls = _metric(FUNCTION_METRICS, "upbound_environment_calls_total")
    notes: Callable[[tuple[str, float]], None] = request.node.user_properties.append
    notes(("Ready", round(ready, 1)))
    notes(("calls", calls))
    notes(("breakers opened", _metric(METRICS, "circuit_breaker_opens_total") - opened))
    notes(("CPU seconds", round(cpu, 1)))
    notes(("MiB", round(memory)))
    until("it settles", lambda: all(e.condition("Ready")[0] == "True" for e in all_))
