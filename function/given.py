"""What the command line is given: files with environments, and the Composition whose rules hold for them."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import click

from function import documents, model
from function import render as rendering
from function.documents import Document, UnreadableError, UnusableError
from function.model.environment import Environment
from function.model.errors import InvalidError

FILE = click.Path(allow_dash=True)
COMPOSITION = click.option(
    "--composition",
    type=FILE,
    metavar="FILE",
    help="Composition whose Input has the rules. Default: the one that comes with the function.",
)


Command = Callable[..., None]


def options(*some: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Options that several commands share, in the order of their help."""

    def on(command: Command) -> Command:
        for option in reversed(some):
            command = option(command)
        return command

    return on


def environment(file: str) -> Document:
    """The environment in `file`.

    Raises:
        UnreadableError: there is not exactly one.
    """
    found = [d for d in documents.load(file) if is_environment(d)]
    if len(found) != 1:
        raise UnreadableError(f"{file}: has {len(found)} environments; give a file with one")
    return found[0]


def is_environment(document: Document) -> bool:
    """Whether it is one that somebody wrote: what a renderer printed has a status and no spec."""
    content = document.content
    return (
        isinstance(content, dict)
        and content.get("kind") in (model.KIND, model.KIND_COMPOSITE)
        and ("spec" in content or "status" not in content)
    )


def parsed(document: Document, composition: str | None) -> Environment:
    """The environment that `document` describes, under the rules of `composition`."""
    xr = rendering.composite(document.content)
    return model.parse(xr, rendering.input_of(composition or rendering.shipped_composition(xr), xr))


def mapping(file: str, noun: str = "kubeconfig; write it with up ctx") -> Mapping[str, Any]:
    """The one object in `file`.

    Raises:
        UnreadableError: there is not exactly one.
    """
    found = documents.load(file)
    if len(found) != 1 or not isinstance(found[0].content, dict):
        raise UnreadableError(f"{file}: is no {noun}")
    return found[0].content


class Commands(click.Group):
    """Commands that say what is wrong with what they are given, and end with 2."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # What click returns.
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (UnreadableError, UnusableError, InvalidError) as e:
            stop(str(e))


def stop(message: str) -> NoReturn:
    """Say what is wrong, and end with 2."""
    click.secho(message, fg="red", err=True)
    raise SystemExit(2)
