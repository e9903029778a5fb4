"""Listings whose last page is full and has no cursor, not even an empty one: they may have more, and are partial."""

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes
from kalshi_pipeline.ingest.related import RELATED, sync_related
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.sync import sync_events
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session

_LISTINGS: dict[str, tuple[Callable[[Session], Report], str, str, str]] = {
    "events": (sync_events, "/events", "events", "event_ticker"),
    "event_fee_changes": (sync_event_fee_changes, "/events/fee_changes", "event_fee_changes", "id"),
    **{
        related.asset: (
            partial(sync_related, related=related),
            related.endpoint.path,
            related.endpoint.key,
            related.endpoint.identifier,
        )
        for related in RELATED
    },
}


@pytest.mark.parametrize(("sync", "path", "key", "identifier"), _LISTINGS.values(), ids=_LISTINGS)
def test_listing_that_ends_with_a_full_page_without_a_cursor_is_partial(
    settings_for: Callable[..., Settings],
    sync: Callable[[Session], Report],
    path: str,
    key: str,
    identifier: str,
) -> None:
    def fill(request: httpx.Request, answer: Any) -> Any:
        query = request.url.params
        if not request.url.path.endswith(path) or "tickers" in query:
            return answer
        size, rows = int(query.get("limit") or query["page_size"]), answer[key]
        return {key: [{**rows[0], identifier: f"R{number}"} for number in range(size)]}

    with (
        Sandbox(World(WorldConfig(markets=100, combos=20, edits_per_step=14))) as sandbox,
        rewritten_session(settings_for(sandbox.url), fill) as session,
    ):
        sandbox.world.step()
        report = sync(session)
    assert (report.state, report.reason) == (
        State.PARTIAL,
        "the last page was full and came without a cursor, so more may follow: run again",
    )
