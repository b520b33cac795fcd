"""Holds our renderer against the real Crossplane: every case and every example, in three ways.

`upenv render`, `crossplane composition render` (CLI 2.5, core 2.3) and, for claims, `crank render` of 1.20 must agree
on every composed manifest by its key, on the function's status fields and on its condition types; the first two on
Ready and Synced as well. Everything that is emitted must then pass `crossplane resource validate`.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from crossplane.function import logging

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import docs
from tests.stories import ROOT, Story, dump, stories  # Needs the path above.

KEY = "crossplane.io/composition-resource-name"
DERIVED = ("Ready", "Synced")
NOT_OURS = ("Responsive",)
_SERVE = """
from function import fn, main, server
from tests.stories import NOW

server.FunctionRunner = lambda: fn.FunctionRunner(lambda: NOW)
main.cli()
"""
"""Our server with the clock of the stories."""
Documents = list[dict[str, Any]]


def main() -> int:
    """Compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=ROOT / ".cache" / "bin", help="where crossplane, crossplane-core and crank are")
    binaries = parser.parse_args().bin
    logging.configure(logging.Level.DISABLED)
    with function() as address, tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda s: compare(s, binaries, address, Path(scratch)), stories()))
        differences = [d for found, _ in results for d in found]
        differences += documented(binaries, address, Path(scratch))
        differences += validate(binaries, Path(scratch), [d for _, documents in results for d in documents])
    for difference in differences:
        print(difference)
    compared = sum(2 + is_claim(s) for s in stories())
    print(f"{len(stories())} stories, {compared} renderings: {len(differences)} differences")
    return bool(differences)


def compare(story: Story, binaries: Path, address: str, scratch: Path) -> tuple[list[str], Documents]:
    """How the other renderers differ from ours for one story, and what is emitted."""
    name = f"{story.path.parent.name}/{story.path.name}"
    ours = story.rendered()
    work = scratch / name.replace("/", "-")
    work.mkdir()
    (work / "xr.yaml").write_text(dump([story.xr]))
    (work / "functions.yaml").write_text(dump([function_manifest(address)]))
    observed = ["-o", str(story.observed)] if story.observed else []
    required = ["-e", str(story.required)] if story.required else []
    files = [str(work / "xr.yaml"), story.composition, str(work / "functions.yaml"), *observed, *required]
    xrd = ROOT / "package" / ("claims" if is_claim(story) else "namespaced") / "definition.yaml"
    found = []
    new = run(
        [
            str(binaries / "crossplane"),
            "composition",
            "render",
            *files,
            "--crossplane-binary",
            str(binaries / "crossplane-core"),
            "--xrd",
            str(xrd),
        ]
    )
    found += [f"{name}: crossplane 2: {d}" for d in difference(ours, new, derived=True)]
    if is_claim(story):
        old = run([str(binaries / "crank"), "render", *files])
        found += [f"{name}: crossplane 1.20: {d}" for d in difference(ours, old, derived=False)]
    return found, [story.xr, *({k: v for k, v in d.items() if k != "status"} for d in ours[1:])]


def difference(ours: Documents, theirs: Documents | str, *, derived: bool) -> Iterator[str]:
    """What two renderings of one story do not agree on."""
    if isinstance(theirs, str):
        yield theirs
        return
    mine, other = composed(ours), composed(theirs)
    for key in sorted(mine.keys() | other.keys()):
        if mine.get(key) != other.get(key):
            yield f"{key}: upenv has {mine.get(key)}, crossplane has {other.get(key)}"
    a, b = status(ours[0], derived=derived), status(theirs[0], derived=derived)
    for field in sorted(a.keys() | b.keys()):
        if a.get(field) != b.get(field):
            yield f"status {field}: upenv has {a.get(field)}, crossplane has {b.get(field)}"


def composed(documents: Documents) -> dict[str, Any]:
    """Composed manifests by key, without what Crossplane adds."""
    out = {}
    for d in documents[1:]:
        if d["kind"] == "Result":
            continue
        metadata = {k: v for k, v in d["metadata"].items() if k not in ("ownerReferences", "generateName", "labels", "annotations")}
        for field in ("labels", "annotations"):
            metadata[field] = {k: v for k, v in d["metadata"].get(field, {}).items() if "crossplane.io/" not in k}
        # 1.20 prints no name, and names every child by itself.
        out[d["metadata"]["annotations"][KEY]] = {**d, "metadata": {k: v for k, v in metadata.items() if v}}
    return out


def status(xr: dict[str, Any], *, derived: bool) -> dict[str, Any]:
    """Status fields, and conditions by type, without times."""
    fields = {k: v for k, v in xr.get("status", {}).items() if k != "claimConditionTypes"}
    skipped = NOT_OURS if derived else (*NOT_OURS, *DERIVED)
    conditions = {
        c["type"]: {k: c.get(k, "") for k in ("status", "reason", "message")}
        for c in fields.pop("conditions", [])
        if c["type"] not in skipped
    }
    return {**fields, **{f"condition {k}": v for k, v in conditions.items()}}


def run(command: list[str]) -> Documents | str:
    """What a renderer prints, or why it did not."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        return f"exit {done.returncode}: {done.stderr.strip()}"
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def validate(binaries: Path, scratch: Path, documents: Documents) -> list[str]:
    """What `crossplane resource validate` has against anything that is emitted, or against an XR."""
    (scratch / "schemas").mkdir()
    for source in [
        *(ROOT / "tests" / "schemas").rglob("*.yaml"),
        ROOT / "package/claims/definition.yaml",
        ROOT / "package/namespaced/definition.yaml",
    ]:
        (scratch / "schemas" / f"{source.parent.name}-{source.name}").write_text(source.read_text())
    wrapped = [d["spec"]["forProvider"]["manifest"] for d in documents if d["kind"] == "Object"]
    core = ("Secret", "Namespace", "ConfigMap")
    (scratch / "all.yaml").write_text(dump([d for d in (*documents, *wrapped) if d["kind"] not in core]))
    done = subprocess.run(
        [
            str(binaries / "crossplane"),
            "resource",
            "validate",
            str(scratch / "schemas"),
            str(scratch / "all.yaml"),
            "--error-on-missing-schemas",
            "--crossplane-image=",
            "--cache-dir",
            str(scratch / "cache"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("[✓]")]
    return [] if done.returncode == 0 else lines


def documented(binaries: Path, address: str, scratch: Path) -> list[str]:
    """What fails of the documented commands that need programs of others: the real crossplane, and the real kubectl without a cluster."""
    work = scratch / "docs"
    shutil.copytree(ROOT, work, ignore=shutil.ignore_patterns(".venv", ".cache", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache"))
    (work / "token").write_text("not a token")
    found = []
    for command in docs.commands("sh"):
        text = re.sub(r"^(kubectl .*create .*)$", r"\1 --dry-run=client", command.text)
        if text.startswith("crossplane composition render"):
            target = f"-a render.crossplane.io/runtime-development-target={address}"
            text = f"{text} --crossplane-binary {binaries}/crossplane-core {target}"
        done = dataclasses.replace(command, text=text).run(work, str(binaries))
        if done.returncode:
            found.append(f"{command.file.relative_to(ROOT)}: {command.text}: {done.stderr.strip()}")
    return found


def is_claim(story: Story) -> bool:
    """Whether a story is of the claims API."""
    return bool(story.xr["kind"] == "XUpboundEnvironment")


def function_manifest(address: str) -> dict[str, Any]:
    """The Function, served by a process that runs already."""
    runtime = {"render.crossplane.io/runtime": "Development", "render.crossplane.io/runtime-development-target": address}
    return {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": "Function",
        "metadata": {"name": "upbound-function-upbound-environment", "annotations": runtime},
        "spec": {"package": "xpkg.upbound.io/upbound/function-upbound-environment:v0.1.0"},
    }


@contextlib.contextmanager
def function() -> Iterator[str]:
    """Our server, on a free port of this machine."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    command = [sys.executable, "-c", _SERVE, "--insecure", "--address", address, "--metrics-port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host, port = address.split(":")
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
