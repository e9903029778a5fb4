"""Event metadata is fetched once, again when the event has changed, and never too often."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from kalshi_pipeline.api import open_store
from kalshi_pipeline.ingest.event_metadata import REQUESTS_AN_HOUR, sync_event_metadata
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session

SettingsFor = Callable[..., Settings]
HOUR = 3600


class Collector:
    """A sandbox whose descriptions change, and a store that follows it with its own clock."""

    def __init__(self, sandbox: Sandbox, settings: Settings, clock: ManualClock) -> None:
        self.sandbox = sandbox
        self.settings = settings
        self.clock = clock

    def sync(self) -> None:
        """Store the current series, events and markets."""
        with open_session(self.settings, clock=self.clock) as session:
            for sync in (sync_series, sync_events, sync_markets):
                sync(session)

    def fetch(self, seconds: float | None = None) -> Report:
        with open_session(self.settings, clock=self.clock) as session:
            return sync_event_metadata(session, seconds)

    def asked(self) -> list[str]:
        """The events whose metadata was requested since the last call."""
        paths = [request.path for request in self.sandbox.requests if request.path.endswith("/metadata")]
        self.sandbox.requests.clear()
        return [path.split("/")[2] for path in paths]

    def sent(self, ticker: str) -> Any:
        with plain_http.open_client(self.sandbox.url) as client:
            return client.get(f"/events/{ticker}/metadata").json()

    def stored(self, ticker: str) -> Any:
        with open_store(self.settings.database_url) as store:
            return json.loads(store.details(ticker, kind="event_metadata").json)


@pytest.fixture
def collector_of(settings_for: SettingsFor) -> Iterator[Callable[..., Collector]]:
    with ExitStack() as stack:

        def make(**config: Any) -> Collector:
            world = World(WorldConfig(**({"markets": 120, "combos": 10, "closes_per_step": 0} | config)))
            clock = ManualClock(NOON)
            sandbox = stack.enter_context(Sandbox(world, now=clock.seconds))
            return Collector(sandbox, settings_for(sandbox.url), clock)

        yield make


def test_metadata_of_every_event_but_combos_is_fetched_once(
    collector_of: Callable[..., Collector], query: Query
) -> None:
    collector = collector_of()
    collector.sync()
    events = {ticker for (ticker,) in query("SELECT ticker FROM events WHERE ticker NOT LIKE 'KXMVE%'")}
    report = collector.fetch()
    assert sorted(collector.asked()) == sorted(events)
    assert (report.state, report.tally.inserted, report.rows) == (State.COMPLETE, len(events), len(events))
    assert report.counts["documents"] == len(events) > 10
    assert {ticker: collector.stored(ticker) for ticker in events} == {
        ticker: collector.sent(ticker) for ticker in events
    }
    collector.asked()
    collector.clock.advance(2 * HOUR)
    collector.sync()
    assert collector.fetch().tally.received == 0
    assert collector.asked() == []


def test_metadata_is_fetched_again_when_the_event_has_changed(
    collector_of: Callable[..., Collector], query: Query
) -> None:
    collector = collector_of(edits_per_step=14)
    collector.sync()
    collector.fetch()
    collector.clock.advance(2 * HOUR)
    collector.sandbox.world.step(3)
    collector.sync()
    changed = query(
        "SELECT e.ticker FROM events e JOIN event_documents d ON d.event_id = e.id GROUP BY 1 HAVING count(*) > 1"
    )
    collector.asked()
    report = collector.fetch()
    new = report.tally.inserted
    assert set(collector.asked()) >= {ticker for (ticker,) in changed}
    assert report.tally.received == len(changed) + new > new
    assert 0 < report.counts["documents"] - new < len(changed)  # not every change of a description affects it
    for (ticker,) in changed:
        assert collector.stored(ticker) == collector.sent(ticker)


def test_changed_event_waits_for_an_hour(collector_of: Callable[..., Collector]) -> None:
    collector = collector_of(edits_per_step=14, births_per_step=0)
    collector.sync()
    collector.fetch()
    for minutes, is_asked in ((10, False), (49, False), (2, True)):
        collector.clock.advance(60 * minutes)
        collector.sandbox.world.step()
        collector.sync()
        assert bool(collector.fetch().tally.received) is is_asked


def test_requests_of_an_hour_are_limited_across_runs(collector_of: Callable[..., Collector]) -> None:
    collector = collector_of(markets=3_500, combos=0)
    collector.sync()
    known: list[str] = []
    for minutes, count in ((0, REQUESTS_AN_HOUR), (30, 0), (31, None), (61, 0)):
        collector.clock.advance(60 * minutes)
        collector.fetch()
        asked = collector.asked()
        assert len(asked) == count if count is not None else 0 < len(asked) <= REQUESTS_AN_HOUR
        known += asked
    assert len(known) == len(set(known))


def test_changed_events_leave_half_of_the_requests_to_new_ones(
    collector_of: Callable[..., Collector],
) -> None:
    collector = collector_of(markets=6_500, combos=0)
    collector.sync()
    first = set(collector_asked(collector))
    collector.clock.advance(2 * HOUR)
    for ticker in first:
        collector.sandbox.world.events.updated[collector.sandbox.world.events.position[ticker]] += 1
    collector.sync()
    again = collector_asked(collector)
    assert len(again) == REQUESTS_AN_HOUR
    assert len(first.intersection(again)) == REQUESTS_AN_HOUR // 2


def collector_asked(collector: Collector) -> list[str]:
    collector.fetch()
    return collector.asked()


def test_exchange_without_metadata_is_noted(collector_of: Callable[..., Collector]) -> None:
    collector = collector_of(markets=300)
    collector.sandbox.faults = Faults(not_offered=("/events/*/metadata",))
    collector.sync()
    report = collector.fetch()
    assert (report.state, report.rows, len(collector.asked())) == (State.COMPLETE, 0, 10)
    (note,) = report.notes
    assert note.startswith(
        "the exchange does not offer /events/{event_ticker}/metadata, so nothing is stored: "
    )
    collector.sandbox.faults = Faults()
    assert collector.fetch().tally.inserted > 10


def missing(ticker: str) -> Callable[[httpx.Request, Any], Any]:
    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return 404 if ticker in request.url.path else answer

    return rewrite


def test_event_without_metadata_is_requested_again_a_day_later(
    collector_of: Callable[..., Collector], query: Query
) -> None:
    collector = collector_of()
    collector.sync()
    (ticker,) = query("SELECT ticker FROM events WHERE ticker NOT LIKE 'KXMVE%' LIMIT 1")[0]
    with rewritten_session(collector.settings, missing(ticker), collector.clock) as session:
        report = sync_event_metadata(session)
    assert (report.state, report.counts["without_metadata"]) == (State.COMPLETE, 1)
    collector.asked()
    for hours, asked in ((2, []), (21, []), (2, [ticker])):
        collector.clock.advance(hours * HOUR)
        assert collector_asked(collector) == asked
    assert collector.stored(ticker) == collector.sent(ticker)


def test_failing_exchange_stops_after_a_few_events_and_keeps_the_others(
    collector_of: Callable[..., Collector], query: Query
) -> None:
    collector = collector_of()
    collector.sync()
    asked = 0

    def fail_later(_: httpx.Request, answer: Any) -> Any:
        nonlocal asked
        asked += 1
        return answer if asked <= 5 else 500

    with rewritten_session(collector.settings, fail_later, collector.clock) as session:
        report = sync_event_metadata(session)
    assert (report.state, report.tally.inserted, asked) == (State.PARTIAL, 5, 8)
    assert report.error is not None
    assert query("SELECT count(*) FROM subject_documents") == [(5,)]
    assert len(collector_asked(collector)) > 5


def test_single_failure_is_named_and_delays_no_other(
    collector_of: Callable[..., Collector], query: Query
) -> None:
    collector = collector_of()
    collector.sync()
    (ticker,) = query("SELECT ticker FROM events WHERE ticker NOT LIKE 'KXMVE%' LIMIT 1")[0]

    def refuse_one(request: httpx.Request, answer: Any) -> Any:
        return 403 if ticker in request.url.path else answer

    with rewritten_session(collector.settings, refuse_one, collector.clock) as session:
        report = sync_event_metadata(session)
    assert (report.state, report.failures) == (State.PARTIAL, 1)
    assert (report.reason or "").startswith(f"{ticker}: ")
    assert report.tally.inserted > 5
    collector.asked()
    assert collector_asked(collector) == [ticker]


def test_odd_metadata_is_kept_as_it_came(collector_of: Callable[..., Collector], query: Query) -> None:
    """One is not an object, one has fields of other types, and one has 2 MB."""
    collector = collector_of()
    collector.sync()
    listed, odd, large = (
        t for (t,) in query("SELECT ticker FROM events WHERE ticker NOT LIKE 'KXMVE%' LIMIT 3")
    )
    answers: dict[str, Any] = {
        listed: ["no object"],
        odd: {"image_url": 5, "market_details": "none"},
        large: {"image_url": "x" * 2_000_000},
    }

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return answers.get(request.url.path.split("/")[-2], answer)

    with rewritten_session(collector.settings, rewrite, collector.clock) as session:
        report = sync_event_metadata(session)
    assert (report.state, report.tally.quarantined) == (State.COMPLETE, 1)
    assert query("SELECT record_key, raw FROM quarantine") == [(listed, '["no object"]')]
    assert collector.stored(odd) == answers[odd]
    assert collector.stored(large) == answers[large]


def test_run_without_time_requests_nothing(collector_of: Callable[..., Collector]) -> None:
    collector = collector_of()
    collector.sync()
    report = collector.fetch(seconds=0)
    assert collector.asked() == []
    assert report.state is State.COMPLETE
    assert [note.endswith("are left to the next run: time is over") for note in report.notes] == [True]


def test_run_that_was_killed_leaves_its_events_to_the_next_one(
    collector_of: Callable[..., Collector], query: Query
) -> None:
    """A subject is recorded before its document, which a killed run may not have stored."""
    collector = collector_of()
    collector.sync()

    class KilledError(BaseException):
        pass

    def kill(_: httpx.Request, answer: Any) -> Any:
        if query("SELECT count(*) FROM document_subjects")[0][0] == 4:
            raise KilledError
        return answer

    with (
        pytest.raises(KilledError),
        rewritten_session(collector.settings, kill, collector.clock) as session,
    ):
        sync_event_metadata(session)
    unfinished = {ticker for (ticker,) in query("SELECT ticker FROM document_subjects")}
    collector.asked()
    assert set(collector_asked(collector)) > unfinished


def test_retries_count_as_requests(collector_of: Callable[..., Collector]) -> None:
    collector = collector_of(markets=3_500, combos=0)
    collector.settings = collector.settings.model_copy(update={"retry_seconds": 60.0})
    collector.sync()
    collector.asked()
    collector.sandbox.faults = Faults(server_errors=0.3, paths=("/events/",))
    report = collector.fetch()
    # The last event's retries are completed.
    assert REQUESTS_AN_HOUR <= len(collector.asked()) <= REQUESTS_AN_HOUR + 10
    assert report.tally.inserted < REQUESTS_AN_HOUR
    assert report.notes[-1].endswith("are left to the next run: too many requests were retries")
