"""Bad input gets sentences: the field, what is wrong, what to write. Nothing is deleted, and nothing secret is said."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import fn, model, render
from tests import world
from tests.stories import ROOT

GOOD: dict[str, Any] = {
    "organization": "acme",
    "spaces": [{"name": "west", "host": "upbound-gcp-us-west-1.spaces.upbound.io"}],
    "controlPlanes": [{"name": "dev"}],
}
TARGETS: dict[str, dict[str, Any]] = {
    "here": {"namespaces": ["platform"]},
    "tools": {
        "providerConfigName": "tools",
        "namespaces": ["argocd", "flux-system"],
        "repositories": ["https://github.com/acme/*", "git@github.com:*"],
    },
    "shop": {"helmProviderConfigName": "shop", "namespaces": ["kube-system", "other"]},
    "same-shop": {"helmProviderConfigName": "shop", "namespaces": ["*"]},
}
"""What the Input's targets are, for entries about them."""
BAD = yaml.safe_load((ROOT / "tests" / "bad_input.yaml").read_text())
OTHERS = {
    "spec.organization: Invalid value: organization cannot change: make another environment",
    "spec: Invalid value: an environment always uses the newest rules: compositionUpdatePolicy is Automatic",
    "spec: Invalid value: an environment always uses the newest rules: leave compositionRevisionSelector out",
}
"""Rules about what no spec alone has: live/test_apis.py has tests of their own for them."""


def environment(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The XR and the Input of an entry."""
    group = model.GROUP_CLAIMS if entry.get("api") == "claims" else model.GROUP_NAMESPACED
    spec = entry["whole"] if "whole" in entry else {**GOOD, **entry.get("spec", {})}
    xr = render.composite(
        {
            "apiVersion": f"{group}/v1alpha1",
            "kind": "UpboundEnvironment",
            "metadata": {"name": "acme", "namespace": "platform"},
            "spec": spec,
        }
    )
    input_ = render.input_of(render.shipped_composition(xr), xr)
    input_["rules"][0] |= {"targets": sorted(TARGETS)} | entry.get("input", {})
    more = {"insecureSkipTLSVerify": True} if entry.get("insecureTarget") else {}
    input_["targets"] = [{"name": k, **v, **more} for k, v in TARGETS.items()]
    return xr, input_


@pytest.mark.parametrize("entry", BAD, ids=lambda e: e["why"])
def test_bad_input_is_answered_in_sentences(entry: dict[str, Any]) -> None:
    xr, input_ = environment(entry)

    with pytest.raises(model.InvalidError) as caught:
        model.parse(xr, input_)

    assert [str(p) for p in caught.value.problems] == entry["says"]


def rules(schema: dict[str, Any], path: str) -> Iterator[str]:
    """The CEL rules of a schema, as an API server tells of what they refuse; the first of a list is meant."""
    yield from (f"{path}: Invalid value: {rule['message']}" for rule in schema.get("x-kubernetes-validations", ()))
    for name, property_ in schema.get("properties", {}).items():
        yield from rules(property_, f"{path}.{name}")
    if "items" in schema:
        yield from rules(schema["items"], f"{path}[0]")


@pytest.mark.parametrize("api", ["claims", "namespaced"])
def test_every_rule_of_the_definitions_has_an_entry(api: str) -> None:
    (version,) = yaml.safe_load((ROOT / "package" / api / "definition.yaml").read_text())["spec"]["versions"]
    known = set(rules(version["schema"]["openAPIV3Schema"]["properties"]["spec"], "spec"))
    texts = {text for entry in BAD if entry.get("api", api) == api for text in entry.get("refused", ())}

    assert known - {re.sub(r"\[\d+\]", "[0]", text) for text in texts} == OTHERS


def test_bad_input_is_one_fatal_result_that_the_claims_author_sees_and_that_changes_nothing() -> None:
    xr, input_ = environment({"spec": {"removalPolicy": "Never"}})
    req = world.request(xr, input_)
    req.desired.resources["of-an-earlier-function"].resource.update({"kind": "ConfigMap"})

    rsp = asyncio.run(fn.FunctionRunner().RunFunction(req, None))

    (result,) = rsp.results
    assert (result.severity, result.target) == (fnv1.SEVERITY_FATAL, fnv1.TARGET_COMPOSITE_AND_CLAIM)
    assert (
        result.message == "cannot use this environment: spec.removalPolicy: is not one of the values; write 'Confirm', 'Delete' or 'Orphan'"
    )
    assert list(rsp.desired.resources) == ["of-an-earlier-function"]


def test_a_composition_without_an_input_is_refused() -> None:
    xr, _ = environment({})

    with pytest.raises(model.InvalidError, match="the Composition's step has no input; install the Composition of package/install"):
        model.parse(xr, {})


def test_an_input_may_have_metadata() -> None:
    xr, input_ = environment({})

    assert model.parse(xr, {**input_, "metadata": {"name": "rules"}}) == model.parse(xr, input_)


def test_a_request_without_a_composite_is_refused() -> None:
    rsp = asyncio.run(fn.FunctionRunner().RunFunction(fnv1.RunFunctionRequest(), None))

    assert [r.message for r in rsp.results] == ["cannot use this request: it has no observed composite resource"]


def test_a_defect_of_ours_is_a_fatal_result_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("MARKER")

    monkeypatch.setattr(fn, "compose", broken)
    rsp = asyncio.run(fn.FunctionRunner().RunFunction(world.request(*environment({})), None))

    assert [r.message for r in rsp.results] == [
        "cannot compose this environment: a defect of the function (RuntimeError); nothing was changed"
    ]


@pytest.mark.parametrize("name", ["a" * 63, "0-a", "a-0"])
def test_the_longest_and_oddest_names_that_kubernetes_takes_are_taken(name: str) -> None:
    xr, input_ = environment({"spec": {"controlPlanes": [{"name": name}]}})

    assert model.parse(xr, input_).control_planes[0].name == name


def test_labels_set_by_hand_do_not_change_who_an_environment_is() -> None:
    xr, input_ = environment({"api": "claims"})
    forged = {
        **xr,
        "metadata": {**xr["metadata"], "labels": {"crossplane.io/claim-name": "victim", "crossplane.io/claim-namespace": "other"}},
    }

    assert model.parse(forged, input_).identity == model.parse(xr, input_).identity == model.Identity("platform", "acme")
