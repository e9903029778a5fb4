"""Pages of series and of events."""

from kalshi_pipeline.exchange.payloads import EventPayload, SeriesPayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.records import Event, Series

SERIES = PageReader("series", Series, SeriesPayload)
EVENTS = PageReader("events", Event, EventPayload)
