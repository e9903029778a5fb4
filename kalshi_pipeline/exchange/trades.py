"""Pages of trades."""

from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.payloads import TradePayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.records import Reject, Trade


class TradeReader(PageReader[Trade]):
    """Reads pages of trades; what is set aside has no ticker, because a market has many trades."""

    def parse_again(self, body: bytes) -> Page[Trade]:
        """Read a page that `parse` cannot read fast."""
        page = super().parse_again(body)
        rejects = [Reject(None, reject.raw, reject.error) for reject in page.rejects]
        return Page(page.records, rejects, page.cursor)


TRADES = TradeReader("trades", Trade, TradePayload)
