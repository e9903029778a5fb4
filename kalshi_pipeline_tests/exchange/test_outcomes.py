"""Settled markets, read fast and slowly: both ways agree on every record."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.sandbox import SHAPES, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.vocabulary import Tier
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


def test_odd_outcome_is_set_aside_and_its_page_is_read(sandbox: Sandbox) -> None:
    good, odd = settled(sandbox)[:2]
    body = json.dumps({"markets": [good, {**odd, "settlement_value_dollars": "a lot"}]}).encode()
    page = OUTCOMES.parse(body)
    assert [outcome.ticker for outcome in page.records] == [good["ticker"]]
    assert [reject.ticker for reject in page.rejects] == [odd["ticker"]]


def test_answer_about_others_is_an_error() -> None:
    """Otherwise a market that is missing in it would count as gone."""
    with Sandbox(World(WorldConfig(markets=20, past_share=1.0))) as sandbox:
        rows = settled(sandbox)[:2]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"markets": rows}))
    with KalshiClient("http://exchange", transport=transport) as client:
        pages = client.tiers.iter_outcomes([rows[0]["ticker"]], Tier.LIVE, walk_seconds=5)
        with pytest.raises(PayloadError, match="ignores `tickers`"):
            list(pages)


def test_walk_over_all_that_settled_remembers_its_last_pages_only() -> None:
    """It may have millions of records: what is repeated after that many pages is recognized by its key in the store."""
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
