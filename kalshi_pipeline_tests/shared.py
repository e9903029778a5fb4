"""Recorded answers of the exchange, and its specification, in an optional folder `shared` beside this checkout.

It is not part of the project, because its texts belong to others. Without it, the tests that read it are skipped.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
RECORDED = SHARED / "kalshi" / "recorded"
SPECIFICATION = SHARED / "kalshi" / "openapi-3.32.yaml"

WHY_SKIPPED = "../shared is not beside this folder"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=WHY_SKIPPED)

_WORDS_OF_A_QUOTE = 5


def recorded_files() -> list[str]:
    """Names of all recorded answers below `RECORDED`; none if it is missing."""
    return sorted(str(path.relative_to(RECORDED)) for path in RECORDED.glob("*/*.json"))


def read_recorded(file: str) -> Any:
    """Return the JSON document of one of `recorded_files`."""
    return json.loads((RECORDED / file).read_bytes())


def objects_in(document: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document, at any depth."""
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    if isinstance(document, list):
        for inner in document:
            yield from objects_in(inner)


def leaves_in(document: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each scalar of a JSON document, with the nearest field name."""
    if isinstance(document, dict):
        for inner_name, inner in document.items():
            yield from leaves_in(inner, inner_name)
    elif isinstance(document, list):
        for inner in document:
            yield from leaves_in(inner, name)
    else:
        yield name, document


def recorded_objects(day: str) -> list[dict[str, Any]]:
    """Every object that was recorded on a day."""
    files = [file for file in recorded_files() if file.startswith(f"{day}/")]
    return [found for file in files for found in objects_in(read_recorded(file))]


def recorded_texts() -> set[str]:
    """Every text that the recordings hold as a value."""
    leaves = (leaf for file in recorded_files() for _, leaf in leaves_in(read_recorded(file)))
    return {leaf for leaf in leaves if isinstance(leaf, str)}


def quotes_in(texts: set[str]) -> set[str]:
    """What these texts share with the recorded ones: five consecutive words, or a complete shorter text or address."""
    recorded = {
        run
        for text in recorded_texts()
        if " " in text.strip() or "://" in text
        for words in [_words_of(text)]
        for run in _runs_of(words, min(_WORDS_OF_A_QUOTE, len(words)))
    }
    runs = (
        run
        for text in texts
        for size in range(1, _WORDS_OF_A_QUOTE + 1)
        for run in _runs_of(_words_of(text), size)
    )
    return {" ".join(run) for run in runs if run in recorded}


def _words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _runs_of(words: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]
