"""The server's command, `function`."""

import asyncio

import click
from crossplane.function import logging

from function.__version__ import __version__
from function.server import Options, StartError, serve

_SIZE = click.IntRange(1, 1024)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--address", default="0.0.0.0:9443", show_default=True, envvar="ADDRESS", help="Address to listen on for gRPC."
)  # A pod's port.
@click.option(
    "--tls-certs-dir", "--tls-server-certs-dir", envvar="TLS_SERVER_CERTS_DIR", help="Directory with tls.crt, tls.key and ca.crt, for mTLS."
)
@click.option("--insecure", is_flag=True, envvar="INSECURE", help="Serve without TLS, whatever --tls-certs-dir says. For local use.")
@click.option("--debug", "-d", is_flag=True, envvar="DEBUG", help="Log for people, and more.")
@click.option(
    "--max-recv-message-size",
    "--max-grpc-message-size",
    type=_SIZE,
    default=32,
    show_default=True,
    envvar="MAX_RECV_MESSAGE_SIZE",
    help="Largest request, in MiB. 32 fits an environment of 1,000 control planes several times.",
)
@click.option(
    "--max-send-message-size", type=_SIZE, default=32, show_default=True, envvar="MAX_SEND_MESSAGE_SIZE", help="Largest response, in MiB."
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar="METRICS_PORT",
    help="Port for Prometheus metrics; 0 serves none.",
)
@click.version_option(__version__)
def cli(  # noqa: PLR0913  # One for each flag.
    *,
    address: str,
    tls_certs_dir: str | None,
    insecure: bool,
    debug: bool,
    max_recv_message_size: int,
    max_send_message_size: int,
    metrics_port: int,
) -> None:
    """Serve function-upbound-environment to Crossplane.

    Crossplane starts it from the package. To try a Composition on your machine:

        function --insecure --address 127.0.0.1:9443
    """
    logging.configure(logging.Level.DEBUG if debug else logging.Level.INFO)
    if not insecure and not tls_certs_dir:
        raise click.UsageError("give --tls-certs-dir (or TLS_SERVER_CERTS_DIR), or --insecure for local use")
    certificates = None if insecure else tls_certs_dir
    options = Options(address, certificates, max_recv_message_size, max_send_message_size, metrics_port or None)
    try:
        asyncio.run(serve(options))
    except StartError as e:
        raise click.ClickException(str(e)) from e
