"""The interface of a search index: each kind of database has one, which is filled separately from the rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol


class FoundKeys(NamedTuple):
    """The result of a search: the `state` that the last change left, and the keys whose texts may have the words.

    `keys` has every key whose indexed texts have each of the words, and possibly others. None means every key, because
    the words are too short.
    """

    state: str
    keys: Sequence[int] | None


class Addition(NamedTuple):
    """A change of an index: texts to add by key, and the state afterwards. It may start from an empty index.

    Texts of keys that are indexed already are kept.
    """

    state: str
    texts: Iterable[tuple[int, str]]
    begins_anew: bool = False


class SearchIndex(Protocol):
    """A search index. It can be deleted at any time, because it is rebuilt from the store."""

    def find(self, words: Sequence[str]) -> FoundKeys | None:
        """Search for folded words; None if there is no readable index."""
        ...

    def write(self, change: Callable[[str | None], Addition | None]) -> bool:
        """Apply the change that `change` returns for the state (None for a new index), completely or not at all.

        A damaged index is replaced. Returns whether something was written: not if there is no change, nor while another
        process writes. Raises StoreError if the index cannot be created or written.
        """
        ...

    def damages(self) -> list[str]:
        """Return one line for each damage; nothing if there is no index, or if it cannot be examined."""
        ...

    def remove(self) -> None:
        """Delete it, if there is one."""
        ...
