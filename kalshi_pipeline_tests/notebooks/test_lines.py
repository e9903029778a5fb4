"""Lines of text files: what Arrow writes of whole columns is, byte by byte, what each value is written as."""

import csv
import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kalshi_pipeline import Store, Table
from kalshi_pipeline.notebooks.arrow_values import batch_of, schema_of, stored_batch
from kalshi_pipeline.notebooks.lines import Lines, csv_lines, json_lines
from kalshi_pipeline.notebooks.parts import HeldPart
from kalshi_pipeline.store.reading.streams import STATES, Kind, TableColumn
from kalshi_pipeline_tests.notebooks.test_forms import ANSWERS

FORMS: dict[str, Callable[..., Lines]] = {".csv": csv_lines, ".jsonl": json_lines}
TEXTS = (
    *(
        "",
        " ",
        "KXRAIN-26NOV22",
        "plain words",
        " first",
        "last ",
        "a,b",
        'say "yes"',
        "two\nlines",
        "\r",
        "tab\t",
    ),
    *(
        "\\",
        "\x00",
        "\x1f",
        "\x7f",
        "é",
        "日本",
        "🙂",
        "NULL",
        "null",
        "0.0",
        "1E-7",
        "'",
        '"',
        ",",
        "\u2028",
    ),
)
NUMBERS = (0, 1, -1, 5, 10, 99, 100, 101, 290_000, 1_000_000, 999_999, -50_000, 10**15, 2**62, -(2**62))
COLUMNS = (
    TableColumn("text", Kind.TEXT),
    TableColumn("filled", Kind.FILLED_TEXT),
    TableColumn("word", Kind.WORD, STATES),
    TableColumn("flag", Kind.FLAG),
    TableColumn("whole", Kind.INTEGER),
    TableColumn('a "name", odd', Kind.DOLLARS),
    TableColumn("half", Kind.HALF_DOLLARS),
    TableColumn("contracts", Kind.CONTRACTS),
    TableColumn("decimal", Kind.DECIMAL),
    TableColumn("number", Kind.NUMBER),
    TableColumn("instant", Kind.INSTANT),
    TableColumn("time", Kind.TIME),
    TableColumn("id", Kind.IDENTIFIER),
)


def some_text(chance: random.Random) -> str:
    return "".join(chance.choices(TEXTS, k=chance.choice((1, 1, 1, 2, 3))))


def some_number(chance: random.Random) -> int:
    return chance.choice(
        (chance.choice(NUMBERS), chance.randrange(1_000_000), chance.randrange(-(10**12), 10**12))
    )


def some_instant(chance: random.Random) -> datetime:
    moment = datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(3_652_059))
    return moment + chance.choice((timedelta(), timedelta(microseconds=chance.randrange(86_400 * 10**6))))


STORED: dict[Kind, Callable[[random.Random], Any]] = {
    Kind.TEXT: some_text,
    Kind.FILLED_TEXT: some_text,
    Kind.WORD: lambda chance: chance.randrange(len(STATES)),
    Kind.FLAG: lambda chance: chance.randrange(2),
    Kind.INTEGER: some_number,
    Kind.DOLLARS: some_number,
    Kind.HALF_DOLLARS: some_number,
    Kind.CONTRACTS: some_number,
    # What views divide: up to seven decimals, of up to fifteen digits.
    Kind.DECIMAL: lambda chance: chance.randrange(10**15) / chance.choice((1, 100, 1_000_000, 2_000_000)),
    Kind.NUMBER: lambda chance: chance.choice((0.0, 300.0, 0.1, 1e-9, 1e22, -2.5, chance.random())),
    Kind.INSTANT: lambda chance: (
        (some_instant(chance) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    ),
    Kind.TIME: lambda chance: some_instant(chance).isoformat().replace("+00:00", "Z"),
    Kind.IDENTIFIER: lambda chance: chance.choice((chance.randbytes(16), b"odd id      ")),
}


def some_rows(seed: int, count: int, absent: float = 0.1) -> list[list[Any]]:
    chance = random.Random(seed)
    return [
        [None if chance.random() < absent else STORED[column.kind](chance) for column in COLUMNS]
        for _ in range(count)
    ]


def table_of(rows: list[list[Any]]) -> Table:
    return Table(COLUMNS, HeldPart(COLUMNS, lambda: rows))


def lines_one_by_one(table: Table, form: Lines) -> bytes:
    return "".join(form.line(row.values()) for row in table.rows(decimals=True)).encode()


def lines_by_arrow(table: Table, form: Lines) -> bytes:
    return b"".join(form.lines(batch).to_pybytes() for batch in table.batches(decimals=True))


@pytest.mark.parametrize("ending", FORMS)
@pytest.mark.parametrize("seed", range(20))
def test_arrow_writes_the_lines_of_the_rows(ending: str, seed: int) -> None:
    table = table_of(some_rows(seed, 300, absent=seed / 20))
    form = FORMS[ending](table.columns)
    assert lines_by_arrow(table, form).splitlines() == lines_one_by_one(table, form).splitlines()


@pytest.mark.parametrize("ending", FORMS)
@pytest.mark.parametrize("name", ANSWERS)
def test_arrow_writes_the_lines_of_each_answer(full: Store, name: str, ending: str) -> None:
    table = ANSWERS[name](full)
    form = FORMS[ending](table.columns)
    assert lines_by_arrow(table, form) == lines_one_by_one(table, form)


def test_lines_are_those_of_python() -> None:
    """CSV as Python's own module writes it, and JSON as it reads it."""
    table = table_of(some_rows(1, 500))
    rows = list(table.rows(decimals=True))
    texts = [[None if value is None else row_text(value) for value in row.values()] for row in rows]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([table.columns, *texts])
    form = csv_lines(table.columns)
    assert form.line(table.columns) + lines_one_by_one(table, form).decode() == file.getvalue()
    lines = lines_one_by_one(table, json_lines(table.columns)).decode().split("\n")
    found = [json.loads(line, parse_float=Decimal, parse_int=int) for line in lines[:-1]]
    assert found == [{name: json_value(value) for name, value in row.items()} for row in rows]


def row_text(value: Any) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case Decimal():
            return format(value, "f")
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}".rjust(27, "0")
        case _:
            return str(value)


def json_value(value: Any) -> Any:
    match value:
        case datetime():
            return row_text(value)
        case float():
            return Decimal(repr(value))
        case _:
            return value


def test_lines_of_no_rows_are_empty() -> None:
    schema = schema_of(COLUMNS, decimals=True)
    batch = batch_of(COLUMNS, stored_batch(COLUMNS, []), schema)
    for form in FORMS.values():
        assert form([column.name for column in COLUMNS]).lines(batch).to_pybytes() == b""


@pytest.mark.parametrize("value", [123456789.1234567, 900_719_925.4740993, 12_345_678_901.23, 0.29, 1e-7])
def test_decimals_of_views_are_exact_in_arrow(value: float) -> None:
    column = TableColumn("volume", Kind.DECIMAL)
    schema = schema_of([column], decimals=True)
    (found,) = batch_of([column], stored_batch([column], [(value,)]), schema).column(0).to_pylist()
    assert found == Decimal(repr(value))


MANY_ROWS = """
from kalshi_pipeline import Table
from kalshi_pipeline.notebooks.parts import HeldPart
from kalshi_pipeline.store.reading.streams import Kind, TableColumn

COLUMNS = [TableColumn("ticker", Kind.TEXT), TableColumn("bid", Kind.DOLLARS), TableColumn("at", Kind.INSTANT)]
TABLE = Table(COLUMNS, HeldPart(COLUMNS, lambda: [(f"KX,{n}", n * 100, n * 999_999) for n in range(12_000)]))
"""


@pytest.mark.parametrize("ending", FORMS)
def test_file_of_many_rows_is_the_same_without_arrow(tmp_path: Path, ending: str) -> None:
    """Arrow writes so many; where it is not installed they are written one by one."""
    paths = [tmp_path / f"{name}{ending}" for name in ("with", "without")]
    missing = "import sys; sys.modules['pyarrow'] = None"
    for path, first in zip(paths, ("", missing), strict=True):
        code = f"{first}{MANY_ROWS}TABLE.export({str(path)!r})"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with_arrow, without_arrow = (path.read_bytes() for path in paths)
    assert with_arrow == without_arrow
    assert with_arrow.count(b"\n") == 12_000 + (ending == ".csv")
