"""Creation of events, markets and combos, in the initial world and in every later step."""

from kalshi_pipeline.sandbox.world.catalogue import COMBO_PREFIXES, TOPICS, opponents, outcome_of, topic_of
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.edits import EventEdits
from kalshi_pipeline.sandbox.world.states import INITIALIZED
from kalshi_pipeline.sandbox.world.world_state import DAY, WorldState
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of

_MINUTE = 60 * MICROS_PER_SECOND
_SERIES_CODE_DAY = "%y%b%d"


def series_of_number(world: WorldState, number: int) -> int:
    """Return the position of the series of the number-th event; topics and subjects take turns."""
    per_topic = world.series_per_topic
    topic, turn = number % len(TOPICS), number // len(TOPICS)
    return topic * per_topic + turn % per_topic


def event_ticker_of(world: WorldState, number: int, close_at: int) -> str:
    """Return the ticker of the number-th event."""
    series = series_of_number(world, number)
    day = f"{datetime_of(close_at):{_SERIES_CODE_DAY}}".upper()
    if topic_of(number).style in ("team", "above"):
        (home, _), (away, _) = opponents(number)
        day += away + home
    return f"{world.series[series].ticker}-{day}{number:X}"


def create_event(world: WorldState, number: int, created: int, close_at: int) -> int:
    """Create an event without markets, which closes at a whole second; index it once its markets are created."""
    ticker, series = event_ticker_of(world, number, close_at), series_of_number(world, number)
    event = world.events.append(ticker, number, series, close_at, created, is_combo=False)
    if revision := world.edits.rules.get(number % len(TOPICS)):
        world.edits.events[event] = EventEdits(rules=revision)
    return event


def draw_close(world: WorldState, number: int, created: int) -> int:
    """Return when an event closes, in whole minutes: mostly within two months, for one in twelve in a far year."""
    chance = scatter(world.config.seed + 21, number)
    days = 2 + chance % 60 if chance % 12 else 365 * (1 + chance % 70)
    at = created + days * DAY + (chance >> 20) % 1440 * _MINUTE
    return at - at % _MINUTE


def create_market(world: WorldState, event: int, ordinal: int, state: int, created: int) -> int:
    """Create a market of an event, without a quote. An unopened one opens some minutes after its creation."""
    outcome = outcome_of(world.events.number[event], ordinal)
    ticker = f"{world.events.ticker[event]}-{outcome.code}"
    open_at = created - created % _MINUTE + (4 * _MINUTE if state == INITIALIZED else 0)
    close_at = world.events.close_at[event]
    market = world.markets.append(ticker, event, ordinal, state, created, open_at, close_at)
    world.index_market(market)
    return market


def combo_event_ticker_of(world: WorldState, number: int) -> str:
    """Return the ticker of the event of the number-th combo."""
    prefix = COMBO_PREFIXES[number % len(COMBO_PREFIXES)]
    return f"{prefix}-S2026{scatter(world.config.seed + 31, number) >> 20:011X}"


def create_combo(world: WorldState, number: int, state: int, created: int) -> int:
    """Create a combo with its own event, without a quote; it closes two weeks later (recorded on 2026-01-12)."""
    series = len(TOPICS) * world.series_per_topic + number % len(COMBO_PREFIXES)
    event_ticker = combo_event_ticker_of(world, number)
    close_at = created - created % (15 * _MINUTE) + 15 * DAY
    event = world.events.append(event_ticker, number, series, close_at, created, is_combo=True)
    ticker = f"{event_ticker}-{scatter(world.config.seed + 32, number) >> 20:011X}"
    market = world.markets.append(ticker, event, 0, state, created, created, close_at)
    world.index_market(market)
    return market
