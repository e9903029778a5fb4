"""The raw floor: json.loads, tuples of integers, executemany into one bare table, without keys or validation."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

_DOLLARS = ("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars", "last_price_dollars")
_COUNTS = ("yes_bid_size_fp", "yes_ask_size_fp", "volume_fp", "open_interest_fp")


def store(pages: Iterable[bytes], path: Path) -> int:
    """Store every market of some pages; return their number."""
    count = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        columns = ", ".join(["ticker", *_DOLLARS, *_COUNTS])
        connection.execute(f"CREATE TABLE quotes ({columns})")
        connection.execute("BEGIN")
        for page in pages:
            rows = [
                (market["ticker"], *(int(market[name].replace(".", "")) for name in (*_DOLLARS, *_COUNTS)))
                for market in json.loads(page)["markets"]
            ]
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO quotes VALUES ({marks})", rows)
            count += len(rows)
        connection.execute("COMMIT")
    return count
