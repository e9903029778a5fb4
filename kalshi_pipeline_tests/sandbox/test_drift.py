"""Fields that appear, vanish or change their type in the records that a fault names."""

from typing import Any

import pytest

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import read

LISTINGS = {"market": "/markets", "event": "/events", "series": "/series"}


def rows_of(start: Start, kind: str, faults: Faults | None = None) -> list[dict[str, Any]]:
    _, client = start(faults=faults)
    answer = read(client, LISTINGS[kind])
    rows: list[dict[str, Any]] = answer.get("series") or answer.get("events") or answer["markets"]
    return rows


@pytest.mark.parametrize("kind", LISTINGS)
def test_unknown_field_appears_in_the_records_of_its_kind(start: Start, kind: str) -> None:
    faults = Faults(added_fields=("planet", f"{kind}.moon"), added_bytes=7)
    plain = rows_of(start, kind)
    assert rows_of(start, kind, faults) == [row | {"planet": "planetp", "moon": "moonmoo"} for row in plain]
    other = next(name for name in LISTINGS if name != kind)
    assert all("planet" in row and "moon" not in row for row in rows_of(start, other, faults))


def test_field_vanishes(start: Start) -> None:
    plain = rows_of(start, "event")
    faults = Faults(removed_fields=("event.sub_title",))
    assert rows_of(start, "event", faults) == [
        {name: value for name, value in row.items() if name != "sub_title"} for row in plain
    ]


def test_field_changes_its_type(start: Start) -> None:
    row = rows_of(start, "series")[0]
    names = ("title", "fee_multiplier", "tags", "additional_prohibitions", "missing")
    changed = rows_of(start, "series", Faults(retyped_fields=names))[0]
    assert changed == row | {
        "title": [row["title"]],
        "fee_multiplier": str(row["fee_multiplier"]),
        "tags": {"items": row["tags"]},
        "additional_prohibitions": False,
    }


def test_nested_and_single_records_drift_as_listed_ones(start: Start) -> None:
    _, client = start(faults=Faults(added_fields=("market.planet", "event.moon", "metadata.sun")))
    event = read(client, "/events", with_nested_markets="true", limit=1)["events"][0]
    assert event["moon"] == "value of moon"
    assert "planet" not in event
    assert all(market["planet"] == "value of planet" for market in event["markets"])
    ticker = event["event_ticker"]
    assert read(client, f"/events/{ticker}")["event"]["moon"] == "value of moon"
    assert read(client, f"/markets/{event['markets'][0]['ticker']}")["market"]["planet"] == "value of planet"
    assert read(client, f"/events/{ticker}/metadata")["sun"] == "value of sun"


def test_share_of_the_records_drifts_and_the_same_ones_each_time(start: Start) -> None:
    faults = Faults(added_fields=("planet",), drifted=0.3)
    first, second = (
        [row["ticker"] for row in rows_of(start, "market", faults) if "planet" in row] for _ in range(2)
    )
    assert first == second
    assert 0 < len(first) < len(rows_of(start, "market"))


def test_faults_of_fields_are_read_from_texts() -> None:
    faults = Faults.parse(["added-fields=venue,market.tier", "drifted=0.5", "not-offered=/milestones*"])
    assert faults == Faults(added_fields=("venue", "market.tier"), drifted=0.5, not_offered=("/milestones*",))
