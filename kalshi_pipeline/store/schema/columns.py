"""What the columns of each asset's table mean, for the UI and for whoever reads the database."""

from typing import NamedTuple

from kalshi_pipeline.store.schema.tables import metadata


class ColumnNote(NamedTuple):
    """A column as a person reads it."""

    name: str
    type: str
    is_nullable: bool
    description: str


_INSTANT = "microseconds since 1970, UTC"
_DOLLARS = "micro-dollars; NULL is no quote"
_CONTRACTS = "hundredths of a contract"

_DESCRIPTIONS = {
    "id": "integer key",
    "ticker": "the exchange's identifier, unique",
    "series_id": "the event's series; NULL where the exchange has not told it yet",
    "event_id": "the market's event",
    "tick_id": "the tick at which the quote was taken",
    "market_id": "the market that is quoted, or traded",
    "gone_at": f"when it was found in neither of the exchange's tiers; NULL where it is there: {_INSTANT}",
    "settlement_value": "what one YES contract paid, in micro-dollars; NULL where the exchange does not say",
    "settled_at": f"when it was settled: {_INSTANT}",
    "settled_at_source": "where that time is from: settlement_ts; else close_time, or first_seen, its stand-ins",
    "tier": "where the exchange keeps it: live, or historical",
    "amended_at": f"when its result or its value was last seen to differ from what it was: {_INSTANT}",
    "is_placeholder": "made because a child needed it; its other values are NULL until a run heals it",
    "first_seen_at": f"when this row was made: {_INSTANT}",
    "changed_at": f"when this row last changed: {_INSTANT}",
    "created_at": f"when the exchange created it: {_INSTANT}",
    "open_at": f"when trading opens: {_INSTANT}",
    "close_at": f"when trading closes; it moves, and is not the event's time: {_INSTANT}",
    "expected_expiration_at": f"when the outcome is expected, possibly before the close: {_INSTANT}",
    "occurrence_at": f"when the event itself takes place: {_INSTANT}",
    "strike_at": f"the date that the event is about: {_INSTANT}",
    "received_ms": "milliseconds from the tick to the exchange's answer",
    "is_terminal": "the market was no longer listed at this tick: its numbers are NULL",
    "status": "the market's state, as the exchange words it",
    "result": "the outcome; empty until determined",
    "yes_bid": f"best price bid for YES: {_DOLLARS}",
    "yes_ask": f"best price asked for YES: {_DOLLARS}; the NO side is one dollar minus the other side of YES",
    "last_price": "price of the last trade in micro-dollars; 0 before the first",
    "yes_bid_size": f"size at the bid: {_CONTRACTS}",
    "yes_ask_size": f"size at the ask: {_CONTRACTS}",
    "volume": f"contracts traded since the market opened: {_CONTRACTS}",
    "open_interest": f"contracts held: {_CONTRACTS}",
    "title": "what it is about, as the exchange words it",
    "sub_title": "the event's short description",
    "yes_sub_title": "what YES stands for",
    "no_sub_title": "what NO stands for",
    "category": "the exchange's category; a series' own is the truth",
    "frequency": "how often the series repeats, in free text",
    "tags": "the series' tags, separated by commas",
    "mutually_exclusive": "whether at most one market of the event can end YES",
    "market_type": "binary or scalar",
    "strike_type": "how floor and cap are compared",
    "floor_strike": "lower bound of the outcome that YES stands for",
    "cap_strike": "upper bound of the outcome that YES stands for",
    "rules_primary": "the rule by which the market resolves",
    "is_provisional": "whether the exchange may still delete it",
    "is_combo": "whether it is a multivariate market (KXMVE)",
    "trade_id": "the exchange's UUID, as its 16 bytes",
    "yes_price": "price of YES in micro-dollars; NO cost one dollar minus it",
    "contracts": f"size: {_CONTRACTS}",
    "taker_side": "the side that the taker took, as the exchange words it",
    "is_block": "whether it was agreed upon outside of the order book",
    **{
        f"{side}_{name}": f"{words} {what} of the period: {_DOLLARS}"
        for side, what in (
            ("yes_bid", "best bid for YES"),
            ("yes_ask", "best ask for YES"),
            ("price", "trade"),
        )
        for name, words in (("open", "first"), ("high", "highest"), ("low", "lowest"), ("close", "last"))
    },
    "price_mean": "mean trade price of the period, in micro-dollars",
    "price_previous": "price of the last trade before the period, in micro-dollars",
    "period_minutes": "length of the period: 1, 60 or 1440",
    "end_at": f"inclusive end of the period; daily ones end at midnight in New York: {_INSTANT}",
    "received_at": f"when the exchange's answer was there: {_INSTANT}",
    "collection_ticker": "the collection that a combo was minted from",
}


# Where a name means something else than in the other tables.
_DESCRIPTIONS_OF = {
    "candlesticks": {
        "market_id": "the market whose period it is",
        "volume": f"contracts traded in the period: {_CONTRACTS}",
        "open_interest": f"contracts held at its end: {_CONTRACTS}",
    },
    "order_books": {"market_id": "the market whose book it is"},
}


def columns_of(table: str) -> list[ColumnNote]:
    """Describe every column of a table, in its order."""
    descriptions = {**_DESCRIPTIONS, **_DESCRIPTIONS_OF.get(table, {})}
    return [
        ColumnNote(column.name, str(column.type).lower(), bool(column.nullable), descriptions[column.name])
        for column in metadata.tables[table].columns
    ]
