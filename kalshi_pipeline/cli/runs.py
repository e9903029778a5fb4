"""The work of collecting commands, which run the same functions as Dagster's assets."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

from kalshi_pipeline.cli.options import settings_of
from kalshi_pipeline.cli.reports import replay_line
from kalshi_pipeline.cli.sessions import (
    print_failure,
    print_repairs,
    print_report,
    print_whole_report,
    reporting_session,
    run_and_print,
    settings_to_collect,
)
from kalshi_pipeline.cli.terminal import print_if_possible, print_line, print_message
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.collect import collect_forever as collect_at_ticks
from kalshi_pipeline.ingest.collect import collect_steps, last_steps, sync_steps, sync_steps_of
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.replay import replay as replay_quarantine
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.run.steps import Step
from kalshi_pipeline.ingest.run.ticks import new_run_id
from kalshi_pipeline.ingest.settlements import backfill_settlements as backfill_all_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.trades import collect_trades, days_between
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.vocabulary import StatusFilter


def init(db: str | None) -> None:
    """Create the database, or upgrade it."""
    url = load_settings(**settings_of(db)).database_url
    with contextlib.closing(Database(url, migrate=True, on_wait=print_message)) as database:
        if database.copied_to:
            print_line(f"before the upgrade, it was copied to {database.copied_to}")
        print_line(f"{database.place} is ready. Next: `kalshi data collect --once`")


def sync(db: str | None) -> None:
    """Sync everything except quotes and settlements."""
    with reporting_session(db) as session:
        run_and_print([*sync_steps(session), *last_steps(session)])


def sync_markets(status: str, db: str | None) -> None:
    """Sync markets with their parents: those of one of the exchange's filter words, or all."""
    statuses = list(StatusFilter) if status == "all" else [StatusFilter(status)]
    with reporting_session(db) as session:
        run_and_print(sync_steps_of(session, statuses))


def snapshot(status: str, db: str | None) -> None:
    """Take one snapshot."""
    created_at = SYSTEM_CLOCK.now()
    with reporting_session(db) as session:
        report = take_snapshot(session, created_at, run_id=new_run_id(), status=StatusFilter(status))
        print_whole_report(report)


def collect_once(status: str, db: str | None) -> None:
    """Collect everything once."""
    with reporting_session(db) as session:
        run_and_print(collect_steps(session, StatusFilter(status)))


def collect_forever(status: str, period_seconds: float, db: str | None) -> None:
    """Collect until interrupted."""
    settings = settings_to_collect(db)
    # What is wrong with the database or a proxy ends the command now, and later only a tick.
    with open_session(settings) as session:
        print_message(f"collecting into {session.database.place}")
        identity = session.database.identity
    collect_at_ticks(
        settings,
        period_seconds,
        status=StatusFilter(status),
        on_message=print_if_possible(print_message),
        on_report=print_if_possible(print_report),
        on_failure=print_if_possible(print_failure),
        database=identity,
    )


def replay(db: str | None) -> None:
    """Store the quarantined records that are now readable."""
    with reporting_session(db, create=False) as session:
        print_line(replay_line(replay_quarantine(session)))
        print_repairs(session)


def order_books(tickers: Sequence[str], db: str | None) -> None:
    """Store order books, of the markets of the settings by default."""
    selected: dict[str, object] = {"order_book_markets": tuple(tickers)} if tickers else {}
    with reporting_session(db, create=True, is_backfill=False, **selected) as session:
        if not session.settings.order_book_markets:
            raise ConfigurationError(
                ["order-books: no market is selected; pass --market or set KALSHI_ORDER_BOOK_MARKETS"]
            )
        print_whole_report(take_order_books(session))


def backfill_settlements(db: str | None) -> None:
    """Store every settlement."""
    with reporting_session(db, is_backfill=True) as session:
        print_whole_report(backfill_all_settlements(session))


def backfill_trades(days: tuple[date, date], db: str | None, *, again: bool) -> None:
    """Store the trades of days."""
    with reporting_session(db, is_backfill=True) as session:
        run_and_print(
            [
                Step(f"trades of {day}", partial(collect_trades, session, day, again=again))
                for day in days_between(*days)
            ]
        )


def backfill_candlesticks(
    days: tuple[date, date], selected: Mapping[str, object], db: str | None, *, again: bool
) -> None:
    """Store the candlesticks of days."""
    with reporting_session(db, create=True, is_backfill=True, **selected) as session:
        if not session.settings.candlestick_series and not session.settings.candlestick_markets:
            raise ConfigurationError(
                ["backfill candlesticks: pass --series or --market, or select markets in the settings"]
            )
        collect = partial(collect_candlesticks, session, again=again)
        run_and_print([Step(f"candlesticks of {day}", partial(collect, day)) for day in days_between(*days)])
