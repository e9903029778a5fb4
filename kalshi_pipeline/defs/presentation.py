"""How Dagster's UI presents an asset: group, tags, freshness, source, table."""

import inspect
import warnings
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any

import dagster as dg

from kalshi_pipeline.defs.resources import settings_or_defaults
from kalshi_pipeline.store.dialects import dialect_of

# One late listing may only be slow, or may have waited for another run.
_LATE_PERIODS, _FAILED_PERIODS = 2, 3
_LEAST_PERIOD = timedelta(minutes=1)  # the shortest window that Dagster accepts


class Group(StrEnum):
    """The groups that the graph is folded into."""

    REFERENCE = "reference"
    PRICES = "prices"
    OUTCOMES = "outcomes"
    HISTORY = "history"
    MAINTENANCE = "maintenance"


class Domain(StrEnum):
    """What the rows of an asset are about."""

    API = "api"
    CATALOGUE = "catalogue"
    DOCUMENTS = "documents"
    FEES = "fees"
    QUOTES = "quotes"
    ORDER_BOOKS = "order-books"
    SETTLEMENTS = "settlements"
    TRADES = "trades"
    CANDLESTICKS = "candlesticks"
    RUNS = "runs"


class Cadence(StrEnum):
    """How often an asset is collected."""

    EVERY_TICK = "every-tick"
    EVERY_BOOK = "every-order-book"
    HOURLY = "hourly"
    DAILY = "daily"
    WITH_EACH_RUN = "with-each-run"


class Tier(StrEnum):
    """Whether an asset is collected by default."""

    CORE = "core"
    OPTIONAL = "optional"


_OPTIONAL = (Cadence.EVERY_BOOK, Cadence.DAILY)


def tags_of_asset(domain: Domain, cadence: Cadence) -> dict[str, str]:
    """Return the tags for filters such as `tag:tier=core`."""
    tier = Tier.OPTIONAL if cadence in _OPTIONAL else Tier.CORE
    return {"domain": domain.value, "tier": tier.value, "cadence": cadence.value}


def freshness_of(cadence: Cadence) -> dg.FreshnessPolicy | None:
    """Return the freshness policy of an asset: it warns after two of its periods, and fails after three.

    Dagster counts only materializations, so observations, such as those of the command line, do not make an asset
    fresh. Assets by day have no policy, because a day of years ago would count too.
    """
    period = _period_of(cadence)
    if period is None:
        return None
    period = max(period, _LEAST_PERIOD)
    return dg.FreshnessPolicy.time_window(
        fail_window=period * _FAILED_PERIODS, warn_window=period * _LATE_PERIODS
    )


def _period_of(cadence: Cadence) -> timedelta | None:
    settings = settings_or_defaults()
    match cadence:
        case Cadence.EVERY_TICK:
            return timedelta(seconds=settings.snapshot_period_seconds)
        case Cadence.EVERY_BOOK if settings.order_book_markets:
            return timedelta(minutes=settings.order_book_minutes)
        case Cadence.HOURLY:
            return timedelta(hours=1)
        case _:
            return None


def table_uri(table: str) -> str:
    """Return the address of a table in the database that the settings name, without a password."""
    dialect = dialect_of(settings_or_defaults().database_url)
    return f"{dialect.kind}:///{dialect.place}#{table}"


def source_of(function: Callable[..., Any]) -> dg.CodeReferencesMetadataValue:
    """Return the file and the line of a function, for the link in the UI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # the only constructor that Dagster has for them
        reference = dg.LocalFileCodeReference(
            file_path=inspect.getfile(function), line_number=inspect.getsourcelines(function)[1]
        )
        return dg.CodeReferencesMetadataValue(code_references=[reference])
