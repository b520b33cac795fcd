"""Keys, names and addresses are promises: these values may never change."""

from function import cli, commands, kube, names, printed
from function.model import iam as s
from function.model import resolve_iam
from function.model.consumed import Target
from function.model.input import Input
from function.model.input import Target as Place
from function.model.parts import ControlPlane, Identity, Policies, Resource, SecretKey, Space, Token
from function.resources import flux

C = ControlPlane("dev", "app", "west", "team", Policies.FULL, adopt=False, labels={}, spec={}, kubeconfig=None)
INPUT = Input.model_validate({"apiVersion": "upbound-environment.fn.crossplane.io/v1beta1", "kind": "Input"})
ACME = Identity("platform", "acme")


def resource(scope: str, api_version: str = "v1", namespace: str | None = None) -> Resource:
    """A resource at `scope`."""
    metadata = {"name": "x"} if namespace is None else {"name": "x", "namespace": namespace}
    manifest = {"apiVersion": api_version, "kind": "Kind", "metadata": metadata}
    return Resource("r", scope, "west", "team", C if scope == "ControlPlane" else None, manifest, Policies.FULL)


def test_keys() -> None:
    assert names.KUBECONFIG == "kubeconfig"
    assert names.space_access("west") == "providerconfig/west"
    assert names.control_plane_access(C) == "providerconfig/west/team/app"
    assert names.group("west", "team") == "group/west/team"
    assert names.control_plane(C) == "controlplane/west/team/app"
    assert names.configuration(C, "platform") == "configuration/west/team/app/platform"
    assert names.resource(resource("Space")) == "resource/space/west/Kind/-/x"
    assert names.resource(resource("Group", "a.b/v1")) == "resource/group/west/team/Kind.a.b/-/x"
    assert names.resource(resource("ControlPlane", "a.b/v1", "n")) == "resource/controlplane/west/team/app/Kind.a.b/n/x"
    assert names.resource(resource("ControlPlane")) == "resource/controlplane/west/team/app/Kind/-/x"


def test_keys_of_consumers() -> None:
    target = Target(Place(name="tools", namespaces=("*",)), "argocd", "ProviderConfig")
    assert names.argocd(target, "cluster", C) == "argocd/tools/argocd/cluster/west/team/app"
    assert names.flux(target, "kustomization", C) == "flux/tools/argocd/kustomization/west/team/app"
    assert names.flux_source(target, "GitRepository") == "flux/tools/argocd/gitrepository"
    assert names.connector(target) == "connector/tools/argocd"
    assert names.claim_namespace(C, "claims") == "resource/controlplane/west/team/app/Namespace/-/claims"
    assert names.control_plane_of(names.claim_namespace(C, "claims")) == names.control_plane(C)
    assert (names.connection(C), names.CONNECTIONS) == ("connection/west/team/app", "connections")
    assert names.CONSUMERS == ("argocd/", "flux/", "connector/", "connection")


def test_names_of_consumers() -> None:
    assert names.name_at_target(ACME, "argocd/tools/argocd/cluster/west/team/app", "dev") == "acme-dev-aade74cf"
    assert names.argocd_cluster(C) == "controlplane-west-team-app"
    assert names.connection_detail("dev", "kubeconfig") == "dev.kubeconfig"
    assert names.required(SecretKey("platform", "a", "token")) == "Secret/platform/a"
    assert (flux._KEY, printed.TOKEN.name, printed.TOKEN.key) == ("value", "up-token", "token")


def test_labels_and_annotations_of_consumers() -> None:
    assert names.ANNOTATION_AFTER == "environments.upbound.io/after"
    labels = (names.LABEL_ORGANIZATION, names.LABEL_SPACE, names.LABEL_CONTROL_PLANE_GROUP, names.LABEL_CONTROL_PLANE)
    assert [label.partition("/")[2] for label in labels] == ["organization", "space", "group", "control-plane"]


def test_names_that_control_plane_connector_gives() -> None:
    zero = "00000000-0000-0000-0000-000000000000"
    assert names.connector_identifier("my-bucket", "test", zero) == "c603e518969b413e"
    assert [part.partition("/")[2] for part in names.LABELS_CONNECTOR] == ["app-resource-name", "app-namespace", "app-cluster"]


def test_commands() -> None:
    assert sorted(cli.main.commands) == [
        "argocd-config",
        "argocd-values",
        "completion",
        "connector",
        "flux-patch",
        "import",
        "init",
        "kubeconfig",
        "render",
        "rollout",
        "validate",
    ]
    assert sorted(commands.connector.commands) == ["claim-name", "migration", "values"]


def test_keys_of_the_organization() -> None:
    token = Token("ci", "argocd", 2, SecretKey("n", "s", "token"))
    assert names.UPBOUND == "upbound"
    assert (names.team("a"), names.robot("a"), names.membership("r", "t")) == ("team/a", "robot/a", "membership/r/t")
    assert names.token(token) == "token/ci/argocd/2"
    assert (names.repository("c"), names.permission("c", "t", "read")) == ("repository/c", "permission/c/t/read")
    assert names.role_binding("west", "team") == "resource/group/west/team/ObjectRoleBinding.authorization.spaces.upbound.io/-/team"


def test_secrets_of_tokens() -> None:
    spec = s.Iam.model_validate({"robots": [{"name": "ci", "tokens": [{"name": "a"}, {"name": "b", "generation": 2}]}]})
    named = s.Iam.model_validate({"robots": [{"name": "ci", "tokens": [{"name": "a", "writeConnectionSecretToRef": {"name": "x"}}]}]})

    def secrets(iam: s.Iam) -> list[SecretKey]:
        made = resolve_iam.resolved(iam, ACME, INPUT, lambda _, __: SecretKey("n", "s", "k"))
        return [t.secret for t in made.tokens.values()]

    assert secrets(spec) == [SecretKey("platform", "ci-a-1", "token"), SecretKey("platform", "ci-b-2", "token")]
    assert secrets(named) == [SecretKey("platform", "x-1", "token")]


def test_what_a_key_says_of_its_place() -> None:
    assert [
        names.space_of(k) for k in ("group/a/b", "controlplane/a/b/c", "resource/group/a/b/K/-/x", "providerconfig/a", "kubeconfig")
    ] == ["a", "a", "a", "", ""]
    assert names.control_plane_of("resource/controlplane/a/b/c/K/-/x") == "controlplane/a/b/c"
    assert names.control_plane_of("configuration/a/b/c/x") == "controlplane/a/b/c"
    assert names.space_of("configuration/a/b/c/x") == "a"
    assert names.control_plane_of("resource/group/a/b/K/-/x") == ""


def test_names_of_composed_resources() -> None:
    assert names.object_name(ACME, "controlplane/west/team/app") == "acme-controlplane-west-team-app-7e91fe1a"
    assert names.object_name(ACME, "kubeconfig") == "acme-kubeconfig-9677245f"
    assert names.object_name(Identity("", "a.b"), "group/" + "g" * 63 + "/x") == "a-b-group-gggggggggggggggggggggggggggggg-b08e2741"


def test_labels_and_annotations() -> None:
    assert names.environment_label(ACME) == "d760407638df1cc0e24196383f69ec8a"
    assert (names.LABEL_ENVIRONMENT, names.ANNOTATION_HOST) == ("environments.upbound.io/environment", "environments.upbound.io/host")
    assert (names.ANNOTATION_ENTRY, names.ANNOTATION_WHEN_REMOVED) == (
        "environments.upbound.io/name",
        "environments.upbound.io/when-removed",
    )
    assert names.ANNOTATION_PREREQUISITES == "environments.upbound.io/prerequisites-ready"
    assert names.ANNOTATION_INSTALLED == "environments.upbound.io/installed"


def test_keys_in_the_kubeconfig_secret() -> None:
    assert (names.space_endpoint_key("west"), names.control_plane_endpoint_key(C)) == ("west", "west.team.app")


def test_addresses() -> None:
    assert names.control_plane_url("h:8443", C) == "https://h:8443/apis/spaces.upbound.io/v1beta1/namespaces/team/controlplanes/app/k8s"
    assert names.legacy_url("proxy.upbound.io", "acme", C) == "https://proxy.upbound.io/v1/controlPlanes/acme/app/k8s"


def test_a_kubeconfig_has_the_shape_that_the_upbound_identity_takes() -> None:
    space = Space("west", "Cloud", "h", (), "LS0t", insecure=False, token=None, kubeconfig=None)

    made = kube.kubeconfig("acme", space, "https://h", namespace="team")

    (user,) = made["users"]
    assert made["current-context"] == made["contexts"][0]["name"]
    assert made["contexts"][0]["context"] == {"cluster": made["clusters"][0]["name"], "user": user["name"], "namespace": "team"}
    assert made["clusters"][0]["cluster"] == {"server": "https://h", "certificate-authority-data": "LS0t"}
    assert user["user"]["exec"] == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "up",
        "args": ["organization", "token"],
        "env": [{"name": "ORGANIZATION", "value": "acme"}],
        "interactiveMode": "IfAvailable",
    }


def test_a_space_that_is_not_verified_says_so_in_its_kubeconfig() -> None:
    space = Space("west", "Cloud", "h", (), None, insecure=True, token=None, kubeconfig=None)

    assert kube.kubeconfig("acme", space, "https://h")["clusters"][0]["cluster"] == {
        "server": "https://h",
        "insecure-skip-tls-verify": True,
    }
