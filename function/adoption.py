"""An environment from the groups and control planes that a Space has, every one of them adopted."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from function import kubeconfigs, names
from function.desired import Manifest
from function.documents import UnusableError
from function.model.checks import RESERVED_LABELS
from function.model.tenancy import reserved
from function.model.types import VERSION
from function.reading import dig, mapping, text

_MOST_LABELS = 32
_LONGEST = 63


def environment_from(
    kubeconfig: Mapping[str, Any], objects: Iterable[object], name: str, namespace: str, *, api: str
) -> tuple[Manifest, list[str]]:
    """An environment with all groups and control planes among `objects`, and notes on what it does not take over.

    Applying it changes nothing of them but the environment's label: what a spec leaves out, a merge patch leaves alone.

    Raises:
        UnusableError: the kubeconfig is not one that `up ctx` wrote, or there is nothing to adopt.
    """
    made = kubeconfigs.environment_from(kubeconfig, name, namespace, api=api)
    found = sorted(
        (o for top in objects for o in _unpacked(top)), key=lambda o: (text(o, "metadata", "namespace"), text(o, "metadata", "name"))
    )
    groups = [o for o in found if o.get("kind") == "Namespace" and text(o, "metadata", "labels", names.LABEL_GROUP) == "true"]
    planes = [o for o in found if o.get("kind") == "ControlPlane" and text(o, "apiVersion").startswith("spaces.upbound.io/")]
    notes = [f"group {_place(o)} is left out: it belongs to the Space itself" for o in groups if reserved(_place(o))]
    groups, planes = ([o for o in some if not reserved(_place(o))] for some in (groups, planes))
    if not groups and not planes:
        raise UnusableError("there is no group and no control plane to adopt; give what kubectl get -o yaml prints of both")
    count, entries = Counter(text(o, "metadata", "name") for o in planes), []
    taken = {name for name, times in count.items() if times == 1}
    for o in planes:
        remote, group = text(o, "metadata", "name"), _place(o)
        entry = {"name": remote if count[remote] == 1 else _free(f"{group}-{remote}", taken), "adopt": True}
        entry |= ({"remoteName": remote} if remote != entry["name"] else {}) | ({"group": group} if group != "default" else {})
        crossplane = _crossplane(o)
        if crossplane is None:
            notes.append(f"control plane {entry['name']} is only looked at: that it has no channel and no version cannot be said")
        entries.append({**entry, **_common(o), **({"managementPolicies": ["Observe"]} if crossplane is None else crossplane)})
    owned = [{"name": _place(o), "adopt": True, **_common(o)} for o in groups if _place(o) != "default"]
    lists = {k: v for k, v in (("groups", owned), ("controlPlanes", entries)) if v}
    spec = {k: v for k, v in made["spec"].items() if k not in ("groups", "controlPlanes")}
    return {**made, "spec": {**spec, **lists}}, notes


def _free(name: str, taken: set[str]) -> str:
    """`name`, cut and numbered so that it is in `taken` by now, and was not before."""
    numbered = (f"{name[: _LONGEST - 5]}-{n}" for n in itertools.count(2))
    free = next(n for n in itertools.chain([name[:_LONGEST].rstrip("-")], numbered) if n not in taken)
    taken.add(free)
    return free


def _unpacked(document: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a document: of a List, as kubectl prints one, or the object that it is."""
    items = dig(document, "items")
    yield from (o for o in (items if isinstance(items, list) else [document]) if isinstance(o, Mapping))


def _place(o: Mapping[str, Any]) -> str:
    """The group that an object is in, or is."""
    return text(o, "metadata", "namespace") or text(o, "metadata", "name")


def _common(o: Mapping[str, Any]) -> Manifest:
    """Labels, for stages to select by, and the class."""
    labels = mapping(o, "metadata", "labels")
    own = {k: v for k, v in labels.items() if not k.startswith((*RESERVED_LABELS, "kubernetes.io/"))}
    class_ = text(o, "spec", "class")
    return {**({"labels": dict(sorted(own.items())[:_MOST_LABELS])} if own else {}), **({"class": class_} if class_ else {})}


def _crossplane(o: Mapping[str, Any]) -> Manifest | None:
    """What is to be said of Crossplane so that it stays as it is; None where that cannot be said."""
    channel, version = text(o, "spec", "crossplane", "autoUpgrade", "channel") or "Stable", text(o, "spec", "crossplane", "version")
    if channel == "None" and not re.match(VERSION, version):
        return None
    said: Manifest = {"version": version} if channel == "None" else {} if channel == "Stable" else {"autoUpgrade": {"channel": channel}}
    state = text(o, "spec", "crossplane", "state")
    said |= {"state": state} if state == "Paused" else {}
    return {"crossplane": said} if said else {}
