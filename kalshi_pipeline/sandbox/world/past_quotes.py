"""Quotes of a market over its past: the served ones since the world began, made-up ones before.

A made-up quote changes at whole hours, is the same at every request, and gives way to the real one where that is
known. It moves around the first real quote, or around the last price of a market that was closed by then.
"""

from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.prices import PriceStructure
from kalshi_pipeline.sandbox.world.quote_log import Quote
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import HOUR


def quotes_since(world: World, market: int, since: int) -> list[Quote]:
    """The quote in force at an instant of the market's life, and all later ones; oldest first, at least one."""
    markets, known_since = world.markets, world.quote_log.known_since
    known = world.quote_log.history(market, markets.bid[market], markets.ask[market], since)
    born = markets.created[market]
    if since >= known_since or born >= known_since or market in markets.recorded:
        return known
    return [*_made_up(world, market, max(since, born), known[0]), *known]


def _made_up(world: World, market: int, since: int, first: Quote) -> list[Quote]:
    """Quotes from an instant until the first real one."""
    markets, structure = world.markets, world.structure_of(market)
    bid, ask, until = first.bid, first.ask, first.at
    is_over = markets.close_at[market] <= first.at
    if is_over:
        until = markets.close_at[market]
        if last := markets.last[market]:
            bid, ask = structure.snap(last - 1), structure.snap(last + structure.step_at(last))
    quotes = [
        Quote(at, *_drifted(structure, bid, ask, scatter(91 + market, at // HOUR) % 9 - 4))
        for at in range(since - since % HOUR, until, HOUR)
    ]
    return [*quotes, Quote(until, first.bid, first.ask)] if is_over else quotes


def _drifted(structure: PriceStructure, bid: int, ask: int, drift: int) -> tuple[int, int]:
    """Both sides some steps away, a missing one still missing; as they were where they would meet."""
    new_bid = structure.snap(bid + drift * structure.step_at(bid)) if bid else 0
    new_ask = structure.snap(ask + drift * structure.step_at(ask)) if ask < MICROS else MICROS
    return (new_bid, new_ask) if new_bid < new_ask else (bid, ask)
