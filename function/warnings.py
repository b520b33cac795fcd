"""What is to be told of an environment that works: what may surprise somebody later."""

from collections import Counter

from function import lifecycle, names
from function.desired import Life
from function.model.environment import Environment
from function.observed import Observed
from function.plan import Plan
from function.sight import Sight

MOST_CHILDREN = 40
"""Children of one XR that Crossplane's circuit breaker is at ease with (crossplane internal/circuit/token_bucket.go)."""
SPARED = "a control plane that is not this environment's to delete lives on in it"
SESSION = (
    "provider-upbound keeps one session a process: rules let several organizations use it, and only the first to ask is served; "
    "let one organization in the Composition's Input, or run a provider for each"
)
THEIRS = "when that deletes it, the control planes in it go with it; have deletionProtection: true set there, or use a group of your own"


def told(env: Environment, plan: Plan, observed: Observed) -> list[str]:
    """One sentence each, with what to do about it."""
    named = {("ControlPlane", c.entry) for c in env.control_planes} | {("Group", g.entry) for g in env.groups if g.owned}
    named |= {("Repository", r.name) for r in env.iam.repositories} | {(r.manifest["kind"], r.entry) for r in env.resources}
    # Of one name there is a Configuration in each control plane: the name does not tell which, the uid does.
    installed = {lifecycle.confirmation_for(k, observed) for k in plan.wanted if k.startswith("configuration/") and k in observed}
    # The entry of a group in which something lives on says that the group goes with the environment all the same.
    meant = {lifecycle.confirmation_for(k, observed) for k in plan.wanted if lifecycle.remembers(k, observed)}
    early = (c for c in env.confirmations if c in installed or ((c.kind, c.name) in named and c.kind != "Configuration" and c not in meant))
    spared = [e for e in plan.emitted if e.key in plan.wanted and lifecycle.spared(env, e.key, observed)]
    insecure = [c.said.name for c in env.connectors if c.said.insecure_skip_tls_verify]
    places = Counter((c.control_plane.entry, c.said.claim_namespace) for c in env.connectors)
    shared = [f"connectors share claim namespace {n} of control plane {c}: give each its own" for (c, n), k in places.items() if k > 1]
    used = [c for c in plan.wanted.values() if c.key.startswith("group/") and c.life is Life.USED]
    theirs = [c.entry for c in used if Sight.of(env, c.key, observed).owner == "another"]
    many = f"{len(plan.emitted)} composed resources are more than the {MOST_CHILDREN} that one environment should have"
    return [
        *(f"certificate of Space {s.name} is not verified" for s in env.spaces.values() if s.insecure),
        *(f"connector {name} does not verify the certificate of its Space" for name in insecure),
        *shared,
        *(f"confirmedRemovals names {c.kind} {c.name}, which is still wanted; take the entry out" for c in early),
        *(f"{lifecycle.title(e.key, plan.wanted[e.key].entry)} is not deleted with this environment: {SPARED}" for e in spared),
        *(f"group {name} is another environment's: {THEIRS}" for name in theirs),
        *([SESSION] if env.iam.shared and names.UPBOUND in plan.wanted else ()),
        *([f"{many}; make several environments"] if len(plan.emitted) > MOST_CHILDREN else []),
    ]
