"""Laws of removal: arbitrary commits, confirmations, progress and losses, and nothing is destroyed by mistake."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from function import lifecycle
from function.model import InvalidError
from function.observed import REMOTE
from function.reading import dig
from tests import strategies, world

POLICIES = st.sampled_from(("Confirm", "Confirm", "Orphan"))
STAY = {"ControlPlane": "ControlPlane", "Namespace": "Group"}
LINES: dict[str, list[dict[str, Any]]] = {
    "spaces": [{"name": "west", "host": "west.spaces.upbound.io"}],
    "groups": [{"name": "dev", "space": "west"}, {"name": "prod", "space": "west", "deletionProtection": True}],
    "controlPlanes": [
        {"name": "one", "space": "west", "group": "dev"},
        {"name": "two", "space": "west", "group": "dev"},
        {"name": "live", "space": "west", "group": "prod"},
        {"name": "loose", "space": "west", "group": "used"},
    ],
}
EVERY = [(field, line["name"]) for field, lines in LINES.items() for line in lines]


class Removals(RuleBasedStateMachine):
    """Everything that may happen to an environment that never says removalPolicy: Delete."""

    @initialize(policy=POLICIES, namespaced=strategies.WORLDS, steps=st.integers(0, 6))
    def begin(self, policy: str, namespaced: bool, steps: int) -> None:
        """A new environment, some way up."""
        self.namespaced, self.confirmed, self.killed = namespaced, set[tuple[str, str]](), list[tuple[str, ...]]()
        self.policy, self.gone, self.entries = policy, set[tuple[str, str]](), list[dict[str, str]]()
        self.w = world.World(self.composite(), strategies.INPUT)
        for _ in range(steps):
            self.step(ready=True)

    def composite(self) -> dict[str, Any]:
        """The XR as it stands in Git now."""
        lines = {field: [line for line in all_ if (field, line["name"]) not in self.gone] for field, all_ in LINES.items()}
        spec = {"organization": "acme", "removalPolicy": self.policy, "confirmedRemovals": self.entries, **lines}
        return strategies.composite(spec, namespaced=self.namespaced)

    def commit(self) -> None:
        """Write the file."""
        self.w.xr = {**self.w.xr, "spec": self.composite()["spec"]}

    @rule(times=st.integers(1, 6), ready=st.sampled_from((True, True, False)))
    def goes_on(self, times: int, *, ready: bool) -> None:
        """Let some time pass."""
        for _ in range(times):
            self.step(ready=ready)

    def step(self, *, ready: bool) -> None:
        """Reconcile, and let providers do their part."""
        uids = {place: str(dig(o, "metadata", "uid")) for place, o in self.w.remote.items()}
        before = len(self.w.deleted)
        try:
            self.w.step(ready=ready)
        except InvalidError:  # A control plane without its Space, say: nothing is changed.
            self.w.provide(ready=ready)
        for place in self.w.deleted[before:]:
            lives = {self.w.place(o)[3] for k, o in self.w.observed.items() if k.startswith("controlplane/") and not self.goes(o)}
            kind = STAY.get(place[2], "")
            if kind and ((kind, uids[place]) not in self.confirmed or (kind == "Group" and place[4] in lives)):
                self.killed.append(place)

    @staticmethod
    def goes(o: dict[str, Any]) -> bool:
        """Whether an Object is on its way out."""
        return "deletionTimestamp" in o["metadata"]

    @rule(line=st.sampled_from(EVERY))
    def a_line_goes_or_comes_back(self, line: tuple[str, str]) -> None:
        """Delete a line by mistake or on purpose, or put it back."""
        self.gone ^= {line}
        self.commit()

    @rule()
    def empty(self) -> None:
        """A bad merge leaves nothing but the organization."""
        self.gone = set(EVERY)
        self.commit()

    @rule(policy=POLICIES)
    def another_policy(self, policy: str) -> None:
        """Change removalPolicy."""
        self.policy = policy
        self.commit()

    @rule(line=st.sampled_from(EVERY[1:]), stale=st.booleans())
    def a_line_goes_and_somebody_confirms(self, line: tuple[str, str], *, stale: bool) -> None:
        """Paste what the condition has printed, or an entry of a namesake long gone."""
        self.gone |= {line}
        self.commit()
        self.goes_on(4, ready=True)
        kind = "Group" if line[0] == "groups" else "ControlPlane"
        seen = [dig(o, *REMOTE) for k, o in self.w.observed.items() if k.startswith(f"{kind.lower()}/") and k.endswith(f"/{line[1]}")]
        for manifest in (m for m in seen if dig(m, "metadata", "uid")):
            uid = "00000000-0000-0000-0000-000000000000" if stale else manifest["metadata"]["uid"]
            self.confirmed.add((kind, uid))
            self.entries = [{"kind": kind, "name": line[1], "uid": uid}]
        self.commit()
        self.goes_on(4, ready=True)

    @rule(data=st.data(), what=st.sampled_from(("status", "annotations", "finalizers", "object")))
    def lose(self, data: st.DataObject, what: str) -> None:
        """An Object cannot be read, was edited by somebody, or is deleted."""
        found = sorted(k for k, o in self.w.observed.items() if o["kind"] == "Object")
        if not found:
            return
        key = data.draw(st.sampled_from(found))
        o = self.w.observed[key]
        if what == "object":
            del self.w.observed[key]
        elif what == "status":
            o.pop("status", None)
        else:
            o["metadata"][what] = [] if what == "finalizers" else {}

    @rule()
    def the_file_is_deleted_and_comes_back(self) -> None:
        """Delete the environment, and commit it again."""
        self.w.observed = {}
        self.the_status_is_wiped()

    @rule()
    def comes_to_rest(self) -> None:
        """Let enough time pass."""
        self.goes_on(8, ready=True)

    @rule()
    def the_status_is_wiped(self) -> None:
        """Lose what is remembered."""
        self.w.xr = {k: v for k, v in self.w.xr.items() if k != "status"}

    @invariant()
    def nothing_is_deleted_that_nobody_confirmed(self) -> None:
        """No control plane and no group, with this uid."""
        assert getattr(self, "killed", []) == []


def test_whatever_happens_no_control_plane_and_no_group_is_deleted_that_nobody_confirmed() -> None:
    run_state_machine_as_test(
        Removals,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )


def test_the_kinds_that_stay_are_those_that_are_asked_about() -> None:
    assert lifecycle.KINDS == STAY
