"""Edits of descriptions while the world lives: the configured number per step, of each kind in turn.

Edits are drawn by seed and number, separately from quotes, so a world with edits has the same quotes as one without,
except for markets whose close moved. Half of the edits go to a few objects, which change again and again; a title or a
price floor then also takes a value that it had before.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from kalshi_pipeline.sandbox.world.catalogue import COMBO_PREFIXES, TOPICS
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.edits import MilestoneEdits, PlannedFee, SeriesEdits
from kalshi_pipeline.sandbox.world.related import has_milestone
from kalshi_pipeline.sandbox.world.states import ACTIVE
from kalshi_pipeline.sandbox.world.world_state import DAY, HOUR, WorldState
from kalshi_pipeline.units import MICROS_PER_SECOND

_BUSY = 8
_STEPS_AHEAD = 5  # of a scheduled fee, and of the end of a waiver
_CHANCE = 100


def edit_descriptions(world: WorldState) -> None:
    """Make the edits of one step, and let waivers lapse that expired."""
    edits = world.edits
    for market in [market for market, until in edits.waivers.items() if until <= world.clock]:
        del edits.waivers[market]
        _touch_market(world, market)
    for _ in range(world.config.edits_per_step):
        edit = _EDITS[edits.count % len(_EDITS)]
        edit(world, scatter(world.config.seed + _CHANCE, edits.count))
        edits.count += 1


def _edit_title(world: WorldState, chance: int) -> None:
    for event in _pick_event(world, chance):
        edits = world.edits.of_event(event)
        world.edits.events[event] = edits._replace(titles=edits.titles + 1)
        _touch_event(world, event)


def _move_close(world: WorldState, chance: int) -> None:
    """Move the close of an event and its open markets by a day, later and earlier in turn."""
    for event in _pick_event(world, chance):
        events, edits = world.events, world.edits.of_event(event)
        before = events.close_at[event]
        after = before - DAY if edits.closes % 2 else before + DAY
        if min(before, after) < world.clock + HOUR:
            continue
        order = world.events_by_close[bool(events.is_combo[event])]
        del order[bisect_left(order, world.event_key(event), key=world.event_key)]
        events.close_at[event] = after
        insort(order, event, key=world.event_key)
        first = before if edits.first_close_at is None else edits.first_close_at
        world.edits.events[event] = edits._replace(closes=edits.closes + 1, first_close_at=first)
        for market in events.markets_of(event):
            if world.markets.state[market] <= ACTIVE:
                world.markets.close_at[market] = after
        _touch_event(world, event)


def _move_strike(world: WorldState, chance: int) -> None:
    for market in _pick_market(world, chance):
        edits = world.edits.of_market(market)
        world.edits.markets[market] = edits._replace(strikes=edits.strikes + 1)
        _touch_market(world, market)


def _move_floor(world: WorldState, chance: int) -> None:
    for event in _pick_event(world, chance):
        edits = world.edits.of_event(event)
        world.edits.events[event] = edits._replace(floors=edits.floors + 1)
        _touch_event(world, event)


def _waive_fee(world: WorldState, chance: int) -> None:
    """Waive the fee of a market for some steps, or extend its waiver."""
    for market in _pick_market(world, chance):
        until = _in_steps(world, _STEPS_AHEAD * (2 if market in world.edits.waivers else 1))
        world.edits.waivers[market] = until
        _touch_market(world, market)


def _rewrite_rules(world: WorldState, chance: int) -> None:
    """Rewrite the secondary rules of every market of a topic."""
    topic, events, edits = chance % len(TOPICS), world.events, world.edits
    revision = edits.rules[topic] = edits.rules.get(topic, 0) + 1
    for event, number in enumerate(events.number):
        if number >= 0 and number % len(TOPICS) == topic and not events.is_combo[event]:
            edits.events[event] = edits.of_event(event)._replace(rules=revision)
            _touch_event(world, event)


def _move_to_series(world: WorldState, chance: int) -> None:
    """Move an event to the next series, or back."""
    for event in _pick_event(world, chance):
        edits, before = world.edits.of_event(event), world.events.series[event]
        first = before if edits.first_series is None else edits.first_series
        plain = world.series_per_topic * len(TOPICS)
        after = (before + 1) % plain if before == first else first
        world.events.series[event] = after
        world.events_of_series[before].remove(event)
        world.events_of_series.setdefault(after, []).append(event)
        world.edits.events[event] = edits._replace(first_series=first)
        _touch_event(world, event)


def _edit_series(world: WorldState, chance: int) -> None:
    for series in _pick(range(world.series_per_topic * len(TOPICS)), chance):
        if world.series[series].recorded is None:
            texts = world.edits.of_series(series).texts + 1
            world.edits.series[series] = SeriesEdits(texts, world.clock)


def _plan_fee_of_series(world: WorldState, chance: int) -> None:
    for series in _pick(range(world.series_per_topic * len(TOPICS)), chance):
        planned = world.edits.fees_of_series.setdefault(series, [])
        _plan_fee(world, planned, PlannedFee(0, "quadratic", f"{1 + len(planned) % 4 / 4:g}"))


def _plan_fee_of_event(world: WorldState, chance: int) -> None:
    """Schedule an override of an event's fee or its end, or withdraw the one that is scheduled."""
    for event in _pick_event(world, chance):
        planned = world.edits.fees_of_event.setdefault(event, [])
        is_clearing = len(planned) % 2 == 1
        _plan_fee(
            world, planned, PlannedFee(0, None if is_clearing else "flat", None if is_clearing else "2")
        )


def _plan_fee(world: WorldState, planned: list[PlannedFee], fee: PlannedFee) -> None:
    if planned and planned[-1].at > world.clock:
        planned.pop()
    else:
        planned.append(fee._replace(at=_in_steps(world, _STEPS_AHEAD)))


def _edit_legs(world: WorldState, chance: int) -> None:
    for market in _pick(world.status_index.rows("open", combo=True), chance):
        if market not in world.markets.recorded:
            edits = world.edits.of_market(market)
            world.edits.markets[market] = edits._replace(legs=edits.legs + 1)
            _touch_market(world, market)


def _edit_milestone(world: WorldState, chance: int) -> None:
    for event in _pick([event for event in _open_events(world) if has_milestone(world, event)], chance):
        revision = world.edits.of_milestone(event).revision + 1
        world.edits.milestones[event] = MilestoneEdits(revision, world.clock)


def _edit_metadata(world: WorldState, chance: int) -> None:
    """Edit the metadata of an event, and with it the competition in its description."""
    for event in _pick_event(world, chance):
        edits = world.edits.of_event(event)
        world.edits.events[event] = edits._replace(metadata=edits.metadata + 1)
        _touch_event(world, event)


def _edit_collection(world: WorldState, chance: int) -> None:
    number = chance % len(COMBO_PREFIXES)
    world.edits.collections[number] = world.edits.collections.get(number, 0) + 1


_EDITS: tuple[Callable[[WorldState, int], None], ...] = (
    _edit_title, _move_close, _move_strike, _move_floor, _waive_fee, _rewrite_rules, _move_to_series, _edit_series,
    _plan_fee_of_series, _plan_fee_of_event, _edit_legs, _edit_milestone, _edit_metadata, _edit_collection,
)  # fmt: skip
KINDS_OF_EDITS = len(_EDITS)


def _in_steps(world: WorldState, count: int) -> int:
    """Return the instant some steps ahead, in whole seconds."""
    at = world.clock + round(count * world.config.step_seconds * MICROS_PER_SECOND)
    return at - at % MICROS_PER_SECOND


def _pick(rows: Sequence[int], chance: int) -> list[int]:
    """Return one row, in half of the cases one of the first few; none if there is no row."""
    if not rows:
        return []
    few = len(rows) if chance & 1 else min(_BUSY, len(rows))
    return [rows[(chance >> 1) % few]]


def _pick_market(world: WorldState, chance: int) -> list[int]:
    picked = _pick(world.status_index.rows("open", combo=False), chance)
    return [market for market in picked if market not in world.markets.recorded]


def _pick_event(world: WorldState, chance: int) -> list[int]:
    return [world.markets.event[market] for market in _pick_market(world, chance)]


def _open_events(world: WorldState) -> list[int]:
    rows = world.status_index.rows("open", combo=False)
    return list(dict.fromkeys(world.markets.event[market] for market in rows))


def _touch_market(world: WorldState, market: int) -> None:
    world.markets.updated[market] = world.clock


def _touch_event(world: WorldState, event: int) -> None:
    world.events.updated[event] = world.clock
    for market in world.events.markets_of(event):
        if world.is_live(market):
            _touch_market(world, market)
