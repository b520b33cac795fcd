"""Fixtures and flags that all tests share."""

import pytest
from crossplane.function import logging
from hypothesis import HealthCheck, settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites the expected files instead of comparing with them."""
    parser.addoption("--update", action="store_true", help="rewrite expected.yaml files")


settings.register_profile("laws", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("laws")


def pytest_configure() -> None:
    """Nothing is logged, unless a test sets it up."""
    logging.configure(logging.Level.DISABLED)
