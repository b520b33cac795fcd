"""The commands that CONTRIBUTING shows for looking around in a world."""

import subprocess
from pathlib import Path

import yaml

from live.crossplane import ROOT
from live.environments import CLAIMS, LiveEnvironment
from live.world import World
from tests import docs


def test_looking_around(world: World, tmp_path: Path) -> None:
    """Each command does what it shows, with an environment of the reader's."""
    file = tmp_path / "my-environment.yaml"
    e = LiveEnvironment(world, CLAIMS, "default")
    e.spec = {"organization": "acme", "spaces": [e.west()]}
    file.write_text(yaml.safe_dump(e.manifest))
    shown = [c for c in docs.commands("shell") if c.file.name == "CONTRIBUTING.md" and "-m live run" in c.text]
    for command in shown:
        text = command.text.replace("my-environment.yaml", str(file)).replace("-m live run", f"-m live run --crossplane {world.release}")
        done = subprocess.run(["/bin/bash", "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}: {done.stderr}"
        if "trace" in text:
            assert "UpboundEnvironment/acme" in done.stdout
    assert len(shown) == 4
    e.delete()
