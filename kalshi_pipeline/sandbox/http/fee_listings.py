"""GET /series/fee_changes and /events/fee_changes."""

from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext, cut_page
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.world.fees import changes_of_event, event_fee_changes, series_fee_changes


def get_series_fee_changes(context: EndpointContext, query: Query) -> bytes:
    """Return the scheduled changes of series' fees; with `show_historical` those of the past, too. It has no pages."""
    series_ticker, with_past = query.text("series_ticker"), query.flag("show_historical")
    world = context.world
    rows = (
        context.shape.series_fee_change(change)
        for change in series_fee_changes(world)
        if (with_past or change.scheduled_at > world.clock)
        and series_ticker in (None, world.series[change.series].ticker)
    )
    return context.listing("series_fee_change_arr", rows)


def get_event_fee_changes(context: EndpointContext, query: Query) -> bytes:
    """Return the changes of events' fee overrides, past and scheduled, the latest one first."""
    limit = query.limit(100, 1_000, least=1)
    keyset, world = query.keyset(), context.world
    ticker = query.text("event_ticker")
    if ticker is None:
        changes = list(event_fee_changes(world))
    else:
        event = world.events.position.get(ticker)
        changes = [] if event is None else list(changes_of_event(world, event))
    keyed = sorted(((change.scheduled_at, change.id), change) for change in changes)
    found = (
        change for key, change in reversed(keyed) if keyset is None or key < (keyset.at, keyset.identifier)
    )
    page, has_more = cut_page(found, limit)
    cursor = query.cursor(page[-1].scheduled_at, page[-1].id) if has_more else ""
    return context.listing("event_fee_changes", map(context.shape.event_fee_change, page), cursor)
