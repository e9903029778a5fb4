"""One vocabulary of materialization metadata, for every asset."""

import json
from typing import TypeAlias

import dagster as dg

from kalshi_pipeline.ingest.run.report import OtherTable, Report
from kalshi_pipeline.store.schema.columns import ColumnNote, columns_of
from kalshi_pipeline.units import MICROS_PER_SECOND

_Metadata: TypeAlias = dict[str, dg.MetadataValue | str | int | float | bool]

# Counts that are rarely above 0. A snapshot always has them: the UI plots their zeros too.
_RARE = ("out_of_scope", "ended", "gone", "paused", "unconfirmed")


def definition_metadata(table: str | None, endpoint: str | None) -> dict[str, object]:
    """Return what the UI shows of an asset before its first run: its table with its columns, and its endpoint."""
    metadata: dict[str, object] = {}
    if table is not None:
        metadata["dagster/table_name"] = table
        metadata["dagster/column_schema"] = dg.TableSchema([_column(note) for note in columns_of(table)])
    if endpoint is not None:
        metadata["endpoint"] = endpoint
    return metadata


def _column(note: ColumnNote) -> dg.TableColumn:
    return dg.TableColumn(
        note.name,
        note.type,
        note.description,
        constraints=dg.TableColumnConstraints(nullable=note.is_nullable),
    )


def run_metadata(report: Report) -> _Metadata:
    """Return what one run did. The UI plots the numbers over time."""
    tally = report.tally
    metadata = _counts(report)
    for name in _RARE:
        if (count := getattr(tally, name)) or report.tick_at is not None:
            metadata[name] = count
    metadata.update(report.counts)
    for name in ("failures", "reason"):
        if value := getattr(report, name):
            metadata[name] = value
    for name in ("clock_offset_seconds", "requests_per_second"):
        if (value := getattr(report, name)) is not None:
            metadata[name] = value
    metadata.update(_of_tick(report))
    for name, tallied in (("unknown_words", report.unknown_words), ("odd_fields", report.odd_fields)):
        if tallied:
            metadata[name] = dg.MetadataValue.json(dict(tallied))
    if report.notes:
        metadata["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in report.notes))
    return metadata


def _counts(report: Report) -> _Metadata:
    """Return what every run has."""
    tally = report.tally
    metadata: _Metadata = {
        "dagster/row_count": report.rows,
        "record": report.run.name,
        "scope": report.subject.sentence,
        "state": report.state.value,
        "complete": report.is_complete,
        "pages": tally.pages,
        "windows": report.windows,
        "requests": report.requests,
        "retries": report.retries,
        "too_many": report.too_many,
        "received": tally.received,
        "inserted": tally.inserted,
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "quarantined": tally.quarantined,
        "duplicates": tally.duplicates,
        "placeholders": tally.placeholders,
        "healed": tally.healed,
        "open_placeholders": report.open_placeholders,
        "seconds": round(report.seconds, 3),
    }
    if report.part_rows is not None:
        metadata["dagster/partition_row_count"] = report.part_rows
        metadata["out_of_scope"] = tally.out_of_scope
    return metadata


def other_metadata(other: OtherTable) -> _Metadata:
    """Return what a run did to a table of another asset."""
    return {"dagster/row_count": other.rows, "inserted": other.inserted, "changed": other.changed}


def _of_tick(report: Report) -> _Metadata:
    """Return what only snapshots have."""
    if report.tick_at is None:
        return {}
    metadata: _Metadata = {
        "tick": dg.MetadataValue.timestamp(report.tick_at / MICROS_PER_SECOND),
        "unmirrored": report.unmirrored,
        "answer_age_seconds": report.answer_age_seconds,
        "negative_sizes": report.negative_sizes,
        "keyframes": report.tally.keyframes,
    }
    if report.is_paused is not None:
        metadata["exchange_paused"] = report.is_paused
    if report.inactive_shards is not None:
        metadata["inactive_shards"] = dg.MetadataValue.json(json.loads(report.inactive_shards))
    return metadata
