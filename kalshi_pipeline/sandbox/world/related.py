"""Data about events and markets: milestones, targets, collections and incentives.

They are derived at every request from the events, the markets and the number of edits.
"""

from collections.abc import Iterator
from typing import NamedTuple

from kalshi_pipeline.sandbox.world.catalogue import COMBO_PREFIXES, TOPICS, opponents
from kalshi_pipeline.sandbox.world.chance import scatter, uuid_of
from kalshi_pipeline.sandbox.world.world_state import DAY, HOUR, WorldState
from kalshi_pipeline.units import datetime_of

_MILESTONE_IDS, _MARKET_IDS, _INCENTIVE_IDS = 101, 102, 103
_MARKETS_PER_INCENTIVE = 40
_EVENTS_OF_A_COLLECTION = 12
_INCENTIVE_DURATION = 7 * DAY


class Milestone(NamedTuple):
    """A game: the event that asks for its winner, when it starts, and its score so far."""

    id: str
    event: int
    start_at: int
    revision: int
    updated: int
    score: tuple[int, int]


class Target(NamedTuple):
    """A side of a game, by the identifier that structured strikes name."""

    id: str
    code: str
    name: str
    league: str


class Collection(NamedTuple):
    """A collection of events whose markets can be combined."""

    ticker: str
    series_ticker: str
    open_at: int
    close_at: int
    events: list[int]


class Incentive(NamedTuple):
    """A reward for trading a market during a time; `reward` is in hundredths of a cent."""

    id: str
    market: int
    market_id: str
    kind: str
    start_at: int
    end_at: int
    reward: int
    status: str
    description: str

    @property
    def is_paid_out(self) -> bool:
        return self.status == "paid_out"


def has_milestone(world: WorldState, event: int) -> bool:
    events = world.events
    return (
        events.number[event] >= 0
        and not events.is_combo[event]
        and world.topic_of_event(event).style == "team"
    )


def milestone_id_of(world: WorldState, event: int) -> str:
    return uuid_of(world.config.seed + _MILESTONE_IDS, event)


def milestone_of(world: WorldState, event: int) -> Milestone:
    """Return the milestone of an event that has one; every edit moves its start or its score."""
    edits = world.edits.of_milestone(event)
    game_at = world.events.close_at[event] - 48 * HOUR  # a sports market closes two days after its game
    first = world.events.first_market[event]
    created = world.markets.created[first] if first >= 0 else world.start
    return Milestone(
        milestone_id_of(world, event),
        event,
        game_at + edits.revision % 3 * HOUR,
        edits.revision,
        edits.updated or created,
        (7 * (edits.revision // 2), 3 * (edits.revision // 3)),
    )


def milestones(world: WorldState) -> Iterator[Milestone]:
    """Yield the milestones of all events."""
    for event in range(len(world.events)):
        if has_milestone(world, event):
            yield milestone_of(world, event)


def targets(world: WorldState) -> Iterator[Target]:
    """Yield the two sides of every game; a side has another identifier in every game, as its strikes do."""
    for event, number in enumerate(world.events.number):
        if has_milestone(world, event):
            league = TOPICS[number % len(TOPICS)].tags
            for ordinal, (code, name) in enumerate(opponents(number)):
                yield Target(uuid_of(17, number * 4 + ordinal), code, name, league[0] if league else "")


def collections(world: WorldState) -> Iterator[Collection]:
    """Yield the collection of each series of combos. Every edit replaces one of its events."""
    pool = list(dict.fromkeys(world.markets.event[market] for market in world.leg_pool))
    for number, prefix in enumerate(COMBO_PREFIXES):
        if prefix in world.series_position:
            first = world.edits.collections.get(number, 0)
            chosen = (pool * 2)[first % (len(pool) or 1) :][: min(len(pool), _EVENTS_OF_A_COLLECTION)]
            yield Collection(f"{prefix}-R", prefix, world.start - 90 * DAY, world.start + 365 * DAY, chosen)


def incentives(world: WorldState) -> Iterator[Incentive]:
    """Yield the incentive programs: of every fortieth market one, for a week."""
    markets = world.markets
    for market in range(7, len(markets), _MARKETS_PER_INCENTIVE):
        if market in markets.recorded or world.is_combo(market):
            continue
        created = markets.created[market]
        start_at = created - created % HOUR + HOUR
        chance = scatter(_INCENTIVE_IDS, market)
        kind = "volume" if chance % 3 else "liquidity"
        yield Incentive(
            uuid_of(world.config.seed + _INCENTIVE_IDS, market),
            market,
            uuid_of(world.config.seed + _MARKET_IDS, market),
            kind,
            start_at,
            start_at + _INCENTIVE_DURATION,
            (1 + chance % 50) * 100_000,
            _status(world.clock, start_at),
            f"Reward for {kind} until {datetime_of(start_at + _INCENTIVE_DURATION):%b %-d}",
        )


def _status(now: int, start_at: int) -> str:
    """Return the word of the `status` filter for an incentive; it is paid out a day after its end."""
    if now < start_at:
        return "upcoming"
    if now < start_at + _INCENTIVE_DURATION:
        return "active"
    return "closed" if now < start_at + _INCENTIVE_DURATION + DAY else "paid_out"
