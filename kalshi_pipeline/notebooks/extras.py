"""Packages that only some formats need; an extra of this package installs each."""

from importlib import import_module
from typing import Any

from kalshi_pipeline.errors import MissingExtraError

_EXTRAS = {"pyarrow": "arrow", "numpy": "arrow", "pandas": "pandas", "polars": "polars", "duckdb": "duckdb"}


def imported(package: str) -> Any:  # noqa: ANN401  (a module, whose types are its own)
    """Import and return a package. Raises MissingExtraError if it is not installed."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(package, _EXTRAS[package]) from error
