"""The last asset of each job, which fails the run if data of one of its assets is missing."""

from collections.abc import Iterator

import dagster as dg

from kalshi_pipeline.defs.metadata import OVERTAKEN
from kalshi_pipeline.defs.outcomes import Outcome, outcome_of, value_of
from kalshi_pipeline.defs.pipeline_asset import pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.ingest.event_metadata import ASSET as EVENT_METADATA
from kalshi_pipeline.ingest.related import RELATED
from kalshi_pipeline.ingest.run.report import state_line
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.store.writing.runs import State

_EVENTS = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION}
_NOT_WHOLE = (State.PARTIAL, State.SKIPPED)


# Its parents are named, not imported, because their modules import this one.
@pipeline_asset(
    group=Group.MAINTENANCE,
    domain=Domain.RUNS,
    cadence=Cadence.WITH_EACH_RUN,
    parents=[
        "series",
        "events",
        "markets",
        "price_snapshots",
        "settlements",
        "series_fee_changes",
        "event_fee_changes",
        *(related.asset for related in RELATED),
        EVENT_METADATA,
        "order_books",
    ],
)
def run_complete(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Whether everything that a run collected is complete.

    It has no rows. It comes last in each job and fails the run if an asset is partial or skipped; what was received is
    stored. A snapshot that was skipped because a newer one of the same markets is complete is only noted. The asset is
    not retried, because the next run lists everything again. If you re-execute a run from this failure, also select the
    partial assets; otherwise it fails again.
    """
    found = _not_whole(context.instance, context.run)
    if lines := [_line(outcome) for outcome in found if not value_of(outcome, OVERTAKEN)]:
        raise dg.Failure(
            printable(f"{'; '.join(lines)}; what was received is stored, and the next run continues"),
            allow_retries=False,
        )
    notes = "; ".join(map(_line, found))
    return dg.MaterializeResult(metadata={"notes": printable(notes)} if notes else {})


def _not_whole(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[Outcome]:
    """Return the partial and skipped outcomes among what a run materialized or observed.

    For a run that re-executes part of an earlier one, the other assets count as they were in that run.
    """
    newest: dict[dg.AssetKey, Outcome] = {}
    for run_id in _lineage(instance, run):
        of_run = {found.asset_key: found for found in _outcomes(instance, run_id)}
        newest = {**of_run, **newest}
    return [outcome for outcome in newest.values() if value_of(outcome, "state") in _NOT_WHOLE]


def _lineage(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[str]:
    """Yield a run, the run that it re-executes, and so on, as far as the instance still has them."""
    found: dg.DagsterRun | None = run
    while found is not None:
        yield found.run_id
        found = None if found.parent_run_id is None else instance.get_run_by_id(found.parent_run_id)


def _outcomes(instance: dg.DagsterInstance, run_id: str) -> Iterator[Outcome]:
    """Yield what a run materialized or observed, in order."""
    for record in instance.get_records_for_run(run_id, of_type=_EVENTS).records:
        outcome = outcome_of(record.event_log_entry)
        # Observations of other assets' tables have no state.
        if outcome is not None and "state" in outcome.metadata:
            yield outcome


def _line(outcome: Outcome) -> str:
    state = State(str(value_of(outcome, "state")))
    return state_line(outcome.asset_key.to_user_string(), state, str(value_of(outcome, "reason")))


defs = dg.Definitions(assets=[run_complete])
