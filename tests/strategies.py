"""Environments as their authors write them: wire dicts, so that parsing is tested too."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.upbound import UUID

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
                {
                    "scope": "Group",
                    "kinds": [
                        *(f"{kind}.spaces.upbound.io" for kind in ("SharedSecretStore", "SharedBackupConfig", "Backup")),
                        "ObjectRoleBinding.authorization.spaces.upbound.io",
                    ],
                },
                {
                    "scope": "Organization",
                    "kinds": [
                        *(f"{kind}.iam.upbound.io" for kind in ("Team", "Robot", "RobotTeamMembership", "Token")),
                        *(f"{kind}.repository.upbound.io" for kind in ("Repository", "Permission")),
                    ],
                },
                {"scope": "ControlPlane", "kinds": ["ConfigMap"]},
            ],
            "targets": ["here", "tools", "shop"],
        }
    ],
    "targets": [
        {"name": "here", "namespaces": ["platform"], "repositories": ["https://github.com/acme/*"]},
        {
            "name": "tools",
            "providerConfigName": "tools",
            "namespaces": ["argocd", "flux-system"],
            "secretStores": [{"kind": "ClusterSecretStore", "name": "vault", "keys": ["upbound/*"]}],
            "sources": ["flux-system"],
            "repositories": ["https://github.com/acme/*"],
            "secrets": [{"namespace": "flux-system", "name": "kubeconfig", "use": "FluxKubeconfig"}],
        },
        {"name": "shop", "helmProviderConfigName": "shop", "namespaces": ["kube-system", "a", "a-b"]},
    ],
    "hub": {"providerConfigName": "hub", "namespace": "crossplane-system"},
}


STORE_REF = {"secretStoreRef": {"name": "vault"}, "remoteRef": {"key": "upbound/token", "property": "token"}}
APPLICATIONS = {"repoURL": "https://github.com/acme/claims", "targetRevision": "main"}


def _optional(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid spec: Spaces, groups, control planes and resources that refer to each other."""
    spaces: list[dict[str, Any]] = [{"name": f"s{i}", "host": HOSTS[i]} for i in range(draw(st.integers(1, 2)))]
    names = [s["name"] for s in spaces]
    iam = draw(organizations())
    teams = known_teams(iam["teams"])
    groups = []
    for name in draw(st.lists(NAMES, unique=True, max_size=3)):
        more = draw(
            _optional({"labels": LABELS, "deletionProtection": st.booleans(), "adopt": st.booleans(), "managementPolicies": POLICIES})
        )
        roles = [{"team": team, "role": draw(ROLES)} for team in teams if draw(st.booleans())]
        groups.append({"name": name, "space": draw(st.sampled_from(names)), **({"access": roles} if roles else {}), **more})
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
    resources += [
        {"name": name, "group": g["name"], "manifest": manifest}
        for g in groups[:1]
        if draw(st.booleans())
        for name, manifest in (("config", BACKUP_CONFIG), ("backup", BACKUP))
    ]
    tokens = [{"robot": r["name"], "token": t["name"]} for r in iam["robots"] for t in r["tokens"]]
    for s in spaces:
        if tokens and s["name"] not in {g["space"] for g in groups} and draw(st.booleans()):
            s["credentials"] = {"robotTokenRef": draw(st.sampled_from(tokens))}
    versions = st.sampled_from(("v1.0.0", "v1.1.0", "sha256:" + "0" * 64))
    packages = draw(st.lists(st.sampled_from(("platform", "extras")), unique=True, max_size=2))
    configurations = [{"name": n, "package": f"xpkg.upbound.io/acme/{n}", "version": draw(versions)} for n in packages]
    for first in control_planes[:1]:
        first.update(draw(_optional({"configurations": st.just([{**k, "version": "v2.0.0"} for k in configurations[:1]])})))
    cut = draw(st.integers(0, len(control_planes)))
    stages = [[c["name"] for c in part] for part in (control_planes[:cut], control_planes[cut:])]
    rollout = {"stages": [{"name": f"stage-{i}", "soak": "1h", "controlPlaneSelector": {"names": s}} for i, s in enumerate(stages) if s]}
    more = draw(_optional({"iam": st.just(iam)})) if not tokens and not iam["teams"] else {"iam": iam}
    more |= draw(_optional({"configurations": st.just(configurations), "rollout": st.just(rollout)}))
    more |= draw(_optional({"removalPolicy": st.sampled_from(("Confirm", "Delete", "Orphan")), "managementPolicies": POLICIES}))
    spec = {"organization": "acme", "spaces": spaces, "groups": groups, "controlPlanes": control_planes, "resources": resources, **more}
    return _consumed(draw, spec)


def _consumed(draw: st.DrawFn, spec: dict[str, Any]) -> dict[str, Any]:
    """A spec with what consumes its control planes: `composite` fits it to its world."""
    target = st.sampled_from(("here", "tools"))
    if draw(st.booleans()):
        auth = st.sampled_from(("PodEnvironment", "ExternalSecret", "ComposedSecret"))
        more = draw(_optional({"auth": auth, "applications": st.just(APPLICATIONS)}))
        spec["argocd"] = {"target": draw(target), "externalSecret": STORE_REF, **more}
    if draw(st.booleans()):
        source = st.sampled_from(({"source": {"url": "https://github.com/acme/claims"}}, {"source": {"url": "oci://x.io/a"}}))
        way = st.sampled_from(({"allowExecKubeconfig": True}, {"externalSecret": STORE_REF}))
        spec["flux"] = {"target": draw(target), **draw(source | st.just({"sourceRef": {"name": "flux-system"}})), **draw(way)}
    names = [c["name"] for c in spec["controlPlanes"]]
    tokens = [{"robot": r["name"], "token": t["name"]} for r in spec.get("iam", {}).get("robots", ()) for t in r["tokens"]]
    if "argocd" in spec and tokens and draw(st.booleans()):
        spec["argocd"]["robotTokenRef"] = tokens[0]
    taken = [s.get("credentials", {}).get("robotTokenRef") for s in spec["spaces"]]
    robots = [{"robotTokenRef": t} for t in tokens if t not in taken]
    spec["connectors"] = [
        {
            "name": f"c{i}",
            "controlPlane": draw(st.sampled_from(names)),
            "target": "shop",
            "namespace": namespace,
            "version": "0.10.0",
            "claimNamespace": draw(st.sampled_from(("default", "a", "b"))),
            **({"clusterID": f"c{i}"} if i else {}),
            **draw(st.sampled_from((CONNECTOR_TOKEN, *robots))),
        }
        for i, namespace in enumerate(draw(st.lists(st.sampled_from(("kube-system", "a", "a-b")), unique=True, max_size=2)))
        if names
    ]
    for i, c in enumerate(spec["controlPlanes"]):
        if draw(st.integers(0, 3)) == 0:
            c["writeConnectionSecretToRef"] = {"name": f"kubeconfig-{i}"}
        if "argocd" in spec and draw(st.integers(0, 3)) == 0:
            c["argocd"] = {"enabled": False}
    return spec


def known_teams(teams: list[dict[str, Any]]) -> list[str]:
    """How teams can be referred to: by name, and by a UUID that no entry has."""
    return [*(t["name"] for t in teams), *([] if any("externalName" in t for t in teams) else [UUID])]


@st.composite
def organizations(draw: st.DrawFn) -> dict[str, Any]:
    """A valid iam: teams, robots and repositories that refer to each other."""
    few = st.lists(NAMES, unique=True, max_size=2)
    teams: list[dict[str, Any]] = []
    for name in draw(few):
        team = {"name": name, **draw(_optional({"remoteName": NAMES, "externalName": st.just(UUID)}))}
        if any("externalName" in t for t in teams):
            team.pop("externalName", None)
        if team.get("remoteName", name) not in {t.get("remoteName", t["name"]) for t in teams}:
            teams.append(team)
    known = known_teams(teams)
    robots: list[dict[str, Any]] = []
    for name in draw(few):
        tokens = [{"name": token, **draw(_optional({"generation": st.integers(1, 3)}))} for token in draw(few)]
        more = draw(_optional({"description": st.just("ci"), "externalName": st.just(UUID)}))
        if any("externalName" in r for r in robots):
            more.pop("externalName", None)
        robots.append({"name": name, "teams": draw(st.lists(st.sampled_from(known), unique=True)), "tokens": tokens, **more})
    secrets = [f"{r['name']}-{t['name']}-{t.get('generation', 1)}" for r in robots for t in r["tokens"]]
    for r in robots if len(set(secrets)) < len(secrets) else ():
        r["tokens"] = []
    repositories = []
    for name in draw(few):
        permissions = [{"team": team, "permission": draw(st.sampled_from(("read", "write")))} for team in known if draw(st.booleans())]
        more = draw(_optional({"public": st.booleans(), "publish": st.booleans(), "adopt": st.booleans()}))
        repositories.append({"name": name, "permissions": permissions, **more})
    return {"teams": teams, "robots": robots, "repositories": repositories}


ROLES = st.sampled_from(("viewer", "editor", "admin"))
BACKUP_CONFIG = {
    "apiVersion": "spaces.upbound.io/v1alpha1",
    "kind": "SharedBackupConfig",
    "metadata": {"name": "default"},
    "spec": {
        "objectStorage": {
            "provider": "AWS",
            "bucket": "b",
            "credentials": {"source": "Secret", "secretRef": {"name": "aws", "key": "credentials"}},
        }
    },
}
BACKUP = {
    "apiVersion": "spaces.upbound.io/v1alpha1",
    "kind": "Backup",
    "metadata": {"name": "before"},
    "spec": {"controlPlane": "a", "configRef": {"kind": "SharedBackupConfig", "name": "default"}},
}
CONNECTOR_TOKEN = {"tokenSecretRef": {"namespace": "platform", "name": "connector", "key": "token"}}
STORE = {
    "controlPlaneSelector": {"names": ["a"]},
    "namespaceSelector": {"names": ["default"]},
    "provider": {"aws": {"service": "SecretsManager", "region": "us-west-2"}},
}


def composite(spec: dict[str, Any], *, namespaced: bool) -> dict[str, Any]:
    """The XR with `spec`, of either API."""
    spec = copy.deepcopy(spec)
    if namespaced:
        for connector in spec.get("connectors", []):
            connector.get("tokenSecretRef", {}).pop("namespace", None)
    for tool in ("argocd", "flux"):
        if spec.get(tool, {}).get("target") == "here" and not namespaced:
            spec[tool]["target"] = "tools"
    if spec.get("argocd", {}).get("target") == "tools" and spec["argocd"].get("auth") == "ComposedSecret":
        spec["argocd"]["auth"] = "PodEnvironment"
    if spec.get("flux", {}).get("target") == "here" and "externalSecret" in spec["flux"]:
        spec["flux"] = {**{k: v for k, v in spec["flux"].items() if k != "externalSecret"}, "allowExecKubeconfig": True}
    if spec.get("argocd", {}).get("target") == "here" and spec["argocd"].get("auth") == "ExternalSecret":
        spec["argocd"]["externalSecret"] = {**STORE_REF, "secretStoreRef": {"kind": "SecretStore", "name": "own"}}
    unread = {"ExternalSecret": ("robotTokenRef",), "ComposedSecret": ("externalSecret",)}
    for field in unread.get(spec.get("argocd", {}).get("auth"), ("externalSecret", "robotTokenRef")) if "argocd" in spec else ():
        spec["argocd"].pop(field, None)
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
