"""The options of a benchmark, and its result: rows of one number each, some with an aim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How large to measure, where to keep files until the end, and how to report progress."""

    markets: int | None
    is_quick: bool
    folder: Path
    report_progress: Callable[[str], None]

    def sizes(self, full: Sequence[int], quick: Sequence[int]) -> Sequence[int]:
        """Return the numbers of markets to measure: the one in the options, or those of this kind of run."""
        if self.markets is not None:
            return (self.markets,)
        return quick if self.is_quick else full


@dataclass(frozen=True)
class Aim:
    """A bound that a number should keep, on a machine like the one named beside the numbers."""

    limit: float
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        """Return whether a number keeps the bound."""
        return value >= self.limit if self.is_least else value <= self.limit


@dataclass(frozen=True)
class Row:
    """One number. Rows of one `group` belong together; `also` holds the number's parts, with units in their names."""

    group: str
    label: str
    value: float
    unit: str
    aim: Aim | None = None
    also: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The rows of one benchmark; `title` says what was measured, and how."""

    title: str
    rows: Sequence[Row]

    def of(self, group: str) -> list[Row]:
        """Return the rows of a group."""
        return [row for row in self.rows if row.group == group]

    def find(self, group: str, label: str) -> Row | None:
        """Return one row, or None if it was not measured."""
        return next((row for row in self.of(group) if row.label == label), None)

    @property
    def groups(self) -> list[str]:
        """The groups, in the order in which they were measured."""
        return list(dict.fromkeys(row.group for row in self.rows))
