"""The edge to Crossplane: a RunFunctionRequest in, a RunFunctionResponse out. gRPC and protobuf stop here."""

import functools
import math
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from crossplane.function import logging, response
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1
from google.protobuf import struct_pb2

from function import metrics, names, readiness, tokens
from function.compose import compose
from function.model import InvalidError, parse
from function.model.environment import Environment
from function.observed import BEGINNING, Observed
from function.plan import Plan
from function.reading import mapping
from function.resources import connection
from function.rollout import Phase, instant
from function.status import Condition, report
from function.structs import View, plain, write

SETTLED = timedelta(minutes=10)
"""How long a settled environment may rest: changes are watched, this is for events that Crossplane dropped."""
READING = timedelta(minutes=5)
"""How long a settled environment may rest that reads Secrets: Crossplane watches those from 2.4 on only."""
UNSETTLED = timedelta(seconds=10)
"""How long an unsettled environment may rest. Eight children that come up are enough to open Crossplane's circuit breaker
for five minutes; it drops every event then, an author's edits too, but does not filter this requeue (crossplane
internal/circuit/mapfunc.go)."""
BREAKER = timedelta(minutes=5)
"""How long an open breaker is deaf. The first event after that closes it (internal/circuit/token_bucket.go), and what is
settled may have none for an hour."""
LONGEST = timedelta(minutes=1)
"""How long an unsettled environment may rest at most, and a settled one whose breaker is open for longer than it is deaf."""
_CHILDREN_A_SECOND = 5
MINUTE = timedelta(minutes=1)
_BOTH = fnv1.TARGET_COMPOSITE_AND_CLAIM


class FunctionRunner(grpcv1.FunctionRunnerServiceServicer):
    """Serves RunFunction."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:  # noqa: TID251  # This is the edge.
        """Take the logger that main has set up. `clock` is read once a call; its reading is an input of everything below."""
        self.log, self.clock = logging.get_logger(), clock

    async def RunFunction(  # noqa: N802  # gRPC requires this name.
        self, req: fnv1.RunFunctionRequest, _: object
    ) -> fnv1.RunFunctionResponse:
        """Answer one request. A mistake of the user's or of ours is a fatal result, which changes and deletes nothing."""
        log, start = self.log.bind(tag=req.meta.tag), time.monotonic()
        try:
            rsp = run(req, self.clock().replace(microsecond=0))
        except InvalidError as e:
            rsp = fatal(req, f"cannot use this environment: {e}")
            log.info("Environment is not valid", problems=len(e.problems))
        except Exception as e:  # noqa: BLE001  # An uncaught error would reach Crossplane as a bare gRPC UNKNOWN with its text.
            rsp = fatal(req, f"cannot compose this environment: a defect of the function ({type(e).__name__}); nothing was changed")
            log.error("Defect", error=type(e).__name__, where=_where(e))  # noqa: TRY400  # Its text could hold a secret.
        metrics.record(rsp, time.monotonic() - start)
        log.info(
            "Answered", desired=len(rsp.desired.resources), observed=len(req.observed.resources), seconds=round(time.monotonic() - start, 4)
        )
        return rsp


def run(req: fnv1.RunFunctionRequest, now: datetime = BEGINNING) -> fnv1.RunFunctionResponse:
    """What the environment in `req` becomes at the time `now`.

    Raises:
        InvalidError: the environment or the Input is not valid.
    """
    if not req.observed.composite.resource.fields:
        return fatal(req, "cannot use this request: it has no observed composite resource")
    composite = View(req.observed.composite.resource)
    env = _environment(_authored(req.observed.composite.resource), req.input.SerializeToString(deterministic=True))
    observed = Observed(
        {k: View(r.resource) for k, r in req.observed.resources.items()},
        mapping(composite, "status"),
        {k: View(r.items[0].resource) for k, r in req.required_resources.items() if r.items},
        {k: r.connection_details for k, r in req.observed.resources.items() if k.startswith(names.CONSUMERS)},
        now,
    )
    plan = compose(env, observed)
    fields, conditions = report(env, plan, observed)

    rsp = response.to(req)
    for e in plan.emitted:
        desired = rsp.desired.resources[e.key]
        write(desired.resource, e.manifest)
        desired.ready = fnv1.READY_TRUE if e.ready else fnv1.READY_FALSE
    # Otherwise Crossplane derives it, and names what is unready; unless an earlier function has said that all is ready.
    unready = rsp.desired.composite.ready == fnv1.READY_TRUE and not all(e.ready for e in plan.emitted)
    if unready or not plan.complete:
        rsp.desired.composite.ready = fnv1.READY_FALSE
    rsp.desired.composite.resource.get_or_create_struct("status").update(fields)
    for ref, _ in (tokens.current(token, observed) for token in env.read):
        selector = fnv1.ResourceSelector(api_version="v1", kind="Secret", match_name=ref.name, namespace=ref.namespace)
        rsp.requirements.resources[names.required(ref)].CopyFrom(selector)
    if not env.namespaced:  # A namespaced environment composes its Secret: Crossplane writes none for it.
        for key, value in connection.details(env, observed).items():
            rsp.desired.composite.connection_details[key] = value
    rsp.conditions.extend(_condition(c) for c in conditions)
    rsp.meta.ttl.FromTimedelta(_rest(plan, settled=READING if env.read else SETTLED, deaf=_deaf(composite, now)))
    return rsp


def _deaf(composite: View, now: datetime) -> timedelta | None:
    """How long Crossplane's circuit breaker is open by now; None where it is not."""
    responsive = readiness.conditions(composite).get("Responsive", {})
    since = instant(responsive.get("lastTransitionTime")) or now
    return now - since if responsive.get("status") == "False" else None


def _authored(composite: struct_pb2.Struct) -> bytes:
    """What decides over an environment, as bytes: its spec, and whose it is."""
    kept = struct_pb2.Struct()
    for part in ("name", "namespace"):
        value = View(composite).dig(("metadata", part))
        if isinstance(value, str):
            kept.fields["metadata"].struct_value.fields[part].string_value = value
    if "spec" in composite.fields:
        kept.fields["spec"].CopyFrom(composite.fields["spec"])
    return kept.SerializeToString(deterministic=True)


@functools.lru_cache(maxsize=8)
def _environment(authored: bytes, input_: bytes) -> Environment:
    """The environment that `authored` describes, a pure function of the bytes: the same ones come at every call."""
    composite, rules = struct_pb2.Struct.FromString(authored), struct_pb2.Struct.FromString(input_)
    return parse(plain(View(composite)), plain(View(rules)))


def fatal(req: fnv1.RunFunctionRequest, message: str) -> fnv1.RunFunctionResponse:
    """A response that stops the pipeline: nothing is applied, nothing is deleted, and the claim's author reads why."""
    rsp = response.to(req, ttl=UNSETTLED)
    rsp.results.append(fnv1.Result(severity=fnv1.SEVERITY_FATAL, message=message, reason="InvalidEnvironment", target=_BOTH))
    return rsp


def _condition(c: Condition) -> fnv1.Condition:
    status = fnv1.STATUS_CONDITION_TRUE if c.status else fnv1.STATUS_CONDITION_FALSE
    return fnv1.Condition(type=c.type, status=status, reason=c.reason, message=c.message, target=_BOTH)


def _rest(plan: Plan, *, settled: timedelta, deaf: timedelta | None) -> timedelta:
    """How long Crossplane may leave the environment alone: never past the next gate by more than a minute.

    `settled` is the longest; `deaf` is how long Crossplane may not have heard of changes to what is composed.
    """
    soon = min(max(UNSETTLED, timedelta(seconds=len(plan.emitted) // _CHILDREN_A_SECOND)), LONGEST)
    moving = any(phase is Phase.PROGRESSING for phase, _ in plan.rollout.phases())
    if moving or plan.going or not (plan.complete and all(e.ready for e in plan.emitted)):
        return soon
    if deaf is not None:
        settled = soon if deaf < BREAKER else LONGEST
    due = plan.rollout.due
    return min(settled, MINUTE * math.ceil((due - plan.rollout.now) / MINUTE)) if due else settled


def _where(error: Exception) -> list[str]:
    """The frames of `error`, without its text or any value: either could hold a secret."""
    frames = traceback.walk_tb(error.__traceback__)
    return [f"{frame.f_code.co_filename.rpartition('/')[2]}:{line}" for frame, line in frames]
