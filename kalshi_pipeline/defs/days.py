"""Assets that are collected by UTC day: partitions, runs of several days, and the daily schedule."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import dagster as dg

from kalshi_pipeline.defs.metadata import without_row_count
from kalshi_pipeline.defs.pipeline_asset import (
    AssetEvent,
    Collected,
    check_result,
    collected,
    elsewhere,
    error_lines,
    failing_in_one_line,
    no_materialization,
    partial_line,
    raise_failure,
    rows_of,
)
from kalshi_pipeline.defs.resources import Pipeline, settings_or_defaults
from kalshi_pipeline.errors import ConfigurationError, ExchangeError, TransientExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.monitoring.checks import Finding, finding_of_days
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.writing.runs import State

# The exchange opened in July 2021. Today is a partition too; it can be refreshed, and is partial until it is over.
UTC_DAYS = dg.DailyPartitionsDefinition(start_date="2021-07-01", timezone="UTC", end_offset=1)
MONTH_A_RUN = dg.BackfillPolicy.multi_run(max_partitions_per_run=31)
"""A backfill of a year is a dozen runs instead of 365, each of which would start a process."""


def materialize_days(
    context: dg.AssetExecutionContext, pipeline: Pipeline, collect: Callable[[Session, date], Report]
) -> Iterator[AssetEvent]:
    """Run a function of `ingest` for each day of a run, as a backfill, with the checks that the asset declares.

    A complete day is materialized immediately. If one day is partial or fails, the others are still collected, and the
    run fails at its end. The current day is only observed, so Dagster still shows it as missing; so is a day of fewer
    markets than the settings outside the run's config select.
    """
    days = _days_of(context)
    failures = _Failures(len(days))
    records: dict[str, str | None] = {}
    reports: list[Report] = []
    findings: dict[str, Sequence[Finding]] = {}
    with failing_in_one_line():
        for day in days:
            try:
                found = collected(context, pipeline, _on(day, collect, records), is_backfill=True)
            except ExchangeError as error:
                lines = error_lines(error)
                failures.add(day, lines, is_transient=isinstance(error, TransientExchangeError))
                yield from _failed(context, day, lines, records.get(day))
                continue
            yield _outcome(context, pipeline, day, found)
            reports.append(found.report)
            findings[day] = found.findings
            if found.report.shortfall is not None:
                failures.add(day, partial_line(found.report.shortfall))
    yield from elsewhere(reports)
    yield from map(rows_of, reports[-1:])
    yield from map(check_result, _together(findings))
    failures.raise_if_any()
    yield no_materialization()


def _days_of(context: dg.AssetExecutionContext) -> Sequence[str]:
    with failing_in_one_line():
        if not context.has_partition_key and not context.has_partition_key_range:
            raise ConfigurationError(["this run has no partition: materialize the days of the asset instead"])
        days: Sequence[str] = context.partition_keys
        if not days:
            raise ConfigurationError(["the first day of this run is after its last: exchange them"])
    return days


def _on(
    day: str, collect: Callable[[Session, date], Report], records: dict[str, str | None]
) -> Callable[[Session], Report]:
    """Return a function that collects a day and notes the id of its run record, even if the day fails."""

    def run(session: Session) -> Report:
        try:
            return collect(session, date.fromisoformat(day))
        finally:
            records[day] = session.run_name

    return run


def _failed(
    context: dg.AssetExecutionContext, day: str, reason: str, record: str | None
) -> Iterator[dg.AssetObservation]:
    """Yield an observation of a day without data, so that the ledger knows which run tried it."""
    if record is not None:
        metadata = {"record": record, "state": State.FAILED.value, "reason": reason}
        yield dg.AssetObservation(context.asset_key, partition=day, metadata=metadata)


def _outcome(
    context: dg.AssetExecutionContext, pipeline: Pipeline, day: str, found: Collected
) -> dg.AssetMaterialization | dg.AssetObservation:
    reason = found.report.reason
    if found.report.is_complete and _is_of_fewer_markets(pipeline, found.report):
        reason = "this run is of fewer markets than the settings of Dagster"
    elif found.report.is_complete:
        return dg.AssetMaterialization(
            context.asset_key, partition=day, metadata=without_row_count(found.metadata)
        )
    context.log.info(printable(f"{day} is not materialized: {reason}"))
    return dg.AssetObservation(context.asset_key, partition=day, metadata=found.metadata)


def _is_of_fewer_markets(pipeline: Pipeline, report: Report) -> bool:
    """Return whether a run over a scope covers fewer markets than without its config."""
    if report.subject.scope is None:
        return False
    of_run, wanted = (
        Scope(settings.series, settings.combos) for settings in (pipeline.settings(), settings_or_defaults())
    )
    return not of_run.covers(wanted)


def _together(findings: Mapping[str, Sequence[Finding]]) -> Iterator[Finding]:
    """Yield one combined finding per check, because Dagster accepts only one in a step."""
    for of_check in zip(*findings.values(), strict=True):
        yield finding_of_days(dict(zip(findings, of_check, strict=True)))


class _Failures:
    """The failed or incomplete days of a run."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._lines: dict[str, str] = {}
        self._is_transient = False

    def add(self, day: str, line: str, *, is_transient: bool = False) -> None:
        self._lines[day] = line
        self._is_transient = self._is_transient or is_transient

    def raise_if_any(self) -> None:
        """Fail the step with one line per day. Dagster retries once if that may help."""
        if not self._lines:
            return
        lines = [*self._lines.values()]
        if self._days > 1:
            lines = [f"{day}: {line}" for day, line in self._lines.items()]
            lines.append(
                f"{len(lines)} of {self._days} days are missing; the others are stored: "
                "a backfill of 'missing and failed' partitions fetches the rest"
            )
        raise_failure("\n".join(lines), is_transient=self._is_transient)


def run_of_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Return a run request for the previous day; its run key lets Dagster start it only once."""
    yesterday = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
    return dg.RunRequest(run_key=yesterday, partition_key=yesterday)
