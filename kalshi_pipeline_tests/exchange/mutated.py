"""Records with odd values in random fields, parsed by both readers and by the oracle.

`python -m kalshi_pipeline_tests.exchange.mutated 10000` tries so many of each kind; a second number is the seed.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kalshi_pipeline.exchange.candlesticks import parse_batch, parse_market
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.fee_changes import EVENT_FEE_CHANGES, SERIES_FEE_CHANGES
from kalshi_pipeline.exchange.markets import MARKETS, OUTCOMES
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.trades import TRADES
from kalshi_pipeline.records import Outcome
from kalshi_pipeline_tests.exchange import oracle
from kalshi_pipeline_tests.exchange.oracle import DOLLAR, Field, Fields, Found, RefusedError

Values = dict[str, Any]
Tokens = dict[str, str]

TIMES = [
    "2026-11-20T10:00:00Z",
    "2026-11-20t10:00:00.5z",
    "2026-11-20 10:00:00.1234567891+05:30",
    "2026-11-20T10:00:00-00:00",
    "2016-12-31T23:59:60Z",
    "2016-12-31T15:59:60.25-08:00",
    "2026-11-20T12:30:60Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T10:00:00",
    "2026-11-20",
    "2026-02-29T10:00:00Z",
    "2024-02-29T10:00:00Z",
    "0001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-05:00",
    "2026-11-20T10:00:00+24:00",
    "2026-11-20T10:00:00.Z",
    "TBD",
]
PRICES = [
    *("0.5500", "1.0000", "0.0000", "0.29", "1.00", "1.0", "1", "0", "57", "100", "56.00", "55.5", "5.5e-1"),
    *("1e-05", "1e2", "5.5E1", "57e-2", "-0.0100", "-5", "-0", "-0.0", "0.1234567", "0.12345670", "1.5000"),
    *("1e-7", "1e400", "0e5", "9223372036854.775807", "9223372036854.775808", "99999999999999999999"),
]
ODD_TEXTS = [
    "",
    " ",
    "text",
    "+0.5",
    " 0.5",
    "1,000",
    "0x1",
    "NaN",
    "true",
    "null",
    "é",
    "007",
    "T" * 256,
    "T" * 1001,
]
TOKENS = [
    *("null", "true", "false", "[]", "{}", '["a","b"]', "[1]", "[null]", '[""]', '{"a":0.10,"b":[1e2]}'),
    *('"\\ud800"', '"a\\u0000b"', '{"\\ud800":1}', '{"a":"\\ud800"}', '{"a":"\\u0000"}', "NaN", "Infinity"),
    *('{"open":5}', '{"open_dollars":"0.5000"}', "[" * 99 + "]" * 99, "[" * 101 + "]" * 101, "[1e400]"),
    *(str(2**63 - 1), str(2**63), str(10**30), "9" * 5000, "[" + "1" * 30 + "]", "1795773600", "-7"),
    *map(json.dumps, [*TIMES, *ODD_TEXTS, *PRICES]),
    *(price for price in PRICES),
]


def price(sent: str, older: str | None, *, is_needed: bool = False) -> Field:
    return Field(sent, oracle.dollars, is_needed, older)


SERIES_FIELDS: Fields = {
    "ticker": Field("ticker", oracle.ticker, is_needed=True),
    **{
        name: Field(name, oracle.text)
        for name in ("title", "category", "frequency", "fee_type", "contract_url")
    },
    "tags": Field("tags", oracle.tags),
    **{
        name: Field(name, oracle.free_json)
        for name in ("categories", "settlement_sources", "product_metadata")
    },
    "fee_multiplier": Field("fee_multiplier", oracle.millionths),
    "exchange_index": Field("exchange_index", oracle.integer),
}
EVENT_FIELDS: Fields = {
    "ticker": Field("event_ticker", oracle.ticker, is_needed=True),
    **{
        name: Field(name, oracle.text)
        for name in ("series_ticker", "title", "sub_title", "category", "strike_period")
    },
    "mutually_exclusive": Field("mutually_exclusive", oracle.flag),
    "strike_at": Field("strike_date", oracle.time),
    "fee_multiplier_override": Field("fee_multiplier_override", oracle.millionths),
    "product_metadata": Field("product_metadata", oracle.free_json),
    "exchange_index": Field("exchange_index", oracle.integer),
}
MARKET_FIELDS: Fields = {
    "ticker": Field("ticker", oracle.ticker, is_needed=True),
    "event_ticker": Field("event_ticker", oracle.ticker),
    **{
        name: Field(name, oracle.text)
        for name in (
            *(
                "title",
                "yes_sub_title",
                "no_sub_title",
                "market_type",
                "status",
                "strike_type",
                "rules_primary",
            ),
            *(
                "functional_strike",
                "expiration_value",
                "rules_secondary",
                "early_close_condition",
                "updated_time",
            ),
        )
    },
    "result": Field("result", oracle.word),
    "created_at": Field("created_time", oracle.time),
    "open_at": Field("open_time", oracle.time),
    "close_at": Field("close_time", oracle.time),
    "expected_expiration_at": Field("expected_expiration_time", oracle.time),
    "occurrence_at": Field("occurrence_datetime", oracle.time),
    "latest_expiration_at": Field("latest_expiration_time", oracle.time),
    "fee_waiver_expiration_at": Field("fee_waiver_expiration_time", oracle.time),
    "floor_strike": Field("floor_strike", oracle.strike),
    "cap_strike": Field("cap_strike", oracle.strike),
    "is_provisional": Field("is_provisional", oracle.flag),
    "can_close_early": Field("can_close_early", oracle.flag),
    "collection_ticker": Field("mve_collection_ticker", oracle.text),
    "custom_strike": Field("custom_strike", oracle.free_json),
    "price_ranges": Field("price_ranges", oracle.free_json),
    "settlement_floor": Field("settlement_floor_dollars", oracle.dollars),
    "settlement_timer_seconds": Field("settlement_timer_seconds", oracle.integer),
    "exchange_index": Field("exchange_index", oracle.integer),
    "yes_bid": price("yes_bid_dollars", "yes_bid", is_needed=True),
    "yes_ask": price("yes_ask_dollars", "yes_ask", is_needed=True),
    "no_bid": price("no_bid_dollars", "no_bid"),
    "no_ask": price("no_ask_dollars", "no_ask"),
    "yes_bid_size": Field("yes_bid_size_fp", oracle.contracts, is_needed=True),
    "yes_ask_size": Field("yes_ask_size_fp", oracle.contracts, is_needed=True),
    "last_price": price("last_price_dollars", "last_price"),
    "volume": Field("volume_fp", oracle.contracts, older="volume"),
    "open_interest": Field("open_interest_fp", oracle.contracts, older="open_interest"),
}
OUTCOME_FIELDS: Fields = {
    **MARKET_FIELDS,
    "settlement_value": price("settlement_value_dollars", "settlement_value"),
    "settled_at": Field("settlement_ts", oracle.time),
}
MARKET_PRICES = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")
OUTCOME_PRICES = (*MARKET_PRICES, "settlement_value")
TRADE_FIELDS: Fields = {
    "trade_id": Field("trade_id", oracle.ticker, is_needed=True),
    "ticker": Field("ticker", oracle.ticker, is_needed=True),
    "created_at": Field("created_time", oracle.time, is_needed=True),
    "yes_price": price("yes_price_dollars", "yes_price", is_needed=True),
    "no_price": price("no_price_dollars", "no_price"),
    "contracts": Field("count_fp", oracle.contracts, is_needed=True, older="count"),
    "taker_side": Field("taker_outcome_side", oracle.text, older="taker_side"),
    "is_block": Field("is_block_trade", oracle.flag),
}
_PARTS = {
    "yes_bid": ("open", "high", "low", "close"),
    "yes_ask": ("open", "high", "low", "close"),
    "price": ("open", "high", "low", "close", "mean", "previous"),
}
CANDLE_PRICES = tuple(f"{part}_{name}" for part, names in _PARTS.items() for name in names)
CANDLE_FIELDS: Fields = {
    "end_at": Field("end_period_ts", oracle.seconds, is_needed=True),
    **{
        f"{part}_{name}": price(
            f"{part}.{name}_dollars", f"{part}.{name}", is_needed=name not in ("mean", "previous")
        )
        for part, names in _PARTS.items()
        for name in names
    },
    "volume": Field("volume_fp", oracle.contracts, older="volume"),
    "open_interest": Field("open_interest_fp", oracle.contracts, older="open_interest"),
}

SERIES_FEE_FIELDS: Fields = {
    "change_id": Field("id", oracle.ticker, is_needed=True),
    "series_ticker": Field("series_ticker", oracle.ticker, is_needed=True),
    "fee_type": Field("fee_type", oracle.text, is_needed=True),
    "fee_multiplier": Field("fee_multiplier", oracle.millionths, is_needed=True),
    "scheduled_at": Field("scheduled_ts", oracle.time, is_needed=True),
}
EVENT_FEE_FIELDS: Fields = {
    "change_id": Field("id", oracle.ticker, is_needed=True),
    "event_ticker": Field("event_ticker", oracle.ticker, is_needed=True),
    "series_ticker": Field("series_ticker", oracle.text),
    "fee_type_override": Field("fee_type_override", oracle.text, is_needed=True),
    "fee_multiplier_override": Field("fee_multiplier_override", oracle.millionths, is_needed=True),
    "scheduled_at": Field("scheduled_ts", oracle.time, is_needed=True),
}


def of_market(found: Found) -> None:
    """Derive the quote of a market's fields, in place: the quoted sides, and the notes about them."""
    values = found.values
    if values["event_ticker"] is None:
        values["event_ticker"] = values["ticker"]
    sizes = {side: values[f"{side}_size"] for side in ("yes_bid", "yes_ask")}
    values["has_negative_size"] = any(size is not None and size < 0 for size in sizes.values())
    for side, size in sizes.items():
        sent = values[side]
        is_inner = sent is not None and 0 < sent < DOLLAR
        is_quoted = (size is None or size >= 0) and (is_inner or (size is not None and size > 0))
        values[side] = sent if is_quoted else None
        values[f"{side}_size"] = None if size is not None and size < 0 else size
    pairs = [("yes_ask", "no_bid"), ("yes_bid", "no_ask")]
    values["is_mirrored"] = all(
        None in (values[yes], values[no]) or values[yes] + values[no] == DOLLAR for yes, no in pairs
    )
    values["is_combo"] = values["collection_ticker"] is not None
    del values["no_bid"], values["no_ask"]


def of_trade(found: Found) -> None:
    values = found.values
    if values["created_at"] is None or values["yes_price"] is None:
        raise RefusedError
    no_price = values.pop("no_price")
    values["is_mirrored"] = no_price is None or values["yes_price"] + no_price == DOLLAR


def of_fee_change(found: Found) -> None:
    if found.values["scheduled_at"] is None:
        raise RefusedError


def _as_it_is(_: Found) -> None:
    pass


def flat(record: Any) -> Values:
    """A record's fields, with the fields of nested records."""
    if isinstance(record, Outcome):
        return {
            **flat(record.market),
            "settlement_value": record.settlement_value,
            "settled_at": record.settled_at,
        }
    values: Values = dict(record._asdict())
    return {**values, **values.pop("quote")._asdict()} if "quote" in values else values


class Kind(NamedTuple):
    """A kind of record: how both readers parse it, and its expected values."""

    fields: Fields
    prices: tuple[str, ...]
    finish: Callable[[Found], None]
    read: Callable[[list[str]], Page[Any]]
    read_again: Callable[[list[str]], Page[Any]]
    base: Tokens
    is_lenient: Callable[[Values], bool] = lambda _: False  # whether a record needs no field but its ticker


def _listed(key: str, parse: Callable[[bytes], Page[Any]]) -> Callable[[list[str]], Page[Any]]:
    return lambda rows: parse(
        f'{{"{key}": [{",".join(rows)}], "cursor": ""}}'.encode("utf-8", "surrogatepass")
    )


def _candles(rows: list[str]) -> Page[Any]:
    page = parse_batch(
        f'{{"markets": [{{"market_ticker": "M", "candlesticks": [{",".join(rows)}]}}]}}'.encode()
    )
    return _unpacked(page)


def _historical(rows: list[str]) -> Page[Any]:
    """The historical tier, parsed record by record because a neighbour is unreadable."""
    page = _unpacked(parse_market(f'{{"candlesticks": [570,{",".join(rows)}]}}'.encode(), "M"))
    return Page(page.records, page.rejects[1:], odd_fields=page.odd_fields)


def _unpacked(page: Page[Any]) -> Page[Any]:
    records = [candle for market in page.records for candle in market.candlesticks]
    return Page(records, page.rejects, odd_fields=page.odd_fields)


def _whole(fields: Fields, **values: object) -> Tokens:
    """A record of good values, with each field under its newest name."""
    good: dict[Callable[[object], Any], str] = {
        oracle.ticker: '"K"',
        oracle.text: '"words"',
        oracle.word: '""',
        oracle.tags: '["a","b"]',
        oracle.flag: "true",
        oracle.time: '"2026-11-20T10:00:00Z"',
        oracle.strike: "40.5",
        oracle.integer: "7",
        oracle.millionths: "0.5",
        oracle.free_json: '{"b":1,"a":[0.5,null]}',
        oracle.dollars: '"0.4200"',
        oracle.contracts: '"17.00"',
        oracle.seconds: "1760500800",
    }
    return {field.sent: good[field.read] for field in fields.values()} | {
        name: json.dumps(value) for name, value in values.items()
    }


def _has_ended(values: Values) -> bool:
    return values["status"] in {
        "initialized", "closed", "determined", "disputed", "amended", "finalized",
    }  # fmt: skip


KINDS = {
    "series": Kind(
        SERIES_FIELDS, (), _as_it_is, _listed("series", SERIES.parse), _listed("series", SERIES.parse_again),
        _whole(SERIES_FIELDS),
    ),
    "events": Kind(
        EVENT_FIELDS, (), _as_it_is, _listed("events", EVENTS.parse), _listed("events", EVENTS.parse_again),
        _whole(EVENT_FIELDS),
    ),
    "markets": Kind(
        MARKET_FIELDS, MARKET_PRICES, of_market,
        _listed("markets", MARKETS.parse), _listed("markets", MARKETS.parse_again), _whole(MARKET_FIELDS),
    ),
    "outcomes": Kind(
        OUTCOME_FIELDS, OUTCOME_PRICES, of_market,
        _listed("markets", OUTCOMES.parse), _listed("markets", OUTCOMES.parse_again), _whole(OUTCOME_FIELDS),
        _has_ended,
    ),
    "ended": Kind(
        OUTCOME_FIELDS, OUTCOME_PRICES, of_market,
        _listed("markets", OUTCOMES.parse), _listed("markets", OUTCOMES.parse_again),
        {**_whole(OUTCOME_FIELDS), "status": '"finalized"'}, _has_ended,
    ),
    "trades": Kind(
        TRADE_FIELDS, ("yes_price", "no_price"), of_trade,
        _listed("trades", TRADES.parse), _listed("trades", TRADES.parse_again), _whole(TRADE_FIELDS),
    ),
    "series_fee_changes": Kind(
        SERIES_FEE_FIELDS, (), of_fee_change,
        _listed("series_fee_change_arr", SERIES_FEE_CHANGES.parse),
        _listed("series_fee_change_arr", SERIES_FEE_CHANGES.parse_again), _whole(SERIES_FEE_FIELDS),
    ),
    "event_fee_changes": Kind(
        EVENT_FEE_FIELDS, (), of_fee_change, _listed("event_fee_changes", EVENT_FEE_CHANGES.parse),
        _listed("event_fee_changes", EVENT_FEE_CHANGES.parse_again), _whole(EVENT_FEE_FIELDS),
    ),
    "candlesticks": Kind(CANDLE_FIELDS, CANDLE_PRICES, _as_it_is, _candles, _historical, _whole(CANDLE_FIELDS)),
}  # fmt: skip


def mutated(kind: Kind, chance: random.Random) -> str:
    """The text of a record with some fields under their older names, and odd values in a few."""
    tokens = dict(kind.base)
    if chance.random() < 0.5:
        unit = chance.choice((PRICES, ["12", "57", "1", "0", "100"], ["0.5500", "1.0000", "0.1200"]))
        as_text = chance.random() < 0.5
        for name, field in kind.fields.items():
            if field.older is not None and chance.random() < 0.9:
                del tokens[field.sent]
                if name in kind.prices:
                    sent = chance.choice(unit)
                    tokens[field.older] = json.dumps(sent) if as_text else sent
                elif field.read is not oracle.text:
                    tokens[field.older] = chance.choice(("17", '"17.5"', "0", "1.005"))
    names = [name for field in kind.fields.values() for name in (field.sent, field.older) if name is not None]
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        name = chance.choice([*names, "unknown"])
        if chance.random() < 0.1:
            tokens.pop(name, None)
        else:
            tokens[name] = chance.choice(TOKENS)
    return _object(tokens, chance)


def _object(tokens: Tokens, chance: random.Random) -> str:
    parts: dict[str, list[str]] = {}
    for path, token in tokens.items():
        outer, _, inner = path.rpartition(".")
        parts.setdefault(outer, []).append(f"{json.dumps(inner)}:{token}")
    members = parts.pop("", [])
    for outer, inner_members in parts.items():
        odd = chance.random() < 0.03
        value = chance.choice(("null", "5", "[]", '""', "{}")) if odd else f"{{{','.join(inner_members)}}}"
        members.append(f"{json.dumps(outer)}:{value}")
    return f"{{{','.join(members)}}}"


def expected(kind: Kind, row: str) -> tuple[Values | None, Counter[str]]:
    """The values that the oracle reads; None for a refused record."""
    lenient = {
        name: field if name == "ticker" else field._replace(is_needed=False)
        for name, field in kind.fields.items()
    }
    try:
        sent = oracle.read(row)
        try:
            found = oracle.found_in(sent, kind.fields, kind.prices)
        except RefusedError:
            found = oracle.found_in(sent, lenient, kind.prices)
            if not kind.is_lenient(found.values):
                return None, Counter()
        kind.finish(found)
    except RefusedError:
        return None, Counter()
    return found


def read_by(page: Page[Any], fields: Values | None, kind: Kind) -> tuple[Values | None, Counter[str]]:
    """The fields of a page's only record that both the reader and the oracle know."""
    if not page.records:
        assert len(page.rejects) == 1
        return None, page.odd_fields
    values = flat(page.records[0])
    known = values if fields is None else {name: values[name] for name in fields}
    for name, field in kind.fields.items():
        if field.read is oracle.free_json and known.get(name) is not None:
            known[name] = json.loads(known[name])
    return known, page.odd_fields


def differences(kind: Kind, count: int, seed: int) -> Iterator[str]:
    """Yield a line for each record that a reader parses differently from the oracle or the other reader."""
    chance = random.Random(seed)
    rows: list[str] = []
    pages: list[Page[Any]] = []
    for _ in range(count):
        row = mutated(kind, chance)
        values, odd = expected(kind, row)
        for way, read in (("fast", kind.read), ("again", kind.read_again)):
            found = read_by(page := read([row]), values, kind)
            if found != (values, odd):
                yield f"{way}: {row[:2000]}\n  read {found}\n  not  {(values, odd)}"
            if way == "fast":
                rows.append(row)
                pages.append(page)
    together = kind.read(rows)
    if together.records != [record for page in pages for record in page.records]:
        yield "the records of one page are not those of pages of their own"
    if len(together.rejects) != sum(len(page.rejects) for page in pages):
        yield "the rejects of one page are not those of pages of their own"


def main() -> None:
    """Print the differences of each kind, and end with 1 if there are any."""
    count, seed = (int(word) for word in [*sys.argv[1:], *("10000", "1")[len(sys.argv) - 1 :]][:2])
    failed = False
    for name, kind in KINDS.items():
        found = list(differences(kind, count, seed))
        failed = failed or bool(found)
        sys.stdout.write(
            "".join(f"{line}\n" for line in found[:5]) + f"{name}: {len(found)} of {count:,} differ\n"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
