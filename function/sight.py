"""What is seen of an Object and of the remote object that it stands for."""

from dataclasses import dataclass

from function import names
from function.model.environment import Environment
from function.observed import Observed
from function.reading import Document, dig, listed


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of an Object.

    Attributes:
        remote: the remote object, or None where it is not seen.
        owner: the environment that it belongs to: "ours", "another", or "nobody".
        policies: the managementPolicies of the Object.
        fresh: whether provider-kubernetes has looked since the Object's spec last changed.
        made: whether this Object made the remote object.
        going: whether the Object is being deleted.
    """

    remote: Document | None
    owner: str
    policies: tuple[str, ...]
    fresh: bool
    made: bool
    going: bool

    @classmethod
    def of(cls, env: Environment, key: str, observed: Observed) -> "Sight":
        """What is seen of `key`."""
        seen = None if observed.absent(key) else observed.remote(key)
        label = dig(seen, "metadata", "labels", names.LABEL_ENVIRONMENT) or ""
        owner = "nobody" if label == "" else "ours" if label == names.environment_label(env.identity) else "another"
        return cls(
            remote=seen,
            owner=owner,
            policies=tuple(p for p in listed(observed.document(key), "spec", "managementPolicies") if isinstance(p, str)),
            fresh=observed.fresh(key),
            made=bool(observed.annotation(key, names.ANNOTATION_MADE)),
            going=observed.going(key),
        )

    @property
    def updating(self) -> bool:
        """Whether the Object may change the remote object already."""
        return bool({"*", "Update"} & set(self.policies))

    @property
    def deleting(self) -> bool:
        """Whether the remote object goes with the Object."""
        return bool({"*", "Delete"} & set(self.policies))

    @property
    def ours(self) -> bool:
        """Whether the remote object is this environment's to change and to delete: by its label, or by what has been done already."""
        return self.updating or (self.owner == "ours" and self.fresh and "Create" in self.policies)
