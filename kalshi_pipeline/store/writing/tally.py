"""The counts of a page or of a run."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Tally:
    """What became of the records of a page or of a run.

    received = inserted + changed + unchanged + quarantined + duplicates + out_of_scope, where the last are records that
    were not asked for. `placeholders` counts the parents made, `healed` those filled; `keyframes` counts the inserted
    quotes that are unchanged and were written for their age, `ended` the histories that were ended, `paused` the
    markets that are open and paused, `unconfirmed` those that were neither listed nor proved ended, `gone` those that
    were found in neither of the exchange's tiers.
    """

    pages: int = 0
    received: int = 0
    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    duplicates: int = 0
    out_of_scope: int = 0
    placeholders: int = 0
    healed: int = 0
    keyframes: int = 0
    ended: int = 0
    paused: int = 0
    unconfirmed: int = 0
    gone: int = 0

    @property
    def new(self) -> int:
        """How many of the records were asked for, each counted once."""
        return self.received - self.duplicates - self.out_of_scope

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})
