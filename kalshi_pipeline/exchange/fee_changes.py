"""Pages of fee changes, of series and of events' overrides."""

from kalshi_pipeline.exchange.payloads import EventFeeChangePayload, SeriesFeeChangePayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.records import EventFeeChange, SeriesFeeChange

SERIES_FEE_CHANGES = PageReader("series_fee_change_arr", SeriesFeeChange, SeriesFeeChangePayload)
EVENT_FEE_CHANGES = PageReader("event_fee_changes", EventFeeChange, EventFeeChangePayload)


def change_id_of(change: SeriesFeeChange | EventFeeChange) -> str:
    """Return the identifier of a change."""
    return change.change_id
