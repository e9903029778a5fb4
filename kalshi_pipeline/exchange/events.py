"""Pages of series and of events."""

import json
from functools import partial

from kalshi_pipeline.exchange.compiling import Rule
from kalshi_pipeline.exchange.payloads import EventPayload, SeriesPayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.exchange.value_readers import loose_text
from kalshi_pipeline.records import Event, Series


def _metadata_of(name: str, product_metadata: str | None) -> str | None:
    found = json.loads(product_metadata) if product_metadata is not None else None
    return loose_text(found.get(name)) if isinstance(found, dict) else None


_RULES = {
    name: Rule(partial(_metadata_of, name), ("product_metadata",))
    for name in ("competition", "competition_scope")
}

SERIES = PageReader("series", Series, SeriesPayload, _RULES, are_kept_whole=True)
EVENTS = PageReader("events", Event, EventPayload, _RULES, are_kept_whole=True)
