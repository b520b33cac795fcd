"""`upenv rollout` and `upenv import`, as people use them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from function import adoption, cli, model
from tests import packages, strategies, world
from tests.stories import CASES, EXAMPLES
from tests.test_cli import UP_CTX, upenv, write
from tests.test_rollout import STAGES


def saved(**spec: Any) -> dict[str, Any]:
    """An environment of which a release turned out bad, as kubectl prints it."""
    w = packages.World(packages.environment(STAGES, "v1.0.0", **spec))
    w.rest()
    w.bad = {packages.source("v1.1.0")}
    w.release("v1.1.0")
    w.rest()
    return w.xr


def test_a_rollout_is_a_table_of_its_stages(tmp_path: Path) -> None:
    shown = upenv("rollout", write(tmp_path / "xr.yaml", saved()))

    assert shown.exit_code == 1
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    assert lines[1] == "stage phase wanted target running healthy soaking until waits for, or what is wrong"
    assert "staging Waiting v1.1.0 v1.0.0 v1.0.0 1/1 waits for stage dev" in lines
    assert lines[-1] == "dev: Halted"


def test_control_planes_are_shown_where_asked_for_or_where_there_are_no_stages(tmp_path: Path) -> None:
    staged = upenv("rollout", write(tmp_path / "a.yaml", saved()), "--control-planes").output
    alone = upenv("rollout", write(tmp_path / "b.yaml", saved(rollout={})))

    assert " ".join(staged.splitlines()[-3].split()) == "prod p2 platform v1.1.0 v1.0.0 v1.0.0 yes"
    assert (alone.exit_code, "stage dev" in alone.output, "p2" in alone.output) == (1, False, True)


def test_what_looks_like_a_style_is_shown_as_it_is(tmp_path: Path) -> None:
    xr = saved()
    xr["status"]["stages"][0]["message"] = "said [redacted] [bold]"
    xr["status"]["controlPlanes"][0]["configurations"] = "none"

    assert "said [redacted] [bold]" in upenv("rollout", write(tmp_path / "xr.yaml", xr), "--control-planes").output


@pytest.mark.parametrize("documents", [[], [{"status": {}}], [{"status": {"rollout": "a"}}, {"status": {"rollout": "b"}}], ["text"]])
def test_what_has_no_rollout_is_refused(documents: list[Any], tmp_path: Path) -> None:
    refused = upenv("rollout", write(tmp_path / "xr.yaml", *documents))

    assert (refused.exit_code, "has no environment with a rollout in its status" in refused.stderr) == (2, True)


def test_a_render_can_be_at_any_time_and_a_rollout_reads_what_it_prints() -> None:
    case = CASES / "rollout-soaks"
    files = (str(case / "xr.yaml"), "package/install/composition-namespaced.yaml", "-o", str(case / "observed.yaml"))

    for now, phase in (("2026-01-01T12:29:59Z", "dev: Soaking"), ("2026-01-01T12:30:00Z", "staging: Progressing")):
        rendered = upenv("render", *files, "--now", now)
        assert upenv("rollout", "-", stdin=rendered.output).output.splitlines()[-1] == phase


def test_a_function_elsewhere_has_a_clock_of_its_own() -> None:
    refused = upenv("render", str(CASES / "settled" / "xr.yaml"), "--now", "2026-01-01T12:00:00Z", "--function-address", "x:1")

    assert (refused.exit_code, "has a clock of its own" in refused.stderr) == (2, True)


def test_import_says_what_it_does_not_take_over() -> None:
    made = upenv("import", str(EXAMPLES / "import" / "kubeconfig.yaml"), str(EXAMPLES / "import" / "objects.yaml"))

    assert made.stderr.splitlines() == [
        "group upbound-system is left out: it belongs to the Space itself",
        "control plane lab is only looked at: that it has no channel and no version cannot be said",
    ]
    assert yaml.safe_load(made.stdout)["apiVersion"] == "environments.upbound.io/v1alpha1"


def kubectl(directory: Path, script: str) -> dict[str, str]:
    """An environment in which kubectl is a script."""
    (directory / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "kubectl").chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def test_import_reads_the_space_by_itself(tmp_path: Path) -> None:
    kubeconfig, objects = (str(EXAMPLES / "import" / name) for name in ("kubeconfig.yaml", "objects.yaml"))
    (tmp_path / "objects.json").write_text(json.dumps(yaml.safe_load(Path(objects).read_text())))
    env = kubectl(
        tmp_path,
        f'[ "$*" = "--kubeconfig {kubeconfig} get namespaces,controlplanes.spaces.upbound.io -A -o json" ] && cat {tmp_path}/objects.json',
    )

    made = CliRunner().invoke(cli.main, ["import", kubeconfig], env=env)

    assert made.exit_code == 0, made.output
    assert made.stdout == upenv("import", kubeconfig, objects).stdout


@pytest.mark.parametrize(
    ("script", "kubeconfig", "says"),
    [
        ("echo 'error: You must be logged in' >&2; exit 1", "k.yaml", "kubectl cannot read the Space: error: You must be logged in"),
        ("", "-", "kubectl takes a kubeconfig from a file"),
        (None, "k.yaml", "there is no kubectl here"),
    ],
)
def test_import_says_why_it_cannot_read_the_space(script: str | None, kubeconfig: str, says: str, tmp_path: Path) -> None:
    write(tmp_path / "k.yaml", UP_CTX)
    env = {"PATH": str(tmp_path)} if script is None else kubectl(tmp_path, script)
    file = kubeconfig if kubeconfig == "-" else str(tmp_path / kubeconfig)

    refused = CliRunner().invoke(cli.main, ["import", file], env=env, input="")

    assert (refused.exit_code, says in refused.stderr) == (2, True), refused.output


@pytest.mark.parametrize("objects", [[], [{"kind": "ConfigMap"}], ["text"], [{"items": [None]}]])
def test_import_refuses_what_has_nothing_to_adopt(objects: list[Any], tmp_path: Path) -> None:
    refused = upenv("import", write(tmp_path / "k.yaml", UP_CTX), write(tmp_path / "o.yaml", *objects))

    assert (refused.exit_code, "there is no group and no control plane to adopt" in refused.stderr) == (2, True)


KUBECONFIG = yaml.safe_load((EXAMPLES / "import" / "kubeconfig.yaml").read_text())
NAMES = st.sampled_from(("a", "b", "a-b"))
CROSSPLANES = st.fixed_dictionaries(
    {"autoUpgrade": st.fixed_dictionaries({"channel": st.sampled_from(("None", "Patch", "Stable", "Rapid"))})},
    optional={"version": st.just("2.0.2-up.5"), "state": st.sampled_from(("Running", "Paused"))},
)
PLANES = st.dictionaries(
    st.tuples(NAMES | st.just("default"), NAMES),
    st.fixed_dictionaries(
        {"crossplane": CROSSPLANES}, optional={"class": st.just("small"), "restore": st.just({"source": {"kind": "Backup"}})}
    ),
    min_size=1,
    max_size=4,
)


@given(PLANES, st.booleans())
def test_adopting_what_was_imported_changes_nothing_but_the_label(planes: dict[tuple[str, str], Any], with_groups: bool) -> None:
    label = {"spaces.upbound.io/group": "true"}
    groups = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": g, "labels": label}} for g in sorted({g for g, _ in planes})]
    objects = [
        {
            "apiVersion": "spaces.upbound.io/v1beta1",
            "kind": "ControlPlane",
            "metadata": {"name": n, "namespace": g, "labels": {"l": "x"}},
            "spec": spec,
        }
        for (g, n), spec in planes.items()
    ]
    made, _ = adoption.environment_from(
        KUBECONFIG, [{"items": [*(groups if with_groups else []), *objects]}], "acme", "platform", api=model.GROUP_NAMESPACED
    )
    w = world.World(made, strategies.INPUT)
    host = "upbound-gcp-us-west-1.spaces.upbound.io"
    for o in (*groups, *objects):
        w.remote[host, "", o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]] = copy.deepcopy({"status": {}, **o})
    before = copy.deepcopy(w.remote)

    for _ in range(8):
        w.step()

    for place, o in ((p, o) for p, o in w.remote.items() if p[0] == host):
        o["metadata"]["labels"].pop("environments.upbound.io/environment", None)
        said = o.get("spec", {})
        had = before[place].get("spec", {})
        defaulted = {**had, **({"crossplane": {"state": "Running", **had["crossplane"]}} if had else {})}
        assert (o["metadata"], said) == (before[place]["metadata"], defaulted if "state" in said.get("crossplane", {}) else had)
    assert set(w.remote) == set(before)
