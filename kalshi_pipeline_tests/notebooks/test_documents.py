"""docs/python.md and its notebook: the code runs, and the tables match the program."""

import contextlib
import inspect
import io
import json
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import kalshi_pipeline
from kalshi_pipeline import Store, errors
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.streams import QUOTE_TABLE
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.store.samples import (
    bid,
    event,
    series_row,
    sqlite_url,
    store_events,
    store_series,
    take,
    tick,
)

ROOT = Path(kalshi_pipeline.__file__).parent.parent
DOCS = ROOT / "docs"
TEXT = (DOCS / "python.md").read_text(encoding="utf-8")
NOTEBOOK = DOCS / "example.ipynb"


@pytest.fixture
def example(tmp_path: Path, migrated_template: Path) -> Path:
    """The database of the examples: data/kalshi.db below the current folder."""
    (tmp_path / "data").mkdir()
    path = shutil.copyfile(migrated_template, tmp_path / "data" / "kalshi.db")
    with closing(Database(sqlite_url(path))) as database:
        store_series(database, series_row("KXRAIN"))
        store_events(database, event("KXRAIN-26NOV23"))
        for number, cents in enumerate((20, 24, 24, 31, 36)):
            take(
                database,
                tick(number),
                [bid(cents, "KXRAIN-26NOV23-T1"), bid(60, "KXRAIN-26NOV23-T2")],
                state=State.PARTIAL if number == 1 else State.COMPLETE,
                period_seconds=300,
            )
    return path


def section(heading: str) -> str:
    return TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def first_words(heading: str) -> list[str]:
    """The first word in code of each row of the table under a heading."""
    return re.findall(r"^\| `(\w+)", section(heading), re.MULTILINE)


@pytest.mark.usefixtures("example")
@pytest.mark.filterwarnings("default")
def test_every_block_runs() -> None:
    """The blocks run in order, in the folder of the example."""
    names: dict[str, Any] = {}
    output = io.StringIO()
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 9
    with contextlib.redirect_stdout(output):
        for block in blocks:
            exec(block, names)
    assert output.getvalue().splitlines() == [
        "KXRAIN-26NOV23-T1 0.24 0.26 observed",
        "KXRAIN-26NOV23-T2 0.6 0.62 observed",
        "at=2026-11-22 12:10:00 names no time zone: add one, such as tzinfo=datetime.UTC",
        "['KXRAIN-26NOV23-T1', 'KXRAIN-26NOV23-T2']",
    ]
    assert names["total"] == 5
    assert names["wide"]["KXRAIN-26NOV23-T1"].tolist() == [0.21, 0.25, 0.25, 0.32]
    assert {spread for _, spread in names["spreads"]} == {0.02}
    assert [row["ticker"] for row in names["moved"]] == ["KXRAIN-26NOV23-T1"]
    assert {path.name for path in Path().iterdir()} == {
        "data",
        "coverage.csv",
        "trades.parquet",
        "quotes.jsonl",
    }


def test_methods_are_those_of_the_store() -> None:
    public = [
        name
        for name, _ in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_") and name != "close"
    ]
    assert sorted(first_words("Answers")) == sorted(public)
    for name, parameters in re.findall(r"^\| `(\w+)\(([^)]*)\)`", section("Answers"), re.MULTILINE):
        known = inspect.signature(getattr(Store, name)).parameters
        assert set(parameters.split(", ")) - {""} <= set(known), name


def test_columns_of_quotes_are_those_of_the_answers() -> None:
    paragraph = section("Answers").split("Quotes have these columns", 1)[1].split(". ", 1)[0]
    assert re.findall(r"`(\w+)`", paragraph) == [column.name for column in QUOTE_TABLE]


def test_errors_match_the_code() -> None:
    for name in first_words("Errors"):
        assert issubclass(getattr(errors, name), errors.PipelineError)


def test_extras_are_those_of_the_package() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = text.split("[project.optional-dependencies]\n", 1)[1].split("\n[", 1)[0]
    named = re.findall(r"^\| `(\w+)` \|", TEXT.split("## Answers")[0], re.MULTILINE)
    assert named == re.findall(r"^(\w+) = ", extras, re.MULTILINE)


def executed(cells: list[Any]) -> list[str]:
    """The output of each code cell."""
    names: dict[str, Any] = {}
    outputs = []
    for cell in cells:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec("".join(cell["source"]), names)
        outputs.append(output.getvalue())
    return outputs


@pytest.mark.usefixtures("example")
def test_notebook_is_as_it_was_executed() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shown = ["".join("".join(output["text"]) for output in cell["outputs"]) for cell in cells]
    assert executed(cells) == shown
    assert all(shown[1:])
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
