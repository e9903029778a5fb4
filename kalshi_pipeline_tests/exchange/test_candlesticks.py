"""Candlesticks as both tiers and every generation write them; one that is odd costs none of the others."""

import json
from typing import Any

import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.candlesticks import Candlesticks, parse_batch, parse_market
from kalshi_pipeline.exchange.pages import GarbledAnswerError
from kalshi_pipeline.records import Candlestick

END = 1_760_500_800
END_AT = END * 1_000_000
TRADED = Candlestick(
    END_AT,
    *(0, 20_000, 0, 15_000),
    *(1_000_000, 1_000_000, 60_000, 60_000),
    *(40_000, 50_000, 40_000, 50_000),
    *(45_550, 30_000),
    1_418,
    0,
)
SILENT = TRADED._replace(
    price_open=None, price_high=None, price_low=None, price_close=None, price_mean=None, volume=0
)


def sides(suffix: str, open_: str, high: str, low: str, close: str) -> dict[str, str]:
    return {f"open{suffix}": open_, f"high{suffix}": high, f"low{suffix}": low, f"close{suffix}": close}


def live(**changes: Any) -> dict[str, Any]:
    """A candlestick of October 2026: the bid comes from nothing, the ask from a dollar."""
    price = sides("_dollars", "0.0400", "0.0500", "0.0400", "0.0500")
    return {
        "end_period_ts": END,
        "yes_bid": sides("_dollars", "0.0000", "0.0200", "0.0000", "0.0150"),
        "yes_ask": sides("_dollars", "1.0000", "1.0000", "0.0600", "0.0600"),
        "price": {**price, "mean_dollars": "0.045550", "previous_dollars": "0.0300"},
        "volume_fp": "14.18",
        "open_interest_fp": "0.00",
        "unknown": {"of": "tomorrow"},
        **changes,
    }


def historical(**changes: Any) -> dict[str, Any]:
    price = sides("", "0.0400", "0.0500", "0.0400", "0.0500")
    return {
        "end_period_ts": END,
        "yes_bid": sides("", "0.0000", "0.0200", "0.0000", "0.0150"),
        "yes_ask": sides("", "1.0000", "1.0000", "0.0600", "0.0600"),
        "price": {**price, "mean": "0.045550", "previous": "0.0300"},
        "volume": "14.18",
        "open_interest": "0.00",
        **changes,
    }


def january() -> dict[str, Any]:
    """Cents and counts as integers, the dollars beside them; a sub-cent price could not be written."""
    price = {"open": 4, "high": 5, "low": 4, "close": 5, "mean": 5, "previous": 3, "min": None, "max": None}
    return {
        "end_period_ts": END,
        "yes_bid": {"open": 0, "high": 2, "low": 0, "close": 1, "close_dollars": "0.0150"},
        "yes_ask": {"open": 100, "high": 100, "low": 6, "close": 6},
        "price": {**price, "mean_dollars": "0.045550"},
        "volume": "14.18",
        "open_interest": 0,
    }


def batch(*candles: Any, ticker: Any = "M") -> bytes:
    return json.dumps({"markets": [{"market_ticker": ticker, "candlesticks": list(candles)}]}).encode()


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (r'"\ud800"', "M/\N{REPLACEMENT CHARACTER}"),
        (r'"a\u0000b"', "M/a\N{REPLACEMENT CHARACTER}b"),
        ("9" * 1000, "M/" + "9" * 299 + "…"),
        ("1760500800.0000001", "M/1760500800.0000001"),
        ("[]", None),
        ('""', None),
    ],
)
def test_odd_end_of_a_candlestick_names_it_by_text_that_can_be_stored(end: str, name: str | None) -> None:
    body = f'{{"markets": [{{"market_ticker": "M", "candlesticks": [{{"end_period_ts": {end}}}]}}]}}'
    page = parse_batch(body.encode())
    assert ([market.candlesticks for market in page.records], [reject.ticker for reject in page.rejects]) == (
        [[]],
        [name],
    )


NULLS = dict.fromkeys(("open", "high", "low", "close", "mean"))


@pytest.mark.parametrize(
    ("candle", "expected"),
    [
        pytest.param(live(), TRADED, id="newest"),
        pytest.param(live(price={"previous_dollars": "0.0300"}, volume_fp="0.00"), SILENT, id="no trade"),
        pytest.param(january(), TRADED, id="january"),
        pytest.param(historical(), TRADED, id="names of the other tier"),
        pytest.param(
            live(price={}, volume_fp="", open_interest_fp=None),
            SILENT._replace(price_previous=None, volume=None, open_interest=None),
            id="never traded, and blanks",
        ),
        pytest.param(
            {"end_period_ts": str(END)}, Candlestick(END_AT, *[None] * 16), id="nothing but its end"
        ),
    ],
)
def test_batch_reads_a_candlestick(candle: dict[str, Any], expected: Candlestick) -> None:
    page = parse_batch(batch(candle))
    assert [(market.ticker, market.candlesticks) for market in page.records] == [("M", [expected])]
    assert page.rejects == []


@pytest.mark.parametrize(
    ("candle", "expected"),
    [
        pytest.param(historical(), TRADED, id="newest"),
        pytest.param(
            historical(price={**NULLS, "previous": "0.0300"}, volume="0.00"),
            SILENT,
            id="no trade, with nulls",
        ),
        pytest.param(live(), TRADED, id="names of the other tier"),
        pytest.param(
            {**live(), "volume": "14.18", "open_interest": "0.00"}, TRADED, id="names of both tiers, mixed"
        ),
    ],
)
def test_historical_tier_reads_a_candlestick(candle: dict[str, Any], expected: Candlestick) -> None:
    page = parse_market(json.dumps({"ticker": "M", "candlesticks": [candle]}).encode(), "M")
    assert [(market.ticker, market.candlesticks) for market in page.records] == [("M", [expected])]


@pytest.mark.parametrize("empty", [[], None])
def test_market_without_candlesticks_is_there_and_empty(empty: list[Any] | None) -> None:
    body = json.dumps({"markets": [{"market_ticker": "M", "candlesticks": empty}]}).encode()
    assert [tuple(market) for market in parse_batch(body).records] == [("M", [], 0)]
    body = json.dumps({"candlesticks": empty}).encode()
    assert [tuple(market) for market in parse_market(body, "M").records] == [("M", [], 0)]


@pytest.mark.parametrize("candle", [historical(), historical(volume="many"), 7])
def test_candlesticks_of_another_market_are_refused(candle: Any) -> None:
    body = json.dumps({"ticker": "N", "candlesticks": [candle]}).encode()
    with pytest.raises(GarbledAnswerError, match="it is about N instead of M"):
        parse_market(body, "M")


def test_odd_candlestick_is_set_aside_with_its_market_and_time() -> None:
    odd = live(yes_bid=sides("_dollars", "0.0000001", "0", "0", "0"))
    page = parse_batch(batch(live(), odd, {"volume_fp": "1.00"}))

    assert [market.candlesticks for market in page.records] == [[TRADED]]
    assert [reject.ticker for reject in page.rejects] == [f"M/{END}", None]
    assert json.loads(page.rejects[0].raw) == {"ticker": "M", "candlestick": odd}
    assert "more than 6 significant decimals" in page.rejects[0].error
    assert json.loads(page.rejects[1].raw)["ticker"] == "M"


@pytest.mark.parametrize(
    ("prices", "is_read"),
    [
        pytest.param({"open_usd": "0.5000"}, False, id="renamed"),
        pytest.param({"open_usd": "0.5000", "open_dollars": None}, True, id="renamed beside a null"),
        pytest.param({}, True, id="empty"),
        pytest.param(None, True, id="null"),
        pytest.param(sides("", "0.5000", "0.5000", "0.5000", "0.5000"), True, id="older names"),
    ],
)
def test_candlestick_with_prices_under_new_names_is_set_aside(prices: Any, is_read: bool) -> None:
    """It would be stored without prices, and its day would be complete."""
    candle = {"end_period_ts": END, "yes_bid": prices, "yes_ask": prices, "price": prices}
    for page in (
        parse_batch(batch(candle)),
        parse_market(json.dumps({"candlesticks": [candle]}).encode(), "M"),
    ):
        (market,) = page.records
        assert (len(market.candlesticks), market.unreadable) == (is_read, not is_read)
        assert [reject.error for reject in page.rejects] == (
            [] if is_read else ["its prices have other names than before: open_usd"]
        )


def test_odd_market_does_not_affect_others() -> None:
    rows = [
        {"market_ticker": "", "candlesticks": []},
        {"market_ticker": "N"},
        {"market_ticker": "M", "candlesticks": [live()]},
    ]
    page = parse_batch(json.dumps({"markets": rows}).encode())
    assert [tuple(market) for market in page.records] == [("M", [TRADED], 0)]
    assert len(page.rejects) == 2


@pytest.mark.parametrize("body", [b"{}", b'{"candles": []}'])
def test_answer_without_its_envelope_is_not_empty(body: bytes) -> None:
    with pytest.raises(PayloadError, match="has no"):
        parse_batch(body)
    with pytest.raises(PayloadError, match="has no"):
        parse_market(body, "M")


def test_recorded_candlestick_of_january_is_read() -> None:
    """15 October 2025, a day without a trade, as answered on 12 January 2026; the ticker is made up."""
    body = (
        b'{"markets":[{"candlesticks":[{"end_period_ts":1760500800,"open_interest":12432,"price":{"close":null,"high":null,'
        b'"low":null,"max":null,"mean":null,"min":null,"open":null,"previous":11,"previous_dollars":"0.1100"},"volume":0,'
        b'"yes_ask":{"close":11,"close_dollars":"0.1100","high":11,"high_dollars":"0.1100","low":11,"low_dollars":"0.1100",'
        b'"open":11,"open_dollars":"0.1100"},"yes_bid":{"close":8,"close_dollars":"0.0800","high":8,"high_dollars":"0.0800",'
        b'"low":8,"low_dollars":"0.0800","open":8,"open_dollars":"0.0800"}}],"market_ticker":"KXFARPLACE-99"}]}'
    )
    (market,) = parse_batch(body).records
    expected = Candlestick(END_AT, *([80_000] * 4 + [110_000] * 4 + [None] * 5 + [110_000, 0, 1_243_200]))
    assert market == Candlesticks("KXFARPLACE-99", [expected])
