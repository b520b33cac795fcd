"""Brings a world up, step by step; what is up already stays as it is. Must run where the sandbox is entered: see `__main__`."""

import functools
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from live import pki
from live.crossplane import BINARIES, NAMESPACE, RELEASES, ROOT, module
from live.standins.config import Config
from live.waiting import listening, until
from live.world import (
    CONTROL,
    EXCHANGE,
    GATEWAY,
    HUB,
    MOVED,
    PLATFORM_TOKEN,
    PROXY,
    REGISTRY,
    SPACE,
    STATIC_TOKEN,
    STRANGER,
    TEAM_TOKEN,
    WEBHOOKS,
    World,
)


def _certificates(world: World) -> None:
    directory = world.directory / "pki"
    for name, names in (("hub", ()), ("space", ()), ("gateway", ()), ("exchange", ("auth.upbound.io",))):
        pki.certificate(directory / name, pki.authority(directory, f"{name}-ca"), *names)
    pki.signing_key(directory)
    (world.directory / "hub.kubeconfig").write_text(world.hub.kubeconfig())
    (world.directory / "space.kubeconfig").write_text(world.space.kubeconfig())


def _space(world: World) -> None:
    world.kubectl("apply", "--server-side", "-f", str(ROOT / "tests" / "schemas" / "spaces"), space=True)
    crds = RELEASES[world.release].source / "crds"
    config = Config(
        directory=str(world.directory),
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
    config.write(world.directory / "standins.json")
    world.start_standins()


def _registry(world: World) -> None:
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(world.directory / "data" / "registry")}},
        "http": {"addr": f"127.0.0.1:{REGISTRY}"},
        "log": {"level": "warn"},
    }
    path = world.directory / "registry.yaml"
    path.write_text(yaml.safe_dump(config))
    world.sandbox.spawn("registry", ["docker-registry", "serve", str(path)])
    world.wait("registry", lambda: listening(REGISTRY), 20)
    world.packages.push("provider-kubernetes", module("provider", "github.com/crossplane-contrib/provider-kubernetes") / "package")
    world.packages.push_stand_in("provider-upbound", "Provider", (ROOT / "tests" / "schemas" / "provider-upbound").glob("*.yaml"))
    print(f"our packages: {world.packages.push_ours()}", file=sys.stderr)


def _crossplane(world: World) -> None:
    release = RELEASES[world.release]
    world.kubectl("apply", "--server-side", "-f", str(ROOT / "live" / "manifests" / "hub.yaml"))
    world.kubectl("apply", "--server-side", "-f", "-", stdin=release.roles())
    _controller_manager(world, "hub", "clusterrole-aggregation-controller")
    account = world.runtime.account("crossplane")
    env = {
        "POD_NAMESPACE": NAMESPACE,
        "TLS_CA_SECRET_NAME": "crossplane-root-ca",
        "TLS_SERVER_SECRET_NAME": "crossplane-tls-server",
        "TLS_CLIENT_SECRET_NAME": "crossplane-tls-client",
        "WEBHOOK_SERVICE_NAME": "crossplane-webhooks",
        "WEBHOOK_SERVICE_NAMESPACE": NAMESPACE,
        "WEBHOOK_SERVICE_PORT": str(WEBHOOKS),
        **world.runtime.in_cluster,
    }
    if not world.sandbox.alive("crossplane"):
        # It looks for its CRDs in /crds of its image. It races them when it makes them: as in a pod, it is run again.
        world.kubectl("apply", "--server-side", "-f", str(release.source / "crds"))
        init = _with_root({"crds": release.source / "crds", "webhookconfigurations": release.source / "webhookconfigurations"})
        command = [*init, str(BINARIES / release.binary), "core", "init", *release.init]
        world.wait("crossplane-init", lambda: _ran(world, "crossplane-init", command, env, account), 60)
    world.start_crossplane()


def _ran(world: World, name: str, command: list[str], env: Mapping[str, str], account: Path) -> bool:
    """Whether a command that ends has done what it should."""
    world.sandbox.spawn(name, command, env, account)
    while world.sandbox.alive(name):
        time.sleep(0.1)
    return world.hub.get("secrets.v1.", "crossplane-tls-client", NAMESPACE) is not None


def _install(world: World) -> None:
    world.kubectl("apply", "--server-side", "-f", "-", stdin=world.packages.image_configs())
    world.install("provider-kubernetes")
    world.install("function")
    world.runtime.start_provider()
    world.runtime.start_function()
    world.install("hub")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "upbound-credentials"},
        "stringData": {"token": PLATFORM_TOKEN},
    }
    if world.hub.get("secrets.v1.", "upbound-credentials", NAMESPACE) is None:
        world.hub.create("secrets.v1.", secret, NAMESPACE)


def _consumers(world: World) -> None:
    """provider-upbound, which a stand-in plays, and the kinds of Argo CD and Flux, with the roles that docs/gitops.md gives."""
    world.install("provider-upbound")
    world.runtime.stand_in("upbound-provider-upbound")
    for kinds in ("argo", "flux"):
        world.kubectl("apply", "--server-side", "-f", str(ROOT / "tests" / "schemas" / kinds))
    world.kubectl("apply", "--server-side", "-f", str(ROOT / "live" / "manifests" / "consumers.yaml"))
    world.install("hub-gitops")
    blocks = (ROOT / "docs" / "gitops.md").read_text().split("```yaml\n")
    world.kubectl("apply", "-f", "-", stdin=next(b for b in blocks if "crossplane-consumers" in b).partition("```")[0])


def _configurations(world: World) -> None:
    for api in RELEASES[world.release].apis:
        world.install(f"configuration-{api}")
    for api in RELEASES[world.release].apis:
        until(f"the XRD of {api}", functools.partial(world.established, api))
        world.apply_composition(api)
    until("a Composition has a revision", lambda: world.hub.list("compositionrevisions.v1.apiextensions.crossplane.io"))


def _controllers(world: World) -> None:
    """Garbage collection looks for new kinds every 30 s only, so it begins when those of the tests are there."""
    for name in ("hub", "space"):
        _controller_manager(world, name, "garbage-collector-controller,namespace-controller")


def _controller_manager(world: World, of: str, controllers: str) -> None:
    flags = ("--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=false", "--concurrent-gc-syncs=5")
    kubeconfig = f"--kubeconfig={world.directory / f'{of}.kubeconfig'}"
    name = f"controllers-{of}-{controllers.partition('-')[0]}"
    world.sandbox.spawn(name, [str(BINARIES / "kube-controller-manager"), kubeconfig, f"--controllers={controllers}", *flags])


def _with_root(directories: Mapping[str, Path]) -> list[str]:
    """The beginning of a command that is to find directories in /, where its image has them."""
    binds = "".join(f"mkdir $R/{name} && mount --bind {path} $R/{name} && " for name, path in directories.items())
    everything = "for d in *; do if [ -L $d ]; then cp -P $d $R/; elif [ -d $d ]; then mkdir -p $R/$d && mount --rbind /$d $R/$d; fi; done"
    script = f'R=/run/root; mkdir -p $R && mount -t tmpfs tmpfs $R && cd / && {everything}; {binds} exec chroot $R "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


STEPS: tuple[tuple[str, Callable[[World], None]], ...] = (
    ("certificates and kubeconfigs", _certificates),
    ("etcd, and the API servers of the hub and the Space", World.start_api_servers),
    ("the Space: its kinds, gateway, controller and token exchange", _space),
    ("the registry, with our packages in it", _registry),
    ("Crossplane and its RBAC manager", _crossplane),
    ("provider-kubernetes and the function, installed by the package manager", _install),
    ("provider-upbound's, Argo CD's and Flux's kinds", _consumers),
    ("the definitions, and the Compositions with their Input", _configurations),
    ("garbage collectors and namespace controllers", _controllers),
)


def up(world: World) -> None:
    """Bring everything up that is not up. Must run where the sandbox is entered: see `__main__`."""
    started = time.monotonic()
    for what, step in STEPS:
        before = time.monotonic()
        step(world)
        print(f"{time.monotonic() - started:6.1f} s  (+{time.monotonic() - before:4.1f})  {what}", file=sys.stderr, flush=True)
