"""Commands of `upenv` that write an environment: for a Space, and for what is in one."""

import json
import subprocess

import click

from function import adoption, documents, given, kubeconfigs, model
from function.documents import UnreadableError, UnusableError

_about_what_is_written = given.options(
    click.option("--name", default="environment", show_default=True, help="Name of the environment."),
    click.option("--namespace", "-n", default="default", show_default=True, help="Namespace of the environment."),
    click.option("--namespaced", is_flag=True, help="Write the namespaced API of Crossplane 2 instead of a claim."),
)


@click.command()
@click.argument("kubeconfig_file", metavar="KUBECONFIG", type=given.FILE)
@_about_what_is_written
def init(kubeconfig_file: str, name: str, namespace: str, *, namespaced: bool) -> None:
    """Print an environment for the Space in KUBECONFIG (- for standard input), as `up ctx` wrote it.

    \b
        up ctx acme/upbound-gcp-us-west-1 -f - | upenv init - --name acme > env.yaml
    """  # noqa: D301  # click takes a real backspace.
    try:
        made = kubeconfigs.environment_from(given.mapping(kubeconfig_file), name, namespace, api=_api(namespaced=namespaced))
    except (UnreadableError, UnusableError, ValueError) as e:
        given.stop(f"{kubeconfig_file}: {e}")
    click.echo(documents.dump(made), nl=False)


@click.command("import")
@click.argument("kubeconfig_file", metavar="KUBECONFIG", type=given.FILE)
@click.argument("files", type=given.FILE, nargs=-1)
@_about_what_is_written
def import_(kubeconfig_file: str, files: tuple[str, ...], name: str, namespace: str, *, namespaced: bool) -> None:
    """Print an environment that adopts the groups and control planes of the Space in KUBECONFIG.

    They are read from the Space by kubectl; or from FILES, if you give what it has printed of both (- for standard
    input). Applying the environment only adds its label to them.

    \b
        up ctx acme/upbound-gcp-us-west-1 -f space.kubeconfig
        upenv import space.kubeconfig --name acme > env.yaml
        upenv import space.kubeconfig saved.yaml --name acme > env.yaml
    """  # noqa: D301  # click takes a real backspace.
    try:
        saved = [d.content for path in files for d in documents.load_all(path)]
        found = saved if files else _in_the_space(kubeconfig_file)
        made, notes = adoption.environment_from(given.mapping(kubeconfig_file), found, name, namespace, api=_api(namespaced=namespaced))
    except (UnreadableError, UnusableError, ValueError) as e:
        given.stop(f"{kubeconfig_file}: {e}")
    for note in notes:
        click.echo(note, err=True)
    click.echo(documents.dump(made), nl=False)


def _in_the_space(kubeconfig_file: str) -> list[object]:
    """What kubectl prints of the groups and control planes of a Space.

    Raises:
        UnreadableError: there is no kubectl, or it fails; the message is what it says.
    """
    if kubeconfig_file == "-":
        raise UnreadableError("kubectl takes a kubeconfig from a file; write it to one, or give FILES")
    command = ["kubectl", "--kubeconfig", kubeconfig_file, "get", "namespaces,controlplanes.spaces.upbound.io", "-A", "-o", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # The user's own kubectl.
    except FileNotFoundError:
        raise UnreadableError("there is no kubectl here to read the Space with; install it, or give FILES") from None
    if done.returncode:
        raise UnreadableError(f"kubectl cannot read the Space: {done.stderr.strip()}")
    return [json.loads(done.stdout)]


def _api(*, namespaced: bool) -> str:
    return model.GROUP_NAMESPACED if namespaced else model.GROUP_CLAIMS


ALL = (init, import_)
