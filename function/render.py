"""Rendering without a cluster: YAML in, what the function returns out, as `crossplane composition render` prints it."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import grpc
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1

from function import model
from function.desired import Manifest
from function.documents import Document, UnusableError, load
from function.fn import FunctionRunner
from function.reading import dig
from function.structs import View, plain

FUNCTION = "function-upbound-environment"
RESOURCE_NAME = "crossplane.io/composition-resource-name"
_SIZE = 256 * 1024 * 1024
_NAMED = 3
_SEVERITIES = {fnv1.SEVERITY_WARNING: "Warning", fnv1.SEVERITY_NORMAL: "Normal"}


def composite(document: Mapping[str, Any]) -> Manifest:
    """The XR that `document` is, or that Crossplane would make of it where it is a claim: of its own name, with claimRef.

    Raises:
        UnusableError: it is no environment.
    """
    group, _, version = str(document.get("apiVersion")).partition("/")
    kind, metadata = document.get("kind"), document.get("metadata")
    known = {(model.GROUP_CLAIMS, model.KIND), (model.GROUP_CLAIMS, model.KIND_COMPOSITE), (model.GROUP_NAMESPACED, model.KIND)}
    if (group, kind) not in known or version != model.VERSION:
        api = f"{model.GROUP_CLAIMS}/{model.VERSION} or {model.GROUP_NAMESPACED}/{model.VERSION}"
        raise UnusableError(f"is no environment; write apiVersion {api}, and kind {model.KIND}")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        raise UnusableError("has no metadata.name; write one")
    if (group, kind) == (model.GROUP_NAMESPACED, model.KIND):
        return {**document, "metadata": {"namespace": "default", **metadata}}
    if kind == model.KIND_COMPOSITE:
        return dict(document)
    name, namespace = metadata["name"], metadata.get("namespace", "default")
    labels = {"crossplane.io/claim-name": name, "crossplane.io/claim-namespace": namespace}
    claim = {"apiVersion": document["apiVersion"], "kind": kind, "name": name, "namespace": namespace}
    own = {k: v for k, v in metadata.items() if k not in ("namespace", "labels", "uid")}
    spec = document.get("spec")
    return {
        "apiVersion": document["apiVersion"],
        "kind": model.KIND_COMPOSITE,
        "metadata": {**own, "labels": {**metadata.get("labels", {}), **labels}},
        "spec": {**spec, "claimRef": claim} if isinstance(spec, Mapping) else spec,
        **({"status": document["status"]} if "status" in document else {}),
    }


def shipped_composition(xr: Mapping[str, Any]) -> str:
    """The file of the Composition that comes with the function, for the API of `xr`."""
    name = "composition-namespaced.yaml" if str(xr["apiVersion"]).startswith(model.GROUP_NAMESPACED) else "composition-claims.yaml"
    packaged = Path(str(files("function"))) / "install" / name
    return str(packaged if packaged.exists() else packaged.parents[2] / "package" / "install" / name)


def input_of(file: str, xr: Mapping[str, Any]) -> Manifest:
    """The Input that the Composition in `file` gives to our function's step.

    Raises:
        UnusableError: it is no Composition for `xr`, or has steps of other functions.
    """
    compositions = [d.content for d in load(file) if isinstance(d.content, dict) and d.content.get("kind") == "Composition"]
    if len(compositions) != 1:
        raise UnusableError(f"{file} has {len(compositions)} Compositions; give a file with one")
    spec = compositions[0].get("spec", {})
    for_ = spec.get("compositeTypeRef", {})
    if (for_.get("apiVersion"), for_.get("kind")) != (xr["apiVersion"], xr["kind"]):
        raise UnusableError(
            f"the Composition in {file} is for {for_.get('kind')} of {for_.get('apiVersion')}, not for {xr['kind']} of {xr['apiVersion']}"
        )
    steps = spec.get("pipeline", [])
    names = [str(s.get("functionRef", {}).get("name")) for s in steps]
    if [n.endswith(FUNCTION) for n in names] != [True]:
        steps_of = f"the Composition in {file} has steps of {', '.join(names) or 'no function'}"
        raise UnusableError(f"{steps_of}; render it with crossplane composition render, or give one with {FUNCTION} alone")
    found: Manifest = steps[0].get("input", {})
    return found


def request(
    xr: Mapping[str, Any], input_: Mapping[str, Any], observed: Iterable[Document], required: Iterable[Document]
) -> fnv1.RunFunctionRequest:
    """What Crossplane would send.

    Raises:
        UnusableError: an observed resource does not say which one it is.
    """
    req = fnv1.RunFunctionRequest()
    req.observed.composite.resource.update(xr)
    req.input.update(input_)
    for d in observed:
        key = dig(d.content, "metadata", "annotations", RESOURCE_NAME)
        if not key:
            raise UnusableError(f"{d.file}:{d.line(())}: has no annotation {RESOURCE_NAME}; write the key of the composed resource there")
        req.observed.resources[key].resource.update(d.content)
    for d in required:
        metadata = d.content.get("metadata") or {}
        name = f"{d.content.get('kind')}/{metadata.get('namespace', 'default')}/{metadata.get('name')}"
        req.required_resources[name].items.add().resource.update(d.content)
    return req


def run(req: fnv1.RunFunctionRequest, address: str | None, now: datetime | None = None) -> fnv1.RunFunctionResponse:
    """The answer of the function in this program, at the time `now` if one is given, or of the one at `address` without TLS.

    Raises:
        UnusableError: nothing answers at `address`, or the result is fatal.
    """
    runner = FunctionRunner(lambda: now) if now else FunctionRunner()
    rsp = _call(req, address) if address else asyncio.run(runner.RunFunction(req, None))
    fatal = [r.message for r in rsp.results if r.severity == fnv1.SEVERITY_FATAL]
    if fatal:
        raise UnusableError(fatal[0])
    return rsp


def documents(xr: Mapping[str, Any], rsp: fnv1.RunFunctionResponse, *, full: bool, results: bool) -> list[Manifest]:
    """The XR with its status, the composed resources in order of their keys, and results if asked for."""
    keys = sorted(rsp.desired.resources)
    fields = plain(View(rsp.desired.composite.resource)).get("status", {})
    status = {
        **fields,
        "conditions": [
            *(_condition(c) for c in rsp.conditions),
            {"type": "Synced", "status": "True", "reason": "ReconcileSuccess"},
            _ready(rsp, keys),
        ],
    }
    metadata = {k: xr["metadata"][k] for k in ("name", "namespace") if k in xr["metadata"]}
    base = dict(xr) if full else {"apiVersion": xr["apiVersion"], "kind": xr["kind"], "metadata": metadata}
    out = [{**base, "status": status}]
    for key in keys:
        manifest = plain(View(rsp.desired.resources[key].resource))
        manifest["metadata"]["annotations"] = {**manifest["metadata"].get("annotations", {}), RESOURCE_NAME: key}
        out.append(manifest)
    if results:
        out += [
            {
                "apiVersion": "render.crossplane.io/v1beta1",
                "kind": "Result",
                "severity": _SEVERITIES[r.severity],
                "message": r.message,
                "reason": r.reason,
            }
            for r in rsp.results
        ]
    return out


def _call(req: fnv1.RunFunctionRequest, address: str) -> fnv1.RunFunctionResponse:
    options = [("grpc.max_receive_message_length", _SIZE), ("grpc.max_send_message_length", _SIZE)]
    with grpc.insecure_channel(address, options=options) as channel:
        try:
            rsp: fnv1.RunFunctionResponse = grpcv1.FunctionRunnerServiceStub(channel).RunFunction(req, timeout=60)
        except grpc.RpcError as e:
            start = f"start one with function --insecure --address {address}"
            raise UnusableError(f"no function answers at {address}: {e.code().name}; {start}") from e
        return rsp


def _condition(c: fnv1.Condition) -> Manifest:
    status = {fnv1.STATUS_CONDITION_TRUE: "True", fnv1.STATUS_CONDITION_FALSE: "False"}[c.status]
    return {"type": c.type, "status": status, "reason": c.reason, **({"message": c.message} if c.message else {})}


def _ready(rsp: fnv1.RunFunctionResponse, keys: list[str]) -> Manifest:
    """Ready as Crossplane 2.x derives it (internal/controller/apiextensions/composite/reconciler.go)."""
    unready = [k for k in keys if rsp.desired.resources[k].ready != fnv1.READY_TRUE]
    if rsp.desired.composite.ready == fnv1.READY_FALSE:
        return {"type": "Ready", "status": "False", "reason": "Creating"}
    if not unready:
        return {"type": "Ready", "status": "True", "reason": "Available"}
    return {"type": "Ready", "status": "False", "reason": "Creating", "message": f"Unready resources: {_few(unready)}"}


def _few(names: list[str]) -> str:
    """The first names, joined as crossplane-runtime does (pkg/resource: FirstNAndSomeMore)."""
    if len(names) < _NAMED:
        return ", ".join(names)
    last = names[_NAMED - 1] if len(names) == _NAMED else f"{len(names) - _NAMED} more"
    shown = names[: _NAMED - 1] if len(names) == _NAMED else names[:_NAMED]
    return f"{', '.join(shown)}, and {last}"
