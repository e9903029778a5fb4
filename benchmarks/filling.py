"""Statements that begin and end the filling of a database with made-up rows, without the store, for speed."""

BEGINNING = (
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -262144",
    "PRAGMA temp_store = MEMORY",
    "BEGIN",
)
LATEST_QUOTES = """
INSERT INTO latest_quotes
    (market_id, tick_id, yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest, received_ms,
     is_terminal)
SELECT q.market_id, q.tick_id, yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest,
       received_ms, is_terminal
FROM (SELECT market_id AS m, max(tick_id) AS t FROM price_snapshots GROUP BY market_id)
JOIN price_snapshots AS q ON q.market_id = m AND q.tick_id = t
"""
"""Copies the newest stored quote of each market."""
END = (
    "COMMIT",
    "PRAGMA wal_checkpoint(TRUNCATE)",
)
