"""Matching of search words: in any case, with or without accents, and as parts of longer words.

Words of one or two characters are found only at the beginning of a word, because nearly every text has them elsewhere.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

SHORT = 2
"""The maximum length of words that are found only at the beginning of a word."""

BEGINNING = r"(?<![^\W_])"
"""The regular expression of the beginning of a word: no letter or digit precedes it."""

_MOST_RANKED = 8  # words; further ones are looked for without regard to where they are


def fold(text: str) -> str:
    """Return a text without case, accents and differences of encoding, which searches ignore."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def folded_words(texts: Iterable[str]) -> list[str]:
    """Return the distinct folded words of texts. A lone surrogate, which no text has, becomes U+FFFD."""
    whole = " ".join(texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return list(dict.fromkeys(fold(whole).split()))


def is_at_beginning(word: str) -> bool:
    """Return whether a folded word is found only at the beginning of a word."""
    return len(word) <= SHORT and word[0].isalnum()


def match(words: str, *texts: str | None) -> int:
    """Return how well folded words, one a line, match some texts together; 0 unless each is in one of them.

    A match at the beginning of a word counts more than one elsewhere, and a whole word more than that.
    """
    searched = fold("\n".join(filter(None, texts)))
    wanted = _wanted(words)
    if not all(part in searched for part in wanted.parts):
        return 0
    if not all(beginning.search(searched) for beginning in wanted.beginnings):
        return 0
    return 1 + sum(ranked.search(searched) is not None for ranked in wanted.ranked)


class _Wanted(NamedTuple):
    parts: list[str]
    beginnings: list[re.Pattern[str]]
    ranked: list[re.Pattern[str]]


@lru_cache
def _wanted(words: str) -> _Wanted:
    found = words.split("\n")
    ranked = [pattern for word in found[:_MOST_RANKED] for pattern in (_beginning(word), _whole(word))]
    return _Wanted(found, [_beginning(word) for word in found if is_at_beginning(word)], ranked)


def _beginning(word: str) -> re.Pattern[str]:
    return re.compile(f"{BEGINNING}{re.escape(word)}")


def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"{BEGINNING}{re.escape(word)}(?![^\W_])")
