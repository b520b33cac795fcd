"""How fast RunFunction is over real gRPC, against a server that only copies observed to desired.

Both servers get the same requests in the same run, in turn. The yardstick of every row is the copying server's
median for the settled request of that size: a first request has nothing to copy. Requests are sent as the bytes
that they are, so that the client's own work stays out of it.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import time
from pathlib import Path

import grpc
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests import world  # Needs the path above.

HERE = Path(__file__).parent
SIZES = (1, 10, 100, 1000)
ROUNDS = {1: 60, 10: 60, 100: 30, 1000: 15}
LIMITS = {"settled ratio": 3.0, "first ratio": 6.0, "memory MiB": 200.0, "start s": 1.0, "growth": SIZES[3] / SIZES[1]}
METHOD = "/apiextensions.fn.proto.v1.FunctionRunnerService/RunFunction"
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]


class Copy(grpcv1.FunctionRunnerServiceServicer):
    """The least that a function can do with what it is given."""

    async def RunFunction(self, req: fnv1.RunFunctionRequest, _: object) -> fnv1.RunFunctionResponse:  # noqa: N802  # gRPC requires this name.
        """Copy observed to desired."""
        rsp = fnv1.RunFunctionResponse()
        rsp.meta.tag = req.meta.tag
        for key, observed in req.observed.resources.items():
            rsp.desired.resources[key].resource.CopyFrom(observed.resource)
        return rsp


async def serve_copies(address: str) -> None:
    """Serve Copy until killed."""
    server = grpc.aio.server(options=OPTIONS)
    grpcv1.add_FunctionRunnerServiceServicer_to_server(Copy(), server)
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


def requests(size: int) -> tuple[list[bytes], bytes]:
    """First requests, each of an environment of its own, and the settled request, with `size` control planes in ten groups."""
    xr = {
        "apiVersion": "environments.m.upbound.io/v1alpha1",
        "kind": "UpboundEnvironment",
        "metadata": {"name": "bench", "namespace": "platform"},
        "spec": {
            "organization": "acme",
            "spaces": [{"name": "west", "host": "upbound-gcp-us-west-1.spaces.upbound.io"}],
            "groups": [{"name": f"g{i}"} for i in range(10)],
            "controlPlanes": [{"name": f"c{i}", "group": f"g{i % 10}", "labels": {"stage": "dev"}} for i in range(size)],
        },
    }
    rules = {"namespaces": ["*"], "organizations": ["*"], "hosts": ["*.spaces.upbound.io"]}
    input_ = {"apiVersion": "upbound-environment.fn.crossplane.io/v1beta1", "kind": "Input", "rules": [rules]}
    lived = world.settled(xr, input_, steps=4)
    for document in lived.observed.values():  # managedFields are half of what a real Object weighs
        document["metadata"]["managedFields"] = [
            {"manager": f"m{i}", "operation": "Apply", "fieldsV1": {f"f:{j}": {} for j in range(12)}} for i in range(3)
        ]
    settled = world.request(lived.xr, input_, lived.observed)
    news = [{**xr, "metadata": {"name": f"new-{i}", "namespace": "platform"}} for i in range(ROUNDS[size])]
    assert world.fn.run(settled).meta.ttl.seconds == world.fn.SETTLED.seconds
    return [world.request(new, input_).SerializeToString() for new in news], settled.SerializeToString()


def start(command: list[str], address: str) -> tuple[subprocess.Popen[bytes], grpc.Channel, float]:
    """A server, a channel to it, and the seconds from its start to its first answer."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    channel = grpc.insecure_channel(
        address, options=[*OPTIONS, ("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 20)]
    )
    channel.unary_unary(METHOD)(fnv1.RunFunctionRequest().SerializeToString(), wait_for_ready=True, timeout=30)
    return process, channel, time.perf_counter() - began


def timed(channel: grpc.Channel, request: bytes) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    channel.unary_unary(METHOD)(request, timeout=60)
    return (time.perf_counter() - began) * 1000


def resident(process: subprocess.Popen[bytes]) -> float:
    """The most memory that a process has had, in MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def main() -> int:
    """Print the table; 1 if a limit is passed."""
    console = Console()
    ours, mine, started = start(
        [str(Path(sys.executable).parent / "function"), "--insecure", "--address", "127.0.0.1:19443", "--metrics-port", "0"],
        "127.0.0.1:19443",
    )
    copies, theirs, _ = start([sys.executable, str(HERE / "bench.py"), "copies"], "127.0.0.1:19444")
    table = Table("control planes", "copy ms", "first ms", "first ratio", "settled ms", "settled ratio", "memory MiB")
    settled_ms: dict[int, float] = {}
    found: dict[str, float] = {"start s": started}
    try:
        for size in SIZES:
            first, settled = requests(size)
            gc.collect()
            rows = [(timed(theirs, settled), timed(mine, new), timed(mine, settled)) for new in first]
            copy_ms, first_ms, settled_ms[size] = (statistics.median(r[i] for r in rows) for i in range(3))
            found |= {"first ratio": first_ms / copy_ms, "settled ratio": settled_ms[size] / copy_ms, "memory MiB": resident(ours)}
            table.add_row(
                str(size),
                *(
                    f"{v:.1f}"
                    for v in (copy_ms, first_ms, first_ms / copy_ms, settled_ms[size], settled_ms[size] / copy_ms, resident(ours))
                ),
            )
    finally:
        ours.terminate()
        copies.terminate()
    per = {size: (settled_ms[size] - settled_ms[1]) / (size - 1) for size in SIZES[1:]}
    found["growth"] = settled_ms[1000] / settled_ms[10]  # Linear is 100.
    console.print(table)
    each = ", ".join(f"{per[size]:.3f} ms at {size}" for size in per)
    console.print(f"start to first answer {started:.2f} s; each control plane costs {each}")
    missed = [f"{k} is {found[k]:.2f}, at most {limit}" for k, limit in LIMITS.items() if found[k] > limit]
    console.print("\n".join(missed) or "within all limits at 1,000 control planes")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(asyncio.run(serve_copies("127.0.0.1:19444")) if sys.argv[1:] == ["copies"] else main())
