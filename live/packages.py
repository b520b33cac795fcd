"""Our packages and provider-kubernetes in a registry on loopback, from which the real package manager installs them."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from live.crossplane import BINARIES, ROOT

REPOSITORIES = {
    "provider-kubernetes": "crossplane-contrib/provider-kubernetes:v1.2.1",
    "provider-upbound": "upbound/provider-upbound:v1.1.1",
    "function": "upbound/function-upbound-environment:v0.1.0",
    "nothing": "upbound/function-nothing:v0.1.0",
    "claims": "upbound/configuration-upbound-environment:v0.1.0",
    "namespaced": "upbound/configuration-upbound-environment-namespaced:v0.1.0",
}
INSTALL = ROOT / "package" / "install"
"""What people apply, as docs/install.md has it."""
HOSTS = ("xpkg.crossplane.io", "xpkg.upbound.io")


class PackageError(Exception):
    """A package could not be built or pushed; the message is what the command said."""


@dataclass(frozen=True, slots=True)
class Packages:
    """A registry, and a directory for packages on their way there."""

    directory: Path
    registry: int

    def push(self, name: str, source: Path, tag: str = "") -> None:
        """Build a package and push it. The function's has no image in it: nothing here pulls one."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file, repository = self.directory / f"{name}.xpkg", REPOSITORIES[name]
        reference = f"127.0.0.1:{self.registry}/{repository.partition(':')[0] + ':' + tag if tag else repository}"
        examples = self.directory / "examples"
        examples.mkdir(exist_ok=True)
        build = ["build", f"--package-root={source}", f"--examples-root={examples}", f"--package-file={file}"]
        for command in (build, ["push", f"--package-files={file}", reference]):
            done = subprocess.run([str(BINARIES / "crossplane"), "xpkg", *command], capture_output=True, text=True, check=False)  # Our own.
            if done.returncode:
                raise PackageError(f"crossplane xpkg {command[0]} {name}: {done.stderr.strip()}")

    def push_stand_in(self, name: str, kind: str, kinds: Iterable[Path] = ()) -> None:
        """A package with nothing but the CRDs of its kinds: what plays it needs no more."""
        source = self.directory / name
        (source / "crds").mkdir(parents=True, exist_ok=True)
        meta = {"apiVersion": "meta.pkg.crossplane.io/v1", "kind": kind, "metadata": {"name": name}, "spec": {}}
        (source / "crossplane.yaml").write_text(yaml.safe_dump(meta))
        for crd in kinds:
            (source / "crds" / crd.name).write_text(crd.read_text())
        self.push(name, source)

    def image_configs(self) -> str:
        """What makes the package manager take packages from the registry, by their real names."""
        return yaml.safe_dump_all(
            {
                "apiVersion": "pkg.crossplane.io/v1beta1",
                "kind": "ImageConfig",
                "metadata": {"name": host},
                "spec": {
                    "matchImages": [{"type": "Prefix", "prefix": host}],
                    "rewriteImage": {"prefix": f"127.0.0.1:{self.registry}"},
                },
            }
            for host in HOSTS
        )
