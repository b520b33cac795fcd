"""What the live world's own commands answer, without a world."""

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner

from live import __main__, packages
from live.environments import CLAIMS, LiveEnvironment

SPEC = {"controlPlanes": [{"name": "one"}]}


@pytest.mark.parametrize(("flags", "code"), [((), 1), (("-k", "edits"), 0)], ids=["all", "chosen"])
def test_a_run_without_tests_fails_unless_some_were_chosen(monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], code: int) -> None:
    def inside(_: object, command: list[str], **__: str) -> int:
        return pytest.ExitCode.NO_TESTS_COLLECTED if "pytest" in command else pytest.ExitCode.OK

    monkeypatch.setattr(__main__, "World", mock.Mock())
    monkeypatch.setattr(__main__, "_inside", inside)

    assert CliRunner().invoke(__main__.cli, ["test", *flags]).exit_code == code


@pytest.mark.parametrize(("age", "pushed"), [(-1, "push.sh"), (1, "crossplane"), (None, "crossplane")], ids=["newer", "older", "none"])
def test_packages_of_make_xpkg_are_installed_unless_they_are_old(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, age: int | None, pushed: str
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    monkeypatch.setattr(packages, "_run", lambda command: ran.append(Path(command[0]).name))
    for name in packages.OURS:
        for file, seconds in ((tmp_path / "package" / name / "crossplane.yaml", 0), (tmp_path / "dist" / f"{name}.xpkg", age)):
            if seconds is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
                at = file.parent.stat().st_mtime - seconds * 60
                os.utime(file, (at, at))

    packages.Packages(tmp_path / "work", 1).push_ours()

    assert set(ran) == {pushed}


@pytest.mark.parametrize(
    ("composites", "claim", "ready"),
    [
        ([{}], {}, True),
        ([{"reached": 1}], {}, False),
        ([{"spec": {}}], {}, False),
        ([{"spec": {**SPEC, "flux": {}}}], {}, False),
        ([{"Ready": "False"}], {}, False),
        ([{"generation": 1, "reached": 1, "spec": {}}, {"Ready": "False"}], {}, False),
        ([{"controlPlanes": []}], {}, False),
        ([{}], {"wave": 6}, False),
        ([{}], {"more": "of its own"}, True),
    ],
    ids=[
        "ready",
        "not reached",
        "not applied",
        "not taken out",
        "not ready",
        "moved on between two readings",
        "told what was there before",
        "claim not told",
        "claim says more",
    ],
)
def test_an_environment_is_ready_at_what_was_applied(composites: list[dict[str, Any]], claim: dict[str, Any], *, ready: bool) -> None:
    def document(**said: Any) -> dict[str, Any]:
        synced = {"type": "Synced", "status": "True", "observedGeneration": said.pop("reached", 2)}
        metadata, spec = {"generation": said.pop("generation", 2)}, said.pop("spec", SPEC)
        conditions = [synced, {"type": "Ready", "status": said.pop("Ready", "True")}]
        return {"metadata": metadata, "spec": spec, "status": {"wave": 7, **SPEC, "conditions": conditions, **said}}

    answers = [document(**c) for c in composites]
    told = document(**claim, spec={**SPEC, "resourceRef": {"name": "acme-x"}})
    world = mock.Mock()
    world.hub.get.side_effect = lambda kind, *_: (
        told if kind.startswith("upboundenvironments.") else answers.pop(0) if len(answers) > 1 else answers[0]
    )
    environment = LiveEnvironment(world=world, api=CLAIMS, namespace="tenant", spec={**SPEC, "flux": None})

    assert environment.ready() is ready
