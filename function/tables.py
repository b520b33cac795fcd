"""Tables for people on a terminal, from the status of an environment."""

import sys
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from function import documents
from function.documents import UnreadableError
from function.reading import listed

_COLOURS = {"RolledOut": "green", "Halted": "red", "Soaking": "cyan", "Progressing": "yellow"}
_WIDTH = 160
"""Of what is no terminal."""

Status = Mapping[str, Any]


def status_of(file: str) -> Status:
    """The status of the environment in `file`, live or saved.

    Raises:
        UnreadableError: there is none, or nothing is rolled out in it.
    """
    found = [d.content["status"] for d in documents.load(file) if isinstance(d.content, dict) and isinstance(d.content.get("status"), dict)]
    if len(found) != 1 or not isinstance(found[0].get("rollout"), str):
        raise UnreadableError(f"{file}: has no environment with a rollout in its status; give what kubectl get -o yaml prints of one")
    status: Status = found[0]
    return status


def show_rollout(status: Status, *, control_planes: bool) -> None:
    """Print the stages, and the Configurations of every control plane where asked for or where there are no stages."""
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    stages = _list(status, "stages")
    if stages:
        table = Table(
            "stage", "phase", "wanted", "target", "running", "healthy", "soaking until", "waits for, or what is wrong", box=box.SIMPLE
        )
        for s in stages:
            style = _COLOURS.get(_said(s, "phase"), "default")
            healthy = f"{s.get('healthy', 0)}/{s.get('total', 0)}"
            name, phase, wanted, target, running, until, message = (
                _said(s, f) for f in ("name", "phase", "wanted", "target", "running", "soakingUntil", "message")
            )
            table.add_row(name, f"[{style}]{phase}[/]", wanted, target, running, healthy, until, message)
        console.print(table)
    if control_planes or not stages:
        table = Table("stage", "control plane", "configuration", "wanted", "target", "running", "healthy", "what is wrong", box=box.SIMPLE)
        pairs = [(c, k) for c in _list(status, "controlPlanes") for k in _list(c, "configurations")]
        for c, k in pairs:
            healthy = "[green]yes[/]" if k.get("healthy") else "[red]no[/]"
            texts = (_said(c, "stage"), _said(c, "name"), *(_said(k, f) for f in ("name", "wanted", "target", "running")))
            table.add_row(*texts, healthy, _said(k, "message"))
        console.print(table)
    console.print(escape(status["rollout"]))


def _said(document: Mapping[str, Any], field: str) -> str:
    """A field as it stands: what looks like a style to rich is none."""
    return escape(str(document.get(field, "")))


def _list(document: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    return [v for v in listed(document, field) if isinstance(v, Mapping)]
