"""Commands of `upenv` that write an environment: for a Space, and for what is in one."""

import click

from function import adoption, documents, given, kubeconfigs, model
from function.documents import UnreadableError
from function.kubeconfigs import NoKubeconfigError

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
    except (UnreadableError, NoKubeconfigError, ValueError) as e:
        given.stop(f"{kubeconfig_file}: {e}")
    click.echo(documents.dump(made), nl=False)


@click.command("import")
@click.argument("kubeconfig_file", metavar="KUBECONFIG", type=given.FILE)
@click.argument("files", type=given.FILE, nargs=-1, required=True)
@_about_what_is_written
def import_(kubeconfig_file: str, files: tuple[str, ...], name: str, namespace: str, *, namespaced: bool) -> None:
    """Print an environment that adopts the groups and control planes in FILES, of the Space in KUBECONFIG.

    FILES are what kubectl prints of both (- for standard input). Applying the environment only adds its label to them.

    \b
        up ctx acme/upbound-gcp-us-west-1 -f space.kubeconfig
        kubectl --kubeconfig space.kubeconfig get namespaces,controlplanes -A -o yaml |
          upenv import space.kubeconfig - --name acme > env.yaml
    """  # noqa: D301  # click takes a real backspace.
    try:
        found = [d.content for path in files for d in documents.load_all(path)]
        made, notes = adoption.environment_from(given.mapping(kubeconfig_file), found, name, namespace, api=_api(namespaced=namespaced))
    except (UnreadableError, NoKubeconfigError, ValueError) as e:
        given.stop(f"{kubeconfig_file}: {e}")
    for note in notes:
        click.echo(note, err=True)
    click.echo(documents.dump(made), nl=False)


def _api(*, namespaced: bool) -> str:
    return model.GROUP_NAMESPACED if namespaced else model.GROUP_CLAIMS


ALL = (init, import_)
