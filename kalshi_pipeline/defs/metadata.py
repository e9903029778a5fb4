"""The metadata of materializations and observations, with the same labels for every asset."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import dagster as dg

from kalshi_pipeline.defs.presentation import source_of, table_uri
from kalshi_pipeline.ingest.run.report import OtherTable, Report
from kalshi_pipeline.monitoring.picture import LastDay, drawn, quotes_of_tick
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.store.schema.columns import ColumnNote, columns_of
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_SECOND

Metadata: TypeAlias = dict[str, dg.MetadataValue | str | int | float | bool]

_MARKUP = re.compile(r"[\\`*_\[\]<>&~|]|^[#+=-]")
_ADDRESS = re.compile(r"((?:https?://|www\.|\S+@)\S+)", re.IGNORECASE)
ROW_COUNT = "dagster/row_count"
OVERTAKEN = "overtaken"
# These counts are usually 0. A snapshot always reports them, because the UI plots zeros too.
_RARE = ("out_of_scope", "ended", "gone", "paused", "unconfirmed")


def definition_metadata(
    function: Callable[..., Any], table: str | None, endpoint: str | None
) -> dict[str, object]:
    """Return the metadata of an asset's definition: source, table with its columns, endpoint."""
    metadata: dict[str, object] = {"dagster/code_references": source_of(function)}
    if table is not None:
        metadata["dagster/table_name"] = table
        metadata["dagster/uri"] = table_uri(table)
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


def run_metadata(report: Report) -> Metadata:
    """Return the metadata of one run. The UI plots the numbers over time."""
    tally = report.tally
    metadata = _counts(report)
    for name in _RARE:
        if (count := getattr(tally, name)) or report.tick_at is not None:
            metadata[name] = count
    metadata.update(report.counts)
    if report.failures:
        metadata["failures"] = report.failures
    if report.reason:
        metadata["reason"] = printable(report.reason)
    for name in ("clock_offset_seconds", "requests_per_second"):
        if (value := getattr(report, name)) is not None:
            metadata[name] = value
    metadata.update(_of_tick(report))
    for name, tallied in (("unknown_words", report.unknown_words), ("odd_fields", report.odd_fields)):
        if tallied:
            metadata[name] = dg.MetadataValue.json({printable(key): count for key, count in tallied.items()})
    if report.notes:
        metadata["notes"] = dg.MetadataValue.md("\n".join(f"- {markdown(note)}" for note in report.notes))
    return metadata


def without_row_count(metadata: Metadata) -> Metadata:
    """Return the metadata of a materialization. Its row count is plotted, but is not the one at the top of the page."""
    return {("rows" if name == ROW_COUNT else name): value for name, value in metadata.items()}


def _counts(report: Report) -> Metadata:
    """Return the metadata that every run has."""
    tally = report.tally
    metadata: Metadata = {
        ROW_COUNT: report.rows,
        "record": report.run.name,
        "scope": printable(report.subject.sentence),
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


def other_metadata(other: OtherTable) -> Metadata:
    """Return the metadata of an observation: what a run did to the table of another asset."""
    return {ROW_COUNT: other.rows, "inserted": other.inserted, "changed": other.changed}


def _of_tick(report: Report) -> Metadata:
    """Return the metadata that only snapshots have."""
    if report.tick_at is None:
        return {}
    metadata: Metadata = {
        "tick": dg.MetadataValue.timestamp(report.tick_at / MICROS_PER_SECOND),
        "unmirrored": report.unmirrored,
        "answer_age_seconds": report.answer_age_seconds,
        "negative_sizes": report.negative_sizes,
        "keyframes": report.tally.keyframes,
    }
    if report.run.is_overtaken:
        metadata[OVERTAKEN] = True
    if report.is_paused is not None:
        metadata["exchange_paused"] = report.is_paused
    if report.inactive_shards is not None:
        metadata["inactive_shards"] = dg.MetadataValue.json(_printable_json(report.inactive_shards))
    return metadata


def day_metadata(day: LastDay, tally: Tally) -> Metadata:
    """Return the ticks of the last day in words, and as a picture with tables that the UI opens on a click.

    One of the tables counts the quotes of this tick by result.
    """
    image = b64encode(drawn(day).encode()).decode()
    return {
        "last_day": ", ".join(f"{count:,} {state}" for state, count in day.states.most_common()),
        "last_day_picture": dg.MetadataValue.md(
            f"![ticks of the last 24 hours](data:image/svg+xml;base64,{image})\n\n"
            f"{_table('Ticks of the last 24 hours', day.states)}\n\n"
            f"{_table('Quotes of this tick', quotes_of_tick(tally))}"
        ),
    }


def _table(title: str, counts: Mapping[str, int]) -> str:
    rows = (f"| {markdown(name)} | {count:,} |" for name, count in counts.items() if count)
    return "\n".join([f"| {title} | |", "|:---|---:|", *rows])


def markdown(text: str) -> str:
    """Return a text that may come from the exchange, escaped so that Markdown shows it unchanged, on one line.

    An address becomes code, because the UI turns even escaped addresses into links.
    """
    parts = _ADDRESS.split(printable(text))
    return "".join(
        _code(part) if index % 2 else _MARKUP.sub(r"\\\g<0>", part) for index, part in enumerate(parts)
    )


def _code(text: str) -> str:
    return "`` {} ``".format(text.replace("`", "'"))


def _printable_json(text: str) -> Any:  # noqa: ANN401  (any JSON value)
    """Return a JSON value whose texts are printable."""

    def of(value: object) -> object:
        match value:
            case str():
                return printable(value)
            case list():
                return [of(item) for item in value]
            case dict():
                return {printable(key): of(item) for key, item in value.items()}
            case _:
                return value

    return of(json.loads(text))
