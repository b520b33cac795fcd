"""What providers say, and what people read of it."""

import pytest

from function import diagnosis
from function.diagnosis import TABLE, TARGETS

PREFIX = "connect failed: cannot build kube client for provider config: cannot get REST config for provider: "


@pytest.mark.parametrize(("table", "advice"), [(t, a) for t in (TABLE, TARGETS) for a in t], ids=lambda p: getattr(p, "says", ""))
def test_each_message_of_a_table_finds_its_own_row_wherever_it_stands(
    table: tuple[diagnosis.Advice, ...], advice: diagnosis.Advice
) -> None:
    assert diagnosis.advice(PREFIX + advice.says, table) is advice
    assert "{" not in diagnosis.explain(PREFIX + advice.says, table)


@pytest.mark.parametrize(
    ("message", "means"),
    [
        (
            f'{PREFIX}cannot get credentials: cannot get credentials secret: Secret "k" not found',
            "kubeconfig Secret k does not exist: create it with the output of upenv kubeconfig",
        ),
        (
            f'{PREFIX}failed to extract Upbound token: cannot get credentials secret: secrets "t" not found',
            "token Secret t does not exist: create it with",
        ),
        (
            f"{PREFIX}cannot create new REST config using provider secret: cluster for currentContext (x) not found",
            "the kubeconfig is not one that works with an Upbound token",
        ),
        (
            'observe failed: cannot get object: Get "https://x": cannot get upbound org scoped token: Unauthorized: {"token": "MARKER"}',
            "Upbound rejects the token: put a valid token",
        ),
        ('create failed: cannot create object: namespaces "team" not found', "group team does not exist yet: wait for it"),
        ("cannot get object: Get https://x: EOF", "the Space cannot be reached"),
    ],
)
def test_known_messages_become_advice_without_what_the_other_side_wrote(message: str, means: str) -> None:
    assert diagnosis.explain(message).startswith(means)
    assert "MARKER" not in diagnosis.explain(message)


@pytest.mark.parametrize("secret", ["Bearer abc.def", "bearer MARKER", "eyJhbGciOi.eyJzdWIi.MARKER", "https://me:MARKER@git.example/x"])
def test_what_looks_like_a_token_in_an_unknown_message_is_taken_out(secret: str) -> None:
    assert diagnosis.explain(f"something new: {secret} and more").startswith("something new: ")
    assert all(part not in diagnosis.explain(f"something new: {secret} and more") for part in ("MARKER", "abc.def"))


def test_an_unknown_message_is_one_line_and_not_too_long() -> None:
    assert diagnosis.explain("a\n  b") == "a b"
    assert diagnosis.explain("x" * 999) == "x" * 200 + "..."


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"phase": "Failed"}, "failed"),
        ({"phase": "Failed", "message": "no space left"}, "no space left"),
        ({"phase": "Failed", "conditions": [{"type": "Uploaded", "status": "False", "message": "access denied"}]}, "access denied"),
        ({"phase": "Failed", "conditions": [{"type": "Uploaded", "status": "True", "message": "done"}]}, "failed"),
        ({"phase": "InProgress", "conditions": [{"type": "Uploaded", "status": "False", "message": "not yet"}]}, ""),
        ({"conditions": [{"type": "Failed", "status": "True", "reason": "Conflict"}]}, "Conflict"),
        ({"conditions": [{"type": "Validated", "status": "False"}]}, "Validated"),
    ],
)
def test_a_service_that_failed_says_why_if_it_knows(status: dict[str, object], says: str) -> None:
    assert diagnosis.failures(status) == says


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ([("Ready", "True", "Available", ""), ("Synced", "False", "X", "cannot reach vault")], "failed for dev (cannot reach vault)"),
        ([("Failed", "False", "Fine", ""), ("Failed", "True", "Conflict", "")], "failed for dev (Conflict)"),
        ([("Ready", "False", "", ""), ("Synced", "False", "", "no key")], "failed for dev (no key)"),
        ([("Ready", "True", "Available", ""), ("Failed", "False", "Fine", "")], "failed for dev"),
        ([], "failed for dev"),
    ],
)
def test_a_control_plane_in_which_a_service_failed_says_what_is_bad_there(conditions: list[tuple[str, ...]], says: str) -> None:
    found = [dict(zip(("type", "status", "reason", "message"), c, strict=True)) for c in conditions]

    assert diagnosis.failures({"failed": [{"controlPlane": "dev", "conditions": found}]}) == says


def test_only_some_advice_is_about_credentials() -> None:
    assert diagnosis.about_credentials("x509: unknown authority")
    assert not diagnosis.about_credentials("no matches for kind")
    assert not diagnosis.about_credentials("something new")
