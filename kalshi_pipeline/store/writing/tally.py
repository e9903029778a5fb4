"""The counts of a page or of a run."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Tally:
    """The counts of the records of a page or a run.

    received = inserted + changed + unchanged + quarantined + duplicates + out_of_scope; the last are unrequested
    records. `placeholders` counts created parents, `healed` filled ones; `keyframes` counts inserted quotes that are
    unchanged and were written because of their age, `ended` the histories that ended, `paused` open markets that are
    paused, `unconfirmed` markets neither listed nor proved ended, `gone` markets in neither tier.
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
        """The number of requested records, each counted once."""
        return self.received - self.duplicates - self.out_of_scope

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})
