"""What the live world's own commands answer, without a world."""

import os
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from live import __main__, packages


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
