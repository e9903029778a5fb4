"""Signals while a run's record is opened or closed, when no block of the run handles them."""

import signal
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, event

from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_series
from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline.settings import Settings
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.conftest import Query

STOPPED = StoppedError("SIGTERM", signal.SIGTERM)
SHOWN = "SELECT state, reason, finished_at IS NOT NULL FROM {}"


@pytest.fixture
def stopped_run(sandbox: Sandbox, settings_for: Callable[..., Settings]) -> Callable[..., None]:
    """A run in its own session that is stopped."""

    def stop(run: Callable[[Session], object]) -> None:
        with pytest.raises(StoppedError), open_session(settings_for(sandbox.url)) as session:
            run(session)

    return stop


@pytest.mark.parametrize(
    ("run", "table"),
    [(sync_series, "listings"), (lambda session: take_snapshot(session, NOON), "ticks")],
    ids=["listing", "tick"],
)
def test_record_is_closed_by_a_signal_in_the_moment_of_its_commit(
    stopped_run: Callable[..., None], query: Query, run: Callable[[Session], object], table: str
) -> None:
    def commit_and_stop(connection: Connection) -> None:
        if connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE state = 'running'").scalar_one():
            event.remove(Engine, "commit", commit_and_stop)
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.commit()
            raise STOPPED

    event.listen(Engine, "commit", commit_and_stop)
    stopped_run(run)
    assert query(SHOWN.format(table)) == [("failed", "stopped by SIGTERM", 1)]


def test_record_is_closed_by_a_signal_before_its_run_begins(
    stopped_run: Callable[..., None], query: Query
) -> None:
    def stop_early(session: Session) -> None:
        begin_listing(session, "series")
        raise STOPPED

    stopped_run(stop_early)
    assert query(SHOWN.format("listings")) == [("failed", "stopped by SIGTERM", 1)]


def test_record_is_closed_by_a_signal_in_the_moment_of_its_closing(
    stopped_run: Callable[..., None], query: Query
) -> None:
    """Its pages stay stored; only whether it was complete is lost."""

    def stop_instead(connection: Connection) -> None:
        if connection.exec_driver_sql("SELECT count(*) FROM listings WHERE state = 'complete'").scalar_one():
            event.remove(Engine, "commit", stop_instead)
            raise STOPPED

    event.listen(Engine, "commit", stop_instead)
    stopped_run(sync_series)
    assert query(SHOWN.format("listings")) == [("partial", "stopped by SIGTERM", 1)]
