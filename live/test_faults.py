"""Whatever breaks while environments come up or are settled: nothing that existed is lost or made again, and it is told in words."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from live.conftest import RELEASE
from live.crossplane import NAMESPACE
from live.environments import CLAIMS, NAMESPACED, Document, LiveEnvironment, uid
from live.waiting import listening, until
from live.world import GATEWAY, HUB, PLATFORM_TOKEN, TEAM_TOKEN, World


@dataclass(frozen=True)
class Fault:
    """What breaks, how it is mended, and what the environment's author reads meanwhile where the fault shows there."""

    name: str
    break_: Callable[[World, LiveEnvironment], None]
    mend: Callable[[World, LiveEnvironment], None]
    told: str = ""
    always: bool = False
    alone: bool = True
    remade: bool = False
    edited: bool = False

    def marks(self, moment: str) -> list[pytest.MarkDecorator]:
        """Where and when it is tried."""
        rare = [] if self.always and moment == COMING_UP else [pytest.mark.thorough]
        return [*rare, pytest.mark.alone] if self.alone else rare


def _kill(*names: str) -> Callable[[World, LiveEnvironment], None]:
    def kill(world: World, _: LiveEnvironment) -> None:
        for name in names:
            world.sandbox.kill(name, signal.SIGKILL)

    return kill


def _gateway(**fault: object) -> Callable[[World, LiveEnvironment], None]:
    return lambda world, _: world.tell_space("fault", fault)


def _token(world: World, e: LiveEnvironment, token: str | None) -> None:
    """Delete the token's Secret, or make it again. That of claims is the platform's, which every claim uses."""
    namespace = NAMESPACE if e.api == CLAIMS else e.namespace
    if token is None:
        world.hub.delete("secrets.v1.", "upbound-credentials", namespace)
    else:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "upbound-credentials"}, "stringData": {"token": token}}
        world.hub.create("secrets.v1.", secret, namespace)


def _two_replicas(world: World, _: LiveEnvironment) -> None:
    world.runtime.start_function(replicas=2)
    world.sandbox.kill("function-0")


def _without_kubeconfig(world: World, e: LiveEnvironment) -> None:
    namespace = NAMESPACE if e.api == CLAIMS else e.namespace

    def used() -> list[str]:
        names = [s["metadata"]["name"] for s in world.hub.list("secrets.v1.", namespace)]
        return [n for n in names if n.startswith(f"{e.name}-kubeconfig-") and e.objects_refer_to(n)]

    (name,) = until("there is one to delete", used, 90, e.explain)
    world.hub.delete("secrets.v1.", name, namespace)


def _without_control_plane(world: World, e: LiveEnvironment) -> None:
    world.space.delete("controlplanes.v1beta1.spaces.upbound.io", "one", e.group("dev"))


def _edited_by_another(world: World, e: LiveEnvironment) -> None:
    world.space.patch("controlplanes.v1beta1.spaces.upbound.io", "one", {"metadata": {"labels": {"by": "another"}}}, e.group("dev"))


def _nothing(_: World, __: LiveEnvironment) -> None:
    """It mends itself."""


def _start_all(world: World, _: LiveEnvironment) -> None:
    world.start_api_servers()
    world.start_crossplane()
    world.runtime.start_provider()
    world.runtime.start_function()


def _heal(world: World, _: LiveEnvironment) -> None:
    world.tell_space("fault", {})


COMING_UP, SETTLED = "coming-up", "settled"
FAULTS = (
    Fault("function-killed", _kill("function-0"), _start_all, always=True),
    Fault("one-of-two-replicas-killed", _two_replicas, _nothing),
    Fault("provider-killed", _kill("provider"), _start_all, always=True),
    Fault("crossplane-killed", _kill("crossplane"), _start_all, always=True),
    Fault("hub-api-server-killed", _kill("apiserver-hub"), _start_all),
    Fault("gateway-down", _gateway(down=True), _heal, told="cannot be reached"),
    Fault("gateway-slow", _gateway(delay=4), _heal),
    Fault("gateway-500", _gateway(status=500), _heal, told="the gateway says 500", always=True),
    Fault("gateway-429", _gateway(status=429), _heal, told="the gateway says 429"),
    Fault("token-rejected", _gateway(reject=True), _heal, told="rejects the"),
    Fault(
        "token-secret-deleted",
        lambda w, e: _token(w, e, None),
        lambda w, e: _token(w, e, PLATFORM_TOKEN if e.api == CLAIMS else TEAM_TOKEN),
        told="token Secret upbound-credentials does not exist",
        always=True,
        alone=RELEASE == "1.20",  # All its environments are claims, which share that Secret.
    ),
    Fault("kubeconfig-secret-deleted", _without_kubeconfig, _nothing, alone=False),
    Fault("control-plane-deleted-behind-our-back", _without_control_plane, _nothing, always=True, alone=False, remade=True),
    Fault("edited-by-another", _edited_by_another, _nothing, alone=False, edited=True),
)
CASES = [pytest.param(f, moment, id=f"{f.name}-{moment}", marks=f.marks(moment)) for f in FAULTS for moment in (COMING_UP, SETTLED)]


@pytest.mark.parametrize(("fault", "moment"), CASES)
def test_fault(
    world: World, namespace: str, fault: Fault, moment: str, took: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    """Break, mend, edit, Ready; what existed before is what exists after, and the edit is there."""
    if fault.alone:
        request.getfixturevalue("healthy")
    e = LiveEnvironment(world, NAMESPACED if world.release != "1.20" else CLAIMS, namespace)
    dev = e.group("dev")
    names = ("one", "two", "three")
    e.spec = {"organization": "acme", "spaces": [e.west()], "groups": [{"name": dev}]}
    e.apply(controlPlanes=[{"name": n, "group": dev} for n in names])
    if moment == SETTLED:
        e.until_ready()
    else:
        until("something is there that could be lost", lambda: e.remote("one", "dev"), 120, e.explain)
    before = {n: uid(e.remote(n, "dev")) for n in names}
    took("before")
    fault.break_(world, e)
    if fault.told:
        until(f"the status says {fault.told!r}", lambda: fault.told in _said(e), 150, e.explain)
        took("told")
    fault.mend(world, e)
    assert listening(GATEWAY)
    assert listening(HUB)
    if fault.remade:
        until("made again", lambda: _made_again(e.remote("one", "dev"), before["one"]), 150, e.explain)
    # An edit from here on needs everything that was broken. Clients of an API server that comes back wait longer and
    # longer before they ask again.
    e.apply(controlPlanes=[{"name": n, "group": dev, **({"labels": {"edited": "yes"}} if n == "two" else {})} for n in names])
    until("an edit gets to the Space", lambda: _labels(e, "two").get("edited") == "yes", 420, e.explain)
    e.until_ready(420)
    took("Ready")
    if fault.edited:
        assert _labels(e, "one")["by"] == "another", "what somebody else wrote stays"
    after = {n: uid(e.remote(n, "dev")) for n in names}
    assert all(after.values())
    for name in names:
        if before[name] and not (fault.remade and name == "one"):
            assert after[name] == before[name], "nothing that existed is made again"
    deleted = [a for a in world.audit() if a["at"] == "gateway" and a["method"] == "DELETE" and f"/{dev}" in a["path"]]
    assert deleted == []


def _labels(e: LiveEnvironment, name: str) -> dict[str, str]:
    labels: dict[str, str] = e.remote(name, "dev").get("metadata", {}).get("labels", {})
    return labels


def _said(e: LiveEnvironment) -> str:
    """All that the status says in words."""
    status = e.status
    lines = [*status.get("controlPlanes", []), *status.get("groups", []), *status.get("conditions", []), status]
    return "\n".join(str(line.get("message", "")) for line in lines)


def _made_again(seen: Document, before: str) -> bool:
    """Whether there is a control plane, another one than before, that stays."""
    return uid(seen) not in ("", before) and not seen["metadata"].get("deletionTimestamp")
