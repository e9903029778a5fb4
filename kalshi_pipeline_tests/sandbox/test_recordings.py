"""A folder of recorded responses can be the world or a part of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kalshi_pipeline.sandbox import World, WorldConfig
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import read, walk

RECORDED = Path(__file__).parents[2] / ".." / "shared" / "kalshi" / "recorded"
needs_recordings = pytest.mark.skipif(
    not RECORDED.exists(), reason="the recordings are not part of the project"
)


def objects_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from objects_in(child)


@needs_recordings
@pytest.mark.parametrize("folder", ["2026-01-12", "2026-06-20", "2026-10-06"])
def test_recorded_objects_are_served_unchanged(start: Start, folder: str) -> None:
    sandbox, client = start(markets=0, births_per_step=0, recordings=RECORDED / folder)
    sandbox.world.step(5)
    found = [
        o for file in (RECORDED / folder).glob("*.json") for o in objects_in(json.loads(file.read_text()))
    ]
    markets = {o["ticker"]: o for o in found if {"ticker", "event_ticker", "status"} <= o.keys()}
    assert {row["ticker"]: row for row in walk(client, "/markets", "markets", limit=2)} == markets
    series = {o["ticker"]: o for o in found if {"ticker", "frequency", "fee_type"} <= o.keys()}
    assert {row["ticker"]: row for row in read(client, "/series")["series"]} == series


@needs_recordings
def test_recorded_events_nest_their_markets(start: Start) -> None:
    _, client = start(markets=0, births_per_step=0, recordings=RECORDED / "2026-10-06")
    recorded = json.loads((RECORDED / "2026-10-06" / "events.json").read_text())["events"]
    rows = {row["event_ticker"]: row for row in walk(client, "/events", "events")}
    assert rows == {row["event_ticker"]: row for row in recorded}
    nested = walk(client, "/events", "events", with_nested_markets="true", status="open")
    assert [market["ticker"][-3:] for market in nested[0]["markets"]] == ["DAL", "-TB"]


@needs_recordings
def test_recordings_are_served_beside_a_generated_world(start: Start) -> None:
    sandbox, client = start(markets=50, combos=20, combos_per_step=2, recordings=RECORDED)
    sandbox.world.step(3)
    tickers = [row["ticker"] for row in walk(client, "/markets", "markets", limit=7)]
    assert len(tickers) == len(set(tickers)) == len(sandbox.world.markets) - _archived(sandbox.world)
    mars = read(client, "/markets/KXELONMARS-99")["market"]
    assert mars["updated_time"] == "2026-04-09T09:31:16.616867Z"  # the newest recording of it


def _archived(world: World) -> int:
    return len(world.status_index.rows("historical", combo=False))


@needs_recordings
def test_unrecorded_event_of_a_recorded_market_is_not_found(start: Start) -> None:
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
