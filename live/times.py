"""Times as Kubernetes writes them."""

import datetime as dt


def now() -> str:
    """This moment."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
