"""How markets end: their result and what a contract pays (API.md §2)."""

from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.catalogue import is_exclusive
from kalshi_pipeline.sandbox.world.chance import scatter
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


def fate_of(world: WorldState, market: int) -> tuple[int, ...]:
    """The states after `closed`: one market in forty, or more if the world says so, is disputed and amended, one in
    fifty never leaves `closed`."""
    chance = scatter(world.config.seed + 41, market)
    if chance < world.amended_share * 2**64:
        return (DETERMINED, DISPUTED, AMENDED, FINALIZED)
    if not chance % 50:
        return ()
    if not chance % 40:
        return (DETERMINED, DISPUTED, AMENDED, FINALIZED)
    return (DETERMINED, FINALIZED)


def settle(world: WorldState, market: int, state: int, at: int, later: tuple[int, ...] = ()) -> None:
    """Moves a market to a state past `closed`, with its result; until it is amended that is a mistaken one.

    What it pays is known from its determination on [SPEC 3.32], or only once it is final [REC 2026-08]: markets take
    turns, and those to be amended show theirs early, so that it changes.
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
    """Another outcome: the other side, or another value of a scalar."""
    if result == SCALAR:
        return SCALAR, (value + MICROS // 4) % MICROS or MICROS // 4
    return (NO, 0) if result == YES else (YES, MICROS)


def result_of(world: WorldState, market: int) -> tuple[int, int]:
    """The result, and what the yes side pays in micro-dollars.

    At most one market of an exclusive event resolves to yes. One game in seventeen is called off and every
    market of it settles at a fair price, which is a scalar settlement (API.md §2).
    """
    event, ordinal = world.markets.event[market], world.markets.ordinal[market]
    if world.events.is_combo[event]:
        return (YES, MICROS) if scatter(world.config.seed + 43, market) % 9 == 0 else (NO, 0)
    chance = scatter(world.config.seed + 44, world.events.number[event])
    topic = world.topic_of_event(event)
    if topic.style == "scalar":
        return SCALAR, chance % 9_999 * 100 + 100
    if topic.style == "team" and chance % 17 == 0:
        return SCALAR, MICROS // 2
    winner = (chance >> 8) % topic.size
    if is_exclusive(topic):
        return (YES, MICROS) if ordinal == winner else (NO, 0)
    return (YES, MICROS) if ordinal < winner else (NO, 0)
