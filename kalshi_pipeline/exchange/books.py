"""Order books of one market or of many, each whole or not at all. `activity` says what a book is."""

from typing import NamedTuple, Self

from pydantic import model_validator

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.activity import OrderBookPayload
from kalshi_pipeline.exchange.fields import Ticker
from kalshi_pipeline.exchange.pages import Page, Reject, parse_object, parse_page


class Level(NamedTuple):
    """A price of a side in micro-dollars, and the size that rests there in hundredths of a contract."""

    price: int
    size: int


class OrderBook(NamedTuple):
    """Resting bids for YES and for NO, ascending, so that the best is last; an empty side has none."""

    ticker: str
    yes: list[Level]
    no: list[Level]


def parse_books(body: bytes) -> Page[OrderBook]:
    """Read the books of many markets; errors as in `parse_page`."""
    page = parse_page(body, "orderbooks", _NamedBookPayload)
    return Page([_book(payload.ticker, payload) for payload in page.records], page.rejects)


def parse_book(body: bytes, ticker: str) -> Page[OrderBook]:
    """Read one market's book, which does not name it; errors as in `parse_page`."""
    try:
        return Page([_book(ticker, parse_object(body, None, _WholeBookPayload))])
    except PayloadError as error:
        return Page([], [Reject(ticker, body.decode(errors="replace"), str(error))])


class _WholeBookPayload(OrderBookPayload):
    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for name, side in (("yes", self.yes), ("no", self.no)):
            if any(level.price is None or level.size is None for level in side):
                raise ValueError(f"a level of its {name} side lacks its price or its size")
            if len({level.price for level in side}) < len(side):
                raise ValueError(f"its {name} side names a price twice")
        return self


class _NamedBookPayload(_WholeBookPayload):
    ticker: Ticker


def _book(ticker: str, payload: OrderBookPayload) -> OrderBook:
    yes, no = (
        [
            Level(level.price, level.size)
            for level in side
            if level.price is not None and level.size is not None
        ]
        for side in (payload.yes, payload.no)
    )
    return OrderBook(ticker, yes, no)
