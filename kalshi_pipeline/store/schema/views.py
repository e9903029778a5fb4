"""The views for people, with tickers, ISO times and decimal dollars. An upgrade drops and recreates them all.

Money and counts are stored as integers. Divided by 1000000.0 or 100.0, they are the doubles nearest to the exchange's
decimals, and therefore print as those decimals and equal them.
"""

from sqlalchemy import Connection, inspect

from kalshi_pipeline.store.dialects import ViewWords, view_words
from kalshi_pipeline.store.schema.catalogue_views import CatalogueViews
from kalshi_pipeline.store.schema.fee_views import FeeViews
from kalshi_pipeline.store.schema.gap_views import GapViews
from kalshi_pipeline.store.schema.quote_views import QuoteViews
from kalshi_pipeline.store.schema.record_views import RecordViews
from kalshi_pipeline.store.schema.run_views import RunViews

FORMER: tuple[str, ...] = ()
"""Names of views in earlier versions, from schema 0005 on, that no longer exist."""


def definitions(words: ViewWords) -> dict[str, str]:
    """Return the query of each view by name, in an order in which they can be created."""
    quotes, gaps, runs = QuoteViews(words), GapViews(words), RunViews(words)
    records, fees, catalogue = RecordViews(words), FeeViews(words), CatalogueViews(words)
    return {
        "latest_prices": quotes.latest_prices(),
        "stored_quotes": quotes.stored_quotes(),
        "repeated_quotes": quotes.repeated_quotes(),
        "price_history": quotes.price_history(),
        "quotes_by_tick": quotes.quotes_by_tick(),
        "unchanged_quotes": quotes.unchanged_quotes(),
        "movers_1h": quotes.movers(1),
        "movers_24h": quotes.movers(24),
        "gaps_filled": gaps.gaps_filled(),
        "price_history_filled": gaps.price_history_filled(),
        "void_unchanged_quotes": quotes.unchanged_quotes("void_unchanged_blocks"),
        "tick_history": runs.tick_history(),
        "listing_history": runs.listing_history(),
        "run_history": runs.run_history(),
        "coverage_by_day": runs.coverage_by_day(),
        "series_change_history": records.series_change_history(),
        "event_change_history": records.event_change_history(),
        "market_change_history": records.market_change_history(),
        "change_history": records.change_history(),
        "settlement_history": records.settlement_history(),
        "settlement_amendment_history": records.settlement_amendment_history(),
        "trade_history": records.trade_history(),
        "candlestick_history": records.candlestick_history(),
        "candlestick_coverage": records.candlestick_coverage(),
        "order_book_history": records.order_book_history(),
        "order_book": records.order_book(),
        "legs_of_combos": records.legs_of_combos(),
        "events_with_fees": fees.events_with_fees(),
        "series_fee_starts": fees.series_fee_starts(),
        "fee_starts": fees.fee_starts(),
        "fee_history": fees.fee_history(),
        "market_catalogue": catalogue.market_catalogue(),
        "event_catalogue": catalogue.event_catalogue(),
    }


def drop_views(connection: Connection) -> None:
    """Drop our views of schema 0005 and later. Earlier migrations drop their own."""
    if "scopes" not in inspect(connection).get_table_names():
        return
    stored = set(inspect(connection).get_view_names())
    for name in (*reversed(definitions(view_words(connection))), *FORMER):
        if name in stored:
            connection.exec_driver_sql(f"DROP VIEW {name}")


def create_views(connection: Connection) -> None:
    """Create the views of this version."""
    for name, query in definitions(view_words(connection)).items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS{query}")
