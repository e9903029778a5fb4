"""The fee in force at an instant: the series' fee or an event's override, from fee changes and descriptions.

Nothing is guessed: if the stored data does not show which fee was in force, it is unknown, and a reason says why.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, Connection, bindparam, select, text

from kalshi_pipeline.records import Market
from kalshi_pipeline.store.reading.completeness import newest_listings
from kalshi_pipeline.store.reading.descriptions import description
from kalshi_pipeline.store.reading.documents import details, subjects_of
from kalshi_pipeline.store.schema.fee_views import FEE_INSTANTS, fee_in_force
from kalshi_pipeline.store.schema.from_records import first_read_in
from kalshi_pipeline.store.schema.tables import event_fee_changes, markets, series_fee_changes
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import decimal_of_millionths


class FeeState(StrEnum):
    """Whether the fee in force is known."""

    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fee:
    """The fee in force at an instant, in the exchange's terms.

    If `state` is unknown, `reason` says why, and type and multiplier are those that the exchange sent, if any.
    `since_at` is when the change that set the fee took effect. `is_waived` is None if it is unknown whether the
    market's fee was waived; for example, if the waiver disappeared from the exchange's record before its announced end.
    `listed_at` is when fee changes were last listed completely; later announcements are unknown.
    """

    fee_type: str | None
    fee_multiplier: Decimal | None
    is_override: bool
    is_waived: bool | None
    state: FeeState
    reason: str | None
    since_at: int | None
    listed_at: int | None


_WAIVER = "fee_waiver_expiration_time"
_WAIVERS_SINCE = first_read_in(Market)["fee_waiver_expiration_at"]
# The view `fee_history` says the same of each span.
_IN_FORCE = text(
    f"WITH {FEE_INSTANTS} AS (SELECT :series AS series_ticker, :event AS event_ticker, :at AS at, NULL AS end_at),"  # noqa: S608  (names of our own)
    f"{fee_in_force(':series', ':event')} SELECT * FROM fee_in_force"
).bindparams(bindparam("at", type_=BigInteger))
_SERIES_ASSET, _EVENT_ASSET = series_fee_changes.name, event_fee_changes.name


def fee_at(connection: Connection, series: str, event: str | None, market: str | None, at: int) -> Fee:
    """Return the fee of a market's trades at an instant, as far as known; without a market, the event's.

    Without an event it is the series' own fee. In the future, it is what is scheduled so far.
    """
    listed_at = [
        _listed_at(connection, asset) for asset in (_SERIES_ASSET, *([_EVENT_ASSET] if event else []))
    ]
    known_at = [instant for instant in listed_at if instant is not None]
    found = connection.execute(_IN_FORCE, {"series": series, "event": event, "at": at}).one()
    multiplier = found.fee_multiplier
    return Fee(
        fee_type=found.fee_type,
        fee_multiplier=None if multiplier is None else decimal_of_millionths(multiplier),
        is_override=bool(found.is_override),
        is_waived=None if market is None else _is_waived(connection, market, at),
        state=FeeState.KNOWN if found.reason is None else FeeState.UNKNOWN,
        reason=found.reason,
        since_at=found.since_at,
        listed_at=min(known_at) if len(known_at) == len(listed_at) else None,
    )


def _is_waived(connection: Connection, market: str, at: int) -> bool | None:
    """Return whether a market's fee was waived at an instant; None if unknown."""
    described = description(connection, "market", market, at)
    reading = select(markets.c.reading).where(markets.c.ticker == market)
    if described is None or connection.execute(reading).scalar_one() < _WAIVERS_SINCE:
        return None
    until = described["fee_waiver_expiration_at"]
    if not isinstance(until, int) or at >= until:
        return False
    return True if _is_still_described(connection, market, at) else None


def _is_still_described(connection: Connection, market: str, at: int) -> bool:
    """Return whether the market's document at an instant has a waiver, if one is stored.

    The column keeps a waiver that ended early, because an absent field never erases a value.
    """
    subjects = [subject for subject in subjects_of(connection, market) if subject.kind == "market"]
    document = details(connection, subjects[0], at) if subjects else None
    return document is None or bool(document.fields.get(_WAIVER))


def _listed_at(connection: Connection, asset: str) -> int | None:
    """Return the start of the newest complete listing of an asset; None if there is none.

    A complete run without a page found that the exchange does not offer the listing.
    """
    complete = newest_listings(connection, asset, 1, state=State.COMPLETE, with_pages=True)
    return complete[0].started_at if complete else None
