"""What `upenv` prints for Argo CD, Flux and connectors."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from lupa import LuaRuntime

from function import cli, printed
from tests.stories import EXAMPLES

CONNECTOR = (str(EXAMPLES / "connector" / "environment.yaml"), "--composition", str(EXAMPLES / "connector" / "composition.yaml"))
ZERO = "00000000-0000-0000-0000-000000000000"


def upenv(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli.main, arguments, input=given)


def test_argocd_values_have_a_token_only_for_pods_that_need_one() -> None:
    values = yaml.safe_load(upenv("argocd-values", "--token-secret", "s", "--token-key", "k").output)
    without = yaml.safe_load(upenv("argocd-values", "--no-token", "--up-cli-image", "mirror.example/up:1").output)

    assert values["server"]["env"] == [{"name": "UP_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    assert "env" not in without["controller"]
    assert without["controller"]["initContainers"][0]["image"] == "mirror.example/up:1"
    assert list(values["configs"]["cm"]) == ["application.resourceTrackingMethod", "resource.respectRBAC"]


def test_argocds_health_checks_and_exclusions_are_asked_for() -> None:
    cm = yaml.safe_load(upenv("argocd-values", "--health-checks", "--exclusions").output)["configs"]["cm"]

    assert yaml.safe_load(cm["resource.exclusions"]) == [{"apiGroups": ["*"], "kinds": ["ProviderConfigUsage"], "clusters": ["*"]}]
    assert sorted(yaml.safe_load(cm["resource.customizations"])) == ["*.crossplane.io/*", "*.upbound.io/*"]


def said(**conditions: str) -> dict[str, Any]:
    """A status with conditions, each by its status."""
    return {"status": {"conditions": [{"type": t, "status": s, "reason": "R", "message": f"about {t}"} for t, s in conditions.items()]}}


@pytest.mark.parametrize(
    ("found", "health", "message"),
    [
        pytest.param({"kind": "ProviderConfig"}, "Healthy", "it has no status", id="nothing is ever said of a ProviderConfig"),
        pytest.param({"kind": "ProviderConfig", "status": {"users": 1}}, "Healthy", "it has no status", id="nor of one that is used"),
        pytest.param({"kind": "ControlPlane"}, "Progressing", "", id="nothing is said yet"),
        pytest.param({"kind": "ControlPlane", **said(Ready="False", Healthy="True")}, "Progressing", "about Ready", id="Ready decides"),
        pytest.param({"kind": "Database", **said(Synced="True", Ready="True")}, "Healthy", "", id="a claim that is ready"),
        pytest.param({"kind": "Database", **said(Synced="False", Ready="True")}, "Degraded", "about Synced", id="what cannot be applied"),
        pytest.param({"kind": "Configuration", **said(Installed="True", Healthy="False")}, "Degraded", "about Healthy", id="a bad package"),
        pytest.param({"kind": "Configuration", **said(Installed="True", Healthy="True")}, "Healthy", "", id="a good package"),
        pytest.param({"kind": "CompositeResourceDefinition", **said(Established="True")}, "Healthy", "", id="a definition"),
        pytest.param(
            {"kind": "UpboundEnvironment", **said(Ready="False", RemovalPending="True")},
            "Suspended",
            "about RemovalPending",
            id="an environment in which somebody has to confirm a removal",
        ),
        pytest.param(
            {"kind": "UpboundEnvironment", **said(Ready="True", CredentialsReady="Unknown")},
            "Degraded",
            "about CredentialsReady",
            id="a claim that its function has come to refuse",
        ),
        pytest.param(
            {
                "kind": "UpboundEnvironment",
                "metadata": {"generation": 2},
                "status": {"conditions": [{"type": "Ready", "observedGeneration": 1}]},
            },
            "Progressing",
            "waiting for the newest commit to be looked at",
            id="an environment whose newest commit nobody has looked at",
        ),
    ],
)
def test_argocd_judges_by_what_is_said_and_without_luas_libraries(found: dict[str, Any], health: str, message: str) -> None:
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    for library in ("string", "io", "os", "math", "debug", "require", "load"):
        lua.globals()[library] = None
    lua.globals()["obj"] = lua.table_from(found, recursive=True)

    judged = dict(lua.execute(printed.LUA))

    assert judged == {"status": health, "message": message}


def test_argocds_health_checks_are_those_of_the_example() -> None:
    (config,) = yaml.safe_load_all((EXAMPLES / "gitops-hub" / "argocd" / "argocd-cm.yaml").read_text())

    assert {v for k, v in config["data"].items() if ".health." in k} == {printed.LUA}


def test_argocd_config_has_what_the_values_have() -> None:
    values = yaml.safe_load(upenv("argocd-values", "--health-checks", "--exclusions").output)
    warning, *lines = upenv("argocd-config", "--health-checks", "--exclusions", "-n", "cd").output.splitlines()
    patches = [json.loads(shlex.split(line)[-1].removeprefix("--patch=")) for line in lines]

    assert warning.startswith("# This replaces resource.customizations and resource.exclusions of argocd-cm")

    assert [shlex.split(line)[:6] for line in lines] == [
        ["kubectl", "--namespace", "cd", "patch", "configmap", "argocd-cm"],
        ["kubectl", "--namespace", "cd", "patch", "statefulset", "argocd-application-controller"],
        ["kubectl", "--namespace", "cd", "patch", "deployment", "argocd-server"],
    ]
    assert patches[0] == {"data": values["configs"]["cm"]}
    for patch in patches[1:]:
        spec = patch["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        found = {**spec, "env": container["env"], "volumeMounts": container["volumeMounts"]}
        assert {k: found[k] for k in values["server"]} == values["server"]


def test_argocd_config_without_a_token_and_options_replaces_nothing() -> None:
    printed_ = upenv("argocd-config", "--no-token").output

    assert "UP_TOKEN" not in printed_
    assert "#" not in printed_


def test_flux_patch_gives_the_controller_its_flag_and_the_up_command() -> None:
    (patch,) = yaml.safe_load(upenv("flux-patch").output)["patches"]
    steps: list[dict[str, Any]] = yaml.safe_load(patch["patch"])

    assert patch["target"] == {"kind": "Deployment", "name": "kustomize-controller"}
    assert {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--insecure-kubeconfig-exec=true"} in steps
    assert [s["value"][0]["image"] for s in steps if s["path"].endswith("initContainers")] == [printed.UP_CLI]
    names = {s["value"]["name"] for s in steps if s["path"].endswith("/env/-")}
    assert names == {"UP_TOKEN", "HOME"}


@pytest.mark.parametrize(("kind", "prints"), [("claim", "claim-c603e518969b413e\n"), ("nxr", "nxr-c603e518969b413e\n")])
def test_the_name_that_a_connector_gives_is_the_guides(kind: str, prints: str) -> None:
    assert upenv("connector", "claim-name", "my-bucket", "test", ZERO, "--kind", kind).output == prints


def labelled(name: str, **labels: str) -> str:
    found = {f"mcp-connector.upbound.io/{k.replace('_', '-')}": v for k, v in labels.items()}
    return yaml.safe_dump({"metadata": {"name": name, "labels": found}})


WHOSE = {"app_resource_name": "my-bucket", "app_namespace": "test", "app_cluster": ZERO}


def test_three_labels_say_whose_an_object_of_the_control_plane_is() -> None:
    done = upenv("connector", "claim-name", "--object", "-", given=labelled("claim-c603e518969b413e", **WHOSE))

    assert (done.exit_code, done.stdout) == (0, f"my-bucket in namespace test of app cluster {ZERO}\n")


@pytest.mark.parametrize(("name", "right"), [("nxr-0000000000000000", "nxr-c603e518969b413e"), ("mine", "claim-c603e518969b413e")])
def test_an_object_that_is_called_otherwise_is_told_of(name: str, right: str) -> None:
    done = upenv("connector", "claim-name", "--object", "-", given=labelled(name, **WHOSE))

    assert (done.exit_code, done.stderr) == (1, f"but that one is called {right}\n")


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (("claim-name", "my-bucket"), None, "give NAME, NAMESPACE and CLUSTER_ID, or --object"),
        (("claim-name", "--object", "-"), "metadata: {}", "has not all labels of Control Plane Connector"),
        (("claim-name", "--object", "-"), "[]", "-: is no single object; give one of the control plane"),
        (("values", *CONNECTOR, "bank"), None, "has no connector bank; it has billing, shop"),
        (("values", str(EXAMPLES / "quickstart" / "environment.yaml"), "shop"), None, "has no connector shop; it has none"),
        (("values", "nowhere.yaml", "shop"), None, "cannot read nowhere.yaml"),
    ],
)
def test_wrong_calls_are_answered_in_sentences(arguments: tuple[str, ...], given: str | None, says: str) -> None:
    done = upenv("connector", *arguments, given=given)

    assert done.exit_code == 2
    assert says in done.output


def test_values_are_the_releases_own() -> None:
    values = yaml.safe_load(upenv("connector", "values", *CONNECTOR, "shop").output)
    expected = list(yaml.safe_load_all((EXAMPLES / "connector" / "expected.yaml").read_text()))

    assert values["spaces"]["controlPlane"] == {"name": "platform", "group": "default", "claimNamespace": "shop"}
    assert "token" not in values["upbound"]
    assert not [d for d in expected if d["kind"] == "Release"], "a release waits for its claim namespace"


def test_a_migration_has_this_environments_cluster_and_namespace() -> None:
    lines = upenv("connector", "migration", *CONNECTOR, "shop").output.splitlines()

    (imported,) = (line for line in lines if " migration import " in line)
    assert imported.endswith("--unpause-after-import --mcp-connector-cluster-id=shop --mcp-connector-claim-namespace=shop")
    assert [i for i, line in enumerate(lines) if " migration export " in line] < [
        i for i, line in enumerate(lines) if "helm uninstall" in line
    ]


@pytest.mark.parametrize("type_", ["Cloud", "Disconnected"])
def test_the_kubeconfig_that_a_migration_asks_for_can_be_made(type_: str, tmp_path: Path) -> None:
    environment = yaml.safe_load((EXAMPLES / "connector" / "environment.yaml").read_text())
    (tmp_path / "it's").mkdir()
    file, rules = tmp_path / "it's" / "env.yaml", EXAMPLES / "connector" / "composition.yaml"
    if type_ == "Disconnected":
        own = {"namespace": "platform", "name": "lab", "key": "kubeconfig"}
        environment["spec"]["spaces"][0] |= {"type": type_, "host": "lab.spaces.upbound.io", "credentials": {"kubeconfigSecretRef": own}}
        environment["spec"]["controlPlanes"][0] |= {"kubeconfigSecretRef": own}
        connector = environment["spec"]["connectors"][0]
        connector.pop("tokenSecretRef")
        environment["spec"]["connectors"] = [{**connector, "kubeconfigSecretRef": {"name": "lab", "key": "kubeconfig"}}]
        composition = yaml.safe_load(rules.read_text())
        said = composition["spec"]["pipeline"][0]["input"]
        said["rules"][0]["ownKubeconfigs"] = True
        said["targets"][0]["secrets"] = [{"namespace": "kube-system", "name": "lab", "use": "ConnectorKubeconfig"}]
        rules = tmp_path / "composition.yaml"
        rules.write_text(yaml.safe_dump(composition))
    file.write_text(yaml.safe_dump(environment))
    (tmp_path / "space.kubeconfig").write_text((EXAMPLES / "import" / "kubeconfig.yaml").read_text())

    lines = upenv("connector", "migration", str(file), "--composition", str(rules), "shop").output.splitlines()
    (command,) = (line for line in lines if line.startswith("upenv kubeconfig"))
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    server = yaml.safe_load((tmp_path / "control-plane.kubeconfig").read_text())["clusters"][0]["cluster"]["server"]
    assert server.endswith("/controlplanes/platform/k8s")


KUBECTL = r"""#!/bin/bash
echo "kubectl $*" >> calls
if [[ "$*" == "$FAILS"* ]]; then exit 1; fi
case "$*" in
  "get customresourcedefinitions -o json") cat definitions.json ;;
  "get providers.pkg.crossplane.io,buckets.s3.aws.upbound.io,xs.acme.example --all-namespaces -o json") cat objects.json ;;
  get*) echo 'error: the server does not have a resource type' >&2; exit 1 ;;
  "replace -f "*) jq -c '[.metadata.name, .metadata.finalizers]' "$3" > replaced ;;
esac
"""
"""A kubectl for an app cluster without claims, which refuses what the real one refuses."""


@pytest.mark.skipif(not shutil.which("jq"), reason="what is printed calls jq")
@pytest.mark.parametrize("fails", ["nothing", "--namespace", "get", "replace"])
def test_the_clean_up_of_a_migration_deletes_definitions_only_once_no_object_has_finalizers(fails: str, tmp_path: Path) -> None:
    categories = {
        "providers.pkg.crossplane.io": ["crossplane", "pkg"],
        "buckets.s3.aws.upbound.io": ["managed", "crossplane"],
        "xs.acme.example": ["composite"],
        "certificates.cert-manager.io": ["cert-manager"],
        "others.acme.example": None,
    }
    definitions = [{"metadata": {"name": n}, "spec": {"names": {"categories": c} if c else {}}} for n, c in categories.items()]
    (tmp_path / "definitions.json").write_text(json.dumps({"items": definitions}))
    objects = [{"metadata": {"name": "held", "finalizers": ["a"]}}, {"metadata": {"name": "free"}}]
    (tmp_path / "objects.json").write_text(json.dumps({"items": objects}))
    for name, text in (("kubectl", KUBECTL), ("helm", '#!/bin/bash\necho "helm $*" >> calls\n')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    lines = upenv("connector", "migration", *CONNECTOR, "shop").output.splitlines()
    first, last = (next(i for i, line in enumerate(lines) if line.startswith(step)) for step in ("# 3.", "# 4."))

    done = subprocess.run(
        ["/bin/bash", "-c", "\n".join(lines[first:last])],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAILS": fails},
        capture_output=True,
        text=True,
        check=False,
    )

    calls = (tmp_path / "calls").read_text().splitlines()
    deleted = [c for c in calls if c.startswith("kubectl delete customresourcedefinitions")]
    if fails != "nothing":
        assert (done.returncode != 0, deleted) == (True, [])
        return
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "replaced").read_text() == '["held",null]\n'
    assert deleted == ["kubectl delete customresourcedefinitions providers.pkg.crossplane.io buckets.s3.aws.upbound.io xs.acme.example"]
    assert calls.index(deleted[0]) > next(i for i, c in enumerate(calls) if c.startswith("kubectl replace"))


def test_a_legacy_control_plane_is_no_place_to_migrate_to() -> None:
    files = (str(EXAMPLES / "legacy-gitops" / "environment.yaml"), "--composition", str(EXAMPLES / "legacy-gitops" / "composition.yaml"))
    name = yaml.safe_load(Path(files[0]).read_text())["spec"]["connectors"][0]["name"]
    done = upenv("connector", "migration", *files, name)

    assert (done.exit_code, "is for a Legacy Space, whose chart knows no clusterID" in done.output) == (2, True)


def test_a_migration_needs_a_cluster_id(tmp_path: Path) -> None:
    text = (EXAMPLES / "connector" / "environment.yaml").read_text()
    (tmp_path / "env.yaml").write_text(text.replace("    clusterID: shop\n", ""))

    done = upenv("connector", "migration", str(tmp_path / "env.yaml"), *CONNECTOR[1:], "shop")

    assert (done.exit_code, "has no clusterID, which the import needs; write one" in done.output) == (2, True)
