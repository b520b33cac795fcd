"""What stands in for the container runtime: it runs packages and Crossplane as processes, as pods would run them.

Crossplane runs with `--package-runtime=External`, so somebody else is the runtime of packages. For a Provider that
is: a ServiceAccount and a Deployment that belongs to the revision (nothing makes pods of it; the RBAC manager binds
its account), the serving certificate from Crossplane's own authority, a Service of that name, and a process with the
environment of the DeploymentRuntimeConfig. For a Function: the certificate, a process with mTLS, and its endpoint in
the revision's status. A process finds its service account and the API server where a pod finds them.
"""

import base64
import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live import pki
from live.client import Api
from live.crossplane import BINARIES, NAMESPACE, ROOT, Crossplane
from live.processes import Sandbox
from live.times import now
from live.waiting import healthy, listening, until

PROVIDER, FUNCTION = "crossplane-contrib-provider-kubernetes", "upbound-function-upbound-environment"
"""Names that the package manager derives from the packages' repositories."""
NOTHING = "upbound-function-nothing"
"""A function that adds nothing, as a pipeline may have beside ours."""
FUNCTION_PORT, FUNCTION_METRICS, PROVIDER_HEALTH, NOTHING_PORT = 19543, 19544, 19463, 19546
REPLICAS = ("127.0.0.1", "[::1]")
"""Addresses of the function's replicas: both are `localhost`, as both pods of a Deployment are one Service."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Runs packages on a hub."""

    hub: Api
    sandbox: Sandbox
    directory: Path
    crossplane: Crossplane
    proxy: int

    @property
    def in_cluster(self) -> dict[str, str]:
        """How a process finds the API server."""
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.hub.port)}

    def account(self, name: str) -> Path:
        """A directory with a ServiceAccount's token, as a pod has it."""
        directory = self.directory / "accounts" / name
        directory.mkdir(parents=True, exist_ok=True)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}}
        token = self.hub.create("serviceaccounts.v1.", request, NAMESPACE, f"{name}/token")["status"]["token"]
        for file, text in (("token", token), ("namespace", NAMESPACE), ("ca.crt", self.hub.ca.read_text())):
            (directory / file).write_text(text)
        return directory

    def secret(self, name: str) -> Path:
        """A directory with a Secret's keys, as a pod mounts it."""
        directory = self.directory / "secrets" / name
        directory.mkdir(parents=True, exist_ok=True)
        found = self.hub.get("secrets.v1.", name, NAMESPACE) or {}
        for key, value in found["data"].items():
            (directory / key).write_bytes(base64.b64decode(value))
        return directory

    def start_provider(self, arguments: tuple[str, ...] = ()) -> None:
        """Run provider-kubernetes, if it does not run."""
        revision, container, account = self._prepare(PROVIDER)
        env = {
            **{e["name"]: e["value"] for e in container.get("env", [])},
            "TLS_SERVER_CERTS_DIR": str(self.directory / "pki" / PROVIDER),
            "HEALTH_PROBE_BIND_ADDRESS": f"127.0.0.1:{PROVIDER_HEALTH}",
            "SANITIZE_SECRETS": str(self.crossplane.sanitize).lower(),
            # The exchange is the only thing that is not on loopback: Go never takes a proxy to get there.
            "HTTPS_PROXY": f"http://127.0.0.1:{self.proxy}",
            "SSL_CERT_FILE": str(self.directory / "pki" / "exchange-ca.crt"),
            "SSL_CERT_DIR": str(self.directory / "pki" / "none"),
            **self.in_cluster,
        }
        self.sandbox.spawn(
            "provider", [str(BINARIES / "crossplane-kubernetes-provider"), "--debug", *arguments], env, self.account(account)
        )
        self._wait("provider", lambda: healthy(PROVIDER_HEALTH))
        self._healthy(revision, "providerrevisions")

    def stand_in(self, package: str) -> None:
        """Say that a provider runs that a stand-in plays."""
        revision, _, _ = self._prepare(package)
        self._healthy(revision, "providerrevisions")

    def _prepare(self, package: str) -> tuple[dict[str, Any], dict[str, Any], str]:
        """All that a provider's pods need; its revision, their container and their ServiceAccount."""
        revision = self._revision("providerrevisions", package)
        container, account = self._template(package, revision["metadata"]["name"])
        self._apply("serviceaccounts.v1.", _object("v1", "ServiceAccount", account))
        self._apply("deployments.v1.apps", _deployment(revision, account, container))
        service = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 9443}]}
        self._apply("services.v1.", _object("v1", "Service", package, spec=service))
        self._certificates(package)
        self._tell(revision, "providerrevisions", {"tlsServerSecretName": f"{package}-tls-server"})
        return revision, container, account

    def start_function(self, replicas: int = 1) -> None:
        """Run the function, those replicas of it that do not run."""
        certificates = self._certificates(FUNCTION)
        for i, host in enumerate(REPLICAS[:replicas]):
            flags = [f"--address={host}:{FUNCTION_PORT}", f"--tls-certs-dir={certificates}", f"--metrics-port={FUNCTION_METRICS + i}"]
            self.sandbox.spawn(f"function-{i}", [str(Path(sys.executable).parent / "function"), *flags])
            self._wait(f"function-{i}", functools.partial(listening, FUNCTION_METRICS + i))
        self._reached(FUNCTION, FUNCTION_PORT)

    def start_nothing(self) -> None:
        """Run the function that adds nothing, if it does not run."""
        command = [sys.executable, "-m", "live.standins.nothing", f"localhost:{NOTHING_PORT}", str(self._certificates(NOTHING))]
        self.sandbox.spawn(NOTHING, command, {"PYTHONPATH": str(ROOT)})
        self._wait(NOTHING, functools.partial(listening, NOTHING_PORT))
        self._reached(NOTHING, NOTHING_PORT)

    def _reached(self, package: str, port: int) -> None:
        """Say where a function is, and that it runs."""
        revision = self._revision("functionrevisions", package)
        endpoint = f"dns:///{package}.{NAMESPACE}:{port}"
        self._tell(revision, "functionrevisions", {"endpoint": endpoint, "tlsServerSecretName": f"{package}-tls-server"})
        self._healthy(revision, "functionrevisions")

    def _revision(self, plural: str, package: str) -> dict[str, Any]:
        """The active revision of a package, once the package manager has made it."""

        def active() -> dict[str, Any] | None:
            revisions = self.hub.list(f"{plural}.v1.pkg.crossplane.io", labels=f"pkg.crossplane.io/package={package}")
            return next((r for r in revisions if r["spec"]["desiredState"] == "Active"), None)

        found: dict[str, Any] = until(f"a revision of {package}", active, 90)
        return found

    def _template(self, package: str, revision: str) -> tuple[dict[str, Any], str]:
        """The container of a provider's pods and their ServiceAccount, as its DeploymentRuntimeConfig says.

        Asked of the Provider: with an external runtime, its revision is not told (crossplane internal/controller/pkg/manager).
        """
        provider = self.hub.get("providers.v1.pkg.crossplane.io", package) or {}
        config = self.hub.get("deploymentruntimeconfigs.v1beta1.pkg.crossplane.io", provider["spec"]["runtimeConfigRef"]["name"]) or {}
        spec = config.get("spec", {})
        pod = spec.get("deploymentTemplate", {}).get("spec", {}).get("template", {}).get("spec", {})
        account = spec.get("serviceAccountTemplate", {}).get("metadata", {}).get("name") or revision
        container: dict[str, Any] = next((c for c in pod.get("containers", []) if c["name"] == "package-runtime"), {})
        return container, account

    def _certificates(self, package: str) -> Path:
        """A serving certificate for a package's Service, from Crossplane's own authority, and its Secret."""
        root, directory = self.secret("crossplane-root-ca"), self.directory / "pki" / package
        pki.certificate(directory, pki.Pair(root / "tls.crt", root / "tls.key"), f"{package}.{NAMESPACE}", f"{package}.{NAMESPACE}.svc")
        files = ("tls.crt", "tls.key", "ca.crt")
        data = {file: base64.b64encode((directory / file).read_bytes()).decode() for file in files}
        self._apply("secrets.v1.", _object("v1", "Secret", f"{package}-tls-server", data=data))
        return directory

    def _tell(self, revision: Mapping[str, Any], plural: str, status: dict[str, Any]) -> None:
        self.hub.patch(f"{plural}.v1.pkg.crossplane.io", revision["metadata"]["name"], {"status": status}, sub="status")

    def _healthy(self, revision: Mapping[str, Any], plural: str) -> None:
        """Wait until the package manager finds a revision good, and say that it runs."""
        resource, name = f"{plural}.v1.pkg.crossplane.io", revision["metadata"]["name"]

        def conditions() -> dict[str, dict[str, Any]]:
            return {c["type"]: c for c in (self.hub.get(resource, name) or {}).get("status", {}).get("conditions", [])}

        until(f"{name} {self.crossplane.healthy}", lambda: conditions().get(self.crossplane.healthy, {}).get("status") == "True", 90)
        if self.crossplane.healthy != "Healthy":
            said = {"type": "RuntimeHealthy", "status": "True", "reason": "HealthyPackageRevision", "lastTransitionTime": now()}
            self._tell(revision, plural, {"conditions": [*(c for t, c in conditions().items() if t != "RuntimeHealthy"), said]})

    def _apply(self, resource: str, manifest: dict[str, Any]) -> None:
        if self.hub.get(resource, manifest["metadata"]["name"], NAMESPACE) is None:
            self.hub.create(resource, manifest, NAMESPACE)

    def _wait(self, process: str, done: Callable[[], bool]) -> None:
        until(process, done, 60, explain=lambda: self.sandbox.log(process))


def _object(api_version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401  # Any JSON value.
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **rest}


def _deployment(revision: Mapping[str, Any], account: str, container: Mapping[str, Any]) -> dict[str, Any]:
    """The Deployment that Crossplane would make for a Provider."""
    metadata, labels = revision["metadata"], {"pkg.crossplane.io/provider": revision["metadata"]["name"]}
    owner = {"apiVersion": revision["apiVersion"], "kind": revision["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    pod = {"serviceAccountName": account, "containers": [{"image": revision["spec"]["image"], **container, "name": "package-runtime"}]}
    manifest = _object(
        "apps/v1",
        "Deployment",
        metadata["name"],
        spec={"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    )
    manifest["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return manifest
