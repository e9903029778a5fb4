"""Odd envelopes: answers with good records in the wrong place."""

import json
from collections.abc import Callable
from typing import Any

_Form = Callable[[dict[str, Any], str], Any]


def odd_envelope(body: bytes, key: str, draw: int) -> bytes:
    """Return an answer with the list under `key`, or its cursor, in a form that the contract does not allow."""
    answer = json.loads(body)
    form = _FORMS[draw % len(_FORMS)]
    return json.dumps(form(answer, key), separators=(",", ":")).encode()


def _with(**changes: object) -> _Form:
    return lambda answer, _: answer | changes


def _without_cursor(answer: dict[str, Any], _: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "cursor"}


_FORMS: tuple[_Form, ...] = (
    lambda answer, key: answer[key],
    lambda answer, key: answer | {key: None},
    lambda answer, key: answer | {key: {"items": answer[key]}},
    lambda answer, key: answer | {key: [answer[key]]},
    lambda answer, _: {"data": answer},
    lambda answer, _: [answer],
    _without_cursor,
    _with(cursor=None),
    _with(cursor=7),
    _with(cursor={"next": "abc"}),
    lambda answer, key: answer | {key: [], "data": answer[key]},
    lambda answer, key: answer | {key: [], "errors": [{"message": "timed out"}]},
    lambda answer, key: answer | {key: [None for _ in answer[key]]},
    lambda answer, key: _without_cursor(answer, key) | {"nextCursor": answer.get("cursor")},
)
