"""Tables on a terminal: aligned rows, or records if it is narrow.

Tickers are never broken or cut, so that they can be copied. Texts are printed without markup, because rich would treat
a title in [brackets] as a style.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from kalshi_pipeline.cli.answer import Answer, Column, Kind, Place
from kalshi_pipeline.cli.formats import ago, shown_writer, with_equal_decimals
from kalshi_pipeline.cli.pasting import pasteable
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.quoting import printable

_GAP = 2
_LEAST_TEXT = 16
_LEAST_VALUE = 24
_MOST_RECORDS = 10
_TO_THE_LEFT = (Kind.TEXT, Kind.TICKER, Kind.INSTANT, Kind.FLAG)


def print_tables(
    answer: Answer, limit: int | None = None, *, is_local: bool = False, console: Console | None = None
) -> None:
    """Print an answer with its title, its notes and its parts."""
    console = console or Console()
    # Columns are selected for an answer's only table.
    way = "shows" if answer.parts else "or --columns shows"
    for number, (name, part) in enumerate(answer.by_name.items()):
        if number:
            console.print(Text(f"\n{name}", "bold"))
        for line in _lines(part, console.width, limit, way, is_local=is_local):
            console.print(line, soft_wrap=True, highlight=False)


def _lines(answer: Answer, width: int, limit: int | None, way: str, *, is_local: bool) -> Iterator[Text]:
    yield from _sentence(answer.title or "", width)
    most = limit or answer.most or len(answer.rows)
    rows = answer.limited_rows(most)
    cells = _Cells(answer, rows, is_local=is_local) if rows else None
    without = None if cells is None or answer.is_record else cells.fit(width)
    if answer.as_lines is not None:
        for line in answer.as_lines(rows, is_local):
            yield from _continued(line, width)
    elif cells is not None and without is not None:
        yield from _table(cells)
        if without:
            yield from _sentence(f"(a wider terminal {way} {', '.join(without)} too)", width, "dim")
    elif rows:
        # A record takes one line per field.
        rows = rows if limit or answer.most is None else answer.limited_rows(min(most, _MOST_RECORDS))
        yield from _records(answer, rows, width, is_local=is_local)
    if len(rows) < len(answer.rows):
        which = "newest" if answer.by_time else "first"
        counts = f"{len(answer.rows):,} {answer.what}: the {which} {len(rows):,} are shown"
        yield from _sentence(f"{counts}; --limit shows more, --csv writes all", width)
    if rows and len(answer.rows) == answer.read_at_most:
        yield from _sentence(f"there may be more: --limit {2 * len(answer.rows)}", width)
    for note in answer.notes:
        yield from _sentence(note, width)


def _continued(line: str, width: int) -> Iterator[Text]:
    """Yield a line, with its overflow indented below it; bold if the line itself is not indented."""
    text = printable(line)
    indent = " " * (len(text) - len(text.lstrip()) + _GAP)
    style = "" if text.startswith(" ") else "bold"
    lines = textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return (Text(part, style) for part in lines)


def _sentence(text: str, width: int, style: str = "") -> Iterator[Text]:
    return (Text(line, style) for line in _wrapped(printable(pasteable(text)), width))


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, without breaking words, which may be tickers."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


class _Cells:
    """The texts of the shown columns, with their widths."""

    def __init__(self, answer: Answer, rows: Sequence[Sequence[object]], *, is_local: bool) -> None:
        numbers = [n for n, column in enumerate(answer.columns) if column.place is not Place.NEVER]
        self.columns = [answer.columns[n] for n in numbers]
        writers = [shown_writer(column, is_local=is_local) for column in self.columns]
        by_column = [
            with_equal_decimals([write(row[n]) for row in rows], column)
            for n, write, column in zip(numbers, writers, self.columns, strict=True)
        ]
        self.rows = [list(row) for row in zip(*by_column, strict=True)]
        self.widths = [
            max(cell_len(column.head), *(cell_len(row[n]) for row in self.rows))
            for n, column in enumerate(self.columns)
        ]

    @property
    def width(self) -> int:
        return sum(self.widths) + _GAP * (len(self.widths) - 1)

    def fit(self, width: int) -> list[str] | None:
        """Make the rows fit, and return the omitted columns, None if nothing helps.

        Optional columns without values are omitted first. Then their texts are cut, then more of them are omitted, and
        finally the texts that are always shown are wrapped.
        """
        without: list[str] = []
        while (excess := self.width - width) > 0:
            optional = [n for n, column in enumerate(self.columns) if column.place is Place.IF_WIDE]
            blank = [n for n in optional if all(row[n] == self.columns[n].absent for row in self.rows)]
            if not blank and self._narrow(optional, excess):
                continue
            if optional:
                last = (blank or optional)[-1]
                without.insert(0, self.columns[last].name)
                self._leave_out(last)
            elif not self._narrow(range(len(self.columns)), excess):
                return None
        return without

    def _narrow(self, numbers: Iterable[int], excess: int) -> bool:
        """Reduce the widths of the text columns among some columns, if they have enough to spare."""
        spare = {
            n: self.widths[n] - _LEAST_TEXT
            for n in numbers
            if self.columns[n].kind is Kind.TEXT and self.widths[n] > _LEAST_TEXT
        }
        if sum(spare.values()) < excess:
            return False
        for n in sorted(spare, key=lambda n: -spare[n]):
            less = min(spare[n], excess)
            self.widths[n] -= less
            excess -= less
        return True

    def _leave_out(self, number: int) -> None:
        del self.columns[number], self.widths[number]
        for row in self.rows:
            del row[number]


def _table(cells: _Cells) -> Iterator[Text]:
    heads = [
        _aligned(column.head, column, size) for column, size in zip(cells.columns, cells.widths, strict=True)
    ]
    yield Text((" " * _GAP).join(heads).rstrip(), "bold")
    for row in cells.rows:
        folded = [
            _folded(text, column, size)
            for text, column, size in zip(row, cells.columns, cells.widths, strict=True)
        ]
        for texts in zip_longest(*folded, fillvalue=""):
            line = Text()
            for n, (text, column, size) in enumerate(zip(texts, cells.columns, cells.widths, strict=True)):
                line.append(" " * _GAP if n else "")
                line.append(_aligned(text, column, size), _style(text, column))
            line.rstrip()
            yield line


def _folded(text: str, column: Column, width: int) -> list[str]:
    """Return the lines of a value in a column; several for a text that is always shown in full."""
    if column.kind is not Kind.TEXT or column.place is not Place.ALWAYS or cell_len(text) <= width:
        return [text]
    lines = _wrapped(text, width)
    return lines if max(map(cell_len, lines), default=0) <= width else [text]


def _aligned(text: str, column: Column, width: int) -> str:
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    return text + " " * (width - size) if column.kind in _TO_THE_LEFT else " " * (width - size) + text


def _style(text: str, column: Column) -> str:
    if column.kind is not Kind.CHANGE or text == column.absent:
        return ""
    return "red" if text.startswith("-") else "green"


def _records(
    answer: Answer, rows: Sequence[Sequence[object]], width: int, *, is_local: bool
) -> Iterator[Text]:
    """Yield the fields of each row, one per line; long texts are wrapped."""
    fields = [(n, column) for n, column in enumerate(answer.columns) if column.place is not Place.NEVER]
    names = max(cell_len(column.label) for _, column in fields)
    now = SYSTEM_CLOCK.now()
    for number, row in enumerate(rows):
        if number:
            yield Text()
        for n, column in fields:
            value = row[n]
            if answer.is_record and value is None and column.absent == Column.absent:
                continue
            text = shown_writer(column, is_local=is_local)(value)
            if column.kind is Kind.INSTANT and isinstance(value, int):
                text += f", {ago(value, now)}"
            if text:
                yield from _field(column, text, names, width)


def _field(column: Column, text: str, names: int, width: int) -> Iterator[Text]:
    head, room = column.label.ljust(names + _GAP), width - names - _GAP
    style = _style(text, column)
    if cell_len(text) <= room:
        yield Text.assemble((head, "bold"), (text, style))
        return
    if column.kind in (Kind.TICKER, Kind.INSTANT) or room < _LEAST_VALUE:
        yield Text(column.label, "bold")
        head, room = " " * _GAP, width - _GAP
    breaks = [text] if column.kind is Kind.TICKER else _wrapped(text, room)
    for line in breaks:
        yield Text.assemble((head, "bold"), (line, style))
        head = " " * len(head)
