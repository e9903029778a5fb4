"""The formats of an answer: a table for people, tab-separated rows in a pipe, CSV and JSON."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TextIO

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.formats import exact_writer, json_writer, printable_json
from kalshi_pipeline.cli.groups import nearest
from kalshi_pipeline.cli.options import Asked, Format
from kalshi_pipeline.cli.terminal import print_message, quiet_pipe
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import quoted


def write_answer(answer: Answer, asked: Asked) -> None:
    """Write an answer to standard output in the requested format; the reason for an empty answer goes to standard
    error.
    """
    answer = _selected(answer, asked.columns)
    form = asked.form or (Format.TERMINAL if sys.stdout.isatty() else Format.TABS)
    with quiet_pipe(sys.stdout):
        if form is Format.TERMINAL:
            # Importing rich is slow, and only tables need it.
            from kalshi_pipeline.cli.tables import print_tables

            print_tables(answer, asked.limit, is_local=asked.is_local)
        else:
            _write_rows(_limited(answer, asked.limit), form, sys.stdout, is_local=asked.is_local)
    for line in answer.warnings:
        print_message(f"note: {line}")
    if not answer.rows and answer.reason:
        print_message(answer.reason)
    if answer.error is not None:
        raise answer.error


def _selected(answer: Answer, names: Sequence[str]) -> Answer:
    """Return the columns with these names, in this order. Raises ConfigurationError for an unknown name."""
    if not names:
        return answer
    known = {
        column.name: number for column, number in zip(answer.columns, range(len(answer.columns)), strict=True)
    }
    problems = [
        f"--columns {quoted(name)} is not a column: {nearest(name.lower(), list(known))}"
        for name in names
        if name not in known
    ] + [f"--columns names {quoted(name)} twice: pass it once" for name in names if names.count(name) > 1]
    if problems:
        raise ConfigurationError(problems[:1])
    numbers = [known[name] for name in names]
    return replace(
        answer,
        columns=[answer.columns[number].always for number in numbers],
        rows=[[row[number] for number in numbers] for row in answer.rows],
        parts={},
        as_lines=None,
    )


def _limited(answer: Answer, limit: int | None) -> Answer:
    if limit is None:
        return answer
    parts = {name: _limited(part, limit) for name, part in answer.parts.items()}
    return replace(answer, rows=answer.limited_rows(limit), parts=parts)


def _write_rows(answer: Answer, form: Format, stream: TextIO, *, is_local: bool) -> None:
    if form is Format.JSON:
        is_terminal = stream.isatty()
        stream.writelines(
            printable_json(part) if is_terminal else part for part in _json_of(answer, is_local=is_local)
        )
        stream.write("\n")
        return
    for number, (name, part) in enumerate(answer.by_name.items()):
        if number:
            stream.write(f"\n# {name}\n")
        if form is Format.CSV:
            rows = _texts(part, is_plain=stream.isatty(), is_local=is_local)
            csv.writer(stream, lineterminator="\n").writerows(rows)
        elif part.is_record:
            names, *values = _texts(part, is_plain=True, is_local=is_local)
            stream.writelines(f"{name}\t{value}\n" for name, value in zip(names, *values, strict=True))
        else:
            stream.writelines("\t".join(row) + "\n" for row in _texts(part, is_plain=True, is_local=is_local))


def _texts(answer: Answer, *, is_plain: bool, is_local: bool) -> Iterator[Sequence[str]]:
    """Yield the names of the columns, then each row, exactly."""
    yield [column.name for column in answer.columns]
    writers = [exact_writer(column, is_local=is_local, is_plain=is_plain) for column in answer.columns]
    for row in answer.rows:
        yield [write(value) for write, value in zip(writers, row, strict=True)]


def _json_of(answer: Answer, *, is_local: bool) -> Iterator[str]:
    """Yield an array of objects, an object for a record, or an object of all parts by name."""
    if not answer.parts:
        yield from _json_rows(answer, is_local=is_local)
        return
    separator = "{\n"
    for name, part in answer.by_name.items():
        yield f'{separator}"{name}": '
        yield from _json_rows(part, is_local=is_local)
        separator = ",\n"
    yield "\n}"


def _json_rows(answer: Answer, *, is_local: bool) -> Iterator[str]:
    writers = [(f'"{column.name}": ', json_writer(column, is_local=is_local)) for column in answer.columns]
    objects: Iterable[str] = (
        "{" + ", ".join(name + write(value) for (name, write), value in zip(writers, row, strict=True)) + "}"
        for row in answer.rows
    )
    if answer.is_record:
        yield next(iter(objects), "null")
        return
    separator = "[\n"
    for text in objects:
        yield separator + text
        separator = ",\n"
    yield "\n]" if answer.rows else "[]"
