"""A small model of provider-upbound and of Upbound, as far as the function sees them; what it does is read from its controllers."""

import typing
from typing import Any

from tests import world

if typing.TYPE_CHECKING:
    from tests.world import World

Manifest = dict[str, Any]
NAME = "crossplane.io/external-name"
MADE = "crossplane.io/external-create-succeeded"
UUID = "0b5f7f0a-58c2-4a6e-9d1c-6a3b2c1d0e9f"
"""Of a team and of a robot that were there before."""
KINDS = ("Team", "Robot", "Token", "RobotTeamMembership", "Repository", "Permission")
_REFS = (("robotIdRef", "robotId", "Robot"), ("teamIdRef", "teamId", "Team"), ("idRef", "id", "Robot"))


def provide(w: "World", key: str, *, ready: bool) -> None:
    """One reconcile of the managed resource `key`."""
    o = w.observed[key]
    policies, annotations = set(o["spec"]["managementPolicies"]), o["metadata"].setdefault("annotations", {})
    if "deletionTimestamp" in o["metadata"]:
        if policies & {"*", "Delete"} and w.remote.pop(place(o), None) is not None:
            w.deleted.append(place(o))
        w.secrets.pop(o["spec"].get("writeConnectionSecretToRef", {}).get("name", ""), None)
        del w.observed[key]
        return
    met = _resolved(w, o)
    if met and place(o) not in w.remote and policies & {"*", "Create"}:
        _create(w, o, annotations)
    met = met and place(o) in w.remote
    _update(w, o, policies)
    generation = o["metadata"]["generation"]
    o["status"] = {"conditions": [world.condition("Synced", met=met, generation=generation), world.condition("Ready", met=met and ready)]}
    if met and o["kind"] == "Repository":
        o["status"]["atProvider"] = dict(w.remote[place(o)])
    if met and o["kind"] in ("Team", "Robot"):
        o["status"]["atProvider"] = {"id": annotations[NAME]}


def place(o: Manifest) -> tuple[str, ...]:
    """What a managed resource stands for: by UUID, by name, or by what it binds."""
    said, name = o["spec"]["forProvider"], o["metadata"].get("annotations", {}).get(NAME, "")
    what = {
        "RobotTeamMembership": (said.get("robotId", ""), said.get("teamId", "")),
        "Permission": (said.get("repository", ""), said.get("teamId", "")),
    }.get(o["kind"], ("", name))
    return ("api.upbound.io", "", o["kind"], *what)


def keep(old: Manifest, new: Manifest) -> None:
    """Keep what references were resolved to: server-side apply leaves alone what another manager wrote."""
    for path in ((), ("owner",)):
        had, has = ({} if o["kind"] == "Object" else o.get("spec", {}).get("forProvider", {}) for o in (old, new))
        for part in path:
            had, has = had.get(part, {}), has.get(part, {})
        has.update({field: had[field] for ref, field, _ in _REFS if field in had and ref in has})


def _resolved(w: "World", o: Manifest) -> bool:
    """Resolve references as crossplane-runtime does: once, into the field beside them."""
    for said in (o["spec"]["forProvider"], o["spec"]["forProvider"].get("owner", {})):
        for ref, field, kind in _REFS:
            if ref in said and field not in said:
                found = [
                    d["metadata"].get("annotations", {}).get(NAME)
                    for d in w.observed.values()
                    if (d["kind"], d["metadata"]["name"]) == (kind, said[ref]["name"])
                ]
                if not found or not found[0]:
                    return False
                said[field] = found[0]
    return True


def _create(w: "World", o: Manifest, annotations: Manifest) -> None:
    said = o["spec"]["forProvider"]
    annotations[MADE] = "2026-01-01T00:00:00Z"
    if o["kind"] in ("Team", "Robot", "Token"):
        annotations[NAME] = world.uid(o["kind"], said["name"], str(len(w.remote)), str(len(w.deleted)))
    thing: Manifest = {"kind": o["kind"], "permission": said.get("permission")}
    if o["kind"] == "Repository":
        thing = {"name": said["name"], "repositoryId": len(w.remote) + 1, "accountId": 1, "official": False, **_policy(said)}
    w.remote[place(o)] = thing
    if secret := o["spec"].get("writeConnectionSecretToRef"):
        w.secrets[secret["name"]] = annotations[NAME]


def _update(w: "World", o: Manifest, policies: set[str]) -> None:
    """Only a Repository is ever changed, and only if both of its fields differ."""
    there = w.remote.get(place(o))
    if o["kind"] == "Repository" and there and policies & {"*", "Update"}:
        want = _policy(o["spec"]["forProvider"])
        if all(there[k] != v for k, v in want.items()):
            there.update(want)


def _policy(said: Manifest) -> Manifest:
    return {"public": said["public"], "publishPolicy": "publish" if said["publish"] else "draft"}
