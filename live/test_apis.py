"""The definitions as a real API server applies them: what it refuses, and what it lets through to the function."""

from typing import Any

import pytest
import yaml

from function import model, render
from live.crossplane import ROOT
from live.environments import CLAIMS, NAMESPACED, LiveEnvironment
from live.waiting import until
from live.world import DEFINITIONS, KubectlError, World
from tests.test_bad_input import GOOD

BAD: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "bad_input.yaml").read_text())


def _sentence(e: LiveEnvironment, rules: dict[str, Any]) -> str:
    """What the model says first of an environment under this world's Input, which allows more than that of other tests."""
    try:
        model.parse(render.composite(e.manifest), rules)
    except model.InvalidError as error:
        return str(error.problems[0])
    return ""


@pytest.mark.everywhere
def test_bad_input_gets_its_sentences(world: World, namespace: str, api: str) -> None:
    """Each mistake is refused by the API server, or answered by the function with the sentence that says what to write."""
    waiting: list[tuple[str, str, LiveEnvironment]] = []
    refused = 0
    composition = world.hub.get("compositions.v1.apiextensions.crossplane.io", DEFINITIONS[api]) or {}
    rules = composition["spec"]["pipeline"][0]["input"]
    for i, entry in enumerate(e for e in BAD if e.get("api", NAMESPACED) == api):
        e = LiveEnvironment(world, api, namespace, f"bad-{i}")
        e.spec = entry["whole"] if "whole" in entry else {**GOOD, **entry.get("spec", {})}
        if not (sentence := _sentence(e, rules)):
            continue
        try:
            world.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(e.manifest))
        except KubectlError:
            refused += 1
        else:
            waiting.append((entry["why"], sentence, e))
    for why, sentence, e in waiting:

        def answered(sentence: str = sentence, e: LiveEnvironment = e) -> bool:
            status, message = e.condition("Synced")
            return status == "False" and sentence in message

        until(f"{why}: {sentence}", answered, 60, e.explain)
        assert e.objects() == {}, why
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
