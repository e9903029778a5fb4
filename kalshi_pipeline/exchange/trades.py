"""Pages of trades, read fast: a day has millions. `activity` says what a trade is, and reads pages that are odd."""

from typing import Annotated, NamedTuple, Self

import msgspec
from pydantic import model_validator

from kalshi_pipeline.exchange.activity import TradePayload
from kalshi_pipeline.exchange.fields import LONGEST_TICKER, read_contracts, read_dollars
from kalshi_pipeline.exchange.pages import Page, Reject, parse_page
from kalshi_pipeline.units import parse_instant


class Trade(NamedTuple):
    """One execution: an instant, micro-dollars of YES, hundredths of a contract; None is not told.

    One without its time or its price is none: it could neither be placed nor added up, and is set aside.
    """

    trade_id: str
    ticker: str
    created_at: int
    yes_price: int
    contracts: int | None
    taker_side: str | None
    is_block: bool | None


def parse_trades(body: bytes) -> Page[Trade]:
    """Read a page of trades; errors as in `parse_page`."""
    try:
        envelope = _decoder.decode(body)
        return Page([_trade(wire) for wire in envelope.trades or ()], cursor=envelope.cursor or None)
    except ValueError:  # msgspec's own errors are among them
        page = parse_page(body, "trades", PlacedTradePayload)
        # A ticker is no name for a trade: its market has many.
        rejects = [Reject(None, reject.raw, reject.error) for reject in page.rejects]
        return Page([trade_of(payload) for payload in page.records], rejects, page.cursor)


class PlacedTradePayload(TradePayload):
    """A trade with its time and its price."""

    @model_validator(mode="after")
    def _is_placed(self) -> Self:
        for name in ("created_time", "yes_price_dollars"):
            if getattr(self, name) is None:
                raise ValueError(f"it has no {name}")
        return self


_Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TICKER)]


class _Wire(msgspec.Struct, gc=False):
    """A trade of today's shape; where a number lacks, an older field may stand."""

    trade_id: _Identifier
    ticker: _Identifier
    created_time: str
    count_fp: str
    yes_price_dollars: str
    taker_outcome_side: str
    is_block_trade: bool | None = None


class _Envelope(msgspec.Struct, gc=False):
    trades: list[_Wire] | None
    cursor: str | None = None


_decoder = msgspec.json.Decoder(_Envelope)


_new = tuple.__new__  # half the time of NamedTuple's own constructor


def _trade(wire: _Wire) -> Trade:
    # An odd or a blank one raises ValueError here, and its page is read the other way.
    created_at, yes_price = parse_instant(wire.created_time), read_dollars(wire.yes_price_dollars)
    contracts = read_contracts(wire.count_fp)
    if created_at is None or yes_price is None or contracts is None or not wire.taker_outcome_side:
        raise ValueError("a blank may stand for an older field")
    return _new(
        Trade,
        (
            wire.trade_id,
            wire.ticker,
            created_at,
            yes_price,
            contracts,
            wire.taker_outcome_side,
            wire.is_block_trade,
        ),
    )


def trade_of(payload: PlacedTradePayload) -> Trade:
    """Give a trade that was read with all its generations' fields."""
    assert payload.created_time is not None
    assert payload.yes_price_dollars is not None
    return Trade(
        payload.trade_id,
        payload.ticker,
        payload.created_time,
        payload.yes_price_dollars,
        payload.count_fp,
        payload.taker_outcome_side,
        payload.is_block_trade,
    )
