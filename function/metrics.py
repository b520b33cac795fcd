"""Prometheus metrics of the function. They count; they name no environment and hold no value of one."""

from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("upbound_environment_calls", "Calls of RunFunction, by whether the result was fatal.", ["fatal"])
SECONDS = Histogram(
    "upbound_environment_seconds", "Seconds that a call of RunFunction took.", buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)
)
RESOURCES = Gauge("upbound_environment_resources", "Composed resources in the newest answer.")


def record(rsp: fnv1.RunFunctionResponse, seconds: float) -> None:
    """Count one call."""
    is_fatal = any(r.severity == fnv1.SEVERITY_FATAL for r in rsp.results)
    CALLS.labels(fatal=str(is_fatal).lower()).inc()
    SECONDS.observe(seconds)
    RESOURCES.set(len(rsp.desired.resources))
