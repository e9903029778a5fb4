"""A folder of recorded responses can be the world or a part of it."""

import json
from pathlib import Path

import httpx
import pytest

from kalshi_pipeline.sandbox import SHAPES, Shape, World, WorldConfig
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import read, walk
from kalshi_pipeline_tests.shared import (
    RECORDED,
    leaves_in,
    needs_shared,
    quotes_in,
    read_recorded,
    recorded_objects,
)


@needs_shared
@pytest.mark.parametrize("folder", ["2026-01-12", "2026-06-20", "2026-10-06"])
def test_recorded_objects_are_served_unchanged(start: Start, folder: str) -> None:
    sandbox, client = start(markets=0, births_per_step=0, recordings=RECORDED / folder)
    sandbox.world.step(5)
    found = recorded_objects(folder)
    markets = {o["ticker"]: o for o in found if {"ticker", "event_ticker", "status"} <= o.keys()}
    assert {row["ticker"]: row for row in walk(client, "/markets", "markets", limit=2)} == markets
    series = {o["ticker"]: o for o in found if {"ticker", "frequency", "fee_type"} <= o.keys()}
    assert {row["ticker"]: row for row in read(client, "/series")["series"]} == series


@needs_shared
def test_recorded_events_nest_their_markets(start: Start) -> None:
    _, client = start(markets=0, births_per_step=0, recordings=RECORDED / "2026-10-06")
    recorded = read_recorded("2026-10-06/events.json")["events"]
    rows = {row["event_ticker"]: row for row in walk(client, "/events", "events")}
    assert rows == {row["event_ticker"]: row for row in recorded}
    nested = walk(client, "/events", "events", with_nested_markets="true", status="open")
    listed = read_recorded("2026-10-06/markets.json")["markets"]
    assert len(nested[0]["markets"]) == 2
    assert nested[0]["markets"] == listed


@needs_shared
def test_recordings_are_served_beside_a_generated_world(start: Start) -> None:
    sandbox, client = start(markets=50, combos=20, combos_per_step=2, recordings=RECORDED)
    sandbox.world.step(3)
    tickers = [row["ticker"] for row in walk(client, "/markets", "markets", limit=7)]
    assert len(tickers) == len(set(tickers)) == len(sandbox.world.markets) - _archived(sandbox.world)
    (twice,) = market_tickers("2026-01-12") & market_tickers("2026-06-20")
    assert read(client, f"/markets/{twice}")["market"] in recorded_objects("2026-06-20")


def market_tickers(day: str) -> set[str]:
    return {
        found["ticker"] for found in recorded_objects(day) if "event_ticker" in found and "ticker" in found
    }


def _archived(world: World) -> int:
    return len(world.status_index.rows("historical", combo=False))


@needs_shared
def test_event_that_was_not_recorded_is_not_found(start: Start) -> None:
    _, client = start(markets=0, births_per_step=0, recordings=RECORDED / "2026-01-12")
    combo = read(client, "/markets", mve_filter="only", limit=1)["markets"][0]
    assert client.get(f"/events/{combo['event_ticker']}").status_code == 404


def test_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name a folder of recorded responses"):
        World(WorldConfig(recordings=tmp_path))


def test_recorded_markets_are_found_in_any_envelope(start: Start, tmp_path: Path) -> None:
    market = {
        "ticker": "KXA-1-B",
        "event_ticker": "KXA-1",
        "status": "active",
        "created_time": "2026-10-01T00:00:00Z",
    }
    (tmp_path / "answer.json").write_text(json.dumps({"_metadata": {}, "response": {"markets": [market]}}))
    _, client = start(markets=0, births_per_step=0, recordings=tmp_path)
    assert read(client, "/markets")["markets"] == [market]
    assert client.get("/markets/KXA-1-B/orderbook").status_code == httpx.codes.OK


@needs_shared
@pytest.mark.parametrize("shape", SHAPES)
def test_generated_texts_quote_no_recorded_ones(start: Start, shape: Shape) -> None:
    _, client = start(shape=shape, markets=600, combos=100)
    answers = [
        read(client, "/series"),
        read(client, "/events", with_nested_markets="true", limit=200),
        read(client, "/events/multivariate", with_nested_markets="true", limit=50),
        read(client, "/markets", limit=300),
        read(client, "/exchange/status"),
    ]
    texts = {leaf for answer in answers for _, leaf in leaves_in(answer) if isinstance(leaf, str)}
    assert len(texts) > 1_000
    assert quotes_in(texts) == set()
