"""The collector that runs until it is stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kalshi_pipeline.clock import SystemClock
from kalshi_pipeline.errors import PipelineError, StoreError, StoreProblem
from kalshi_pipeline.ingest.collect import collect_forever
from kalshi_pipeline.settings import Settings


class _Impatient(SystemClock):
    """The system's time; a third wait is an interrupt."""

    def __init__(self) -> None:
        self.waits = 0

    def sleep(self, seconds: float) -> None:
        assert seconds <= 60
        self.waits += 1
        if self.waits == 3:
            raise KeyboardInterrupt


def test_collector_reports_a_failing_tick_and_waits_for_the_next(
    settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings = settings_for("http://127.0.0.1:9", database_url=f"sqlite:///{tmp_path}/file/kalshi.db")
    failures: list[PipelineError] = []
    with pytest.raises(KeyboardInterrupt):
        collect_forever(
            settings,
            60,
            on_message=lambda _: None,
            on_report=lambda _: None,
            on_failure=failures.append,
            clock=_Impatient(),
        )
    assert [type(error) for error in failures] == [StoreError] * 3
    assert {getattr(error, "problem", None) for error in failures} == {StoreProblem.NOT_USABLE}
