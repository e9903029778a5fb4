"""What the store asks of an index of texts: a part of every kind of database, filled apart from its rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol


class FoundKeys(NamedTuple):
    """What an index knows of some words: what its last change left as `state`, and the keys whose texts may have them.

    Every key whose indexed texts have each of the words is among `keys`, and others may be. None is every key, where
    the words are too short.
    """

    state: str
    keys: Sequence[int] | None


class Addition(NamedTuple):
    """A change of an index: texts to add by their keys, and its state afterwards. It may begin with an empty index.

    The texts of a key that it has already are kept.
    """

    state: str
    texts: Iterable[tuple[int, str]]
    begins_anew: bool = False


class SearchIndex(Protocol):
    """An index of texts, which can be deleted at any time: it is made again from what is stored."""

    def find(self, words: Sequence[str]) -> FoundKeys | None:
        """Return what it knows of folded words; None where there is no index that can be read."""
        ...

    def write(self, change: Callable[[str | None], Addition | None]) -> bool:
        """Make the change that `change` returns of the state (None of a new index), all of it or nothing.

        A damaged index is made anew. Returns whether something was written: not where there is no change, nor while
        another process writes. Raises StoreError where the index cannot be made or written.
        """
        ...

    def damages(self) -> list[str]:
        """Return what is wrong with it, a line each; nothing where there is none, or where it cannot be looked at."""
        ...

    def remove(self) -> None:
        """Delete it, if there is one."""
        ...
