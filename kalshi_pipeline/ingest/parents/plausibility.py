"""Whether what is known of vanished markets agrees with a listing that says that it was complete.

A truncated listing can end with an answer that looks like a normal end. A random sample of the markets that it should
have shown but did not is therefore looked up. If they are open, or unknown to the exchange, the listing was not
complete.
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
    """Return whether a market that a lookup found is open, so that a listing of open markets should show it.

    A word that this version does not know, or none, is that of an open market if the listing showed it with the same
    (`stored`) word. Paused markets are not counted: not every listing of open markets has them.
    """
    return status == MarketStatus.ACTIVE or (status not in _WORDS and status == stored)


def sample_of(vanished: Sequence[Unlisted], at: int, random: Random) -> list[Unlisted]:
    """Return up to SAMPLE markets at random, first those whose announced close is after an instant."""
    ahead = [market for market in vanished if market.close_at is None or market.close_at > at]
    behind = [market for market in vanished if market.close_at is not None and market.close_at <= at]
    for part in (ahead, behind):
        random.shuffle(part)
    return [*ahead, *behind][:SAMPLE]


def contradiction(
    sample: Sequence[Unlisted], status_of: Mapping[str, str | None], missing: Collection[str]
) -> str | None:
    """Return why the looked-up sample contradicts a complete listing; None where it does not.

    `status_of` has what the exchange said of those that it knows; `missing` holds those that it did not show: they are
    in neither of its tiers, or the request for them failed. Those that were not asked for are not judged, nor are
    provisional markets, which the exchange may delete, judged by whether it knows them.
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
