"""Stories: directories with an environment, what is observed, and what is expected. Cases and examples alike."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import documents, render

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""What the clock says in all stories."""
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Story:
    """One directory."""

    path: Path

    @property
    def environment(self) -> Path:
        """The file with the environment."""
        return next(p for p in (self.path / "xr.yaml", self.path / "environment.yaml") if p.exists())

    @property
    def xr(self) -> dict[str, Any]:
        """The XR."""
        return render.composite(documents.load(str(self.environment))[0].content)

    @property
    def composition(self) -> str:
        """The file with the Composition: the story's own, or the shipped one."""
        own = self.path / "composition.yaml"
        return str(own) if own.exists() else render.shipped_composition(self.xr)

    @property
    def observed(self) -> Path | None:
        """The file with observed resources, if there is one."""
        file = self.path / "observed.yaml"
        return file if file.exists() else None

    @property
    def required(self) -> Path | None:
        """The file with resources that the function asks for, if there is one."""
        file = self.path / "required.yaml"
        return file if file.exists() else None

    @property
    def expected(self) -> Path:
        """The file with what the function returns."""
        return self.path / "expected.yaml"

    def request(self) -> fnv1.RunFunctionRequest:
        """What Crossplane sends."""
        xr = self.xr
        observed = documents.load(str(self.observed)) if self.observed else []
        required = documents.load(str(self.required)) if self.required else []
        return render.request(xr, render.input_of(self.composition, xr), observed, required)

    def rendered(self) -> list[dict[str, Any]]:
        """What upenv render prints."""
        return render.documents(self.xr, render.run(self.request(), None, NOW), full=False, results=True)


def stories() -> list[Story]:
    """All cases and all examples."""
    found = [p.parent for d in (CASES, EXAMPLES) for p in sorted(d.glob("*/expected.yaml"))]
    new = [p.parent for d in (CASES, EXAMPLES) for n in ("xr.yaml", "environment.yaml") for p in sorted(d.glob(f"*/{n}"))]
    return [Story(p) for p in dict.fromkeys([*found, *new])]


def dump(documents_: list[dict[str, Any]]) -> str:
    """Documents as they stand in expected.yaml."""
    return "".join(f"---\n{documents.dump(d)}" for d in documents_)


def load(path: Path) -> list[Any]:
    """The documents of a YAML file."""
    return [d for d in yaml.safe_load_all(path.read_text()) if d is not None]
