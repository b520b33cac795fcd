"""What consumes control planes: no secret leaves a Secret, nothing of the platform is borrowed, and things go in order."""

import base64
import contextlib
import copy
import itertools
import re
from typing import Any

import pytest
import yaml
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from hypothesis import given
from hypothesis import strategies as st

from function import delivery, fn, kube, model, names
from function.model.types import INTERVAL
from function.observed import Observed
from tests import schemas, stories, strategies, world

INPUT = {
    **strategies.INPUT,
    "rules": [{**strategies.INPUT["rules"][0], "hosts": ["*"], "ownKubeconfigs": True}],
}
SPACES: dict[str, dict[str, Any]] = {
    "Cloud": {"name": "s", "host": "a.spaces.upbound.io"},
    "Connected": {"name": "s", "type": "Connected", "host": "a.example:6443"},
    "Disconnected": {
        "name": "s",
        "type": "Disconnected",
        "host": "a.example",
        "credentials": {"kubeconfigSecretRef": {"name": "a", "key": "kubeconfig"}},
    },
    "Legacy": {"name": "s", "type": "Legacy"},
}
MARKER = "MARKER-of-a-secret"
KUBECONFIG = f"users: [{{user: {{token: {MARKER}}}}}]\nclusters: []"


def environment(space: str, **more: Any) -> dict[str, Any]:
    """A namespaced environment with one control plane in a Space of a type."""
    ref = {"kubeconfigSecretRef": {"name": "c", "key": "kubeconfig"}} if space == "Disconnected" else {}
    spec = {"organization": "acme", "spaces": [SPACES[space]], "controlPlanes": [{"name": "c", **ref}], **more}
    return strategies.composite(spec, namespaced=True)


def desired(rsp: fnv1.RunFunctionResponse) -> dict[str, Any]:
    """Desired resources, as plain values."""
    return {k: world.plain(r.resource) for k, r in rsp.desired.resources.items()}


AUTHS = [
    *(
        (s, a, t)
        for s in ("Cloud", "Connected")
        for a, t in (("PodEnvironment", "tools"), ("PodEnvironment", "here"), ("ExternalSecret", "tools"))
    ),
    *((s, "ComposedSecret", "here") for s in SPACES),
    *((s, "ExternalSecret", "tools") for s in ("Disconnected", "Legacy")),
]


FLUX: dict[str, dict[str, Any]] = {
    "externalSecret": {"externalSecret": strategies.STORE_REF},
    "exec": {"allowExecKubeconfig": True},
    "kubeconfigSecretRef": {},
}


PLACES = [("a", "b-c", "d"), ("a-b", "c", "d"), ("a", "b", "c-d"), ("a", "c", "d"), ("a-b", "c-d", "e")]


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations(PLACES, 2)))
def test_two_control_planes_are_refused_exactly_when_argo_cd_would_call_them_alike(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    hosts = {space: f"{space}.spaces.upbound.io" for space, _, _ in (one, two)}
    planes = [{"name": n, "remoteName": c, "space": s, "group": g} for n, (s, g, c) in (("one", one), ("two", two))]
    spec = {"organization": "acme", "spaces": [{"name": s, "host": h} for s, h in hosts.items()], "controlPlanes": planes}
    xr = strategies.composite(spec, namespaced=True)
    alike = len({names.argocd_cluster(c) for c in model.parse(xr, INPUT).control_planes}) == 1

    xr["spec"]["argocd"] = {"target": "tools"}
    refused = pytest.raises(model.InvalidError, match="is called in Argo CD as another") if alike else contextlib.nullcontext()
    with refused:
        assert len(model.parse(xr, INPUT).argocd) == 2


NO_TOKEN = ("Disconnected", "Legacy")  # exec is refused in these: tests/bad_input.yaml.


@pytest.mark.parametrize(
    ("space", "auth", "target", "way"), [(*a, way) for a in AUTHS for way in FLUX if way != "exec" or a[0] not in NO_TOKEN]
)
def test_6_a_marker_in_every_secret_that_is_read_is_in_nothing_but_secrets(space: str, auth: str, target: str, way: str) -> None:
    flux = {"target": "tools" if way == "externalSecret" else "here", "sourceRef": {"name": "flux-system"}, **FLUX[way]}
    store = {"externalSecret": strategies.STORE_REF} if auth == "ExternalSecret" else {}
    xr = environment(space, argocd={"target": target, "auth": auth, **store}, flux=flux)
    if way == "kubeconfigSecretRef":
        xr["spec"]["controlPlanes"][0]["flux"] = {"kubeconfigSecretRef": {"name": "flux", "key": "value"}}
    secrets = {"token": MARKER, "kubeconfig": KUBECONFIG}

    rsp = fn.run(world.request(xr, INPUT, {}, secrets))

    found = desired(rsp)
    composed = [m for m in found.values() if m["kind"] == "Secret" and m["metadata"].get("labels")]
    held = [base64.b64decode(m["data"].pop("config")).decode() for m in composed]
    assert [MARKER in h for h in held] == [auth == "ComposedSecret"] * len(held)
    assert bool(held) == (target == "here")
    everything = f"{found} {rsp.conditions} {rsp.results} {rsp.desired.composite}"
    assert MARKER not in everything
    assert base64.b64encode(MARKER.encode()).decode()[:-4] not in everything
    assert (
        names.argocd(model.parse(xr, INPUT).argocd[0].target, "externalsecret" if auth == "ExternalSecret" else "cluster", C(xr)) in found
    )


def C(xr: dict[str, Any]) -> Any:  # noqa: N802  # The control plane, as in the promises.
    """The control plane of an environment."""
    return model.parse(xr, INPUT).control_planes[0]


@pytest.mark.parametrize("space", ["Cloud", "Disconnected"])
@pytest.mark.parametrize("broken", ["", "\0\xff", "[", "users: []", "users: [{user: {}}]", "- " * 3000, "!!python/object:a.b {}"])
def test_what_cannot_be_read_keeps_a_composed_secret_as_it_is_and_not_ready(space: str, broken: str) -> None:
    xr = environment(space, argocd={"target": "here", "auth": "ComposedSecret"})
    w = world.settled(xr, INPUT)
    key = next(k for k in w.observed if k.startswith("argocd/"))

    rsp = fn.run(world.request(w.xr, INPUT, w.observed, {"token": "", "kubeconfig": broken}))
    without = fn.run(world.request(w.xr, INPUT, w.observed))
    fresh = fn.run(world.request(xr, INPUT, {}, {"token": "", "kubeconfig": broken}))

    for r in (rsp, without):
        assert desired(r)[key]["data"] == w.observed[key]["data"]
        assert r.desired.resources[key].ready == fnv1.READY_FALSE
    assert key not in fresh.desired.resources
    assert fresh.desired.composite.ready == fnv1.READY_FALSE
    (registration,) = world.plain(fresh.desired.composite.resource)["status"]["controlPlanes"][0]["registrations"]
    assert registration["message"].startswith("there is no ")


def test_a_secret_is_asked_for_by_name_and_only_where_it_is_read() -> None:
    asked = fn.run(world.request(environment("Cloud", argocd={"target": "here", "auth": "ComposedSecret"}), INPUT))
    other = fn.run(world.request(environment("Cloud", argocd={"target": "here"}), INPUT))

    (selector,) = asked.requirements.resources.values()
    assert (selector.api_version, selector.kind, selector.namespace, selector.match_name) == (
        "v1",
        "Secret",
        "platform",
        "upbound-credentials",
    )
    assert not other.HasField("requirements")


def test_an_environment_that_reads_rests_five_minutes_at_most() -> None:
    w = world.settled(environment("Cloud", argocd={"target": "here", "auth": "ComposedSecret"}), INPUT)

    assert w.reconcile().meta.ttl.seconds == 300


def test_6_a_secret_with_bytes_is_never_delivered_in_an_object() -> None:
    env = model.parse(environment("Cloud", argocd={"target": "tools"}), INPUT)

    with pytest.raises(ValueError, match="cannot wrap a Secret"):
        delivery.delivered(env, "k", env.argocd[0].target, kube.secret("a", "b", {}))


@pytest.mark.parametrize("namespaced", [True, False])
def test_connection_secrets_are_carried_in_secrets_alone(namespaced: bool) -> None:
    spec = {
        "organization": "acme",
        "spaces": [SPACES["Cloud"]],
        "controlPlanes": [{"name": "c", "writeConnectionSecretToRef": {"name": "kc"}}],
    }
    w = world.settled(strategies.composite(spec, namespaced=namespaced), INPUT)

    rsp = w.reconcile()

    carrier = desired(rsp)["connection/s/default/c"]
    assert carrier["spec"]["managementPolicies"] == ["Observe"]
    assert carrier["spec"]["forProvider"]["manifest"]["kind"] == "ControlPlane"
    assert [d["fieldPath"] for d in carrier["spec"]["connectionDetails"]] == ["data.kubeconfig"]
    details = {k: bytes(v) for k, v in rsp.desired.composite.connection_details.items()}
    encoded = base64.b64encode(world.KUBECONFIG).decode()
    assert details == ({} if namespaced else {"c.kubeconfig": world.KUBECONFIG})
    assert [m["data"] for k, m in desired(rsp).items() if k == "connections"] == ([{"c.kubeconfig": encoded}] if namespaced else [])
    assert "a-token" not in str(rsp.conditions) + str(rsp.desired.composite.resource)

    # What cannot be read for a moment stays.
    seen = copy.deepcopy(w.observed)
    seen["connection/s/default/c"]["status"] = {}
    later = fn.run(world.request(w.xr, INPUT, seen))
    assert [m["data"] for k, m in desired(later).items() if k == "connections"] == ([{"c.kubeconfig": encoded}] if namespaced else [])


ALL = {
    "argocd": {"target": "here", "applications": strategies.APPLICATIONS},
    "flux": {"target": "tools", "source": {"url": "https://github.com/acme/claims"}, "allowExecKubeconfig": True},
    "connectors": [
        {
            "name": "shop",
            "controlPlane": "c",
            "target": "shop",
            "version": "0.10.0",
            "claimNamespace": "claims",
            "tokenSecretRef": {"name": "connector", "key": "token"},
        }
    ],
}


def consumers(w: world.World) -> list[str]:
    """Keys of what consumes, that exist and are not being deleted."""
    return [k for k, o in w.observed.items() if k.startswith(names.CONSUMERS) and "deletionTimestamp" not in o["metadata"]]


def removed(xr: dict[str, Any], *fields: str) -> dict[str, Any]:
    """`xr` without some fields."""
    return {**xr, "spec": {k: v for k, v in xr["spec"].items() if k not in fields}}


def test_what_consumes_a_held_control_plane_stays_and_goes_before_it_once_it_is_confirmed() -> None:
    w = world.settled(environment("Cloud", **ALL), INPUT)
    before = sorted(consumers(w))
    namespace = next(p for p in w.remote if p[2] == "Namespace")

    w.xr = removed(w.xr, "controlPlanes", "argocd", "flux", "connectors")
    for _ in range(4):
        w.step()
    assert sorted(consumers(w)) == before
    (cluster,) = (o for k, o in w.observed.items() if "/cluster/" in k)
    assert cluster["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"

    uid = w.observed["controlplane/s/default/c"]["status"]["atProvider"]["manifest"]["metadata"]["uid"]
    w.xr["spec"]["confirmedRemovals"] = [{"kind": "ControlPlane", "name": "c", "uid": uid}]
    gone: list[set[str]] = []
    for _ in range(12):
        had = set(w.observed)
        w.step()
        gone.append(had - set(w.observed))

    order = [i for i, keys in enumerate(gone) for k in keys if k.startswith(names.CONSUMERS)]
    (at_last,) = (i for i, keys in enumerate(gone) if "controlplane/s/default/c" in keys)
    assert max(order) < at_last
    assert set(w.observed) == {"kubeconfig", "providerconfig/s"}
    assert namespace in w.remote


def test_what_is_removed_from_a_control_plane_that_stays_goes_in_order_and_never_a_namespace() -> None:
    w = world.settled(environment("Cloud", **ALL), INPUT)

    w.xr = removed(w.xr, "argocd", "flux", "connectors")
    gone: list[set[str]] = []
    for _ in range(6):
        had = set(w.observed)
        w.step()
        gone.append(had - set(w.observed))

    step = {k: i for i, keys in enumerate(gone) for k in keys}
    at = {
        what: next(i for k, i in step.items() if f"/{what}" in k)
        for what in ("application", "project", "cluster", "kustomization", "gitrepository")
    }
    assert at["application"] < min(at["project"], at["cluster"])
    assert at["kustomization"] <= at["gitrepository"]
    assert consumers(w) == []
    assert "controlplane/s/default/c" in w.observed
    assert not any(p[2] == "Namespace" for p in w.deleted)


def test_nothing_consumes_what_is_somebody_elses() -> None:
    xr = environment("Cloud", **ALL)
    w = world.World(xr, INPUT)
    w.step()
    control_plane = w.observed["controlplane/s/default/c"]["status"]["atProvider"]["manifest"]
    control_plane["metadata"]["labels"] = {names.LABEL_ENVIRONMENT: "another"}
    only = {k: w.observed[k] for k in ("controlplane/s/default/c", "kubeconfig", "providerconfig/s", "providerconfig/s/default/c")}

    rsp = fn.run(world.request(xr, INPUT, only))
    looking = fn.run(world.request({**xr, "spec": {**xr["spec"], "managementPolicies": ["Observe"]}}, INPUT, only))

    natively = [k for k, m in desired(rsp).items() if k.startswith(names.CONSUMERS) and m["kind"] != "Object"]
    policies = [m["spec"]["managementPolicies"] for k, m in desired(rsp).items() if k.startswith("flux/") and "gitrepository" not in k]
    assert natively == []
    assert policies == [["Observe"]] * 2
    assert [k for k in desired(looking) if k.startswith("argocd/")]


@given(strategies.XRS, st.integers(0, 4))
def test_no_claim_is_ever_deleted_by_what_we_emit(xr: dict[str, Any], steps: int) -> None:
    w = world.settled(xr, strategies.INPUT, steps=steps)

    for m in desired(w.reconcile()).values():
        inner = m["spec"]["forProvider"]["manifest"] if m["kind"] == "Object" else m
        assert all(f.startswith(world.REFERRED_BY) for f in inner["metadata"].get("finalizers", ())), "none of a tool's own"
        assert inner["kind"] != "Kustomization" or inner["spec"]["deletionPolicy"] == "Orphan"
        if inner["kind"] == "Application":
            assert "/controlplanes/" in inner["spec"]["destination"]["server"]
            assert "CreateNamespace=true" not in inner["spec"]["syncPolicy"]["syncOptions"]


@given(strategies.specs(), st.data())
def test_10_no_consumer_of_a_tenant_reaches_what_its_target_does_not_allow(spec: dict[str, Any], data: st.DataObject) -> None:
    spec["argocd"] = {
        "target": data.draw(st.sampled_from(("tools", "other"))),
        "namespace": data.draw(st.sampled_from(("argocd", "kube-system"))),
        "project": data.draw(st.sampled_from(("default", "claims"))),
        "auth": "ExternalSecret",
        "externalSecret": {
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": data.draw(st.sampled_from(("vault", "another")))},
            "remoteRef": {"key": data.draw(st.sampled_from(("upbound/a", "bank/a")))},
        },
        "applications": {"repoURL": f"https://github.com/{data.draw(st.sampled_from(('acme', 'bank', 'acme/..')))}/claims"},
    }
    for c in spec["connectors"]:
        c.pop("robotTokenRef", None)
        c["tokenSecretRef"] = {
            "namespace": data.draw(st.sampled_from(("platform", "crossplane-system", "other"))),
            "name": "upbound-credentials",
            "key": "token",
        }
        c["namespace"] = data.draw(st.sampled_from(("kube-system", "crossplane-system")))
    targets = [
        *({**t, "projects": ["claims"]} for t in strategies.INPUT["targets"]),
        {"name": "other", "namespaces": ["*"], "providerConfigName": "o"},
    ]
    req = world.request(strategies.composite(spec, namespaced=False), {**strategies.INPUT, "targets": targets})

    try:
        found = desired(fn.run(req))
    except model.InvalidError:
        return

    for key, m in found.items():
        via = m["spec"].get("providerConfigRef", {}).get("name")
        if m["kind"] == "Release":
            ref = m["spec"]["forProvider"]["set"][0]["valueFrom"]["secretKeyRef"]
            assert (ref["namespace"], via, m["spec"]["forProvider"]["namespace"]) == ("platform", "shop", "kube-system")
        inner = m["spec"]["forProvider"].get("manifest", {}) if m["kind"] == "Object" else {}
        assert via != "o"
        if inner.get("kind") == "ExternalSecret" and key.startswith("argocd/"):
            assert inner["metadata"]["namespace"] == "argocd"
            assert inner["spec"]["secretStoreRef"]["name"] == "vault"
            assert inner["spec"]["data"][0]["remoteRef"]["key"] == "upbound/a"
            assert inner["spec"]["target"]["template"]["data"]["project"] == "claims"
        if inner.get("kind") == "Application":
            assert inner["spec"]["source"]["repoURL"] == "https://github.com/acme/claims"


@pytest.mark.parametrize("story", ["argocd", "flux"])
def test_it_works_the_same_with_secrets_redacted_from_what_is_observed(story: str) -> None:
    s = stories.Story(stories.EXAMPLES / story)
    w = world.settled(s.xr, world.plain(s.request().input))
    redacted = copy.deepcopy(w.observed)
    for o in redacted.values():
        seen = o.get("status", {}).get("atProvider", {}).get("manifest", {})
        if seen.get("kind") == "Secret":
            seen["data"] = {"redacted": None}

    again = world.call(w.xr, w.input, redacted)

    assert desired(again) == desired(world.call(w.xr, w.input, w.observed))
    assert all(r.ready == fnv1.READY_TRUE for r in again.desired.resources.values())


def test_what_is_observed_of_secrets_and_connections_is_nothing_where_nothing_was_given() -> None:
    observed = Observed({}, {})

    assert kube.decoded("/w==") == kube.decoded("a") == ""
    assert (observed.secret(model.environment.SecretKey("a", "b", "c")), observed.connection("k")) == ("", {})


def test_errors_of_a_target_are_no_errors_of_a_space() -> None:
    xr = environment("Cloud", argocd={"target": "tools"})
    w = world.settled(xr, INPUT)
    key = next(k for k in w.observed if k.startswith("argocd/"))
    w.observed[key]["status"] = {"conditions": [{"type": "Synced", "status": "False", "message": "x509: unknown authority"}]}

    conditions = {c.type: c for c in fn.run(world.request(w.xr, INPUT, w.observed)).conditions}

    assert conditions["CredentialsReady"].status == fnv1.STATUS_CONDITION_TRUE
    assert conditions["RegistrationsReady"].status == fnv1.STATUS_CONDITION_FALSE


SAID_AT_TARGETS = [
    (
        (
            'secrets is forbidden: User "system:serviceaccount:crossplane-system:provider-kubernetes" cannot create resource "secrets"'
            ' in API group "" in the namespace "argocd"'
        ),
        (
            "the target's ProviderConfig may not do this with secrets there: give its user that right; for Argo CD and Flux in this"
            " cluster, package/install/hub-gitops.yaml does"
        ),
    ),
    (
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "create failed: tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ),
    (
        'namespaces "argocd" not found',
        "the target has no namespace argocd: create it there, or correct the namespaces of the target in the Composition's Input",
    ),
    (
        'no matches for kind "Application" in version "argoproj.io/v1alpha1"',
        (
            "the target does not have the kind Application: install there what has it, with its CRDs: Argo CD, Flux or External Secrets"
            " Operator"
        ),
    ),
    (
        'cannot get provider config: ProviderConfig.kubernetes.crossplane.io "tools" not found',
        (
            "ProviderConfig tools, which reaches the target, does not exist: create it: it is the platform team's; or name another for the"
            " target in the Composition's Input"
        ),
    ),
    ("failed to download chart: 401 Unauthorized: Bearer abc.def", "create failed: failed to download chart: 401 Unauthorized: [redacted]"),
    (
        f"cannot get upbound org scoped token: Unauthorized: {MARKER}",
        (
            "the target cannot be reached with the credentials of its ProviderConfig: correct them: that ProviderConfig is the platform"
            " team's, and not this environment's"
        ),
    ),
]


@pytest.mark.parametrize(("family", "said"), list(zip(itertools.cycle(names.TARGETS), SAID_AT_TARGETS, strict=False)))
def test_errors_of_a_target_say_what_is_wrong_there(family: str, said: tuple[str, str]) -> None:
    message, says = said
    w = world.settled(environment("Cloud", **{**ALL, "argocd": {"target": "tools"}}), INPUT)
    key = next(k for k in w.observed if k.startswith(family))
    failed = {"type": "Synced", "status": "False", "reason": "ReconcileError", "message": f"create failed: {message}"}
    w.observed[key]["status"] = {"conditions": [failed]}

    w.reconcile()

    (bad,) = (r for r in w.xr["status"]["controlPlanes"][0]["registrations"] if not r["ready"])
    assert bad["message"] == says


def test_what_a_target_has_says_of_itself_is_shown_as_it_is() -> None:
    argocd = {"target": "tools", "auth": "ExternalSecret", "externalSecret": strategies.STORE_REF}
    w = world.settled(environment("Cloud", argocd=argocd), INPUT)
    (o,) = (o for k, o in w.observed.items() if "/externalsecret/" in k)
    said = 'could not get SecretStore: secrets "s" is forbidden: User "eso" cannot get resource "secrets"'
    o["status"]["conditions"][1]["status"] = "False"
    o["status"]["atProvider"]["manifest"]["status"] = {"conditions": [{"type": "Ready", "status": "False", "message": said}]}

    w.reconcile()

    assert w.xr["status"]["controlPlanes"][0]["registrations"][0]["message"] == said


@pytest.mark.parametrize("source", [{"source": {"url": "https://a.example/b"}}, {"sourceRef": {"name": "flux-system"}}])
def test_a_control_plane_is_in_flux_only_with_the_source_that_is_made_for_it(source: dict[str, Any]) -> None:
    w = world.settled(environment("Cloud", flux={"target": "tools", **FLUX["exec"], **source}), INPUT)
    sources = [k for k in w.observed if k.startswith("flux/") and k.endswith("/gitrepository")]
    for key in sources:
        w.observed[key]["status"]["conditions"] = [{"type": "Synced", "status": "False", "message": "no room"}]

    w.reconcile()

    (registration,) = w.xr["status"]["controlPlanes"][0]["registrations"]
    assert (registration["ready"], registration.get("message")) == ((False, "no room") if sources else (True, None))
    assert bool(sources) == ("source" in source)


@pytest.mark.parametrize("space", SPACES)
def test_everything_that_consumes_passes_the_published_schema_of_its_kind(space: str) -> None:
    external = {"auth": "ExternalSecret", "externalSecret": strategies.STORE_REF}
    flux = {"target": "tools", "source": {"url": "oci://a.example/b"}, "externalSecret": strategies.STORE_REF}
    argocd = {"target": "tools", "applications": strategies.APPLICATIONS, **external}
    w = world.settled(environment(space, argocd=argocd, flux=flux), INPUT)

    for m in desired(w.reconcile()).values():
        schemas.check(m)


ROBOT: dict[str, Any] = {"robot": "ci", "token": "apps"}


def robots(generation: int) -> dict[str, Any]:
    """One robot, with a generation of its token."""
    return {"robots": [{"name": "ci", "tokens": [{"name": "apps", "generation": generation}]}]}


def composed(w: world.World, *, bytes_: str) -> dict[str, Any]:
    """One reconcile in which every Secret that is asked for has `bytes_`."""
    rsp = fn.run(world.request(w.xr, INPUT, w.observed, {"token": bytes_, "kubeconfig": ""}))
    for key, manifest in desired(rsp).items():
        w._apply(key, manifest)
    for key in [k for k in w.observed if k not in rsp.desired.resources]:
        w.observed[key]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    w.provide()
    return {r.match_name: desired(rsp) for r in rsp.requirements.resources.values()}


def test_what_has_a_robots_token_moves_to_the_next_generation_before_the_old_one_goes() -> None:
    argocd = {"target": "here", "auth": "ComposedSecret", "robotTokenRef": ROBOT}
    w = world.settled(environment("Cloud", argocd=argocd, iam=robots(1)), INPUT)
    old, new, key = "token/ci/apps/1", "token/ci/apps/2", next(k for k in w.observed if k.startswith("argocd/"))
    assert w.observed[key]["metadata"]["annotations"][names.ANNOTATION_AFTER].endswith(f",{old}")

    w.xr["spec"]["iam"] = robots(2)
    assert list(composed(w, bytes_="one")) == ["ci-apps-1"], "the new one is not ready yet"
    assert list(composed(w, bytes_="")) == ["ci-apps-2"], "it is, but its Secret cannot be read yet"
    assert {old, new} <= set(w.observed)
    assert w.observed[key]["metadata"]["annotations"][names.ANNOTATION_AFTER].endswith(f",{old}"), "its bytes are still the old ones"
    composed(w, bytes_="two")
    assert old in w.observed, "until the Secret with the new ones is observed"
    for _ in range(3):
        composed(w, bytes_="two")
    assert old not in w.observed
    assert "two" in base64.b64decode(w.observed[key]["data"]["config"]).decode()


@pytest.mark.parametrize("namespaced", [True, False])
def test_a_connector_waits_for_its_robots_token_and_keeps_it(namespaced: bool) -> None:
    connector = {
        "name": "a",
        "controlPlane": "c",
        "target": "shop",
        "version": "0.10.0",
        "claimNamespace": "default",
        "robotTokenRef": ROBOT,
    }
    spec = {
        "organization": "acme",
        "spaces": [SPACES["Cloud"]],
        "controlPlanes": [{"name": "c"}],
        "iam": robots(1),
        "connectors": [connector],
    }
    w = world.World(strategies.composite(spec, namespaced=namespaced), INPUT)
    key = "connector/shop/kube-system"
    assert key not in desired(w.step())
    for _ in range(4):
        w.step()
    (value,) = w.observed[key]["spec"]["forProvider"]["set"]
    assert value["valueFrom"]["secretKeyRef"] == {**({} if namespaced else {"namespace": "platform"}), "name": "ci-apps-1", "key": "token"}

    without = {k: v for k, v in w.xr["spec"].items() if k not in ("connectors", "iam")}
    w.xr = {**w.xr, "spec": without}
    for _ in range(3):
        w.reconcile()
        gone = [k for k in w.observed if "deletionTimestamp" in w.observed[k]["metadata"]]
        kept = w.observed["token/ci/apps/1"]["spec"]["managementPolicies"]
        assert (gone, kept) == ([key], ["Observe", "Create", "Update", "LateInitialize"]), "the token stays until what uses it is gone"
    for _ in range(6):
        w.step()
    assert not [k for k in w.observed if k.startswith(("connector/", "token/", "robot/"))]


FOREIGN = {
    "kind": "ControlPlane",
    "metadata": {"name": "c", "namespace": "default", "uid": "u", "labels": {names.LABEL_ENVIRONMENT: "f" * 32}},
}
PLACE = ("a.spaces.upbound.io", "", "ControlPlane", "default", "c")
CONSUMED: dict[str, Any] = {
    "argocd": {"target": "tools", "applications": strategies.APPLICATIONS},
    "flux": {"target": "tools", "sourceRef": {"name": "flux-system"}, "externalSecret": strategies.STORE_REF},
    "connectors": [
        {
            "name": "c",
            "controlPlane": "c",
            "target": "shop",
            "version": "0.10.0",
            "claimNamespace": "default",
            "tokenSecretRef": {"name": "connector", "key": "token"},
        }
    ],
    "controlPlanes": [{"name": "c", "writeConnectionSecretToRef": {"name": "kubeconfig-of-theirs"}}],
}


@pytest.mark.parametrize("namespaced", [True, False])
def test_nothing_is_told_of_somebody_elses_control_plane(namespaced: bool) -> None:
    spec = copy.deepcopy({"organization": "acme", "spaces": [SPACES["Cloud"]], **CONSUMED})
    if not namespaced:
        spec["connectors"][0]["tokenSecretRef"]["namespace"] = "platform"
    w = world.World(strategies.composite(spec, namespaced=namespaced), INPUT)
    w.remote[PLACE] = {**copy.deepcopy(FOREIGN), "spec": {"writeConnectionSecretToRef": {"name": "kubeconfig-of-theirs"}}}
    for _ in range(6):
        rsp = w.step()
        assert [p for p in w.remote if p[0] == "tools"] == []
        assert not {"connection/s/default/c", "connector/shop/kube-system"} & set(rsp.desired.resources)
        assert not rsp.desired.composite.connection_details
    assert next(c for c in rsp.conditions if c.type == "Conflict").status == fnv1.STATUS_CONDITION_TRUE

    w.remote[PLACE]["metadata"]["labels"] = {names.LABEL_ENVIRONMENT: names.environment_label(model.parse(w.xr, INPUT).identity)}
    for _ in range(6):
        rsp = w.step()
    assert len([p for p in w.remote if p[0] == "tools"]) >= 5
    assert {"connection/s/default/c", "connector/shop/kube-system"} <= set(rsp.desired.resources)


def test_what_was_told_goes_with_its_line_though_the_control_plane_is_somebody_elses_by_now() -> None:
    w = world.settled(environment("Cloud", **{k: v for k, v in CONSUMED.items() if k != "controlPlanes"}), INPUT)
    assert [p for p in w.remote if p[0] == "tools"]
    for seen in (w.remote[PLACE], w.observed["controlplane/s/default/c"]["status"]["atProvider"]["manifest"]):
        seen["metadata"]["labels"] = dict(FOREIGN["metadata"]["labels"])
    for _ in range(3):
        rsp = w.step()
    assert next(c for c in rsp.conditions if c.type == "Conflict").status == fnv1.STATUS_CONDITION_TRUE
    w.xr = {**w.xr, "spec": {k: v for k, v in w.xr["spec"].items() if k not in ("argocd", "flux", "connectors")}}
    for _ in range(5):
        w.step()

    assert [p for p in w.remote if p[0] == "tools"] == []


@pytest.mark.parametrize(
    "text",
    [
        "a: !!timestamp x",
        "a: !!bool x",
        "a: !!int ''",
        "users: [{user: {token: [a, b]}}]",
        "users: [{user: {token: {a: b}}}]",
        "a: &a [x]\nusers: [{user: {token: *a}}]",
        "users: [{user: {token: null}}]\nclusters: [{cluster: {certificate-authority-data: ~}}]",
        'users: "\\U00110000"',
        'users: "\\UFFFFFFFF"',
        f"%YAML {'9' * 5000}.1\n---\na: b",
        "a0: &a0 x\n"
        + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
        + "users: [{user: {token: *a9}}]\n",
    ],
)
def test_a_strange_kubeconfig_has_no_credentials(text: str) -> None:
    assert kube.credentials_in(text) == ("", "")


def test_a_kubeconfigs_values_are_text() -> None:
    assert kube.credentials_in("users: [{user: {token: 12345}}]\nclusters: [{cluster: {certificate-authority-data: Y2E=}}]") == (
        "12345",
        "Y2E=",
    )


def test_credentials_of_a_target_go_only_to_hosts_that_it_lists() -> None:
    xr = environment("Cloud", argocd={"target": "tools"}, flux=CONSUMED["flux"])
    listed = [{**t, "hosts": ["b.spaces.upbound.io"]} if t["name"] == "tools" else t for t in INPUT["targets"]]

    with pytest.raises(model.InvalidError) as refused:
        model.parse(xr, {**INPUT, "targets": listed})

    assert [str(p) for p in refused.value.problems] == [
        f"spec.controlPlanes[0].{tool}: would send credentials of target tools to a host that it does not list; "
        "ask the platform team to allow it in the Composition's Input"
        for tool in ("argocd", "flux")
    ]


def test_a_release_with_another_version_is_not_ready_by_what_it_said_before() -> None:
    w = world.settled(environment("Cloud", connectors=CONSUMED["connectors"]), INPUT)
    key = "connector/shop/kube-system"
    assert w.reconcile().desired.resources[key].ready == fnv1.READY_TRUE
    w.xr = {**w.xr, "spec": {**w.xr["spec"], "connectors": [{**CONSUMED["connectors"][0], "version": "0.11.0"}]}}

    assert w.reconcile().desired.resources[key].ready == fnv1.READY_FALSE
    w.step()
    assert w.reconcile().desired.resources[key].ready == fnv1.READY_TRUE


def test_the_application_set_of_the_docs_is_for_one_environment_and_named_by_it() -> None:
    text = (stories.ROOT / "docs" / "gitops.md").read_text()
    (found,) = (b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "kind: ApplicationSet" in b)
    spec = yaml.safe_load(found)["spec"]
    selector = spec["generators"][0]["clusters"]["selector"]["matchLabels"]
    story = stories.Story(stories.EXAMPLES / "argocd")
    other = copy.deepcopy(story.xr)
    other["spec"]["claimRef"]["name"] = "other"

    def clusters(xr: dict[str, Any]) -> list[dict[str, Any]]:
        w = world.settled(xr, world.plain(story.request().input))
        return [o["spec"]["forProvider"]["manifest"] for k, o in w.observed.items() if k.startswith("argocd/") and "/cluster/" in k]

    def named(secret: dict[str, Any]) -> str:
        known = {"name": base64.b64decode(secret["data"]["name"]).decode()}
        known |= {f"metadata.labels.{k}": v for k, v in secret["metadata"]["labels"].items()}
        return re.sub("{{(.*?)}}", lambda m: known[m[1]], spec["template"]["metadata"]["name"])

    mine, theirs = clusters(story.xr), clusters(other)
    assert [base64.b64decode(c["data"]["name"]) for c in mine if selector.items() <= c["metadata"]["labels"].items()] == [
        b"controlplane-west-default-dev"
    ]
    assert not [c for c in theirs if selector.items() <= c["metadata"]["labels"].items()]
    assert len({named(c) for c in (*mine, *theirs)}) == len(mine) + len(theirs) == 4


UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


@given(st.from_regex(INTERVAL, fullmatch=True))
def test_go_holds_every_interval_that_is_taken(interval: str) -> None:
    """One that it does not hold fails a controller's list, so that it stops for everybody (time.ParseDuration)."""
    assert sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([0-9.]+)(ms|[hms])", interval)) < 2**63 / 1e9


@pytest.mark.parametrize("interval", ["5m0s", "1h", "1h0m0s", "604800s", "500ms", "0.5h", "1h30m", "1h0m0.25s"])
def test_intervals_that_people_write_are_taken(interval: str) -> None:
    flux = {"target": "tools", "allowExecKubeconfig": True, "interval": interval, "sourceRef": {"name": "flux-system"}}

    assert model.parse(environment("Cloud", flux=flux), INPUT).flux[0].interval == interval


TOKEN = {"name": "a", "key": "token"}
LAB = {**SPACES["Disconnected"], "name": "lab"}


@pytest.mark.parametrize(
    "spec",
    [
        {"argocd": {"target": "here", "auth": "ComposedSecret", "tokenSecretRef": TOKEN}, "controlPlanes": []},
        {
            "argocd": {"target": "here", "tokenSecretRef": TOKEN},
            "controlPlanes": [{"name": "c"}, {"name": "d", "argocd": {"auth": "ComposedSecret"}}],
        },
        {
            "argocd": {"target": "here", "auth": "ComposedSecret", "tokenSecretRef": TOKEN},
            "spaces": [SPACES["Cloud"], LAB],
            "controlPlanes": [
                {"name": "c", "space": "s"},
                {"name": "d", "space": "lab", "kubeconfigSecretRef": {"name": "d", "key": "kubeconfig"}},
            ],
        },
        {
            "argocd": {"target": "here"},
            "defaults": {"controlPlane": {"argocd": {"auth": "ComposedSecret", "tokenSecretRef": TOKEN}}},
            "controlPlanes": [{"name": "c", "argocd": {"enabled": False, "tokenSecretRef": TOKEN}}],
        },
        {
            "flux": {"target": "here", "sourceRef": {"name": "a"}},
            "defaults": {
                "controlPlane": {
                    "flux": {"externalSecret": {**strategies.STORE_REF, "secretStoreRef": {"kind": "SecretStore", "name": "own"}}}
                }
            },
            "controlPlanes": [{"name": "c", "flux": {"kubeconfigSecretRef": {"name": "a", "key": "value"}}}, {"name": "d"}],
        },
    ],
    ids=["for those to come", "for one of two", "for one in a Cloud Space", "of an opted out one", "an own kubeconfig over what all have"],
)
def test_what_several_share_may_be_read_by_some(spec: dict[str, Any]) -> None:
    base = {"organization": "acme", "spaces": [SPACES["Cloud"]]}

    model.parse(strategies.composite({**base, **spec}, namespaced=True), INPUT)


@pytest.mark.parametrize(
    "url", ["ssh://git@github.com:22/acme/claims", "https://github.com:8443/acme/claims", "https://github.com/acme/a%20b"]
)
def test_addresses_without_credentials_are_taken(url: str) -> None:
    flux = {"target": "tools", "allowExecKubeconfig": True, "source": {"url": url}}

    model.parse(environment("Cloud", flux=flux), INPUT)
