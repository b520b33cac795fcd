"""The commands that the documentation shows, to be run as they stand."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.stories import ROOT

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"  # exits with (\d)$")


@dataclass(frozen=True)
class Command:
    """A line that a reader would type, and what the document says that it prints."""

    file: Path
    text: str
    prints: str

    @property
    def code(self) -> int:
        """The exit code that the document says."""
        found = _EXITS.search(self.text)
        return int(found.group(1)) if found else 0

    def run(self, cwd: Path, *extra: str) -> "subprocess.CompletedProcess[str]":
        """Run it in a shell, with our commands and `extra` directories on the path."""
        path = os.pathsep.join([str(Path(sys.executable).parent), *extra, "/usr/bin", "/bin"])
        env = {**os.environ, "PATH": path, "NO_COLOR": "1"}
        return subprocess.run(
            ["/bin/bash", "-c", _EXITS.sub("", self.text)], cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
        )


def files() -> list[Path]:
    """Everything that is written for readers."""
    return [p for p in sorted(ROOT.rglob("*.md")) if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]


def commands(language: str) -> list[Command]:
    """Commands of all blocks in `language`: console (with a prompt, and what is printed) or sh (no prompt)."""
    found = []
    for file in files():
        for indent, name, block in BLOCK.findall(file.read_text()):
            if name != language:
                continue
            body = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
            steps = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:] if language == "console" else body.splitlines()
            found += [Command(file, *(step.split("\n", 1) if "\n" in step else (step, ""))) for step in steps if step.strip()]
    return found
