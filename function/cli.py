"""The command line, `upenv`: render, validate and reach environments without a cluster.

Exit codes: 0 it worked; 1 the answer is no; 2 it was called wrongly or given something unusable.
"""

from datetime import UTC, datetime

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete
from crossplane.function import logging

from function import commands, documents, drafts, given, kubeconfigs, names, tables
from function import render as rendering
from function.__version__ import __version__
from function.documents import Document, UnusableError
from function.model.environment import Environment
from function.model.errors import InvalidError, Location
from function.model.parts import Policies
from function.rollout import TIME

_REGISTERED = "cluster of Argo CD"
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=given.Commands, context_settings=_SETTINGS)
@click.version_option(__version__)
def main() -> None:
    """Render, validate and reach UpboundEnvironments on your machine, without a cluster."""
    logging.configure(logging.Level.DISABLED)


@main.command()
@click.argument("file", type=given.FILE)
@click.argument("composition", type=given.FILE, required=False)
@click.argument("functions", type=given.FILE, required=False)
@click.option(
    "-o",
    "--observed-resources",
    type=given.FILE,
    multiple=True,
    metavar="PATH",
    help="Composed resources that exist: a file or a directory.",
)
@click.option(
    "-e",
    "--required-resources",
    "--extra-resources",
    type=given.FILE,
    multiple=True,
    metavar="PATH",
    help="Other resources that the function asks for: a file or a directory.",
)
@click.option("-x", "--include-full-xr", is_flag=True, help="Print the whole XR, not only its status.")
@click.option("-r", "--include-function-results", is_flag=True, help="Print the function's results too.")
@click.option(
    "--function-address", metavar="HOST:PORT", help="Ask a function that is running there without TLS, instead of the one in this program."
)
@click.option("--now", type=click.DateTime([TIME]), metavar="TIME", help="What the clock says, such as 2026-01-01T12:00:00Z. Default: now.")
def render(  # noqa: PLR0913, PLR0917  # The flags of crossplane composition render.
    file: str,
    composition: str | None,
    functions: str | None,  # noqa: ARG001  # Taken so that a command for crossplane works here too.
    observed_resources: tuple[str, ...],
    required_resources: tuple[str, ...],
    function_address: str | None,
    now: datetime | None,
    *,
    include_full_xr: bool,
    include_function_results: bool,
) -> None:
    """Print what the environment in FILE (- for standard input) becomes.

    FILE has an XR or a claim; a claim is rendered as an XR of its own name. Without COMPOSITION, the one that
    comes with the function is used. FUNCTIONS is not needed, and is taken so that a command for crossplane works.

    \b
        upenv render examples/quickstart/environment.yaml
        upenv render env.yaml composition.yaml -o observed.yaml
    """  # noqa: D301  # click takes a real backspace.
    if now and function_address:
        raise click.UsageError("--now is for the function in this program: the one at --function-address has a clock of its own")
    try:
        xr = rendering.composite(given.environment(file).content)
        input_ = rendering.input_of(composition or rendering.shipped_composition(xr), xr)
        observed = [d for path in observed_resources for d in documents.load_all(path)]
        required = [d for path in required_resources for d in documents.load_all(path)]
        rsp = rendering.run(rendering.request(xr, input_, observed, required), function_address, now and now.replace(tzinfo=UTC))
    except UnusableError as e:
        given.stop(f"{file}: {e}")
    for document in rendering.documents(xr, rsp, full=include_full_xr, results=include_function_results):
        click.echo(f"---\n{documents.dump(document)}", nl=False)


@main.command()
@click.argument("files", type=given.FILE, nargs=-1, required=True)
@given.COMPOSITION
def validate(files: tuple[str, ...], composition: str | None) -> None:
    """Check the environments in FILES (files, directories, or - for standard input); other objects are passed over.

    Prints every problem with its file and line, and exits with 1 if there is one. Fit for a commit check:

    \b
        upenv validate environments/
        git diff --name-only --cached -- '*.yaml' | xargs upenv validate
    """  # noqa: D301  # click takes a real backspace.
    found = [d for path in files for d in documents.load_all(path) if given.is_environment(d)]
    owners: dict[tuple[str, ...], tuple[Document, Location]] = {}
    problems = [p for d in found for p in _problems(d, composition, owners)]
    for problem in problems:
        click.secho(problem, fg="red")
    word = "environment" if len(found) == 1 else "environments"
    if problems:
        click.echo(f"{len(found)} {word}, {len(problems)} {'problem' if len(problems) == 1 else 'problems'}", err=True)
        raise SystemExit(1)
    click.echo(f"{len(found)} {word}, no problems", err=True)


@main.command()
@click.argument("file", type=given.FILE)
@click.option("--space", metavar="NAME", help="The Space of this name. May be left out when there is one.")
@click.option("--group", metavar="NAME", help="The Space of this group, with the group as namespace.")
@click.option("--control-plane", metavar="NAME", help="The API inside this control plane.")
@click.option(
    "--credentials", type=given.FILE, metavar="FILE", help="For a Disconnected Space: a kubeconfig whose current user may reach it."
)
@click.option(
    "--token-file", metavar="PATH", help="For a Legacy Space: where the user of the kubeconfig keeps a token. It is not read here."
)
@given.COMPOSITION
def kubeconfig(  # noqa: PLR0913, PLR0917  # One option for each kind of endpoint.
    file: str,
    space: str | None,
    group: str | None,
    control_plane: str | None,
    credentials: str | None,
    token_file: str | None,
    composition: str | None,
) -> None:
    """Print a kubeconfig for the environment in FILE. It holds no token: it runs the up command, or reads a file.

    This is how to make the Secret that a claim without a hub uses:

    \b
        upenv kubeconfig env.yaml > kubeconfig
        upenv kubeconfig env.yaml --control-plane dev
    """  # noqa: D301  # click takes a real backspace.
    if sum(o is not None for o in (space, group, control_plane)) > 1:
        raise click.UsageError("give one of --space, --group and --control-plane")
    env = given.parsed(given.environment(file), composition)
    own = given.mapping(credentials) if credentials else None
    if group:
        made = kubeconfigs.of_group(env, group, own)
    elif control_plane:
        made = kubeconfigs.of_control_plane(env, control_plane, own, token_file)
    else:
        made = kubeconfigs.of_space(env, space, own)
    click.echo(documents.dump(made), nl=False)


@main.command()
@click.argument("file", type=given.FILE)
@click.option("--control-planes", is_flag=True, help="Show every control plane too.")
def rollout(file: str, *, control_planes: bool) -> None:
    """Show how far the rollout of the environment in FILE (- for standard input) is, as kubectl prints it, with its status.

    Exits with 1 while it is halted.

    \b
        kubectl get upboundenvironment acme -n platform -o yaml | upenv rollout -
    """  # noqa: D301  # click takes a real backspace.
    status = tables.status_of(file)
    tables.show_rollout(status, control_planes=control_planes)
    raise SystemExit(int("Halted" in status["rollout"]))


for command in (*drafts.ALL, *commands.ALL):
    main.add_command(command)


@main.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
        source <(upenv completion bash)
    """  # noqa: D301  # click takes a real backspace.
    classes = {c.name: c for c in (BashComplete, ZshComplete, FishComplete)}
    click.echo(classes[shell](main, {}, "upenv", "_UPENV_COMPLETE").source())


def _problems(document: Document, composition: str | None, owners: dict[tuple[str, ...], tuple[Document, Location]]) -> list[str]:
    """What is wrong with one environment, and with its place among the others in `owners`."""
    try:
        env = given.parsed(document, composition)
    except InvalidError as e:
        return [f"{document.file}:{document.line(p.at)}: {p}" for p in e.problems]
    except UnusableError as e:
        return [f"{document.file}:{document.line(())}: {e}"]
    found = []
    for thing, at in _makes(env).items():
        other, there = owners.setdefault(thing, (document, at))
        if other is not document:
            where, advice = f"{other.file}:{other.line(there)}", "keep it in one"
            if thing[0] == _REGISTERED:
                advice = f"rename a Space, or {advice}"  # It may be two control planes.
            found.append(f"{document.file}:{document.line(at)}: {thing[0]} {'/'.join(thing[1:])} is in {where} too; {advice}")
    return found


def _makes(env: Environment) -> dict[tuple[str, ...], Location]:
    """What only one environment should make, and where this one says so."""
    mine: dict[tuple[str, ...], Location] = {("environment", env.identity.namespace, env.identity.name): ("metadata", "name")}
    for i, c in enumerate(env.control_planes):
        if c.policies is not Policies.OBSERVE and not env.spaces[c.space].legacy:
            mine["control plane", env.spaces[c.space].host, c.group, c.name] = ("spec", "controlPlanes", i)
    entries = {c.entry: ("spec", "controlPlanes", i) for i, c in enumerate(env.control_planes)}
    for r in env.argocd:
        mine[_REGISTERED, r.target.place.name, r.target.namespace, names.argocd_cluster(r.control_plane)] = entries[r.control_plane.entry]
    for i, g in enumerate(env.groups):
        if g.owned and g.policies is not Policies.OBSERVE:
            mine["group", env.spaces[g.space].host, g.name] = ("spec", "groups", i)
    teams, repositories = enumerate(env.iam.teams.values()), enumerate(env.iam.repositories)
    issued = {("team", env.organization, t.called): ("spec", "iam", "teams", i) for i, t in teams if not t.external_name}
    issued |= {("repository", env.organization, r.name): ("spec", "iam", "repositories", i) for i, r in repositories}
    return mine if env.policies is Policies.OBSERVE else mine | issued
