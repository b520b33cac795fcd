"""Fixtures and flags that all tests share."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites the expected files instead of comparing with them."""
    parser.addoption("--update", action="store_true", help="rewrite expected.yaml files")
