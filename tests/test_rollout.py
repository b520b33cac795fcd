"""Laws of the rollout: arbitrary commits, releases, failures, losses and times, and a year of them."""

import copy
import random
from datetime import datetime, timedelta
from typing import Any

from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests import packages, world

STAGES = {"dev": ["d1", "d2"], "staging": ["s1"], "prod": ["p1", "p2"]}
STAGE_OF = {name: stage for stage, found in STAGES.items() for name in found}
VERSIONS = ("v1.0.0", "v1.1.0", "v1.2.0")
ANY = st.sampled_from(sorted(STAGE_OF))
KINDS_THAT_STAY = ("ControlPlane", "Namespace", "Configuration")


def told(w: packages.World, name: str) -> str:
    """The source that an Object tells a control plane to run."""
    o = w.observed.get(f"configuration/west/default/{name}/platform", {})
    acts = "Update" in o.get("spec", {}).get("managementPolicies", [])
    return o["spec"]["forProvider"]["manifest"]["spec"]["package"] if acts else ""


def at(line: str, version: str) -> str:
    """A version of the package that is in `line`."""
    return f"{line.rpartition(':')[0]}:{version}"


class Judge:
    """What is known of the gates, kept apart from the function: by the truth, and by what could be seen at each reconcile, and when."""

    def __init__(self) -> None:
        """Know nothing."""
        self.good: dict[str, bool] = {}
        self.since: dict[str, datetime | None] = {}
        self.has: dict[str, str] = {}
        self.runs: dict[str, str] = {}

    def look(self, w: packages.World, lines: dict[str, str]) -> None:
        """See what the function is about to see, and the truth. `lines` is what is wanted in each control plane."""
        self.has, self.runs = ({n: s for n, s in found.items() if n in lines} for found in (w.told(), w.running()))
        for stage, found in STAGES.items():
            seen = [self._seen(w, name, lines[name]) for name in found if name in lines]
            self.good[stage] = all(s is True for s in seen)
            if any(s is False for s in seen):
                self.since[stage] = None
            elif self.good[stage]:
                self.since[stage] = self.since.get(stage) or w.now

    def _seen(self, w: packages.World, name: str, wanted: str) -> bool | None:
        """True for healthy at what is wanted, False for anything else, None where that cannot be told now."""
        if told(w, name) != wanted:
            return False
        ready = [
            self._ready(w.observed.get(key, {}))
            for key in (f"controlplane/west/default/{name}", f"configuration/west/default/{name}/platform")
        ]
        return False if False in ready else None if None in ready else True

    def _ready(self, o: dict[str, Any]) -> bool | None:
        """Whether an Object is ready; None where its provider has not looked since it was changed, or cannot."""
        found = {c["type"]: c for c in o.get("status", {}).get("conditions", [])}
        synced = found.get("Synced", {})
        if synced.get("status") != "True" or synced.get("observedGeneration") != o["metadata"]["generation"]:
            return None
        return bool(found["Ready"]["status"] == "True")

    def may(self, name: str, source: str, now: datetime, lines: dict[str, str], pins: dict[str, str]) -> bool:
        """Whether `name` may come to run `source` now."""
        stage = STAGE_OF[name]
        earlier = list(STAGES)[: list(STAGES).index(stage)]
        fellows = {self.has[n] for n in STAGES[stage] if n in self.has}
        soaked = all(self.good[s] and now - (self.since[s] or now) >= packages.SOAK for s in earlier)
        first = not fellows and all(self.good[s] for s in earlier)
        wanted = (soaked or first or self._back(lines, source)) and source == lines[name]
        return wanted or source in fellows or (stage in pins and source == at(lines[name], pins[stage]))

    def _back(self, lines: dict[str, str], source: str) -> bool:
        """Whether each of the last stage runs this version, of its own package; or what its line says, but not all do only that."""
        last = [(self.runs[n], at(lines[n], source.rpartition(":")[2]), lines[n]) for n in STAGES["prod"] if n in self.runs]
        return any(runs == this for runs, this, _ in last) and all(runs in (this, line) for runs, this, line in last)


class Rollouts(RuleBasedStateMachine):
    """Everything that may happen to an environment with three stages."""

    @initialize(steps=st.integers(0, 8))
    def begin(self, steps: int) -> None:
        """A new environment, some way into its first rollout."""
        self.lines, self.wanted, self.pins = list(STAGE_OF), "v1.0.0", dict[str, str]()
        self.own, self.pulls = dict[str, dict[str, str]](), "IfNotPresent"
        self.labels = dict[str, str]()
        self.w, self.judge, self.confirmed = packages.World(packages.environment(STAGES, "v1.0.0")), Judge(), set[str]()
        for _ in range(steps):
            self.move()

    def wants(self) -> dict[str, str]:
        """What is wanted in each control plane that has a line."""
        lines = {n: {"package": packages.PACKAGE, "version": self.wanted} | self.own.get(n, {}) for n in self.lines}
        return {n: at(f"{line['package']}:", line["version"]) for n, line in lines.items()}

    def move(self, minutes: int = 0, *, providers: bool = True) -> None:
        """A reconcile, judged, and with `providers` a look of theirs; then time passes."""
        before, said = self.w.told(), {name: told(self.w, name) for name in STAGE_OF}
        self.judge.look(self.w, self.wants())
        now = self.w.now
        known = {k: copy.deepcopy(o) for k, o in self.w.observed.items() if k.startswith("configuration/")}
        rsp = self.w.step(minutes=minutes) if providers else self.w.reconcile()
        # What a provider carries out later was judged when it was said.
        for name, source in ((name, told(self.w, name)) for name in STAGE_OF):
            if source not in ("", said[name], before.get(name)):
                assert self.judge.may(name, source, now, self.wants(), self.pins), f"{name} came to run {source} ahead of its gate"
        if any(c.type == "RolledOut" and c.status == fnv1.STATUS_CONDITION_TRUE for c in rsp.conditions):
            desired = {k: world.plain(r.resource)["spec"] for k, r in rsp.desired.resources.items() if k.startswith("configuration/")}
            assert {k: known[k]["spec"] for k in desired} == desired, "RolledOut is said, and something changes"

    def commit(self) -> None:
        """Write everything as it is now."""
        stages = [s for s, found in STAGES.items() if set(found) & set(self.lines)]
        own = {n: {"configurations": [{"name": "platform", **line}]} for n, line in self.own.items()}
        self.w.edit(
            configurations=[{"name": "platform", "package": packages.PACKAGE, "version": self.wanted, "packagePullPolicy": self.pulls}],
            controlPlanes=[{"name": n, "labels": {"stage": STAGE_OF[n], **self.labels}, **own.get(n, {})} for n in self.lines],
            rollout={
                "stages": [
                    {
                        "name": s,
                        "soak": "1h",
                        "controlPlaneSelector": {"matchLabels": {"stage": s}},
                        **({"version": self.pins[s]} if s in self.pins else {}),
                    }
                    for s in stages
                ]
            },
        )

    @rule(version=st.sampled_from(VERSIONS))
    def release(self, version: str) -> None:
        """Commit a version."""
        self.wanted = version
        self.commit()

    @rule(name=ANY, version=st.sampled_from((None, *VERSIONS)), package=st.sampled_from((None, f"{packages.PACKAGE}-fips")))
    def a_line_of_its_own(self, name: str, version: str | None, package: str | None) -> None:
        """Give a control plane a version or a package of its own, or take both away."""
        self.own[name] = {k: v for k, v in (("version", version), ("package", package)) if v}
        self.commit()

    @rule(policy=st.sampled_from(("IfNotPresent", "Always")))
    def another_field_changes(self, policy: str) -> None:
        """Edit what is no version, of every Configuration."""
        self.pulls = policy
        self.commit()

    @rule(label=st.sampled_from("ab"))
    def control_planes_are_edited(self, label: str) -> None:
        """Edit every control plane, and reconcile once more before its provider looks."""
        self.labels = {"label": label}
        self.commit()
        self.move(providers=False)
        self.move(providers=False)

    @rule(minutes=st.sampled_from((0, 0, 0, 5, 59, 60)))
    def step(self, minutes: int) -> None:
        """Reconcile, and let time pass."""
        self.move(minutes)

    @rule(version=st.sampled_from(VERSIONS[1:]), where=st.sampled_from(("bad", "broken")))
    def turns(self, version: str, where: str) -> None:
        """A version turns bad, or cannot be pulled; or is mended."""
        found: set[str] = getattr(self.w, where)
        found ^= {packages.source(version)}

    @rule(name=ANY)
    def connection(self, name: str) -> None:
        """A control plane cannot be reached any more, or can again."""
        self.w.down ^= {name}

    @rule(name=ANY, how=st.sampled_from(("shut", "crashed")))
    def inside(self, name: str, how: str) -> None:
        """Nothing in a control plane can be read any more, and that is not its fault, or it is; or it can again."""
        found: set[str] = getattr(self.w, how)
        found ^= {name}

    @rule(name=ANY)
    def line_goes_or_comes_back(self, name: str) -> None:
        """Delete the line of a control plane, or put it back."""
        left = [n for n in STAGE_OF if (n in self.lines) != (n == name)]
        if any(STAGE_OF[n] == "dev" for n in left) and any(STAGE_OF[n] == "prod" for n in left):
            self.lines = left
            self.commit()

    @rule(name=ANY)
    def removal_is_confirmed(self, name: str) -> None:
        """Confirm the removal of what is held."""
        held = self.w.observed.get(f"controlplane/west/default/{name}", {}).get("status", {}).get("atProvider", {}).get("manifest")
        if held and name not in self.lines:
            uid = held["metadata"]["uid"]
            self.confirmed.add(uid)
            self.w.edit(confirmedRemovals=[{"kind": "ControlPlane", "name": name, "uid": uid}])

    @rule(stage=st.sampled_from(("staging", "prod")), version=st.sampled_from(VERSIONS))
    def pin(self, stage: str, version: str) -> None:
        """Pin a stage, or take its pin away."""
        if self.pins.pop(stage, "") != version:
            self.pins[stage] = version
        self.commit()

    @rule()
    def the_configurations_line_is_deleted_by_mistake(self) -> None:
        """Delete the line of the Configuration, and put it back."""
        self.w.edit(
            configurations=[],
            controlPlanes=[{k: v for k, v in c.items() if k != "configurations"} for c in self.w.xr["spec"]["controlPlanes"]],
        )
        self.move()
        self.commit()

    @rule()
    def the_status_is_wiped(self) -> None:
        """Lose what is remembered."""
        self.w.xr = {k: v for k, v in self.w.xr.items() if k != "status"}
        self.judge.since = {}

    @rule(data=st.data())
    def an_object_is_lost(self, data: st.DataObject) -> None:
        """Somebody deletes an Object, and what it stands for lives on."""
        found = sorted(k for k in self.w.observed if k.startswith("configuration/"))
        if found:
            del self.w.observed[data.draw(st.sampled_from(found))]

    @rule(data=st.data())
    def an_object_is_unreadable(self, data: st.DataObject) -> None:
        """Lose what an Object has seen."""
        found = sorted(k for k, o in self.w.observed.items() if "status" in o)
        if found:
            del self.w.observed[data.draw(st.sampled_from(found))]["status"]

    @rule()
    def the_file_is_deleted_and_comes_back(self) -> None:
        """Delete the environment, and commit it again."""
        self.w.observed = {}
        self.w.xr = {k: v for k, v in self.w.xr.items() if k != "status"}
        self.judge.since = {}

    @invariant()
    def nothing_is_deleted_that_nobody_confirmed(self) -> None:
        """Only control planes go, and only confirmed ones."""
        gone = [place for place in self.w.deleted if place[2] in KINDS_THAT_STAY]
        assert len(gone) <= len(self.confirmed)
        assert all(place[2] == "ControlPlane" for place in gone)

    def teardown(self) -> None:
        """With nothing bad any more, every run comes to rest, rolled out."""
        if not hasattr(self, "w"):
            return
        self.w.bad, self.w.broken, self.pins, self.own = set(), set(), {}, {}
        self.w.down, self.w.shut, self.w.crashed = set(), set(), set()
        self.commit()
        for _ in range(30):
            self.move(minutes=20)
        assert {n: v for n, v in self.w.runs().items() if n in self.lines} == dict.fromkeys(sorted(self.lines), self.wanted)
        assert self.w.status()["rollout"] == "RolledOut"
        assert self.w.reconcile().SerializeToString(deterministic=True) == self.w.reconcile().SerializeToString(deterministic=True)


def test_whatever_happens_no_stage_is_ahead_of_its_gate_nothing_is_destroyed_and_all_comes_to_rest() -> None:
    run_state_machine_as_test(
        Rollouts,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_in_a_year_of_releases_over_thirty_control_planes_no_bad_one_passes_the_first_stage() -> None:
    stages = {"dev": [f"d{i}" for i in range(5)], "staging": [f"s{i}" for i in range(10)], "prod": [f"p{i}" for i in range(15)]}
    chance, w = random.Random(2026), packages.World(packages.environment(stages, "v1.0.0"))  # noqa: S311  # Only an order.
    w.rest()
    last = "v1.0.0"
    for week in range(2, 53, 2):
        version, fails_after = f"v1.{week}.0", chance.choice((None, None, 0, 20, 50))
        w.release(version)
        begun = w.now
        # Each stage: told, unpacked, seen healthy; then an hour of soak.
        for minutes in (0, 0, 20, 20, 15, 6, 0, 0, 40, 15, 6, 0, 0, 0):
            if fails_after is not None and w.now >= begun + timedelta(minutes=fails_after):
                w.bad.add(packages.source(version))
            w.step(minutes=minutes)
        later = {v for name, v in w.runs().items() if not name.startswith("d")}
        assert later == {last if fails_after is not None else version}, week
        assert w.status()["rollout"] == ("RolledOut" if fails_after is None else "dev: Halted")
        if fails_after is None:
            last = version
        else:
            w.release(last)
            w.rest(steps=3)
            assert set(w.runs().values()) == {last}
        w.now = begun + timedelta(days=14)
    assert w.deleted == []
