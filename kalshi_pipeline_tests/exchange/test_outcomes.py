"""Settled markets: the fast and the slow reader agree on every record."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.sandbox import SHAPES, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.vocabulary import NOT_OPEN, Tier
from kalshi_pipeline_tests import plain_http


def settled(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plain_http.get(f"{sandbox.url}/markets?status=settled").json()["markets"]
    return found


@pytest.fixture(params=SHAPES)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    shape: Shape = request.param
    with Sandbox(World(WorldConfig(markets=100, past_share=1.0, shape=shape))) as running:
        yield running


def test_outcomes_are_read_alike_on_both_ways(sandbox: Sandbox) -> None:
    rows = settled(sandbox)
    body = json.dumps({"markets": rows, "cursor": ""}).encode()
    page = OUTCOMES.parse(body)
    assert page == OUTCOMES.parse_again(body)
    assert [outcome.ticker for outcome in page.records] == [row["ticker"] for row in rows]
    assert page.cursor is None
    assert all(outcome.settled_at is not None for outcome in page.records)


@pytest.mark.parametrize(
    ("value", "micros"),
    [("0.0000", 0), ("1.0000", 1_000_000), ("0.333333", 333_333), ("", None), (None, None)],
)
def test_value_is_exact_and_absent_is_absent(value: str | None, micros: int | None) -> None:
    with Sandbox(World(WorldConfig(markets=20, past_share=1.0))) as sandbox:
        row = {
            **settled(sandbox)[0],
            "settlement_value_dollars": value,
            "settlement_ts": "0001-01-01T00:00:00Z",
        }
    (outcome,) = OUTCOMES.parse(json.dumps({"markets": [row]}).encode()).records
    assert (outcome.settlement_value, outcome.settled_at) == (micros, None)


def test_odd_value_is_left_out_and_counted(sandbox: Sandbox) -> None:
    row = {**settled(sandbox)[0], "settlement_value_dollars": "a lot", "settlement_value": None}
    body = json.dumps({"markets": [row]}).encode()
    page = OUTCOMES.parse(body)
    assert page == OUTCOMES.parse_again(body)
    assert [outcome.settlement_value for outcome in page.records] == [None]
    assert page.odd_fields == {"settlement_value_dollars": 1}


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        pytest.param("0.5000", 500_000, id="dollars"),
        pytest.param("1.0000", 1_000_000, id="one-dollar"),
        pytest.param("0.0000", 0, id="no-dollar"),
        pytest.param(0.37, 370_000, id="dollars-as-a-number"),
        pytest.param(100, 1_000_000, id="cents"),
        pytest.param(50, 500_000, id="half-in-cents"),
        pytest.param(0, 0, id="nothing"),
        pytest.param(1, None, id="a-dollar-or-a-cent"),
        pytest.param("a lot", None, id="no-number"),
    ],
)
def test_value_by_its_older_name_is_read_in_the_unit_that_it_shows(
    sandbox: Sandbox, value: object, micros: int | None
) -> None:
    row = {**settled(sandbox)[0], "settlement_value": value}
    del row["settlement_value_dollars"]
    body = json.dumps({"markets": [row]}).encode()
    page = OUTCOMES.parse(body)
    assert page == OUTCOMES.parse_again(body)
    assert [outcome.settlement_value for outcome in page.records] == [micros]
    assert page.odd_fields == ({} if micros is not None else {"settlement_value": 1})


def test_odd_outcome_is_set_aside_and_its_page_is_read(sandbox: Sandbox) -> None:
    good, odd = settled(sandbox)[:2]
    body = json.dumps({"markets": [good, {**odd, "ticker": 7}]}).encode()
    page = OUTCOMES.parse(body)
    assert [outcome.ticker for outcome in page.records] == [good["ticker"]]
    assert len(page.rejects) == 1


@pytest.mark.parametrize(
    ("status", "is_read"),
    [
        *[(str(status), True) for status in sorted(NOT_OPEN)],
        *[("active", False), ("inactive", False), ("resting", False), ("", False), (None, False)],
    ],
)
@pytest.mark.parametrize("name", ["yes_bid_dollars", "yes_ask_dollars", "yes_bid_size_fp", "yes_ask_size_fp"])
def test_odd_quote_costs_an_outcome_its_field_where_the_market_is_not_open(
    name: str, status: str | None, *, is_read: bool
) -> None:
    """A market is stored with its settlement, and its last quote is not."""
    row = {
        "ticker": "M",
        "event_ticker": "E",
        "status": status,
        "settlement_value_dollars": "0.37",
        name: "a lot",
    }
    page = OUTCOMES.parse(json.dumps({"markets": [row]}).encode())
    assert [outcome.settlement_value for outcome in page.records] == [370_000] * is_read
    assert [reject.ticker for reject in page.rejects] == ["M"] * (not is_read)
    assert page.odd_fields == ({name: 1} if is_read else {})


def looked_up(tickers: str, *answers: str) -> tuple[list[str], int, int]:
    """The markets (by letter) that a lookup finds in these pages, the other markets, and the requests."""
    with Sandbox(World(WorldConfig(markets=20, past_share=1.0))) as sandbox:
        row = settled(sandbox)[0]

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("cursor", "0"))
        cursor = str(page + 1) if page + 1 < len(answers) else ""
        rows = [{**row, "ticker": letter} for letter in answers[page]]
        return httpx.Response(200, json={"markets": rows, "cursor": cursor})

    transport = httpx.MockTransport(answer)
    with KalshiClient("http://exchange", requests_per_second=1000, transport=transport) as client:
        pages = list(client.tiers.iter_outcomes([*tickers], Tier.LIVE, walk_seconds=60))
        found = [outcome.ticker for page in pages for outcome in page.records]
        # The page after the last one that is used may be on its way already.
        return found, sum(page.out_of_scope["tickers"] for page in pages), len(pages)


@pytest.mark.parametrize(
    ("answers", "found", "others", "pages"),
    [
        pytest.param(["AB"], "AB", 0, 1, id="all"),
        pytest.param(["A"], "A", 0, 1, id="some"),
        pytest.param(["", "AB"], "AB", 0, 2, id="on the second page"),
        pytest.param(["AXB"], "AB", 1, 1, id="all and another"),
        pytest.param(["AX"], "A", 1, 1, id="some and another"),
        pytest.param(["AX", "B"], "AB", 1, 2, id="the others on the next page"),
        pytest.param(["AX", "YZ", "B"], "A", 3, 2, id="others again"),
        pytest.param(["ABX", "YZ"], "AB", 1, 1, id="nothing left to find"),
    ],
)
def test_lookup_leaves_others_out_and_counts_them(
    answers: list[str], found: str, others: int, pages: int
) -> None:
    assert looked_up("AB", *answers) == ([*found], others, pages)


def test_lookup_that_finds_only_others_is_an_error() -> None:
    """Otherwise the missing markets would count as gone."""
    with pytest.raises(PayloadError, match="ignores `tickers`"):
        looked_up("AB", "XY", "AB")


def test_walk_over_all_that_settled_remembers_its_last_pages_only() -> None:
    """There may be millions of records. The store recognizes later repetitions by their keys."""
    with Sandbox(World(WorldConfig(markets=20, past_share=1.0))) as sandbox:
        row = settled(sandbox)[0]
    names = [*"ABCDEFGHIJ", "J", "A"]

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("cursor", "0"))
        cursor = str(page + 1) if page + 1 < len(names) else ""
        return httpx.Response(200, json={"markets": [{**row, "ticker": names[page]}], "cursor": cursor})

    with KalshiClient(
        "http://exchange", requests_per_second=1000, transport=httpx.MockTransport(answer)
    ) as client:
        listing = client.tiers.list_historical(mve_filter=None, walk_seconds=60)
        seen = [outcome.ticker for page in listing for outcome in page.records]
    assert seen == [*"ABCDEFGHIJ", "A"]
    assert (listing.complete, listing.duplicates) == (True, 1)
