"""A picture of the last day for the UI: its ticks by hour and state, and the quotes of the newest tick."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kalshi_pipeline.api import Store
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_HOUR, iso_of

_HOURS = MICROS_PER_DAY // MICROS_PER_HOUR
_COLOURS = {
    State.COMPLETE: "#2f9e63",
    State.PARTIAL: "#e8a33d",
    State.RUNNING: "#8fb3e8",
    State.SKIPPED: "#b9a7d6",
    State.MISSED: "#9aa1ab",
    State.FAILED: "#d2453c",
}
_HOUR_WIDTH, _BAR_WIDTH, _BAR_HEIGHT = 24, 20, 70
_LEGEND_WIDTH = 66
_WIDTH, _HEIGHT = _HOURS * _HOUR_WIDTH + 20, _BAR_HEIGHT + 40


class LastDay(NamedTuple):
    """The ticks of the last 24 hours, including the current one, by the first instant of their hour and by state."""

    first_hour: int
    hours: Mapping[int, Mapping[str, int]]

    @property
    def states(self) -> Counter[str]:
        """The number of ticks in each state."""
        return sum((Counter(counts) for counts in self.hours.values()), Counter[str]())


def last_day(store: Store, at: int) -> LastDay:
    """Return the ticks of the 24 hours that end with the hour of an instant."""
    end = at // MICROS_PER_HOUR * MICROS_PER_HOUR + MICROS_PER_HOUR
    start = max(0, end - MICROS_PER_DAY)
    return LastDay(start, store.ticks_by_hour(start, end))


def quotes_of_tick(tally: Tally) -> dict[str, int]:
    """Return the numbers of a tick's quotes by label: stored, unchanged, ended and so on."""
    return {
        "changed, stored": tally.inserted - tally.keyframes,
        "unchanged, stored for their age": tally.keyframes,
        "unchanged, not stored again": tally.unchanged,
        "ended": tally.ended,
        "neither listed nor proved ended": tally.unconfirmed,
        "unreadable, in quarantine": tally.quarantined,
    }


def drawn(day: LastDay) -> str:
    """Return a day as an SVG picture with one column per hour, scaled to the busiest hour's ticks."""
    most = max((sum(counts.values()) for counts in day.hours.values()), default=1)
    shapes = [shape for number in range(_HOURS) for shape in _column(day, number, most)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="10" y="14">Ticks by hour (UTC), at most {most} an hour</text>'
        f"{''.join(_legend(day.states))}{''.join(shapes)}</svg>"
    )


def _legend(states: Mapping[str, int]) -> Iterator[str]:
    shown = [(state, colour) for state, colour in _COLOURS.items() if states.get(state)]
    for number, (state, colour) in enumerate(reversed(shown), start=1):
        left = _WIDTH - number * _LEGEND_WIDTH
        yield f'<rect x="{left}" y="6" width="9" height="9" fill="{colour}"/>'
        yield f'<text x="{left + 12}" y="14">{state}</text>'


def _column(day: LastDay, number: int, most: int) -> Iterator[str]:
    hour = day.first_hour + number * MICROS_PER_HOUR
    left, bottom = 10 + number * _HOUR_WIDTH, 20.0 + _BAR_HEIGHT
    yield f'<rect x="{left}" y="{bottom:g}" width="{_BAR_WIDTH}" height="1" fill="#c8ccd2"/>'
    for state, colour in _COLOURS.items():
        height = round(day.hours.get(hour, {}).get(state, 0) / most * _BAR_HEIGHT, 1)
        bottom -= height
        if height:
            yield f'<rect x="{left}" y="{bottom:g}" width="{_BAR_WIDTH}" height="{height:g}" fill="{colour}"/>'
    if number % 3 == 0:
        yield f'<text x="{left}" y="{_HEIGHT - 6}">{iso_of(hour)[11:16]}</text>'
