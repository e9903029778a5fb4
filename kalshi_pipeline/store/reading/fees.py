"""The fee in force at an instant: the series' own, or the override of an event, from fee changes and descriptions.

Nothing is guessed: where what is stored does not say which fee was in force, the fee is unknown, and a reason says why.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, cast

from sqlalchemy import Column, Connection, func, select

from kalshi_pipeline.records import Market
from kalshi_pipeline.store.reading.completeness import newest_listings
from kalshi_pipeline.store.reading.descriptions import description
from kalshi_pipeline.store.reading.documents import details, subjects_of
from kalshi_pipeline.store.schema.from_records import first_read_in
from kalshi_pipeline.store.schema.tables import event_fee_changes, markets, series_fee_changes
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import decimal_of_millionths
from kalshi_pipeline.vocabulary import FeeType


class FeeState(StrEnum):
    """Whether the fee that was in force is known."""

    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fee:
    """The fee in force at an instant, as the exchange names it.

    Where `state` is unknown, `reason` says why, and type and multiplier are what came, if anything did. `since_at` is
    when the change that set the fee took effect. `is_waived` is None where it is not known whether the market's fee was
    waived, so too where the exchange's record has no waiver any more, before the end that was announced. `listed_at` is
    when the fee changes were last listed completely: one that was announced since is not known.
    """

    fee_type: str | None
    fee_multiplier: Decimal | None
    is_override: bool
    is_waived: bool | None
    state: FeeState
    reason: str | None
    since_at: int | None
    listed_at: int | None


class _Change(NamedTuple):
    """The newest change until an instant, and whether others with another fee take effect with it."""

    fee_type: str | None
    fee_multiplier: int | None
    scheduled_at: int | None
    is_ambiguous: bool = False

    @property
    def is_clearing(self) -> bool:
        return not self.is_ambiguous and self.fee_type is None and self.fee_multiplier is None


_WAIVER = "fee_waiver_expiration_time"
_WAIVERS_SINCE = first_read_in(Market)["fee_waiver_expiration_at"]
_SERIES_ASSET, _EVENT_ASSET = series_fee_changes.name, event_fee_changes.name


def fee_at(connection: Connection, series: str, event: str | None, market: str | None, at: int) -> Fee:
    """Return the fee of a market's trades at an instant, as far as fee changes say it; without a market the event's.

    Without an event it is the series' own fee. After the present, it is what is scheduled so far.
    """
    listed_at = [
        _listed_at(connection, asset) for asset in (_SERIES_ASSET, *([_EVENT_ASSET] if event else []))
    ]
    known_at = [instant for instant in listed_at if instant is not None]
    override = None if event is None else _override_in_force(connection, event, at)
    is_override = override is not None and not override.is_clearing
    found = override if is_override else _series_fee_in_force(connection, series, at)
    reason = _why_unknown(found, str(event) if is_override else series, is_override=is_override)
    if event is not None and override is None and _has_described_override(connection, event, at):
        reason = f"the record of {event} has an override that no fee change of it explains"
    if event is not None and listed_at[-1] is None:
        reason = "the fee changes of events were never listed"
    return Fee(
        fee_type=None if found is None else found.fee_type,
        fee_multiplier=(
            None
            if found is None or found.fee_multiplier is None
            else decimal_of_millionths(found.fee_multiplier)
        ),
        is_override=is_override,
        is_waived=None if market is None else _is_waived(connection, market, at),
        state=FeeState.KNOWN if reason is None else FeeState.UNKNOWN,
        reason=reason,
        since_at=None if found is None else found.scheduled_at,
        listed_at=min(known_at) if len(known_at) == len(listed_at) else None,
    )


def _why_unknown(change: _Change | None, ticker: str, *, is_override: bool) -> str | None:
    """Return why a change does not say which fee was in force; None where it does."""
    if change is None:
        return f"the fee of {ticker} was not observed until then"
    if change.is_ambiguous:
        return f"several fee changes of {ticker} take effect at the same time"
    if change.fee_type is None or change.fee_multiplier is None:
        what = "override" if is_override else "fee"
        missing = "type" if change.fee_type is None else "multiplier"
        return f"the {what} of {ticker} has no {missing}"
    if change.fee_type not in frozenset(FeeType):
        return f"the fee type {change.fee_type!r} of {ticker} is not known to this version"
    return None


def _series_fee_in_force(connection: Connection, series: str, at: int) -> _Change | None:
    """Return the series' own fee at an instant; None before the first observation of it."""
    table = series_fee_changes.c
    change = _newest(
        connection,
        table.series_ticker,
        series,
        (table.fee_type, table.fee_multiplier),
        table.scheduled_at,
        at,
    )
    return change or _described_fee(connection, series, at)


def _described_fee(connection: Connection, series: str, at: int) -> _Change | None:
    """Return the fee that the series' own record had at an instant before which no fee change is known."""
    described = description(connection, "series", series, at)
    if described is None:
        return None
    found = _Change(
        cast("str | None", described["fee_type"]), cast("int | None", described["fee_multiplier"]), None
    )
    return None if found.is_clearing else found


def _is_waived(connection: Connection, market: str, at: int) -> bool | None:
    """Return whether a market's fee was waived at an instant; None where that is not known."""
    described = description(connection, "market", market, at)
    reading = select(markets.c.reading).where(markets.c.ticker == market)
    if described is None or connection.execute(reading).scalar_one() < _WAIVERS_SINCE:
        return None
    until = cast("int | None", described["fee_waiver_expiration_at"])
    if until is None or at >= until:
        return False
    return True if _is_still_described(connection, market, at) else None


def _is_still_described(connection: Connection, market: str, at: int) -> bool:
    """Return whether the market's document of an instant has a waiver, as far as one is stored.

    The column keeps a waiver that is taken away early, because an absent field erases nothing.
    """
    subjects = [subject for subject in subjects_of(connection, market) if subject.kind == "market"]
    document = details(connection, subjects[0], at) if subjects else None
    return document is None or bool(document.fields.get(_WAIVER))


def _override_in_force(connection: Connection, event: str, at: int) -> _Change | None:
    """Return the newest change of an event's override until an instant, which may clear it; None if there is none."""
    table = event_fee_changes.c
    values = (table.fee_type_override, table.fee_multiplier_override)
    return _newest(connection, table.event_ticker, event, values, table.scheduled_at, at)


def _has_described_override(connection: Connection, event: str, at: int) -> bool:
    """Return whether the event's own record had an override at an instant."""
    described = description(connection, "event", event, at) or {}
    names = ("fee_type_override", "fee_multiplier_override")
    return any(described.get(name) is not None for name in names)


def _newest(
    connection: Connection,
    key: Column[str],
    ticker: str,
    values: tuple[Column[str], Column[int]],
    scheduled_at: Column[int],
    at: int,
) -> _Change | None:
    stands = key.table.c.withdrawn_at.is_(None)
    newest = select(func.max(scheduled_at)).where(key == ticker, scheduled_at <= at, stands)
    query = (
        select(*values, scheduled_at)
        .where(key == ticker, scheduled_at == newest.scalar_subquery(), stands)
        .distinct()
    )
    found = [_Change(*row) for row in connection.execute(query)]
    if len(found) > 1:
        return _Change(None, None, found[0].scheduled_at, is_ambiguous=True)
    return found[0] if found else None


def _listed_at(connection: Connection, asset: str) -> int | None:
    """Return when the newest run of an asset began that read a whole listing; None if there is none.

    A complete run without a page found that the exchange does not offer the listing.
    """
    complete = newest_listings(connection, asset, 1, state=State.COMPLETE, with_pages=True)
    return complete[0].started_at if complete else None
