"""What a benchmark is asked and what it gives: rows of one number each, with an aim where there is one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How large to measure, and where files may be left until the end; `tell` takes a line of progress."""

    markets: int | None
    is_quick: bool
    folder: Path
    tell: Callable[[str], None]

    def sizes(self, full: Sequence[int], quick: Sequence[int]) -> Sequence[int]:
        """Give the numbers of markets to measure: the one asked for, or those of this kind of run."""
        if self.markets is not None:
            return (self.markets,)
        return quick if self.is_quick else full


@dataclass(frozen=True)
class Aim:
    """A bound that a number is meant to keep, on a machine like the one that is named beside the numbers."""

    limit: float
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        """Tell whether a number keeps it."""
        return value >= self.limit if self.is_least else value <= self.limit


@dataclass(frozen=True)
class Row:
    """One number. `group` gathers rows that belong together; `also` holds what it was made of, unit in the name."""

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
        """Give the rows of a group."""
        return [row for row in self.rows if row.group == group]

    def find(self, group: str, label: str) -> Row | None:
        """Give one row, or None where it was not measured."""
        return next((row for row in self.of(group) if row.label == label), None)

    @property
    def groups(self) -> list[str]:
        """The groups, in the order in which they were measured."""
        return list(dict.fromkeys(row.group for row in self.rows))
