"""What the live world's own commands answer, without a world."""

from unittest import mock

import pytest
from click.testing import CliRunner

from live import __main__


@pytest.mark.parametrize(("flags", "code"), [((), 1), (("-k", "edits"), 0)], ids=["all", "chosen"])
def test_a_run_without_tests_fails_unless_some_were_chosen(monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], code: int) -> None:
    def inside(_: object, command: list[str], **__: str) -> int:
        return pytest.ExitCode.NO_TESTS_COLLECTED if "pytest" in command else pytest.ExitCode.OK

    monkeypatch.setattr(__main__, "World", mock.Mock())
    monkeypatch.setattr(__main__, "_inside", inside)

    assert CliRunner().invoke(__main__.cli, ["test", *flags]).exit_code == code
