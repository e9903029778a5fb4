"""Fee changes from the exchange to the store: stored, withdrawn, and odd ones."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from kalshi_pipeline.api import FeeState, Store
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import iso_of
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.rewriting import Rewrite, rewritten_session
from kalshi_pipeline_tests.sandbox.walking import Row, walk

SettingsFor = Callable[..., Settings]
OF_SERIES, OF_EVENTS = "/trade-api/v2/series/fee_changes", "/trade-api/v2/events/fee_changes"
STORED_SERIES = (
    "SELECT change_id, series_ticker, fee_type, fee_multiplier, scheduled_at FROM series_fee_changes"
)
STORED_EVENTS = (
    "SELECT change_id, event_ticker, series_ticker, fee_type_override, fee_multiplier_override, scheduled_at "
    "FROM event_fee_changes"
)


def sync(session: Session) -> tuple[Report, Report]:
    return sync_series_fee_changes(session), sync_event_fee_changes(session)


def sent_changes(sandbox: Sandbox) -> tuple[list[Row], list[Row]]:
    with plain_http.open_client(sandbox.url) as client:
        answer = client.get("/series/fee_changes", params={"show_historical": "true"}).json()
        return answer["series_fee_change_arr"], walk(
            client, "/events/fee_changes", "event_fee_changes", limit=100
        )


def comparable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A stored row as the exchange would write it."""
    *others, multiplier, at = values
    exact = None if multiplier is None else Decimal(multiplier) / 1_000_000
    return (*others, exact, iso_of(at).replace(".000000", ""))


def iso_of_text(text: str) -> str:
    stem, _, fraction = text.removesuffix("Z").partition(".")
    return f"{stem}.{fraction:0<6}Z" if fraction else f"{stem}Z"


def test_every_change_is_stored_as_the_exchange_lists_it(
    sandbox: Sandbox, session: Session, query: Query
) -> None:
    of_series, of_events = sync(session)
    sent_series, sent_events = sent_changes(sandbox)

    assert (of_series.state, of_events.state) == (State.COMPLETE, State.COMPLETE)
    assert (of_series.tally.inserted, of_events.tally.inserted) == (len(sent_series), len(sent_events))
    assert min(len(sent_series), len(sent_events)) > 20
    assert {comparable(row) for row in query(STORED_SERIES)} == {
        (
            row["id"],
            row["series_ticker"],
            row["fee_type"],
            Decimal(str(row["fee_multiplier"])),
            iso_of_text(row["scheduled_ts"]),
        )
        for row in sent_series
    }
    assert {comparable(row) for row in query(STORED_EVENTS)} == {
        (
            row["id"],
            row["event_ticker"],
            row["series_ticker"],
            row["fee_type_override"],
            None if row["fee_multiplier_override"] is None else Decimal(str(row["fee_multiplier_override"])),
            iso_of_text(row["scheduled_ts"]),
        )
        for row in sent_events
    }
    assert any(row["fee_type_override"] is None for row in sent_events)


def test_second_run_changes_nothing(session: Session, query: Query) -> None:
    first = sync(session)
    rows = query("SELECT * FROM series_fee_changes"), query("SELECT * FROM event_fee_changes")
    again = sync(session)
    assert [report.tally.unchanged for report in again] == [report.tally.inserted for report in first]
    assert [(report.tally.inserted, report.tally.changed) for report in again] == [(0, 0), (0, 0)]
    assert (query("SELECT * FROM series_fee_changes"), query("SELECT * FROM event_fee_changes")) == rows


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_changes_of_every_shape_are_read(shape: Shape, settings_for: SettingsFor, query: Query) -> None:
    """In January 2026 the exchange did not offer those of events. An unknown word is stored, and counted."""
    with (
        Sandbox(World(WorldConfig(markets=300, shape=shape))) as sandbox,
        open_session(settings_for(sandbox.url)) as session,
    ):
        of_series, of_events = sync(session)
    assert (of_series.state, of_series.tally.quarantined) == (State.COMPLETE, 0)
    assert (of_events.state, of_events.tally.quarantined) == (State.COMPLETE, 0)
    assert of_series.tally.inserted > 5
    assert (of_events.tally.inserted > 5) == (shape != "2026-01")
    unknown = query("SELECT count(*) FROM series_fee_changes WHERE fee_type = 'cubic'")[0][0]
    assert of_series.unknown_words == ({"fee_type=cubic": unknown} if shape == "future" else {})


def test_endpoint_that_is_not_offered_is_noted(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return 404 if request.url.path in (OF_SERIES, OF_EVENTS) else answer

    with rewritten_session(settings_for(sandbox.url), rewrite) as session:
        reports = sync(session)
        fee = Store.of(session.database).fee_at("KXA", "KXA-1", None, session.clock.now())
    for report, path in zip(reports, ("/series/fee_changes", "/events/fee_changes"), strict=True):
        assert (report.state, report.error, report.tally.pages) == (State.COMPLETE, None, 0)
        (note,) = report.notes
        assert note.startswith(f"the exchange does not offer {path}, so nothing is stored: ")
    assert query("SELECT state FROM listings") == [("complete",), ("complete",)]
    assert (fee.state, fee.reason) == (FeeState.UNKNOWN, "the fee changes of events were never listed")
    assert fee.listed_at is None


def test_exchange_that_fails_leaves_the_run_partial(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    sandbox.faults = Faults(
        server_errors=1, server_error=503, paths=("/series/fee_changes", "/events/fee_changes")
    )
    clock = ManualClock()
    sandbox.date_by(clock.seconds)
    with open_session(settings_for(sandbox.url), clock=clock) as session:
        reports = sync(session)
    for report in reports:
        assert (report.state, report.tally.pages) == (State.PARTIAL, 0)
        assert report.shortfall is not None
        assert "503" in report.shortfall
    assert query("SELECT state FROM listings") == [("partial",), ("partial",)]


def test_missing_envelope_is_not_an_empty_list(sandbox: Sandbox, settings_for: SettingsFor) -> None:
    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return {} if request.url.path in (OF_SERIES, OF_EVENTS) else answer

    with rewritten_session(settings_for(sandbox.url), rewrite) as session:
        reports = sync(session)
    assert [report.state for report in reports] == [State.PARTIAL, State.PARTIAL]
    assert "has no 'series_fee_change_arr'" in str(reports[0].reason)


def test_odd_record_is_quarantined_and_the_others_are_stored(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    def rewrite(_: httpx.Request, answer: Any) -> Any:
        for key, name in (("series_fee_change_arr", "fee_multiplier"), ("event_fee_changes", "scheduled_ts")):
            if key in answer:
                answer[key][0] = {**answer[key][0], "id": f"odd in {key}", name: "many"}
                answer[key][1] = 570
        return answer

    with rewritten_session(settings_for(sandbox.url), rewrite) as session:
        reports = sync(session)
    for report in reports:
        assert (report.state, report.tally.quarantined) == (State.COMPLETE, 2)
        assert report.tally.inserted == report.tally.received - 2 > 10
    keys = query("SELECT kind, record_key FROM quarantine WHERE record_key LIKE 'odd%' ORDER BY kind")
    assert keys == [
        ("event_fee_changes", "odd in event_fee_changes"),
        ("series_fee_changes", "odd in series_fee_change_arr"),
    ]


def upcoming(number: int, **changes: Any) -> Row:
    return {
        "id": f"change-{number}",
        "series_ticker": "KXRAIN",
        "fee_type": "flat",
        "fee_multiplier": number,
        "scheduled_ts": f"2026-12-{number:02d}T00:00:00Z",
        **changes,
    }


def answering(sandbox: Sandbox, settings_for: SettingsFor, clock: ManualClock, *rows: object) -> Report:
    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return {"series_fee_change_arr": list(rows)} if request.url.path == OF_SERIES else answer

    typed: Rewrite = rewrite
    with rewritten_session(settings_for(sandbox.url), typed, clock) as session:
        return sync_series_fee_changes(session)


def test_scheduled_change_that_is_taken_back_is_withdrawn_until_it_is_listed_again(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """A change that has taken effect is kept, even if the exchange no longer lists it."""
    clock = ManualClock()
    past = upcoming(7, scheduled_ts="2026-11-22T11:00:00Z")
    withdrawn = "SELECT change_id FROM series_fee_changes WHERE withdrawn_at IS NOT NULL"
    answering(sandbox, settings_for, clock, past, upcoming(1), upcoming(2))
    clock.advance(3600)
    report = answering(sandbox, settings_for, clock, upcoming(1))
    assert report.counts["withdrawn"] == 1
    assert query(withdrawn) == [("change-2",)]
    assert query("SELECT count(*) FROM fee_history") == [(2,)]

    report = answering(sandbox, settings_for, clock, upcoming(1), upcoming(2))
    assert report.tally.changed == 1
    assert query(withdrawn) == []


@pytest.mark.parametrize(
    ("listed", "then"), [(1, 0), (3, 0), (12, 5), (12, 0)], ids=lambda count: f"{count} changes"
)
def test_listing_that_shrinks_suddenly_withdraws_nothing_until_the_next_confirms_it(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, listed: int, then: int
) -> None:
    """A truncated answer looks like a complete listing, and must not withdraw scheduled changes."""
    clock = ManualClock()
    withdrawn = "SELECT count(*) FROM series_fee_changes WHERE withdrawn_at IS NOT NULL"
    before, after = ([upcoming(number) for number in range(1, count + 1)] for count in (listed, then))
    answering(sandbox, settings_for, clock, *before)
    report = answering(sandbox, settings_for, clock, *after)
    assert (report.state, report.counts["withdrawn"]) == (State.COMPLETE, 0)
    assert any("none counts as withdrawn" in note for note in report.notes)
    answering(sandbox, settings_for, clock, *before)
    assert query(withdrawn) == [(0,)]

    answering(sandbox, settings_for, clock, *after)
    assert answering(sandbox, settings_for, clock, *after).counts["withdrawn"] == listed - then
    assert query(withdrawn) == [(listed - then,)]


@pytest.mark.parametrize(("listed", "then"), [(3, 1), (12, 6)])
def test_listing_that_shrinks_a_little_is_believed(
    sandbox: Sandbox, settings_for: SettingsFor, listed: int, then: int
) -> None:
    clock = ManualClock()
    answering(sandbox, settings_for, clock, *(upcoming(number) for number in range(1, listed + 1)))
    report = answering(sandbox, settings_for, clock, *(upcoming(number) for number in range(1, then + 1)))
    assert (report.counts["withdrawn"], report.notes) == (listed - then, [])


def test_listing_with_an_odd_record_withdraws_nothing(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    clock = ManualClock()
    answering(sandbox, settings_for, clock, upcoming(1))
    answering(sandbox, settings_for, clock, upcoming(1, scheduled_ts="soon"))
    assert query("SELECT count(*) FROM series_fee_changes WHERE withdrawn_at IS NULL") == [(1,)]


def test_rescheduled_change_takes_its_new_time(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    clock = ManualClock()
    answering(sandbox, settings_for, clock, upcoming(1))
    clock.advance(60)
    report = answering(sandbox, settings_for, clock, upcoming(1, scheduled_ts="2026-12-05T00:00:00Z"))
    assert (report.tally.inserted, report.tally.changed) == (0, 1)
    assert query("SELECT from_at FROM fee_history") == [("2026-12-05T00:00:00.000000Z",)]
    assert query("SELECT (changed_at - first_seen_at) / 1000000 FROM series_fee_changes") == [(60,)]
