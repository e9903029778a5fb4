"""The reason why a span has no trades: there were none, or they were not collected."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.api import Store
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State, Subject, close_run, open_listing
from kalshi_pipeline.units import iso_of
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.store.samples import NOON, SCOPE, market, sqlite_url, store_markets


@pytest.fixture
def database(database_path: Path) -> Iterator[Database]:
    with closing(Database(sqlite_url(database_path))) as opened:
        yield opened


def test_market_counts_as_not_traded_only_if_all_trades_are_stored(run: Run, database: Database) -> None:
    store_markets(database, market("M"))
    today = iso_of(SYSTEM_CLOCK.now())[:10]
    complete_trades(database, "2026-10-02")
    assert run("trades", "M", "--start", "2026-10-02", "--end", "2026-10-03").stderr == (
        "M was not traded from 2026-10-02 00:00:00Z to 2026-10-03 00:00:00Z: "
        "all trades of those days are stored\n"
    )
    partly = run("trades", "M", "--start", "2026-10-02", "--end", "2026-10-04").stderr
    assert "`kalshi data backfill trades --start 2026-10-03 --end 2026-10-03`" in partly
    # A backfill refuses days that have not begun.
    ahead = run("trades", "M", "--start", today, "--end", "2100-01-01").stderr
    assert f"`kalshi data backfill trades --start {today} --end {today}`" in ahead
    first_of_2000 = run(
        "trades", "M", "--start", "2000-01-01T23:59:00Z", "--end", "2000-01-02T00:00:01Z"
    ).stderr
    assert "`kalshi data backfill trades --start 2000-01-01 --end 2000-01-02`" in first_of_2000


def test_complete_days_of_trades_are_those_of_scopes_with_the_market(database: Database) -> None:
    store_markets(database, market("M"))
    complete_trades(database, "2026-10-02")
    complete_trades(database, "2026-10-03", Scope(series=("KXELSEWHERE",)))
    complete_trades(database, "2026-10-04", Scope(combos=Combos.ONLY))
    complete_trades(database, "2026-10-05", state=State.PARTIAL)
    store = Store.of(database)
    assert store.complete_trade_days("M") == {"2026-10-02"}
    assert store.complete_trade_days("KXNOPE") == frozenset()


def complete_trades(
    database: Database, day: str, scope: Scope = SCOPE, state: State = State.COMPLETE
) -> None:
    with database.begin() as connection:
        opened = open_listing(connection, "trades", Subject(scope, day), NOON, 0)
        close_run(connection, opened, state, None, NOON)
