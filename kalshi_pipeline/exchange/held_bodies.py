"""Copies of answers outside the heap, which wait until their page is stored."""

from contextlib import suppress
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from weakref import finalize

_MOST_SPARE = 3
_SPARE_SHARE = 4  # the next page may be that much larger
_spare: list[mmap] = []


def outside_of_the_heap(body: bytes) -> bytes | memoryview:
    """Return a copy in an anonymous mapping, which is reused once nothing refers to the copy.

    Several pages of some megabytes wait to be stored at a time. On the heap, fragmentation made them take three times
    their size. A new mapping costs twenty times as much as the copy, because each of its pages has to be cleared.
    """
    if not body:
        return body
    mapping = _mapping_of(len(body))
    mapping[: len(body)] = body
    view = memoryview(mapping)[: len(body)]
    # A part that msgspec has sliced from the view refers to the view too.
    finalize(view, _keep, mapping).atexit = False
    return view


def _mapping_of(size: int) -> mmap:
    with suppress(IndexError):  # another thread may have taken the last one
        if len(mapping := _spare.pop()) >= size:
            return mapping
    return mmap(-1, size + size // _SPARE_SHARE, flags=MAP_PRIVATE | MAP_ANONYMOUS)


def _keep(mapping: mmap) -> None:
    if len(_spare) < _MOST_SPARE:
        _spare.append(mapping)
