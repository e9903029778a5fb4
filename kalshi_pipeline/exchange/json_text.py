"""Parses odd JSON: keeps numbers as text, and splits objects and lists into parts without parsing them.

An unreadable part, such as one that is nested too deeply or has a lone surrogate, then affects only itself.
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from kalshi_pipeline.quoting import quoted

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)
_KEY = re.compile(r'\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:', re.DOTALL)
_BLANK = re.compile(r"\s*")
_NUL = rb"\u0000"
_HALVES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_REPLACEMENT = rb"\ufffd"
_LONGEST_INTEGER = 1000
DEEPEST = 100
"""The most levels of lists and objects in a field of free JSON."""
UNPARSABLE = (ValueError, RecursionError)
"""What msgspec and json raise for JSON that they cannot parse; their own errors are ValueErrors."""
_TOO_DEEP: list[Any] = json.loads("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))


class Number(str):
    """A JSON number as its text, with every digit; it never equals a string."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and str.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((Number, str(self)))


class TooDeepError(ValueError):
    """JSON with more levels than can be parsed."""


def load(part: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Return a part of JSON with its numbers as `Number`.

    Raises ValueError if it cannot be parsed. An unreadable part of an object affects only its field: bytes that are not
    UTF-8 become lone surrogates, and a value that is nested too deeply becomes a list of more than `DEEPEST` levels.
    """
    return _loaded(_decoder, part)


def load_loosely(part: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Return the value with integers as int, except those that are too long for any use."""
    return _loaded(_loose_decoder, part)


def load_whole(part: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Return a part of JSON for a document: fractions as exact `Decimal`, and lone surrogates replaced.

    Numbers beyond `Decimal` and int, and numbers that are not JSON, such as NaN, become text. Raises ValueError if it
    cannot be parsed, or has more than `DEEPEST` levels.
    """
    check_depth(part)
    try:
        return _decode_exactly(part)
    except ValueError:  # msgspec's own errors are ValueErrors
        text = part.decode("utf-8-sig", "replace").encode()
        whole = _HALVES.sub(lambda found: found[1] or _REPLACEMENT, text)
        return _decoded(_whole_decoder, whole.decode())


def _loaded(decoder: json.JSONDecoder, part: bytes) -> Any:  # noqa: ANN401  (JSON)
    try:
        return _decoded(decoder, _text_of(part))
    except TooDeepError:
        if not part.lstrip().startswith(b"{"):
            raise
    return {name: _loaded_value(decoder, value) for name, value in split_object(part).items()}


def _loaded_value(decoder: json.JSONDecoder, part: bytes) -> Any:  # noqa: ANN401  (JSON)
    try:
        return _decoded(decoder, _text_of(part))
    except TooDeepError:
        return _TOO_DEEP


def _decoded(decoder: json.JSONDecoder, text: str) -> Any:  # noqa: ANN401  (JSON)
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise TooDeepError("it is nested too deeply to be read") from error
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from error


def _text_of(part: bytes) -> str:
    return part.decode("utf-8-sig", "surrogateescape")


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INTEGER else text


def _exact(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # its exponent has some twenty digits
        return text


_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, strict=False)
_loose_decoder = json.JSONDecoder(parse_float=Number, parse_int=_integer, strict=False)
_whole_decoder = json.JSONDecoder(parse_float=_exact, parse_int=_integer, parse_constant=str, strict=False)
_decode_exactly = msgspec.json.Decoder(float_hook=_exact).decode


def may_hold_nul(part: bytes) -> bool:
    """Return whether JSON may contain a NUL, which msgspec would parse, but PostgreSQL cannot store."""
    # A search from the end takes a third of the time.
    return part.rfind(_NUL) >= 0


def split_object(part: bytes) -> dict[str, bytes]:
    """Return the unparsed values of an object by key. Raises ValueError if it is not an object."""
    text = _text_of(part)
    members: dict[str, bytes] = {}

    def read_member(at: int) -> int:
        match = _KEY.match(text, at)
        if match is None:
            raise ValueError(f"it is not JSON (an object has {quoted(text[at : at + 40])})")
        key, start = json.loads(match[1], strict=False), _past_blanks(text, match.end())
        end = _end_of_value(text, start)
        members[key] = text[start:end].encode(errors="surrogateescape")
        return end

    _walk_items(text, "{", "}", read_member)
    return members


def split_list(part: bytes) -> list[bytes]:
    """Return the unparsed items of a list. Raises ValueError if it is not a list."""
    text = _text_of(part)
    items: list[bytes] = []

    def read_item(at: int) -> int:
        end = _end_of_value(text, at)
        items.append(text[at:end].encode(errors="surrogateescape"))
        return end

    _walk_items(text, "[", "]", read_item)
    return items


def check_depth(part: bytes) -> None:
    """Raise ValueError for a part of JSON with more than `DEEPEST` levels of lists and objects."""
    # Count brackets first, because few texts have that many, and counting levels is slow.
    if part.count(b"[") + part.count(b"{") > DEEPEST and _depth_of(part) > DEEPEST:
        raise ValueError(f"it has more than {DEEPEST} levels")


def _depth_of(part: bytes) -> int:
    return max((depth for depth, _ in _levels(_text_of(part), 0)), default=0)


def _walk_items(text: str, opening: str, closing: str, read: Callable[[int], int]) -> None:
    """Call `read` with the start of each item; it returns the item's end. Nothing may follow the last item."""
    at = _past_blanks(text, 0)
    if not text.startswith(opening, at):
        raise ValueError(f"it is not JSON (there is no {opening} at its beginning)")
    at = _past_blanks(text, at + 1)
    if not text.startswith(closing, at):
        at = _past_blanks(text, read(at))
        while text.startswith(",", at):
            at = _past_blanks(text, read(_past_blanks(text, at + 1)))
    if not text.startswith(closing, at):
        raise ValueError("it is not JSON (it ends early)")
    if _past_blanks(text, at + 1) != len(text):
        raise ValueError("it is not JSON (something follows its end)")


def _past_blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()


def _end_of_value(text: str, at: int) -> int:
    try:
        return _decoder.raw_decode(text, at)[1]
    except RecursionError:
        return next((end for depth, end in _levels(text, at) if depth == 0), len(text))
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from error


def _levels(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the depth after each bracket of a value, and the bracket's end."""
    depth = 0
    for match in _TOKEN.finditer(text, at):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        else:
            continue
        yield depth, match.end()
