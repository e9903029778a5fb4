"""Parts that several view definitions share.

Other programs, such as DuckDB, parse the views and pass on what they understood. So no view has TRUE, FALSE, `count(*)`
or `IN (SELECT …)`, and a view with a UNION consists of plain columns of tables or other views.
"""

from kalshi_pipeline.store.dialects import ViewWords
from kalshi_pipeline.store.schema.tables import BLOCK_SIZE

QUOTE = """
    q.yes_bid_dollars AS yes_bid,
    q.yes_ask_dollars AS yes_ask,
    q.no_bid_dollars AS no_bid,
    q.no_ask_dollars AS no_ask,
    q.last_price_dollars AS last_price,
    q.yes_bid_size_contracts AS yes_bid_size,
    q.yes_ask_size_contracts AS yes_ask_size,
    q.volume_contracts AS volume,
    q.open_interest_contracts AS open_interest
"""
MIDDLE = """
    q.midpoint_dollars AS midpoint,
    q.spread_dollars AS spread
"""
IS_TAKEN = "state IN ('running', 'complete', 'partial')"
PARENTS = """
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
"""


def _series(name: str, event: str) -> str:
    """Return the join of an event's series.

    With a condition on `is_placeholder`, SQLite seeks the series by key, even if old statistics say that there are two.
    """
    return f"series AS {name} ON {name}.id = {event}.series_id AND {name}.is_placeholder >= 0"


JOIN_SERIES = f"LEFT JOIN {_series('s', 'e')}"
JOIN_PARENTS = f"""
JOIN events AS e ON e.id = m.event_id
{JOIN_SERIES}
"""


def joined_market(row: str) -> str:
    """Return the joins from a row of a market to the market, its event and its series."""
    return f"JOIN markets AS m ON m.id = {row}.market_id{JOIN_PARENTS}"


def joined_few(row: str) -> str:
    """Return the same joins, for rows that are found by time unless the market is named.

    The added condition is always true. It makes SQLite assume few rows, so that it does not read all markets first,
    with any statistics or none.
    """
    return f"{joined_market(row)}\nWHERE likelihood(+{row}.market_id > 0, 0.1)"


def as_text(expression: str) -> str:
    """Return a text computed from several tables, with its type."""
    return f"CAST({expression} AS TEXT)"


def as_real(expression: str) -> str:
    """Return a number computed from several tables, with its type."""
    return f"CAST({expression} AS REAL)"


def as_integer(expression: str) -> str:
    """Return an integer computed from several tables, with its type."""
    return f"CAST({expression} AS INTEGER)"


def as_flag(expression: str) -> str:
    """Return a flag (0 or 1) computed from several tables, with its type."""
    return as_integer(expression)


def missed(tick_id: str) -> str:
    """Whether a tick is in an unlisted span of market `m`, and so confirms nothing of it."""
    return (
        "EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id "
        f"AND u.from_tick_id <= {tick_id} AND (u.to_tick_id IS NULL OR u.to_tick_id > {tick_id}))"
    )


class Parts:
    """Parts that depend on the kind of database."""

    def __init__(self, words: ViewWords) -> None:
        self.words = words
        # Whether ticks of scope `z` cover market `m`: by the series of its event and its kind. A listing of a narrower
        # status filter than `open` shows nothing of the markets that it does not list.
        of_market = f"(SELECT y.ticker FROM events AS x JOIN {_series('y', 'x')} WHERE x.id = m.event_id)"
        self.covers = (
            "(z.status_filter IN ('open', 'all') "
            "AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) "
            f"AND (z.series = '' OR {words.lists('z.series', of_market)}))"
        )

    def iso(self, micros: str) -> str:
        """An instant computed from several tables, as text with six decimals."""
        return as_text(self.words.iso(micros))

    def iso_seconds(self, micros: str) -> str:
        """The time of a tick computed from several tables, as text in whole seconds."""
        return as_text(self.words.iso_seconds(micros))

    def is_unchanged(self, block: str, market_id: str, tick_id: str) -> str:
        """Whether a row of `unchanged_blocks` lists a market for a tick. At most one row of a tick does."""
        is_listed = self.words.holds(f"{block}.remainders", f"{market_id} % {BLOCK_SIZE}")
        return f"{block}.tick_id = {tick_id} AND {block}.block = {market_id} / {BLOCK_SIZE} AND {is_listed}"

    def repeat(self, market_id: str, row_tick_id: str, last_id: str) -> str:
        """The newest tick after a market's row that found its quote unchanged.

        The ticks are searched backwards, from the newest one with unchanged quotes.
        """
        return (
            f"(SELECT i.id FROM ticks AS i WHERE i.id > {row_tick_id} AND i.id <= {last_id} AND EXISTS (SELECT 1 "
            f"FROM unchanged_blocks AS j WHERE {self.is_unchanged('j', market_id, 'i.id')}) "
            "ORDER BY i.id DESC LIMIT 1)"
        )

    def confirms(self, row_tick: str) -> str:
        """Whether ticks of scope `z` confirm a row of market `m`: they do if the scope covers the market.

        Ticks of former scopes, before schema 0005, confirm only what ticks of the same scope stored.
        """
        return f"CASE WHEN z.is_former THEN z.id = {row_tick}.scope_id ELSE {self.covers} END"

    def newest(self, *instants: str) -> str:
        """The newest of some instants, any of which may be NULL."""
        newest = "0"
        for instant in instants:
            newest = self.words.greater(newest, f"coalesce({instant}, 0)")
        return f"nullif({newest}, 0)"
