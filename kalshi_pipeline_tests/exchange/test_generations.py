"""Trades, candlesticks and order books of every generation and of both tiers."""

import json
from typing import Any

import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.candlesticks import parse_batch
from kalshi_pipeline.exchange.pages import parse_object
from kalshi_pipeline.exchange.payloads import (
    CandlestickPayload,
    CutoffPayload,
    LevelPayload,
    OrderBookPayload,
)
from kalshi_pipeline.exchange.trades import TRADES
from kalshi_pipeline.records import Candlestick, Reject, Trade

TRADE = {"trade_id": "2c8e41ae", "ticker": "M", "created_time": "2026-10-06T06:38:16.55614Z"}


def trade_of(**fields: Any) -> Trade:
    body = json.dumps({"trades": [{**TRADE, **fields}]}).encode()
    page = TRADES.parse(body)
    assert page == TRADES.parse_again(body)
    assert page.rejects == []
    return page.records[0]


def batch_of(*candles: dict[str, Any]) -> tuple[list[Candlestick], list[Reject]]:
    """The parsed candlesticks of one market."""
    rows = [{"end_period_ts": 1_760_500_800, **candle} for candle in candles]
    page = parse_batch(json.dumps({"markets": [{"market_ticker": "M", "candlesticks": rows}]}).encode())
    return [candle for market in page.records for candle in market.candlesticks], page.rejects


def candle_of(**fields: Any) -> Candlestick:
    """A candlestick with these fields. It must read the same beside an odd one, which makes the page be read again."""
    records, rejects = batch_of(fields)
    assert rejects == []
    again, odd = batch_of(fields, {"price": 5})
    assert again == records
    assert len(odd) == 1
    return records[0]


def prices_of(**fields: Any) -> dict[str, int | None]:
    return {
        name.removeprefix("price_"): value
        for name, value in candle_of(price=fields)._asdict().items()
        if name.startswith("price_") and value is not None
    }


def book_of(body: dict[str, Any]) -> tuple[list[LevelPayload], list[LevelPayload]]:
    book = parse_object(json.dumps(body).encode(), None, OrderBookPayload)
    return book.yes, book.no


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {
                "count_fp": "14.18",
                "yes_price_dollars": "0.8050",
                "no_price_dollars": "0.1950",
                "taker_outcome_side": "no",
                "taker_book_side": "ask",
                "taker_side": "no",
                "is_block_trade": False,
            },
            (1_418, 805_000, "no", False),
            id="newest",
        ),
        pytest.param(
            {"count": 3, "price": 0.06, "yes_price": 6, "yes_price_dollars": "0.0600", "taker_side": "no"},
            (300, 60_000, "no", None),
            id="january-with-a-float-beside-it",
        ),
        pytest.param(
            {"count": 3, "yes_price": 6, "taker_side": "yes"}, (300, 60_000, "yes", None), id="cents-alone"
        ),
        pytest.param(
            {
                "count_fp": "",
                "count": 3,
                "yes_price_dollars": "",
                "yes_price": 6,
                "taker_outcome_side": "",
                "taker_side": "yes",
            },
            (300, 60_000, "yes", None),
            id="blanks-yield-to-the-older-names",
        ),
        pytest.param(
            {"count_fp": "0.00", "count": 3, "yes_price_dollars": "0.0000", "yes_price": 6},
            (0, 0, None, None),
            id="zero-is-a-value-and-wins",
        ),
        pytest.param(
            {"yes_price": 6, "taker_outcome_side": "maybe"}, (None, 60_000, "maybe", None), id="unknown-word"
        ),
        pytest.param({"yes_price": 6}, (None, 60_000, None, None), id="bare"),
    ],
)
def test_trade_reads_every_generation(
    fields: dict[str, Any], expected: tuple[int | None, int | None, str | None, bool | None]
) -> None:
    trade = trade_of(**fields)
    assert (trade.contracts, trade.yes_price, trade.taker_side, trade.is_block) == expected
    assert (trade.trade_id, trade.ticker, trade.created_at) == ("2c8e41ae", "M", 1_791_268_696_556_140)


@pytest.mark.parametrize("missing", ["trade_id", "ticker", "created_time"])
def test_trade_needs_what_identifies_it(missing: str) -> None:
    good = {**TRADE, "yes_price_dollars": "0.8050"}
    row = {name: value for name, value in good.items() if name != missing}
    page = TRADES.parse(json.dumps({"trades": [row, good]}).encode())
    assert [trade.trade_id for trade in page.records] == ["2c8e41ae"]
    assert [reject.error for reject in page.rejects] == [f"{missing}: it is missing"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {
                "open_dollars": "0.0700",
                "high_dollars": "0.0700",
                "low_dollars": "0.0600",
                "close_dollars": "0.0600",
            },
            {"open": 70_000, "high": 70_000, "low": 60_000, "close": 60_000},
            id="live",
        ),
        pytest.param(
            {
                "close": 6,
                "close_dollars": "0.0600",
                "mean": 6,
                "mean_dollars": "0.0625",
                "max": None,
                "min": None,
            },
            {"close": 60_000, "mean": 62_500},
            id="january-where-the-cents-are-rounded",
        ),
        pytest.param(
            {"close": 6, "high": 100, "low": 0}, {"close": 60_000, "high": 1_000_000, "low": 0}, id="cents"
        ),
        pytest.param(
            {"open": "0.5600", "close": "0.5650", "mean": "0.5612", "previous": None},
            {"open": 560_000, "close": 565_000, "mean": 561_200},
            id="historical-tier-writes-dollars-without-suffix",
        ),
        pytest.param(
            {"close_dollars": "", "close": 6, "open_dollars": None, "open": 7},
            {"open": 70_000, "close": 60_000},
            id="blanks-yield-to-cents",
        ),
        pytest.param({"previous_dollars": "0.1100"}, {"previous": 110_000}, id="no-trade-in-the-period"),
        pytest.param({"close_dollars": 0.29}, {"close": 290_000}, id="json-number-keeps-every-digit"),
        pytest.param({}, {}, id="empty"),
    ],
)
def test_candle_prices_read_every_generation(fields: dict[str, Any], expected: dict[str, int]) -> None:
    assert prices_of(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "volume", "open_interest"),
    [
        pytest.param({"volume_fp": "4.25", "open_interest_fp": "13673.00"}, 425, 1_367_300, id="live"),
        pytest.param({"volume": 4, "open_interest": 13_673}, 400, 1_367_300, id="january"),
        pytest.param({"volume": "4.25", "open_interest": "13673.50"}, 425, 1_367_350, id="historical"),
        pytest.param({"volume_fp": "", "volume": 0}, 0, None, id="blank-yields-to-the-older-name"),
        pytest.param({}, None, None, id="absent"),
    ],
)
def test_candle_counts_read_every_generation(
    fields: dict[str, Any], volume: int | None, open_interest: int | None
) -> None:
    candle = candle_of(**fields)
    assert (candle.volume, candle.open_interest) == (volume, open_interest)


def test_candle_ends_at_an_instant_and_may_lack_its_sides() -> None:
    bare = Candlestick(1_760_500_800_000_000, *[None] * (len(Candlestick._fields) - 1))
    assert candle_of(yes_bid=None, yes_ask={}, price=None) == candle_of() == bare


@pytest.mark.parametrize("prices", [5, "0.56", [1]], ids=["number", "text", "list"])
def test_candle_whose_prices_are_not_an_object_is_rejected(prices: object) -> None:
    records, rejects = batch_of({"price": prices})
    assert (records, len(rejects)) == ([], 1)


LEVELS = [LevelPayload(10_000, 655_850), LevelPayload(80_000, 44_432)]


@pytest.mark.parametrize(
    ("body", "yes", "no"),
    [
        pytest.param(
            {
                "orderbook_fp": {
                    "yes_dollars": [["0.0100", "6558.50"], ["0.0800", "444.32"]],
                    "no_dollars": [],
                }
            },
            LEVELS,
            [],
            id="newest",
        ),
        pytest.param(
            {"orderbook_fp": {"yes_dollars": [[0.01, 6558.5], [0.08, 444.32]]}}, LEVELS, [], id="json-numbers"
        ),
        pytest.param(
            {"orderbook": {"yes": [[1, 6558], [8, 444]], "no": None}},
            [LevelPayload(10_000, 655_800), LevelPayload(80_000, 44_400)],
            [],
            id="cents-alone",
        ),
        pytest.param(
            {
                "orderbook": {
                    "no": [[8, 444]],
                    "no_dollars": [["0.0850", 444]],
                    "yes": None,
                    "yes_dollars": None,
                }
            },
            [],
            [LevelPayload(85_000, 44_400)],
            id="dollars-win-over-cents",
        ),
        pytest.param(
            {
                "orderbook_fp": {"yes_dollars": [["0.0850", "444.32"]]},
                "orderbook": {"yes": [[8, 444]], "no": [[9, 1]]},
            },
            [LevelPayload(85_000, 44_432)],
            [LevelPayload(90_000, 100)],
            id="both-generations",
        ),
        pytest.param(
            {"orderbook": {"no": None, "no_dollars": None, "yes": None, "yes_dollars": None}},
            [],
            [],
            id="null-sides-as-recorded",
        ),
        pytest.param({"orderbook_fp": {}}, [], [], id="missing-sides"),
    ],
)
def test_order_book_reads_every_generation(
    body: dict[str, Any], yes: list[LevelPayload], no: list[LevelPayload]
) -> None:
    assert book_of(body) == (yes, no)


@pytest.mark.parametrize(
    "level",
    [["0.5"], ["0.5", "1", "2"], {"price": "0.5"}, ["abc", "1.00"], ["0.5600001", "1.00"]],
    ids=["price-alone", "three-parts", "object", "word", "too-fine"],
)
def test_order_book_with_an_unreadable_level_is_an_error(level: object) -> None:
    with pytest.raises(PayloadError, match=r"answer cannot be read: orderbook_fp\.yes_dollars\.0"):
        book_of({"orderbook_fp": {"yes_dollars": [level]}})


def test_cutoff_is_read_and_needed() -> None:
    body = b'{"market_settled_ts": "2026-07-27T00:00:00Z", "trades_created_ts": "2026-07-26T00:00:00Z"}'
    assert parse_object(body, None, CutoffPayload).model_dump() == {
        "market_settled_ts": 1_785_110_400_000_000,
        "trades_created_ts": 1_785_024_000_000_000,
    }
    with pytest.raises(PayloadError, match="market_settled_ts: Field required"):
        parse_object(b'{"trades_created_ts": "2026-07-26T00:00:00Z"}', None, CutoffPayload)


@pytest.mark.parametrize("odd", ["soon", 5, None, "", "2026-07-27", "0001-01-01T00:00:00Z", ["a"], {}])
def test_cutoff_that_is_odd_is_not_known(odd: object) -> None:
    """It must not stop a run: without it both tiers are asked."""
    body = {"market_settled_ts": odd, "trades_created_ts": "2026-07-26T00:00:00Z"}
    assert parse_object(json.dumps(body).encode(), None, CutoffPayload).model_dump() == {
        "market_settled_ts": None,
        "trades_created_ts": 1_785_024_000_000_000,
    }


def test_negative_cents_keep_their_value() -> None:
    assert candle_of(price={"close": -5}).price_close == -50_000


@pytest.mark.parametrize("end", ["", None, "1_0", " 5 ", "\u0665", 10**30], ids=str)
def test_candle_needs_a_readable_end(end: object) -> None:
    with pytest.raises(PayloadError):
        parse_object(json.dumps({"end_period_ts": end}).encode(), None, CandlestickPayload)


@pytest.mark.parametrize("body", [b"{}", b'{"error": "x"}', b'{"cursor": ""}', b'{"orderbook_fp": null}'])
def test_order_book_without_its_envelope_is_an_error(body: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_object(body, None, OrderBookPayload)
