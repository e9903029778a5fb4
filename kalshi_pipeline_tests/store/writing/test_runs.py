"""The record of every run: opened, counted, killed and missed."""

from dataclasses import replace

import pytest
from sqlalchemy import Table

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import ClockError, TickAheadError
from kalshi_pipeline.scope import Combos
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.history import newest_history
from kalshi_pipeline.store.schema.tables import event_lookups, events, listings, ticks
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.runs import Run, State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.ticks import manual_tick, open_tick, record_status
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    SCOPE,
    SECOND,
    Row,
    close,
    contents,
    event,
    market,
    open_run,
    store_events,
    store_markets,
    take,
)

_KILLED = "the run ended without reporting (killed, or the machine stopped); the next one continues"
_COUNTS: Row = dict.fromkeys(
    ("pages", "received", "inserted", "unchanged", "quarantined", "duplicates", "placeholders", "healed"), 0
)
_TICK_COUNTS: Row = {
    **_COUNTS,
    **dict.fromkeys(("keyframes", "ended", "out_of_scope", "paused", "unconfirmed", "gone"), 0),
}
_LISTING_COUNTS: Row = {**_COUNTS, "changed": 0, "out_of_scope": 0}
_PERIOD = 300.0
_OTHER = replace(SCOPE, combos=Combos.ONLY)


def _tick(number: int, tick_at: int, **changes: object) -> Row:
    """A tick as a manual run opens it."""
    return {
        "id": number,
        "tick_at": tick_at,
        "period_seconds": None,
        "is_paused": None,
        "scope_id": 1,
        "started_at": tick_at + SECOND,
        "finished_at": None,
        "state": "running",
        "reason": None,
        **_TICK_COUNTS,
        "windows": 1,
        "run_id": None,
        "inactive_shards": None,
        **changes,
    }


def _listing(number: int, **changes: object) -> Row:
    return {
        "id": number,
        "asset": "markets",
        "scope_id": 1,
        "started_at": NOON,
        "finished_at": None,
        "state": "running",
        "reason": None,
        **_LISTING_COUNTS,
        "windows": 1,
        "day": None,
        "selection": None,
        **changes,
    }


def _open_listing(
    database: Database, asset: str = "markets", at: int = NOON, dead_before: int = NOON - 60 * MINUTE
) -> Run:
    with database.begin() as connection:
        return open_listing(connection, asset, Subject(SCOPE), at, dead_before)


def _add_page(database: Database, run: Run, tally: Tally) -> None:
    with database.begin() as connection:
        add_page(connection, run, tally)


def test_listing_opens_as_running_with_nothing_counted(database: Database) -> None:
    run = _open_listing(database)
    assert run == Run(listings, 1, State.RUNNING)
    assert run.name == "listings/1"
    assert contents(database, listings) == [_listing(1)]


@pytest.mark.parametrize(
    ("subject", "columns", "sentence"),
    [
        pytest.param(
            Subject(_OTHER, "2026-11-20"),
            {"scope_id": 1, "day": "2026-11-20", "selection": None},
            "2026-11-20, open markets of all series, only combos",
            id="a day of a scope",
        ),
        pytest.param(
            Subject(day="2026-11-20", selection="60 min, two markets"),
            {"scope_id": None, "day": "2026-11-20", "selection": "60 min, two markets"},
            "2026-11-20, 60 min, two markets",
            id="a day of selected markets",
        ),
        pytest.param(
            Subject(selection="two markets"),
            {"scope_id": None, "day": None, "selection": "two markets"},
            "two markets",
            id="selected markets",
        ),
        pytest.param(Subject(), {"scope_id": None, "day": None, "selection": None}, "", id="nothing"),
    ],
)
def test_listing_is_stored_with_its_subject(
    database: Database, subject: Subject, columns: Row, sentence: str
) -> None:
    with database.begin() as connection:
        open_listing(connection, "trades", subject, NOON, 0)
    assert contents(database, listings) == [_listing(1, asset="trades", **columns)]
    assert subject.sentence == sentence


def test_listing_of_a_killed_run_is_closed_by_the_next(database: Database) -> None:
    """Its committed pages stay counted."""
    killed = _open_listing(database)
    _add_page(database, killed, Tally(pages=1, received=3, inserted=3))
    _open_listing(database, at=LATER, dead_before=NOON + 1)
    counted = {"pages": 1, "received": 3, "inserted": 3}
    assert contents(database, listings) == [
        _listing(1, state="partial", reason=_KILLED, **counted),
        _listing(2, started_at=LATER),
    ]


@pytest.mark.parametrize(
    ("asset", "dead_before"),
    [("markets", NOON), ("events", NOON + 1)],
    ids=["young_enough_to_be_alive", "another_asset"],
)
def test_listing_that_may_be_alive_is_left_alone(database: Database, asset: str, dead_before: int) -> None:
    """Two runs at the same time both continue."""
    _open_listing(database)
    _open_listing(database, asset, LATER, dead_before)
    assert contents(database, listings) == [_listing(1), _listing(2, asset=asset, started_at=LATER)]


def test_listing_that_was_closed_stays_as_it_was(database: Database) -> None:
    close(database, _open_listing(database), State.FAILED, at=NOON + MINUTE)
    _open_listing(database, at=LATER, dead_before=LATER)
    assert contents(database, listings) == [
        _listing(1, state="failed", finished_at=NOON + MINUTE),
        _listing(2, started_at=LATER),
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.COMPLETE, None),
        (State.PARTIAL, "stopped at the cap of 3 pages, with more to come"),
        (State.FAILED, "the exchange cannot be reached"),
    ],
    ids=["complete", "partial", "failed"],
)
@pytest.mark.parametrize("table", [listings, ticks], ids=["listing", "tick"])
def test_run_is_closed_with_its_state_and_reason(
    database: Database, table: Table, state: State, reason: str | None
) -> None:
    run = _open_listing(database) if table is listings else open_run(database, NOON)
    opened = contents(database, table)
    with database.begin() as connection:
        close_run(connection, run, state, reason, LATER)
    assert contents(database, table) == [
        {**opened[0], "state": state.value, "reason": reason, "finished_at": LATER}
    ]


@pytest.mark.parametrize("table", [listings, ticks], ids=["listing", "tick"])
def test_pages_add_up(database: Database, table: Table) -> None:
    """The counts of a row add up; a tick has no markets to change, so it counts none."""
    open_one = _open_listing if table is listings else lambda database: open_run(database, NOON)
    run, opened = open_one(database), contents(database, table)[0]
    pages = [
        Tally(pages=1, received=10, inserted=4, changed=1, unchanged=2, quarantined=2, duplicates=1),
        Tally(pages=1, received=5, unchanged=5, placeholders=2, healed=1),
        Tally(pages=1),
        Tally(),
    ]
    for page in pages:
        _add_page(database, run, page)
    summed = {
        "pages": 3,
        "received": 15,
        "inserted": 4,
        "changed": 1,
        "unchanged": 7,
        "quarantined": 2,
        "duplicates": 1,
        "placeholders": 2,
        "healed": 1,
    }
    assert sum(pages, Tally()) == Tally(**summed)
    kept = {name: count for name, count in summed.items() if name in table.c}
    assert set(summed) - set(kept) == (set() if table is listings else {"changed"})
    assert contents(database, table) == [{**opened, **kept}]


def test_page_is_counted_for_its_own_run_only(database: Database) -> None:
    first, second = _open_listing(database), _open_listing(database)
    _add_page(database, second, Tally(pages=1, received=2, inserted=2))
    _add_page(database, first, Tally(pages=1))
    assert contents(database, listings) == [
        _listing(1, pages=1),
        _listing(2, pages=1, received=2, inserted=2),
    ]


def test_page_that_fails_is_not_counted(database: Database) -> None:
    """A page and its count are one transaction."""
    run = _open_listing(database)

    def store_half_a_page() -> None:
        with database.begin() as connection:
            add_page(connection, run, Tally(pages=1, received=2))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        store_half_a_page()
    assert contents(database, listings) == [_listing(1)]


def test_tick_opens_as_running_with_nothing_counted(database: Database) -> None:
    run = open_run(database, NOON)
    assert run == Run(ticks, 1, State.RUNNING)
    assert run.name == "ticks/1"
    assert contents(database, ticks) == [_tick(1, NOON)]


def test_tick_that_was_complete_stays_as_it_is(database: Database) -> None:
    close(database, open_run(database, NOON), at=NOON + MINUTE)
    before = contents(database, ticks)
    again = open_run(database, NOON)
    assert again == Run(ticks, 1, State.COMPLETE, "this tick was already complete")
    assert contents(database, ticks) == before


def test_tick_that_was_complete_stays_so_after_newer_ones(database: Database) -> None:
    for tick_at in (NOON, LATER):
        close(database, open_run(database, tick_at))
    before = contents(database, ticks)
    assert open_run(database, NOON) == Run(ticks, 1, State.COMPLETE, "this tick was already complete")
    assert contents(database, ticks) == before


@pytest.mark.parametrize("state", [State.PARTIAL, State.FAILED])
def test_tick_that_was_cut_continues_under_its_own_row(database: Database, state: State) -> None:
    """Rows of the previous attempt belong to this tick, and stay counted."""
    cut = open_run(database, NOON)
    _add_page(database, cut, Tally(pages=2, received=20, inserted=20))
    with database.begin() as connection:
        close_run(connection, cut, state, "the exchange went away", NOON + MINUTE)
    with database.begin() as connection:
        resumed = open_tick(connection, NOON, None, _OTHER, NOON + 2 * MINUTE)
    assert resumed == Run(ticks, cut.id, State.RUNNING, pages=2)
    _add_page(database, resumed, Tally(pages=1, received=10, inserted=4, unchanged=6))
    counts = {"pages": 3, "received": 30, "inserted": 24, "unchanged": 6}
    assert contents(database, ticks) == [_tick(1, NOON, scope_id=2, started_at=NOON + 2 * MINUTE, **counts)]


def test_tick_of_a_killed_run_continues_under_its_own_row(database: Database) -> None:
    killed = open_run(database, NOON)
    _add_page(database, killed, Tally(pages=1))
    assert open_run(database, NOON) == Run(ticks, killed.id, State.RUNNING, pages=1)
    assert contents(database, ticks) == [_tick(1, NOON, pages=1)]


def test_tick_of_a_killed_run_is_closed_by_a_newer_one(database: Database) -> None:
    killed = open_run(database, NOON)
    _add_page(database, killed, Tally(pages=1, received=3, inserted=3))
    assert open_run(database, LATER) == Run(ticks, 2, State.RUNNING)
    assert contents(database, ticks) == [
        _tick(1, NOON, state="partial", reason=_KILLED, pages=1, received=3, inserted=3),
        _tick(2, LATER),
    ]


_OVERTAKEN = "the newer tick 2026-11-22T12:05:00Z had been taken before this one could start"


@pytest.mark.parametrize(
    "newer", [State.COMPLETE, State.PARTIAL, None], ids=["complete", "partial", "killed"]
)
def test_tick_that_a_newer_one_overtook_is_skipped_and_recorded(
    database: Database, newer: State | None
) -> None:
    """Quotes are compared with the last one, so a tick in the past has no meaning."""
    run = open_run(database, LATER)
    _add_page(database, run, Tally(pages=1))
    if newer is not None:
        close(database, run, newer)
    is_whole = newer is State.COMPLETE
    assert open_run(database, NOON) == Run(ticks, 2, State.SKIPPED, _OVERTAKEN, is_overtaken=is_whole)
    assert contents(database, ticks)[1:] == [
        _tick(
            2,
            NOON,
            state="skipped",
            reason=_OVERTAKEN,
            started_at=LATER + SECOND,
            finished_at=LATER + SECOND,
        )
    ]


def test_tick_that_was_cut_and_overtaken_keeps_its_record(database: Database) -> None:
    cut = open_run(database, NOON)
    _add_page(database, cut, Tally(pages=1, received=3, inserted=3))
    close(database, cut, State.PARTIAL)
    close(database, open_run(database, LATER))
    before = contents(database, ticks)
    assert open_run(database, NOON) == Run(ticks, cut.id, State.SKIPPED, _OVERTAKEN, is_overtaken=True)
    assert contents(database, ticks) == before


@pytest.mark.parametrize(
    "newer",
    [State.FAILED, State.MISSED, State.SKIPPED, None],
    ids=["failed", "missed", "skipped", "killed"],
)
def test_tick_is_not_overtaken_by_one_that_took_nothing(database: Database, newer: State | None) -> None:
    run = open_run(database, LATER)
    if newer is not None:
        close(database, run, newer)
    assert open_run(database, NOON) == Run(ticks, 2, State.RUNNING)


def test_ticks_in_a_row_miss_nothing(database: Database) -> None:
    for number in range(3):
        tick_at = NOON + number * 5 * MINUTE
        close(database, open_run(database, tick_at, _PERIOD), at=tick_at + MINUTE)
    assert contents(database, ticks) == [
        _tick(
            number + 1,
            NOON + number * 5 * MINUTE,
            period_seconds=_PERIOD,
            state="complete",
            finished_at=NOON + (number * 5 + 1) * MINUTE,
        )
        for number in range(3)
    ]


def test_first_scheduled_tick_misses_nothing(database: Database) -> None:
    close(database, open_run(database, NOON - 60 * MINUTE))
    open_run(database, NOON, _PERIOD)
    assert [row["tick_at"] for row in contents(database, ticks)] == [NOON - 60 * MINUTE, NOON]


def _missed(number: int, tick_at: int, **changes: object) -> Row:
    missed: Row = {
        "period_seconds": _PERIOD,
        "started_at": None,
        "state": "missed",
        "reason": "no run was started for it",
    }
    return _tick(number, tick_at, **{**missed, **changes})


def _skipped(number: int, tick_at: int) -> Row:
    return _missed(number, tick_at, state="skipped", reason="the previous snapshot was still running")


def test_ticks_that_were_not_taken_are_recorded_as_missed(database: Database) -> None:
    """Every scheduled tick has a record, and none is invented."""
    close(database, open_run(database, NOON, _PERIOD), at=NOON + MINUTE)
    run = open_run(database, NOON + 20 * MINUTE, _PERIOD)
    assert contents(database, ticks)[1:] == [
        _missed(2, NOON + 5 * MINUTE),
        _missed(3, NOON + 10 * MINUTE),
        _missed(4, NOON + 15 * MINUTE),
        _tick(5, NOON + 20 * MINUTE, period_seconds=_PERIOD),
    ]
    assert run.id == 5


def test_ticks_during_a_long_snapshot_are_recorded_as_skipped(database: Database) -> None:
    """The snapshot of noon took eleven minutes, then the collector was off for five."""
    close(database, open_run(database, NOON, _PERIOD), at=NOON + 11 * MINUTE)
    open_run(database, NOON + 20 * MINUTE, _PERIOD)
    assert contents(database, ticks)[1:] == [
        _skipped(2, NOON + 5 * MINUTE),
        _skipped(3, NOON + 10 * MINUTE),
        _missed(4, NOON + 15 * MINUTE),
        _tick(5, NOON + 20 * MINUTE, period_seconds=_PERIOD),
    ]


def test_tick_at_which_the_snapshot_before_ended_was_missed(database: Database) -> None:
    close(database, open_run(database, NOON, _PERIOD), at=NOON + 5 * MINUTE)
    open_run(database, NOON + 10 * MINUTE, _PERIOD)
    assert contents(database, ticks)[1:2] == [_missed(2, NOON + 5 * MINUTE)]


def test_ticks_after_a_killed_run_are_recorded_as_missed(database: Database) -> None:
    open_run(database, NOON, _PERIOD)
    open_run(database, NOON + 10 * MINUTE, _PERIOD)
    assert contents(database, ticks) == [
        _tick(1, NOON, period_seconds=_PERIOD, state="failed", reason=_KILLED),
        _missed(2, NOON + 5 * MINUTE),
        _tick(3, NOON + 10 * MINUTE, period_seconds=_PERIOD),
    ]


def test_missed_ticks_are_recorded_once(database: Database) -> None:
    close(database, open_run(database, NOON, _PERIOD), at=NOON + MINUTE)
    close(database, open_run(database, NOON + 10 * MINUTE, _PERIOD), at=NOON + 11 * MINUTE)
    before = contents(database, ticks)
    open_run(database, NOON + 10 * MINUTE, _PERIOD)
    assert contents(database, ticks) == before
    open_run(database, NOON + 20 * MINUTE, _PERIOD)
    assert contents(database, ticks) == [
        *before,
        _missed(4, NOON + 15 * MINUTE),
        _tick(5, NOON + 20 * MINUTE, period_seconds=_PERIOD),
    ]


def test_manual_tick_makes_no_missed_ones_and_hides_none(database: Database) -> None:
    close(database, open_run(database, NOON, _PERIOD), at=NOON + MINUTE)
    for minutes in (7, 10):  # that second is on the grid, and any run has used it
        close(database, open_run(database, NOON + minutes * MINUTE), at=NOON + minutes * MINUTE + SECOND)
    assert [row["tick_at"] for row in contents(database, ticks)] == [
        NOON,
        NOON + 7 * MINUTE,
        NOON + 10 * MINUTE,
    ]
    open_run(database, NOON + 20 * MINUTE, _PERIOD)
    assert contents(database, ticks)[3:] == [
        _missed(4, NOON + 5 * MINUTE),
        _missed(5, NOON + 15 * MINUTE),
        _tick(6, NOON + 20 * MINUTE, period_seconds=_PERIOD),
    ]


def test_missed_ticks_follow_the_cadence_of_the_tick_that_finds_them(database: Database) -> None:
    close(database, open_run(database, NOON + 2 * MINUTE, 60.0), at=NOON + 3 * MINUTE)
    open_run(database, NOON + 15 * MINUTE, _PERIOD)
    assert [(row["tick_at"], row["state"]) for row in contents(database, ticks)] == [
        (NOON + 2 * MINUTE, "complete"),
        (NOON + 5 * MINUTE, "missed"),
        (NOON + 10 * MINUTE, "missed"),
        (NOON + 15 * MINUTE, "running"),
    ]


def test_missed_ticks_of_a_long_absence_are_bounded(database: Database) -> None:
    """Only the newest ten thousand are recorded, a month at five minutes, so an old database causes no flood."""
    close(database, open_run(database, NOON, 1.0), at=NOON + SECOND)
    open_run(database, NOON + 20_000 * SECOND, 1.0)
    rows = contents(database, ticks)
    assert len(rows) == 10_002
    assert [rows[1]["tick_at"], rows[-2]["tick_at"]] == [NOON + 10_000 * SECOND, NOON + 19_999 * SECOND]


def test_scheduled_tick_that_was_overtaken_makes_no_missed_ones(database: Database) -> None:
    close(database, open_run(database, NOON, _PERIOD), at=NOON + MINUTE)
    close(database, open_run(database, NOON + 22 * MINUTE), at=NOON + 23 * MINUTE)
    assert open_run(database, NOON + 20 * MINUTE, _PERIOD).state is State.SKIPPED
    assert [row["tick_at"] for row in contents(database, ticks)] == [
        NOON,
        NOON + 22 * MINUTE,
        NOON + 20 * MINUTE,
    ]


@pytest.mark.parametrize(
    ("is_paused", "shards"),
    [(True, None), (False, '[{"exchange_index":1}]'), (None, None)],
    ids=["paused", "shard", "unknown"],
)
def test_pause_is_recorded_at_its_tick(
    database: Database, is_paused: bool | None, shards: str | None
) -> None:
    close(database, open_run(database, NOON), at=LATER)
    run = open_run(database, LATER)
    with database.begin() as connection:
        record_status(connection, run, is_paused=is_paused, inactive_shards=shards)
    assert contents(database, ticks)[1:] == [_tick(2, LATER, is_paused=is_paused, inactive_shards=shards)]
    assert contents(database, ticks)[0]["is_paused"] is None


def _manual(database: Database, created_at: int, run_id: str) -> int:
    """Open the tick of a manual run and close it again, and return it."""
    with database.begin() as connection:
        tick_at = manual_tick(connection, created_at, run_id)
        run = open_tick(connection, tick_at, None, SCOPE, tick_at + SECOND, run_id)
        close_run(connection, run, State.PARTIAL, None, tick_at + SECOND)
    return tick_at


def test_manual_tick_is_the_second_of_the_run_or_the_next_free_one(database: Database) -> None:
    """A retry finds its own second, whatever was taken since."""
    created_at = NOON + 700_000
    assert _manual(database, created_at, "first") == NOON
    assert _manual(database, created_at, "second") == NOON + SECOND
    assert _manual(database, created_at, "first") == NOON
    assert _manual(database, NOON + SECOND + 1, "third") == NOON + 2 * SECOND
    assert _manual(database, NOON + 5 * SECOND, "fourth") == NOON + 5 * SECOND
    assert [row["run_id"] for row in contents(database, ticks)] == ["first", "second", "third", "fourth"]


def test_manual_tick_leaves_out_a_second_with_a_tick_of_another_cadence(database: Database) -> None:
    close(database, open_run(database, NOON + 600_000, 0.6), at=LATER)
    assert _manual(database, NOON + 700_000, "manual") == NOON + SECOND


def _opened(database: Database, tick_at: int, at: int) -> Run:
    with database.begin() as connection:
        return open_tick(connection, tick_at, _PERIOD, SCOPE, at)


def test_stored_tick_ahead_of_now_is_named_and_nothing_is_written(database: Database) -> None:
    """For example from a clock that was a day ahead. Clocks may differ by a minute."""
    ahead = NOON + 24 * 60 * MINUTE
    close(database, _opened(database, ahead, ahead), at=ahead)
    before = contents(database, ticks)
    with pytest.raises(TickAheadError) as error:
        _opened(database, NOON, NOON + SECOND)
    assert str(error.value) == (
        "tick 2026-11-23T12:00:00.000000Z is stored, 86,399 s ahead of now (2026-11-22T12:00:01.000000Z), so nothing "
        "was written"
    )
    assert with_advice(error.value).endswith(
        "with `kalshi data void-ticks --after 2026-11-22T12:00:01.000000Z`"
    )
    assert contents(database, ticks) == before
    assert _opened(database, ahead - MINUTE, ahead - MINUTE).state is State.SKIPPED


def test_tick_that_was_planned_by_a_clock_that_was_ahead_is_not_taken(database: Database) -> None:
    with pytest.raises(ClockError, match=r"^tick 2026-11-22T12:01:01Z is ahead of now \(2026-11-22T12:00:00"):
        _opened(database, NOON + 61 * SECOND, NOON)
    assert contents(database, ticks) == []
    assert _opened(database, NOON + MINUTE, NOON).state is State.RUNNING


def test_lookups_keep_when_an_event_was_requested_last(database: Database) -> None:
    store_markets(database, market("A-X", "A"), market("B-X", "B"))
    store_events(database, event("KNOWN"))
    with database.begin() as connection:
        record_event_lookups(connection, ["A", "B", "NEVER-SEEN"], NOON)
    assert contents(database, event_lookups) == [
        {"event_id": 1, "asked_at": NOON},
        {"event_id": 2, "asked_at": NOON},
    ]
    with database.begin() as connection:
        record_event_lookups(connection, ["B"], LATER)
        record_event_lookups(connection, [], LATER)
    assert contents(database, event_lookups) == [
        {"event_id": 1, "asked_at": NOON},
        {"event_id": 2, "asked_at": LATER},
    ]
    assert [row["is_placeholder"] for row in contents(database, events)] == [True, True, False]


def test_tick_that_failed_continues_after_an_older_tick_was_taken(database: Database) -> None:
    """Keys of ticks with quotes follow their times, whichever was opened first."""
    close(database, open_run(database, LATER, _PERIOD), State.FAILED)
    take(database, NOON + MINUTE, [market("M-1", yes_bid=290_000)])
    assert take(database, LATER, [market("M-1", yes_bid=280_000)]) == 1
    with database.read() as connection:
        assert [quote.yes_bid for quote in newest_history(connection, "M-1", 10)] == [290_000, 280_000]


def test_tick_during_a_manual_snapshot_is_skipped(database: Database) -> None:
    close(database, open_run(database, NOON, _PERIOD), at=NOON + MINUTE)
    close(database, open_run(database, NOON + 4 * MINUTE), at=NOON + 6 * MINUTE)
    open_run(database, NOON + 10 * MINUTE, _PERIOD)
    states = [row["state"] for row in contents(database, ticks)]
    assert states == ["complete", "complete", "skipped", "running"]


@pytest.mark.parametrize(
    ("period_seconds", "late_seconds", "state"),
    [
        (300.0, 300, State.RUNNING),
        (300.0, 301, State.SKIPPED),
        (15.0, 60, State.RUNNING),
        (15.0, 61, State.SKIPPED),
        (None, 86_400, State.RUNNING),
    ],
    ids=[
        "within its period",
        "later than its period",
        "a minute is no lateness",
        "later than a minute",
        "manual",
    ],
)
def test_scheduled_tick_is_not_taken_in_the_time_of_another(
    database: Database, period_seconds: float | None, late_seconds: int, state: State
) -> None:
    """A missed tick is never taken later."""
    with database.begin() as connection:
        run = open_tick(connection, NOON, period_seconds, SCOPE, NOON + late_seconds * SECOND)
    assert run.state is state
    assert [row["state"] for row in contents(database, ticks)] == [state.value]
