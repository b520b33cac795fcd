"""What providers say, in words that a user can act on. docs/troubleshooting.md is made from these tables.

Sources: provider-kubernetes v1.2.1 pkg/kube/client, pkg/kube/client/upbound and internal/controller/*/object.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from function.readiness import conditions
from function.reading import listed

_NAME = r"[-.a-z0-9]+"
_LONGEST = 200
_MOST_NAMED = 5
_SECRETS = re.compile(r"eyJ[-_A-Za-z0-9]+(\.[-_A-Za-z0-9]+)*|(?i:bearer)\s+\S+|//[^/\s@]+@")
"""What looks like a token in a message of another program: a JWT, a bearer header, a password in an address."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One message that users meet, as it reads; `pattern` finds it; {name} in the texts is what its group of that name matched."""

    says: str
    pattern: str
    means: str
    do: str
    credentials: bool = False


TABLE = (
    Advice(
        'failed to extract Upbound token: cannot get credentials secret: Secret "x" not found',
        rf'failed to extract Upbound token: .*[Ss]ecrets? "(?P<name>{_NAME})" not found',
        "token Secret {name} does not exist",
        "create it with the token of an Upbound user or robot, or name another in credentials.tokenSecretRef",
        credentials=True,
    ),
    Advice(
        'cannot get credentials: cannot get credentials secret: Secret "x" not found',
        rf'cannot get credentials.*[Ss]ecrets? "(?P<name>{_NAME})" not found',
        "kubeconfig Secret {name} does not exist",
        "create it with the output of upenv kubeconfig, or name another in credentials.kubeconfigSecretRef",
        credentials=True,
    ),
    Advice(
        "currentContext not set in kubeconfig",
        r"currentContext not set in kubeconfig",
        "the kubeconfig Secret has no kubeconfig under that key",
        "check the key of credentials.kubeconfigSecretRef, and put the output of upenv kubeconfig under it",
        credentials=True,
    ),
    Advice(
        "the provided kubeconfig does not have execProvider section",
        r"cluster for currentContext \(.*\) not found|does not have execProvider section|execProvider APIVersion is not"
        r"|execProvider command is not"
        r"|organization name not provided in execProvider",
        "the kubeconfig is not one that works with an Upbound token",
        "replace it by the output of upenv kubeconfig",
        credentials=True,
    ),
    Advice(
        "cannot get upbound org scoped token: Unauthorized",
        r"cannot get upbound org scoped token: Unauthorized",
        "Upbound rejects the token",
        "put a valid token into the token Secret; a new value is used at once",
        credentials=True,
    ),
    Advice(
        "cannot get upbound org scoped token",
        r"cannot get upbound org scoped token",
        "the token cannot be exchanged at auth.upbound.io",
        "let the provider reach auth.upbound.io; for a Space without Upbound's identity write type: Disconnected",
        credentials=True,
    ),
    Advice(
        "InjectedIdentity is not supported as identity source for identity type UpboundTokens",
        r"InjectedIdentity is not supported as identity source",
        "the ProviderConfig was changed by somebody else",
        "leave it to this environment, which writes it back",
        credentials=True,
    ),
    Advice(
        "Unsupported patch format. Only merge and json patch are supported.",
        r"Unsupported patch format",
        "the Space refuses server-side apply, which this provider-kubernetes uses",
        "run it with the environment variable ENABLE_SERVER_SIDE_APPLY=false",
    ),
    Advice(
        'namespaces is forbidden: User "x" cannot create resource "namespaces"',
        r"namespaces is forbidden|cannot create resource \"namespaces\"",
        "the token may not create groups",
        "use the token of an organization owner or admin (robots cannot), or use a group that exists",
    ),
    Advice(
        "Unauthorized",
        r"[Uu]nauthorized|provide credentials",
        "the Space rejects the credentials",
        "check the token Secret or the kubeconfig Secret",
        credentials=True,
    ),
    Advice(
        'controlplanes.spaces.upbound.io is forbidden: User "x" cannot …',
        r"[Ff]orbidden",
        "the token may not do this",
        "give its user or team the role that is needed in the group",
    ),
    Advice(
        "`spec.managementPolicies` is set to a non-default value but the feature is not enabled",
        r"managementPolicies` is set to a non-default value but the feature is not enabled",
        "this provider does not know managementPolicies, without which what it makes is not protected",
        "run provider-upbound up to v1.1.1 with ENABLE_MANAGEMENT_POLICIES=true, as package/install/provider-upbound.yaml does",
    ),
    Advice(
        "token exists upstream but connection secret is missing or empty",
        r"connection secret is missing or empty",
        "the token's Secret is gone, and Upbound shows a token only once",
        "write the next number as the token's generation",
    ),
    Advice(
        "external resource does not exist",
        r"external resource does not exist",
        "there is nothing of this name, and managementPolicies only look",
        "create it, or set managementPolicies that may",
    ),
    Advice(
        'namespaces "x" not found',
        rf'namespaces "(?P<name>{_NAME})" not found',
        "group {name} does not exist yet",
        "wait for it; if it never comes, see its own message",
    ),
    Advice(
        'no matches for kind "Y" in version "z"',
        r"no matches for kind",
        "the API that has this kind is not there yet",
        "wait for the control plane; if it never comes, check apiVersion and kind, and that a package brings them",
    ),
    Advice(
        'cannot get provider config: ProviderConfig.kubernetes.crossplane.io "x" not found',
        rf'[Pp]rovider[Cc]onfigs?[.a-z]* "(?P<name>{_NAME})" not found',
        "ProviderConfig {name} does not exist yet",
        "wait for it: this environment makes it",
    ),
    Advice(
        "cannot resolve resource references",
        r"cannot resolve resource references|referenced resource",
        "something that it comes after is not there yet",
        "wait for it; if it never comes, see its own message",
    ),
    Advice(
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        r"x509: ",
        "the Space's certificate cannot be verified",
        "write its CA in certificateAuthorityData, and check that host is the name in the certificate",
        credentials=True,
    ),
    Advice(
        "dial tcp: connect: connection refused",
        r"no such host|connection refused|i/o timeout|network is unreachable|context deadline exceeded|EOF$|TLS handshake timeout",
        "the Space cannot be reached",
        "check host, and that the provider's pods may connect to it",
    ),
    Advice(
        "the server has received too many requests and has asked us to try again later",
        r"[Tt]oo many requests|try again later",
        "the Space asks to slow down",
        "wait: the provider tries again by itself",
    ),
    Advice(
        "Internal error occurred",
        r"Internal error|InternalError|server is currently unable|[Bb]ad [Gg]ateway|[Ss]ervice [Uu]navailable",
        "the Space answers with an error of its own",
        "wait: the provider tries again by itself; if it stays, see the status of the Space",
    ),
    Advice(
        "group has deletion protection enabled",
        r"deletion.?protect",
        "the group is protected from deletion",
        "set deletionProtection: false on the group",
    ),
)
"""What is said of what goes to a Space, or to Upbound."""

TARGETS = (
    Advice(
        "cannot get credentials",
        r"cannot get credentials|failed to extract Upbound token|cannot get upbound org scoped token",
        "the target cannot be reached with the credentials of its ProviderConfig",
        "correct them: that ProviderConfig is the platform team's, and not this environment's",
    ),
    Advice(
        'cannot get provider config: ProviderConfig.kubernetes.crossplane.io "x" not found',
        rf'[Pp]rovider[Cc]onfigs?[.a-z]* "(?P<name>{_NAME})" not found',
        "ProviderConfig {name}, which reaches the target, does not exist",
        "create it: it is the platform team's; or name another for the target in the Composition's Input",
    ),
    Advice(
        'secrets is forbidden: User "x" cannot create resource "secrets" in API group "" in the namespace "y"',
        r'cannot [a-z]+ resource "(?P<name>[a-z/]+)"',
        "the target's ProviderConfig may not do this with {name} there",
        "give its user that right; for Argo CD and Flux in this cluster, package/install/hub-gitops.yaml does",
    ),
    Advice(
        'no matches for kind "Application" in version "argoproj.io/v1alpha1"',
        r'no matches for kind "(?P<name>[A-Za-z]+)"',
        "the target does not have the kind {name}",
        "install there what has it, with its CRDs: Argo CD, Flux or External Secrets Operator",
    ),
    Advice(
        'namespaces "argocd" not found',
        rf'namespaces "(?P<name>{_NAME})" not found',
        "the target has no namespace {name}",
        "create it there, or correct the namespaces of the target in the Composition's Input",
    ),
)
"""What is said of what goes to a target: to Argo CD, to Flux, or to an app cluster."""


def explain(message: str, table: Sequence[Advice] = TABLE) -> str:
    """What `message` means by `table`, and what to do about it.

    A message that is not in the table comes back as one line, cut, and without what looks like a token.
    """
    found = advice(message, table)
    if found is None:
        return shown(message)
    match = re.search(found.pattern, message)
    return f"{found.means}: {found.do}".format(**(match.groupdict() if match else {}))


def shown(message: str) -> str:
    """`message` as one line, cut, and without what looks like a token."""
    text = " ".join(_SECRETS.sub("[redacted]", message).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def few(texts: Sequence[str], separator: str = ", ", most: int = _MOST_NAMED) -> str:
    """The first of `texts`, and how many more there are."""
    named = separator.join(texts[:most])
    return named if len(texts) <= most else f"{named} and {len(texts) - most} more"


def failures(status: Mapping[str, Any]) -> str:
    """What a service of a Space says went wrong, for each control plane that it names, or an empty string."""
    if texts := sorted(_failure(f) for f in listed(status, "failed")):
        return f"failed for {few(texts)}"
    found = conditions({"status": status}).values()
    bad = [c for c in found if (c.get("type"), c.get("status")) in (("Validated", "False"), ("Failed", "True"))]
    if status.get("phase") == "Failed":
        bad += [{"message": status.get("message")}, *(c for c in found if c.get("status") == "False"), {"message": "failed"}]
    said = (c.get("message") or c.get("reason") or c.get("type") for c in bad)
    return shown(str(next(filter(None, said), "")))


def _failure(f: object) -> str:
    """One control plane, with the first thing that it complains of: a condition that is False, or Failed and True."""
    if not isinstance(f, Mapping):
        return shown(str(f))
    bad = (c for t, c in conditions({"status": f}).items() if c.get("status") == ("True" if t == "Failed" else "False"))
    said = next(filter(None, (str(c.get("message") or c.get("reason") or "") for c in bad)), "")
    name = shown(str(f.get("controlPlane")))
    return f"{name} ({shown(said)})" if said else name


def about_credentials(message: str) -> bool:
    """Whether `message` is about a kubeconfig or token."""
    found = advice(message)
    return found is not None and found.credentials


def advice(message: str, table: Sequence[Advice] = TABLE) -> Advice | None:
    """The first row of `table` for `message`."""
    return next((a for a in table if re.search(a.pattern, message)), None)
