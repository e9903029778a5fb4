"""The scope of a run: a set of markets, by series, kind and status. `store` decides how a scope is stored."""

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
    """Markets selected by series (all if empty), by kind (combos or not), and by a status filter (any if None).

    Series are sorted and unique, so two scopes of the same markets are equal.
    """

    series: tuple[str, ...] = ()
    combos: Combos = Combos.INCLUDE
    status: StatusFilter | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", tuple(sorted(set(self.series))))

    @property
    def kinds(self) -> tuple[bool, ...]:
        """The covered values of a market's `is_combo`."""
        return _KINDS[self.combos]

    @property
    def statuses(self) -> frozenset[MarketStatus]:
        """The known statuses that it covers."""
        return frozenset(MarketStatus) if self.status is None else STATUSES_OF[self.status]

    @property
    def is_everything(self) -> bool:
        """Whether it covers every market with its statuses."""
        return not self.series and self.combos is Combos.INCLUDE

    @property
    def shows_absence(self) -> bool:
        """Whether a complete listing of this scope decides for each of its markets whether it is open.

        A listing of paused markets does not: a missing market may trade again.
        """
        return self.status is StatusFilter.OPEN

    @property
    def sentence(self) -> str:
        """The scope in words, for display only."""
        named = ", ".join(self.series) or "all series"
        return f"{self.status or 'all'} markets of {named}, {_WORDS[self.combos]}"

    def covers(self, other: "Scope") -> bool:
        """Return whether this scope contains every market of another."""
        return (
            set(self.kinds) >= set(other.kinds)
            and (not self.series or (bool(other.series) and set(self.series) >= set(other.series)))
            and (self.status is None or (other.status is not None and self.statuses >= other.statuses))
        )

    def covers_market(self, series: str | None, status: str | None = None, *, is_combo: bool) -> bool:
        """Return whether the scope contains a market, by its event's series, its kind and, if given, its status.

        A market of an unknown series is only in scopes of all series.
        """
        return (
            is_combo in self.kinds
            and (not self.series or series in self.series)
            and (status is None or self.status is None or status in self.statuses)
        )
