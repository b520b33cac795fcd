"""What people read of a rollout: its stages, the Configurations of each control plane, and two conditions."""

from collections.abc import Iterator
from typing import Any

from function import diagnosis, names, rollout
from function.observed import REMOTE, Observed
from function.readiness import conditions
from function.rollout import Install, Phase, Progress, Rollout, State, version, versions


def stages(now: Rollout, observed: Observed) -> Iterator[dict[str, Any]]:
    """The stages of an environment that has some."""
    for phase, s in now.phases():
        if not s.stage.name:
            return
        fields = {
            "name": s.stage.name,
            "phase": phase.value,
            "wanted": s.wanted,
            "target": versions((i.configuration.name, i.target) for i in s.installs),
            "running": versions((i.configuration.name, i.seen.runs) for i in s.installs),
            "healthySince": s.since and f"{s.since:{rollout.TIME}}",
            "soakingUntil": s.until and phase is Phase.SOAKING and f"{s.until:{rollout.TIME}}",
            "message": _of_stage(phase, s, now, observed),
        }
        counts = {"healthy": sum(i.settled for i in s.installs), "total": len(s.installs)}
        yield {**{k: v for k, v in fields.items() if v or k == "wanted"}, **counts}


def control_planes(now: Rollout, observed: Observed) -> dict[str, dict[str, Any]]:
    """The stage and the Configurations of each control plane that has some, by its name in the environment."""
    out: dict[str, dict[str, Any]] = {}
    for s in now.stages:
        for i in s.installs:
            entry = {
                "name": i.configuration.name,
                "wanted": version(i.configuration.source),
                **{k: version(v) for k, v in (("target", i.target), ("running", i.seen.runs)) if v},
                "healthy": i.settled,
                **({} if i.settled else {"message": _of_install(i, observed)}),
            }
            stage = {"stage": s.stage.name} if s.stage.name else {}
            out.setdefault(i.control_plane.entry, {**stage, "configurations": []})["configurations"].append(entry)
    return out


def summary(now: Rollout) -> str:
    """How far the whole is, in a word and with the stage that it speaks of; nothing where nothing is rolled out."""
    phase, s = _leading(now)
    where = f"{s.stage.name}: " if s.stage.name and phase is not Phase.ROLLED_OUT else ""
    return f"{where}{phase.value}" if any(p.installs for p in now.stages) else ""


def told(now: Rollout, observed: Observed) -> Iterator[tuple[str, bool, str, str]]:
    """The conditions RolledOut and RolloutHalted, as type, status, reason and message."""
    lines = [(phase, _line(phase, s, now, observed)) for phase, s in now.phases()]
    leading, _ = _leading(now)
    halted = [text for phase, text in lines if phase is Phase.HALTED]
    open_ = [text for phase, text in lines if phase is not Phase.ROLLED_OUT]
    sources = versions((i.configuration.name, i.target) for s in now.stages for i in s.installs)
    done = f"all control planes run {sources}" if sources else "no configurations"
    yield "RolledOut", not open_, leading.value, "; ".join(open_) or done
    yield "RolloutHalted", bool(halted), "Unhealthy" if halted else "None", "; ".join(halted)


def _leading(now: Rollout) -> tuple[Phase, Progress]:
    """The phase that speaks for the whole, and the first stage that is in it."""
    return min(now.phases(), key=lambda found: list(Phase).index(found[0]))


def _line(phase: Phase, s: Progress, now: Rollout, observed: Observed) -> str:
    text = _of_stage(phase, s, now, observed)
    what = f"stage {s.stage.name} is {phase.value}" if s.stage.name else ""
    return ": ".join(filter(None, (what, text)))


def _of_stage(phase: Phase, s: Progress, now: Rollout, observed: Observed) -> str:
    """What a stage waits for, or what is wrong with it."""
    idle = [i for i in s.installs if i.idle]
    if phase is Phase.WAITING and not idle:
        before = next((b for p, b in now.phases() if not b.done or p is Phase.SOAKING), s)
        return f"waits for stage {before.stage.name}"
    if phase is Phase.PINNED:
        return f"{s.stage.version} is pinned, {s.wanted} is wanted"
    if phase is Phase.SOAKING:
        return f"{s.wanted} is healthy, and has to stay so for a while"
    failing, moving = [i for i in s.installs if i.failing], [i for i in s.installs if i.target and not (i.settled or i.idle)]
    if found := failing or moving or idle:
        advice = ", or put it in the last stage" if found is idle and s is not now.stages[-1] else ""
        what = _of_install(found[0], observed) + advice
    elif found := [i for i in s.installs if i.key in now.changing]:
        what = "is being changed"
    else:
        return ""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0].configuration.name} in control plane {found[0].control_plane.entry} {what}{more}"


def _of_install(i: Install, observed: Observed) -> str:
    """What stands in the way of a Configuration."""
    if not i.target:
        return "waits for its stage to be open"
    if i.failing:
        found = conditions(observed.mapping(i.key, *REMOTE))
        bad = next((c for c in (found.get("Installed", {}), found.get("Healthy", {})) if c.get("status") == "False"), {})
        said = diagnosis.shown(str(bad.get("message") or bad.get("reason") or "its control plane is not ready"))
        return f"is not healthy at {version(i.seen.names)}: {said}"
    looks = (observed.condition(k, "Synced") for k in (i.key, names.control_plane(i.control_plane)) if not observed.absent(k))
    if error := next((c for c in looks if c.get("status") == "False"), None):
        return f"is not seen: {diagnosis.explain(str(error.get('message')))}"
    if i.idle:
        runs = version(i.seen.runs) if i.seen.state is not State.ABSENT and i.seen.runs else "nothing"
        return f"is only looked at (managementPolicies: [Observe]) and runs {runs}: install {version(i.target)} there"
    if i.seen.state is State.ABSENT or not i.seen.runs:
        return "is being installed"
    again = i.seen.state is State.UNSEEN and i.seen.runs == i.target
    return "is being looked at again" if again else f"is on its way to {version(i.target)}"
