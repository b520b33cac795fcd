"""Fixtures of the live tests. They run inside a world that is up: `make live-test`."""

import contextlib
import itertools
import json
import os
import time
from collections.abc import Callable, Generator, Iterator

import pytest

from live.client import ApiError
from live.crossplane import NEWEST, RELEASES
from live.environments import MADE, LiveEnvironment
from live.world import TEAM_TOKEN, World

RELEASE = os.environ.get("LIVE_RELEASE", NEWEST)
_LINES = 3
_numbers = itertools.count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `api` once for each API that the world's Crossplane has."""
    if "api" in metafunc.fixturenames:
        metafunc.parametrize("api", RELEASES[RELEASE].apis)


@pytest.hookimpl(trylast=True)  # When what is not chosen is left out already.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker begin with something that takes long: it has an equal part of this list, and gives of its end to others."""
    long = [item for item in items if "long" in item.keywords]
    part = max(1, len(items) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    items[:] = [item for item in items if item not in long]
    for number, item in enumerate(long):
        items.insert(number * part, item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a test that fails what there is of its environments, and what the logs say of them."""
    report = yield
    if call.when == "call" and report.failed:
        for e in MADE:
            with contextlib.suppress(OSError, ApiError):  # An API may be what is broken.
                report.sections.append((f"{e.namespace}/{e.name} of {item.name}", e.explain()))
    if call.when == "teardown":
        MADE.clear()
    return report


@pytest.fixture(scope="session")
def world() -> World:
    """The world that is up."""
    return World(RELEASE)


@pytest.fixture
def namespace(world: World, request: pytest.FixtureRequest) -> str:
    """A namespace of its own, with the team's token."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    stem = request.node.originalname.removeprefix("test_").replace("_", "-")[:24].strip("-")
    name = f"{stem}-{worker}-{next(_numbers)}-{int(time.time()) % 100_000}"
    world.hub.create("namespaces.v1.", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "upbound-credentials"}, "stringData": {"token": TEAM_TOKEN}}
    world.hub.create("secrets.v1.", secret, name)
    return name


@pytest.fixture
def environment(world: World, namespace: str, api: str) -> LiveEnvironment:
    """An environment that is not applied yet: one Space, no groups."""
    environment = LiveEnvironment(world, api, namespace)
    environment.spec = {"organization": "acme", "spaces": [environment.west()]}
    return environment


@pytest.fixture
def took(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Notes how many seconds something took, since the test began or since the last note."""
    last = time.monotonic()

    def note(what: str) -> None:
        nonlocal last
        now = time.monotonic()
        request.node.user_properties.append((what, round(now - last, 1)))
        last = now

    return note


@pytest.fixture
def healthy(world: World) -> Iterator[None]:
    """Whatever a test breaks is whole again afterwards."""
    yield
    world.tell_space("fault", {})
    world.start_api_servers()
    world.start_standins()
    world.start_crossplane()
    world.runtime.start_provider()
    world.runtime.start_function()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print, and keep, what took how long, and why what is red is red."""
    reports = [r for outcome in ("passed", "failed", "error") for r in terminalreporter.getreports(outcome)]
    reports = sorted((r for r in reports if r.when == "call" or r.failed), key=lambda r: r.nodeid)
    if not reports or "PYTEST_XDIST_WORKER" in os.environ:  # A worker's are told once more where all are.
        return
    terminalreporter.section(f"Crossplane {RELEASE}")
    with (World(RELEASE).directory / "results.jsonl").open("a") as file:
        for report in reports:
            name, notes = report.nodeid.rpartition("::")[2], report.user_properties
            told = ", ".join(f"{what} {seconds} s" for what, seconds in notes)
            terminalreporter.write_line(f"{report.duration:7.1f} s  {name}{f': {told}' if told else ''}")
            why = _why(report) if report.failed else ""
            file.write(json.dumps({"test": name, "seconds": round(report.duration, 1), "notes": dict(notes), "failure": why}) + "\n")


def _why(report: pytest.TestReport) -> str:
    """The first lines of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return "\n".join(str(crash.message if crash else report.longrepr).splitlines()[:_LINES])
