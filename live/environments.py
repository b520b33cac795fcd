"""An UpboundEnvironment in a world, as its author and a test see it: what was applied, and what came of it on both sides."""

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from live.waiting import until
from live.world import GATEWAY, World

Document = dict[str, Any]
CLAIMS, NAMESPACED = "claims", "namespaced"
APIS = {CLAIMS: "environments.upbound.io", NAMESPACED: "environments.m.upbound.io"}
OBJECTS = {CLAIMS: "objects.v1alpha2.kubernetes.crossplane.io", NAMESPACED: "objects.v1alpha1.kubernetes.m.crossplane.io"}
CONTROL_PLANES = "controlplanes.v1beta1.spaces.upbound.io"
KEY = "crossplane.io/composition-resource-name"
LABEL = "environments.upbound.io/environment"
OF_ITS_OWN = ("conditions", "claimConditionTypes", "connectionDetails")
"""Fields of a composite's status that its claim does not get, or has for itself."""
GONE_SECONDS = 400
"""An Object that is young takes half a minute to go, and each step along an edge up to two: the provider backs off to a minute."""


MADE: list["LiveEnvironment"] = []
"""The environments of the test that runs."""


@dataclass
class LiveEnvironment:
    """One environment. `spec` is what its author has in Git; `apply` commits it."""

    world: World
    api: str
    namespace: str
    name: str = "acme"
    spec: Document = field(default_factory=dict)
    _deleted: str = "none"

    def __post_init__(self) -> None:
        """Remember it, for whoever reads why a test failed."""
        MADE.append(self)

    # What the author does.

    def apply(self, **spec: Any) -> None:  # noqa: ANN401  # Fields of the spec.
        """Lay `spec` over what there is, and apply it as its author would; what is None is not in the file, and must not be there."""
        self.spec = {**self.spec, **spec}
        self.world.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(self.manifest))

    @property
    def manifest(self) -> Document:
        """The file in Git."""
        metadata = {"name": self.name, "namespace": self.namespace}
        # A spec that is no mapping is a mistake that a test is about.
        spec = {k: v for k, v in self.spec.items() if v is not None} if isinstance(self.spec, dict) else self.spec
        return {"apiVersion": f"{APIS[self.api]}/v1alpha1", "kind": "UpboundEnvironment", "metadata": metadata, "spec": spec}

    def delete(self) -> None:
        """Remove the file from Git."""
        self._deleted = uid(self.composite())
        self.world.hub.delete(self._resource, self.name, self.namespace)

    def west(self, port: int = GATEWAY, **more: Any) -> Document:  # noqa: ANN401  # Fields of a Space.
        """The Space of the world, as an entry of `spaces`."""
        return {"name": "west", "host": f"127.0.0.1:{port}", "certificateAuthorityData": self.world.gateway_ca, **more}

    # What people read.

    @property
    def _resource(self) -> str:
        return f"upboundenvironments.v1alpha1.{APIS[self.api]}"

    def seen(self) -> Document:
        """The claim, or the namespaced environment; empty when it is gone."""
        return self.world.hub.get(self._resource, self.name, self.namespace) or {}

    def composite(self) -> Document:
        """The XR: the environment itself, where it is namespaced."""
        seen = self.seen()
        if self.api == NAMESPACED:
            return seen
        name = seen.get("spec", {}).get("resourceRef", {}).get("name")
        return (self.world.hub.get("xupboundenvironments.v1alpha1.environments.upbound.io", name) or {}) if name else {}

    @property
    def status(self) -> Document:
        """What the environment says of itself."""
        status: Document = self.seen().get("status", {})
        return status

    def condition(self, type_: str) -> tuple[str, str]:
        """Status and message of a condition; of the composite, where the claim does not have it, or means only itself."""
        documents = (self.seen(), self.composite())
        for document in documents[::-1] if type_ == "Synced" else documents:
            for c in document.get("status", {}).get("conditions", []):
                if c["type"] == type_:
                    return c["status"], c.get("message", "")
        return "", ""

    def line(self, name: str) -> Document:
        """What the status says of a control plane."""
        return next((c for c in self.status.get("controlPlanes", []) if c["name"] == name), {})

    # What there is.

    def objects(self) -> dict[str, Document]:
        """Its Objects, by composition key."""
        found = self.world.hub.list(OBJECTS[self.api], self.namespace if self.api == NAMESPACED else "")
        composite = self.composite().get("metadata", {}).get("uid", "none")
        mine = (o for o in found if any(r["uid"] == composite for r in o["metadata"].get("ownerReferences", [])))
        return {o["metadata"]["annotations"][KEY]: o for o in mine}

    def objects_refer_to(self, secret: str) -> bool:
        """Whether one of its Objects comes after a Secret of this name, or is wrapped around it."""
        return any(secret in json.dumps(o["spec"]) for o in self.objects().values())

    def group(self, name: str) -> str:
        """The name in the Space of one of this environment's groups: every test has its own."""
        return f"{self.namespace}-{name}"

    def remote(self, name: str, group: str) -> Document:
        """A ControlPlane in the Space; empty when there is none."""
        return self.world.space.get(CONTROL_PLANES, name, self.group(group)) or {}

    def remote_group(self, group: str) -> Document:
        """A group in the Space; empty when there is none."""
        return self.world.space.get("namespaces.v1.", self.group(group)) or {}

    # Waiting.

    def applied(self) -> Document:
        """The composite, once what was applied last is in it and it was reconciled; empty until then.

        The reconcile may be the one before: Crossplane 2 notes the generation that the composite has when it writes the conditions,
        not the one that the function was given (internal/controller/apiextensions/composite, Status().Patch), and 1.20 notes none.
        """
        composite = self.composite()
        current = _says(self.seen().get("spec"), self.spec) and _says(composite.get("spec"), self.spec)
        reached = self._observed_generation(composite, "Synced") >= composite.get("metadata", {}).get("generation", 0)
        return composite if current and reached else {}

    def ready(self) -> bool:
        """Whether it is Ready with the control planes of what was applied last, and the claim says all that its composite does.

        All is asked of one reading of the composite: an older one, of before it knew of the change, still says Ready. An edit that
        leaves the names as they are is to be waited for by what it does.
        """
        status = self.applied().get("status", {})
        if {c["name"] for c in status.get("controlPlanes", [])} != {c["name"] for c in self.spec.get("controlPlanes") or []}:
            return False
        said = {c["type"]: c["status"] for c in status.get("conditions", [])}
        passed_on = {k: v for k, v in status.items() if k not in OF_ITS_OWN}
        return self.condition("Ready")[0] == said.get("Ready") == said.get("Synced") == "True" and _says(self.status, passed_on)

    def until_ready(self, seconds: float = 150) -> None:
        """Wait until the environment is Ready, at what was applied last."""
        until(f"{self.api} {self.namespace}/{self.name} Ready", self.ready, seconds, self.explain)

    def until_not_ready(self, seconds: float = 60) -> None:
        """Wait until the environment is not Ready: an apply that fails in between leaves that as it was."""
        until(f"{self.namespace}/{self.name} not Ready", lambda: self.condition("Ready")[0] == "False", seconds, self.explain)

    def until_says(self, condition: str, *texts: str, status: str = "True", seconds: float = 120) -> str:
        """Wait until a condition has a status, and says all of `texts`; its whole message."""

        def said() -> str:
            found, message = self.condition(condition)
            return (message or " ") if found == status and all(text in message for text in texts) else ""

        return str(until(f"{condition} {status} saying {texts}", said, seconds, self.explain))

    def left(self) -> list[Document]:
        """The Objects that are left of the environment that was deleted."""
        found = self.world.hub.list(OBJECTS[self.api], self.namespace if self.api == NAMESPACED else "")
        return [o for o in found if any(r["uid"] == self._deleted for r in o["metadata"].get("ownerReferences", []))]

    def until_gone(self, seconds: float = GONE_SECONDS) -> None:
        """Wait until the environment, its composite and all its Objects are gone."""
        until(f"{self.namespace}/{self.name} gone", lambda: not self.seen() and not self.left(), seconds, self.explain)

    @staticmethod
    def _observed_generation(document: Document, type_: str) -> int:
        conditions = document.get("status", {}).get("conditions", [])
        return next((int(c.get("observedGeneration", 1 << 30)) for c in conditions if c["type"] == type_), -1)

    # When something is wrong.

    def explain(self) -> str:
        """What there is, for people who read why a test failed."""
        lines = [f"{self.api} {self.namespace}/{self.name}: {json.dumps(self.status, indent=1)[:6000]}"]
        for key, o in sorted(self.objects().items()):
            conditions = {c["type"]: (c["status"], c.get("message", "")[:200]) for c in o.get("status", {}).get("conditions", [])}
            going = " GOING" if o["metadata"].get("deletionTimestamp") else ""
            finalizers = [f.partition("/")[2] for f in o["metadata"].get("finalizers", [])]
            lines.append(f"  {key}{going} {o['spec'].get('managementPolicies')} {conditions} {finalizers}")
        for c in self.world.space.list(CONTROL_PLANES):
            if c["metadata"]["namespace"].startswith(self.namespace):
                going = " GOING" if c["metadata"].get("deletionTimestamp") else ""
                conditions = {x["type"]: x["status"] for x in c.get("status", {}).get("conditions", [])}
                lines.append(f"  Space: {c['metadata']['namespace']}/{c['metadata']['name']}{going} {conditions} {c['spec']}")
        for process in ("function-0", "provider", "crossplane"):
            log = self.world.sandbox.log(process, 4000).splitlines()
            about = [line[:400] for line in log if self.namespace in line and ("rror" in line or "annot" in line or "Answered" in line)]
            lines += [f"  {process}: {line}" for line in about[-8:]]
        return "\n".join(lines)


def _says(have: Any, want: Any) -> bool:  # noqa: ANN401  # Any JSON values.
    """Whether `have` says all that `want` says: Crossplane adds fields of its own."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(_says(have.get(k), v) for k, v in want.items())
    return bool(have == want)


def uid(document: Document) -> str:
    """The uid of an object; empty if there is none."""
    return str(document.get("metadata", {}).get("uid", ""))


def version(document: Document) -> str:
    """The resourceVersion of an object: it changes with every write."""
    return str(document.get("metadata", {}).get("resourceVersion", ""))
