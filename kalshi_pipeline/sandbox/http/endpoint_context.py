"""The context of every endpoint: the world, its tiers, the shape of its answers, and their envelopes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

from kalshi_pipeline.sandbox.faults.tiers import Tiers
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import NotFoundError
from kalshi_pipeline.sandbox.shapes.shape_2026_10 import NewestShape
from kalshi_pipeline.sandbox.world.world import World

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class EndpointContext:
    """What endpoints read, and how they wrap it. Answers are JSON in UTF-8; render them under the world's lock.

    `created_skew` is a fault: the microseconds by which the bounds of created times are moved.
    """

    world: World
    shape: NewestShape
    tiers: Tiers
    created_skew: int = 0

    def envelope(self, members: str) -> bytes:
        return f"{{{members}{self.shape.envelope_extra}}}".encode()

    def listing(self, key: str, rows: Iterable[str], cursor: str | None = None) -> bytes:
        """Return a page. The last page has the cursor "" (recorded); an endpoint without pages has no cursor."""
        tail = "" if cursor is None else f',"cursor":"{cursor}"'
        # Encoded row by row, since a single character beyond Latin-1 would double the memory of a whole page.
        body = b",".join([row.encode() for row in rows])
        return b'{"%b":[%b]%b%b}' % (key.encode(), body, tail.encode(), self.shape.envelope_extra.encode())

    def find_market(self, ticker: str, *, live: bool = True) -> int:
        """Return the position of a market in the live or the historical tier; NotFoundError if it is not there."""
        market = self.world.markets.position.get(ticker)
        if market is None or not (self.tiers.is_live(market) if live else self.tiers.is_historical(market)):
            raise NotFoundError
        return market

    def live_market(self, market: int) -> str:
        """Return the JSON of a market as the live tier shows it."""
        text = self.shape.market(market)
        return self.tiers.older_version(market, text) if self.tiers.is_in_both(market) else text


Handler: TypeAlias = Callable[[EndpointContext, Query], bytes]


def cut_page(rows: Iterator[_Row], limit: int) -> tuple[list[_Row], bool]:
    """Return the first rows, and whether more follow, by taking one row more."""
    page = list(islice(rows, limit + 1))
    return page[:limit], len(page) > limit
