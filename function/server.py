"""Serving the function: one listener, mTLS or none, with health, reflection and metrics, and a drain at the end."""

import asyncio
import gc
import signal
from dataclasses import dataclass

import grpc
import prometheus_client
from crossplane.function import logging, runtime
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1
from crossplane.function.proto.v1beta1 import run_function_pb2_grpc as grpcv1beta1
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from function.fn import FunctionRunner

DRAIN_SECONDS = 5
MEBIBYTE = 1024 * 1024


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. `certificates` is a directory with tls.crt, tls.key and ca.crt; None serves without TLS.

    Message sizes are in MiB. `metrics` is a port of all interfaces; None serves no metrics.
    """

    address: str
    certificates: str | None
    receive: int
    send: int
    metrics: int | None


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT, then let running calls finish for DRAIN_SECONDS.

    Raises:
        StartError: the address or a file cannot be used.
    """
    log, stop, loop = logging.get_logger(), asyncio.Event(), asyncio.get_running_loop()
    # Before the port is open: from then on somebody may believe that we are up, and tell us to end.
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    server, checks = _server(options), health.aio.HealthServicer()  # type: ignore[attr-defined]  # Exported, but not by name.
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    _listen(server, options)
    if options.metrics is not None:
        _serve_metrics(options.metrics)
    # A large environment makes a million short-lived objects a call, none of them in cycles: look for cycles less often.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    await server.start()
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    log.info("Serving", address=options.address, tls=options.certificates is not None, metrics=options.metrics)
    await stop.wait()
    log.info("Draining", seconds=DRAIN_SECONDS)
    await checks.enter_graceful_shutdown()
    await server.stop(DRAIN_SECONDS)


def _server(options: Options) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", options.receive * MEBIBYTE),
            ("grpc.max_send_message_length", options.send * MEBIBYTE),
            # Without this a second server on the port starts silently, and calls land on either.
            ("grpc.so_reuseport", 0),
            # Crossplane resolves our address anew only when a connection ends: new replicas get their share.
            ("grpc.max_connection_age_ms", 600_000),
            ("grpc.max_connection_age_grace_ms", 60_000),
        ]
    )
    runner = FunctionRunner()
    grpcv1.add_FunctionRunnerServiceServicer_to_server(runner, server)
    grpcv1beta1.add_FunctionRunnerServiceServicer_to_server(runtime.BetaFunctionRunner(wrapped=runner), server)
    reflection.enable_server_reflection((*runtime.SERVICE_NAMES, health.SERVICE_NAME), server)
    return server


def _listen(server: grpc.aio.Server, options: Options) -> None:
    try:
        if options.certificates is None:
            server.add_insecure_port(options.address)
        else:
            server.add_secure_port(options.address, runtime.load_credentials(options.certificates))
    except OSError as e:
        raise StartError(
            f"cannot read {e.filename}: {e.strerror}; --tls-certs-dir takes a directory with tls.crt, tls.key and ca.crt"
        ) from e
    except RuntimeError as e:
        raise StartError(f"cannot listen on {options.address}: it is in use, or no address of this machine") from e


def _serve_metrics(port: int) -> None:
    try:
        prometheus_client.start_http_server(port)
    except (OSError, OverflowError) as e:
        raise StartError(f"cannot serve metrics on port {port}: {e}") from e
