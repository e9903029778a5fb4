"""The answer of a reading command: rows of typed columns, which `output` writes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Self, TypeAlias, TypeVar

from kalshi_pipeline.errors import PipelineError


class Kind(Enum):
    """The type of a column's values, which decides their format. None means that a value is absent."""

    TEXT = auto()
    """Text of the exchange or the store."""
    TICKER = auto()
    """An identifier of the exchange or of this program: never cut or wrapped."""
    DOLLARS = auto()
    """Micro-dollars."""
    HALF_DOLLARS = auto()
    """Micro-dollars, possibly with a half, as in a midpoint."""
    CHANGE = auto()
    """A change in micro-dollars, possibly with a half; shown with its sign and coloured."""
    CONTRACTS = auto()
    """Hundredths of a contract."""
    INSTANT = auto()
    """Microseconds since 1970."""
    SPAN = auto()
    """Seconds."""
    COUNT = auto()
    """A whole number."""
    FLAG = auto()
    """Yes or no."""


class Place(Enum):
    """Where a column is shown by default, without `--columns`."""

    ALWAYS = auto()
    """Everywhere."""
    IF_WIDE = auto()
    """On a terminal with enough room, and in pipes and files."""
    NEVER = auto()
    """Only in pipes and files."""


@dataclass(frozen=True)
class Column:
    """One column: its name in files, its kind, where it is shown, and the terminal's text for an absent value.

    `words` is its name on a terminal, if it does not follow from the one in files.
    """

    name: str
    kind: Kind = Kind.TEXT
    place: Place = Place.ALWAYS
    absent: str = "-"
    words: str | None = None

    @property
    def head(self) -> str:
        """Its short heading above a column on a terminal."""
        return self.label.replace("last price", "last")

    @property
    def label(self) -> str:
        """Its name beside a value on a terminal, without what the value says itself, such as its unit."""
        if self.words is not None:
            return self.words
        name = self.name.removesuffix("_at")
        if self.kind is Kind.SPAN:
            name = name.removesuffix("_seconds")
        if self.kind is Kind.FLAG:
            name = name.removeprefix("is_")
        return name.replace("_", " ")

    @property
    def always(self) -> Self:
        """The column, shown everywhere."""
        return replace(self, place=Place.ALWAYS)


@dataclass(frozen=True)
class Answer:
    """Rows in the order of the columns, with the text around them.

    `reason` says why there are no rows. With `is_record`, the only row is shown field by field. A terminal shows `most`
    rows by default, which `what` names: the last ones if the rows are `by_time`, or else the first. If there are
    `read_at_most` rows, there may be more, and a terminal says so. `notes` follow on a terminal, `warnings` go to
    standard error, and `error` is raised after everything is written. `parts` are further answers by name; `name` is
    then the name of the first one. With `as_lines`, a terminal shows no table but the lines that it returns for the
    rows; those that belong to the line above them begin with spaces. Its second argument is whether times are local.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    title: str | None = None
    reason: str | None = None
    is_record: bool = False
    most: int | None = None
    what: str = "rows"
    by_time: bool = False
    read_at_most: int | None = None
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    error: PipelineError | None = None
    name: str = "rows"
    parts: Mapping[str, "Answer"] = field(default_factory=dict)
    as_lines: "Callable[[Sequence[Sequence[Any]], bool], Iterable[str]] | None" = None

    def limited_rows(self, most: int) -> Sequence[Sequence[object]]:
        """Return at most `most` rows: the newest, or the first."""
        return self.rows[-most:] if self.by_time else self.rows[:most]

    @property
    def by_name(self) -> "dict[str, Answer]":
        """The answer and its parts, by name."""
        return {self.name: self, **self.parts}


def record(values: Mapping[Column, object], title: str | None = None, notes: Sequence[str] = ()) -> Answer:
    """Return the answer about one thing."""
    return Answer(list(values), [list(values.values())], title=title, is_record=True, notes=notes)


Row = TypeVar("Row")
Columns: TypeAlias = Mapping[Column, Callable[[Row], object]]
"""The columns of a table, each with the function that reads its value from a row."""


def table(columns: Columns[Row], rows: Iterable[Row], **texts: Any) -> Answer:  # noqa: ANN401  (those of Answer)
    """Return the answer with a row for each item."""
    return Answer(list(columns), [[read(row) for read in columns.values()] for row in rows], **texts)
