"""The page of results: a table with the rows of each part's newest run, and the plot of ticks."""

import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from kalshi_pipeline_tests.faults.outcome import Outcome

_ROOT = Path(__file__).parents[2]
PAGE = _ROOT / "docs" / "faults.md"
_PLOT = _ROOT / "docs" / "plots" / "faults.png"
BEGIN, END = "<!-- begin: poe faults -->", "<!-- end -->"
_COLUMNS = (
    "part",
    "fault",
    "injected",
    "survived",
    "rows lost",
    "wrong numbers",
    "tracebacks",
    "seconds to the next good run: median (longest)",
    "measured",
)
_LEFT = 2

Rows = Mapping[str, Sequence[Sequence[str]]]
"""The rows of the table, by the parts that they are of."""


def rows_of(outcomes: Sequence[Outcome], part: str, day: date, *, is_quick: bool) -> list[list[str]]:
    """Return the rows of a part that was run."""
    measured = f"{day}, Python {platform.python_version()}{', quick' if is_quick else ''}"
    return [[part, *outcome.row, measured] for outcome in outcomes]


def with_rows(page: str, new: Rows, parts: Sequence[str]) -> str:
    """Return the text of the page with new rows for the parts that were run, and the old rows of other parts."""
    before, _, rest = page.partition(BEGIN)
    inside, _, after = rest.partition(END)
    rows: dict[str, Sequence[Sequence[str]]] = {**_rows_in(inside), **new}
    ordered = [row for part in parts for row in rows.get(part, ())]
    rule = ["---"] * _LEFT + ["---:"] * (len(_COLUMNS) - _LEFT - 1) + ["---"]
    table = "\n".join(f"| {' | '.join(line)} |" for line in [_COLUMNS, rule, *ordered])
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _rows_in(table: str) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    for row in lines[2:]:
        found.setdefault(row[0], []).append(row)
    return found


def publish(new: Rows, parts: Sequence[str]) -> None:
    """Write the rows of the parts that were run into the page."""
    PAGE.write_text(with_rows(PAGE.read_text(encoding="utf-8"), new, parts), encoding="utf-8")


def draw(seconds: Sequence[float]) -> None:
    """Draw the plot of seconds per tick."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 3))
    axes.bar(range(1, len(seconds) + 1), seconds, width=1.0)
    axes.set_xlabel("tick")
    axes.set_ylabel("seconds")
    axes.set_title("Seconds per tick while a fifth of the answers are faulty")
    _PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(_PLOT, dpi=100, bbox_inches="tight")
    plt.close(figure)
