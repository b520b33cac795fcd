"""The laws of the design, for arbitrary environments and arbitrary states of what is observed."""

import asyncio
import base64
import copy
import datetime
import json
import random
from typing import Any

import pytest
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from hypothesis import given
from hypothesis import strategies as st

from function import fn, kube, model, names, structs
from function.model import Identity
from tests import schemas, strategies, upbound, world

INPUT = strategies.INPUT
PASSES = 12
"""More than any graph of ours is deep."""


def bytes_of(rsp: fnv1.RunFunctionResponse) -> bytes:
    return rsp.SerializeToString(deterministic=True)


def rest_of(xr: dict[str, Any]) -> datetime.timedelta:
    """How long a settled environment may rest."""
    return fn.READING if world.request(xr, INPUT, {}, {"token": ""}).required_resources else fn.SETTLED


def with_spec(xr: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """`xr`, of which another version has been committed."""
    return {**xr, "spec": strategies.composite(spec, namespaced="namespace" in xr["metadata"])["spec"]}


def shuffled(value: Any, seed: int) -> Any:
    """`value` with every map in another order."""
    if isinstance(value, dict):
        items = [(k, shuffled(v, seed)) for k, v in value.items()]
        random.Random(seed).shuffle(items)  # noqa: S311  # Only an order.
        return dict(items)
    return [shuffled(v, seed) for v in value] if isinstance(value, list) else value


@st.composite
def cut(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A document of which parts are missing, or are no longer what they were."""
    document = copy.deepcopy(document)
    for path in draw(st.lists(st.sampled_from(PARTS), max_size=3)):
        node: Any = document
        for part in path[:-1]:
            node = node.get(part, {}) if isinstance(node, dict) else {}
        if isinstance(node, dict) and path[-1] in node:
            node[path[-1]] = draw(strategies.JSON)
    return document


PARTS = (
    ("status",),
    ("status", "conditions"),
    ("status", "atProvider"),
    ("status", "atProvider", "manifest"),
    ("status", "atProvider", "manifest", "metadata"),
    ("status", "atProvider", "manifest", "metadata", "labels"),
    ("spec", "managementPolicies"),
    ("spec", "references"),
    ("spec", "providerConfigRef"),
    ("spec", "credentials"),
    ("spec", "forProvider"),
    ("spec", "writeConnectionSecretToRef"),
    ("metadata", "annotations"),
    ("metadata", "finalizers"),
    ("metadata", "uid"),
    ("data",),
)


@given(strategies.XRS, st.integers(0, 4), st.integers(0, 99))
def test_1_the_same_input_gives_the_same_bytes_in_whatever_order_it_comes(xr: dict[str, Any], steps: int, seed: int) -> None:
    w = world.settled(xr, INPUT, steps=steps)

    again = world.call(shuffled(w.xr, seed), shuffled(INPUT, seed), shuffled(w.observed, seed))

    assert bytes_of(again) == bytes_of(world.call(w.xr, INPUT, w.observed))


@given(strategies.XRS, strategies.specs(), st.integers(0, 4), st.data())
def test_2_what_is_wanted_and_exists_is_always_desired_whatever_cannot_be_read(
    xr: dict[str, Any], spec: dict[str, Any], steps: int, data: st.DataObject
) -> None:
    w = world.settled(xr, INPUT, steps=steps)
    later = with_spec(w.xr, spec)
    wanted = set(world.call(later, INPUT).desired.resources)

    seen = {k: data.draw(cut(o)) for k, o in w.observed.items()}

    assert set(seen) & wanted <= set(world.call(later, INPUT, seen).desired.resources)


@given(strategies.specs(), strategies.specs(), strategies.WORLDS, st.integers(1, 4), st.integers(1, 9))
def test_2_no_control_plane_and_no_group_is_ever_deleted_without_a_policy_or_a_confirmation(
    first: dict[str, Any], second: dict[str, Any], namespaced: bool, before: int, after: int
) -> None:
    first, second = ({**s, "removalPolicy": "Confirm"} for s in (first, second))
    w = world.settled(strategies.composite(first, namespaced=namespaced), INPUT, steps=before)

    w.xr = {**w.xr, "spec": strategies.composite(second, namespaced=namespaced)["spec"]}
    for _ in range(after):
        w.step()

    assert [place for place in w.deleted if place[2] in ("ControlPlane", "Namespace")] == []


@given(strategies.specs(), strategies.WORLDS)
def test_2_deleting_the_environment_at_any_time_deletes_nothing_in_a_space_unless_removal_policy_says_so(
    spec: dict[str, Any], namespaced: bool
) -> None:
    w = world.World(strategies.composite({**spec, "removalPolicy": "Confirm"}, namespaced=namespaced), INPUT)

    for _ in range(5):
        w.step()
        local = (names.KUBECONFIG, *names.TARGETS)
        managed = [o for k, o in w.observed.items() if not k.startswith(local) and "managementPolicies" in o.get("spec", {})]
        assert not any({"*", "Delete"} & set(o["spec"]["managementPolicies"]) for o in managed)


@given(strategies.specs(), strategies.WORLDS)
def test_2_an_environment_that_is_emptied_with_removal_policy_delete_removes_all_it_owns_in_order(
    spec: dict[str, Any], namespaced: bool
) -> None:
    unprotected = [{**g, "deletionProtection": False, "managementPolicies": ["*"]} for g in spec["groups"]]
    full = [{**c, "managementPolicies": ["*"]} for c in spec["controlPlanes"]]
    spec = {**spec, "removalPolicy": "Delete", "managementPolicies": ["*"], "groups": unprotected, "controlPlanes": full}
    w = world.settled(strategies.composite(spec, namespaced=namespaced), INPUT)
    owned = {w.place(o) for k, o in w.observed.items() if k.startswith("controlplane/")}
    owned |= {upbound.place(o) for o in w.observed.values() if o["kind"] in upbound.KINDS and o["spec"]["managementPolicies"] == ["*"]}
    owned |= {w.place(o) for k, o in w.observed.items() if k.startswith("group/") and o["spec"]["managementPolicies"] == ["*"]}

    w.xr = {**w.xr, "spec": strategies.composite({"organization": "acme", "removalPolicy": "Delete"}, namespaced=namespaced)["spec"]}
    for _ in range(PASSES):
        w.step()

    assert w.observed == {}
    assert owned <= set(w.deleted)


@given(
    st.lists(
        st.tuples(
            strategies.NAMES,
            strategies.NAMES,
            st.sampled_from(("group/a/b", "group/a-b", "controlplane/a/b/c", "x" * 200 + "1", "x" * 200 + "2")),
        ),
        unique=True,
        min_size=2,
    )
)
def test_3_names_are_valid_and_of_their_own(parts: list[tuple[str, str, str]]) -> None:
    found = [names.object_name(Identity(namespace, name), key) for namespace, name, key in parts]

    assert len(set(found)) == len(parts)
    assert all(len(n) <= 49 and schemas.DNS_LABEL.fullmatch(n) for n in found)


@given(strategies.XRS)
def test_3_each_composed_resource_has_a_name_of_its_own(xr: dict[str, Any]) -> None:
    composed = [(r.resource["kind"], r.resource["metadata"]["name"]) for r in world.call(xr, INPUT).desired.resources.values()]

    assert len(set(composed)) == len(composed)


@given(strategies.XRS)
def test_4_a_world_comes_to_rest_and_stays_there(xr: dict[str, Any]) -> None:
    w = world.settled(xr, INPUT, steps=PASSES)

    rest = w.reconcile()

    assert bytes_of(rest) == bytes_of(world.call(w.xr, INPUT, w.observed))
    assert rest.meta.ttl.seconds in (rest_of(xr).seconds, fn.UNSETTLED.seconds)


@given(strategies.XRS)
def test_4_what_can_be_made_is_made_and_ready(xr: dict[str, Any]) -> None:
    spec = {**xr["spec"], "managementPolicies": ["*"], "groups": [{**g, "managementPolicies": ["*"]} for g in xr["spec"]["groups"]]}
    spec["controlPlanes"] = [{**c, "managementPolicies": ["*"]} for c in spec["controlPlanes"]]
    w = world.World({**xr, "spec": spec}, INPUT)
    # A group that a robot's token could not make is there already.
    hosts = {s["name"]: s["host"] for s in spec["spaces"] if "robotTokenRef" in s.get("credentials", {})}
    for g in model.parse(w.xr, INPUT).groups:
        if not g.owned and g.space in hosts:
            w.remote[hosts[g.space], "", "Namespace", "", g.name] = {"kind": "Namespace", "metadata": {"name": g.name, "uid": "u"}}
    for _ in range(PASSES):
        w.step()

    rest = w.reconcile()

    assert all(r.ready == fnv1.READY_TRUE for r in rest.desired.resources.values())
    assert (rest.meta.ttl.seconds, rest.desired.composite.ready) == (rest_of(xr).seconds, fnv1.READY_UNSPECIFIED)


@given(strategies.XRS, st.integers(0, 3), st.data())
def test_5_no_nulls_no_composed_status_and_nothing_of_the_composite_but_its_status(
    xr: dict[str, Any], steps: int, data: st.DataObject
) -> None:
    w = world.settled(xr, INPUT, steps=steps)
    req = world.request(w.xr, INPUT, {k: data.draw(cut(o)) for k, o in w.observed.items()})
    req.desired.resources["of-an-earlier-function"].resource.update({"apiVersion": "v1", "kind": "ConfigMap"})
    req.meta.tag = "a tag"

    rsp = fn.run(req)

    assert list(rsp.desired.composite.resource.fields) == ["status"]
    assert rsp.desired.resources.pop("of-an-earlier-function") == req.desired.resources["of-an-earlier-function"]
    assert rsp.meta.tag == "a tag"
    for r in rsp.desired.resources.values():
        manifest = world.plain(r.resource)
        assert "status" not in manifest
        assert "null" not in json.dumps(manifest).replace('"null"', "")


MARKER = "MARKER-of-a-secret"


@given(strategies.XRS, st.integers(1, 3))
def test_6_secret_bytes_appear_only_in_the_data_of_secrets(xr: dict[str, Any], steps: int) -> None:
    w = world.settled(xr, INPUT, steps=steps)
    encoded = base64.b64encode(MARKER.encode()).decode()
    for o in w.observed.values():
        if o["kind"] == "Secret":
            o["data"]["foreign"] = encoded
        else:
            o["status"] = {
                "conditions": [
                    {"type": "Synced", "status": "False", "message": f"cannot get upbound org scoped token: Unauthorized: {MARKER}"}
                ]
            }
    req = world.request(w.xr, INPUT, w.observed)
    for r in req.observed.resources.values():
        r.connection_details["token"] = MARKER.encode()
    req.observed.composite.connection_details["token"] = MARKER.encode()
    req.credentials["token"].credential_data.data["token"] = MARKER.encode()

    rsp = fn.run(req)

    for key, r in rsp.desired.resources.items():
        if r.resource["kind"] == "Secret":
            r.resource["data"].Clear()
        assert MARKER not in str(r), key
        assert encoded not in str(r), key
    assert MARKER not in str(rsp)


def test_6_a_secret_is_never_wrapped_by_the_general_constructor() -> None:
    with pytest.raises(ValueError, match="cannot wrap a Secret"):
        kube.wrapped(None, "k", {"apiVersion": "v1", "kind": "Secret"}, kube.Via("via"))


@given(strategies.XRS, strategies.specs(), st.integers(0, 5))
def test_7_what_is_withheld_held_refused_or_unready_is_not_ready(xr: dict[str, Any], spec: dict[str, Any], steps: int) -> None:
    w = world.settled(xr, INPUT, steps=steps)
    w.xr = with_spec(w.xr, spec)

    rsp = w.reconcile()

    conditions = {c.type: c.status == fnv1.STATUS_CONDITION_TRUE for c in rsp.conditions}
    trouble = any(conditions[t] for t in ("Conflict", "Refused", "RemovalPending"))
    unready = not all(c for t, c in conditions.items() if t.endswith("Ready"))
    ready = rsp.desired.composite.ready != fnv1.READY_FALSE and all(r.ready == fnv1.READY_TRUE for r in rsp.desired.resources.values())
    assert not (ready and (trouble or unready))


@given(strategies.XRS, st.integers(0, 3))
def test_8_everything_passes_the_published_schema_of_its_kind(xr: dict[str, Any], steps: int) -> None:
    w = world.settled(xr, INPUT, steps=steps)

    for r in w.reconcile().desired.resources.values():
        schemas.check(world.plain(r.resource))


@given(strategies.JSON, strategies.JSON, strategies.WORLDS)
def test_9_anything_at_all_gets_an_answer_that_deletes_nothing(spec: Any, input_: Any, namespaced: bool) -> None:
    xr = {**strategies.composite({}, namespaced=namespaced), "spec": spec}
    req = world.request(xr, {**INPUT, "rules": [input_]})
    req.desired.resources["of-an-earlier-function"].resource.update({"kind": "ConfigMap"})

    rsp = asyncio.run(fn.FunctionRunner().RunFunction(req, None))

    (result,) = rsp.results
    assert result.severity == fnv1.SEVERITY_FATAL
    assert "defect" not in result.message
    assert list(rsp.desired.resources) == ["of-an-earlier-function"]


@given(strategies.specs(), st.integers(0, 3), st.data())
def test_9_one_wrong_value_anywhere_gets_an_answer(spec: dict[str, Any], steps: int, data: st.DataObject) -> None:
    xr = strategies.composite(copy.deepcopy(spec), namespaced=data.draw(strategies.WORLDS))
    w = world.settled(xr, INPUT, steps=steps)
    node: Any = w.xr["spec"]
    for _ in range(data.draw(st.integers(0, 4))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        inner = [k for k in keys if isinstance(node[k], (dict, list)) and node[k]]
        if not inner:
            break
        node = node[data.draw(st.sampled_from(inner))]
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    node[data.draw(st.sampled_from(keys))] = data.draw(strategies.JSON)

    rsp = asyncio.run(fn.FunctionRunner().RunFunction(world.request(w.xr, INPUT, w.observed), None))

    assert all("defect" not in r.message for r in rsp.results)


@given(strategies.specs(), st.data())
def test_10_no_input_of_a_tenant_reaches_what_its_rule_does_not_allow(spec: dict[str, Any], data: st.DataObject) -> None:
    refs = st.fixed_dictionaries(
        {
            "namespace": st.sampled_from(("platform", "crossplane-system", "other")),
            "name": st.sampled_from(("upbound-credentials", "cluster-config", "mine")),
            "key": st.sampled_from(("token", "kubeconfig")),
        }
    )
    for s in spec["spaces"]:
        s["host"] = data.draw(st.sampled_from((*strategies.HOSTS, "evil.example")))
        s["credentials"] = data.draw(st.fixed_dictionaries({}, optional={"tokenSecretRef": refs, "kubeconfigSecretRef": refs}))
        s["insecureSkipTLSVerify"] = data.draw(st.booleans())
    xr = strategies.composite(spec, namespaced=False)
    if iam := spec.get("iam"):
        iam |= data.draw(st.fixed_dictionaries({}, optional={"tokenSecretRef": refs}))
        for token in (t for r in iam["robots"] for t in r["tokens"]):
            into = st.fixed_dictionaries({"name": strategies.NAMES, "namespace": st.sampled_from(("platform", "crossplane-system"))})
            token.update(data.draw(st.fixed_dictionaries({}, optional={"writeConnectionSecretToRef": into})))
    rule = {**INPUT["rules"][0], "ownKubeconfigs": data.draw(st.booleans()), "insecureSkipTLSVerify": data.draw(st.booleans())}
    granted = data.draw(st.booleans())
    rule["resources"] = [r for r in rule["resources"] if granted or r["scope"] != "Organization"]
    req = world.request(xr, {**INPUT, "rules": [rule]})

    rsp = asyncio.run(fn.FunctionRunner().RunFunction(req, None))

    allowed = {tuple(s.values())[:3] for s in rule["secrets"]}
    for r in rsp.desired.resources.values():
        config = world.plain(r.resource)
        if ".upbound.io" in f".{config['apiVersion']}":
            into = config["spec"].get("writeConnectionSecretToRef") or config["spec"].get("credentials", {}).get("secretRef")
            assert granted
            assert not into or into["namespace"] == "platform" or (into["namespace"], into["name"], into.get("key", "token")) in allowed
        if config["kind"] != "ProviderConfig" or "identity" not in config["spec"]:
            continue
        kubeconfig, token = (
            tuple(config["spec"][p]["secretRef"][k] for k in ("namespace", "name", "key")) for p in ("credentials", "identity")
        )
        generated = kubeconfig[:2] == ("crossplane-system", names.object_name(Identity("platform", "acme"), names.KUBECONFIG))
        assert generated or kubeconfig in allowed or (kubeconfig[0] == "platform" and rule["ownKubeconfigs"])
        assert token in allowed or token[0] == "platform"
        assert "evil.example" not in config["metadata"]["annotations"].values()
        if token[0] != "platform":
            assert generated or kubeconfig in allowed


@given(strategies.JSON)
def test_views_of_structs_say_what_the_structs_say(value: Any) -> None:
    document = {"a": value, "b": {"c": value}}
    req = world.request(document, {})
    view = structs.View(req.observed.composite.resource)

    assert view == structs.plain(view) == json.loads(json.dumps(document))
    assert view.dig(("b", "c")) == view["b"]["c"] == view["a"]
    assert (len(view), list(view), view.dig(()), view.dig(("b", "x", "y"))) == (2, list(view), view, None)
    with pytest.raises(KeyError):
        view["c"]
    assert "c" not in req.observed.composite.resource.fields


@given(st.lists(strategies.XRS, min_size=2, max_size=4))
def test_what_is_remembered_between_calls_changes_no_byte(xrs: list[dict[str, Any]]) -> None:
    fresh = []
    for xr in xrs:
        structs._WRITTEN._kept.clear()
        fn._environment.cache_clear()
        fresh.append(bytes_of(world.call(xr, INPUT)))

    assert [bytes_of(world.call(xr, INPUT)) for xr in xrs] == fresh


def test_what_is_remembered_between_calls_is_bounded() -> None:
    written = structs.Written()
    written.MOST = 3
    for i in range(10):
        written.struct({"a": i})

    assert [k.fields["a"].number_value for k in written._kept.values()] == [7, 8, 9]
    assert fn._environment.cache_info().maxsize == 8


def test_what_metadata_changes_by_itself_is_no_other_environment() -> None:
    def authored(metadata: dict[str, Any]) -> bytes:
        return fn._authored(world.request({"metadata": metadata}, {}).observed.composite.resource)

    assert authored({"name": "a", "resourceVersion": "1"}) == authored({"name": "a", "resourceVersion": "2"}) != authored({"name": "b"})
    assert authored({"name": {}}) == b""
