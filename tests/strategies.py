"""Environments as their authors write them: wire dicts, so that parsing is tested too."""

from typing import Any

from hypothesis import strategies as st

HOSTS = ("west.spaces.upbound.io", "east.spaces.upbound.io", "north.spaces.upbound.io:8443")
# Long shared beginnings and dashes: names that only a hash of all parts tells apart.
NAMES = st.one_of(st.sampled_from(("a", "a-b", "b", "a-b-c", "b-c")), st.sampled_from(("x" * 62 + "1", "x" * 62 + "2", "x" * 40, "x" * 41)))
LABELS = st.dictionaries(st.sampled_from(("stage", "team")), st.sampled_from(("dev", "prod")), max_size=2)
POLICIES = st.sampled_from((["*"], ["Observe"], ["Observe", "Create", "Update", "LateInitialize"]))
CROSSPLANE = st.sampled_from(({}, {"version": "2.0.2-up.5"}, {"autoUpgrade": {"channel": "Rapid"}}, {"state": "Paused"}))

INPUT: dict[str, Any] = {
    "apiVersion": "upbound-environment.fn.crossplane.io/v1beta1",
    "kind": "Input",
    "rules": [
        {
            "namespaces": ["platform", ""],
            "organizations": ["acme"],
            "hosts": ["*.spaces.upbound.io", "*.spaces.upbound.io:8443"],
            "secrets": [
                {"namespace": "crossplane-system", "name": "upbound-credentials", "key": "token", "use": "Token"},
                {"namespace": "crossplane-system", "name": "cluster-config", "key": "kubeconfig", "use": "Kubeconfig"},
            ],
            "resources": [
                {"scope": "Group", "kinds": ["SharedSecretStore.spaces.upbound.io"]},
                {"scope": "ControlPlane", "kinds": ["ConfigMap"]},
            ],
        }
    ],
    "hub": {"providerConfigName": "hub", "namespace": "crossplane-system"},
}


def _optional(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid spec: Spaces, groups, control planes and resources that refer to each other."""
    spaces = [{"name": f"s{i}", "host": HOSTS[i]} for i in range(draw(st.integers(1, 2)))]
    names = [s["name"] for s in spaces]
    groups = []
    for name in draw(st.lists(NAMES, unique=True, max_size=3)):
        more = draw(
            _optional({"labels": LABELS, "deletionProtection": st.booleans(), "adopt": st.booleans(), "managementPolicies": POLICIES})
        )
        groups.append({"name": name, "space": draw(st.sampled_from(names)), **more})
    control_planes = []
    for name in draw(st.lists(NAMES, unique=True, max_size=4)):
        group = draw(st.sampled_from([None, "used", *(g["name"] for g in groups)]))
        listed = next((g for g in groups if g["name"] == group), None)
        where = {"space": listed["space"] if listed else draw(st.sampled_from(names)), **({"group": group} if group else {})}
        more = draw(_optional({"labels": LABELS, "adopt": st.booleans(), "crossplane": CROSSPLANE, "managementPolicies": POLICIES}))
        control_planes.append({"name": name, **where, **more})
    resources = [
        {
            "name": "store",
            "group": g["name"],
            "manifest": {
                "apiVersion": "spaces.upbound.io/v1alpha1",
                "kind": "SharedSecretStore",
                "metadata": {"name": "aws"},
                "spec": STORE,
            },
        }
        for g in groups[:1]
        if draw(st.booleans())
    ]
    resources += [
        {
            "name": "settings",
            "controlPlane": c["name"],
            "manifest": {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "settings", "namespace": "default"},
                "data": {"a": "b"},
            },
        }
        for c in control_planes[:1]
        if draw(st.booleans())
    ]
    versions = st.sampled_from(("v1.0.0", "v1.1.0", "sha256:" + "0" * 64))
    packages = draw(st.lists(st.sampled_from(("platform", "extras")), unique=True, max_size=2))
    configurations = [{"name": n, "package": f"xpkg.upbound.io/acme/{n}", "version": draw(versions)} for n in packages]
    for first in control_planes[:1]:
        first.update(draw(_optional({"configurations": st.just([{**k, "version": "v2.0.0"} for k in configurations[:1]])})))
    cut = draw(st.integers(0, len(control_planes)))
    stages = [[c["name"] for c in part] for part in (control_planes[:cut], control_planes[cut:])]
    rollout = {"stages": [{"name": f"stage-{i}", "soak": "1h", "controlPlaneSelector": {"names": s}} for i, s in enumerate(stages) if s]}
    more = draw(_optional({"configurations": st.just(configurations), "rollout": st.just(rollout)}))
    more |= draw(_optional({"removalPolicy": st.sampled_from(("Confirm", "Delete", "Orphan")), "managementPolicies": POLICIES}))
    return {"organization": "acme", "spaces": spaces, "groups": groups, "controlPlanes": control_planes, "resources": resources, **more}


STORE = {
    "controlPlaneSelector": {"names": ["a"]},
    "namespaceSelector": {"names": ["default"]},
    "provider": {"aws": {"service": "SecretsManager", "region": "us-west-2"}},
}


def composite(spec: dict[str, Any], *, namespaced: bool) -> dict[str, Any]:
    """The XR with `spec`, of either API."""
    if namespaced:
        return {
            "apiVersion": "environments.m.upbound.io/v1alpha1",
            "kind": "UpboundEnvironment",
            "metadata": {"name": "acme", "namespace": "platform"},
            "spec": spec,
        }
    claim = {"apiVersion": "environments.upbound.io/v1alpha1", "kind": "UpboundEnvironment", "name": "acme", "namespace": "platform"}
    return {
        "apiVersion": "environments.upbound.io/v1alpha1",
        "kind": "XUpboundEnvironment",
        "metadata": {"name": "acme-x7k2p"},
        "spec": {**spec, "claimRef": claim},
    }


WORLDS = st.booleans()
XRS = st.builds(lambda spec, namespaced: composite(spec, namespaced=namespaced), specs(), WORLDS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(("name", "spaces", "host", "spec", "metadata")), inner, max_size=4)
    ),
    max_leaves=12,
)
