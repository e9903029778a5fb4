"""Order books with odd values in random places, and the oracle's reading of them: a book is complete or refused."""

import json
import random
from collections.abc import Mapping
from typing import Any

from kalshi_pipeline_tests.exchange import oracle
from kalshi_pipeline_tests.exchange.mutated import PRICES, TOKENS
from kalshi_pipeline_tests.exchange.oracle import OddError, RefusedError

Levels = dict[tuple[bool, int], int]
"""The size at each price of the YES side, and of the NO side."""

_SIZES = ('"17.00"', '"0.5"', "12", '"1000000.01"', '"3"')
_MOST_LEVELS = 4


def mutated_book(ticker: str, chance: random.Random) -> str:
    """The text of a market's book, in the form of either generation or of both, mostly with an odd value in it."""
    members = {"ticker": json.dumps(ticker)}
    forms = chance.choice(
        (("orderbook_fp",), ("orderbook_fp",), ("orderbook",), ("orderbook_fp", "orderbook"))
    )
    for form in forms:
        members[form] = _sides(form, chance)
    for _ in range(chance.choice((0, 0, 1))):
        name = chance.choice((*members, "unknown"))
        if chance.random() < 0.2:
            members.pop(name, None)
        else:
            members[name] = chance.choice(TOKENS)
    return _object(members)


def _sides(form: str, chance: random.Random) -> str:
    in_dollars = {name: _side(chance, _dollars) for name in ("yes_dollars", "no_dollars")}
    if form == "orderbook_fp":
        sides = in_dollars
    else:
        price = chance.choice((_cents, _dollars, _any_price))
        sides = {name: _side(chance, price) for name in ("yes", "no")}
        if chance.random() < 0.3:
            sides |= in_dollars
    for name in list(sides):
        if chance.random() < 0.1:
            sides[name] = chance.choice(
                (*TOKENS, "null", "[]", "[[]]", '[["0.5"]]', '[["0.5","1.00","2.00"]]')
            )
    return _object(sides)


def _side(chance: random.Random, price: Any) -> str:
    levels = [
        [price(chance, place), chance.choice(_SIZES)]
        for place in range(chance.choice((0, 1, 2, _MOST_LEVELS)))
    ]
    if levels and chance.random() < 0.25:
        chance.choice(levels)[chance.choice((0, 1))] = chance.choice((*TOKENS, *map(json.dumps, PRICES)))
    return f"[{','.join(f'[{price},{size}]' for price, size in levels)}]"


def _dollars(_: random.Random, place: int) -> str:
    return f'"0.{10 + 7 * place}00"'


def _cents(_: random.Random, place: int) -> str:
    return str(10 + 7 * place)


def _any_price(chance: random.Random, _: int) -> str:
    return chance.choice((*PRICES, *map(json.dumps, PRICES)))


def _object(members: Mapping[str, str]) -> str:
    return f"{{{','.join(f'{json.dumps(name)}:{token}' for name, token in members.items())}}}"


def expected_book(row: str) -> tuple[str, Levels] | None:
    """The ticker and the levels of a book according to the oracle; None for a refused book."""
    try:
        return _read(oracle.read(row))
    except (OddError, RefusedError):
        return None


def _read(sent: Any) -> tuple[str, Levels]:
    if not isinstance(sent, dict):
        raise RefusedError
    ticker = oracle.ticker(sent.get("ticker"))
    newer, older = (_form(sent.get(name)) for name in ("orderbook_fp", "orderbook"))
    if newer is None and older is None:
        raise RefusedError
    newer, older = newer or {}, older or {}
    known = {"yes_dollars", "no_dollars"}
    if (newer or older) and not (known & newer.keys() or (known | {"yes", "no"}) & older.keys()):
        raise RefusedError
    in_dollars = [
        [(oracle.dollars(price), size) for price, size in _levels(form.get(name))]
        for form in (newer, older)
        for name in ("yes_dollars", "no_dollars")
    ]
    older_sides = [_levels(older.get(name)) for name in ("yes", "no")]
    found: Levels = {}
    for side_number, is_yes in enumerate((True, False)):
        of_newer, of_older = in_dollars[side_number], in_dollars[2 + side_number]
        side = of_newer or of_older or _in_one_unit(older_sides)[side_number]
        for price, size in side:
            if price is None or size is None or (is_yes, price) in found:
                raise RefusedError
            found[is_yes, price] = size
    return ticker, found


def _form(value: Any) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise RefusedError
    return value


def _levels(value: Any) -> list[tuple[Any, int | None]]:
    """The levels of a side as sent, with their sizes read."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(level, list) and len(level) == 2 for level in value):
        raise RefusedError
    return [(price, oracle.contracts(size)) for price, size in value]


def _in_one_unit(sides: list[list[tuple[Any, int | None]]]) -> list[list[tuple[int | None, int | None]]]:
    named = {
        f"{side} {place}": price
        for side, levels in enumerate(sides)
        for place, (price, _) in enumerate(levels)
    }
    sent = {name: price for name, price in named.items() if price not in (None, "")}
    for price in sent.values():
        oracle.price(price)
    read = oracle.in_one_unit(sent)
    return [
        [(read.get(f"{side} {place}"), size) for place, (_, size) in enumerate(levels)]
        for side, levels in enumerate(sides)
    ]
