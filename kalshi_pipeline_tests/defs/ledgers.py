"""Collects beside Dagster as the command line does, and evaluates the sensor that reports it."""

from datetime import date

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.ledger import report_command_line
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.collect import collect_steps
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.run.steps import run_steps
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.defs.running import Runner

DAYS = ("2026-10-03", "2026-10-04", "2026-10-05")
ROWS = "dagster/row_count"
TRADES = dg.AssetKey("trades")


class CommandLine:
    """Collects as the command line does, with the functions of `ingest` and without Dagster."""

    def __init__(self, run: Runner) -> None:
        self._overrides = run.overrides

    def collect(self) -> None:
        with open_session(load_settings(**self._overrides)) as session:
            run_steps(collect_steps(session), lambda _: None, lambda *_: pytest.fail("a step failed"))

    def trades(self, *days: str, **overrides: str) -> None:
        with open_session(load_settings(**{**self._overrides, **overrides})) as session:
            for day in days:
                collect_trades(session, date.fromisoformat(day))

    def candlesticks(self, day: str, **overrides: str) -> None:
        with open_session(load_settings(**{**self._overrides, **overrides})) as session:
            collect_candlesticks(session, date.fromisoformat(day))


def evaluate(
    instance: dg.DagsterInstance, cursor: str | None = None, *, seconds_later: float = 0
) -> dg.SensorResult:
    """Evaluate the sensor, and store its events as the daemon does."""
    context = dg.build_sensor_context(instance, cursor=cursor, definitions=defs)
    clock = ManualClock(SYSTEM_CLOCK.now())
    clock.advance(seconds_later)
    result = report_command_line(context, clock)
    assert isinstance(result, dg.SensorResult)
    for event in result.asset_events:
        instance.report_runless_asset_event(event)
    return result


def events_of(result: dg.SensorResult) -> list[tuple[str, str, str | None]]:
    return [
        (type(event).__name__, event.asset_key.to_user_string(), getattr(event, "partition", None))
        for event in result.asset_events
    ]


def known_rows(instance: dg.DagsterInstance, asset: str) -> object:
    """Return the row count of an asset's newest event."""
    key = dg.AssetKey(asset)
    records = [
        *instance.fetch_materializations(key, limit=1).records,
        *instance.fetch_observations(key, limit=1).records,
    ]
    outcomes = [
        record.asset_materialization or record.event_log_entry.asset_observation
        for record in sorted(records, key=lambda record: record.storage_id)
    ]
    return [found.metadata[ROWS].value for found in outcomes if found is not None and ROWS in found.metadata][
        -1
    ]


def days_of(result: dg.SensorResult) -> list[tuple[str, str | None]]:
    """The days among the events, as the type of the event and the day."""
    return [(event, day) for event, _, day in events_of(result) if day is not None]
