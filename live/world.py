"""Brings a world up and takes it down, and knows where everything in it is."""

import base64
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from live import pki
from live.apiserver import ADMIN, ETCD, Server
from live.client import Api
from live.crossplane import BINARIES, NAMESPACE, RELEASES, ROOT
from live.packages import INSTALL, Packages
from live.processes import Sandbox
from live.runtime import Runtime
from live.waiting import healthy, listening, until

HUB, SPACE, REGISTRY = 16443, 17443, 15000
GATEWAY, MOVED, STRANGER, EXCHANGE, PROXY, CONTROL = 17444, 17445, 17446, 17447, 17448, 17449
WEBHOOKS, METRICS, HEALTH, FLUX_HEALTH = 19451, 19452, 19453, 19472

PLATFORM_TOKEN = "marker-platform-token"  # noqa: S105  # Searched for in everything that comes out.
TEAM_TOKEN = "marker-team-token"  # noqa: S105  # Likewise.
STATIC_TOKEN = "marker-static-token"  # noqa: S105  # Likewise, in kubeconfigs that have credentials of their own.


ORGANIZATION_KINDS = [
    *(f"{kind}.iam.upbound.io" for kind in ("Team", "Robot", "RobotTeamMembership", "Token")),
    *(f"{kind}.repository.upbound.io" for kind in ("Repository", "Permission")),
]
DEFINITIONS = {"claims": "xupboundenvironments.environments.upbound.io", "namespaced": "upboundenvironments.environments.m.upbound.io"}
"""The XRD of each of our two APIs."""


class KubectlError(AssertionError):
    """kubectl failed; the message is what it said."""


@dataclass(frozen=True)
class World:
    """One world: a release of Crossplane, and a directory with everything that the world writes."""

    release: str

    # Where things are.

    @cached_property
    def directory(self) -> Path:
        """Where all that belongs to the world is: its logs are in log/."""
        return ROOT / ".cache" / "live" / self.release

    @cached_property
    def sandbox(self) -> Sandbox:
        """Its processes."""
        return Sandbox(self.directory)

    @cached_property
    def hub(self) -> Api:
        """The API of the cluster in which Crossplane runs."""
        return Api(HUB, self.directory / "pki" / "hub-ca.crt", ADMIN)

    @cached_property
    def space(self) -> Api:
        """The Space's API, behind its gateway."""
        return Api(SPACE, self.directory / "pki" / "space-ca.crt", ADMIN)

    @cached_property
    def runtime(self) -> Runtime:
        """What runs the packages."""
        return Runtime(self.hub, self.sandbox, self.directory, RELEASES[self.release], PROXY)

    @cached_property
    def packages(self) -> Packages:
        """What is installed, and from where."""
        return Packages(self.directory / "packages", REGISTRY)

    @property
    def binaries(self) -> Path:
        """Where kubectl and crossplane are."""
        return BINARIES

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for people and tests that enter the world."""
        return {"KUBECONFIG": str(self.directory / "hub.kubeconfig"), "SPACE": str(self.directory / "space.kubeconfig")}

    def inside(self, group: str, control_plane: str) -> Api:
        """The API inside a control plane, through the gateway."""
        prefix = f"/apis/spaces.upbound.io/v1beta1/namespaces/{group}/controlplanes/{control_plane}/k8s"
        return Api(GATEWAY, self.directory / "pki" / "gateway-ca.crt", STATIC_TOKEN, prefix)

    @property
    def gateway_ca(self) -> str:
        """The gateway's CA, as an environment has it."""
        return base64.b64encode((self.directory / "pki" / "gateway-ca.crt").read_bytes()).decode()

    def audit(self) -> list[dict[str, Any]]:
        """All that the gateway, the exchange and strangers were asked."""
        log = self.directory / "log" / "audit.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def tell_space(self, what: str, said: Mapping[str, Any]) -> None:
        """Tell the stand-ins what is to go wrong: `fault` or `modes`."""
        connection = http.client.HTTPConnection("127.0.0.1", CONTROL, timeout=10)
        connection.request("PUT", f"/{what}", json.dumps(said))
        connection.getresponse().read()
        connection.close()

    def kubectl(self, *args: str, stdin: str = "", space: bool = False) -> str:
        """What kubectl prints.

        Raises:
            KubectlError: it fails; the message is what it says.
        """
        kubeconfig = self.directory / ("space.kubeconfig" if space else "hub.kubeconfig")
        done = subprocess.run(  # Our own command.
            [str(BINARIES / "kubectl"), f"--kubeconfig={kubeconfig}", *args], input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip())
        return done.stdout

    # Up and down.

    def down(self) -> None:
        """Stop everything. What was written stays, for people to read."""
        controllers = ("controllers-hub-garbage", "controllers-hub-clusterrole", "controllers-space-garbage")
        servers = ("apiserver-hub", "apiserver-space", "etcd")
        self.sandbox.close("crossplane", "rbac-manager", "provider", "standins", "registry", *controllers, *servers)

    def wipe(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def start_api_servers(self) -> None:
        """Etcd and both API servers, where they do not run."""
        etcd = f"http://127.0.0.1:{ETCD}"
        peer = f"http://127.0.0.1:{ETCD + 1}"
        flags = {
            "data-dir": self.directory / "data" / "etcd",
            "log-level": "warn",
            "listen-client-urls": etcd,
            "advertise-client-urls": etcd,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
        }
        self.sandbox.spawn("etcd", [str(BINARIES / "etcd"), "--unsafe-no-fsync", *(f"--{k}={v}" for k, v in flags.items())])
        for name, port in (("hub", HUB), ("space", SPACE)):
            directory = self.directory / "pki"
            serving = pki.Pair(directory / name / "tls.crt", directory / name / "tls.key")
            signing = pki.Pair(directory / "sa.pub", directory / "sa.key")
            server = Server(BINARIES / "kube-apiserver", name, port, serving, signing, self.directory / "data" / name)
            self.sandbox.spawn(f"apiserver-{name}", server.command())
        for name, api in (("hub", self.hub), ("space", self.space)):
            self.wait(f"apiserver-{name}", api.ready, 180)

    def start_standins(self) -> None:
        """The gateway and what else is not real."""
        command = [sys.executable, "-m", "live.standins", str(self.directory / "standins.json")]
        self.sandbox.spawn("standins", command, {"PYTHONPATH": str(ROOT)})
        self.wait("standins", lambda: listening(GATEWAY) and listening(CONTROL), 20)

    def start_crossplane(self) -> None:
        """Crossplane and its RBAC manager, where they do not run."""
        release, runtime = RELEASES[self.release], self.runtime
        cache = self.directory / "data" / "xpkg"
        cache.mkdir(parents=True, exist_ok=True)
        env = {
            "POD_NAMESPACE": NAMESPACE,
            "POD_SERVICE_ACCOUNT": "crossplane",
            "TLS_CLIENT_CERTS_DIR": str(runtime.secret("crossplane-tls-client")),
            "TLS_SERVER_CERTS_DIR": str(runtime.secret("crossplane-tls-server")),
            "WEBHOOK_PORT": str(WEBHOOKS),
            "METRICS_PORT": str(METRICS),
            "HEALTH_PROBE_PORT": str(HEALTH),
            **runtime.in_cluster,
        }
        core = str(BINARIES / release.binary)
        flags = ["--debug", "--package-runtime=External", f"--xpkg-cache-dir={cache}", *release.start]
        self.sandbox.spawn("crossplane", [core, "core", "start", *flags], env, runtime.account("crossplane"))
        rbac = [core, "rbac", "start", "--provider-clusterrole=crossplane:allowed-provider-permissions"]
        self.sandbox.spawn("rbac-manager", rbac, runtime.in_cluster, runtime.account("rbac-manager"))
        self.wait("crossplane", lambda: healthy(HEALTH), 60)

    def install(self, name: str) -> None:
        """Apply a file of package/install."""
        self.kubectl("apply", "-f", str(INSTALL / f"{name}.yaml"))

    def apply_composition(self, api: str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """The shipped Composition, with an Input for this world that `change` may change further."""
        composition = yaml.safe_load((INSTALL / f"composition-{api}.yaml").read_text())
        said = composition["spec"]["pipeline"][0]["input"]
        repositories = ["https://git.example.org/acme/*"]
        said["targets"] = [{"name": "here", "namespaces": ["*"], "repositories": repositories}]
        if api == "claims":
            said["hub"] = {"providerConfigName": "hub", "namespace": NAMESPACE}
            namespaces = ["argocd", "flux-system"]
            said["targets"] = [{"name": "hub", "providerConfigName": "hub", "namespaces": namespaces, "repositories": repositories}]
        for rule in said["rules"]:
            rule["hosts"] = [*rule["hosts"], f"127.0.0.1:{GATEWAY}", f"127.0.0.1:{MOVED}"]
            rule["targets"] = [target["name"] for target in said["targets"]]
            rule["resources"] += [
                {"scope": "ControlPlane", "kinds": ["ConfigMap"]},
                {"scope": "Group", "kinds": ["ObjectRoleBinding.authorization.spaces.upbound.io"]},
                {"scope": "Organization", "kinds": ORGANIZATION_KINDS},
            ]
        change(said)
        self.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(composition))

    def start_flux(self) -> None:
        """Flux's kustomize-controller, changed as upenv flux-patch says: it may run `up`. It is cluster-admin, as Flux installs it."""
        env = {
            "KUBECONFIG": str(self.directory / "hub.kubeconfig"),
            "PATH": f"{ROOT / 'live' / 'standins' / 'bin'}:/usr/bin:/bin",
            "UP_TOKEN": STATIC_TOKEN,
            "RUNTIME_NAMESPACE": "flux-system",
        }
        flags = ("--insecure-kubeconfig-exec", "--metrics-addr=127.0.0.1:19471", f"--health-addr=127.0.0.1:{FLUX_HEALTH}")
        more = ("--events-addr=", "--enable-leader-election=false")
        self.sandbox.spawn("kustomize-controller", [str(BINARIES / "kustomize-controller"), *flags, *more], env)
        self.wait("kustomize-controller", lambda: healthy(FLUX_HEALTH), 60)

    def wait(self, process: str, done: Callable[[], bool], seconds: float) -> None:
        """Wait for something that a process is to bring about; its log says why not."""
        until(process, done, seconds, explain=lambda: self.sandbox.log(process))

    def definition(self, api: str) -> dict[str, Any] | None:
        """The XRD of one of our APIs."""
        return self.hub.get("compositeresourcedefinitions.v1.apiextensions.crossplane.io", DEFINITIONS[api])

    def established(self, api: str) -> bool:
        """Whether the XRD of one of our APIs is there, and served; with its claims, where it has those."""
        found = self.definition(api) or {}
        true = {c["type"] for c in found.get("status", {}).get("conditions", []) if c["status"] == "True"}
        return true >= ({"Established", "Offered"} if found.get("spec", {}).get("claimNames") else {"Established"})
