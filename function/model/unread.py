"""What an author says that nothing reads: it would pass, and do nothing. What several share is read where one of them reads it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from function.model import gitops as g
from function.model import spec as s
from function.model.errors import Location, Problem
from function.model.parts import ControlPlane, Space

AUTH = "PodEnvironment"
"""Where Argo CD's token comes from, unless said."""
_READ_BY = {"external_secret": "ExternalSecret", "token_secret_ref": "ComposedSecret", "robot_token_ref": "ComposedSecret"}
_TOKENS = ("token_secret_ref", "robot_token_ref")
_SHARED: Location = ("spec", "defaults", "controlPlane")
_Settings = Sequence[tuple[Location, ControlPlane, s.ControlPlaneSettings]]
_Reader = tuple[str, bool]
"""A control plane in Argo CD: its auth, and whether it is in a Disconnected Space."""


def problems(spec: s.Spec, spaces: Mapping[str, Space], settings: _Settings) -> Iterator[Problem]:
    """All of it, of Argo CD and Flux. `settings` has defaults laid under each control plane."""
    shared = spec.defaults.control_plane
    said = [*((at, entry, merged) for (at, _, merged), entry in zip(settings, spec.control_planes, strict=True)), (_SHARED, shared, shared)]
    for at, entry, merged in said:
        for tool in ("argocd", "flux"):
            if getattr(entry, tool) is not None and getattr(spec, tool) is None:
                yield Problem((*at, tool), f"has no effect without spec.{tool}; write that, or leave this out")
        if spec.flux and entry.flux and entry.flux.external_secret and merged.flux and merged.flux.kubeconfig_secret_ref:
            yield Problem((*at, "flux", "externalSecret"), "has no effect beside kubeconfigSecretRef; leave one of them out")
    if spec.argocd:
        yield from _argocd(spec, spec.argocd, spaces, settings)


def _argocd(spec: s.Spec, whole: g.ArgoCD, spaces: Mapping[str, Space], settings: _Settings) -> Iterator[Problem]:
    shared, readers = spec.defaults.control_plane.argocd, list[_Reader]()
    for (at, c, merged), entry in zip(settings, spec.control_planes, strict=True):
        own = merged.argocd or g.ArgoCDSettings()
        if own.enabled is not False and c.space in spaces:
            readers.append((own.auth or whole.auth or AUTH, spaces[c.space].type == "Disconnected"))
            yield from _said((*at, "argocd"), entry.argocd, whole, readers[-1:])
    # Where there is none yet: as the next one would be.
    readers = readers or [((shared and shared.auth) or whole.auth or AUTH, False)]
    yield from _said((*_SHARED, "argocd"), shared, whole, readers)
    yield from _said(("spec", "argocd"), whole, whole, readers)


def _said(at: Location, said: g.ArgoCD | g.ArgoCDSettings | None, whole: g.ArgoCD, readers: Iterable[_Reader]) -> Iterator[Problem]:
    """What is said in one place, for those who could read it."""
    if said is None:
        return
    for field in (f for f in _READ_BY if getattr(said, f)):
        disconnected = [d for auth, d in readers if auth == _READ_BY[field]]
        name = str(type(said).model_fields[field].alias)
        if not disconnected:
            yield Problem((*at, name), f"has no effect without auth {_READ_BY[field]}; write that, or leave this out")
        elif field in _TOKENS and all(disconnected):
            yield Problem((*at, name), "has no effect for a Disconnected Space, whose kubeconfig has a token; leave it out")
    if isinstance(said, g.ArgoCDSettings) and said.path and not whole.applications:
        yield Problem((*at, "path"), "has no effect without spec.argocd.applications; write that, or leave this out")
