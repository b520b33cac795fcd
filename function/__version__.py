"""The version of the function, its packages and its command line."""

__version__ = "0.1.0"
