"""Strips published CRDs to their structure, for tests: `python tools/schemas.py FROM TO`.

FROM is a directory of CRDs as a project publishes them; TO gets one file a CRD, with types, bounds, enums and rules,
and without descriptions. Run it again on a newer release.
"""

import sys
from pathlib import Path
from typing import Any

import yaml


def stripped(node: Any, *, named: bool = False) -> Any:  # noqa: ANN401  # Any YAML.
    """`node` without descriptions. Inside `properties`, every key is the name of a field, description too."""
    if isinstance(node, dict):
        return {
            k: stripped(v, named=k == "properties")
            for k, v in node.items()
            if named or not (k in ("description", "externalDocs") and not isinstance(v, dict))
        }
    return [stripped(n) for n in node] if isinstance(node, list) else node


def main() -> int:
    """Write the stripped CRDs."""
    source, target = map(Path, sys.argv[1:3])
    for file in sorted(source.rglob("*.yaml")):
        crd = yaml.safe_load(file.read_text())
        if not isinstance(crd, dict) or crd.get("kind") != "CustomResourceDefinition":
            continue
        spec = crd["spec"]
        versions = [
            {k: stripped(v[k]) for k in ("name", "served", "storage", "schema", "subresources") if k in v}
            for v in spec["versions"]
            if v["served"]
        ]
        out = {
            "apiVersion": crd["apiVersion"],
            "kind": crd["kind"],
            "metadata": {"name": crd["metadata"]["name"]},
            "spec": {"group": spec["group"], "names": spec["names"], "scope": spec["scope"], "versions": versions},
        }
        path = target / file.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"# {spec['names']['kind']}, stripped by tools/schemas.py from the published CRD.\n"
            + yaml.safe_dump(out, sort_keys=False, width=160)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
