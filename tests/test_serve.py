"""The server, as Crossplane and Kubernetes use it: real processes and real sockets, on this machine only."""

import contextlib
import datetime
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1
from crossplane.function.proto.v1beta1 import run_function_pb2 as fnv1beta1
from crossplane.function.proto.v1beta1 import run_function_pb2_grpc as grpcv1beta1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests import stories

FUNCTION = str(Path(sys.executable).parent / "function")
STORY = stories.Story(stories.CASES / "smallest-claim")
NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def serving(*flags: str, log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server on a free port, and its process."""
    address = f"127.0.0.1:{free_port()}"
    with log.open("wb") as out:
        process = subprocess.Popen([FUNCTION, "--address", address, *flags], stdout=out, stderr=out)
        try:
            until_it_listens(address, process)
            yield address, process
        finally:
            process.terminate()
            process.wait(15)


def until_it_listens(address: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for a server."""
    host, port = address.split(":")
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        assert process.poll() is None, "the server died"
        time.sleep(0.05)
    pytest.fail("the server does not listen")


def ask(channel: grpc.Channel) -> fnv1.RunFunctionResponse:
    """The answer for the smallest claim."""
    return grpcv1.FunctionRunnerServiceStub(channel).RunFunction(STORY.request(), timeout=20)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file for what the server logs."""
    return tmp_path / "log"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with tls.crt, tls.key and ca.crt, as Crossplane mounts it."""
    directory, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file, content in (("tls.crt", made), ("ca.crt", made), ("tls.key", private)):
        (directory / file).write_bytes(content)
    return directory


def test_it_answers_over_both_versions_of_the_protocol_with_health_and_metrics(log: Path) -> None:
    metrics = free_port()
    with serving("--insecure", "--metrics-port", str(metrics), log=log) as (address, _), grpc.insecure_channel(address) as channel:
        rsp = ask(channel)
        beta = grpcv1beta1.FunctionRunnerServiceStub(channel).RunFunction(
            fnv1beta1.RunFunctionRequest.FromString(STORY.request().SerializeToString())
        )
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as page:  # Our own server.
            counted = page.read().decode()

    assert sorted(rsp.desired.resources) == ["controlplane/west/default/dev", "providerconfig/west"]
    assert beta.SerializeToString(deterministic=True) == rsp.SerializeToString(deterministic=True)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert 'upbound_environment_calls_total{fatal="false"} 2.0' in counted
    assert "upbound_environment_seconds_count 2.0" in counted
    assert "upbound_environment_resources 2.0" in counted


def test_with_certificates_it_takes_only_callers_that_have_one(certificates: Path, log: Path) -> None:
    ca, crt, key = ((certificates / f).read_bytes() for f in ("ca.crt", "tls.crt", "tls.key"))
    with serving("--tls-certs-dir", str(certificates), "--metrics-port", "0", log=log) as (address, _):
        target = address.replace("127.0.0.1", "localhost")
        with grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, crt)) as channel:
            assert len(ask(channel).desired.resources) == 2
        for credentials in (grpc.ssl_channel_credentials(ca), None):
            with (
                grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target) as channel,
                pytest.raises(grpc.RpcError) as refused,
            ):
                ask(channel)
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


def test_insecure_wins_over_certificates_and_there_is_one_listener(certificates: Path, log: Path) -> None:
    with serving("--insecure", "--tls-certs-dir", str(certificates), "--metrics-port", "0", log=log) as (address, _):
        for _ in range(20):
            with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
                assert len(ask(channel).desired.resources) == 2


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_drains_and_ends_well_when_it_is_told_to(stop: signal.Signals, log: Path) -> None:
    with serving("--insecure", "--metrics-port", "0", log=log) as (_, process):
        process.send_signal(stop)

        assert process.wait(15) == 0
    assert "Draining" in log.read_text()


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        pytest.param(
            [], 2, "give --tls-certs-dir (or TLS_SERVER_CERTS_DIR), or --insecure for local use", id="neither certificates nor insecure"
        ),
        pytest.param(["--tls-certs-dir", "/nowhere"], 1, "cannot read /nowhere/tls.crt: No such file or directory", id="no certificates"),
        pytest.param(
            ["--insecure", "--address", "192.0.2.1:9"],
            1,
            "cannot listen on 192.0.2.1:9: it is in use, or no address of this machine",
            id="no address of ours",
        ),
        pytest.param(["--insecure", "--max-recv-message-size", "0"], 2, "0 is not in the range 1<=x<=1024", id="no size"),
    ],
)
def test_a_start_that_fails_says_why_and_is_no_success(flags: list[str], code: int, says: str) -> None:
    done = subprocess.run([FUNCTION, *flags], capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_no_success(log: Path) -> None:
    with serving("--insecure", "--metrics-port", "0", log=log) as (address, _):
        done = subprocess.run(
            [FUNCTION, "--insecure", "--address", address, "--metrics-port", "0"], capture_output=True, text=True, timeout=30, check=False
        )
        port = free_port()
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", port))  # noqa: S104  # The port that the server would take on all interfaces.
            taken.listen()
            metrics = subprocess.run(
                [FUNCTION, "--insecure", "--address", f"127.0.0.1:{free_port()}", "--metrics-port", str(port)],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )

    assert (done.returncode, f"cannot listen on {address}" in done.stderr) == (1, True)
    assert (metrics.returncode, f"cannot serve metrics on port {port}" in metrics.stderr) == (1, True)


def test_a_request_that_is_too_large_is_refused_and_the_default_takes_a_large_one(log: Path) -> None:
    req = STORY.request()
    req.observed.resources["large"].resource.update({"a": "x" * 5 * 1024 * 1024})
    with (
        serving("--insecure", "--max-recv-message-size", "4", "--metrics-port", "0", log=log) as (address, _),
        grpc.insecure_channel(address, options=NO_LIMIT) as channel,
    ):
        with pytest.raises(grpc.RpcError) as refused:
            grpcv1.FunctionRunnerServiceStub(channel).RunFunction(req, timeout=20)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(ask(channel).desired.resources) == 2
    with serving("--insecure", "--metrics-port", "0", log=log) as (address, _), grpc.insecure_channel(address, options=NO_LIMIT) as channel:
        assert grpcv1.FunctionRunnerServiceStub(channel).RunFunction(req, timeout=20).desired.resources


def test_garbage_on_the_socket_changes_nothing_for_others(log: Path) -> None:
    with serving("--insecure", "--metrics-port", "0", log=log) as (address, process):
        host, port = address.split(":")
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 999):
            with socket.create_connection((host, int(port)), 5) as s, contextlib.suppress(OSError):
                s.sendall(garbage)
        with grpc.insecure_channel(address) as channel:
            with pytest.raises(grpc.RpcError):
                channel.unary_unary("/apiextensions.fn.proto.v1.FunctionRunnerService/RunFunction")(b"\xff\xff", timeout=10)
            assert len(ask(channel).desired.resources) == 2
        assert process.poll() is None


def test_logs_are_structured_and_hold_nothing_of_the_environment(log: Path) -> None:
    req = STORY.request()
    req.observed.composite.resource["spec"]["organization"] = "MARKER not valid"
    req.credentials["token"].credential_data.data["token"] = b"MARKER"
    with serving("--insecure", "--metrics-port", "0", log=log) as (address, _), grpc.insecure_channel(address) as channel:
        rsp = grpcv1.FunctionRunnerServiceStub(channel).RunFunction(req, timeout=20)

    assert rsp.results[0].severity == fnv1.SEVERITY_FATAL
    assert "MARKER" not in log.read_text() + str(rsp.results)
    assert all(re.match(r"\{.*\"msg\": ", line) for line in log.read_text().splitlines())


def test_debug_logs_are_for_people(log: Path) -> None:
    with serving("--insecure", "--debug", "--metrics-port", "0", log=log) as (address, _), grpc.insecure_channel(address) as channel:
        ask(channel)

    assert "Answered" in log.read_text()
    assert not log.read_text().startswith("{")
