"""What the live world's own commands answer, without a world."""

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner

from live import __main__, packages
from live.environments import CLAIMS, LiveEnvironment


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
        ([{"generation": 2, "reached": 2}], {}, True),
        ([{"generation": 2, "reached": 1}], {}, False),
        ([{"generation": 2, "reached": 2, "spec": {"groups": []}}], {}, False),
        ([{"generation": 2, "reached": 2, "Ready": "False"}], {}, False),
        ([{"generation": 1, "reached": 1, "spec": {}}, {"generation": 2, "reached": 2, "Ready": "False"}], {}, False),
        ([{"generation": 2, "reached": 2}], {"wave": 6}, False),
        ([{"generation": 2, "reached": 2}], {"more": "of its own"}, True),
    ],
    ids=["ready", "not reached", "not applied", "not ready", "moved on between two readings", "claim not told", "claim says more"],
)
def test_an_environment_is_ready_at_what_was_applied(composites: list[dict[str, Any]], claim: dict[str, Any], *, ready: bool) -> None:
    spec = {"groups": [{"name": "dev"}]}

    def document(generation: int, reached: int, spec: dict[str, Any] = spec, **said: Any) -> dict[str, Any]:
        conditions = [
            {"type": "Synced", "status": "True", "observedGeneration": reached},
            {"type": "Ready", "status": said.pop("Ready", "True")},
        ]
        return {"metadata": {"generation": generation}, "spec": spec, "status": {"wave": 7, "conditions": conditions, **said}}

    answers = [document(**c) for c in composites]
    world = mock.Mock()
    environment = LiveEnvironment(world=world, api=CLAIMS, namespace="tenant", spec=spec)
    told = {**document(1, 1, **claim), "spec": {**spec, "resourceRef": {"name": "acme-x"}}}
    world.hub.get.side_effect = lambda kind, *_: (
        told if kind.startswith("upboundenvironments.") else answers.pop(0) if len(answers) > 1 else answers[0]
    )

    assert environment.ready() is ready
