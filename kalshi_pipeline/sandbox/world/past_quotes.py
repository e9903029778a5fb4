"""Past quotes of a market: served ones since the world began, and synthetic ones before.

A synthetic quote changes at whole hours, is the same at every request, and is replaced by the real one wherever that is
known. It varies around the first real quote, or around the last price of a market that had closed before.
"""

from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.prices import PriceStructure
from kalshi_pipeline.sandbox.world.quote_log import Quote
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import HOUR
from kalshi_pipeline.units import MICROS_PER_DOLLAR


def quotes_since(world: World, market: int, since: int) -> list[Quote]:
    """Return the quote in force at an instant and all later ones, oldest first; at least one."""
    markets, known_since = world.markets, world.quote_log.known_since
    known = world.quote_log.history(market, markets.bid[market], markets.ask[market], since)
    created = markets.created[market]
    if since >= known_since or created >= known_since or market in markets.recorded:
        return known
    return [*_synthetic(world, market, max(since, created), known[0]), *known]


def _synthetic(world: World, market: int, since: int, first: Quote) -> list[Quote]:
    """Return synthetic quotes from an instant until the first real one."""
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
    """Return both sides moved by some steps, or unchanged if they would cross; a missing side stays missing."""
    new_bid = structure.snap(bid + drift * structure.step_at(bid)) if bid else 0
    new_ask = (
        structure.snap(ask + drift * structure.step_at(ask)) if ask < MICROS_PER_DOLLAR else MICROS_PER_DOLLAR
    )
    return (new_bid, new_ask) if new_bid < new_ask else (bid, ask)
