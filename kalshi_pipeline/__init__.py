"""Collects the public market data of the Kalshi exchange into your own database.

`open_store` reads the stored data. It is imported on first use, so that importing the package stays cheap.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kalshi_pipeline.notebooks.store import Store, open_store
    from kalshi_pipeline.notebooks.table import Table

__all__ = ["Store", "Table", "open_store"]

if not TYPE_CHECKING:  # otherwise every name would exist to a type checker

    def __getattr__(name: str) -> object:
        """Import a name of `__all__` on first use."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from kalshi_pipeline.notebooks import store

        return getattr(store, name)
