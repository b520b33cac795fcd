"""`make demo`: starts the function, renders an example environment through gRPC, and shows what it became."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

import yaml  # Needs the path above, as the next one does.

from tools.parity import function

ROOT = Path(__file__).parent.parent
EXAMPLE = "examples/team/environment.yaml"
KEY = "crossplane.io/composition-resource-name"


def main() -> int:
    """Print the environment, what it becomes, and what to try next."""
    console = Console() if sys.stdout.isatty() else Console(width=120)
    with function() as address:
        upenv = Path(sys.executable).parent / "upenv"
        done = subprocess.run(
            [str(upenv), "render", EXAMPLE, "--function-address", address], cwd=ROOT, capture_output=True, text=True, check=False
        )
    if done.returncode:
        console.print(done.stderr)
        return done.returncode
    _, *composed = yaml.safe_load_all(done.stdout)
    console.rule(f"[bold]{EXAMPLE}")
    console.print(Syntax((ROOT / EXAMPLE).read_text(), "yaml", background_color="default"))
    console.rule("[bold]becomes")
    table = Table("composed resource", "kind", "in the Space", "managementPolicies", box=None, pad_edge=False)
    for d in composed:
        manifest = d["spec"]["forProvider"]["manifest"] if d["kind"] == "Object" else {}
        remote = f"{manifest['kind']} {manifest['metadata']['name']}" if manifest else ""
        policies = ", ".join(d["spec"]["managementPolicies"]) if manifest else ""
        table.add_row(d["metadata"]["annotations"][KEY], d["kind"], remote, policies)
    console.print(table)
    control_plane = next(d for d in composed if d["metadata"]["annotations"][KEY].startswith("controlplane/"))
    console.rule("[bold]one of them, whole")
    console.print(Syntax(yaml.safe_dump(control_plane, sort_keys=False, width=100), "yaml", background_color="default", word_wrap=True))
    console.print(f"[bold]Try next:[/] edit {EXAMPLE}, then: .venv/bin/upenv validate {EXAMPLE} && .venv/bin/upenv render {EXAMPLE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
