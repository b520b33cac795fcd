"""The Crossplanes that a world can have, and what their Helm chart would have installed."""

import functools
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BINARIES = ROOT / ".cache" / "bin"
NAMESPACE = "crossplane-system"
_ROLES = (
    "clusterrole",
    "clusterrolebinding",
    "rbac-manager-allowed-provider-permissions",
    "rbac-manager-clusterrole",
    "rbac-manager-clusterrolebinding",
    "rbac-manager-managed-clusterroles",
)


@dataclass(frozen=True, slots=True)
class Crossplane:
    """A release of Crossplane, and what else differs in its world.

    `apis` are the configuration packages of ours that it takes; `init` and `start` are its flags; `sanitize` is whether
    provider-kubernetes keeps what is in Secrets out of the status of Objects.
    """

    version: str
    binary: str
    module: str
    pins: str
    apis: tuple[str, ...]
    init: tuple[str, ...]
    start: tuple[str, ...]
    healthy: str
    sanitize: bool

    @property
    def source(self) -> Path:
        """Where its source is, with its CRDs and its chart."""
        return module(self.pins, self.module) / "cluster"

    def roles(self) -> str:
        """The roles that its chart has, with the chart's default values."""
        return "\n---\n".join(_plain((self.source / "charts/crossplane/templates" / f"{name}.yaml").read_text()) for name in _ROLES)


NEWEST = "2.3"
RELEASES = {
    "2.3": Crossplane(
        version="2.3",
        binary="crossplane-core",
        module="github.com/crossplane/crossplane/v2",
        pins="core",
        apis=("claims", "namespaced"),
        init=("--activation=*",),
        start=(),
        healthy="RevisionHealthy",
        sanitize=False,
    ),
    "1.20": Crossplane(
        version="1.20",
        binary="crossplane-core-1.20",
        module="github.com/crossplane/crossplane",
        pins="crank",
        apis=("claims",),
        init=(),
        start=("--enable-usages", "--enable-ssa-claims"),
        healthy="Healthy",
        sanitize=True,
    ),
}


@functools.cache
def module(pins: str, path: str) -> Path:
    """The source of a Go module that tools/go/<pins> pins."""
    command = ["go", "list", "-m", "-json", path]
    found = subprocess.run(command, cwd=ROOT / "tools" / "go" / pins, check=True, capture_output=True, text=True)  # Our own.
    return Path(json.loads(found.stdout)["Dir"])


def _plain(template: str) -> str:
    """A chart's template with its names filled in. Lines with anything else of Helm's say nothing with the default values."""
    text = re.sub(r'\{\{ template "crossplane\.name" \. \}\}', "crossplane", template).replace("{{ .Release.Namespace }}", NAMESPACE)
    return "\n".join(line for line in text.splitlines() if "{{" not in line)
