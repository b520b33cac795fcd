"""The live world: `python -m live --help`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from live.crossplane import NEWEST, RELEASES
from live.world import World

_RELEASE = click.option(
    "--crossplane", "release", type=click.Choice(list(RELEASES)), default=NEWEST, show_default=True, help="Release of Crossplane."
)

_WORKERS = 12
_NOTHING_CHOSEN = 5


def _up(release: str) -> str:
    """A program that brings a world up."""
    return f"from live import bringing_up, world; bringing_up.up(world.World({release!r}))"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Real Crossplanes with a Space to drive, as plain processes on loopback.

    A world outlives the command that brings it up. What it writes is in .cache/live, its logs in log/ there.
    """


@cli.command()
@_RELEASE
def up(release: str) -> None:
    """Bring a world up, or whatever of it is not up."""
    world = World(release)
    world.sandbox.open()
    _enter(world, [sys.executable, "-c", _up(release)])


@cli.command()
@_RELEASE
@click.option("--wipe", is_flag=True, help="Remove what it wrote, too: the next one starts empty.")
def down(release: str, *, wipe: bool) -> None:
    """Take a world down."""
    world = World(release)
    world.down()
    if wipe:
        world.wipe()


@cli.command(context_settings={"ignore_unknown_options": True})
@_RELEASE
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(release: str, command: tuple[str, ...]) -> None:
    """Run COMMAND inside a world, with kubectl and crossplane that speak to its hub. Without one, a shell.

    The kubeconfig of the Space behind the gateway is $SPACE.
    """
    _enter(World(release), [*command] or [os.environ.get("SHELL", "sh")])


@cli.command()
@click.option("--crossplane", "releases", type=click.Choice(list(RELEASES)), multiple=True, help="Release of Crossplane; both without it.")
@click.option("--all", "thorough", is_flag=True, help="Every fault at both moments, and load, too.")
@click.option("--keep", is_flag=True, help="Leave the worlds up.")
@click.option("-k", "expression", default="", help="Only tests whose names match, as pytest's -k.")
def test(releases: tuple[str, ...], expression: str, *, thorough: bool, keep: bool) -> None:
    """Bring worlds up, see that everything holds in them, and take them down.

    What does not disturb others runs at the same time, then what breaks things, one at a time, and last of all a
    search for secrets in everything that was written.
    """
    failed, older = False, "" if thorough else " and everywhere"
    good = (0, _NOTHING_CHOSEN) if expression else (0,)
    for release in releases or RELEASES:
        world = World(release)
        world.down()
        world.wipe()
        world.sandbox.open()
        code = _inside(world, [sys.executable, "-c", _up(release)])
        for marks, workers in (("not alone and not last", _WORKERS), ("alone and not last", 0), ("last", 0)):
            chosen = marks + ("" if thorough else " and not thorough") + ("" if release == NEWEST else f" and not both{older}")
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                f"-n{workers}",
                "--dist=worksteal",
                "-m",
                chosen,
                "live",
            ]
            if code in good or thorough:
                code = _inside(world, [*command, *(("-k", expression) if expression else ())], LIVE_RELEASE=release)
            failed |= code not in good
        if not keep:
            world.down()
    sys.exit(failed)


@cli.command()
@_RELEASE
def table(release: str) -> None:
    """Print what the last tests of a world took, as Markdown, for docs/reliability.md and docs/scale.md."""
    for row in _results(release):
        notes = ", ".join(f"{what} {value:g}" for what, value in row["notes"].items() if what != "before")
        click.echo(f"| {row['test'].removeprefix('test_').replace('_', ' ')} | {row['seconds']:.0f} | {notes} |")


@cli.command()
def failures() -> None:
    """Print what was red in the last tests of all worlds, and why in short."""
    for release in RELEASES:
        for row in filter(lambda r: r["failure"], _results(release)):
            click.echo(f"Crossplane {release}: {row['test']}: {row['failure']}")


def _results(release: str) -> list[dict[str, Any]]:
    """The last result of each test of a world, by name."""
    kept = World(release).directory / "results.jsonl"
    rows = map(json.loads, kept.read_text().splitlines() if kept.exists() else ())
    return sorted({r["test"]: r for r in rows}.values(), key=lambda r: str(r["test"]))


def _enter(world: World, command: list[str]) -> None:
    """Run a command in a world in place of this one."""
    if not world.sandbox.alive("sandbox"):
        raise click.ClickException(f"the world with Crossplane {world.release} is not up; run: make live")
    sys.exit(_inside(world, command))


def _inside(world: World, command: list[str], **more: str) -> int:
    env = {
        **os.environ,
        **world.environment,
        "PATH": f"{world.binaries}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    return subprocess.run(world.sandbox.enter(command), env={**env, **more}, check=False).returncode  # What the user asked for.


if __name__ == "__main__":
    cli(prog_name="python -m live")
