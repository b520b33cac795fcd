"""Secrets stay where they are, and no tenant gets the platform's sent anywhere."""

import base64
import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from live.apiserver import ETCD
from live.crossplane import RELEASES
from live.environments import CLAIMS, LiveEnvironment
from live.runtime import FUNCTION_METRICS
from live.standins.config import ROBOT_TOKEN
from live.world import GATEWAY, METRICS, PLATFORM_TOKEN, STATIC_TOKEN, STRANGER, TEAM_TOKEN, World

MARKERS = (PLATFORM_TOKEN, TEAM_TOKEN, STATIC_TOKEN, ROBOT_TOKEN)
ALLOWED = "/secrets/"


def _spellings(marker: str) -> Iterator[bytes]:
    """A marker as it is, and as it looks inside base64 at any offset."""
    yield marker.encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + marker.encode()).decode()
        yield encoded[4 if offset else 0 : -4].encode()


def _etcd() -> Iterator[tuple[str, bytes]]:
    """Every key and value of both API servers."""
    everything = {"key": base64.b64encode(b"/").decode(), "range_end": base64.b64encode(b"0").decode()}
    for kv in json.loads(_asked(ETCD, "POST", "/v3/kv/range", json.dumps(everything))).get("kvs", []):
        yield base64.b64decode(kv["key"]).decode(), base64.b64decode(kv.get("value", ""))


def _metrics() -> Iterator[tuple[str, bytes]]:
    for port in (FUNCTION_METRICS, METRICS, 8080):
        yield f"metrics of port {port}", _asked(port, "GET", "/metrics")


def _asked(port: int, method: str, path: str, body: str | None = None) -> bytes:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body)
        return connection.getresponse().read()


@pytest.mark.last
@pytest.mark.everywhere
def test_secrets_are_nowhere_but_in_secrets(world: World) -> None:
    """All of etcd, all logs, all metrics, after everything that ran before: markers stand in Secrets only."""
    found: list[str] = []
    seen = 0
    logs = ((str(p), p.read_bytes()) for p in world.sandbox.logs.iterdir())
    for where, text in (*_etcd(), *logs, *_metrics()):
        if any(s in text for m in MARKERS for s in _spellings(m)):
            seen += ALLOWED in where
            if ALLOWED not in where:
                found.append(where)
    assert found == []
    assert seen, "the markers were planted"


@pytest.mark.everywhere
def test_what_a_secret_holds_is_not_even_seen_where_that_is_switched_off(environment: LiveEnvironment) -> None:
    """With SANITIZE_SECRETS the kubeconfigs of a claim, which an Object writes, are not in its status; all else is the same."""
    e, manifest = environment, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}}
    e.apply(
        groups=[{"name": e.group("dev")}],
        controlPlanes=[{"name": "one", "group": e.group("dev")}],
        resources=[{"name": "settings", "controlPlane": "one", "manifest": manifest}],
    )
    e.until_ready(240)
    for o in (o for o in e.objects().values() if o["spec"]["forProvider"]["manifest"]["kind"] == "Secret"):
        seen = o["status"]["atProvider"]["manifest"].get("data", {})
        assert ("redacted" in seen or not seen) is RELEASES[e.world.release].sanitize, seen


def _break_outs(e: LiveEnvironment) -> dict[str, dict[str, Any]]:
    """What a tenant tries, to have the platform's token sent to a server of its own."""
    stranger = {"name": "west", "host": f"127.0.0.1:{STRANGER}", "certificateAuthorityData": e.world.gateway_ca}
    group = e.group("dev")
    platforms = {"namespace": "crossplane-system", "name": "upbound-credentials", "key": "token"}
    own = {"namespace": e.namespace, "name": "mine", "key": "kubeconfig"}
    base: dict[str, Any] = {"groups": [{"name": group}], "controlPlanes": [{"name": "one", "group": group}]}
    return {
        "another host": {**base, "spaces": [stranger]},
        "another host, by formerHosts": {**base, "spaces": [e.west(formerHosts=[stranger["host"]])]},
        "a kubeconfig of its own with the platform's token": {
            **base,
            "spaces": [e.west(credentials={"kubeconfigSecretRef": own, "tokenSecretRef": platforms})],
        },
        "no verification": {**base, "spaces": [{"name": "west", "host": f"127.0.0.1:{GATEWAY}", "insecureSkipTLSVerify": True}]},
        "the Space's own namespace": {**base, "groups": [{"name": "upbound-system"}]},
        "a Secret in a manifest": {
            **base,
            "resources": [{"name": "s", "group": group, "manifest": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}}],
        },
    }


@pytest.mark.everywhere
def test_a_tenant_cannot_break_out(world: World, namespace: str) -> None:
    """Each way is refused, composes nothing, and the server of another host is never sent a token."""
    first = LiveEnvironment(world, CLAIMS, namespace)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"kubeconfig": "{}"}}
    world.hub.create("secrets.v1.", secret, namespace)
    for i, (why, spec) in enumerate(_break_outs(first).items()):
        e = LiveEnvironment(world, CLAIMS, namespace, f"tenant-{i}", spec={"organization": "acme", "spaces": [first.west()], **spec})
        e.apply()
        message = e.until_says("Synced", "cannot use this environment", status="False")
        assert "spec." in message, why
        assert e.objects() == {}, why
    asked = [a for a in world.audit() if a["at"] == "stranger"]
    assert asked == []
