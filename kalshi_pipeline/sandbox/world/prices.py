"""Price level structures: which prices between 0 and 1 dollar a market allows (docs/exchange-api.md, Prices).

Prices are integer micro-dollars, so that the six decimals of a future shape fit too.
"""

from dataclasses import dataclass

from kalshi_pipeline.units import MICROS_PER_DOLLAR


@dataclass(frozen=True, slots=True)
class PriceStructure:
    """`edges` divide the dollar into ranges; `steps` has the price step of each range."""

    name: str
    edges: tuple[int, ...]
    steps: tuple[int, ...]

    def step_at(self, price: int) -> int:
        for edge, step in zip(self.edges[1:], self.steps, strict=True):
            if price < edge:
                return step
        return self.steps[-1]

    def snap(self, price: int) -> int:
        """Return the nearest lower price on the grid, at least one step away from 0 and from 1 dollar."""
        price = min(max(price, self.steps[0]), MICROS_PER_DOLLAR - self.steps[-1])
        return price - price % self.step_at(price)


LINEAR_CENT = PriceStructure("linear_cent", (0, MICROS_PER_DOLLAR), (10_000,))
DECI_CENT = PriceStructure("deci_cent", (0, MICROS_PER_DOLLAR), (1_000,))
CENTI_CENT_EDGES = PriceStructure(
    "center_deci_edge_centi_cent", (0, 250_000, 750_000, MICROS_PER_DOLLAR), (100, 1_000, 100)
)
MICRO = PriceStructure("micro_dollar", (0, MICROS_PER_DOLLAR), (1,))  # invented, for the future shape
