"""Pages of trades, read fast: a day has millions. `activity` says what a trade is, and reads pages that are odd."""

from typing import Annotated, NamedTuple

import msgspec

from kalshi_pipeline.exchange.activity import TradePayload
from kalshi_pipeline.exchange.fields import LONGEST_TICKER, read_contracts, read_dollars
from kalshi_pipeline.exchange.pages import Page, parse_page
from kalshi_pipeline.units import parse_instant


class Trade(NamedTuple):
    """One execution: an instant, micro-dollars of YES, hundredths of a contract; None is not told."""

    trade_id: str
    ticker: str
    created_at: int | None
    yes_price: int | None
    contracts: int | None
    taker_side: str | None
    is_block: bool | None


def parse_trades(body: bytes) -> Page[Trade]:
    """Read a page of trades; errors as in `parse_page`."""
    try:
        envelope = _decoder.decode(body)
        return Page([_trade(wire) for wire in envelope.trades or ()], cursor=envelope.cursor or None)
    except ValueError:  # msgspec's own errors are among them
        page = parse_page(body, "trades", TradePayload)
        return Page([_trade_of(payload) for payload in page.records], page.rejects, page.cursor)


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


def _trade(wire: _Wire) -> Trade:
    return Trade(
        wire.trade_id,
        wire.ticker,
        parse_instant(wire.created_time),
        read_dollars(wire.yes_price_dollars),
        read_contracts(wire.count_fp),
        wire.taker_outcome_side or None,
        wire.is_block_trade,
    )


def _trade_of(payload: TradePayload) -> Trade:
    return Trade(
        payload.trade_id,
        payload.ticker,
        payload.created_time,
        payload.yes_price_dollars,
        payload.count_fp,
        payload.taker_outcome_side,
        payload.is_block_trade,
    )
