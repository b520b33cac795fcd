"""Brings a world up and takes it down, and knows where everything in it is."""

import base64
import functools
import http.client
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from live import pki
from live.apiserver import ADMIN, ETCD, Server
from live.client import Api
from live.crossplane import BINARIES, NAMESPACE, RELEASES, ROOT, module
from live.packages import INSTALL, Packages
from live.processes import Sandbox
from live.runtime import Runtime
from live.standins.config import Config
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

    def up(self) -> None:
        """Bring everything up that is not up. Must run where the sandbox is entered: see `__main__`."""
        started = time.monotonic()
        for what, step in self._steps():
            before = time.monotonic()
            step()
            print(f"{time.monotonic() - started:6.1f} s  (+{time.monotonic() - before:4.1f})  {what}", file=sys.stderr, flush=True)

    def down(self) -> None:
        """Stop everything. What was written stays, for people to read."""
        controllers = ("controllers-hub-garbage", "controllers-hub-clusterrole", "controllers-space-garbage")
        servers = ("apiserver-hub", "apiserver-space", "etcd")
        self.sandbox.close("crossplane", "rbac-manager", "provider", "standins", "registry", *controllers, *servers)

    def wipe(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "certificates and kubeconfigs", self._certificates
        yield "etcd, and the API servers of the hub and the Space", self.start_api_servers
        yield "the Space: its kinds, gateway, controller and token exchange", self._space
        yield "the registry, with our packages in it", self._registry
        yield "Crossplane and its RBAC manager", self._crossplane
        yield "provider-kubernetes and the function, installed by the package manager", self._install
        yield "provider-upbound's, Argo CD's and Flux's kinds", self._consumers
        yield "the definitions, and the Compositions with their Input", self._configurations
        yield "garbage collectors and namespace controllers", self._controllers

    def _certificates(self) -> None:
        directory = self.directory / "pki"
        for name, names in (("hub", ()), ("space", ()), ("gateway", ()), ("exchange", ("auth.upbound.io",))):
            pki.certificate(directory / name, pki.authority(directory, f"{name}-ca"), *names)
        pki.signing_key(directory)
        (self.directory / "hub.kubeconfig").write_text(self.hub.kubeconfig())
        (self.directory / "space.kubeconfig").write_text(self.space.kubeconfig())

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
            self._wait(f"apiserver-{name}", api.ready, 90)

    def _space(self) -> None:
        self.kubectl("apply", "--server-side", "-f", str(ROOT / "tests" / "schemas" / "spaces"), space=True)
        crds = RELEASES[self.release].source / "crds"
        config = Config(
            directory=str(self.directory),
            binaries=str(BINARIES),
            crds=str(crds),
            hub=HUB,
            space=SPACE,
            gateways=(GATEWAY, MOVED),
            strangers=(STRANGER,),
            exchange=EXCHANGE,
            proxy=PROXY,
            control=CONTROL,
            user_tokens=(PLATFORM_TOKEN, TEAM_TOKEN),
            static_tokens=(STATIC_TOKEN,),
        )
        config.write(self.directory / "standins.json")
        self.start_standins()

    def start_standins(self) -> None:
        """The gateway and what else is not real."""
        command = [sys.executable, "-m", "live.standins", str(self.directory / "standins.json")]
        self.sandbox.spawn("standins", command, {"PYTHONPATH": str(ROOT)})
        self._wait("standins", lambda: listening(GATEWAY) and listening(CONTROL), 20)

    def _registry(self) -> None:
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.directory / "data" / "registry")}},
            "http": {"addr": f"127.0.0.1:{REGISTRY}"},
            "log": {"level": "warn"},
        }
        path = self.directory / "registry.yaml"
        path.write_text(yaml.safe_dump(config))
        self.sandbox.spawn("registry", ["docker-registry", "serve", str(path)])
        self._wait("registry", lambda: listening(REGISTRY), 20)
        self.packages.push("provider-kubernetes", module("provider", "github.com/crossplane-contrib/provider-kubernetes") / "package")
        self.packages.push_stand_in("provider-upbound", "Provider", (ROOT / "tests" / "schemas" / "provider-upbound").glob("*.yaml"))
        for name in ("function", *RELEASES[self.release].apis):
            self.packages.push(name, ROOT / "package" / name)

    def _crossplane(self) -> None:
        release = RELEASES[self.release]
        self.kubectl("apply", "--server-side", "-f", str(ROOT / "live" / "manifests" / "hub.yaml"))
        self.kubectl("apply", "--server-side", "-f", "-", stdin=release.roles())
        self._controller_manager("hub", "clusterrole-aggregation-controller")
        account = self.runtime.account("crossplane")
        env = {
            "POD_NAMESPACE": NAMESPACE,
            "TLS_CA_SECRET_NAME": "crossplane-root-ca",
            "TLS_SERVER_SECRET_NAME": "crossplane-tls-server",
            "TLS_CLIENT_SECRET_NAME": "crossplane-tls-client",
            "WEBHOOK_SERVICE_NAME": "crossplane-webhooks",
            "WEBHOOK_SERVICE_NAMESPACE": NAMESPACE,
            "WEBHOOK_SERVICE_PORT": str(WEBHOOKS),
            **self.runtime.in_cluster,
        }
        if not self.sandbox.alive("crossplane"):
            # It looks for its CRDs in /crds of its image. It races them when it makes them: as in a pod, it is run again.
            self.kubectl("apply", "--server-side", "-f", str(release.source / "crds"))
            init = _with_root({"crds": release.source / "crds", "webhookconfigurations": release.source / "webhookconfigurations"})
            command = [*init, str(BINARIES / release.binary), "core", "init", *release.init]
            self._wait("crossplane-init", lambda: self._ran("crossplane-init", command, env, account), 60)
        self.start_crossplane()

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
        self._wait("crossplane", lambda: healthy(HEALTH), 60)

    def _ran(self, name: str, command: list[str], env: Mapping[str, str], account: Path) -> bool:
        """Whether a command that ends has done what it should."""
        self.sandbox.spawn(name, command, env, account)
        while self.sandbox.alive(name):
            time.sleep(0.1)
        return self.hub.get("secrets.v1.", "crossplane-tls-client", NAMESPACE) is not None

    def _install(self) -> None:
        self.kubectl("apply", "--server-side", "-f", "-", stdin=self.packages.image_configs())
        self.install("provider-kubernetes")
        self.install("function")
        self.runtime.start_provider()
        self.runtime.start_function()
        self.install("hub")
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "upbound-credentials"},
            "stringData": {"token": PLATFORM_TOKEN},
        }
        if self.hub.get("secrets.v1.", "upbound-credentials", NAMESPACE) is None:
            self.hub.create("secrets.v1.", secret, NAMESPACE)

    def _consumers(self) -> None:
        """provider-upbound, which a stand-in plays, and the kinds of Argo CD and Flux, with the roles that docs/gitops.md gives."""
        self.install("provider-upbound")
        self.runtime.stand_in("upbound-provider-upbound")
        for kinds in ("argo", "flux"):
            self.kubectl("apply", "--server-side", "-f", str(ROOT / "tests" / "schemas" / kinds))
        self.kubectl("apply", "--server-side", "-f", str(ROOT / "live" / "manifests" / "consumers.yaml"))
        self.install("hub-gitops")
        blocks = (ROOT / "docs" / "gitops.md").read_text().split("```yaml\n")
        self.kubectl("apply", "-f", "-", stdin=next(b for b in blocks if "crossplane-consumers" in b).partition("```")[0])

    def install(self, name: str) -> None:
        """Apply a file of package/install."""
        self.kubectl("apply", "-f", str(INSTALL / f"{name}.yaml"))

    def _configurations(self) -> None:
        for api in RELEASES[self.release].apis:
            self.install(f"configuration-{api}")
        for api in RELEASES[self.release].apis:
            until(f"the XRD of {api}", functools.partial(self.established, api))
            self.apply_composition(api)
        until("a Composition has a revision", lambda: self.hub.list("compositionrevisions.v1.apiextensions.crossplane.io"))

    def apply_composition(self, api: str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """The shipped Composition, with an Input for this world that `change` may change further."""
        composition = yaml.safe_load((INSTALL / f"composition-{api}.yaml").read_text())
        said = composition["spec"]["pipeline"][0]["input"]
        said["targets"] = [{"name": "here", "namespaces": ["*"]}]
        if api == "claims":
            said["hub"] = {"providerConfigName": "hub", "namespace": NAMESPACE}
            said["targets"] = [{"name": "hub", "providerConfigName": "hub", "namespaces": ["argocd", "flux-system"]}]
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
        self._wait("kustomize-controller", lambda: healthy(FLUX_HEALTH), 60)

    def _controllers(self) -> None:
        """Garbage collection looks for new kinds every 30 s only, so it begins when those of the tests are there."""
        for name in ("hub", "space"):
            self._controller_manager(name, "garbage-collector-controller,namespace-controller")

    def _controller_manager(self, of: str, controllers: str) -> None:
        flags = ("--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=false", "--concurrent-gc-syncs=5")
        kubeconfig = f"--kubeconfig={self.directory / f'{of}.kubeconfig'}"
        name = f"controllers-{of}-{controllers.partition('-')[0]}"
        self.sandbox.spawn(name, [str(BINARIES / "kube-controller-manager"), kubeconfig, f"--controllers={controllers}", *flags])

    def _wait(self, process: str, done: Callable[[], bool], seconds: float) -> None:
        """Wait for something that a process is to bring about; its log says why not."""
        until(process, done, seconds, explain=lambda: self.sandbox.log(process))

    def established(self, api: str) -> bool:
        """Whether the XRD of one of our APIs is there, and served."""
        found = self.hub.get("compositeresourcedefinitions.v1.apiextensions.crossplane.io", DEFINITIONS[api]) or {}
        return any(c["type"] == "Established" and c["status"] == "True" for c in found.get("status", {}).get("conditions", []))


def _with_root(directories: Mapping[str, Path]) -> list[str]:
    """The beginning of a command that is to find directories in /, where its image has them."""
    binds = "".join(f"mkdir $R/{name} && mount --bind {path} $R/{name} && " for name, path in directories.items())
    everything = "for d in *; do if [ -L $d ]; then cp -P $d $R/; elif [ -d $d ]; then mkdir -p $R/$d && mount --rbind /$d $R/$d; fi; done"
    script = f'R=/run/root; mkdir -p $R && mount -t tmpfs tmpfs $R && cd / && {everything}; {binds} exec chroot $R "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]
