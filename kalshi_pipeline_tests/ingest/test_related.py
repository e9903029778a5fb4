"""Listings that are kept as documents: every item and every change is stored unchanged, and odd items do not affect
others.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kalshi_pipeline.api import open_store
from kalshi_pipeline.ingest.related import RELATED, Related, sync_related
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session
from kalshi_pipeline_tests.sandbox.walking import Row, walk

SettingsFor = Callable[..., Settings]
MILESTONES, *_ = RELATED
IDS = [related.asset for related in RELATED]
SIZES = {"structured_targets": {"page_size": 2000}}
EDITS = 14


@pytest.fixture
def living(settings_for: SettingsFor) -> Any:
    """An exchange whose milestones and collections change, and the settings that name it."""
    world = World(WorldConfig(markets=300, combos=40, edits_per_step=EDITS))
    with Sandbox(world) as running:
        yield running, settings_for(running.url)


def sent(sandbox: Sandbox, related: Related) -> dict[str, Row]:
    """The exchange's current listing, read by a plain client."""
    endpoint = related.endpoint
    parameters = SIZES.get(related.asset, {"limit": 200})
    with plain_http.open_client(sandbox.url) as client:
        if endpoint.cursor == "cursor":
            rows = walk(client, endpoint.path, endpoint.key, **parameters)
        else:
            rows = client.get(endpoint.path, params={"limit": 10_000}).json()[endpoint.key]
    return {row[endpoint.identifier]: row for row in rows}


def stored(settings: Settings, related: Related, tickers: Any) -> dict[str, Row]:
    with open_store(settings.database_url) as store:
        return {ticker: json.loads(store.details(ticker, kind=related.kind.name).json) for ticker in tickers}


@pytest.mark.parametrize("related", RELATED, ids=IDS)
def test_everything_listed_is_kept_as_it_came(living: tuple[Sandbox, Settings], related: Related) -> None:
    sandbox, settings = living
    with open_session(settings) as session:
        report = sync_related(session, related=related)
    expected = sent(sandbox, related)
    assert (report.state, report.tally.inserted, report.rows) == (
        State.COMPLETE,
        len(expected),
        len(expected),
    )
    assert report.counts["documents"] == len(expected) > 1
    assert stored(settings, related, expected) == expected


def test_document_is_written_only_where_it_differs(living: tuple[Sandbox, Settings], query: Query) -> None:
    sandbox, settings = living
    history: dict[str, list[Row]] = {}
    for _ in range(6):
        with open_session(settings) as session:
            report = sync_related(session, related=MILESTONES)
        changed = 0
        for ticker, row in sent(sandbox, MILESTONES).items():
            versions = history.setdefault(ticker, [])
            if not versions or versions[-1] != row:
                versions.append(row)
                changed += 1
        assert report.counts["documents"] == changed
        sandbox.world.step(3)
    assert max(map(len, history.values())) > 2
    counts = query(
        "SELECT s.ticker, count(*) FROM subject_documents d JOIN document_subjects s ON s.id = d.subject_id "
        "WHERE s.kind = 'milestone' GROUP BY 1"
    )
    assert dict(counts) == {ticker: len(versions) for ticker, versions in history.items()}


def test_what_was_said_before_can_be_read(living: tuple[Sandbox, Settings], query: Query) -> None:
    sandbox, settings = living
    before: dict[str, Row] = {}
    for _ in range(2):
        with open_session(settings) as session:
            sync_related(session, related=MILESTONES)
        before = before or sent(sandbox, MILESTONES)
        sandbox.world.step(5)
    ((ticker, at),) = query(
        "SELECT s.ticker, max(d.seen_at) FROM subject_documents d JOIN document_subjects s ON s.id = d.subject_id "
        "GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
    )
    with open_store(settings.database_url) as store:
        assert json.loads(store.details(ticker, at=at - 1).json) == before[ticker]
        assert json.loads(store.details(ticker).json) != before[ticker]


def with_odd_items(_: httpx.Request, answer: Any) -> Any:
    rows = answer["milestones"]
    rows[0]["title"] = {"moved": [1, 2.50]}
    rows[1]["details"] = "x" * 2_000_000
    rows += [{"title": "nameless"}, 7, {"id": 12}]
    return answer


def test_odd_items_are_kept_and_counted_and_delay_no_other(
    living: tuple[Sandbox, Settings], query: Query
) -> None:
    """One item has a field of another type, one has 2 MB, and three have no key."""
    sandbox, settings = living
    with rewritten_session(settings, with_odd_items) as session:
        report = sync_related(session, related=MILESTONES)
    expected = sent(sandbox, MILESTONES)
    first, second, *_ = expected
    expected[first]["title"] = {"moved": [1, 2.5]}
    expected[second]["details"] = "x" * 2_000_000
    assert (report.state, report.tally.quarantined) == (State.COMPLETE, 3)
    assert report.tally.received == len(expected) + 3
    assert stored(settings, MILESTONES, expected) == expected
    raws = [json.loads(raw) for (raw,) in query("SELECT raw FROM quarantine WHERE kind = 'milestones'")]
    assert sorted(map(str, raws)) == sorted(map(str, [{"title": "nameless"}, 7, {"id": 12}]))


def test_listing_of_which_nothing_can_be_read_is_partial(living: tuple[Sandbox, Settings]) -> None:
    def without_keys(_: httpx.Request, answer: Any) -> Any:
        return {**answer, "milestones": [{"title": row["title"]} for row in answer["milestones"]]}

    with rewritten_session(living[1], without_keys) as session:
        report = sync_related(session, related=MILESTONES)
    assert report.state is State.PARTIAL
    assert "could not be read and are in quarantine" in (report.reason or "")
    assert (report.reason or "").endswith("; the next run requests them again")


@pytest.mark.parametrize("related", RELATED, ids=IDS)
def test_endpoint_that_is_not_offered_is_noted(
    living: tuple[Sandbox, Settings], related: Related, query: Query
) -> None:
    sandbox, settings = living
    sandbox.faults = Faults(not_offered=(related.endpoint.path,))
    with open_session(settings) as session:
        report = sync_related(session, related=related)
    assert (report.state, report.rows) == (State.COMPLETE, 0)
    (note,) = report.notes
    assert note.startswith(f"the exchange does not offer {related.endpoint.path}, so nothing is stored: ")
    assert query("SELECT state FROM listings") == [("complete",)]


def test_endpoint_that_a_gateway_does_not_know_is_not_offered(living: tuple[Sandbox, Settings]) -> None:
    _, settings = living
    with rewritten_session(settings, lambda *_: httpx.Response(404, text="404 page not found")) as session:
        report = sync_related(session, related=MILESTONES)
    assert report.state is State.COMPLETE
    assert [note.partition(":")[0] for note in report.notes] == [
        "the exchange does not offer /milestones, so nothing is stored"
    ]


def test_exchange_that_fails_leaves_the_run_partial(sandbox: Sandbox, session: Session) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/milestones",))
    report = sync_related(session, related=MILESTONES)
    assert report.state is State.PARTIAL
    assert report.error is not None
    assert "/milestones" in (report.reason or "")


def test_listing_that_ends_early_keeps_its_first_pages(
    living: tuple[Sandbox, Settings], query: Query
) -> None:
    _, settings = living
    targets = RELATED[1]

    def cut(request: httpx.Request, answer: Any) -> Any:
        if "cursor" in request.url.params:
            return 403
        return {"structured_targets": answer["structured_targets"][:5], "cursor": "more"}

    with rewritten_session(settings, cut) as session:
        report = sync_related(session, related=targets)
    assert (report.state, report.tally.inserted, report.counts["documents"]) == (State.PARTIAL, 5, 5)
    assert query("SELECT count(*) FROM subject_documents") == [(5,)]


def test_field_of_another_type_is_reported_by_name(living: tuple[Sandbox, Settings]) -> None:
    sandbox, settings = living
    clock = ManualClock(NOON)
    sandbox.date_by(clock.seconds)
    for faults in (Faults(), Faults(retyped_fields=("milestone.title",), added_fields=("milestone.venue",))):
        sandbox.faults = faults
        with open_session(settings, clock=clock) as session:
            sync_related(session, related=MILESTONES)
        clock.advance(7 * 86_400)
    with open_store(settings.database_url) as store:
        assert [tuple(change) for change in store.compare_fields().changes] == [
            ("milestone", "title", ("text",), ("list",)),
            ("milestone", "venue", (), ("text",)),
        ]
