"""Series, events and markets of every generation of the API."""

import json
from collections import Counter
from typing import Any

import pytest

from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.markets import MARKETS
from kalshi_pipeline.exchange.pages import parse_object
from kalshi_pipeline.exchange.payloads import ExchangeStatusPayload
from kalshi_pipeline.records import Event, Market, Quote, Series


def market_of(**fields: Any) -> Market:
    """A market with these fields, parsed from the bytes of a page by the fast or the slow reader."""
    body = json.dumps({"markets": [{"ticker": "M", "event_ticker": "E", **fields}], "cursor": ""}).encode()
    page = MARKETS.parse(body)
    assert page == MARKETS.parse_again(body)
    assert page.rejects == []
    return page.records[0]


NOTHING = Quote(None, None, None, None, None, None, None)

NEWEST = {
    "yes_bid_dollars": "0.0800",
    "yes_ask_dollars": "0.1200",
    "yes_bid_size_fp": "444.32",
    "yes_ask_size_fp": "1967.33",
    "last_price_dollars": "0.1000",
    "volume_fp": "94884.62",
    "open_interest_fp": "32746.17",
}
CENTS = {"yes_bid": 8, "yes_ask": 12, "last_price": 10, "volume": 94884, "open_interest": 32746}


@pytest.mark.parametrize(
    ("fields", "quote"),
    [
        pytest.param(
            NEWEST, Quote(80_000, 120_000, 44_432, 196_733, 100_000, 9_488_462, 3_274_617), id="decimals"
        ),
        pytest.param(CENTS, Quote(80_000, 120_000, None, None, 100_000, 9_488_400, 3_274_600), id="cents"),
        pytest.param(
            {
                "yes_bid": "8",
                "yes_ask": "12",
                "last_price": "10",
                "volume": "94884",
                "open_interest": "32746",
            },
            Quote(80_000, 120_000, None, None, 100_000, 9_488_400, 3_274_600),
            id="cents-as-text",
        ),
        pytest.param(
            {**CENTS, "yes_bid": 9, "yes_bid_dollars": "0.0850", "volume_fp": "94884.62"},
            Quote(85_000, 120_000, None, None, 100_000, 9_488_462, 3_274_600),
            id="decimals-win-over-integers",
        ),
        pytest.param(
            {**CENTS, **dict.fromkeys(NEWEST, "")},
            Quote(80_000, 120_000, None, None, 100_000, 9_488_400, 3_274_600),
            id="blank-decimals-yield-to-integers",
        ),
        pytest.param(
            {**CENTS, **dict.fromkeys(NEWEST)},
            Quote(80_000, 120_000, None, None, 100_000, 9_488_400, 3_274_600),
            id="null-decimals-yield-to-integers",
        ),
        pytest.param(
            {**CENTS, "last_price_dollars": "0.0000", "volume_fp": "0.00"},
            Quote(80_000, 120_000, None, None, 0, 0, 3_274_600),
            id="zero-is-a-value-and-wins",
        ),
        pytest.param({}, NOTHING, id="absent-is-none"),
        pytest.param(dict.fromkeys([*NEWEST, *CENTS]), NOTHING, id="null-is-none"),
        pytest.param(dict.fromkeys([*NEWEST, *CENTS], ""), NOTHING, id="blank-is-none"),
        pytest.param(
            {"yes_bid_dollars": 0.29, "yes_ask_dollars": 0.57, "last_price_dollars": 1, "volume_fp": 2985.5},
            Quote(290_000, 570_000, None, None, 1_000_000, 298_550, None),
            id="json-numbers-keep-every-digit",
        ),
        pytest.param(
            {"yes_bid_dollars": "0.1630", "yes_ask_dollars": "0.1951"},
            Quote(163_000, 195_100, None, None, None, None, None),
            id="sub-cent",
        ),
    ],
)
def test_quote_reads_every_generation(fields: dict[str, Any], quote: Quote) -> None:
    """It is exact, and an absent value is None and never 0."""
    assert market_of(**fields).quote == quote


@pytest.mark.parametrize(
    ("fields", "bid", "ask"),
    [
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_bid_size_fp": "0.00",
                "yes_ask_dollars": "1.0000",
                "yes_ask_size_fp": "0.00",
            },
            None,
            None,
            id="zero-and-one-without-size",
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_ask_dollars": "0.0000",
                "no_bid_dollars": "1.0000",
                "no_ask_dollars": "1.0000",
            },
            None,
            None,
            id="unquoted-combo-of-january",
        ),
        pytest.param(
            {"yes_bid": 0, "yes_ask": 0, "no_bid": 100, "no_ask": 100}, None, None, id="the-same-in-cents"
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_ask_dollars": "1.0000",
                "no_bid_dollars": "0.0000",
                "no_ask_dollars": "1.0000",
                "yes_bid_size_fp": "0.00",
                "yes_ask_size_fp": "0.00",
            },
            None,
            None,
            id="finalized",
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_bid_size_fp": "",
                "yes_ask_dollars": "0.1200",
                "yes_ask_size_fp": "",
            },
            None,
            120_000,
            id="blank-sizes-of-march",
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_bid_size_fp": "-3.00",
                "yes_ask_dollars": "1.0000",
                "yes_ask_size_fp": "-1.00",
            },
            None,
            None,
            id="negative-sizes-of-settling-markets",
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.2900",
                "yes_bid_size_fp": "-1048538.00",
                "yes_ask_dollars": "0.3100",
                "yes_ask_size_fp": "1.00",
            },
            None,
            310_000,
            id="inner-price-with-a-negative-size",
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.0100",
                "yes_bid_size_fp": "0.00",
                "yes_ask_dollars": "0.9900",
                "yes_ask_size_fp": "0.00",
            },
            10_000,
            990_000,
            id="inner-price-without-size-is-a-quote",
        ),
        pytest.param(
            {"yes_bid_dollars": "0.0001", "yes_ask_dollars": "0.9999"},
            100,
            999_900,
            id="outermost-inner-prices",
        ),
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_bid_size_fp": "5.00",
                "yes_ask_dollars": "1.0000",
                "yes_ask_size_fp": "0.01",
            },
            0,
            1_000_000,
            id="outer-price-with-size-is-a-quote",
        ),
        pytest.param(
            {"yes_bid_dollars": "0.0000", "yes_ask_dollars": "0.0300"}, None, 30_000, id="ask-alone"
        ),
        pytest.param(
            {"yes_bid_dollars": "0.9700", "yes_ask_dollars": "1.0000"}, 970_000, None, id="bid-alone"
        ),
        pytest.param(
            {"yes_bid_dollars": "-0.0100", "yes_ask_dollars": "1.0100"}, None, None, id="out-of-range"
        ),
    ],
)
def test_side_is_quoted_by_size_or_inner_price(
    fields: dict[str, Any], bid: int | None, ask: int | None
) -> None:
    """Every form in which the exchange writes 'no quote' (docs/exchange-api.md, 'Quotes and unquoted sides')."""
    quote = market_of(**fields).quote
    assert (quote.yes_bid, quote.yes_ask) == (bid, ask)


@pytest.mark.parametrize(
    ("fields", "is_mirrored"),
    [
        pytest.param(
            {
                "yes_bid_dollars": "0.0800",
                "yes_ask_dollars": "0.1200",
                "no_bid_dollars": "0.8800",
                "no_ask_dollars": "0.9200",
            },
            True,
            id="mirrored",
        ),
        pytest.param({"yes_bid": 6, "yes_ask": 7, "no_bid": 93, "no_ask": 94}, True, id="mirrored-cents"),
        pytest.param({"yes_bid_dollars": "0.0800", "yes_ask_dollars": "0.1200"}, True, id="no-side-absent"),
        pytest.param({"no_bid_dollars": "0.8800", "no_ask_dollars": "0.9200"}, True, id="yes-side-absent"),
        pytest.param(
            {
                "yes_bid_dollars": "0.0000",
                "yes_ask_dollars": "0.0000",
                "no_bid_dollars": "1.0000",
                "no_ask_dollars": "1.0000",
            },
            True,
            id="unquoted-side-mirrors-nothing",
        ),
        pytest.param({"yes_ask_dollars": "0.1200", "no_bid_dollars": "0.8700"}, False, id="no-bid-is-off"),
        pytest.param({"yes_bid_dollars": "0.0800", "no_ask_dollars": "0.9201"}, False, id="no-ask-is-off"),
    ],
)
def test_no_side_is_compared_with_the_yes_side(fields: dict[str, Any], is_mirrored: bool) -> None:
    assert market_of(**fields).is_mirrored is is_mirrored


def test_market_with_its_tickers_alone_is_read() -> None:
    """Only what identifies a record is required; everything else is None."""
    expected: dict[str, Any] = dict.fromkeys(Market._fields)
    bare = {
        "ticker": "M",
        "event_ticker": "E",
        "is_combo": False,
        "quote": NOTHING,
        "is_mirrored": True,
        "has_negative_size": False,
    }
    assert market_of()._asdict() == {**expected, **bare}


def test_market_survives_unknown_fields_and_words() -> None:
    """An unknown word is kept as it came."""
    market = market_of(
        status="auctioning",
        market_type="perpetual",
        result="void",
        strike_type="lunar",
        moon={"phase": [1, None]},
    )
    assert (market.status, market.market_type, market.result, market.strike_type) == (
        "auctioning",
        "perpetual",
        "void",
        "lunar",
    )
    assert "moon" not in market._fields


def test_market_fields_are_read_as_they_came() -> None:
    market = market_of(
        title="Set I,  how many are counted in all ",
        yes_sub_title="Beyoncé's Zürich",
        rules_primary="one\n\ntwo",
        status="active",
        result="",
        created_time="2026-09-29T04:01:07.17746Z",
        open_time="0001-01-01T00:00:00Z",
        close_time="2200-12-01T00:00:00Z",
        floor_strike=65_000.5,
        cap_strike="70000",
        is_provisional=True,
    )
    assert {name: value for name, value in market._asdict().items() if value is not None} == {
        "ticker": "M",
        "event_ticker": "E",
        "title": "Set I,  how many are counted in all ",
        "yes_sub_title": "Beyoncé's Zürich",
        "rules_primary": "one\n\ntwo",
        "status": "active",
        "result": "",
        "created_at": 1_790_654_467_177_460,
        "close_at": 7_286_976_000_000_000,
        "floor_strike": 65_000.5,
        "cap_strike": 70_000.0,
        "is_provisional": True,
        "is_combo": False,
        "quote": NOTHING,
        "is_mirrored": True,
        "has_negative_size": False,
    }


@pytest.mark.parametrize("blank", ["", None], ids=["blank", "null"])
@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ("title", "title"),
        ("yes_sub_title", "yes_sub_title"),
        ("status", "status"),
        ("market_type", "market_type"),
        ("strike_type", "strike_type"),
        ("rules_primary", "rules_primary"),
        ("created_time", "created_at"),
        ("close_time", "close_at"),
    ],
)
def test_blank_text_and_time_are_absent(sent: str, field: str, blank: str | None) -> None:
    assert getattr(market_of(**{sent: blank}), field) is None


@pytest.mark.parametrize(
    ("fields", "is_combo"),
    [
        pytest.param({"mve_collection_ticker": "KXMVESINGLE-R"}, True, id="of-a-collection"),
        pytest.param({"mve_collection_ticker": "KXSUBJECT-R"}, True, id="of-a-collection-of-any-name"),
        pytest.param({"event_ticker": "KXMVESINGLESUBJECT-S2025"}, False, id="only-named-like-one"),
        pytest.param({"mve_collection_ticker": ""}, False, id="blank-collection"),
        pytest.param({"event_ticker": "KXTWOSIDE-26OCT08LOHIG"}, False, id="ordinary"),
    ],
)
def test_combo_is_recognized(fields: dict[str, Any], is_combo: bool) -> None:
    assert market_of(**fields).is_combo is is_combo


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"ticker": ""}, "ticker: it is missing", id="blank-ticker"),
        pytest.param({"ticker": None}, "ticker: it is missing", id="null-ticker"),
        pytest.param(
            {"ticker": {"moved": True}}, "ticker: {'moved': True} is not text", id="ticker-an-object"
        ),
        pytest.param(
            {"ticker": "M" * 1001}, "ticker: it is longer than 1000 characters", id="ticker-too-long"
        ),
        pytest.param(
            {"yes_bid_dollars": "abc"}, "yes_bid_dollars: 'abc' is not a decimal number", id="price-in-words"
        ),
        pytest.param(
            {"yes_bid_dollars": True},
            "yes_bid_dollars: True is neither text nor a number",
            id="price-a-boolean",
        ),
        pytest.param(
            {"yes_bid_dollars": ["0.5"]},
            "yes_bid_dollars: ['0.5'] is neither text nor a number",
            id="price-a-list",
        ),
        pytest.param(
            {"yes_ask_size_fp": "1.005"},
            "yes_ask_size_fp: '1.005' has more than 2 significant decimals",
            id="count-too-fine",
        ),
    ],
)
def test_unreadable_market_is_rejected_with_its_reason(fields: dict[str, Any], error: str) -> None:
    row = {"ticker": "M", "event_ticker": "E", **fields}
    page = MARKETS.parse(json.dumps({"markets": [row]}).encode())
    assert page.records == []
    assert [reject.error for reject in page.rejects] == [error]


@pytest.mark.parametrize(
    ("sent", "odd"),
    [
        pytest.param({"close_time": 1_790_000_000}, "close_at", id="time-a-number"),
        pytest.param({"close_time": "2026-10-11T00:15:00"}, "close_at", id="time-naive"),
        pytest.param({"expected_expiration_time": "2026-12-20"}, "expected_expiration_at", id="date"),
        pytest.param({"yes_sub_title": 76}, "yes_sub_title", id="text-a-number"),
        pytest.param({"rules_primary": ["a", "b"]}, "rules_primary", id="text-a-list"),
        pytest.param({"floor_strike": "1,000"}, "floor_strike", id="strike-with-a-comma"),
        pytest.param({"floor_strike": True}, "floor_strike", id="strike-a-flag"),
        pytest.param({"cap_strike": float("inf")}, "cap_strike", id="strike-infinite"),
        pytest.param({"is_provisional": "maybe"}, "is_provisional", id="flag-a-word"),
        pytest.param({"settlement_timer_seconds": 2**63}, "settlement_timer_seconds", id="integer-too-large"),
        pytest.param({"custom_strike": {"a": "\ud800"}}, "custom_strike", id="json-with-half-a-character"),
    ],
)
def test_odd_description_costs_its_field_and_is_counted(sent: dict[str, Any], odd: str) -> None:
    body = json.dumps(
        {
            "markets": [
                {"ticker": "M", "event_ticker": "E", **NEWEST, **sent},
                {"ticker": "N", "event_ticker": "E"},
            ]
        }
    )
    page = MARKETS.parse(body.encode())
    assert page == MARKETS.parse_again(body.encode())
    market = page.records[0]
    assert (page.rejects, page.odd_fields) == ([], {next(iter(sent)): 1})
    assert (getattr(market, odd), market.quote.yes_bid) == (None, 80_000)


@pytest.mark.parametrize(
    ("sent", "odd"),
    [
        ({"open_interest_fp": "50.125"}, "open_interest"),
        ({"volume_fp": "9" * 20}, "volume"),
        ({"last_price_dollars": "x"}, "last_price"),
    ],
)
def test_odd_counter_costs_its_field_and_is_counted(sent: dict[str, Any], odd: str) -> None:
    body = json.dumps({"markets": [{"ticker": "M", "event_ticker": "E", **NEWEST, **sent}]}).encode()
    page = MARKETS.parse(body)
    assert page == MARKETS.parse_again(body)
    quote = page.records[0].quote
    assert (page.odd_fields, getattr(quote, odd), quote.yes_ask) == ({next(iter(sent)): 1}, None, 120_000)


@pytest.mark.parametrize("event", [None, "", 5, {}, "\ud800"], ids=str)
def test_market_without_its_event_has_an_event_of_its_own(event: object) -> None:
    body = json.dumps({"markets": [{"ticker": "M", "event_ticker": event}, {"ticker": "N"}]}).encode()
    page = MARKETS.parse(body)
    assert page == MARKETS.parse_again(body)
    assert [market.event_ticker for market in page.records] == ["M", "N"]
    assert (page.rejects, page.odd_fields) == ([], {"event_ticker": 2})


@pytest.mark.parametrize(
    ("sent", "bid", "ask"),
    [
        pytest.param({"yes_bid": "0.5500", "yes_ask": "0.5700"}, 550_000, 570_000, id="suffix-dropped"),
        pytest.param({"yes_bid": 0.55, "yes_ask": 0.57}, 550_000, 570_000, id="json-fractions"),
        pytest.param(
            {"yes_bid": 0.55, "yes_ask": 1, "yes_bid_size_fp": "1", "yes_ask_size_fp": "1"},
            550_000,
            1_000_000,
            id="one-dollar-beside-a-fraction",
        ),
        pytest.param({"yes_bid": "1", "no_ask": "99"}, 10_000, None, id="one-cent-beside-more"),
        pytest.param({"yes_bid": 1, "yes_ask": 2}, 10_000, 20_000, id="integers-are-cents"),
        pytest.param(
            {"yes_bid": 31, "yes_ask": 34, "no_bid": "0.66"}, 310_000, 340_000, id="no-side-in-dollars"
        ),
        pytest.param(
            {"yes_bid": 0.31, "yes_ask": 0.34, "last_price": 33}, 310_000, 340_000, id="cents-of-a-trade"
        ),
        pytest.param({"yes_bid": "5.5e-1", "yes_ask": "57E-2"}, 550_000, 570_000, id="exponents"),
    ],
)
def test_unit_of_older_prices_is_decided_by_evidence(
    sent: dict[str, Any], bid: int | None, ask: int | None
) -> None:
    quote = market_of(**sent).quote
    assert (quote.yes_bid, quote.yes_ask) == (bid, ask)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"yes_bid": "0.5500", "yes_ask": 57}, id="both-units"),
        pytest.param({"yes_bid": "55.5"}, id="fraction-above-one"),
        pytest.param({"yes_bid": "56.00"}, id="decimals-above-one"),
        pytest.param({"yes_bid": "1"}, id="one-as-text"),
        pytest.param({"yes_bid": 1.0, "yes_ask": 1.0}, id="one-as-a-decimal"),
        pytest.param({"yes_bid": 0, "yes_ask": 1}, id="integers-of-one-and-none"),
        pytest.param({"yes_bid": 1, "no_bid": "0.66", "no_ask": 34}, id="one-beside-both-units"),
        pytest.param({"yes_bid": True, "yes_ask": 5}, id="flag"),
        pytest.param({"yes_bid_dollars": 55}, id="integer-in-dollars"),
        pytest.param({"yes_bid_dollars": "55"}, id="text-of-an-integer-in-dollars"),
    ],
)
def test_market_whose_unit_is_not_known_is_set_aside(sent: dict[str, Any]) -> None:
    body = json.dumps({"markets": [{"ticker": "M", "event_ticker": "E", **sent}]}).encode()
    page = MARKETS.parse(body)
    assert page == MARKETS.parse_again(body)
    assert (page.records, [reject.ticker for reject in page.rejects]) == ([], ["M"])


@pytest.mark.parametrize(
    ("older", "odd"),
    [
        ({"last_price": "1"}, ["last_price"]),
        ({"last_price": 1}, ["last_price"]),
        ({"last_price": "0.33", "no_bid": 66}, ["last_price", "no_bid"]),
        ({"last_price": "55.5", "no_ask": ""}, ["last_price"]),
    ],
)
def test_price_beside_the_quote_of_an_unknown_unit_costs_its_field(
    older: dict[str, Any], odd: list[str]
) -> None:
    quote = {"yes_bid_dollars": "0.3100", "yes_ask_dollars": "0.3400"}
    body = json.dumps({"markets": [{"ticker": "M", "event_ticker": "E", **quote, **older}]}).encode()
    page = MARKETS.parse(body)
    assert page == MARKETS.parse_again(body)
    (market,) = page.records
    assert (market.quote.yes_bid, market.quote.yes_ask, market.quote.last_price) == (310_000, 340_000, None)
    assert page.odd_fields == Counter(odd)


def test_series_is_read_with_null_tags() -> None:
    body = (
        b'{"series": [{"ticker": "S", "title": "T ", "category": "", "frequency": "hourly", "tags": null}]}'
    )
    assert SERIES.parse(body).records == [
        Series(ticker="S", title="T ", category=None, frequency="hourly", tags=None)
    ]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [([], None), (["NBA"], "NBA"), (["NBA", "Finals"], "NBA,Finals"), ([""], "")],
    ids=["none", "one", "two", "blank"],
)
def test_series_is_read_with_its_tags(tags: list[str], expected: str | None) -> None:
    body = json.dumps({"series": [{"ticker": "S", "tags": tags}]}).encode()
    assert SERIES.parse(body) == SERIES.parse_again(body)
    assert [series.tags for series in SERIES.parse(body).records] == [expected]


@pytest.mark.parametrize("tags", ["NBA", 5, ["NBA", 5], ["NBA", None], {"NBA": 1}], ids=str)
def test_series_with_other_tags_than_a_list_of_texts_is_read_without_them(tags: object) -> None:
    body = json.dumps({"series": [{"ticker": "S", "tags": tags}]}).encode()
    page = SERIES.parse(body)
    assert page == SERIES.parse_again(body)
    assert ([series.tags for series in page.records], page.odd_fields) == ([None], {"tags": 1})


def test_event_is_identified_by_its_event_ticker() -> None:
    body = json.dumps(
        {
            "event": {
                "event_ticker": "KXFARPLACE-99",
                "series_ticker": "KXFARPLACE",
                "title": "Far?",
                "sub_title": "Until 2099",
                "mutually_exclusive": False,
                "strike_date": "2099-08-01T04:59:00Z",
                "strike_period": "",
                "product_metadata": None,
                "markets": [{"ticker": 1}],
            },
            "markets": [],
        }
    )
    assert EVENTS.parse_one(body.encode(), "event").records[0] == Event(
        ticker="KXFARPLACE-99",
        series_ticker="KXFARPLACE",
        title="Far?",
        sub_title="Until 2099",
        category=None,
        mutually_exclusive=False,
        strike_at=4_089_243_540_000_000,
    )


@pytest.mark.parametrize(
    ("exchange", "trading", "is_paused"),
    [
        pytest.param(True, True, False, id="open"),
        pytest.param(True, False, True, id="trading-paused"),
        pytest.param(False, True, True, id="exchange-down"),
        pytest.param(False, False, True, id="everything-down"),
    ],
)
def test_exchange_status_shows_a_pause(exchange: bool, trading: bool, is_paused: bool) -> None:
    body = json.dumps(
        {"exchange_active": exchange, "trading_active": trading, "exchange_index_statuses": [1]}
    )
    assert parse_object(body.encode(), None, ExchangeStatusPayload).is_paused is is_paused


@pytest.mark.parametrize(
    ("bid_size", "ask_size", "expected"),
    [
        pytest.param("-0.01", "5.00", (None, 500, True), id="bid"),
        pytest.param("5.00", "-1048538.00", (500, None, True), id="ask"),
        pytest.param("0.00", "", (0, None, False), id="neither"),
    ],
)
def test_size_below_zero_is_absent_and_noted(
    bid_size: str, ask_size: str, expected: tuple[int | None, int | None, bool]
) -> None:
    market = market_of(yes_bid_size_fp=bid_size, yes_ask_size_fp=ask_size)
    quote = market.quote
    assert (quote.yes_bid_size, quote.yes_ask_size, market.has_negative_size) == expected
