"""The one definition of ready: gating, reporting and Ready all ask it."""

from collections.abc import Callable, Mapping

from function.reading import Document, dig, listed

Conditions = Mapping[str, Document]
"""The conditions of a resource, by type."""


def conditions(resource: Document) -> Conditions:
    """The conditions of `resource`."""
    return {str(c.get("type")): c for c in listed(resource, "status", "conditions") if isinstance(c, Mapping)}


def ready(resource: Document, conditions_: Conditions) -> bool:
    """Whether an observed composed resource is ready."""
    return _READY.get(str(resource.get("kind")), _in_condition)(resource, conditions_)


def fresh(resource: Document, conditions_: Conditions) -> bool:
    """Whether its provider has looked since the spec last changed (crossplane-runtime sets observedGeneration)."""
    generation, seen = dig(resource, "metadata", "generation"), conditions_.get("Synced", {}).get("observedGeneration")
    return not (isinstance(generation, int) and isinstance(seen, int)) or seen >= generation


def _in_condition(resource: Document, conditions_: Conditions) -> bool:
    """Ready and in sync, the latter with the spec as it is now."""
    met = all(conditions_.get(type_, {}).get("status") == "True" for type_ in ("Ready", "Synced"))
    return met and fresh(resource, conditions_)


def _identified(resource: Document, conditions_: Conditions) -> bool:
    """Ready, with the UUID that others refer to it by."""
    named = dig(resource, "metadata", "annotations", "crossplane.io/external-name")
    return bool(named) and _in_condition(resource, conditions_)


def _exists(_: Document, __: Conditions) -> bool:
    return True


def _says_ready(_: Document, conditions_: Conditions) -> bool:
    return conditions_.get("Ready", {}).get("status") == "True"


LOCAL: Mapping[str, Callable[[Document, Conditions], bool]] = {
    # Neither ever has a Ready condition (provider-kubernetes: apis/*/v1alpha1/types.go; crossplane#3052).
    "ProviderConfig": _exists,
    "Secret": _exists,
    # How claims do is the application team's to see; the registration is there.
    "AppProject": _exists,
    "Application": _exists,
    "GitRepository": _exists,
    "OCIRepository": _exists,
    "Kustomization": _exists,
    "ExternalSecret": _says_ready,
    "Release": _in_condition,
}
"""Kinds that live here and have no managementPolicies of ours, and what makes one ready."""
_READY = {**LOCAL, "Team": _identified}
