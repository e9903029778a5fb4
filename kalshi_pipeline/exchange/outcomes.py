"""Markets with how they ended: what a settled market says beside its quote."""

from typing import NamedTuple

import msgspec

from kalshi_pipeline.exchange.fields import Dollars, Instant, read_dollars, read_instant
from kalshi_pipeline.exchange.markets import Market, MarketWire, market_of, market_of_wire
from kalshi_pipeline.exchange.pages import Page, parse_page
from kalshi_pipeline.exchange.payloads import MarketPayload


class SettledPayload(MarketPayload):
    """A market of any status, with its payout."""

    settlement_value_dollars: Dollars = None
    settlement_ts: Instant = None


class Outcome(NamedTuple):
    """A market, what YES pays in micro-dollars, and when it was paid (an instant); None is not told."""

    market: Market
    settlement_value: int | None
    settled_at: int | None

    @property
    def ticker(self) -> str:
        """What identifies it."""
        return self.market.ticker


def parse_outcomes(body: bytes) -> Page[Outcome]:
    """Read a page of markets with their outcomes, as `parse_markets` does; errors as in `parse_page`."""
    try:
        envelope = _decoder.decode(body)
        return Page([_outcome(wire) for wire in envelope.markets or ()], cursor=envelope.cursor or None)
    except ValueError:  # msgspec's own errors are among them
        page = parse_page(body, "markets", SettledPayload)
        return Page([outcome_of(payload) for payload in page.records], page.rejects, page.cursor)


def outcome_of(payload: SettledPayload) -> Outcome:
    """Give a market with its outcome."""
    return Outcome(market_of(payload), payload.settlement_value_dollars, payload.settlement_ts)


class _OutcomeWire(MarketWire, gc=False):
    settlement_value_dollars: str | None = None
    settlement_ts: str | None = None


class _Envelope(msgspec.Struct, gc=False):
    markets: list[_OutcomeWire] | None
    cursor: str | None = None


_decoder = msgspec.json.Decoder(_Envelope)


def _outcome(wire: _OutcomeWire) -> Outcome:
    return Outcome(
        market_of_wire(wire), read_dollars(wire.settlement_value_dollars), read_instant(wire.settlement_ts)
    )
