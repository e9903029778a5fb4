"""When events were requested that the exchange did not return."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, delete, insert, literal, select

from kalshi_pipeline.store.schema.tables import event_lookups, events


def record_event_lookups(connection: Connection, tickers: Sequence[str], at: int) -> None:
    """Record when events were requested and not found."""
    asked = select(events.c.id).where(events.c.ticker.in_(tickers))
    connection.execute(delete(event_lookups).where(event_lookups.c.event_id.in_(asked)))
    rows = select(events.c.id, literal(at, BigInteger)).where(events.c.ticker.in_(tickers))
    connection.execute(insert(event_lookups).from_select(["event_id", "asked_at"], rows))
