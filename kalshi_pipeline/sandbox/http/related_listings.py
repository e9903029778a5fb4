"""Milestones, the metadata of events, structured targets, collections of events and incentive programs.

The order of these listings is not documented: each is in ascending order of the time and identifier in its cursors
(decoded from recorded ones for milestones and collections), targets by their identifiers alone.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from kalshi_pipeline.sandbox.http.cursors import Keyset
from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError, NotFoundError
from kalshi_pipeline.sandbox.shapes.related_records import (
    collection_text,
    incentive_text,
    metadata_members,
    milestone_text,
    target_text,
)
from kalshi_pipeline.sandbox.world.related import (
    Collection,
    collections,
    incentives,
    milestones,
    targets,
)
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

_COLLECTION_STATUSES = ("unopened", "open", "closed")
_INCENTIVE_STATUSES = ("all", "active", "upcoming", "closed", "paid_out")
_INCENTIVE_TYPES = ("all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume")
_MOST_TARGETS = 2_000

_Row = TypeVar("_Row")


def get_milestones(context: EndpointContext, query: Query) -> bytes:
    query.required_integer("limit")
    limit = query.limit(100, 500, least=1)
    world, tickers = context.world, context.world.events.ticker
    category, competition, kind = query.text("category"), query.text("competition"), query.text("type")
    source, related = query.text("source_id"), query.text("related_event_ticker")
    since, updated_ts = _instant(query, "minimum_start_date"), query.integer("min_updated_ts")
    is_asked_for = (
        (category is None or category.lower() == "sports")
        and competition in (None, "Open Football")
        and kind in (None, "football_game")
    )
    rows = [
        row
        for row in (milestones(world) if is_asked_for else ())
        if source in (None, f"game-{row.event}")
        and related in (None, tickers[row.event])
        and (since is None or row.start_at >= since)
        and (updated_ts is None or row.updated > updated_ts * MICROS_PER_SECOND)
    ]
    page, cursor = _page(query, rows, limit, lambda row: Keyset(row.start_at, row.id))
    return context.listing("milestones", (milestone_text(world, row) for row in page), cursor)


def get_milestone(context: EndpointContext, query: Query) -> bytes:
    found = _find(milestones(context.world), lambda row: row.id == query.path["milestone_id"])
    return context.envelope(f'"milestone":{milestone_text(context.world, found)}')


def get_event_metadata(context: EndpointContext, query: Query) -> bytes:
    events = context.world.events
    event = events.position.get(query.path["event_ticker"])
    if event is None or event in events.unrecorded:
        raise NotFoundError
    return context.envelope(metadata_members(context.world, event))


def get_targets(context: EndpointContext, query: Query) -> bytes:
    limit = query.limit(100, _MOST_TARGETS, least=1, name="page_size")
    wanted, kind, competition = query.texts("ids"), query.text("type"), query.text("competition")
    if len(wanted) > _MOST_TARGETS:
        raise BadRequestError("invalid ids")
    rows = [
        row
        for row in targets(context.world)
        if (not wanted or row.id in wanted)
        and kind in (None, "football_team")
        and competition in (None, row.league)
    ]
    page, cursor = _page(query, rows, limit, lambda row: Keyset(0, row.id))
    return context.listing("structured_targets", (target_text(context.world, row) for row in page), cursor)


def get_target(context: EndpointContext, query: Query) -> bytes:
    found = _find(targets(context.world), lambda row: row.id == query.path["structured_target_id"])
    return context.envelope(f'"structured_target":{target_text(context.world, found)}')


def get_collections(context: EndpointContext, query: Query) -> bytes:
    """Return the collections; the key of their list is not the name of the path."""
    limit = query.limit(200, 200, least=1)
    world, ticker_of = context.world, context.world.events.ticker
    status = query.word("status", _COLLECTION_STATUSES, "invalid status filter")
    series, associated = query.text("series_ticker"), query.text("associated_event_ticker")
    rows = [
        row
        for row in collections(world)
        if series in (None, row.series_ticker)
        and (associated is None or associated in map(ticker_of.__getitem__, row.events))
        and status in (None, _status_of(row, world.clock))
    ]
    page, cursor = _page(query, rows, limit, lambda row: Keyset(row.close_at, row.ticker))
    return context.listing("multivariate_contracts", (collection_text(world, row) for row in page), cursor)


def _status_of(collection: Collection, now: int) -> str:
    if now < collection.open_at:
        return "unopened"
    return "open" if now < collection.close_at else "closed"


def get_collection(context: EndpointContext, query: Query) -> bytes:
    found = _find(collections(context.world), lambda row: row.ticker == query.path["collection_ticker"])
    return context.envelope(f'"multivariate_contract":{collection_text(context.world, found)}')


def get_incentives(context: EndpointContext, query: Query) -> bytes:
    """Return the incentive programs. The key of the cursor is `next_cursor`, which Go omits on the last page."""
    limit = query.limit(100, 10_000, least=1)
    status = query.word("status", _INCENTIVE_STATUSES, "invalid status")
    kind = query.word("type", _INCENTIVE_TYPES, "invalid type")
    described = query.text("incentive_description")
    rows = [
        row
        for row in incentives(context.world)
        if status in (None, "all", row.status)
        and kind in (None, "all", row.kind)
        and described in (None, row.description)
    ]
    page, cursor = _page(query, rows, limit, lambda row: Keyset(row.start_at, row.id))
    texts = ",".join(incentive_text(context.world, row) for row in page)
    following = f',"next_cursor":"{cursor}"' if cursor else ""
    return context.envelope(f'"incentive_programs":[{texts}]{following}')


def _page(
    query: Query, rows: list[_Row], limit: int, key: Callable[[_Row], Keyset]
) -> tuple[list[_Row], str]:
    """Return the rows that follow the cursor, and the cursor that continues after them, or "" at the end."""
    keyset = query.keyset()
    following = sorted((row for row in rows if keyset is None or key(row) > keyset), key=key)
    page = following[:limit]
    return page, query.cursor(*key(page[-1])) if len(following) > limit else ""


def _find(rows: Iterable[_Row], is_wanted: Callable[[_Row], bool]) -> _Row:
    found = next(filter(is_wanted, rows), None)
    if found is None:
        raise NotFoundError
    return found


def _instant(query: Query, name: str) -> int | None:
    """Return an instant that is written as RFC 3339."""
    text = query.text(name)
    if text is None:
        return None
    try:
        return instant_of(datetime.fromisoformat(text))
    except ValueError as error:
        raise BadRequestError(f"invalid {name}") from error
