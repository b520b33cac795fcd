"""Services of a Space: what their selectors mean, and what they come after."""

from typing import Any

import pytest

from function.model import services
from function.model.parts import ControlPlane, Policies, Resource
from function.model.selectors import selects
from tests import schemas

EXPRESSION = {"key": "stage", "operator": "In", "values": ["prod"]}


def resource(kind: str, name: str, **spec: Any) -> Resource:
    """A service of a group."""
    manifest = {"apiVersion": "spaces.upbound.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return Resource(name, "Group", "west", "team", None, manifest, Policies.FULL)


def control_plane(mark: dict[str, str] | None = None, **labels: str) -> ControlPlane:
    """A control plane with labels."""
    return ControlPlane("a", "a", "west", "team", Policies.FULL, adopt=False, labels=labels, spec={}, kubeconfig=None, mark=mark or {})


@pytest.mark.parametrize("place", ["secretStoreRef", "data", "dataFrom"])
def test_a_secret_comes_after_each_store_that_it_names_once(place: str) -> None:
    ref, source = {"name": "company"}, [{"sourceRef": {"generatorRef": {}}}, *[{"sourceRef": {"storeRef": {"name": "company"}}}] * 2]
    stores = [resource("SharedSecretStore", n, secretStoreName=called) for n, called in (("a", "company"), ("b", "other"))]
    secret = resource("SharedExternalSecret", "s", externalSecretSpec={place: ref if place == "secretStoreRef" else source})

    assert list(services.before(secret, [*stores, secret])) == stores[:1]


@pytest.mark.parametrize("field", ["controlPlaneSelector", "namespaceSelector"])
@pytest.mark.parametrize(
    "short",
    [
        {"matchLabels": {"a": "b"}},
        {"matchExpressions": [EXPRESSION]},
        {"matchLabels": {"a": "b"}, "matchExpressions": [EXPRESSION]},
    ],
    ids=" and ".join,
)
def test_the_short_form_of_a_selector_is_written_out_as_one(field: str, short: dict[str, Any]) -> None:
    whole = {"names": ["dev"], "labelSelectors": [{"matchLabels": {"c": "d"}}], **short}
    secret = resource("SharedExternalSecret", "s", **{field: whole})

    sent = services.completed(secret.manifest, {}, {})["spec"][field]

    assert sent == {"names": ["dev"], "labelSelectors": [{"matchLabels": {"c": "d"}}, short]}


@pytest.mark.parametrize(
    ("operator", "means"),
    [("In", ["prod"]), ("NotIn", ["dev", "none"]), ("Exists", ["prod", "dev"]), ("DoesNotExist", ["none"])],
)
def test_expressions_in_short_mean_what_kubernetes_takes_them_for(operator: str, means: list[str]) -> None:
    values = {"values": ["prod"]} if operator in ("In", "NotIn") else {}
    selector = {"matchExpressions": [{"key": "stage", "operator": operator, **values}]}
    found = {"prod": control_plane(stage="prod"), "dev": control_plane(stage="dev"), "none": control_plane()}

    assert [name for name, c in found.items() if selects(selector, c)] == means
    assert not selects({**selector, "matchLabels": {"more": "is asked for"}}, found[means[0]])


def test_a_selector_sees_the_label_that_a_control_plane_gets() -> None:
    selector = {"matchLabels": {"mark": "ours", "stage": "prod"}}

    assert selects(selector, control_plane({"mark": "ours"}, stage="prod"))
    assert not selects(selector, control_plane(stage="prod"))


def test_the_providers_of_a_store_are_those_of_its_schema() -> None:
    version, kind = "spaces.upbound.io/v1alpha1", "SharedSecretStore"
    spec = schemas._schema(version, kind)["properties"]["spec"]

    assert set(services.TABLE[version, kind].one_of["provider",]) == set(spec["properties"]["provider"]["properties"])
