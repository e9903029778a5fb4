"""The session of a run: the exchange, the database, the settings, and progress reports."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock, SteadyClock
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.documents import Documents
from kalshi_pipeline.ingest.run.reasons import reason_of
from kalshi_pipeline.ingest.run.spelling import Spell, spelled
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database, Identity
from kalshi_pipeline.store.reading.tickers import tickers_to_request
from kalshi_pipeline.store.writing.runs import Run, close_left_open
from kalshi_pipeline.vocabulary import MveFilter, StatusFilter

OnProgress = Callable[[str], None]
"""Receives a line for the user."""

_PROGRESS_SECONDS = 8.0


@dataclass
class Session:
    """The connections and settings of one run.

    Call `report_progress` as often as there is news. Setting the computer's clock does not affect `clock` until
    `read_clock_again` is called.
    """

    client: KalshiClient
    database: Database
    settings: Settings
    report_progress: OnProgress
    clock: Clock = SYSTEM_CLOCK
    read_clock_again: Callable[[], None] = lambda: None
    run_name: str | None = None
    """The current run, as `quarantine` names it."""
    repairs: list[str] = field(default_factory=list)
    """Sentences about rows that were set aside during the session."""
    open_runs: list[Run] = field(default_factory=list)
    """The open run records."""
    documents: Documents = field(init=False)
    """The documents of records, collected and stored after the records."""

    def __post_init__(self) -> None:
        self.documents = Documents(self.database, self.clock)

    def scope(self, status: StatusFilter | None = StatusFilter.OPEN) -> Scope:
        """Return the scope of the settings, with the statuses of a filter or with any status."""
        return Scope(self.settings.series, self.settings.combos, status)

    def seconds_of(self, walk_seconds: float | None) -> float:
        """Return how long a walk may take, by default KALSHI_WALK_SECONDS."""
        return self.settings.walk_seconds if walk_seconds is None else walk_seconds

    def close_left_open(self, error: BaseException) -> None:
        """Close the records that an error has left open. If even this cannot be written, the next run closes them."""
        if not isinstance(error, Exception):
            self.database.forget_writer()
        with contextlib.suppress(StoreError), self.database.begin() as connection:
            for run in self.open_runs:
                close_left_open(connection, run, reason_of(error), self.clock.now())

    @property
    def mve_filter(self) -> str | None:
        """The scope as a value of the `mve_filter` parameter."""
        return None if self.settings.combos is Combos.INCLUDE else MveFilter(self.settings.combos)


def _throttled(on_progress: OnProgress, clock: Clock) -> OnProgress:
    """Report a line only some seconds after the last one, so that only long walks report progress."""
    passed_at = clock.monotonic()

    def report_progress(line: str) -> None:
        nonlocal passed_at
        if clock.monotonic() - passed_at >= _PROGRESS_SECONDS:
            passed_at = clock.monotonic()
            on_progress(line)

    return report_progress


def _spelling(database: Database) -> Spell:
    return lambda tickers, kind: database.ask(
        lambda connection: tickers_to_request(connection, tickers, kind)
    )


@contextlib.contextmanager
def open_session(
    settings: Settings,
    on_progress: OnProgress = lambda _: None,
    *,
    report_retries: bool = True,
    is_backfill: bool = False,
    create: bool = True,
    expected: Identity | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[Session]:
    """Open the exchange and the database, and close both at the end.

    A missing database is created only with `create`, and not if a database identity is `expected`. A backfill is
    limited to KALSHI_BACKFILL_SHARE of the requests, so that it never delays a tick. `on_progress` is called at most
    every few seconds, also during pauses that the exchange requests and, with `report_retries`, for retries.
    """
    steady = SteadyClock(clock)
    report_progress = _throttled(on_progress, steady)
    with (
        contextlib.closing(
            Database(settings.database_url, create=create, expected=expected, clock=steady)
        ) as database,
        KalshiClient(
            settings.api_url,
            requests_per_second=settings.requests_per_second,
            limit_file=database.limit_file,
            share=settings.backfill_share if is_backfill else 1,
            timeout_seconds=settings.timeout_seconds,
            retry_seconds=settings.retry_seconds,
            max_response_mb=settings.max_response_mb,
            on_retry=report_progress if report_retries else lambda _: None,
            on_wait=report_progress,
            clock=steady,
        ) as client,
    ):
        settings = spelled(settings, _spelling(database))
        session = Session(client, database, settings, report_progress, steady, steady.read_again)
        try:
            yield session
        except BaseException as error:
            if session.open_runs:
                session.close_left_open(error)
            raise
