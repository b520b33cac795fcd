"""What is ready, kind by kind."""

from typing import Any

import pytest

from function import readiness

READY = {"type": "Ready", "status": "True"}
SYNCED = {"type": "Synced", "status": "True", "observedGeneration": 2}


def object_(*conditions: Any, generation: Any = 2) -> dict[str, Any]:
    """An Object."""
    return {
        "apiVersion": "kubernetes.crossplane.io/v1alpha2",
        "kind": "Object",
        "metadata": {"generation": generation},
        "status": {"conditions": list(conditions)},
    }


def team(annotations: Any) -> dict[str, Any]:
    """A Team."""
    found = object_(READY, SYNCED)
    return {**found, "apiVersion": "iam.upbound.io/v1alpha1", "kind": "Team", "metadata": {"generation": 2, "annotations": annotations}}


@pytest.mark.parametrize(
    ("resource", "ready"),
    [
        pytest.param(object_(READY, SYNCED), True, id="an Object that is ready and in sync with its spec"),
        pytest.param(object_(READY), False, id="an Object that was never in sync"),
        pytest.param(object_(READY, {**SYNCED, "status": "False"}), False, id="an Object whose last change failed"),
        pytest.param(object_({**READY, "status": "False"}, SYNCED), False, id="an Object that is not ready"),
        pytest.param(object_(READY, SYNCED, generation=3), False, id="an Object whose provider has not seen its newest spec"),
        pytest.param(
            object_(READY, {"type": "Synced", "status": "True"}), True, id="an Object of a provider that does not say which spec it saw"
        ),
        pytest.param(object_(READY, SYNCED, generation="x"), True, id="an Object whose generation is no number"),
        pytest.param({**object_(READY, SYNCED), "metadata": None}, True, id="an Object without metadata"),
        pytest.param(object_("x", 1, None), False, id="an Object whose conditions are none"),
        pytest.param({**object_(), "status": {"conditions": {}}}, False, id="an Object whose conditions are no list"),
        pytest.param({**object_(), "status": 1}, False, id="an Object whose status is no object"),
        pytest.param(
            {"apiVersion": "kubernetes.crossplane.io/v1alpha1", "kind": "ProviderConfig"},
            True,
            id="a ProviderConfig, which never has a condition",
        ),
        pytest.param(
            {"apiVersion": "kubernetes.m.crossplane.io/v1alpha1", "kind": "ProviderConfig"}, True, id="a namespaced ProviderConfig"
        ),
        pytest.param({"apiVersion": "v1", "kind": "Secret"}, True, id="a Secret"),
        pytest.param({"apiVersion": "upbound.io/v1alpha1", "kind": "ProviderConfig"}, True, id="a ProviderConfig of provider-upbound"),
        pytest.param(team({"crossplane.io/external-name": "u"}), True, id="a Team with its UUID"),
        pytest.param(team({}), False, id="a Team without its UUID"),
        pytest.param(team(None), False, id="a Team without annotations"),
        pytest.param({**team({}), "metadata": None}, False, id="a Team without metadata"),
        pytest.param({}, False, id="nothing at all"),
    ],
)
def test_ready(resource: dict[str, Any], ready: bool) -> None:
    assert readiness.ready(resource, readiness.conditions(resource)) is ready


def test_an_external_secret_is_ready_when_it_says_so_and_what_claims_do_holds_up_nothing() -> None:
    def found(api_version: str, kind: str, status: str) -> bool:
        resource = {"apiVersion": api_version, "kind": kind, "status": {"conditions": [{"type": "Ready", "status": status}]}}
        return readiness.ready(resource, readiness.conditions(resource))

    assert [found("external-secrets.io/v1", "ExternalSecret", s) for s in ("True", "False")] == [True, False]
    assert found("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "False")
    assert found("argoproj.io/v1alpha1", "Application", "False")
