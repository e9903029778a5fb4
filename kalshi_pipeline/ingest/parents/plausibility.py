"""Checks a listing that seems complete against vanished markets.

A truncated listing can look complete, so a random sample of the markets that it should have shown is looked up. If they
are open, or unknown to the exchange, the listing was not complete.
"""

from collections.abc import Collection, Mapping, Sequence
from random import Random

from kalshi_pipeline.store.writing.lookups import Unlisted
from kalshi_pipeline.vocabulary import MarketStatus

SAMPLE = 200
_MOST_OPEN = 5
_LEAST_JUDGED = 20
_WORDS = frozenset(map(str, MarketStatus))


def is_open(status: str | None, stored: str | None) -> bool:
    """Return whether a looked-up market is open, so that a listing of open markets should show it.

    An unknown or missing status counts as open if the listing showed the market with the same (`stored`) status. Paused
    markets do not count, because not every listing of open markets has them.
    """
    return status == MarketStatus.ACTIVE or (status not in _WORDS and status == stored)


def sample_of(vanished: Sequence[Unlisted], at: int, random: Random) -> list[Unlisted]:
    """Return up to SAMPLE random markets; those whose announced close is after an instant come first."""
    ahead = [market for market in vanished if market.close_at is None or market.close_at > at]
    behind = [market for market in vanished if market.close_at is not None and market.close_at <= at]
    for part in (ahead, behind):
        random.shuffle(part)
    return [*ahead, *behind][:SAMPLE]


def contradiction(
    sample: Sequence[Unlisted], status_of: Mapping[str, str | None], missing: Collection[str]
) -> str | None:
    """Return why the looked-up sample contradicts a complete listing, or None.

    `status_of` has the statuses of the found markets; `missing` has those in neither tier, and those whose request
    failed. Markets that were not requested do not count. Provisional markets do not count as missing, because the
    exchange may delete them.
    """
    count = len(sample)
    are_open = sum(
        is_open(status_of[market.ticker], market.status) for market in sample if market.ticker in status_of
    )
    if are_open > _MOST_OPEN:
        return f"the listing was cut short: of {count:,} markets that left it and were looked up, {are_open:,} are open"
    lasting = [market.ticker for market in sample if not market.is_provisional]
    known = sum(ticker in status_of for ticker in lasting)
    unknown = sum(ticker in missing for ticker in lasting)
    if known + unknown >= _LEAST_JUDGED and known < unknown:
        return (
            f"the listing cannot be checked: of {known + unknown:,} markets that left it and were looked up, {known:,} "
            "were found"
        )
    return None
