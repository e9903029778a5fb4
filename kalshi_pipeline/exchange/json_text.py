"""JSON that may be odd: numbers as their text, and objects and lists cut into their parts without reading them.

A part that cannot be read, because it is nested too deeply or holds half a character, then costs that part only.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from kalshi_pipeline.errors import quoted

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},]', re.DOTALL)
_KEY = re.compile(rb'\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"
DEEPEST = 100
"""How many levels of lists and objects a field of free JSON may have."""


class Number(str):
    """A number of JSON, as its text: it keeps every digit, and is not taken for a text."""

    __slots__ = ()


def load(part: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Return a part of JSON with its numbers as `Number`; ValueError where it cannot be read.

    Bytes that are not UTF-8 become halves of characters, so that they cost the field that they are in.
    """
    text = part.decode("utf-8-sig", "surrogateescape")
    try:
        return _decoder.decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply to be read") from error
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from error


_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, strict=False)


def split_object(text: bytes) -> dict[str, bytes]:
    """Return the values of an object by their keys, each as it came; ValueError if it is not an object."""
    members: dict[str, bytes] = {}
    for part in _parts(text, b"{"):
        match = _KEY.match(part)
        if match is None:
            raise ValueError(f"it is not JSON (an object has {quoted(part[:40])})")
        members[load(match[1])] = part[match.end() :].strip()
    return members


def split_list(text: bytes) -> list[bytes]:
    """Return the items of a list, each as it came; ValueError if it is not a list."""
    return list(_parts(text, b"["))


def depth_of(text: bytes) -> int:
    """Return how many levels of lists and objects a text of JSON has."""
    deepest = depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif token in _CLOSING:
            depth -= 1
    return deepest


def _parts(text: bytes, opening: bytes) -> Iterator[bytes]:
    """Yield what stands between the commas of an object or a list."""
    text = text.removeprefix(b"\xef\xbb\xbf").strip()
    if not text.startswith(opening):
        raise ValueError(f"it is not JSON (there is no {opening.decode()} at its beginning)")
    depth, start, found = 0, 1, False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
            if depth == 0:
                if match.end() != len(text):
                    raise ValueError("it is not JSON (something follows its end)")
                last = text[start : match.start()].strip()
                if last or found:
                    yield last
                return
        elif token == b"," and depth == 1:
            found = True
            yield text[start : match.start()].strip()
            start = match.end()
    raise ValueError("it is not JSON (it ends early)")
