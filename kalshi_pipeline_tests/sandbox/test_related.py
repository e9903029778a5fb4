"""The sandbox's milestones, event metadata, structured targets, collections and incentive programs."""

from typing import Any

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk

PAGED = [
    ("/milestones", "milestones", "id", "limit"),
    ("/structured_targets", "structured_targets", "id", "page_size"),
    ("/multivariate_event_collections", "multivariate_contracts", "collection_ticker", "limit"),
]
PAGED_IDS = [path for path, *_ in PAGED]


@pytest.mark.parametrize(("path", "key", "name", "size"), PAGED, ids=PAGED_IDS)
def test_small_pages_hold_what_a_large_one_does(
    client: httpx.Client, path: str, key: str, name: str, size: str
) -> None:
    whole = walk(client, path, key, **{size: 200})
    assert whole == walk(client, path, key, **{size: 1})
    assert len({row[name] for row in whole}) == len(whole) > 1


def test_incentives_continue_by_a_cursor_of_another_name(client: httpx.Client) -> None:
    first = read(client, "/incentive_programs", limit=4)
    second = read(client, "/incentive_programs", limit=10_000, cursor=first["next_cursor"])
    assert "cursor" not in first
    assert "next_cursor" not in second
    everything = read(client, "/incentive_programs", limit=10_000)["incentive_programs"]
    assert everything == first["incentive_programs"] + second["incentive_programs"]
    assert len({row["id"] for row in everything}) == len(everything) > 8


def milestones(client: httpx.Client, **filters: object) -> list[Row]:
    return walk(client, "/milestones", "milestones", limit=100, **filters)


def test_milestones_are_filtered(client: httpx.Client) -> None:
    rows = milestones(client)
    one = rows[len(rows) // 2]
    ticker = one["primary_event_tickers"][0]
    assert milestones(client, related_event_ticker=ticker) == [one]
    assert milestones(client, source_id=one["source_id"]) == [one]
    assert milestones(client, category="sPORTS", type=one["type"], competition="Open Football") == rows
    assert milestones(client, category="Crypto") == milestones(client, type="political_race") == []
    later = [row for row in rows if row["start_date"] >= one["start_date"]]
    assert milestones(client, minimum_start_date=one["start_date"]) == later
    assert 0 < len(later) < len(rows)
    assert milestones(client, min_updated_ts=2_000_000_000) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "5", "minimum_start_date": "soon"},
        {"limit": "5", "cursor": "x"},
    ],
    ids=["no limit", "zero", "too large", "not a time", "no cursor"],
)
def test_wrong_page_of_milestones_is_refused(client: httpx.Client, parameters: dict[str, str]) -> None:
    assert client.get("/milestones", params=parameters).status_code == 400


def test_named_objects_are_those_of_the_listings(client: httpx.Client) -> None:
    milestone = milestones(client)[0]
    assert read(client, f"/milestones/{milestone['id']}") == {"milestone": milestone}
    target = read(client, "/structured_targets", page_size=1)["structured_targets"][0]
    assert read(client, f"/structured_targets/{target['id']}") == {"structured_target": target}
    assert read(client, "/structured_targets", ids=target["id"])["structured_targets"] == [target]
    collection = read(client, "/multivariate_event_collections")["multivariate_contracts"][0]
    path = f"/multivariate_event_collections/{collection['collection_ticker']}"
    assert read(client, path) == {"multivariate_contract": collection}


@pytest.mark.parametrize(
    "path",
    [
        "/milestones/none",
        "/structured_targets/none",
        "/multivariate_event_collections/none",
        "/events/none/metadata",
    ],
)
def test_unknown_object_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_strikes_name_the_targets(client: httpx.Client) -> None:
    known = {row["id"] for row in walk(client, "/structured_targets", "structured_targets", page_size=2000)}
    markets = walk(client, "/markets", "markets", limit=1000, mve_filter="exclude")
    strikes = [
        row["custom_strike"]["football_team"]
        for row in markets
        if "football_team" in row.get("custom_strike", {})
    ]
    assert len(strikes) > 20
    assert sum(strike in known for strike in strikes) >= len(strikes) // 2  # a tie is no side


def test_collections_hold_known_events_and_are_filtered(client: httpx.Client) -> None:
    rows = walk(client, "/multivariate_event_collections", "multivariate_contracts")
    known = {row["event_ticker"] for row in walk(client, "/events", "events", limit=200)}
    assert all(set(row["associated_event_tickers"]) <= known for row in rows)
    assert all(
        [event["ticker"] for event in row["associated_events"]] == row["associated_event_tickers"]
        for row in rows
    )

    def filtered(**filters: object) -> list[Row]:
        return walk(client, "/multivariate_event_collections", "multivariate_contracts", **filters)

    assert filtered(series_ticker=rows[0]["series_ticker"]) == rows[:1]
    assert (
        filtered(status="open")
        == filtered(associated_event_ticker=rows[0]["associated_event_tickers"][0])
        == rows
    )
    assert filtered(status="closed") == []


def test_incentives_are_filtered_by_status_and_type(client: httpx.Client) -> None:
    def filtered(**filters: object) -> list[Row]:
        rows: list[Row] = read(client, "/incentive_programs", limit=1000, **filters)["incentive_programs"]
        return rows

    everything = filtered(status="all", type="all")
    by_status = [filtered(status=word) for word in ("active", "upcoming", "closed", "paid_out")]
    assert sum(map(len, by_status)) == len(everything)
    assert by_status[0]
    assert by_status[3]
    assert all(row["paid_out"] for row in by_status[3])
    assert {row["incentive_type"] for row in filtered(type="volume")} == {"volume"}
    one = everything[0]
    assert one in filtered(incentive_description=one["incentive_description"])
    assert filtered(type="margin_maker_volume") == []


def test_metadata_names_the_markets_and_sources_of_an_event(client: httpx.Client) -> None:
    events = walk(client, "/events", "events", limit=200, status="open", with_nested_markets="true")
    for event in events[:30]:
        metadata = read(client, f"/events/{event['event_ticker']}/metadata")
        markets = {row["ticker"] for row in event["markets"]}
        assert {row["market_ticker"] for row in metadata["market_details"]} >= markets
        assert metadata["settlement_sources"] == event["settlement_sources"]
        product = event.get("product_metadata") or {}
        assert metadata.get("competition_scope") == product.get("competition_scope")


def test_metadata_of_a_combo_is_bare(client: httpx.Client) -> None:
    event = read(client, "/events/multivariate", limit=1)["events"][0]
    metadata = read(client, f"/events/{event['event_ticker']}/metadata")
    assert metadata["settlement_sources"] == []
    assert len(metadata["market_details"]) == 1


def test_edited_metadata_changes_with_the_event(start: Start) -> None:
    sandbox, client = start(markets=100, edits_per_step=13, closes_per_step=0)

    def metadata() -> dict[str, Any]:
        events = walk(client, "/events", "events", limit=200)
        return {
            row["event_ticker"]: read(client, f"/events/{row['event_ticker']}/metadata") for row in events
        }

    before = metadata()
    updated = {
        row["event_ticker"]: row["last_updated_ts"] for row in walk(client, "/events", "events", limit=200)
    }
    sandbox.world.step()
    after = metadata()
    changed = [
        ticker for ticker, answer in before.items() if after[ticker]["image_url"] != answer["image_url"]
    ]
    assert len(changed) == 1
    events = {row["event_ticker"]: row for row in walk(client, "/events", "events", limit=200)}
    assert events[changed[0]]["last_updated_ts"] > updated[changed[0]]


def test_events_have_their_milestones_where_these_are_requested(client: httpx.Client) -> None:
    asked = read(client, "/events", limit=200, with_milestones="true")
    tickers = {row["event_ticker"] for row in asked["events"]}
    expected = [row for row in milestones(client) if tickers & set(row["primary_event_tickers"])]
    assert sorted(row["id"] for row in asked["milestones"]) == sorted(row["id"] for row in expected)
    assert expected
    assert read(client, "/events", limit=200)["milestones"] == []


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/milestones*", "/milestones?limit=5"),
        ("/milestones*", "/milestones/x"),
        ("/events/*/metadata", "/events/KXNTHGAME-1/metadata"),
        ("/incentive_programs", "/incentive_programs"),
    ],
)
def test_endpoint_that_is_not_offered_is_not_found(start: Start, pattern: str, path: str) -> None:
    _, client = start(faults=Faults(not_offered=(pattern,)))
    response = client.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert client.get("/events").status_code == 200


def test_records_without_identifier_and_odd_records_are_served(start: Start) -> None:
    _, client = start(faults=Faults(unreadable=0.5, paths=("/milestones",)), markets=600)
    rows = walk(client, "/milestones", "milestones", limit=500)
    assert [row for row in rows if not isinstance(row, dict)]
    assert [row for row in rows if isinstance(row, dict) and "id" not in row]
    assert [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
