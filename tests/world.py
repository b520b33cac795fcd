"""A small model of what is around the function: Crossplane, provider-kubernetes and a Space, as far as the function sees them."""

import base64
import copy
import hashlib
from datetime import datetime
from typing import Any

from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from function import fn, structs
from function.observed import BEGINNING
from function.reading import dig
from tests import upbound

Manifest = dict[str, Any]
REFERRED_BY = "kubernetes.crossplane.io/referred-by-object-"
FINALIZER = "finalizer.managedresource.crossplane.io"


def plain(struct: Any) -> Any:
    """A protobuf Struct as plain values, with whole numbers as ints."""
    return structs.plain(structs.View(struct))


def uid(*parts: str) -> str:
    """A uid that is always the same for the same parts."""
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


KUBECONFIG = b"""clusters: [{name: a, cluster: {certificate-authority-data: Y2E=}}]
users: [{name: a, user: {token: a-token}}]
"""
SECRETS = {"token": "a-token", "kubeconfig": KUBECONFIG.decode()}
"""What every Secret has that the function asks for."""


def request(
    xr: Manifest, input_: Manifest, observed: dict[str, Manifest] | None = None, secrets: dict[str, str] | None = None
) -> fnv1.RunFunctionRequest:
    """What Crossplane sends for `xr`, with `observed` composed resources by key, and `secrets` in all that is asked for."""
    req = fnv1.RunFunctionRequest()
    req.observed.composite.resource.update(xr)
    req.input.update(input_)
    for key, document in (observed or {}).items():
        req.observed.resources[key].resource.update(document)
        for detail in (dig(document, "spec", "connectionDetails") or ()) if dig(document, "status", "atProvider") else ():
            req.observed.resources[key].connection_details[detail["toConnectionSecretKey"]] = KUBECONFIG
    for name, selector in fn.run(req).requirements.resources.items() if secrets else ():
        data = {k: base64.b64encode(v.encode()).decode() for k, v in (secrets or {}).items()}
        metadata = {"name": selector.match_name, "namespace": selector.namespace}
        req.required_resources[name].items.add().resource.update({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    return req


def call(
    xr: Manifest, input_: Manifest, observed: dict[str, Manifest] | None = None, now: datetime = BEGINNING
) -> fnv1.RunFunctionResponse:
    """What the function makes of `xr`."""
    return fn.run(request(xr, input_, observed, SECRETS), now)


class World:
    """Composed resources and remote objects, moved on by `step`."""

    def __init__(self, xr: Manifest, input_: Manifest) -> None:
        """Begin with nothing."""
        self.xr, self.input = xr, input_
        self.observed: dict[str, Manifest] = {}
        self.remote: dict[tuple[str, ...], Manifest] = {("api.upbound.io", "", k, "", upbound.UUID): {"kind": k} for k in ("Team", "Robot")}
        self.applied: dict[tuple[str, ...], Manifest] = {}
        self.deleted: list[tuple[str, ...]] = []
        self.secrets: dict[str, str] = {}
        self._young: set[str] = set()
        self._stated: dict[str, set[str]] = {}
        self.now = BEGINNING

    def reconcile(self) -> fnv1.RunFunctionResponse:
        """Crossplane: call the function, apply what it wants, delete what it does not."""
        rsp = call(self.xr, self.input, self.observed, self.now)
        desired = {k: plain(r.resource) for k, r in rsp.desired.resources.items()}
        self._young = set(desired) - set(self.observed)
        for key, manifest in desired.items():
            self._apply(key, manifest)
        for key in [k for k in self.observed if k not in desired]:
            self.observed[key]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        self.xr = {**self.xr, "status": plain(rsp.desired.composite.resource).get("status", {})}
        return rsp

    def step(self, *, ready: bool = True) -> fnv1.RunFunctionResponse:
        """One reconcile of Crossplane and then one of every provider."""
        rsp = self.reconcile()
        self.provide(ready=ready)
        return rsp

    def provide(self, *, ready: bool = True) -> None:
        """provider-kubernetes: make, change, observe and delete remote objects, as each Object's policies allow."""
        for key in list(self.observed):
            if self.observed[key]["kind"] == "Object":
                self._object(key, ready=ready)
            elif "managementPolicies" in self.observed[key].get("spec", {}):
                upbound.provide(self, key, ready=ready)
            elif self._deletable(key) and not self._in_use(key):
                del self.observed[key]
            elif self.observed[key]["kind"] in ("Release", "ExternalSecret"):
                conditions = [condition("Synced", met=True), condition("Ready", met=ready)]
                self.observed[key]["status"] = {"conditions": conditions}

    def _apply(self, key: str, manifest: Manifest) -> None:
        old = self.observed.get(key)
        new = copy.deepcopy(manifest)
        stated = set(new["metadata"].pop("finalizers", ()))
        unstated, self._stated[key] = self._stated.get(key, set()) - stated, stated
        if old is None:
            new["metadata"].update(uid=uid(key, manifest["metadata"]["name"]), generation=1, finalizers=[])
        else:
            upbound.keep(old, new)
            generation = old["metadata"]["generation"] + (old.get("spec") != new.get("spec"))
            kept = {k: v for k, v in old["metadata"].items() if k not in ("name", "namespace", "annotations", "labels")}
            created = {k: v for k, v in old["metadata"].get("annotations", {}).items() if k.startswith("crossplane.io/")}
            new["metadata"] = {**kept, **new["metadata"], "generation": generation}
            new["metadata"]["annotations"] = {**created, **new["metadata"].get("annotations", {})}
            new["status"] = old.get("status", {})
            # Server-side apply: what is no longer stated goes; nothing is put on what is being deleted.
            more = stated - set(kept["finalizers"] or ()) if "deletionTimestamp" not in kept else set()
            new["metadata"]["finalizers"] = [*(f for f in kept["finalizers"] or () if f not in unstated), *sorted(more)]
        self.observed[key] = new

    def _object(self, key: str, *, ready: bool) -> None:
        o = self.observed[key]
        if "deletionTimestamp" in o["metadata"]:
            self._delete(key)
            return
        if FINALIZER not in o["metadata"]["finalizers"]:
            o["metadata"]["finalizers"].append(FINALIZER)
            # Once, and not on what is made at the same moment: these edges are lost.
            for target in self._targets(o):
                mine = REFERRED_BY + o["metadata"]["uid"]
                if not any(target is self.observed.get(k) for k in self._young) and mine not in target["metadata"]["finalizers"]:
                    target["metadata"]["finalizers"].append(mine)
        manifest, policies = o["spec"]["forProvider"]["manifest"], set(o["spec"]["managementPolicies"])
        place = self.place(o)
        if place not in self.remote and policies & {"*", "Create"}:
            self.remote[place] = _merge({}, manifest)
            self.applied[place] = manifest
            self.remote[place]["metadata"]["uid"] = uid(*map(str, place), str(len(self.deleted)))
            o["metadata"].setdefault("annotations", {})["crossplane.io/external-create-succeeded"] = "2026-01-01T00:00:00Z"
        elif place in self.remote and policies & {"*", "Update"}:
            self.remote[place] = _merge(self.remote[place], manifest)
            self.applied[place] = manifest
        seen = self.remote.get(place)
        # By SuccessfulCreate, an Object that might write is ready only over what it has written.
        written = not policies & {"*", "Create", "Update"} or self.applied.get(place) == manifest
        up = seen is not None and ready and (written or o["spec"]["readiness"]["policy"] != "SuccessfulCreate")
        if seen is not None and ready and seen["kind"] == "ControlPlane":
            seen["status"] = {"conditions": [{"type": t, "status": "True", "reason": t} for t in ("Ready", "Healthy")]}
        if seen is not None and ready and seen["kind"] == "Configuration":
            conditions = [{"type": t, "status": "True", "reason": t} for t in ("Installed", "Healthy")]
            seen["status"] = {"currentIdentifier": seen["spec"]["package"], "conditions": conditions}
        synced = condition("Synced", met=seen is not None, generation=o["metadata"]["generation"])
        # What was seen once stays in the status, also when it is gone.
        last = o.get("status", {}).get("atProvider")
        o["status"] = {"conditions": [synced, condition("Ready", met=up)], **({"atProvider": last} if last else {})}
        if seen is None:
            synced["message"] = "observe failed: external resource does not exist"
        else:
            o["status"]["atProvider"] = {"manifest": copy.deepcopy(seen)}

    def _delete(self, key: str) -> None:
        o = self.observed[key]
        if not self._deletable(key):
            return
        if set(o["spec"]["managementPolicies"]) & {"*", "Delete"} and self.remote.pop(self.place(o), None):
            self.deleted.append(self.place(o))
        for target in self._targets(o):
            mine = REFERRED_BY + o["metadata"]["uid"]
            target["metadata"]["finalizers"] = [f for f in target["metadata"]["finalizers"] if f != mine]
        del self.observed[key]

    def _deletable(self, key: str) -> bool:
        metadata = self.observed[key]["metadata"]
        return "deletionTimestamp" in metadata and not any(f.startswith(REFERRED_BY) for f in metadata["finalizers"])

    def _in_use(self, key: str) -> bool:
        """Whether a ProviderConfig has users: its own finalizer stays until then."""
        name = self.observed[key]["metadata"]["name"]
        return any(o.get("spec", {}).get("providerConfigRef", {}).get("name") == name for o in self.observed.values())

    def _targets(self, o: Manifest) -> list[Manifest]:
        names = [(r["dependsOn"]["kind"], r["dependsOn"]["name"]) for r in o["spec"].get("references", [])]
        return [d for d in self.observed.values() if (d["kind"], d["metadata"]["name"]) in names]

    def place(self, o: Manifest) -> tuple[str, ...]:
        """The remote object that an Object stands for."""
        via, manifest = o["spec"]["providerConfigRef"]["name"], o["spec"]["forProvider"]["manifest"]
        host = next(
            (
                d["metadata"]["annotations"]["environments.upbound.io/host"]
                for d in self.observed.values()
                if d["kind"] == "ProviderConfig" and d["metadata"]["name"] == via
            ),
            via,
        )
        config = next((d for d in self.observed.values() if d["kind"] == "ProviderConfig" and d["metadata"]["name"] == via), {})
        inside = config.get("spec", {}).get("credentials", {}).get("secretRef", {}).get("key", "")
        metadata = manifest["metadata"]
        return host, inside if "." in inside else "", manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def settled(xr: Manifest, input_: Manifest, *, steps: int = 8) -> World:
    """A world in which everything that `xr` wants exists and is ready."""
    world = World(xr, input_)
    for _ in range(steps):
        world.step()
    return world


def condition(type_: str, *, met: bool, generation: int | None = None) -> Manifest:
    seen = {} if generation is None else {"observedGeneration": generation}
    message = "" if met else "observe failed: external resource does not exist"
    return {"type": type_, "status": "True" if met else "False", "reason": "Available" if met else "Waiting", "message": message, **seen}


def _merge(under: Manifest, over: Manifest) -> Manifest:
    """A JSON merge patch without nulls: nothing is ever taken away."""
    both = {k: _merge(under.get(k) if isinstance(under.get(k), dict) else {}, v) for k, v in over.items() if isinstance(v, dict)}
    return copy.deepcopy({**under, **over, **both})
