"""Every case and every example becomes exactly what its expected.yaml says."""

import pytest

from tests import stories


@pytest.mark.parametrize("story", stories.stories(), ids=lambda s: s.path.name)
def test_a_story_becomes_what_it_expects(story: stories.Story, request: pytest.FixtureRequest) -> None:
    rendered = stories.dump(story.rendered())
    if request.config.getoption("--update"):
        story.expected.write_text(rendered)

    assert story.expected.read_text() == rendered
