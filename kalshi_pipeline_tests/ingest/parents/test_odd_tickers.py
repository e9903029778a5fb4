"""Markets whose tickers cannot be in a list are looked up one by one."""

from collections.abc import Callable

from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.settings import Settings
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, event, market, served

COMMA, PART, PLAIN = "KX,A-1", "KX", "KXA-1"


class ReadingExchange(SmallExchange):
    """Answers single reads of the live tier too."""

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        if path.startswith("/markets/"):
            self.asked.append((path, query))
            found = [row for row in self.markets if path == f"/markets/{row['ticker'].replace(',', '%2C')}"]
            return (200, {"market": found[0]}) if found else (404, {"error": {"code": "not_found"}})
        return super().answer(path, query)


def test_ticker_with_a_comma_is_looked_up_by_itself(settings_for: Callable[..., Settings]) -> None:
    """In a list it would be two tickers: the market would seem to be in neither tier, and its history would end."""
    exchange = ReadingExchange(
        [event("KX-1", "KX")], [market(name, "KX-1") for name in (COMMA, PART, PLAIN)], []
    )
    with served(exchange) as url, open_session(settings_for(url)) as session:
        lookup = MarketLookup(session, [PLAIN, COMMA, "KXB-1", "B,C"])
        found = {outcome.ticker for answer in lookup for outcome in answer.page.records}
    assert found == {PLAIN, COMMA}
    assert (lookup.gone, lookup.failed) == (["KXB-1", "B,C"], {})
    assert exchange.looked_up("/markets") == [PLAIN, "KXB-1"]
