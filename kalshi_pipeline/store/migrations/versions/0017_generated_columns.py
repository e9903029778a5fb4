"""Generated columns for the views: typed, computed when read; indexes for times."""

from alembic import op

revision = "0017"
down_revision = "0016"


def _iso(name: str) -> str:
    """An instant as ISO text with six decimals."""
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S.', {name} / 1000000, 'unixepoch')"
    return f"{name}_iso TEXT GENERATED ALWAYS AS ({seconds} || substr({name} % 1000000 + 1000000, 2) || 'Z') VIRTUAL"


def _real(name: str, expression: str) -> str:
    return f"{name} REAL GENERATED ALWAYS AS ({expression}) VIRTUAL"


QUOTE = (
    _real("yes_bid_dollars", "yes_bid / 1000000.0"),
    _real("yes_ask_dollars", "yes_ask / 1000000.0"),
    _real("yes_bid_size_contracts", "yes_bid_size / 100.0"),
    _real("yes_ask_size_contracts", "yes_ask_size / 100.0"),
    _real("last_price_dollars", "nullif(last_price, 0) / 1000000.0"),
    _real("volume_contracts", "volume / 100.0"),
    _real("open_interest_contracts", "open_interest / 100.0"),
    _real("no_bid_dollars", "(1000000 - yes_ask) / 1000000.0"),
    _real("no_ask_dollars", "(1000000 - yes_bid) / 1000000.0"),
    _real("midpoint_dollars", "(yes_bid + yes_ask) / 2000000.0"),
    _real("spread_dollars", "(yes_ask - yes_bid) / 1000000.0"),
)
COLUMNS = {
    "series": (
        _real("fee_multiplier_decimal", "fee_multiplier / 1000000.0"),
        _iso("first_seen_at"),
        _iso("changed_at"),
    ),
    "series_changes": (_iso("seen_at"),),
    "events": (
        _iso("strike_at"),
        _real("fee_multiplier_override_decimal", "fee_multiplier_override / 1000000.0"),
        _iso("first_seen_at"),
        _iso("changed_at"),
    ),
    "event_changes": (_iso("seen_at"),),
    "markets": (
        _iso("created_at"),
        _iso("open_at"),
        _iso("close_at"),
        _iso("expected_expiration_at"),
        _iso("occurrence_at"),
        _iso("latest_expiration_at"),
        _real("settlement_floor_dollars", "settlement_floor / 1000000.0"),
        _iso("fee_waiver_expiration_at"),
        _iso("gone_at"),
        _iso("first_seen_at"),
        _iso("changed_at"),
        "shown_title TEXT GENERATED ALWAYS AS (coalesce(title, yes_sub_title)) VIRTUAL",
    ),
    "market_changes": (_iso("seen_at"),),
    "ticks": (
        "tick_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%SZ', tick_at / 1000000, 'unixepoch')) VIRTUAL",
        _iso("started_at"),
        _iso("finished_at"),
        _real("seconds", "(finished_at - started_at) / 1000000.0"),
        "is_complete BOOLEAN GENERATED ALWAYS AS (state = 'complete') VIRTUAL",
        "day TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d', tick_at / 1000000, 'unixepoch')) VIRTUAL",
    ),
    "listings": (
        _iso("started_at"),
        _iso("finished_at"),
        _real("seconds", "(finished_at - started_at) / 1000000.0"),
    ),
    "price_snapshots": QUOTE,
    "latest_quotes": QUOTE,
    "settlements": (
        _real("settlement_value_dollars", "settlement_value / 1000000.0"),
        _iso("settled_at"),
        _iso("first_seen_at"),
        _iso("amended_at"),
        _iso("withdrawn_at"),
    ),
    "settlement_amendments": (
        _iso("seen_at"),
        _real("value_before_dollars", "value_before / 1000000.0"),
        _real("value_after_dollars", "value_after / 1000000.0"),
    ),
    "trades": (
        _iso("created_at"),
        _real("yes_price_dollars", "yes_price / 1000000.0"),
        _real("contracts_decimal", "contracts / 100.0"),
        _real("no_price_dollars", "(1000000 - yes_price) / 1000000.0"),
    ),
    "candlesticks": (
        _iso("end_at"),
        *(
            _real(f"{side}_{name}_dollars", f"{side}_{name} / 1000000.0")
            for side in ("yes_bid", "yes_ask", "price")
            for name in ("open", "high", "low", "close")
        ),
        _real("price_mean_dollars", "price_mean / 1000000.0"),
        _real("price_previous_dollars", "price_previous / 1000000.0"),
        _real("volume_contracts", "volume / 100.0"),
        _real("open_interest_contracts", "open_interest / 100.0"),
    ),
    "candlestick_days": (
        _iso("asked_at"),
        "day TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d', day_at / 1000000, 'unixepoch')) VIRTUAL",
    ),
    "order_books": (_iso("received_at"),),
    "order_book_levels": (
        _real("price_dollars", "price / 1000000.0"),
        _real("size_contracts", "size / 100.0"),
        "side TEXT GENERATED ALWAYS AS (CASE WHEN is_yes THEN 'yes' ELSE 'no' END) VIRTUAL",
    ),
    "series_fee_changes": (
        _real("fee_multiplier_decimal", "fee_multiplier / 1000000.0"),
        _iso("scheduled_at"),
        _iso("first_seen_at"),
        _iso("changed_at"),
        _iso("withdrawn_at"),
    ),
    "event_fee_changes": (
        _real("fee_multiplier_override_decimal", "fee_multiplier_override / 1000000.0"),
        _iso("scheduled_at"),
        _iso("first_seen_at"),
        _iso("changed_at"),
        _iso("withdrawn_at"),
    ),
    "combo_legs": (_real("settlement_value_dollars", "settlement_value / 1000000.0"),),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    op.create_index("ix_ticks_tick_at_iso", "ticks", ["tick_at_iso"])
    op.create_index("ix_market_changes_seen_at", "market_changes", ["seen_at"])
    op.create_index("ix_candlesticks_end_at", "candlesticks", ["end_at"])
    op.create_index("ix_order_books_received_at", "order_books", ["received_at"])
