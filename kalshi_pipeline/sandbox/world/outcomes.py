"""How markets end: their result and what a contract pays (docs/exchange-api.md, Settlements)."""

from kalshi_pipeline.sandbox.world.catalogue import is_exclusive
from kalshi_pipeline.sandbox.world.chance import is_within, scatter
from kalshi_pipeline.sandbox.world.states import (
    AMENDED,
    DETERMINED,
    DISPUTED,
    FINALIZED,
    NO,
    SCALAR,
    YES,
)
from kalshi_pipeline.sandbox.world.world_state import WorldState
from kalshi_pipeline.units import MICROS_PER_DOLLAR


def states_after_close(world: WorldState, market: int) -> tuple[int, ...]:
    """Return the states that follow `closed`.

    One market in forty, or the share that the world asks for, is disputed and amended; one in fifty stays `closed`.
    """
    chance = scatter(world.config.seed + 41, market)
    if is_within(chance, world.amended_share):
        return (DETERMINED, DISPUTED, AMENDED, FINALIZED)
    if not chance % 50:
        return ()
    if not chance % 40:
        return (DETERMINED, DISPUTED, AMENDED, FINALIZED)
    return (DETERMINED, FINALIZED)


def settle(world: WorldState, market: int, state: int, at: int, later: tuple[int, ...] = ()) -> None:
    """Move a market to a state past `closed`, with its result; the result is mistaken if `later` holds an amendment.

    The payout appears when the market is determined (documented) or only when it is final (recorded in August 2026):
    markets alternate, and those that will be amended show it early, so that it changes.
    """
    world.set_state(market, state)
    result, value = result_of(world, market)
    if AMENDED in later:
        result, value = _mistaken(result, value)
    markets = world.markets
    markets.result[market] = result
    markets.updated[market] = at
    if state in (FINALIZED, AMENDED) or AMENDED in later or market % 2:
        markets.settlement_value[market] = value
    if state == FINALIZED:
        markets.settled_at[market] = at
        world.settled.append((at, market))


def _mistaken(result: int, value: int) -> tuple[int, int]:
    """Return another outcome: the other side, or another value of a scalar."""
    if result == SCALAR:
        return SCALAR, (value + MICROS_PER_DOLLAR // 4) % MICROS_PER_DOLLAR or MICROS_PER_DOLLAR // 4
    return (NO, 0) if result == YES else (YES, MICROS_PER_DOLLAR)


def result_of(world: WorldState, market: int) -> tuple[int, int]:
    """Return the result, and what YES pays in micro-dollars.

    At most one market of an exclusive event resolves to yes. One game in seventeen is called off, and all of its
    markets settle at a fair price, which is a scalar settlement.
    """
    event, ordinal = world.markets.event[market], world.markets.ordinal[market]
    if world.events.is_combo[event]:
        return (YES, MICROS_PER_DOLLAR) if scatter(world.config.seed + 43, market) % 9 == 0 else (NO, 0)
    chance = scatter(world.config.seed + 44, world.events.number[event])
    topic = world.topic_of_event(event)
    if topic.style == "scalar":
        return SCALAR, chance % 9_999 * 100 + 100
    if topic.style == "team" and chance % 17 == 0:
        return SCALAR, MICROS_PER_DOLLAR // 2
    winner = (chance >> 8) % topic.size
    if is_exclusive(topic):
        return (YES, MICROS_PER_DOLLAR) if ordinal == winner else (NO, 0)
    return (YES, MICROS_PER_DOLLAR) if ordinal < winner else (NO, 0)
