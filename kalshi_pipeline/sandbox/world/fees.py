"""Past and scheduled fees of series and fee overrides of events, derived at every request without state.

One series in three changes its fee: long before the start, ten minutes after it, and a month later. One event in ten
has an override that is cleared a day later and scheduled again, and one in ten has an override that stays. Edits of the
world (edits.py) add further changes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kalshi_pipeline.sandbox.world.chance import uuid_of
from kalshi_pipeline.sandbox.world.edits import PlannedFee
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import AS_RECORDED, DAY, HOUR, SeriesRow

_SERIES_IDS, _EVENT_IDS = 71, 72
_PLANNED_IDS = 200  # added to the above
_MOST_PLANNED = 1 << 20  # of one series or event, so that every change has an identifier of its own
_MINUTE = HOUR // 60


class Fee(NamedTuple):
    """A fee type, and a multiplier as JSON has it; None and None for an override that is cleared."""

    fee_type: str | None
    multiplier: str | None


class SeriesFeeChange(NamedTuple):
    """A change of the fee of a series, by the position of the series."""

    id: str
    series: int
    fee: Fee
    scheduled_at: int


class EventFeeChange(NamedTuple):
    """A change of the fee override of an event, by the position of the event."""

    id: str
    event: int
    fee: Fee
    scheduled_at: int


CLEARED = Fee(None, None)


def series_fee_changes(world: World) -> Iterator[SeriesFeeChange]:
    """Yield the changes of all series, of each the oldest first."""
    for position, row in enumerate(world.series):
        yield from changes_of_series(world, position, row)


def changes_of_series(world: World, position: int, row: SeriesRow) -> Iterator[SeriesFeeChange]:
    """Yield the changes of a series, the oldest first."""
    if row.topic == AS_RECORDED:
        return
    steps = (
        (world.start - 90 * DAY, Fee("quadratic_with_maker_fees", "1")),
        (world.start + 10 * _MINUTE, Fee("quadratic", "0.5")),
        (world.start + 30 * DAY, Fee("flat", "1")),
    )
    for change in _changes(
        world, _SERIES_IDS, position, () if position % 3 else steps, world.edits.fees_of_series
    ):
        yield SeriesFeeChange(change.id, position, change.fee, change.at)


def event_fee_changes(world: World) -> Iterator[EventFeeChange]:
    """Yield the changes of all events, of each the oldest first."""
    for event in range(len(world.events)):
        yield from changes_of_event(world, event)


def changes_of_event(world: World, event: int) -> Iterator[EventFeeChange]:
    """Yield the changes of the override of an event, the oldest first."""
    events = world.events
    first = events.first_market[event]
    if first < 0 or events.number[event] < 0 or events.is_combo[event]:
        return
    created = world.markets.created[first]
    steps = []
    if event % 10 in (3, 7):
        steps.append((created + HOUR, Fee("quadratic_with_maker_fees", "0.25")))
    if event % 10 == 3:
        steps += [(created + 25 * HOUR, CLEARED), (created + 60 * DAY, Fee("flat", "1"))]
    for change in _changes(world, _EVENT_IDS, event, steps, world.edits.fees_of_event):
        yield EventFeeChange(change.id, event, change.fee, change.at)


class _Change(NamedTuple):
    at: int
    id: str
    fee: Fee


def _changes(
    world: World,
    ids: int,
    position: int,
    steps: Iterable[tuple[int, Fee]],
    planned: Mapping[int, Sequence[PlannedFee]],
) -> list[_Change]:
    """Return the changes that every world has and those of its edits, oldest first."""
    seed = world.config.seed + ids
    changes = [
        _Change(at, uuid_of(seed, 4 * position + number), fee) for number, (at, fee) in enumerate(steps)
    ]
    for number, fee in enumerate(planned.get(position, ())):
        identifier = uuid_of(seed + _PLANNED_IDS, _MOST_PLANNED * position + number)
        changes.append(_Change(fee.at, identifier, Fee(fee.fee_type, fee.multiplier)))
    return sorted(changes)


def fee_of_series(world: World, row: SeriesRow) -> Fee:
    """Return the fee of a series at the world's present time."""
    changes = changes_of_series(world, world.series_position[row.ticker], row)
    first = Fee(("quadratic", "quadratic_with_maker_fees", "flat")[row.number % 7 // 3], "1")
    return _newest(world, first, list(changes))


def override_of_event(world: World, event: int) -> Fee:
    """Return the override of an event at the world's present time; CLEARED where it has none."""
    return _newest(world, CLEARED, list(changes_of_event(world, event)))


def _newest(world: World, first: Fee, changes: Sequence[SeriesFeeChange | EventFeeChange]) -> Fee:
    return next((change.fee for change in reversed(changes) if change.scheduled_at <= world.clock), first)
