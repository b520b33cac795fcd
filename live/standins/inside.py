"""The APIs inside control planes: each a real API server, started when somebody first looks into its control plane.

They take packages, namespaces and whatever else is applied. A small package manager says of each Configuration
that it is installed and healthy; one whose package has `bad` in its version is not.
"""

import contextlib
import itertools
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from live.apiserver import ADMIN, Server
from live.client import Api, ApiError
from live.pki import Pair
from live.standins.config import Config
from live.times import now

FIRST_PORT = 20000
"""Above all that a world listens on, below what the kernel gives to clients."""
_PACKAGES = "configurations.v1.pkg.crossplane.io"


class ControlPlaneApis:
    """The API servers of control planes, by group and name."""

    def __init__(self, config: Config, space: Api, serving: Pair, signing: Pair) -> None:
        """Start none yet."""
        self._config, self._space, self._serving, self._signing = config, space, serving, signing
        self._running: dict[tuple[str, str], tuple[int, subprocess.Popen[bytes]]] = {}
        self._ready: set[int] = set()
        self._ports = itertools.count(FIRST_PORT)
        self._lock = threading.Lock()

    def port_of(self, group: str, name: str) -> int | None:
        """Where the API of a control plane is; 0 while it is not ready, None if there is no such control plane."""
        with self._lock:
            known = self._running.get((group, name))
        if known:
            return known[0] if known[0] in self._ready else 0
        found = self._space.get("controlplanes.v1beta1.spaces.upbound.io", name, group)
        if found is None:
            return None
        if condition(found, "Ready") == "True":
            with self._lock:
                if (group, name) not in self._running:
                    self._start(group, name)
        return 0

    def forget(self, group: str, name: str) -> None:
        """Stop the API of a control plane that is gone."""
        with self._lock:
            known = self._running.pop((group, name), None)
        if known:
            self._ready.discard(known[0])
            known[1].terminate()

    def _start(self, group: str, name: str) -> None:
        port, directory = next(self._ports), Path(self._config.directory)
        server = Server(
            Path(self._config.binaries) / "kube-apiserver",
            f"inside-{group}-{name}-{port}",
            port,
            self._serving,
            self._signing,
            directory / "data" / f"inside-{group}-{name}",
        )
        with (directory / "log" / f"inside-{group}-{name}.log").open("ab") as log:
            process = subprocess.Popen(server.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # Our own command.
        self._running[group, name] = (port, process)
        threading.Thread(target=self._set_up, args=(port, process), daemon=True).start()

    def _set_up(self, port: int, process: subprocess.Popen[bytes]) -> None:
        """Give a new API the kinds that a control plane has, then play its package manager."""
        api = Api(port, Path(self._config.directory) / "pki" / "space-ca.crt", ADMIN)
        kubeconfig = Path(self._config.directory) / "pki" / f"inside-{port}.yaml"
        kubeconfig.write_text(api.kubeconfig())
        kubectl = [str(Path(self._config.binaries) / "kubectl"), f"--kubeconfig={kubeconfig}", "apply", "--server-side", "-f"]
        while not (api.ready() and subprocess.run([*kubectl, self._config.crds], check=False, capture_output=True).returncode == 0):
            if process.poll() is not None:
                return
            time.sleep(0.2)
        self._ready.add(port)
        while process.poll() is None:
            with contextlib.suppress(OSError, ApiError, ValueError):
                for package in api.watch(_PACKAGES):
                    _install(api, package)
            time.sleep(0.2)


def _install(api: Api, package: dict[str, Any]) -> None:
    """What a package manager says of a package, once it has dealt with what the spec says now."""
    source = package["spec"]["package"]
    healthy = "bad" not in source.rpartition(":")[2]
    if package.get("status", {}).get("currentIdentifier") == source:
        return
    conditions = [
        {"type": "Installed", "status": "True", "reason": "ActivePackageRevision"},
        {"type": "Healthy", "status": "True", "reason": "HealthyPackageRevision"}
        if healthy
        else {"type": "Healthy", "status": "False", "reason": "UnhealthyPackageRevision", "message": "cannot resolve dependencies"},
    ]
    status = {
        "currentIdentifier": source,
        "currentRevision": f"{package['metadata']['name']}-{abs(hash(source)) % 10**8:08d}",
        "conditions": [{**c, "lastTransitionTime": now(), "observedGeneration": package["metadata"]["generation"]} for c in conditions],
    }
    api.patch(_PACKAGES, package["metadata"]["name"], {"status": status}, sub="status")


def condition(document: dict[str, Any], type_: str) -> str:
    """The status of a condition, or an empty string."""
    conditions = document.get("status", {}).get("conditions", [])
    return next((str(c["status"]) for c in conditions if c["type"] == type_), "")
