"""Order books: the best level is the market's quote with its size, and deeper ones are derived from the position."""

from typing import NamedTuple

from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.prices import PriceStructure
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.units import MICROS_PER_DOLLAR


class Level(NamedTuple):
    price: int
    size: int


def book_of(world: World, market: int, depth: int) -> tuple[list[Level], list[Level]]:
    """Return the bids for YES and for NO, ascending, the best one last; all levels if `depth` is 0."""
    markets, structure = world.markets, world.structure_of(market)
    whole = 100 if world.config.shape == "2026-01" else 1
    yes = _side(market * 2, structure, Level(markets.bid[market], markets.bid_size[market]), whole)
    no_best = Level(MICROS_PER_DOLLAR - markets.ask[market], markets.ask_size[market])
    no = _side(market * 2 + 1, structure, no_best, whole)
    return yes[-depth:], no[-depth:]


def _side(draw: int, structure: PriceStructure, best: Level, whole: int) -> list[Level]:
    if not best.price:
        return []
    levels = [best]
    for deeper in range(scatter(81, draw) % 12):
        chance = scatter(82, draw * 16 + deeper)
        step = structure.step_at(levels[-1].price - 1)
        price = levels[-1].price - step * (1 + chance % 3)
        if price < step:
            break
        size = 100 + (chance >> 8) % 500_000
        levels.append(Level(price, size - size % whole))
    return levels[::-1]
