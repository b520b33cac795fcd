"""What consumes control planes works with exactly what is composed for it: Flux's own controller, and a client such as Argo CD's."""

import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.client import Api
from live.crossplane import BINARIES, ROOT
from live.environments import CLAIMS, NAMESPACED, LiveEnvironment
from live.times import now
from live.waiting import until
from live.world import STATIC_TOKEN, World

KUSTOMIZATIONS, REPOSITORIES = "kustomizations.v1.kustomize.toolkit.fluxcd.io", "gitrepositories.v1.source.toolkit.fluxcd.io"
DATABASES = "databases.v1.example.org"
_NAMES = {"kind": "Database", "plural": "databases", "singular": "database"}
_SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
KIND = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "databases.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": _NAMES,
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": _SCHEMA}],
    },
}
CLAIM = {"apiVersion": "example.org/v1", "kind": "Database", "metadata": {"name": "orders", "namespace": "default"}, "spec": {"size": 1}}


@pytest.fixture
def folder() -> Iterator[tuple[str, str]]:
    """A folder of claims as Flux's source controller would serve it: its address and digest."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        text = yaml.safe_dump(CLAIM).encode()
        entry = tarfile.TarInfo("claims/orders.yaml")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # The name of http.server.
            self.send_response(200)
            self.send_header("Content-Length", str(len(packed.getvalue())))
            self.end_headers()
            self.wfile.write(packed.getvalue())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/claims.tar.gz", f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"
        server.shutdown()


def _one(world: World, namespace: str, **spec: Any) -> LiveEnvironment:  # noqa: ANN401  # Fields of the spec.
    """A namespaced environment with one control plane, consumed in its own namespace."""
    e = LiveEnvironment(world, NAMESPACED, namespace)
    dev = e.group("dev")
    e.spec = {"organization": "acme", "spaces": [e.west()], "groups": [{"name": dev}]}
    e.apply(controlPlanes=[{"name": "one", "group": dev, "labels": {"stage": "dev"}}], **spec)
    return e


def _takes(world: World, e: LiveEnvironment) -> Api:
    """The API inside the control plane, once it takes the claims' kind."""
    api = world.inside(e.group("dev"), "one")

    def known() -> bool:
        if api.get("customresourcedefinitions.v1.apiextensions.k8s.io", KIND["metadata"]["name"]) is None:  # type: ignore[index]  # A name.
            api.create("customresourcedefinitions.v1.apiextensions.k8s.io", KIND)
        return api.list(DATABASES) == []

    until("the control plane takes claims", known, 150, e.explain)
    return api


@pytest.mark.long
@pytest.mark.both
def test_flux_applies_claims_and_leaves_them(world: World, namespace: str, folder: tuple[str, str], took: Callable[[str], None]) -> None:
    """The real kustomize-controller, by what was composed: claims arrive, and stay when `flux` is removed."""
    source = {"url": "https://git.example.org/acme/claims"}
    e = _one(world, namespace, flux={"target": "here", "allowExecKubeconfig": True, "source": source, "interval": "30s"})
    inside = _takes(world, e)
    world.start_flux()
    (repository,) = until("the source is composed", lambda: world.hub.list(REPOSITORIES, namespace), 60, e.explain)
    url, digest = folder
    artifact = {"path": "claims.tar.gz", "url": url, "digest": digest, "revision": f"main@{digest}", "lastUpdateTime": now(), "size": 1}
    ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact", "lastTransitionTime": now()}
    status = {"artifact": artifact, "conditions": [ready], "observedGeneration": 1}
    world.hub.patch(REPOSITORIES, repository["metadata"]["name"], {"status": status}, namespace, sub="status")
    took("composed")

    def explained() -> str:
        return json.dumps([k.get("status") for k in world.hub.list(KUSTOMIZATIONS, namespace)]) + world.sandbox.log("kustomize-controller")

    until("the claim is in the control plane", lambda: inside.get(DATABASES, "orders", "default"), 120, explained)
    took("applied")
    e.until_ready()
    e.apply(flux=None)
    until(
        "Flux is left", lambda: not world.hub.list(KUSTOMIZATIONS, namespace) and not world.hub.list(REPOSITORIES, namespace), 90, e.explain
    )
    until("claims stay", lambda: inside.get(DATABASES, "orders", "default"), 10, e.explain)


@pytest.mark.everywhere
def test_a_claim_is_consumed_in_this_cluster(world: World, namespace: str) -> None:
    """Through the hub, with the roles that we ship: Argo CD and Flux get all that a claim says, and it goes with its lines."""
    e = LiveEnvironment(world, CLAIMS, namespace)
    group, url = e.group("dev"), "https://git.example.org/acme/claims"
    e.spec = {"organization": "acme", "spaces": [e.west()], "groups": [{"name": group}]}
    e.apply(
        controlPlanes=[{"name": "one", "group": group}],
        argocd={"target": "hub", "applications": {"repoURL": url}},
        flux={"target": "hub", "allowExecKubeconfig": True, "source": {"url": url}},
    )
    e.until_ready(240)
    assert [r["kind"] for r in e.line("one")["registrations"]] == ["ArgoCD", "Flux"]
    mine = [o["spec"]["forProvider"]["manifest"] for o in e.objects().values()]
    composed = [m for m in mine if m["metadata"].get("namespace") in ("argocd", "flux-system")]
    assert sorted(m["kind"] for m in composed) == ["AppProject", "Application", "GitRepository", "Kustomization", "Secret", "Secret"]
    plural = {
        "AppProject": "appprojects.v1alpha1.argoproj.io",
        "Application": "applications.v1alpha1.argoproj.io",
        "GitRepository": REPOSITORIES,
    }
    plural |= {"Kustomization": KUSTOMIZATIONS, "Secret": "secrets.v1."}

    def there() -> list[str]:
        return [m["kind"] for m in composed if world.hub.get(plural[m["kind"]], m["metadata"]["name"], m["metadata"]["namespace"])]

    assert len(there()) == len(composed)
    e.apply(argocd=None, flux=None)
    until("all of it is gone", lambda: not there(), 150, lambda: f"{there()}\n{e.explain()}")
    assert e.remote("one", "dev")


@pytest.mark.both
def test_a_client_reaches_a_control_plane_by_its_cluster_secret(world: World, namespace: str, tmp_path: Path) -> None:
    """client-go and its exec plugin get to the endpoint with the bytes of the cluster Secret, and no token is in it."""
    e = _one(world, namespace, argocd={"target": "here"})
    e.until_ready()
    labels = "argocd.argoproj.io/secret-type=cluster"
    (secret,) = until("the cluster Secret", lambda: world.hub.list("secrets.v1.", namespace, labels), 60, e.explain)
    data = {k: base64.b64decode(v).decode() for k, v in secret["data"].items()}
    assert data["name"] == f"controlplane-west-{e.group('dev')}-one"
    assert "marker" not in str(data)
    config = json.loads(data["config"])
    assert config["tlsClientConfig"]["insecure"] is False
    plugin = config["execProviderConfig"]
    env = [{"name": k, "value": v} for k, v in plugin["env"].items()]
    user = {"exec": {**{k: plugin[k] for k in ("apiVersion", "command", "args")}, "env": env, "interactiveMode": "Never"}}
    cluster = {"server": data["server"], "certificate-authority-data": config["tlsClientConfig"]["caData"]}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "c", "user": user}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
            }
        )
    )
    path = f"{ROOT / 'live' / 'standins' / 'bin'}:{os.environ['PATH']}"

    def reached() -> str:
        command = [str(BINARIES / "kubectl"), f"--kubeconfig={kubeconfig}", "get", "namespaces", "-o", "name"]
        done = subprocess.run(
            command, env={"PATH": path, "HOME": str(tmp_path), "UP_TOKEN": STATIC_TOKEN}, capture_output=True, text=True, check=False
        )
        return done.stdout

    assert "namespace/default" in until("kubectl gets there", reached, 120, e.explain)
