"""A signal in the moment in which the record of a run is opened: it is committed, and the run has not begun."""

import signal
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, event

from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_series
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.conftest import Query


@pytest.mark.parametrize(
    ("run", "table"),
    [(sync_series, "listings"), (lambda session: take_snapshot(session, NOON), "ticks")],
    ids=["listing", "tick"],
)
def test_record_is_closed_by_a_signal_in_the_moment_of_its_commit(
    session: Session, query: Query, run: Callable[[Session], object], table: str
) -> None:
    def commit_and_stop(connection: Connection) -> None:
        if connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE state = 'running'").scalar_one():
            event.remove(Engine, "commit", commit_and_stop)
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.commit()
            raise StoppedError("SIGTERM", signal.SIGTERM)

    event.listen(Engine, "commit", commit_and_stop)
    with pytest.raises(StoppedError):
        run(session)
    assert query(f"SELECT state, reason, finished_at IS NOT NULL FROM {table}") == [
        ("failed", "stopped by SIGTERM", 1)
    ]
