"""The documentation does what it says."""

import re
from pathlib import Path

import pytest
import yaml

from tests import docs
from tests.stories import EXAMPLES, ROOT


@pytest.mark.parametrize("command", docs.commands("console"), ids=lambda c: f"{c.file.relative_to(ROOT)}: {c.text}")
def test_a_command_of_the_documentation_works_and_prints_what_is_shown(command: docs.Command) -> None:
    done = command.run(ROOT)

    assert done.returncode == command.code, done.stderr
    if command.prints.strip():
        assert (done.stdout + done.stderr).strip() == command.prints.strip()


@pytest.mark.parametrize("file", docs.files(), ids=lambda f: str(f.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", file.read_text()):
        path, _, anchor = target.partition("#")
        if path.startswith("https:"):
            continue
        there = (file.parent / path) if path else file
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^-a-z0-9 ]", "", h.lower()).replace(" ", "-") for h in headings], target


def test_every_example_tells_its_story_and_is_named_nowhere_else_than_it_is() -> None:
    for directory in EXAMPLES.iterdir():
        if directory.is_dir():
            files = {p.name for p in directory.iterdir()}
            story = {"environments"} if directory.name == "gitops-hub" else {"environment.yaml", "expected.yaml"}
            assert {"README.md"} | story <= files, directory.name


def test_the_readmes_smallest_environment_is_the_quickstart() -> None:
    block = next(b for i, n, b in docs.BLOCK.findall((ROOT / "README.md").read_text()) if n == "yaml")

    assert yaml.safe_load(block) == yaml.safe_load((EXAMPLES / "quickstart" / "environment.yaml").read_text())
