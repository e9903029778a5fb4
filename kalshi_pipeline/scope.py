"""What a run covers: a set of markets, by series, kind and status. The store decides how it is stored."""

from dataclasses import dataclass
from enum import StrEnum

from kalshi_pipeline.vocabulary import STATUSES_OF, MarketStatus, StatusFilter


class Combos(StrEnum):
    """Which multivariate (`KXMVE…`) markets are collected."""

    EXCLUDE = "exclude"
    ONLY = "only"
    INCLUDE = "include"


_KINDS = {Combos.EXCLUDE: (False,), Combos.ONLY: (True,), Combos.INCLUDE: (False, True)}
_WORDS = {Combos.EXCLUDE: "no combos", Combos.ONLY: "only combos", Combos.INCLUDE: "with combos"}


@dataclass(frozen=True)
class Scope:
    """The markets of some series (of all if it names none), combos or not, with the statuses of a filter (or any).

    Its series are kept sorted and without repetition, so two scopes of the same markets are equal.
    """

    series: tuple[str, ...] = ()
    combos: Combos = Combos.INCLUDE
    status: StatusFilter | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", tuple(sorted(set(self.series))))

    @property
    def kinds(self) -> tuple[bool, ...]:
        """The values of a market's `is_combo` that it covers."""
        return _KINDS[self.combos]

    @property
    def statuses(self) -> frozenset[MarketStatus]:
        """The statuses that it covers, of those that are known."""
        return frozenset(MarketStatus) if self.status is None else STATUSES_OF[self.status]

    @property
    def is_everything(self) -> bool:
        """Whether it covers every market with its statuses."""
        return not self.series and self.combos is Combos.INCLUDE

    @property
    def shows_absence(self) -> bool:
        """Whether its complete listing shows of every market in it whether it is open, listed or not.

        A listing of paused markets does not: one that is missing may trade again.
        """
        return self.status is StatusFilter.OPEN

    @property
    def sentence(self) -> str:
        """The scope as people read it. Nothing is decided by it."""
        named = ", ".join(self.series) or "all series"
        return f"{self.status or 'all'} markets of {named}, {_WORDS[self.combos]}"

    def covers(self, other: "Scope") -> bool:
        """Return whether every market of another scope is in this one."""
        return (
            set(self.kinds) >= set(other.kinds)
            and (not self.series or (bool(other.series) and set(self.series) >= set(other.series)))
            and (self.status is None or (other.status is not None and self.statuses >= other.statuses))
        )

    def covers_market(self, series: str | None, status: str | None = None, *, is_combo: bool) -> bool:
        """Return whether a market is in it, by the series of its event; without a status, by series and kind alone.

        One whose series is unknown is in scopes of all series only.
        """
        return (
            is_combo in self.kinds
            and (not self.series or series in self.series)
            and (status is None or self.status is None or status in self.statuses)
        )
