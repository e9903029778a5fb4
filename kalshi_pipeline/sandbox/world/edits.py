"""How often each description was edited since the world began; the texts follow from that.

An object in none of the tables is unedited. editing.py makes the edits.
"""

from typing import NamedTuple


class EventEdits(NamedTuple):
    """How often each part of an event was edited, and the former values that its texts still name."""

    titles: int = 0
    rules: int = 0
    floors: int = 0
    metadata: int = 0
    closes: int = 0
    first_close_at: int | None = None
    first_series: int | None = None


class MarketEdits(NamedTuple):
    """How often each part of a market was edited; only combos have legs."""

    strikes: int = 0
    legs: int = 0


class SeriesEdits(NamedTuple):
    """How often the texts of a series were edited, and the last time."""

    texts: int = 0
    updated: int = 0


class MilestoneEdits(NamedTuple):
    """How often a milestone was edited, and the last time."""

    revision: int = 0
    updated: int = 0


class PlannedFee(NamedTuple):
    """A fee, or None and None for an override that is cleared, and when it comes into force."""

    at: int
    fee_type: str | None
    multiplier: str | None


_NEW_EVENT, _NEW_MARKET, _NEW_SERIES, _NEW_MILESTONE = (
    EventEdits(),
    MarketEdits(),
    SeriesEdits(),
    MilestoneEdits(),
)


class Edits:
    """The edits by position of the series, event or market; those of a milestone by the position of its event."""

    def __init__(self) -> None:
        self.count = 0
        self.events: dict[int, EventEdits] = {}
        self.markets: dict[int, MarketEdits] = {}
        self.series: dict[int, SeriesEdits] = {}
        self.milestones: dict[int, MilestoneEdits] = {}
        # How often the associated events of each collection were edited, by the number of its series.
        self.collections: dict[int, int] = {}
        # How often the secondary rules of each topic were rewritten.
        self.rules: dict[int, int] = {}
        # When the fee waiver of a market expires. A waiver that has expired is not here.
        self.waivers: dict[int, int] = {}
        self.fees_of_series: dict[int, list[PlannedFee]] = {}
        self.fees_of_event: dict[int, list[PlannedFee]] = {}

    def of_event(self, event: int) -> EventEdits:
        return self.events.get(event, _NEW_EVENT)

    def of_market(self, market: int) -> MarketEdits:
        return self.markets.get(market, _NEW_MARKET)

    def of_series(self, series: int) -> SeriesEdits:
        return self.series.get(series, _NEW_SERIES)

    def of_milestone(self, event: int) -> MilestoneEdits:
        return self.milestones.get(event, _NEW_MILESTONE)
