"""The vocabulary of the API: strings with a rule, a bound and a sentence that says what to write."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic.alias_generators import to_camel

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
SECRET_KEY = r"^[-._a-zA-Z0-9]+$"  # noqa: S105  # The rule for a Secret's key, not a secret.
HOST = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[1-9][0-9]{0,4})?$"
BASE64 = r"^[A-Za-z0-9+/]+={0,2}$"
VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+[-+.0-9A-Za-z]*$"
LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"
LABEL_VALUE = r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$"
GLOB = r"^[-a-z0-9.*:]*$"
KIND = r"^[A-Z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
UID = r"^(unknown|[-0-9a-f]+)$"
_DIGITS = r"[0-9]{1,6}(\.[0-9]{1,9})?"
INTERVAL = rf"^({_DIGITS}h)?({_DIGITS}m)?({_DIGITS}s)?({_DIGITS}ms)?$"  # Within Go's 64 bits of nanoseconds, whatever the digits.
GIT_URL = r"^((https|ssh)://[^\s?#]+|[-._a-zA-Z0-9]+@[-.a-zA-Z0-9]+:[^\s?#]+)$"
SOURCE_URL = r"^(https|ssh|oci)://[^\s?#]+$"
RELATIVE_PATH = r"^[-._/a-zA-Z0-9]+$"
REVISION = r"^[-._/+*~^<>=a-zA-Z0-9 ]+$"
DIGEST = r"^sha256:[0-9a-f]{64}$"
REMOTE_KEY = r"^[^{}\s]+$"
PACKAGE = r"^[a-z0-9][-a-z0-9]*(\.[a-z0-9][-a-z0-9]*)+(:[1-9][0-9]{0,4})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"
PACKAGE_VERSION = r"^(v?[0-9]+\.[0-9]+\.[0-9]+[-._0-9A-Za-z]*|sha256:[0-9a-f]{64})$"
PACKAGE_GLOB = r"^[-a-z0-9._:/*]*$"
DURATION = r"^([0-9]{1,4}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?$"

PATTERN_HINTS = {
    DNS_LABEL: "write lower case letters, digits and '-', beginning and ending with a letter or digit",
    DNS_SUBDOMAIN: "write lower case letters, digits, '-' and '.', beginning and ending with a letter or digit",
    SECRET_KEY: "write letters, digits, '-', '_' and '.'",
    HOST: "write the host alone, with a port if it needs one (host or host:port): no scheme, path or spaces",
    BASE64: "write the PEM certificate in base64 on one line, as a kubeconfig has it",
    VERSION: "write a full version without a leading 'v', such as 2.0.2-up.5",
    LABEL_KEY: "write a Kubernetes label key, such as stage or example.org/stage",
    LABEL_VALUE: "write letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
    GLOB: "write lower case letters, digits, '-', '.' and ':', with '*' for any characters",
    KIND: "write Kind.group, such as SharedSecretStore.spaces.upbound.io, or Kind alone for the core group",
    UUID: "write the UUID that Upbound shows for it: 36 characters, hexadecimal digits in lower case and '-'",
    PACKAGE: "write registry and repository alone, such as xpkg.upbound.io/acme/platform; the tag or digest goes into version",
    PACKAGE_VERSION: "write one exact version, such as v1.4.0, or a digest (sha256:...): ranges and moving tags cannot be rolled out",
    PACKAGE_GLOB: "write a registry and repository in lower case, with '*' for any characters",
    DURATION: "write hours, minutes and seconds, such as 30m or 1h30m",
    UID: "write the uid from the RemovalPending condition, or unknown where it says so",
    INTERVAL: "write hours, minutes, seconds and milliseconds in this order, such as 5m0s or 1h, each with at most six digits",
    GIT_URL: "write the address of a Git repository: https://, ssh:// or user@host:path, with nothing after the path",
    SOURCE_URL: "write the address of the source: https://, ssh:// or oci://, with nothing after the path",
    RELATIVE_PATH: "write a path in the repository, such as claims",
    REVISION: "write a branch, tag or commit",
    DIGEST: "write sha256: and 64 hexadecimal digits",
    REMOTE_KEY: "write the key as the secret store has it, without spaces and braces",
}
"""What to write instead, for each pattern above. Never quotes the value: it may be a secret in the wrong field."""


def _text(pattern: str, longest: int, shortest: int = 1) -> Any:  # noqa: ANN401  # pydantic metadata has no common type.
    return StringConstraints(pattern=pattern, min_length=shortest, max_length=longest)


Name = Annotated[str, _text(DNS_LABEL, 63)]
ObjectName = Annotated[str, _text(DNS_SUBDOMAIN, 253)]
SecretKeyName = Annotated[str, _text(SECRET_KEY, 253)]
Host = Annotated[str, _text(HOST, 259)]
Certificate = Annotated[str, _text(BASE64, 65536)]
Version = Annotated[str, _text(VERSION, 63)]
LabelKey = Annotated[str, _text(LABEL_KEY, 317)]
LabelValue = Annotated[str, _text(LABEL_VALUE, 63, 0)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=32)]
Glob = Annotated[str, _text(GLOB, 259, 0)]
Kind = Annotated[str, _text(KIND, 317)]
Uuid = Annotated[str, _text(UUID, 36)]
Uid = Annotated[str, _text(UID, 64)]
Interval = Annotated[str, _text(INTERVAL, 32)]
GitUrl = Annotated[str, _text(GIT_URL, 2048)]
SourceUrl = Annotated[str, _text(SOURCE_URL, 2048)]
RelativePath = Annotated[str, _text(RELATIVE_PATH, 1024)]
Revision = Annotated[str, _text(REVISION, 253)]
Digest = Annotated[str, _text(DIGEST, 71)]
RemoteKey = Annotated[str, _text(REMOTE_KEY, 1024)]
ClusterId = Annotated[str, _text(LABEL_VALUE, 63)]
Package = Annotated[str, _text(PACKAGE, 255)]
PackageVersion = Annotated[str, _text(PACKAGE_VERSION, 128)]
PackageGlob = Annotated[str, _text(PACKAGE_GLOB, 255, 0)]
Duration = Annotated[str, _text(DURATION, 21)]

# JSON arrays arrive as lists; a frozen model keeps tuples. Only the container is lax, never what is in it.
AsTuple = Strict(strict=False)


LIST_MAP_KEYS = "x-kubernetes-list-map-keys"


def list_map(*keys: str, most: int) -> Any:  # noqa: ANN401  # A pydantic FieldInfo, which mypy sees as Any.
    """A list whose entries the API server tells apart by `keys`, at most `most` of them."""
    extra = {"x-kubernetes-list-type": "map", LIST_MAP_KEYS: list(keys)}
    return Field(max_length=most, json_schema_extra=extra)  # type: ignore[arg-type]  # JsonDict is invariant.


class Model(BaseModel):
    """What every part of the API shares: strict, frozen, camelCase, no unknown fields."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """Rules (CEL expression, message) that the API server checks on one object of the schema."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}
