"""The frequency of Python's garbage collection during a run."""

import contextlib
import gc
from collections.abc import Iterator

_ALLOCATIONS = 50_000


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Run the garbage collector more rarely than by default.

    Pages have no cycles and are freed once they are stored; scanning their records took a sixth of a snapshot's time.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
