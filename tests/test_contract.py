"""What Crossplane, the published schemas and our own definitions ask of everything that we send."""

import subprocess
import sys
from typing import Any

import jsonschema
import pytest
import yaml
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import fn, model, warnings
from function.model.spec import Spec
from tests import schemas, stories, world

ROOT = stories.ROOT
STORIES = stories.stories()


def definition(namespaced: bool) -> dict[str, Any]:
    """The schema of an XRD's version."""
    path = ROOT / "package" / ("namespaced" if namespaced else "claims") / "definition.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.path.name)
def test_everything_that_is_emitted_passes_its_published_schema(story: stories.Story) -> None:
    for manifest in story.rendered()[1:]:
        schemas.check(manifest)


def test_one_team_twice_in_a_role_binding_does_not_pass_its_published_schema() -> None:
    subjects = [{"kind": "UpboundTeam", "name": "a", "role": role} for role in ("viewer", "admin")]
    spec = {"object": {"apiGroup": "core", "resource": "namespaces", "name": "dev"}, "subjects": subjects}
    binding = {"apiVersion": "authorization.spaces.upbound.io/v1alpha1", "kind": "ObjectRoleBinding", "metadata": {"name": "dev"}}

    with pytest.raises(jsonschema.ValidationError, match="several entries"):
        schemas.check({**binding, "spec": spec})


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.path.name)
def test_every_environment_and_every_status_passes_our_own_schema(story: stories.Story) -> None:
    schema = schemas._strict(definition("m" in story.xr["apiVersion"].split(".")))
    spec = {"spec": model.author_spec(story.xr), "status": story.rendered()[0]["status"]}
    spec["status"].pop("conditions")

    jsonschema.validate(spec["spec"], schema["properties"]["spec"])
    jsonschema.validate(spec["status"], schema["properties"]["status"])


def test_each_shipped_input_passes_its_schema() -> None:
    crd = yaml.safe_load(next((ROOT / "package" / "function" / "input").glob("*.yaml")).read_text())
    schema = schemas._strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    for name in ("claims", "namespaced"):
        composition = yaml.safe_load((ROOT / "package" / "install" / f"composition-{name}.yaml").read_text())
        jsonschema.validate(composition["spec"]["pipeline"][0]["input"], schema)


@pytest.mark.parametrize("name", ["claims", "namespaced"])
def test_each_definition_enforces_the_composition_that_is_shipped_for_it(name: str) -> None:
    definition_ = yaml.safe_load((ROOT / "package" / name / "definition.yaml").read_text())
    composition = yaml.safe_load((ROOT / "package" / "install" / f"composition-{name}.yaml").read_text())

    assert definition_["spec"]["enforcedCompositionRef"] == {"name": composition["metadata"]["name"]}
    api_version, kind = composition["spec"]["compositeTypeRef"].values()
    assert (api_version, kind) == (f"{definition_['spec']['group']}/v1alpha1", definition_["spec"]["names"]["kind"])


@pytest.mark.parametrize("namespaced", [False, True])
def test_schemas_are_bounded_described_and_without_defaults(namespaced: bool) -> None:
    def walk(node: dict[str, Any], path: str) -> None:
        assert "default" not in node, path
        assert not {"anyOf", "allOf", "oneOf", "$ref", "title"} & set(node), path
        if node["type"] == "string" and "enum" not in node and not path.startswith(".status"):
            assert "maxLength" in node, path
        if node["type"] == "array":
            assert "maxItems" in node, path
            walk(node["items"], f"{path}[]")
        for name, inner in node.get("properties", {}).items():
            assert inner.get("description") or path == "", f"{path}.{name}"
            walk(inner, f"{path}.{name}")

    walk(definition(namespaced), "")


def test_lists_of_named_things_are_told_apart_by_name() -> None:
    properties = definition(namespaced=True)["properties"]["spec"]["properties"]
    keys = {k: v.get("x-kubernetes-list-map-keys") for k, v in properties.items() if v["type"] == "array"}

    assert keys == {
        "managementPolicies": None,
        "confirmedRemovals": ["kind", "name", "uid"],
        "spaces": ["name"],
        "groups": ["name"],
        "controlPlanes": ["name"],
        "configurations": ["name"],
        "resources": ["name"],
        "connectors": ["name"],
    }


def test_only_claims_name_the_namespace_of_a_secret() -> None:
    def ref(namespaced: bool) -> dict[str, Any]:
        spaces = definition(namespaced)["properties"]["spec"]["properties"]["spaces"]
        found: dict[str, Any] = spaces["items"]["properties"]["credentials"]["properties"]["tokenSecretRef"]
        return found

    assert (sorted(ref(True)["properties"]), ref(True)["required"]) == (["key", "name"], ["key", "name"])
    assert (sorted(ref(False)["properties"]), ref(False)["required"]) == (["key", "name", "namespace"], ["key", "name", "namespace"])


def test_crossplanes_own_fields_are_not_ours() -> None:
    ours = {f.alias for f in Spec.model_fields.values()}

    assert not ours & (model._MACHINERY | {"crossplane"})


def test_the_fields_of_crossplane_are_left_to_crossplane() -> None:
    story = stories.Story(stories.CASES / "smallest-claim")
    xr, input_ = story.xr, world.structs.plain(world.structs.View(story.request().input))
    machinery = {
        "compositionRef": {"name": "x"},
        "compositionUpdatePolicy": "Automatic",
        "resourceRefs": [],
        "writeConnectionSecretToRef": {"name": "a", "namespace": "b"},
    }
    modern = {
        "metadata": {"name": "acme", "namespace": "platform"},
        "spec": {**model.author_spec(xr), "crossplane": {"compositionRef": {"name": "x"}}},
    }

    assert model.parse({**xr, "spec": {**xr["spec"], **machinery}}, input_) == model.parse(xr, input_)
    assert model.parse(modern, input_).namespaced


def test_conditions_are_few_stable_and_seen_by_the_claim() -> None:
    types = []
    for story in STORIES:
        rsp = fn.run(story.request())
        assert all(c.target == fnv1.TARGET_COMPOSITE_AND_CLAIM and c.reason for c in rsp.conditions)
        types.append([c.type for c in rsp.conditions])

    assert types == [
        [
            *(
                f"{what}Ready"
                for what in ("Credentials", "Groups", "ControlPlanes", "Resources", "Identity", "Registrations", "Connectors")
            ),
            *("RolledOut", "RolloutHalted"),
            *("Conflict", "Refused", "RemovalPending", "Deletable"),
        ]
    ] * len(STORIES)


def test_no_result_is_sent_on_a_good_call() -> None:
    assert all(not fn.run(s.request()).results for s in STORIES)


def test_it_works_without_the_capabilities_that_only_newer_crossplanes_announce() -> None:
    old, new = (stories.Story(stories.CASES / "smallest-claim").request() for _ in range(2))
    new.meta.capabilities.extend([1, 2, 3])

    assert fn.run(old) == fn.run(new)
    assert not fn.run(new).HasField("requirements")


def test_generated_files_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate.py"), "--check"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_the_most_children_of_an_environment_is_a_number_that_the_readme_says_too() -> None:
    assert f"about {warnings.MOST_CHILDREN} composed resources" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(("name", "since"), [("claims", ">=v1.20.0-0"), ("namespaced", ">=v2.0.0-0")])
def test_a_configuration_package_has_a_definition_and_depends_on_the_function_and_its_provider_only(name: str, since: str) -> None:
    meta = yaml.safe_load((ROOT / "package" / name / "crossplane.yaml").read_text())

    assert sorted(p.name for p in (ROOT / "package" / name).iterdir()) == ["crossplane.yaml", "definition.yaml"]
    assert [next(iter(d)) for d in meta["spec"]["dependsOn"]] == ["function", "provider"]
    assert meta["spec"]["crossplane"]["version"] == since


def test_the_function_package_lists_its_capabilities() -> None:
    meta = yaml.safe_load((ROOT / "package" / "function" / "crossplane.yaml").read_text())

    assert (meta["kind"], meta["spec"]["capabilities"]) == ("Function", ["composition"])
