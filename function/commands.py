"""Commands of `upenv` that print configuration for what consumes control planes."""

import click

from function import documents, given, names, printed
from function.model.consumed import Connector
from function.model.environment import Environment
from function.model.parts import SecretKey
from function.reading import dig
from function.resources import connector as family

_about_up = given.options(
    click.option("--up-cli-image", default=printed.UP_CLI, show_default=True, metavar="IMAGE", help="Image with the up command."),
    click.option("--token-secret", default=printed.TOKEN.name, show_default=True, metavar="NAME", help="Secret that has UP_TOKEN."),
    click.option("--token-key", default=printed.TOKEN.key, show_default=True, metavar="KEY", help="Key of the token in its Secret."),
)
_about_argocd = given.options(
    click.option("--health-checks", is_flag=True, help="Show the health of our kinds and of Crossplane's."),
    click.option("--exclusions", is_flag=True, help="Leave ProviderConfigUsages out, of which there are many."),
    click.option("--no-token", is_flag=True, help="For auth ExternalSecret or ComposedSecret: pods get no UP_TOKEN."),
    _about_up,
)


@click.command("argocd-values")
@_about_argocd
def argocd_values(  # noqa: PLR0913  # One for each option.
    *, health_checks: bool, exclusions: bool, no_token: bool, up_cli_image: str, token_secret: str, token_key: str
) -> None:
    """Print Helm values with which Argo CD reaches control planes.

    \b
        upenv argocd-values > up-plugin-values.yaml
        helm upgrade --install argocd argo/argo-cd -n argocd --reuse-values -f up-plugin-values.yaml
    """  # noqa: D301  # click takes a real backspace.
    cm = printed.argocd_cm(health_checks=health_checks, exclusions=exclusions)
    token = None if no_token else SecretKey("", token_secret, token_key)
    click.echo(documents.dump(printed.argocd_values(cm, up_cli_image, token)), nl=False)


@click.command("argocd-config")
@click.option("--namespace", "-n", default="argocd", show_default=True, help="Namespace of Argo CD.")
@_about_argocd
def argocd_config(  # noqa: PLR0913  # One for each option.
    *, namespace: str, health_checks: bool, exclusions: bool, no_token: bool, up_cli_image: str, token_secret: str, token_key: str
) -> None:
    """Print commands that configure an Argo CD that was not installed by Helm: what argocd-values has.

    \b
        upenv argocd-config --health-checks | sh
    """  # noqa: D301  # click takes a real backspace.
    cm = printed.argocd_cm(health_checks=health_checks, exclusions=exclusions)
    token = None if no_token else SecretKey("", token_secret, token_key)
    click.echo("\n".join(printed.argocd_patches(cm, namespace, up_cli_image, token)))


@click.command("flux-patch")
@_about_up
def flux_patch(*, up_cli_image: str, token_secret: str, token_key: str) -> None:
    """Print patches for the kustomization.yaml of flux-system, with which Flux runs the up command of kubeconfigs.

    It is what flux.allowExecKubeconfig says has been done. Flux then runs what any kubeconfig names: keep who may
    write Secrets in its namespace few.
    """
    click.echo(documents.dump(printed.flux_patch(up_cli_image, SecretKey("", token_secret, token_key))), nl=False)


@click.group()
def connector() -> None:
    """Print what Control Plane Connector and a migration to it need."""


@connector.command("claim-name")
@click.argument("name", required=False)
@click.argument("namespace", required=False)
@click.argument("cluster_id", required=False)
@click.option("--kind", type=click.Choice(("claim", "nxr")), default="claim", show_default=True, help="A claim, or a namespaced XR.")
@click.option(
    "--object", "file", type=given.FILE, metavar="FILE", help="Object of the control plane (- for standard input): say whose it is."
)
def claim_name(name: str | None, namespace: str | None, cluster_id: str | None, kind: str, file: str | None) -> None:
    """Print what the object NAME in NAMESPACE of app cluster CLUSTER_ID is called in the control plane, or the reverse.

    \b
        upenv connector claim-name my-bucket test my-appcluster
        kubectl get -n shop bucket claim-e708ff592b974f51 -o yaml | upenv connector claim-name --object -
    """  # noqa: D301  # click takes a real backspace.
    if file:
        _say_whose(file)
    elif name and namespace and cluster_id:
        click.echo(printed.claim_name(name, namespace, cluster_id, kind))
    else:
        raise click.UsageError("give NAME, NAMESPACE and CLUSTER_ID, or --object")


def _say_whose(file: str) -> None:
    document = given.mapping(file, "single object; give one of the control plane")
    labels = dig(document, "metadata", "labels")
    name, namespace, cluster_id = (str(dig(labels, label) or "") for label in names.LABELS_CONNECTOR)
    if not (name and namespace and cluster_id):
        given.stop(f"{file}: has not all labels of Control Plane Connector: {', '.join(names.LABELS_CONNECTOR)}")
    click.echo(f"{name} in namespace {namespace} of app cluster {cluster_id}")
    prefix, _, found = str(dig(document, "metadata", "name")).rpartition("-")
    if found != names.connector_identifier(name, namespace, cluster_id):
        click.secho(f"but that one is called {printed.claim_name(name, namespace, cluster_id, prefix or 'claim')}", fg="red", err=True)
        raise SystemExit(1)


@connector.command()
@click.argument("file", type=given.FILE)
@click.argument("name")
@given.COMPOSITION
def values(file: str, name: str, composition: str | None) -> None:
    """Print the values of connector NAME of the environment in FILE, for helm or up. The token is not in them.

    \b
        upenv connector values env.yaml shop > connector-values.yaml
        helm install mcp-connector oci://xpkg.upbound.io/spaces-artifacts/mcp-connector -n kube-system \\
          -f connector-values.yaml --set upbound.token=...

    For a Legacy Space the chart is mcp-connector of https://charts.upbound.io/beta, and the token's value is mcp.token.
    """  # noqa: D301  # click takes a real backspace.
    env, c = _connector(file, name, composition)
    click.echo(documents.dump(family.values(env, c, env.spaces[c.control_plane.space].host)), nl=False)


@connector.command()
@click.argument("file", type=given.FILE)
@click.argument("name")
@given.COMPOSITION
def migration(file: str, name: str, composition: str | None) -> None:
    """Print the commands that move an app cluster's Crossplane into the control plane of connector NAME.

    Nothing is run. See docs/migration.md before you run any of them.
    """
    env, c = _connector(file, name, composition)
    if env.spaces[c.control_plane.space].legacy:
        given.stop(f"{file}: connector {name} is for a Legacy Space, whose chart knows no clusterID; move to another Space first")
    if not c.said.cluster_id:
        given.stop(f"{file}: connector {name} has no clusterID, which the import needs; write one")
    click.echo("\n".join(printed.migration(env, c, file, composition)))


def _connector(file: str, name: str, composition: str | None) -> tuple[Environment, Connector]:
    env = given.parsed(given.environment(file), composition)
    found = {c.said.name: c for c in env.connectors}
    if name not in found:
        given.stop(f"{file}: has no connector {name}; it has {', '.join(sorted(found)) or 'none'}")
    return env, found[name]


ALL = (argocd_values, argocd_config, flux_patch, connector)
"""The commands, for `upenv`."""
