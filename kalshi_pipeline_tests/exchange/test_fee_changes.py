"""Parsing of fee changes: exact multipliers, unknown words, cleared overrides and odd records."""

import json
from typing import Any

import pytest

from kalshi_pipeline.exchange.fee_changes import EVENT_FEE_CHANGES, SERIES_FEE_CHANGES
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.records import EventFeeChange, SeriesFeeChange
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.shared import needs_shared, read_recorded

OF_SERIES: dict[str, Any] = {
    "id": "change-1",
    "series_ticker": "KXRAIN",
    "fee_type": "quadratic",
    "fee_multiplier": 1,
    "scheduled_ts": "2026-11-22T12:00:00Z",
}
OF_EVENT: dict[str, Any] = {
    "id": "change-2",
    "event_ticker": "KXRAIN-26NOV23",
    "series_ticker": "KXRAIN",
    "fee_type_override": "flat",
    "fee_multiplier_override": 2,
    "scheduled_ts": "2026-11-22T12:00:00Z",
}


def read_series_fees(*rows: object) -> Page[SeriesFeeChange]:
    return SERIES_FEE_CHANGES.parse(json.dumps({"series_fee_change_arr": rows}).encode())


def read_event_fees(*rows: object) -> Page[EventFeeChange]:
    return EVENT_FEE_CHANGES.parse(json.dumps({"event_fee_changes": rows, "cursor": "next"}).encode())


@needs_shared
def test_recorded_answer_has_no_change() -> None:
    recorded = read_recorded("2026-01-12/series_fee_changes_response.json")["response"]
    page = SERIES_FEE_CHANGES.parse(json.dumps(recorded).encode())
    assert (page.records, page.rejects, page.cursor) == ([], [], None)


@pytest.mark.parametrize(
    ("sent", "millionths"),
    [
        ("1", 1_000_000),
        ("0.5", 500_000),
        ("1.0", 1_000_000),
        ("0.333333", 333_333),
        ("0.1", 100_000),
        ('"0.25"', 250_000),
        ("0", 0),
        ("null", None),
    ],
)
def test_multiplier_is_exact(sent: str, millionths: int | None) -> None:
    """A number of the JSON never passes through float."""
    row = json.dumps({**OF_SERIES, "fee_multiplier": "HERE"}).replace('"HERE"', sent)
    page = SERIES_FEE_CHANGES.parse(f'{{"series_fee_change_arr":[{row}]}}'.encode())
    assert page.rejects == []
    assert page.records == [SeriesFeeChange("change-1", "KXRAIN", "quadratic", millionths, NOON)]


def test_unknown_type_is_kept_as_it_came() -> None:
    (change,) = read_series_fees({**OF_SERIES, "fee_type": "margin_market_maker_program_fees"}).records
    assert change.fee_type == "margin_market_maker_program_fees"


def test_override_that_is_cleared_has_no_values() -> None:
    page = read_event_fees(
        OF_EVENT, {**OF_EVENT, "id": "change-3", "fee_type_override": None, "fee_multiplier_override": None}
    )
    assert page.records == [
        EventFeeChange("change-2", "KXRAIN-26NOV23", "KXRAIN", "flat", 2_000_000, NOON),
        EventFeeChange("change-3", "KXRAIN-26NOV23", "KXRAIN", None, None, NOON),
    ]
    assert page.cursor == "next"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"id": None}, "id", id="no identifier"),
        pytest.param({"series_ticker": ""}, "series_ticker", id="no series"),
        pytest.param({"scheduled_ts": None}, "scheduled_ts", id="no time"),
        pytest.param({"scheduled_ts": "0001-01-01T00:00:00Z"}, "scheduled_ts", id="the zero time"),
        pytest.param({"fee_multiplier": "much"}, "fee_multiplier", id="a multiplier that is no number"),
        pytest.param(
            {"fee_multiplier": 0.1234567}, "fee_multiplier", id="a multiplier finer than millionths"
        ),
        pytest.param({"fee_type": {"moved": True}}, "fee_type", id="a type that is no text"),
    ],
)
def test_odd_record_is_quarantined_alone(change: dict[str, Any], error: str) -> None:
    odd = {**OF_SERIES, "id": "odd", **change}
    page = read_series_fees(OF_SERIES, odd)
    assert [record.change_id for record in page.records] == ["change-1"]
    (reject,) = page.rejects
    assert (reject.ticker, json.loads(reject.raw)) == (odd["id"], odd)
    assert error in reject.error
