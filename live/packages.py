"""Our packages and provider-kubernetes in a registry on loopback, from which the real package manager installs them."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from function.__version__ import __version__
from live.crossplane import BINARIES, ROOT

OURS = {
    "function": "function-upbound-environment",
    "claims": "configuration-upbound-environment",
    "namespaced": "configuration-upbound-environment-namespaced",
}
"""The packages that `make xpkg` builds, by their directories in package/."""
REPOSITORIES = {
    "provider-kubernetes": "crossplane-contrib/provider-kubernetes:v1.2.1",
    "provider-upbound": "upbound/provider-upbound:v1.1.1",
    "nothing": "upbound/function-nothing:v0.1.0",
    **{name: f"upbound/{repository}:v{__version__}" for name, repository in OURS.items()},
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

    def push_ours(self) -> str:
        """Push what `make xpkg` built, as `make push` does; or what package/ has, where that is newer. Says which it was."""
        built = [ROOT / "dist" / f"{name}.xpkg" for name in OURS]
        newest = max(map(_changed, (ROOT / "package").rglob("*")))
        if all(file.exists() and _changed(file) > newest for file in built):
            _run([str(ROOT / "tools" / "push.sh"), __version__, f"127.0.0.1:{self.registry}/upbound"])
            return "as make xpkg built them"
        for name in OURS:
            self.push(name, ROOT / "package" / name)
        return "built here, without an image: dist has none, or older ones"

    def push(self, name: str, source: Path, tag: str = "") -> None:
        """Build a package, without an image, and push it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file, repository = self.directory / f"{name}.xpkg", REPOSITORIES[name]
        reference = f"127.0.0.1:{self.registry}/{repository.partition(':')[0] + ':' + tag if tag else repository}"
        examples = self.directory / "examples"
        examples.mkdir(exist_ok=True)
        build = ["build", f"--package-root={source}", f"--examples-root={examples}", f"--package-file={file}"]
        for command in (build, ["push", f"--package-files={file}", reference]):
            _run([str(BINARIES / "crossplane"), "xpkg", *command])

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


def _changed(file: Path) -> float:
    return file.stat().st_mtime


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # Our own.
    if done.returncode:
        raise PackageError(f"{' '.join(command)}: {done.stderr.strip()}")
