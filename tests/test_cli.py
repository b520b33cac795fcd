"""The command line, as people and commit hooks use it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from function.cli import main
from tests import stories, test_serve

QUICKSTART = str(stories.EXAMPLES / "quickstart" / "environment.yaml")
UP_CTX = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "upbound",
    "clusters": [{"name": "upbound", "cluster": {"server": "https://west.spaces.upbound.io", "certificate-authority-data": "LS0t"}}],
    "contexts": [
        {
            "name": "upbound",
            "context": {
                "cluster": "upbound",
                "user": "upbound",
                "extensions": [
                    {
                        "name": "spaces.upbound.io/space",
                        "extension": {"spec": {"cloud": {"organization": "acme", "space": "upbound-gcp-us-west-1"}}},
                    }
                ],
            },
        }
    ],
    "users": [{"name": "upbound", "user": {"exec": {"command": "/usr/local/bin/up", "env": [{"name": "ORGANIZATION", "value": "acme"}]}}}],
}


def upenv(*arguments: str, stdin: str | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)


def write(path: Path, *documents: Any) -> str:
    """A YAML file."""
    path.write_text(stories.dump(list(documents)))
    return str(path)


def environment(**spec: Any) -> dict[str, Any]:
    """A namespaced environment."""
    base = {"organization": "acme", "spaces": [{"name": "west", "host": "west.spaces.upbound.io"}], "controlPlanes": [{"name": "dev"}]}
    return {
        "apiVersion": "environments.m.upbound.io/v1alpha1",
        "kind": "UpboundEnvironment",
        "metadata": {"name": "acme", "namespace": "platform"},
        "spec": {**base, **spec},
    }


# Help.


def test_every_command_teaches_by_example() -> None:
    for command in ("render", "validate", "kubeconfig", "init", "completion"):
        shown = upenv(command, "--help")
        assert shown.exit_code == 0
        assert "\\b" not in shown.output
        assert "upenv " + command in shown.output.partition("Options:")[0].split("Usage:")[1].partition("\n")[2], command
    assert [c in upenv("-h").output for c in ("render", "validate", "kubeconfig", "init", "completion")] == [True] * 5


def test_it_is_quick_to_ask_for_help_as_a_program() -> None:
    done = subprocess.run([str(Path(sys.executable).parent / "upenv"), "--version"], capture_output=True, text=True, timeout=30, check=True)

    assert "upenv, version 0.1.0" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    assert "_UPENV_COMPLETE" in upenv("completion", shell).output


# render.


def test_a_claim_is_rendered_as_an_xr_of_its_own_name_from_a_file_and_from_standard_input() -> None:
    from_file, from_stdin = upenv("render", QUICKSTART), upenv("render", "-", stdin="---\n---\n" + Path(QUICKSTART).read_text())

    assert from_file.output == from_stdin.output
    xr, *composed = yaml.safe_load_all(from_file.output)
    assert (xr["kind"], xr["metadata"]) == ("XUpboundEnvironment", {"name": "acme"})
    assert [d["kind"] for d in composed] == ["Object", "ProviderConfig"]


def test_the_whole_xr_is_printed_on_request() -> None:
    xr = next(yaml.safe_load_all(upenv("render", QUICKSTART, "-x").output))

    assert xr["spec"]["claimRef"] == {
        "apiVersion": "environments.upbound.io/v1alpha1",
        "kind": "UpboundEnvironment",
        "name": "acme",
        "namespace": "platform",
    }
    assert xr["metadata"]["labels"] == {"crossplane.io/claim-name": "acme", "crossplane.io/claim-namespace": "platform"}


def test_a_status_that_a_claim_has_is_what_the_function_sees(tmp_path: Path) -> None:
    left = {"resource": "controlplane/west/default/dev", "field": "/metadata/labels/a", "command": "x"}
    claim = {**yaml.safe_load(Path(QUICKSTART).read_text()), "status": {"leftBehind": [left]}}

    (again,) = next(yaml.safe_load_all(upenv("render", write(tmp_path / "c.yaml", claim)).output))["status"]["leftBehind"]

    assert again["field"] == "/metadata/labels/a"


def test_a_command_for_crossplane_works_here_too(tmp_path: Path) -> None:
    case = stories.CASES / "settled"
    composition = stories.Story(case).composition
    functions = write(tmp_path / "functions.yaml", {"kind": "Function"})

    rendered = upenv("render", str(case / "xr.yaml"), composition, functions, "-o", str(case / "observed.yaml"), "-e", functions, "-r")

    assert rendered.output == (case / "expected.yaml").read_text()


def test_it_can_ask_a_function_that_is_running(tmp_path: Path) -> None:
    with test_serve.serving("--insecure", "--metrics-port", "0", log=tmp_path / "log") as (address, _):
        assert upenv("render", QUICKSTART, "--function-address", address).output == upenv("render", QUICKSTART).output
    nobody = upenv("render", QUICKSTART, "--function-address", address)

    assert nobody.exit_code == 2
    assert f"no function answers at {address}: UNAVAILABLE; start one with function --insecure" in nobody.stderr


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        pytest.param(
            [environment(removalPolicy="Never")],
            "cannot use this environment: spec.removalPolicy: is not one of the values; write 'Confirm', 'Delete' or 'Orphan'",
            id="an invalid environment",
        ),
        pytest.param([{"kind": "ConfigMap"}], "has 0 environments; give a file with one", id="no environment"),
        pytest.param([environment(), environment()], "has 2 environments; give a file with one", id="two environments"),
        pytest.param(
            [{**environment(), "apiVersion": "environments.upbound.io/v9"}],
            "is no environment; write apiVersion environments.upbound.io/v1alpha1 or",
            id="another version",
        ),
        pytest.param([{**environment(), "metadata": {}}], "has no metadata.name; write one", id="no name"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_a_sentence(documents: list[Any], says: str, tmp_path: Path) -> None:
    refused = upenv("render", write(tmp_path / "e.yaml", *documents))

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert says in refused.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: [", ":1: is no YAML: ", id="no YAML"),
        pytest.param("a: 1\na: 2\n", ":2: has a twice in one object; keep one", id="a field that stands twice"),
        pytest.param(b"\xff\xfe\xff", "cannot read", id="no text"),
        pytest.param("a: \x01", "is no YAML: it has characters that YAML does not allow", id="control characters"),
        pytest.param(None, "cannot read", id="no file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(text: str | bytes | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    for command in ("render", "validate", "kubeconfig", "init"):
        refused = upenv(command, str(file))
        assert (refused.exit_code, says in refused.stderr) == (2, True), refused.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"kind": "Other"}, "has 0 Compositions; give a file with one", id="no Composition"),
        pytest.param(
            {"spec": {"compositeTypeRef": {"kind": "XOther", "apiVersion": "a/v1"}}},
            "is for XOther of a/v1, not for XUpboundEnvironment of environments.upbound.io/v1alpha1",
            id="of something else",
        ),
    ],
)
def test_a_composition_that_does_not_fit_is_refused(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    composition = {**yaml.safe_load(Path("package/install/composition-claims.yaml").read_text()), **change}

    refused = upenv("render", QUICKSTART, write(tmp_path / "c.yaml", composition))

    assert (refused.exit_code, says in refused.stderr) == (2, True)


def test_a_composition_with_other_functions_is_for_crossplane(tmp_path: Path) -> None:
    composition = yaml.safe_load(Path("package/install/composition-claims.yaml").read_text())
    composition["spec"]["pipeline"].append({"step": "ready", "functionRef": {"name": "function-auto-ready"}})

    refused = upenv("render", QUICKSTART, write(tmp_path / "c.yaml", composition))

    assert "has steps of upbound-function-upbound-environment, function-auto-ready; render it with crossplane" in refused.stderr


def test_an_observed_resource_says_which_one_it_is(tmp_path: Path) -> None:
    refused = upenv("render", QUICKSTART, "-o", write(tmp_path / "o.yaml", {"kind": "Object"}))

    assert (
        "o.yaml:2: has no annotation crossplane.io/composition-resource-name; write the key of the composed resource there"
        in refused.stderr
    )


# validate.


def test_good_environments_are_counted_and_other_objects_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", environment(), {"kind": "ConfigMap"})
    (tmp_path / "below").mkdir()
    other = environment(spaces=[{"name": "east", "host": "east.spaces.upbound.io"}])
    other["metadata"]["name"] = "other"
    write(tmp_path / "below" / "b.yml", other)

    done = upenv("validate", str(tmp_path))

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "2 environments, no problems\n")


def test_all_problems_of_all_files_are_printed_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: environments.m.upbound.io/v1alpha1\n"
        "kind: UpboundEnvironment\n"
        "metadata: {name: a, namespace: platform}\n"
        "spec:\n"
        "  spaces:\n"
        "  - name: west\n"
        "    host: https://x\n"
        "  controlPlane: []\n"
    )
    write(tmp_path / "b.yaml", {**environment(), "metadata": {}})

    done = upenv("validate", str(tmp_path))

    assert done.exit_code == 1
    lines = [line.removeprefix(str(tmp_path)) for line in done.stdout.splitlines()]
    assert [line.partition(": ")[0] + ": " + line.split(": ")[1] for line in lines] == [
        "/a.yaml:4: spec.organization",
        "/a.yaml:7: spec.spaces[0].host",
        "/a.yaml:8: spec.controlPlane",
        "/b.yaml:2: has no metadata.name; write one",
    ]
    assert done.stderr == "2 environments, 4 problems\n"


def test_two_environments_over_one_thing_are_told_apart_before_they_fight(tmp_path: Path) -> None:
    second = environment(groups=[{"name": "g"}], controlPlanes=[{"name": "dev"}, {"name": "seen", "managementPolicies": ["Observe"]}])
    second["metadata"]["name"] = "second"
    a = write(tmp_path / "a.yaml", environment(groups=[{"name": "g"}], controlPlanes=[{"name": "dev"}, {"name": "seen"}]))
    b = write(tmp_path / "b.yaml", second)

    done = upenv("validate", a, b)

    assert done.stdout.splitlines() == [
        f"{b}:9: control plane west.spaces.upbound.io/default/dev is in {a}:9 too; keep it in one",
        f"{b}:14: group west.spaces.upbound.io/g is in {a}:12 too; keep it in one",
    ]


def test_two_environments_with_one_name_in_one_argo_cd_are_told_apart(tmp_path: Path) -> None:
    first, second, third = (environment(argocd={"target": target}) for target in ("argocd", "argocd", "other"))
    for claim in (first, second, third):
        claim["apiVersion"] = "environments.upbound.io/v1alpha1"
    second["metadata"]["namespace"], third["metadata"]["namespace"] = "b", "c"
    second["spec"]["spaces"][0]["host"], third["spec"]["spaces"][0]["host"] = "east.spaces.upbound.io", "north.spaces.upbound.io"
    second["spec"]["controlPlanes"].insert(0, {"name": "apart", "argocd": {"enabled": False}})
    a, b, c = (write(tmp_path / f"{n}.yaml", d) for n, d in (("a", first), ("b", second), ("c", third)))
    composition = yaml.safe_load((stories.EXAMPLES / "argocd" / "composition.yaml").read_text())
    input_ = composition["spec"]["pipeline"][0]["input"]
    input_["targets"].append({"name": "other", "providerConfigName": "other", "namespaces": ["argocd"]})
    input_["rules"][0]["targets"].append("other")

    done = upenv("validate", "--composition", write(tmp_path / "rules", composition), a, b, c)

    assert done.stdout.splitlines() == [
        f"{b}:14: cluster of Argo CD argocd/argocd/controlplane-west-default-dev is in {a}:11 too; rename a Space, or keep it in one",
    ]


def test_two_environments_that_make_one_team_or_repository_are_told_apart(tmp_path: Path) -> None:
    composition = str(stories.EXAMPLES / "identity" / "composition.yaml")
    iam = {"teams": [{"name": "a"}, {"name": "b", "externalName": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}], "repositories": [{"name": "c"}]}
    first, second, third = (environment(iam=iam, controlPlanes=[]) for _ in range(3))
    second["metadata"]["name"], third["metadata"]["name"] = "second", "third"
    third["spec"]["managementPolicies"] = ["Observe"]
    a, b, c = (write(tmp_path / f"{n}.yaml", d) for n, d in (("a", first), ("b", second), ("c", third)))

    done = upenv("validate", "--composition", composition, a, b, c)

    assert [line.partition(": ")[2] for line in done.stdout.splitlines()] == [
        f"team acme/a is in {a}:13 too; keep it in one",
        f"repository acme/c is in {a}:11 too; keep it in one",
    ]


def test_validate_uses_the_rules_that_it_is_given(tmp_path: Path) -> None:
    composition = yaml.safe_load(Path("package/install/composition-claims.yaml").read_text())
    composition["spec"]["pipeline"][0]["input"]["rules"][0]["organizations"] = ["other"]

    done = upenv("validate", QUICKSTART, "--composition", write(tmp_path / "c.yaml", composition))

    assert done.exit_code == 1
    assert f"{QUICKSTART}:7: spec.organization: may not be used from this namespace" in done.stdout


# kubeconfig.


def test_a_kubeconfig_reaches_a_space_a_group_or_a_control_plane(tmp_path: Path) -> None:
    file = write(
        tmp_path / "e.yaml",
        environment(groups=[{"name": "team", "remoteName": "team-a"}], controlPlanes=[{"name": "dev", "group": "team"}]),
    )

    made = [
        yaml.safe_load(upenv("kubeconfig", file, *flags).output)
        for flags in ((), ("--space", "west"), ("--group", "team"), ("--control-plane", "dev"))
    ]

    assert [m["clusters"][0]["cluster"]["server"].removeprefix("https://west.spaces.upbound.io") for m in made] == [
        "",
        "",
        "",
        "/apis/spaces.upbound.io/v1beta1/namespaces/team-a/controlplanes/dev/k8s",
    ]
    assert [m["contexts"][0]["context"].get("namespace") for m in made] == [None, None, "team-a", "default"]
    assert made[0]["users"][0]["user"]["exec"]["command"] == "up"


def test_a_disconnected_space_takes_the_credentials_that_are_given(tmp_path: Path) -> None:
    case = stories.CASES / "disconnected"
    flags = ("--composition", str(case / "composition.yaml"))
    credentials = {**UP_CTX, "users": [{"name": "upbound", "user": {"token": "x"}}]}

    refused = upenv("kubeconfig", str(case / "xr.yaml"), *flags)
    made = upenv("kubeconfig", str(case / "xr.yaml"), *flags, "--credentials", write(tmp_path / "k.yaml", credentials))

    assert (refused.exit_code, "lab is a Disconnected Space: give --credentials, a kubeconfig" in refused.stderr) == (2, True)
    assert yaml.safe_load(made.output)["users"] == [{"name": "upbound", "user": {"token": "x"}}]


def test_a_legacy_control_plane_reads_its_token_from_a_file() -> None:
    file = str(stories.CASES / "legacy" / "xr.yaml")

    refused = upenv("kubeconfig", file, "--control-plane", "classic")
    made = yaml.safe_load(upenv("kubeconfig", file, "--control-plane", "classic", "--token-file", "/run/token").output)

    assert (refused.exit_code, "give --token-file, the path of a file with a personal access token" in refused.stderr) == (2, True)
    assert made["clusters"][0]["cluster"]["server"] == "https://proxy.upbound.io/v1/controlPlanes/acme/classic/k8s"
    assert made["users"][0]["user"] == {"tokenFile": "/run/token"}


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        pytest.param((), "the environment has 2 Spaces; say which one with --space, --group or --control-plane", id="which Space"),
        pytest.param(("--space", "old"), "old is a Legacy Space, which has no API of its own; use --control-plane", id="a Legacy Space"),
        pytest.param(("--group", "x"), "the environment has no group x; it has none", id="no such group"),
        pytest.param(("--control-plane", "x"), "the environment has no control plane x; it has classic, dev", id="no such control plane"),
        pytest.param(("--space", "west", "--group", "x"), "give one of --space, --group and --control-plane", id="two of them"),
    ],
)
def test_a_kubeconfig_that_there_is_not_is_refused(flags: tuple[str, ...], says: str) -> None:
    refused = upenv("kubeconfig", str(stories.CASES / "legacy" / "xr.yaml"), *flags)

    assert (refused.exit_code, says in refused.stderr) == (2, True), refused.stderr


# init.


def test_init_writes_an_environment_from_what_up_ctx_wrote(tmp_path: Path) -> None:
    made = upenv("init", write(tmp_path / "k.yaml", UP_CTX), "--name", "acme", "-n", "platform")

    assert yaml.safe_load(made.output) == {
        "apiVersion": "environments.upbound.io/v1alpha1",
        "kind": "UpboundEnvironment",
        "metadata": {"name": "acme", "namespace": "platform"},
        "spec": {
            "organization": "acme",
            "spaces": [{"name": "upbound-gcp-us-west-1", "host": "west.spaces.upbound.io", "certificateAuthorityData": "LS0t"}],
        },
    }


def test_init_takes_the_control_plane_or_the_group_along() -> None:
    def made(server: str, namespace: str | None) -> dict[str, Any]:
        cluster, context = {"server": server}, {**UP_CTX["contexts"][0]["context"], **({"namespace": namespace} if namespace else {})}
        kubeconfig = {
            **UP_CTX,
            "clusters": [{"name": "upbound", "cluster": cluster}],
            "contexts": [{"name": "upbound", "context": context}],
        }
        done = upenv("init", "-", "--namespaced", stdin=yaml.safe_dump(kubeconfig))
        found: dict[str, Any] = yaml.safe_load(done.output)
        return found

    path = "/apis/spaces.upbound.io/v1beta1/namespaces/team/controlplanes/dev/k8s"

    assert made(f"https://west.spaces.upbound.io{path}", "default")["spec"]["controlPlanes"] == [
        {"name": "dev", "group": "team", "adopt": True}
    ]
    assert made("https://west.spaces.upbound.io", "team")["spec"]["groups"] == [{"name": "team", "adopt": True}]
    assert made("https://west.spaces.upbound.io", None)["apiVersion"] == "environments.m.upbound.io/v1alpha1"
    assert "groups" not in made("https://west.spaces.upbound.io", "default")["spec"]


@pytest.mark.parametrize(
    ("flags", "ref"),
    [
        ((), {"name": "lab-kubeconfig", "key": "kubeconfig", "namespace": "platform"}),
        (("--namespaced",), {"name": "lab-kubeconfig", "key": "kubeconfig"}),
    ],
)
def test_init_sees_a_disconnected_space(flags: tuple[str, ...], ref: dict[str, str]) -> None:
    kubeconfig = {
        **UP_CTX,
        "users": [{"name": "upbound", "user": {"token": "MARKER"}}],
        "contexts": [{"name": "upbound", "context": {"cluster": "upbound", "user": "upbound"}}],
    }

    made = upenv("init", "-", "--name", "lab", "-n", "platform", *flags, stdin=yaml.safe_dump(kubeconfig))

    (space,) = yaml.safe_load(made.output)["spec"]["spaces"]
    assert (space["type"], space["credentials"]) == ("Disconnected", {"kubeconfigSecretRef": ref})
    assert "MARKER" not in made.output


@pytest.mark.parametrize(
    ("kubeconfig", "says"),
    [
        pytest.param([], "is no kubeconfig; write it with up ctx", id="a list"),
        pytest.param({}, "the kubeconfig has no None under contexts; write it with up ctx", id="an empty object"),
        pytest.param({**UP_CTX, "users": []}, "the kubeconfig has no upbound under users; write it with up ctx", id="no user"),
        pytest.param(
            {**UP_CTX, "clusters": [{"name": "upbound", "cluster": {"server": "http://x"}}]},
            "the cluster's server is no https address",
            id="no https",
        ),
    ],
)
def test_init_refuses_what_up_ctx_did_not_write(kubeconfig: Any, says: str, tmp_path: Path) -> None:
    refused = upenv("init", write(tmp_path / "k.yaml", kubeconfig))

    assert (refused.exit_code, says in refused.stderr) == (2, True), refused.stderr
