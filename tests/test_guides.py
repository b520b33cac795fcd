"""Each guide of Upbound's, point by point: what it has by hand is what we emit, and every difference is one on purpose."""

import base64
import shlex
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from function import cli, render
from function.reading import dig
from tests import stories, world

GUIDES = yaml.safe_load((stories.ROOT / "tests" / "guides.yaml").read_text())


def ours(guide: dict[str, Any]) -> Any:
    """What we have for a guide, as a person would write it: unwrapped, with Secrets as text."""
    if "prints" in guide:
        printed = CliRunner().invoke(cli.main, [guide["prints"]]).output
        # A command that patches: what it patches with.
        patch = next((shlex.split(line)[-1] for line in printed.splitlines() if " --patch=" in line), printed)
        return yaml.safe_load(patch.removeprefix("--patch="))
    story = stories.Story(stories.ROOT / guide["story"])
    if not guide["key"]:
        return story.rendered()[0]
    if guide.get("settled"):
        document = world.settled(story.xr, render.input_of(story.composition, story.xr)).observed[guide["key"]]
    else:
        document = next(d for d in story.rendered()[1:] if d["metadata"]["annotations"][render.RESOURCE_NAME] == guide["key"])
    document = dig(document, "spec", "forProvider", "manifest") or document
    if document["kind"] == "Secret":
        text = {k: base64.b64decode(v).decode() for k, v in document.pop("data").items()}
        document["stringData"] = {k: yaml.safe_load(v) for k, v in text.items()}
    return dig(document, *guide.get("at", ()))


def at(document: Any, path: str) -> Any:
    """What `document` has at `path`: longest keys first, for some have dots."""
    if not path:
        return document
    if isinstance(document, list):
        head, _, rest = path.partition(".")
        return at(document[int(head)], rest) if int(head) < len(document) else None
    found = [k for k in document or () if path == k or path.startswith(f"{k}.")]
    return at(document[max(found, key=len)], path[len(max(found, key=len)) + 1 :]) if found else None


def leaves(document: Any, path: str = "") -> dict[str, Any]:
    """Every value of a guide that is no object and no list, by its path."""
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    found = {k: v for name, value in inner for k, v in leaves(value, f"{path}.{name}".lstrip(".")).items()}
    return found or {path: document}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda g: g["guide"])
def test_what_a_guide_has_by_hand_is_what_we_emit(guide: dict[str, Any]) -> None:
    emitted, different = ours(guide), guide.get("different", {})

    said = {path: different[path]["ours"] if path in different else value for path, value in leaves(guide["says"]).items()}

    assert {path: at(emitted, path) for path in said} == said
    assert all(at(emitted, path) != at(guide["says"], path) for path in different), "a difference that is none"
    assert {path: at(emitted, path) for path in guide.get("more", {})} == guide.get("more", {})


def test_a_guides_every_difference_has_a_reason() -> None:
    assert all(d["why"] for g in GUIDES for d in g.get("different", {}).values())
