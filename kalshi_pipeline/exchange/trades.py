"""Pages of trades."""

from kalshi_pipeline.exchange.payloads import TradePayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.records import Trade

TRADES = PageReader("trades", Trade, TradePayload, are_unnamed=True)
