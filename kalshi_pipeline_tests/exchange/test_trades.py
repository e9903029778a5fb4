"""The fast reader of trades returns the same as the pydantic model, and a day is walked in constant memory."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kalshi_pipeline.errors import NotFoundError, PayloadError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page
from kalshi_pipeline.exchange.trades import TRADES
from kalshi_pipeline.exchange.transport import Answer, Params
from kalshi_pipeline.records import Trade
from kalshi_pipeline.sandbox import SHAPES, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.units import instant_of, parse_instant
from kalshi_pipeline.vocabulary import Tier
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.shared import needs_shared, read_recorded, recorded_files

# Recorded on 6 October 2026, and on 12 January; ticker and identifier are made up.
TODAY = {
    "count_fp": "14.18",
    "created_time": "2026-10-06T06:38:11.436559Z",
    "is_block_trade": False,
    "no_price_dollars": "0.2000",
    "taker_book_side": "ask",
    "taker_outcome_side": "no",
    "taker_side": "no",
    "ticker": "KXTWOSIDE-26OCT08LOHIG-HIG",
    "trade_id": "2c8e41d7-90b3-9f16-e5a8-0d7b63f94c12",
    "yes_price_dollars": "0.8000",
}
JANUARY = {
    "count": 1,
    "created_time": "2026-01-12T14:59:36.37315Z",
    "no_price": 94,
    "no_price_dollars": "0.9400",
    "price": 0.06,
    "taker_side": "no",
    "ticker": "KXFARPLACE-99",
    "trade_id": "7b06f3a9-1d52-4c88-92e4-a5c017de3b60",
    "yes_price": 6,
    "yes_price_dollars": "0.0600",
}


def body_of(*rows: object, **envelope: Any) -> bytes:
    return json.dumps({"trades": list(rows), "cursor": "next", **envelope}).encode()


def test_trades_of_two_generations_are_read_exactly() -> None:
    today = Trade(
        trade_id="2c8e41d7-90b3-9f16-e5a8-0d7b63f94c12",
        ticker="KXTWOSIDE-26OCT08LOHIG-HIG",
        created_at=1_791_268_691_436_559,
        yes_price=800_000,
        contracts=1_418,
        taker_side="no",
        is_block=False,
    )
    january = Trade(
        trade_id="7b06f3a9-1d52-4c88-92e4-a5c017de3b60",
        ticker="KXFARPLACE-99",
        created_at=1_768_229_976_373_150,
        yes_price=60_000,
        contracts=100,
        taker_side="no",
        is_block=None,
    )
    assert TRADES.parse(body_of(TODAY)) == Page([today], [], "next")
    assert TRADES.parse(body_of(TODAY, JANUARY)) == Page([today, january], [], "next")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"yes_price_dollars": "", "yes_price": 6}, id="cents"),
        pytest.param({"yes_price_dollars": "0.0000"}, id="price of nothing"),
        pytest.param({"yes_price_dollars": "1.0000"}, id="price of a dollar"),
        pytest.param({"yes_price_dollars": "0.0001"}, id="a hundredth of a cent"),
        pytest.param({"yes_price_dollars": 0.29}, id="JSON number with a fraction"),
        pytest.param({"count_fp": "", "count": 3}, id="older count"),
        pytest.param({"count_fp": None}, id="count that is absent"),
        pytest.param({"count_fp": "0.01"}, id="a hundredth of a contract"),
        pytest.param({"count_fp": "0.00"}, id="count of nothing"),
        pytest.param({"taker_outcome_side": "", "taker_side": "yes"}, id="older side"),
        pytest.param({"taker_outcome_side": None, "taker_side": None}, id="side that is absent"),
        pytest.param({"taker_outcome_side": "maybe"}, id="unknown word"),
        pytest.param({"is_block_trade": None}, id="block that is absent"),
        pytest.param({"is_block_trade": "true"}, id="flag as text"),
        pytest.param({"trade_id": "no uuid"}, id="identifier of another form"),
        pytest.param({"created_time": "2026-10-06T06:38:11+05:30"}, id="time of another zone"),
        pytest.param(
            {"ticker": "ÅÄÖ-🏈", "a_new_field": {"deep": [1]}}, id="letters and fields beyond today's"
        ),
    ],
)
def test_odd_trade_is_read_as_by_the_model(changes: dict[str, Any]) -> None:
    body = body_of(TODAY, {**TODAY, **changes}, JANUARY)
    page = TRADES.parse(body)
    assert page == TRADES.parse_again(body)
    assert (len(page.records), page.rejects) == (3, [])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"created_time": ""}, "created_time: it is missing", id="blank time"),
        pytest.param({"created_time": "0001-01-01T00:00:00Z"}, "created_time: it is missing", id="zero time"),
        pytest.param({"yes_price_dollars": ""}, "yes_price_dollars: it is missing", id="no price"),
        pytest.param(
            {"created_time": "2026-10-06T06:38:11"},
            "created_time: '2026-10-06T06:38:11' is not an RFC 3339 time such as 2026-11-22T14:05:00Z",
            id="time without a zone",
        ),
        pytest.param(
            {"yes_price_dollars": "0.1234567"},
            "yes_price_dollars: '0.1234567' has more than 6 significant decimals",
            id="price finer than a micro-dollar",
        ),
        pytest.param({"trade_id": ""}, "trade_id: it is missing", id="no identifier"),
        pytest.param({"ticker": None}, "ticker: it is missing", id="no ticker"),
        pytest.param(
            {"ticker": "\ud800"},
            "ticker: it contains a NUL or a lone surrogate",
            id="half a character",
        ),
    ],
)
def test_trade_that_cannot_be_placed_is_set_aside_as_a_whole(changes: dict[str, Any], error: str) -> None:
    """Its quarantine row has no ticker, so that other trades of its market do not replace it."""
    odd = {**TODAY, **changes}
    body = body_of(TODAY, odd, JANUARY)
    page = TRADES.parse(body)
    assert page == TRADES.parse_again(body)
    assert [trade.ticker for trade in page.records] == [TODAY["ticker"], JANUARY["ticker"]]
    assert [(reject.ticker, reject.error) for reject in page.rejects] == [(None, error)]
    assert json.loads(page.rejects[0].raw) == odd


@pytest.mark.parametrize("cursor", ["", None], ids=["blank", "null"])
def test_last_page_has_no_cursor(cursor: str | None) -> None:
    assert TRADES.parse(body_of(TODAY, cursor=cursor)).cursor is None
    assert TRADES.parse(b'{"trades": null}') == Page([])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"<html>", GarbledAnswerError, id="no JSON"),
        pytest.param(b'{"cursor": ""}', PayloadError, id="no envelope"),
        pytest.param(b'{"trades": {}}', PayloadError, id="no list"),
    ],
)
def test_page_without_its_envelope_is_an_error(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        TRADES.parse(body)


@pytest.mark.parametrize("shape", SHAPES)
def test_listed_trades_of_every_shape_are_read_alike(shape: Shape) -> None:
    with Sandbox(World(WorldConfig(markets=300, combos=50, shape=shape))) as sandbox:
        body = plain_http.get(f"{sandbox.url}/markets/trades", params={"limit": 1000}).content
    assert len(TRADES.parse(body).records) > 300
    assert TRADES.parse(body) == TRADES.parse_again(body)


@needs_shared
def test_recorded_trades_are_read_alike() -> None:
    count = 0
    for file in recorded_files():
        if "trades" not in file:
            continue
        answer = read_recorded(file)
        body = json.dumps(answer.get("response", answer)).encode()
        page = TRADES.parse(body)
        assert page == TRADES.parse_again(body)
        assert page.rejects == []
        count += len(page.records)
    assert count > 0


class Pages:
    """Pages of trades by number; each has the letters of its text as identifiers."""

    def __init__(self, *pages: str) -> None:
        self._pages = pages

    def __call__(self, query: Params, _seconds_left: float) -> Answer[Page[Trade]]:
        number = int(str(query.get("cursor", 0)))
        trades = [Trade(letter, "M", number, 500_000, 100, "yes", None) for letter in self._pages[number]]
        last = number + 1 == len(self._pages)
        return Answer(Page(trades, cursor=None if last else str(number + 1)), 0)


@pytest.mark.parametrize(
    ("remembered", "expected", "duplicates"),
    [
        pytest.param(None, ["abc", "d", "e", ""], 6, id="all"),
        pytest.param(2, ["abc", "d", "e", "a"], 5, id="the last two pages"),
        pytest.param(1, ["abc", "d", "e", "ac"], 4, id="the last page"),
    ],
)
def test_overlap_is_removed_within_the_pages_that_are_remembered(
    remembered: int | None, expected: list[str], duplicates: int
) -> None:
    """The store recognizes a later repetition by its key."""
    listing = Listing(
        "/markets/trades",
        Pages("abc", "bcd", "de", "ace"),
        [{}],
        max_pages=None,
        walk_seconds=60,
        key=lambda trade: trade.trade_id,
        remembered_pages=remembered,
    )
    assert ["".join(trade.trade_id for trade in page.records) for page in listing] == expected
    assert listing.duplicates == duplicates


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    """Trades since April 2026; the historical tier has those before noon of 9 August."""
    with Sandbox(World(WorldConfig(markets=2_200))) as running:
        yield running


def at(text: str) -> int:
    instant = parse_instant(text)
    assert instant is not None
    return instant


def listed(sandbox: Sandbox, tier: Tier, start: str, end: str) -> set[str]:
    with KalshiClient(sandbox.url, requests_per_second=1000) as client:
        listing = client.tiers.list_trades(tier, start=at(start), end=at(end), walk_seconds=60)
        trades = [trade for page in listing for trade in page.records]
    assert listing.complete
    return {trade.trade_id for trade in trades if at(start) <= trade.created_at < at(end)}


def on_tape(sandbox: Sandbox, start: str, end: str) -> set[str]:
    tape = sandbox.world.tape
    return {
        tape.trade_id(row)
        for row in range(tape.first_at_or_after(at(start)), tape.first_at_or_after(at(end)))
    }


def test_each_tier_lists_its_part_of_a_range(exchange: Sandbox) -> None:
    cutoff = "2026-08-09T12:00:00Z"
    assert instant_of(exchange.world.config.start) - exchange.world.cutoff == 60 * 86_400_000_000
    live = listed(exchange, Tier.LIVE, "2026-08-01T00:00:00Z", "2026-10-08T00:00:00Z")
    historical = listed(exchange, Tier.HISTORICAL, "2026-04-01T00:00:00Z", "2026-10-08T00:00:00Z")
    assert live == on_tape(exchange, cutoff, "2026-10-08T00:00:00Z")
    assert historical == on_tape(exchange, "2026-04-01T00:00:00Z", cutoff)
    assert len(live) > 3_000


def test_cutoff_is_read_or_missing(exchange: Sandbox) -> None:
    with KalshiClient(exchange.url, requests_per_second=1000) as client:
        assert client.tiers.fetch_cutoff().trades_created_ts == at("2026-08-09T12:00:00Z")
    with (
        Sandbox(World(WorldConfig(markets=5, shape="2026-01"))) as january,
        KalshiClient(january.url, requests_per_second=1000) as client,
        pytest.raises(NotFoundError),
    ):
        client.tiers.fetch_cutoff()
