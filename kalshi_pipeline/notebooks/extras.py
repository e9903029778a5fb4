"""Packages that only some formats need; an extra of this package installs each."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from kalshi_pipeline.errors import MissingExtraError

_EXTRAS = {
    "pyarrow": "arrow",
    "numpy": "arrow",
    "adbc_driver_sqlite": "arrow",
    "pandas": "pandas",
    "polars": "polars",
    "duckdb": "duckdb",
}


def imported(package: str) -> Any:  # noqa: ANN401  (a module, whose types are its own)
    """Import and return a package. Raises MissingExtraError if it is not installed."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(package, _EXTRAS[package]) from error


def is_installed(extra: str) -> bool:
    """Return whether all packages of an extra are installed."""
    try:
        return all(find_spec(package) for package, brought_by in _EXTRAS.items() if brought_by == extra)
    except ModuleNotFoundError:
        return False
