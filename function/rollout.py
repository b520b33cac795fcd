"""Which version of each Configuration each control plane is to run, from the environment, what is observed, and the time.

What a control plane runs is read from what is observed. The one thing that must be remembered is since when a
stage has been healthy: that is in the environment's status, and if it is lost, only the soak starts again.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from function import names
from function.model.environment import Environment
from function.model.parts import Configuration, ControlPlane, Policies, Stage
from function.observed import REMOTE, WANTED, Observed
from function.readiness import conditions
from function.reading import Document, dig, listed, text

TIME = "%Y-%m-%dT%H:%M:%SZ"
"""How times are written."""


class State(enum.Enum):
    """How a Configuration is doing in a control plane, by what is seen of it."""

    HEALTHY = enum.auto()
    """Installed and Healthy at the version that its Object names."""
    FAILING = enum.auto()
    """Seen not to be: it, or its control plane."""
    CHANGING = enum.auto()
    """On its way to the version that its Object names."""
    UNSEEN = enum.auto()
    """Not to be read now, or its control plane is not."""
    ABSENT = enum.auto()
    """Looked for, and not there."""


class Phase(enum.Enum):
    """How far a stage is. The first of these that any stage is in speaks for the whole rollout."""

    HALTED = "Halted"
    PROGRESSING = "Progressing"
    SOAKING = "Soaking"
    PINNED = "Pinned"
    WAITING = "Waiting"
    ROLLED_OUT = "RolledOut"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of one Configuration in one control plane.

    Attributes:
        state: how it is doing.
        names: the source that its Object tells it to run, or that it has by itself where the Object only looks.
        runs: the source that it runs.
        told: whether its Object does more than look.
    """

    state: State
    names: str
    runs: str
    told: bool


@dataclass(frozen=True, slots=True)
class Install:
    """One Configuration in one control plane. Without a `target` it is only looked at, until its stage may have a version."""

    control_plane: ControlPlane
    configuration: Configuration
    key: str
    seen: Seen
    target: str

    @property
    def done(self) -> bool:
        """Whether it runs the wanted version, and well."""
        return self.settled and self.target == self.configuration.source

    @property
    def failing(self) -> bool:
        """Whether it is seen not to be healthy at what it is to run now; on the way to another version is no failure of that."""
        return self.seen.state is State.FAILING and self.seen.names == self.target

    @property
    def idle(self) -> bool:
        """Whether it stays as it is until somebody changes it inside its control plane: that one is only looked at."""
        looks = self.control_plane.policies is Policies.OBSERVE and self.seen.state is not State.UNSEEN
        return looks and self.target not in ("", self.seen.names)

    @property
    def settled(self) -> bool:
        """Whether it runs what it is to run now, and well, and is told so if it may be."""
        told = self.seen.told or self.control_plane.policies is Policies.OBSERVE
        return told and self.seen.state is State.HEALTHY and self.seen.names == self.target


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is. `until` is when the next one may go on, while this one soaks."""

    stage: Stage
    installs: tuple[Install, ...]
    since: datetime | None = None

    @property
    def done(self) -> bool:
        """Whether all of it runs what is wanted, and well."""
        return all(i.done for i in self.installs)

    @property
    def phase(self) -> Phase:
        """How far it is, by itself."""
        if any(i.failing for i in self.installs):
            return Phase.HALTED
        if self.done:
            return Phase.ROLLED_OUT
        if any(i.target and not (i.settled or i.idle) for i in self.installs):
            return Phase.PROGRESSING
        return Phase.PINNED if self.stage.version and not any(i.idle for i in self.installs) else Phase.WAITING

    @property
    def until(self) -> datetime | None:
        """The end of its soak, once it has begun."""
        return self.since + self.stage.soak if self.since else None

    @property
    def wanted(self) -> str:
        """What is wanted in it, for people and for memory."""
        return versions((i.configuration.name, i.configuration.source) for i in self.installs)


@dataclass(frozen=True, slots=True)
class Rollout:
    """All stages, in order; one without a name where the environment has none. `changing` are keys of what is told something new."""

    stages: tuple[Progress, ...]
    now: datetime
    changing: frozenset[str] = frozenset()

    def phases(self) -> Iterator[tuple[Phase, Progress]]:
        """How far each stage is: one that is done soaks, as long as a later one waits for that."""
        undone = [i for i, s in enumerate(self.stages) if not s.done]
        for i, s in enumerate(self.stages):
            soaks = i not in undone and s.until and s.until > self.now and i < max(undone, default=-1)
            phase = Phase.SOAKING if soaks else s.phase
            changes = phase is Phase.ROLLED_OUT and any(k.key in self.changing for k in s.installs)
            yield Phase.PROGRESSING if changes else phase, s

    @property
    def due(self) -> datetime | None:
        """When the next gate opens by time alone."""
        return min((s.until for phase, s in self.phases() if phase is Phase.SOAKING and s.until), default=None)


def of(env: Environment, observed: Observed) -> Rollout:
    """The rollout as it is now."""
    stages = env.stages or (Stage("", tuple(c for c in env.control_planes if c.configurations), timedelta(), None),)
    found = [[(c, k, _see(observed, c, k)) for c in s.control_planes for k in c.configurations] for s in stages]
    last = frozenset((k, s.runs) for _, k, s in found[-1] if s.state is not State.ABSENT)
    out: list[Progress] = []
    healthy = soaked = True
    for stage, seen in zip(stages, found, strict=True):
        told = Counter((k.name, s.names) for _, k, s in seen if s.names)
        # Where it is seen that nothing runs yet, a first installation waits for health, not for soak.
        first = healthy and all(s.state is State.ABSENT for _, _, s in seen)
        gate = _Gate(stage, told, last, first=first, soaked=soaked)
        installs = tuple(Install(c, k, names.configuration(c, k.name), s, gate.target(k, s)) for c, k, s in seen)
        progress = Progress(stage, installs)
        progress = replace(progress, since=_since(progress, observed))
        healthy = healthy and progress.done
        soaked = soaked and progress.done and (not installs or (progress.until is not None and progress.until <= observed.now))
        out.append(progress)
    return Rollout(tuple(out), observed.now)


def versions(sources: Iterable[tuple[str, str]]) -> str:
    """Versions as people read them: alone where there is one Configuration, with its name where there are several."""
    found = sorted({(name, version(source)) for name, source in sources if source})
    several = len({name for name, _ in found}) > 1
    return ", ".join(f"{name} {v}" if several else v for name, v in found)


def version(source: str) -> str:
    """The tag or digest of a source."""
    at = source.rpartition("@")[2] if "@" in source else source.rpartition("/")[2].partition(":")[2]
    return at or source


@dataclass(frozen=True, slots=True)
class _Gate:
    """What decides over the targets of one stage."""

    stage: Stage
    told: Counter[tuple[str, str]]
    """Names and sources of what its control planes are told to run, with how many are."""
    last: frozenset[tuple[Configuration, str]]
    """What lines of the last stage say, and what runs of each; nothing where that is not seen."""
    first: bool
    """Whether nothing runs in it, and all before it is healthy at what is wanted."""
    soaked: bool
    """Whether all before it has been so for long enough."""

    def target(self, k: Configuration, mine: Seen) -> str:
        """The source that a control plane is to run; empty while it waits for one."""
        if self.stage.version:
            return _at(k, k.package, self.stage.version)
        if self.soaked or self._passed(k):
            return k.source
        if mine.names or mine.state is not State.ABSENT:
            return mine.names
        others = (s for (name, s), _ in self.told.most_common() if name == k.name and s == _at(k, k.package, version(s)))
        return next(others, k.source if self.first else "")

    def _passed(self, k: Configuration) -> bool:
        """Whether the last stage runs the wanted version, so that it has passed every gate: going back to it is no risk.

        Each is to run it of its own package. One with a version of its own may run that, as long as not all do.
        """
        last = [(runs, _at(k, o.package, k.version), o.source) for o, runs in self.last if o.name == k.name]
        return all(runs in (wanted, line) for runs, wanted, line in last) and any(runs == wanted for runs, wanted, _ in last)


def _at(k: Configuration, package: str, version: str) -> str:
    """The source of a version of a package, written as that of `k` is."""
    return replace(k, package=package, version=version).source


def _since(progress: Progress, observed: Observed) -> datetime | None:
    """Since when a stage has been healthy at what is wanted: as remembered, or since now.

    A stage of which something cannot be read just now is not done, but what is known of it is not forgotten.
    """
    if not all(i.done or (i.seen.state is State.UNSEEN and i.seen.names == i.configuration.source) for i in progress.installs):
        return None
    for entry in listed(observed.status, "stages"):
        if (dig(entry, "name"), dig(entry, "wanted")) == (progress.stage.name, progress.wanted):
            since = instant(dig(entry, "healthySince"))
            if since and since <= observed.now:
                return since
    return observed.now if progress.done and progress.installs else None


def instant(text: object) -> datetime | None:
    """The moment that `text` says as Kubernetes does, or None."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _see(observed: Observed, c: ControlPlane, k: Configuration) -> Seen:
    """What is seen of `k` in `c`."""
    key, home = names.configuration(c, k.name), names.control_plane(c)
    up, synced = observed.ready(home), [observed.condition(o, "Synced").get("status") == "True" and observed.fresh(o) for o in (key, home)]
    remote = observed.mapping(key, *REMOTE)
    there, runs = text(remote, "spec", "package"), text(remote, "status", "currentIdentifier")
    told = "Update" in str(observed.field(key, "spec", "managementPolicies"))
    source = observed.text(key, *WANTED, "spec", "package") if told else there
    if not source and up and observed.absent(key):
        state = State.ABSENT
    elif synced[1] and not up:
        # Then nothing in it need be readable. One in which nothing has run is coming up for the first time.
        state = State.FAILING if runs else State.CHANGING
    elif not synced[0] or not remote:
        state = State.UNSEEN
    elif source != there:
        state = State.CHANGING
    else:
        state = _health(conditions(remote), at_it=runs == source)
        state = State.UNSEEN if state is State.HEALTHY and not up else state
    return Seen(state, source, runs, told)


def _health(found: Mapping[str, Document], *, at_it: bool) -> State:
    """What a package's conditions say (crossplane apis/pkg/v1: conditions.go, internal/controller/pkg/manager)."""
    installed, healthy = found.get("Installed", {}), found.get("Healthy", {})
    if at_it and installed.get("status") == healthy.get("status") == "True":
        return State.HEALTHY
    if installed.get("status") == "False" and not str(installed.get("message")).startswith("Waiting for unpack"):
        return State.FAILING
    # A revision that is being made has health Unknown, which Crossplane 2 reports as False.
    unsure = not at_it or healthy.get("status") != "False" or 'health is "Unknown"' in str(healthy.get("message"))
    return State.CHANGING if unsure else State.FAILING
