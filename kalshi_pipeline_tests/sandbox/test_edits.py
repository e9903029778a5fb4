"""Edited descriptions: every kind of change that a client may see, reproducibly."""

from collections.abc import Iterable
from itertools import pairwise

import httpx
import pytest

from kalshi_pipeline.sandbox import World, WorldConfig
from kalshi_pipeline.sandbox.world.catalogue import TOPICS
from kalshi_pipeline.sandbox.world.editing import KINDS_OF_EDITS
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, walk

QUOTES = ("bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest")
LISTED = {
    "markets": ("/markets", "ticker", {"limit": 1000}),
    "events": ("/events", "event_ticker", {"limit": 200}),
    "milestones": ("/milestones", "id", {"limit": 500}),
    "multivariate_contracts": ("/multivariate_event_collections", "collection_ticker", {"limit": 200}),
}


def listed(client: httpx.Client, key: str) -> dict[str, Row]:
    path, name, parameters = LISTED[key]
    return {row[name]: row for row in walk(client, path, key, **parameters)}


def changed(before: dict[str, Row], after: dict[str, Row]) -> dict[str, set[str]]:
    """Return the fields that changed, appeared or vanished, by ticker of the records in both listings."""
    return {
        ticker: {name for name in row.keys() | old.keys() if row.get(name) != old.get(name)}
        for ticker, row in after.items()
        if (old := before.get(ticker)) is not None and old != row
    }


def fields_of(changes: Iterable[set[str]]) -> set[str]:
    return set().union(*changes)


def calm_market() -> dict[str, object]:
    """Return the settings of a world in which nothing but descriptions changes."""
    return {"change_share": 0.0, "births_per_step": 0, "closes_per_step": 0, "edits_per_step": KINDS_OF_EDITS}


def test_every_kind_of_description_changes(start: Start) -> None:
    sandbox, client = start(markets=300, combos=40, **calm_market())
    seen: dict[str, set[str]] = {key: set() for key in LISTED}
    before = {key: listed(client, key) for key in LISTED}
    for _ in range(12):
        sandbox.world.step()
        after = {key: listed(client, key) for key in LISTED}
        for key in LISTED:
            seen[key] |= fields_of(changed(before[key], after[key]).values())
        before = after
    assert seen["markets"] >= {
        "title", "close_time", "latest_expiration_time", "expected_expiration_time", "rules_secondary", "floor_strike",
        "custom_strike", "settlement_bounds_type", "settlement_floor_dollars", "fee_waiver_expiration_time",
        "mve_selected_legs", "updated_time",
    }  # fmt: skip
    assert seen["events"] >= {
        "title", "series_ticker", "product_metadata", "fee_type_override", "fee_multiplier_override", "last_updated_ts",
    }  # fmt: skip
    assert seen["milestones"] >= {"start_date", "details", "last_updated_ts"}
    assert seen["multivariate_contracts"] == {"associated_events", "associated_event_tickers"}


def test_series_change_their_texts_tags_and_fees(start: Start) -> None:
    sandbox, client = start(markets=300, **calm_market())
    seen: set[str] = set()
    before = {row["ticker"]: row for row in client.get("/series").json()["series"]}
    for _ in range(12):
        sandbox.world.step()
        after = {row["ticker"]: row for row in client.get("/series").json()["series"]}
        seen |= fields_of(changed(before, after).values())
        before = after
    assert seen == {"title", "tags", "last_updated_ts", "fee_type", "fee_multiplier"}


def test_floors_rise_fall_and_vanish(start: Start) -> None:
    sandbox, client = start(markets=60, **calm_market())
    floors: dict[str, list[str | None]] = {}
    for _ in range(60):
        sandbox.world.step()
        for ticker, row in listed(client, "markets").items():
            floor = row.get("settlement_floor_dollars")
            assert (floor is not None) == (row["settlement_bounds_type"] == "floor")
            seen = floors.setdefault(ticker, [floor])
            if seen[-1] != floor:
                seen.append(floor)
    longest = max(floors.values(), key=len)
    known = [float(floor) for floor in longest if floor is not None]
    assert None in longest[1:]
    assert any(later > earlier for earlier, later in pairwise(known))
    assert any(later < earlier for earlier, later in pairwise(known))


def test_waiver_lapses_when_it_expires(start: Start) -> None:
    sandbox, client = start(markets=200, **calm_market())
    sandbox.world.step()
    waived = {
        ticker: row
        for ticker, row in listed(client, "markets").items()
        if "fee_waiver_expiration_time" in row
    }
    assert len(waived) == 1
    (ticker, row), *_ = waived.items()
    assert row["fee_waiver_expiration_time"] == "2026-10-08T12:06:00Z"
    for _ in range(4):
        sandbox.world.step()
        assert "fee_waiver_expiration_time" in listed(client, "markets")[ticker]
    for _ in range(10):
        sandbox.world.step()
    assert "fee_waiver_expiration_time" not in listed(client, "markets")[ticker]


def test_rules_are_rewritten_in_bulk(start: Start) -> None:
    sandbox, client = start(markets=300, **calm_market())
    before = listed(client, "markets")
    sandbox.world.step()
    rewritten = {
        ticker
        for ticker, fields in changed(before, listed(client, "markets")).items()
        if "rules_secondary" in fields
    }
    after = listed(client, "markets")
    assert len(rewritten) > 10
    assert len({after[ticker]["rules_secondary"] for ticker in rewritten}) == 1
    old = {before[ticker]["rules_secondary"] for ticker in rewritten}
    assert not [row for row in after.values() if row["rules_secondary"] in old]


def test_new_event_has_the_rewritten_rules(start: Start) -> None:
    sandbox, client = start(**(calm_market() | {"births_per_step": 40}))
    sandbox.world.step(30)
    before = listed(client, "markets")
    sandbox.world.step(60)
    texts = {row["rules_secondary"] for row in listed(client, "markets").values()}
    created = [row for ticker, row in listed(client, "markets").items() if ticker not in before]
    assert len(created) == 2_400
    assert len(texts) <= len(TOPICS)  # and not one for each rewriting
    assert all("These rules are revision" in row["rules_secondary"] for row in created)


def test_event_is_listed_under_its_new_series(start: Start) -> None:
    sandbox, client = start(markets=300, **calm_market())
    before = listed(client, "events")
    sandbox.world.step()
    after = listed(client, "events")
    (moved,) = [t for t, fields in changed(before, after).items() if "series_ticker" in fields]
    old, new = before[moved]["series_ticker"], after[moved]["series_ticker"]
    assert before[moved]["sub_title"] == after[moved]["sub_title"]
    assert moved not in [row["event_ticker"] for row in walk(client, "/events", "events", series_ticker=old)]
    assert moved in [row["event_ticker"] for row in walk(client, "/events", "events", series_ticker=new)]
    ticker = next(row["ticker"] for row in walk(client, "/markets", "markets", event_ticker=moved))
    period = "start_ts=1791000000&end_ts=1791003600&period_interval=60"
    assert client.get(f"/series/{old}/markets/{ticker}/candlesticks?{period}").status_code == 404
    assert client.get(f"/series/{new}/markets/{ticker}/candlesticks?{period}").status_code == 200


def test_moved_close_keeps_the_order_of_events(start: Start) -> None:
    sandbox, client = start(markets=200, **calm_market())
    sandbox.world.step(30)
    whole = walk(client, "/events", "events", limit=200, status="open")
    assert [row["event_ticker"] for row in whole] == [
        row["event_ticker"] for row in walk(client, "/events", "events", limit=3, status="open")
    ]
    assert sandbox.world.events_by_close[False] == sorted(
        sandbox.world.events_by_close[False], key=sandbox.world.event_key
    )


def test_fee_is_scheduled_withdrawn_and_cleared(start: Start) -> None:
    sandbox, client = start(markets=16, **calm_market())
    known: dict[str, Row] = {}
    withdrawn, cleared = set(), set()
    for _ in range(80):
        sandbox.world.step()
        now = {row["id"]: row for row in walk(client, "/events/fee_changes", "event_fee_changes", limit=1000)}
        withdrawn |= known.keys() - now.keys()
        cleared |= {key for key, row in now.items() if row["fee_type_override"] is None}
        known |= now
    assert withdrawn
    assert cleared - withdrawn
    overrides = {row.get("fee_type_override") for row in listed(client, "events").values()}
    assert overrides > {None}


def test_edits_leave_quotes_as_they_are() -> None:
    plain, edited = (World(WorldConfig(markets=200, combos=30, edits_per_step=edits)) for edits in (0, 14))
    for world in (plain, edited):
        world.step(8)
    for column in QUOTES:
        assert getattr(plain.markets, column) == getattr(edited.markets, column)


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_every_shape_can_be_edited(start: Start, shape: str) -> None:
    sandbox, client = start(markets=100, combos=10, shape=shape, **calm_market())
    before = listed(client, "markets"), listed(client, "events")
    sandbox.world.step(5)
    assert changed(before[0], listed(client, "markets")) or shape == "future"
    assert changed(before[1], listed(client, "events"))
