"""How an engine handles its connections."""

import logging
import signal
from pathlib import Path

import pytest

from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.store.dialects.sqlite.engines import writing_engine


@pytest.mark.parametrize(
    ("error", "shown"),
    [(StoppedError("SIGTERM", signal.SIGTERM), []), (KeyboardInterrupt(), []), (OSError("why"), ["closing"])],
    ids=["signal", "Ctrl-C", "error"],
)
def test_signal_while_closing_prints_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: BaseException, shown: list[str]
) -> None:
    """SQLAlchemy logs an exception of closing a connection and raises it again."""
    logger = writing_engine(tmp_path / "kalshi.db").pool.logger
    assert isinstance(logger, logging.Logger)
    logger.error("closing", exc_info=error)
    assert caplog.messages == shown
