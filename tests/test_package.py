"""What a platform team installs: manifests that their API servers take, and names that agree."""

import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from function import render
from function.__version__ import __version__
from tests import docs, schemas, stories
from tests.stories import EXAMPLES, ROOT

INSTALL = ROOT / "package" / "install"
HUB = EXAMPLES / "gitops-hub"
_MANIFESTS = [*INSTALL.glob("*.yaml"), *HUB.glob("argocd/*.yaml"), *HUB.glob("flux/*.yaml"), EXAMPLES / "functions.yaml"]
_FIELDS = {
    "PodDisruptionBudget": {"spec": {"maxUnavailable", "selector"}},
    "Role": {"rules": None},
    "RoleBinding": {"roleRef": None, "subjects": None},
    "ConfigMap": {"data": None},
}
_DEFINITIONS = {
    "environments.upbound.io": ("xupboundenvironments.environments.upbound.io", "upenv"),
    "environments.m.upbound.io": ("upboundenvironments.environments.m.upbound.io", "upenvm"),
}
"""The XRD of each API, and what `kubectl` calls its environments in short."""
Manifest = dict[str, Any]


def manifests(*files: Path) -> list[Manifest]:
    """All documents of some files, or of all that are installed."""
    return [d for f in files or sorted(INSTALL.glob("*.yaml")) for d in stories.load(f)]


def one(kind: str, name: str) -> Manifest:
    """One of the manifests that are installed."""
    (found,) = [d for d in manifests() if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    return found


def pod(config: str) -> Manifest:
    """The pod that a DeploymentRuntimeConfig describes."""
    found: Manifest = one("DeploymentRuntimeConfig", config)["spec"]["deploymentTemplate"]["spec"]["template"]["spec"]
    return found


def container(config: str) -> Manifest:
    """The one container that Crossplane fills in."""
    (found,) = pod(config)["containers"]
    assert found["name"] == "package-runtime"
    return dict(found)


def derived(package: str) -> str:
    """The name that the package manager gives to a dependency (crossplane-runtime pkg/xpkg/name.go: ToDNSLabel)."""
    repository = package.partition("/")[2].rpartition(":")[0] or package.partition("/")[2]
    return re.sub(r"[./:-]", "-", repository)[:63].strip("-")


@pytest.mark.parametrize("file", _MANIFESTS, ids=lambda f: str(f.relative_to(ROOT)))
def test_what_is_installed_passes_the_published_schemas(file: Path) -> None:
    for manifest in manifests(file):
        fields = _FIELDS.get(manifest["kind"])
        if fields is None:
            schemas.check(manifest)
        else:
            assert manifest.keys() - {"apiVersion", "kind", "metadata"} == fields.keys()
            assert all(manifest[k].keys() == wanted for k, wanted in fields.items() if wanted)


def test_a_field_that_a_schema_does_not_have_is_found() -> None:
    config = one("DeploymentRuntimeConfig", "function-upbound-environment")
    config["spec"]["deploymentTemplate"]["spec"]["template"]["spec"]["containers"][0]["probe"] = {}

    with pytest.raises(jsonschema.ValidationError, match="probe"):
        schemas.check(config)


def test_manifests_in_the_documentation_pass_the_published_schemas() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "install.md").read_text(), re.DOTALL)
    documents = list(yaml.safe_load_all(text))

    assert [d["kind"] for d in documents] == ["ImageConfig", "ImageConfig"]
    for manifest in documents:
        schemas.check(manifest)


def test_packages_have_the_names_that_a_dependency_would_give_them() -> None:
    packages = [d for d in manifests() if d["kind"] in ("Function", "Provider", "Configuration")]

    assert {d["metadata"]["name"] for d in packages} == {derived(d["spec"]["package"]) for d in packages}
    assert derived("xpkg.upbound.io/upbound/function-upbound-environment:v0.1.0") == "upbound-function-upbound-environment"
    assert derived("xpkg.crossplane.io/crossplane-contrib/provider-kubernetes") == "crossplane-contrib-provider-kubernetes"


def test_every_composition_calls_the_function_that_is_installed() -> None:
    name = one("Function", "upbound-function-upbound-environment")["metadata"]["name"]
    files = [*INSTALL.glob("composition-*.yaml"), *EXAMPLES.glob("*/composition.yaml"), *stories.CASES.glob("*/composition.yaml")]

    steps = [step["functionRef"]["name"] for d in manifests(*files) for step in d["spec"]["pipeline"]]
    assert steps == [name] * len(files)
    assert manifests(EXAMPLES / "functions.yaml")[0]["metadata"]["name"] == name
    assert name.endswith(render.FUNCTION)


@pytest.mark.parametrize("world", ["claims", "namespaced"])
def test_what_a_configuration_depends_on_is_installed_before_it(world: str) -> None:
    (meta,) = manifests(ROOT / "package" / world / "crossplane.yaml")
    (installed,) = manifests(INSTALL / f"configuration-{world}.yaml")
    packages = {d["spec"]["package"].rpartition(":")[0] for d in manifests() if d["kind"] in ("Function", "Provider")}

    needed = {d.get("function") or d["provider"]: d["version"] for d in meta["spec"]["dependsOn"]}
    assert needed.keys() <= packages
    assert installed["spec"]["package"] == f"xpkg.upbound.io/upbound/{meta['metadata']['name']}:v{__version__}"
    assert needed["xpkg.upbound.io/upbound/function-upbound-environment"] == f">=v{__version__}-0"


def test_runtime_configurations_are_there_and_have_no_arguments() -> None:
    for package in (d for d in manifests() if d["kind"] in ("Function", "Provider")):
        config = one("DeploymentRuntimeConfig", package["spec"]["runtimeConfigRef"]["name"])
        template = config["spec"].get("deploymentTemplate", {"spec": {"template": {"spec": {"containers": []}}}})
        assert all("args" not in c and "command" not in c for c in template["spec"]["template"]["spec"]["containers"])


def test_the_provider_takes_what_spaces_need_from_its_environment_alone() -> None:
    runs = container("provider-kubernetes")

    # kingpin makes a flag's variable of the binary's name, crossplane-kubernetes-provider, and the flag's.
    assert {e["name"]: e["value"] for e in runs.pop("env")} == {
        "ENABLE_SERVER_SIDE_APPLY": "false",
        "CROSSPLANE_KUBERNETES_PROVIDER_POLL": "1m",
    }
    assert runs == {"name": "package-runtime"}
    assert pod("provider-kubernetes").keys() == {"containers"}


def test_the_function_runs_twice_and_with_nothing_that_it_does_not_need() -> None:
    spec = one("DeploymentRuntimeConfig", "function-upbound-environment")["spec"]["deploymentTemplate"]["spec"]
    everything, runs = pod("function-upbound-environment"), container("function-upbound-environment")
    allowed = runs["securityContext"]

    assert spec["replicas"] == 2
    assert everything["automountServiceAccountToken"] is False
    assert everything["securityContext"]["runAsNonRoot"] is True
    assert everything["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (allowed["readOnlyRootFilesystem"], allowed["privileged"], allowed["allowPrivilegeEscalation"]) == (True, False, False)
    assert allowed["capabilities"] == {"drop": ["ALL"]}
    assert runs["resources"].keys() == {"requests", "limits"}
    assert (runs["readinessProbe"]["tcpSocket"], runs["livenessProbe"]["httpGet"]["port"]) == ({"port": 9443}, 8080)


def test_one_replica_stays_while_a_node_is_drained() -> None:
    name = one("Function", "upbound-function-upbound-environment")["metadata"]["name"]
    budget = one("PodDisruptionBudget", "function-upbound-environment")["spec"]
    (spread,) = pod("function-upbound-environment")["topologySpreadConstraints"]

    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spread["labelSelector"] == {"matchLabels": {"pkg.crossplane.io/function": name}}


def test_the_hub_is_what_the_composition_names_and_may_write_secrets_in_one_namespace() -> None:
    config, role, binding = manifests(INSTALL / "hub.yaml")
    comment = re.search(r"# hub:\n +#   (.*)\n +#   (.*)\n", (INSTALL / "composition-claims.yaml").read_text())
    account = one("DeploymentRuntimeConfig", "provider-kubernetes")["spec"]["serviceAccountTemplate"]["metadata"]["name"]

    assert comment is not None
    assert yaml.safe_load("\n".join(comment.groups())) == {
        "providerConfigName": config["metadata"]["name"],
        "namespace": role["metadata"]["namespace"],
    }
    assert config["spec"] == {"credentials": {"source": "InjectedIdentity"}}
    assert role["kind"] == "Role"
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "update", "patch", "delete"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "crossplane-system"}]


def test_what_the_hub_may_do_for_argo_cd_and_flux_is_what_consumers_are_made_of() -> None:
    documents = manifests(INSTALL / "hub-gitops.yaml")
    allowed = {
        (d["metadata"]["namespace"], group, resource)
        for d in documents
        for rule in d.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    account = one("DeploymentRuntimeConfig", "provider-kubernetes")["spec"]["serviceAccountTemplate"]["metadata"]["name"]
    (role,) = (d for d in yaml.safe_load_all((ROOT / "docs" / "gitops.md").read_text().split("```yaml\n")[3].partition("```")[0]))
    composed = {(g, r) for rule in role["rules"] for g in rule["apiGroups"] for r in rule["resources"]}

    assert {(g, r) for _, g, r in allowed} == composed | {("", "secrets")}
    assert {n for n, _, _ in allowed} == {"argocd", "flux-system"}
    assert all(r["verbs"] == ["get", "create", "update", "patch", "delete"] for d in documents for r in d.get("rules", ()))
    bound = [d for d in documents if d["kind"] == "RoleBinding"]
    assert [(d["metadata"]["namespace"], d["roleRef"]["kind"]) for d in bound] == [("argocd", "Role"), ("flux-system", "Role")]
    assert all(d["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "crossplane-system"}] for d in bound)


def test_the_installation_names_every_file_and_applies_only_what_is_there() -> None:
    text = (ROOT / "docs" / "install.md").read_text()
    applied = [ROOT / f for f in re.findall(r"kubectl .*(?:-f|--patch-file) (\w\S+)", text + (HUB / "README.md").read_text())]

    assert all(f.exists() for f in applied)
    assert all(f"`{f.name}`" in text for f in INSTALL.glob("*.yaml"))
    order = [f.stem for f in applied if f.parent == INSTALL]
    assert order[:2] == ["provider-kubernetes", "function"]
    assert {"configuration-claims", "composition-claims", "configuration-namespaced", "composition-namespaced", "hub"} == set(order[2:])


def test_the_first_environment_finds_all_that_it_needs() -> None:
    text = (ROOT / "docs" / "install.md").read_text()
    steps = [line for _, language, block in docs.BLOCK.findall(text) if language in ("sh", "shell") for line in block.splitlines()]
    applied = [i for i, step in enumerate(steps) if "kubectl apply" in step and "examples/" in step]

    def first(command: str) -> int:
        return next(i for i, step in enumerate(steps) if re.match(command, step))

    assert first("make demo") < first("upenv ")
    for i in applied:
        show = steps[i].replace("kubectl apply -f -", "cat").replace("kubectl apply -f", "cat")
        shown = subprocess.run(["/bin/bash", "-c", show], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        environment = yaml.safe_load(shown)
        definition, short = _DEFINITIONS[environment["apiVersion"].partition("/")[0]]
        name, namespace = environment["metadata"]["name"], environment["metadata"]["namespace"]
        assert f"kubectl create namespace {namespace}" in steps[: first("kubectl .* create secret")], "before the ways part"
        assert any(f"--for=condition=Established --timeout=5m xrd/{definition}" in step for step in steps[:i])
        waits = next(step for step in steps[i:] if "--for=condition=Ready" in step)
        assert f"-n {namespace} " in waits
        assert waits.endswith(f" {short}/{name}")
    assert len(applied) == len(_DEFINITIONS)


def test_argo_cd_and_flux_judge_by_conditions_that_environments_have() -> None:
    (config,) = manifests(HUB / "argocd" / "argocd-cm.yaml")
    _, kustomization = manifests(HUB / "flux" / "environments.yaml")
    (settled,) = [s for s in stories.stories() if s.path.name == "settled"]
    known = {c["type"] for c in settled.rendered()[0]["status"]["conditions"]}
    checks = [v for k, v in config["data"].items() if ".health." in k]
    expressions = [{k: v for k, v in e.items() if k != "apiVersion"} for e in kustomization["spec"]["healthCheckExprs"]]

    assert len(set(checks)) == 1 < len(checks)
    assert expressions[0] == expressions[1]
    assert set(re.findall(r'is\("(\w+)"', checks[0])) - {"Healthy", "Established"} <= known, "but for those of other kinds"
    assert set(re.findall(r"c\.type == '(\w+)'", str(expressions[0]))) <= known
    project, _ = manifests(HUB / "argocd" / "application.yaml")
    groups = {k.rpartition("health.")[2].rpartition("_")[0] for k in config["data"] if ".health." in k}
    assert groups == {r["group"] for r in project["spec"]["namespaceResourceWhitelist"]}
    assert groups == {e["apiVersion"].partition("/")[0] for e in kustomization["spec"]["healthCheckExprs"]}


def test_the_tenants_of_the_documentation_are_those_of_the_example() -> None:
    shown = re.search(r"```yaml\n(rules:.*?)```", (ROOT / "docs" / "tenancy.md").read_text(), re.DOTALL)
    (composition,) = manifests(EXAMPLES / "tenants" / "composition.yaml")

    assert shown is not None
    assert yaml.safe_load(shown.group(1))["rules"] == composition["spec"]["pipeline"][0]["input"]["rules"]


def test_deleting_what_applies_the_environments_leaves_them() -> None:
    _, application = manifests(HUB / "argocd" / "application.yaml")
    _, kustomization = manifests(HUB / "flux" / "environments.yaml")

    assert "finalizers" not in application["metadata"]
    assert kustomization["spec"]["deletionPolicy"] == "Orphan"


def test_a_push_without_a_registry_says_what_is_missing() -> None:
    done = subprocess.run([str(ROOT / "tools" / "push.sh"), __version__, ""], capture_output=True, text=True, check=False)

    assert done.returncode
    assert f"xpkg.upbound.io/acme/function-upbound-environment:v{__version__}" in done.stderr


@pytest.mark.parametrize("lacks", ["git", "make", "python3"])
def test_ci_installs_what_a_bare_debian_lacks(tmp_path: Path, lacks: str) -> None:
    (line,) = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "apt-get" in line]

    def program(name: str, does: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/bash\n{does}\n")
        (tmp_path / name).chmod(0o755)

    def installed() -> set[str]:
        command = ["/bin/bash", "-c", line.replace(">/dev/null;", ";")]
        return set(subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True).stdout.split())

    program("apt-get", 'echo "$@"')
    for name in {"git", "make", "python3"} - {lacks}:
        program(name, "exit 0")
    if lacks == "python3":
        program("python3", "exit 1")  # Debian's, which has no venv by itself.

    assert {"git", "make", "python3-venv"} <= installed()
    program(lacks, "exit 0")
    assert installed() == set()
