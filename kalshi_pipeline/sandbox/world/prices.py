"""Price level structures: where on the dollar a price may stand (API.md quirk 7: the ranges are the truth).

Prices are integer micro-dollars, so that the six decimals of a future shape fit too.
"""

from dataclasses import dataclass
from itertools import pairwise

from kalshi_pipeline.sandbox.shapes.json_format import MICROS, spell_dollars


@dataclass(frozen=True, slots=True)
class PriceStructure:
    """`edges` cut the dollar into ranges; `steps` has the price step of each range."""

    name: str
    edges: tuple[int, ...]
    steps: tuple[int, ...]

    def step_at(self, price: int) -> int:
        for edge, step in zip(self.edges[1:], self.steps, strict=True):
            if price < edge:
                return step
        return self.steps[-1]

    def snap(self, price: int) -> int:
        """The nearest lower price of the grid, at least one step away from nothing and from a dollar."""
        price = min(max(price, self.steps[0]), MICROS - self.steps[-1])
        return price - price % self.step_at(price)

    def render(self) -> str:
        ranges = (
            f'{{"end":"{spell_dollars(end)}","start":"{spell_dollars(start)}","step":"{spell_dollars(step)}"}}'
            for (start, end), step in zip(pairwise(self.edges), self.steps, strict=True)
        )
        return f"[{','.join(ranges)}]"


LINEAR_CENT = PriceStructure("linear_cent", (0, MICROS), (10_000,))
DECI_CENT = PriceStructure("deci_cent", (0, MICROS), (1_000,))
CENTI_CENT_EDGES = PriceStructure(
    "center_deci_edge_centi_cent", (0, 250_000, 750_000, MICROS), (100, 1_000, 100)
)
MICRO = PriceStructure("micro_dollar", (0, MICROS), (1,))  # made up, for the future shape
