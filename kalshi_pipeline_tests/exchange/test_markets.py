"""The fast reader of markets returns the same as the pydantic model does, record by record."""

import json
from typing import Any

import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.markets import MARKETS
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page
from kalshi_pipeline.records import Market, Quote
from kalshi_pipeline.sandbox import SHAPES, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.shared import needs_shared, read_recorded, recorded_files

TODAY = {
    "ticker": "KXRAIN-26NOV23-T1",
    "event_ticker": "KXRAIN-26NOV23",
    "title": "Will it rain?",
    "yes_sub_title": "",
    "market_type": "binary",
    "status": "active",
    "result": "",
    "created_time": "2026-11-20T10:00:00.123456Z",
    "open_time": "2026-11-20T12:00:00Z",
    "close_time": "0001-01-01T00:00:00Z",
    "floor_strike": 40,
    "is_provisional": False,
    "rules_primary": "If it rains.",
    "yes_bid_dollars": "0.2900",
    "yes_ask_dollars": "0.3150",
    "no_bid_dollars": "0.6850",
    "no_ask_dollars": "0.7100",
    "last_price_dollars": "0.000001",
    "yes_bid_size_fp": "2985.50",
    "yes_ask_size_fp": "1.00",
    "volume_fp": "0.00",
    "open_interest_fp": "12345678.90",
}


def body_of(*rows: object, **envelope: Any) -> bytes:
    return json.dumps({"markets": list(rows), "cursor": "next", **envelope}).encode()


def test_market_of_today_is_read_exactly() -> None:
    page = MARKETS.parse(body_of(TODAY))
    assert page == Page(
        [
            Market(
                ticker="KXRAIN-26NOV23-T1",
                event_ticker="KXRAIN-26NOV23",
                title="Will it rain?",
                yes_sub_title=None,
                no_sub_title=None,
                market_type="binary",
                status="active",
                result="",
                created_at=1_795_168_800_123_456,
                open_at=1_795_176_000_000_000,
                close_at=None,
                expected_expiration_at=None,
                occurrence_at=None,
                strike_type=None,
                floor_strike=40.0,
                cap_strike=None,
                rules_primary="If it rains.",
                is_provisional=False,
                is_combo=False,
                collection_ticker=None,
                latest_expiration_at=None,
                functional_strike=None,
                custom_strike=None,
                expiration_value=None,
                rules_secondary=None,
                price_level_structure=None,
                price_ranges=None,
                settlement_bounds_type=None,
                settlement_floor=None,
                settlement_timer_seconds=None,
                can_close_early=None,
                early_close_condition=None,
                fee_waiver_expiration_at=None,
                primary_participant_key=None,
                exchange_index=None,
                updated_time=None,
                quote=Quote(
                    yes_bid=290_000,
                    yes_ask=315_000,
                    yes_bid_size=298_550,
                    yes_ask_size=100,
                    last_price=1,
                    volume=0,
                    open_interest=1_234_567_890,
                ),
                is_mirrored=True,
                has_negative_size=False,
            )
        ],
        [],
        "next",
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"yes_bid_dollars": "0.0000", "yes_bid_size_fp": "0.00"}, id="unquoted"),
        pytest.param({"yes_ask_dollars": "1.0000", "yes_ask_size_fp": "0.00"}, id="unquoted at one dollar"),
        pytest.param({"yes_bid_dollars": "1.0000", "yes_bid_size_fp": "5.00"}, id="quoted at one dollar"),
        pytest.param({"yes_bid_dollars": ""}, id="blank price"),
        pytest.param({"yes_bid_dollars": None, "yes_bid": 29}, id="cents"),
        pytest.param({"volume_fp": None, "volume": 17}, id="integer volume"),
        pytest.param({"volume_fp": 17}, id="number in place of text"),
        pytest.param({"yes_bid_dollars": 0.29}, id="JSON number with a fraction"),
        pytest.param({"no_ask_dollars": "0.7200"}, id="not mirrored"),
        pytest.param({"floor_strike": "40.5"}, id="strike as text"),
        pytest.param({"floor_strike": 10**400}, id="strike beyond any float"),
        pytest.param({"is_provisional": "true"}, id="flag as text"),
        pytest.param({"title": 5}, id="title that is a number"),
        pytest.param({"title": "\ud800"}, id="half a character"),
        pytest.param({"title": "🏈 naïve"}, id="letters beyond ASCII"),
        pytest.param({"status": "auctioning", "a_new_field": {"deep": [1]}}, id="new words and fields"),
        pytest.param({"ticker": ""}, id="no ticker"),
        pytest.param({"ticker": "T" * 256}, id="ticker too long"),
        pytest.param({"event_ticker": None}, id="no event"),
        pytest.param({"yes_bid_dollars": "0.1234567"}, id="price finer than a micro-dollar"),
        pytest.param({"yes_bid_dollars": "\u0660.\u0662\u0669"}, id="digits of another script"),
        pytest.param({"volume_fp": "1_000.00"}, id="underscore in a number"),
        pytest.param({"volume_fp": "-5.00"}, id="negative count"),
        pytest.param({"created_time": "2026-11-20T10:00:00"}, id="time without a zone"),
        pytest.param({"close_time": "2026-11-20T10:00:00.123456789+05:30"}, id="time of another zone"),
        pytest.param({"mve_collection_ticker": "KXMVE-C"}, id="combo"),
        pytest.param({"event_ticker": "KXMVESPORTS-1", "mve_collection_ticker": ""}, id="named like a combo"),
    ],
)
def test_odd_market_is_read_as_by_the_model(changes: dict[str, Any]) -> None:
    """An unreadable record is set aside alone, with the same message."""
    body = body_of(TODAY, {**TODAY, "ticker": "M-2", **changes}, {**TODAY, "ticker": "M-3"})
    fast, slow = MARKETS.parse(body), MARKETS.parse_again(body)
    assert fast == slow
    assert len(fast.records) + len(fast.rejects) == 3
    assert {"KXRAIN-26NOV23-T1", "M-3"} <= {market.ticker for market in fast.records}


@pytest.mark.parametrize("row", [570, None, "text", []], ids=repr)
def test_row_that_is_not_an_object_is_set_aside(row: object) -> None:
    page = MARKETS.parse(body_of(TODAY, row))
    assert (len(page.records), len(page.rejects)) == (1, 1)


@pytest.mark.parametrize("cursor", ["", None], ids=["blank", "null"])
def test_last_page_has_no_cursor(cursor: str | None) -> None:
    assert MARKETS.parse(body_of(TODAY, cursor=cursor)).cursor is None
    assert MARKETS.parse(json.dumps({"markets": [TODAY]}).encode()).cursor is None


def test_null_list_is_an_empty_one() -> None:
    assert MARKETS.parse(b'{"markets": null, "cursor": ""}') == Page([])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"<html>", GarbledAnswerError, id="no JSON"),
        pytest.param(b'{"markets": [', GarbledAnswerError, id="cut off"),
        pytest.param(b'{"cursor": ""}', PayloadError, id="no envelope"),
        pytest.param(b'{"markets": {}}', PayloadError, id="no list"),
        pytest.param(b"[]", PayloadError, id="no object"),
        pytest.param(b'{"markets": [], "cursor": 5}', PayloadError, id="cursor that is a number"),
    ],
)
def test_page_without_its_envelope_is_an_error(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        MARKETS.parse(body)


@pytest.mark.parametrize("shape", SHAPES)
def test_listed_markets_of_every_shape_are_read_alike(shape: Shape) -> None:
    with Sandbox(World(WorldConfig(markets=300, combos=50, shape=shape))) as sandbox:
        body = plain_http.get(f"{sandbox.url}/markets", params={"limit": 1000}).content
    assert len(MARKETS.parse(body).records) > 300
    assert MARKETS.parse(body) == MARKETS.parse_again(body)


@needs_shared
def test_recorded_markets_are_read_alike() -> None:
    count = 0
    for file in recorded_files():
        answer = read_recorded(file)
        rows = answer.get("markets") if isinstance(answer, dict) else None
        if isinstance(rows, list):
            body = json.dumps({"markets": rows}).encode()
            assert MARKETS.parse(body) == MARKETS.parse_again(body)
            count += len(rows)
    assert count > 0


QUOTE = ("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars")
SIZES = ("yes_bid_size_fp", "yes_ask_size_fp")


def unnamed(count: int, without: tuple[str, ...] = (*QUOTE, *SIZES), **fields: object) -> bytes:
    """A page of markets without some of their fields."""
    kept = {name: value for name, value in TODAY.items() if name not in without}
    return body_of(*({**kept, **fields, "ticker": f"KXRAIN-26NOV23-T{number}"} for number in range(count)))


@pytest.mark.parametrize("fields", [{}, {"bid_dollars": "0.2900"}, {"status": None}, {"title": 7}])
def test_page_on_which_no_market_has_a_quote_is_of_another_api(fields: dict[str, Any]) -> None:
    """Otherwise a renamed field would look like an exchange on which nobody quotes a price."""
    page = MARKETS.parse(unnamed(21, (*QUOTE, *SIZES), **fields))
    assert (page.records, len(page.rejects)) == ([], 21)
    assert {reject.error for reject in page.rejects} == {
        "it has none of no_ask, no_ask_dollars, no_bid, no_bid_dollars, yes_ask, yes_ask_dollars, yes_bid, "
        "yes_bid_dollars"
    }
    for reject in page.rejects:
        with pytest.raises(ValueError, match="it has none of"):
            MARKETS.read_row(reject.raw.encode())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(unnamed(20), id="few markets"),
        pytest.param(unnamed(21, without=SIZES), id="prices without sizes"),
        pytest.param(unnamed(21, yes_bid_dollars=None), id="null"),
        pytest.param(unnamed(21, no_bid_dollars=""), id="blank"),
        pytest.param(unnamed(21, yes_bid=29), id="an older name"),
        pytest.param(unnamed(21, status="finalized"), id="not open"),
        pytest.param(unnamed(21, status="initialized"), id="not open yet"),
    ],
)
def test_markets_may_be_sent_without_a_quote(body: bytes) -> None:
    page = MARKETS.parse(body)
    assert (len(page.records), page.rejects) == (len(json.loads(body)["markets"]), [])
    assert page.records == MARKETS.parse_again(body).records


def test_one_market_with_a_quote_speaks_for_its_page() -> None:
    rows = json.loads(unnamed(30))["markets"]
    page = MARKETS.parse(body_of(*rows, TODAY))
    assert (len(page.records), page.rejects) == (31, [])
