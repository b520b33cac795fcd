"""Looks into the packages that `make xpkg` built: `python tools/inspect_xpkg.py dist`.

Prints what each holds, and exits with 1 where one does not hold what Crossplane and users need. A package is a docker
archive: an image, and in its layers package.yaml (what Crossplane applies) and .up/examples.yaml.
"""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from function.__version__ import __version__  # Needs the path above.

FUNCTION = "xpkg.upbound.io/upbound/function-upbound-environment"
PROVIDER = "xpkg.crossplane.io/crossplane-contrib/provider-kubernetes"
SHELLS = {"bin/sh", "bin/bash", "bin/dash", "usr/bin/sh", "usr/bin/bash", "usr/bin/dash"}


@dataclass(frozen=True)
class Package:
    """One .xpkg file: its image's configuration, what its layers hold, and the two YAML streams."""

    config: dict[str, Any]
    paths: frozenset[str]
    objects: list[dict[str, Any]]
    examples: list[dict[str, Any]]

    @property
    def meta(self) -> dict[str, Any]:
        """The package's own manifest."""
        return next(o for o in self.objects if o["apiVersion"].startswith("meta.pkg.crossplane.io/"))

    @property
    def kinds(self) -> list[str]:
        """What comes beside it."""
        return sorted(f"{o['kind']} {o['metadata']['name']}" for o in self.objects if o is not self.meta)


def read(file: Path) -> Package:
    """What is in a package."""
    paths: set[str] = set()
    streams: dict[str, list[dict[str, Any]]] = {}
    with tarfile.open(file) as archive:

        def content(name: str) -> bytes:
            found = archive.extractfile(name)
            return found.read() if found else b""

        (image,) = json.loads(content("manifest.json"))
        config = json.loads(content(image["Config"]))
        for layer in image["Layers"]:
            raw = content(layer)
            plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
            with tarfile.open(fileobj=io.BytesIO(plain)) as files:
                for member in files:
                    path = member.name.removeprefix("./")
                    paths.add(path)
                    if path in ("package.yaml", ".up/examples.yaml") and (body := files.extractfile(member)):
                        streams[path] = [d for d in yaml.safe_load_all(body) if d]
    return Package(config, frozenset(paths), streams.get("package.yaml", []), streams.get(".up/examples.yaml", []))


def function(p: Package) -> Iterator[tuple[bool, str]]:
    """What must be so of the function's package."""
    run = p.config["config"]
    yield p.meta["kind"] == "Function", "it is a Function"
    yield p.meta["spec"].get("capabilities") == ["composition"], "its capabilities are listed: composition"
    yield p.kinds == ["CustomResourceDefinition inputs.upbound-environment.fn.crossplane.io"], "the Input's CRD is inside, alone"
    yield run.get("Entrypoint") == ["/venv/bin/function"] and "venv/bin/function" in p.paths, "the function is inside, and is what runs"
    yield {"venv/bin/upenv", "venv/lib/python3.13/site-packages/function/install/composition-claims.yaml"} <= p.paths, "so is upenv"
    yield run.get("User") == "65532:65532", "it does not run as root"
    yield not SHELLS & p.paths, "it has no shell"
    yield bool(p.config.get("architecture")) and p.config.get("os") == "linux", "it says which platform it is for"
    yield {d["kind"] for d in p.examples} == {"Composition"}, "its examples are Compositions with an Input"


def configuration(api: str, definition: str) -> Callable[[Package], Iterator[tuple[bool, str]]]:
    """What must be so of a configuration's package."""

    def checks(p: Package) -> Iterator[tuple[bool, str]]:
        needs = {next(d[k] for k in ("function", "provider") if k in d): d["version"] for d in p.meta["spec"]["dependsOn"]}
        yield p.meta["kind"] == "Configuration", "it is a Configuration"
        yield p.kinds == [f"CompositeResourceDefinition {definition}"], "the definition is inside, alone: no Composition"
        yield needs.keys() == {FUNCTION, PROVIDER}, "it depends on the function and on provider-kubernetes only"
        yield needs.get(FUNCTION) == f">=v{__version__}-0", "it needs a function of its own version or newer"
        yield (
            {(d["apiVersion"], d["kind"]) for d in p.examples} == {(api, "UpboundEnvironment")},
            "its examples are environments of its API",
        )

    return checks


PACKAGES = {
    "function": function,
    "claims": configuration("environments.upbound.io/v1alpha1", "xupboundenvironments.environments.upbound.io"),
    "namespaced": configuration("environments.m.upbound.io/v1alpha1", "upboundenvironments.environments.m.upbound.io"),
}


def main() -> int:
    """Look into all packages of a directory."""
    wrong = False
    for name, checks in PACKAGES.items():
        package = read(Path(sys.argv[1]) / f"{name}.xpkg")
        print(f"{name}.xpkg: {package.meta['metadata']['name']}, {', '.join(package.kinds)}, {len(package.examples)} examples")
        for holds, what in checks(package):
            wrong |= not holds
            print(f"  {'yes' if holds else 'NO '} {what}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
