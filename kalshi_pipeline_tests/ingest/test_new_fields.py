"""Unknown fields are kept unchanged, named by the comparison, and do not delay quotes."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kalshi_pipeline.api import Store
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.monitoring.field_comparison import compare_with_weeks_before
from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session
from kalshi_pipeline_tests.sandbox.walking import Row

SettingsFor = Callable[..., Settings]
WEEK_SECONDS = 7 * 86_400
NEW: Row = {
    "new_null": None,
    "new_boolean": False,
    "new_integer": 12345678901234567890123,
    "new_fraction": 0.1,
    "new_text": "Zürich",
    "new_list": [1, "2", None, []],
    "new_object": {"deep": {"deeper": [True]}},
}
KINDS = {"markets": "market", "events": "event", "series": "series"}
NESTED = {"markets": "price_ranges", "events": "settlement_sources", "series": "settlement_sources"}
QUOTES = "SELECT ticker, yes_bid, yes_ask, last_price, volume FROM latest_prices ORDER BY ticker"


class Drifting:
    """Adds the fields of `added` to every record, and to the objects in one of its lists."""

    def __init__(self) -> None:
        self.added: Row = {}
        self.retyped: Row = {}
        self.sent: dict[str, Row] = {}

    def __call__(self, _: httpx.Request, answer: Any) -> Any:
        for key, kind in KINDS.items():
            for record in answer.get(key, ()):
                record.update(self.added)
                for item in record.get(NESTED[key]) or ():
                    item.update(self.added)
                record.update({name: value for name, value in self.retyped.items() if name in record})
                self.sent[kind] = record
        return answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def drifting() -> Drifting:
    return Drifting()


@pytest.fixture
def session(
    sandbox: Sandbox, settings_for: SettingsFor, drifting: Drifting, clock: ManualClock
) -> Iterator[Session]:
    with rewritten_session(settings_for(sandbox.url), drifting, clock) as opened:
        yield opened


def sync(session: Session) -> None:
    for run in (sync_series, sync_events, sync_markets):
        assert run(session).state is State.COMPLETE


def test_new_fields_of_every_type_and_level_are_kept_and_named(
    session: Session, drifting: Drifting, clock: ManualClock
) -> None:
    sync(session)
    clock.advance(WEEK_SECONDS)
    drifting.added = NEW
    sync(session)
    store = Store.of(session.database)
    for kind, record in drifting.sent.items():
        ticker = record.get("ticker") or record["event_ticker"]
        found = json.loads(store.details(ticker, kind=kind).json)
        assert {name: found[name] for name in NEW} == NEW
        nested = NESTED[next(key for key, value in KINDS.items() if value == kind)]
        assert found[nested] == record[nested]
    named = {(change.kind, change.field) for change in store.compare_fields().changes}
    for kind, nested in zip(KINDS.values(), NESTED.values(), strict=True):
        assert {(kind, name) for name in NEW} < named
        assert {(kind, f"{nested}.{name}") for name in NEW} < named
        assert (kind, "new_object.deep.deeper") in named
    assert not compare_with_weeks_before(store).passed


def test_tick_is_as_without_new_fields(
    session: Session, drifting: Drifting, clock: ManualClock, query: Query
) -> None:
    first = take_snapshot(session, clock.now())
    quotes = query(QUOTES)
    clock.advance(300)
    drifting.added, drifting.retyped = (
        NEW,
        {"title": {"en": "Title"}, "rules_primary": 7, "price_ranges": "x"},
    )
    again = take_snapshot(session, clock.now())
    assert (again.state, again.tally.quarantined) == (State.COMPLETE, 0)
    assert again.tally.unchanged == first.tally.inserted
    assert [row[1:] for row in query(QUOTES)] == [row[1:] for row in quotes]
    record = drifting.sent["market"]
    assert json.loads(Store.of(session.database).details(record["ticker"]).json)["title"] == {"en": "Title"}


@pytest.mark.parametrize("odd", [[], 7, "KXODD", None, {"ticker": None}, {"ticker": ["KXODD"]}], ids=repr)
def test_odd_series_does_not_affect_others_of_thousands(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, odd: Any
) -> None:
    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path.endswith("/series"):
            series = answer["series"]
            clones = [{**series[0], "ticker": f"KXCLONE{number}"} for number in range(2_000)]
            answer["series"] = [*clones, odd, *series]
        return answer

    with rewritten_session(settings_for(sandbox.url), rewrite) as session:
        report = sync_series(session)
    assert report.tally.quarantined == 1
    [(rows, documents)] = query(
        "SELECT (SELECT count(*) FROM series), (SELECT count(*) FROM series_documents)"
    )
    assert rows == documents == report.tally.inserted > 2_000
