"""The definitions as a real API server applies them: what it refuses, and what it lets through to the function."""

import json
from typing import Any

import pytest
import yaml

from function import model, render
from live.crossplane import ROOT
from live.environments import CLAIMS, LiveEnvironment
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


def _refused(world: World, e: LiveEnvironment) -> str:
    """What kubectl says of an environment that it cannot apply. Given JSON: to it, a `y` in YAML is true."""
    try:
        world.kubectl("apply", "-f", "-", stdin=json.dumps(e.manifest))
    except KubectlError as error:
        return str(error)
    return ""


@pytest.mark.everywhere
def test_bad_input_gets_its_sentences(world: World, namespace: str, api: str) -> None:
    """Each mistake is refused by the API server for the reason that we know, or answered by the function with what to write."""
    waiting: list[tuple[str, str, LiveEnvironment]] = []
    wrong: list[str] = []
    composition = world.hub.get("compositions.v1.apiextensions.crossplane.io", DEFINITIONS[api]) or {}
    rules = composition["spec"]["pipeline"][0]["input"]
    for i, entry in enumerate(e for e in BAD if e.get("api", api) == api):
        e = LiveEnvironment(world, api, namespace, f"bad-{i}")
        e.spec = entry["whole"] if "whole" in entry else {**GOOD, **entry.get("spec", {})}
        sentence, texts = _sentence(e, rules), entry.get("refused", ())
        if not sentence and not texts:
            continue
        said = _refused(world, e)
        if bool(said) != bool(texts) or not all(text in said for text in texts):
            wrong.append(f"{entry['why']}: {said or 'is not refused'}")
        elif not said:
            waiting.append((entry["why"], sentence, e))
    assert wrong == []
    assert waiting
    for why, sentence, e in waiting:

        def answered(sentence: str = sentence, e: LiveEnvironment = e) -> bool:
            status, message = e.condition("Synced")
            return status == "False" and sentence in message

        until(f"{why}: {sentence}", answered, 60, e.explain)
        assert e.objects() == {}, why


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
