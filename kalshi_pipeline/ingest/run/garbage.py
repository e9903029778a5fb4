"""How often Python's garbage collector looks through what a run holds."""

import contextlib
import gc
from collections.abc import Iterator

_ALLOCATIONS = 50_000


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Let the collector begin only after many more allocations than it does by itself.

    Pages have no cycles: they are freed as soon as they are stored. Looking through the records of those that are held
    took a sixth of a snapshot's time.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
