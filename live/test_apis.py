"""The definitions as a real API server applies them: what it refuses, and what it lets through to the function."""

from typing import Any

import pytest
import yaml

from live.crossplane import ROOT
from live.environments import CLAIMS, NAMESPACED, LiveEnvironment
from live.waiting import until
from live.world import KubectlError, World
from tests.test_bad_input import GOOD

BAD: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "bad_input.yaml").read_text())
MISTAKES = [e for e in BAD if "input" not in e and "names no hub" not in e["says"][0]]
"""Those that do not depend on another Input than this world's."""


@pytest.mark.everywhere
def test_bad_input_gets_its_sentences(world: World, namespace: str, api: str) -> None:
    """Each mistake is refused by the API server, or answered by the function with the sentence that says what to write."""
    waiting: list[tuple[dict[str, Any], LiveEnvironment]] = []
    refused = 0
    for i, entry in enumerate(e for e in MISTAKES if e.get("api", NAMESPACED) == api):
        e = LiveEnvironment(world, api, namespace, f"bad-{i}")
        e.spec = entry["whole"] if "whole" in entry else {**GOOD, **entry.get("spec", {})}
        try:
            world.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(e.manifest))
        except KubectlError:
            refused += 1
        else:
            waiting.append((entry, e))
    for entry, e in waiting:

        def answered(entry: dict[str, Any] = entry, e: LiveEnvironment = e) -> bool:
            status, message = e.condition("Synced")
            return status == "False" and entry["says"][0] in message

        until(f"{entry['why']}: {entry['says'][0]}", answered, 60, e.explain)
        assert e.objects() == {}, entry["why"]
    assert waiting
    assert refused


@pytest.mark.everywhere
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"compositionUpdatePolicy": "Manual"}, "compositionUpdatePolicy is Automatic"),
        ({"compositionRevisionSelector": {"matchLabels": {"a": "b"}}}, "leave compositionRevisionSelector out"),
    ],
)
def test_an_author_cannot_keep_older_rules(environment: LiveEnvironment, change: dict[str, Any], says: str) -> None:
    """CEL refuses what would pin an older Composition, and with it an older Input."""
    with pytest.raises(KubectlError, match=says):
        environment.apply(**(change if environment.api == CLAIMS else {"crossplane": change}))


def test_the_organization_is_fixed(environment: LiveEnvironment) -> None:
    """The API server refuses another organization, with a sentence."""
    environment.apply()
    with pytest.raises(KubectlError, match="organization"):
        environment.apply(organization="other")
