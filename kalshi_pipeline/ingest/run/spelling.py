"""The spelling of the tickers in the settings, which people may write in lower case."""

from collections.abc import Callable, Sequence

from kalshi_pipeline.settings import Settings

Spell = Callable[[Sequence[str], str], tuple[str, ...]]
"""Returns the tickers to request for some as written, of a kind of `store.reading.tickers`."""

_KINDS = {
    "series": "series",
    "candlestick_series": "series",
    "candlestick_markets": "market",
    "order_book_markets": "market",
}


def spelled(settings: Settings, spell: Spell) -> Settings:
    """Return the settings with the tickers to request."""
    written = {name: getattr(settings, name) for name in _KINDS}
    to_request = {name: spell(tickers, _KINDS[name]) for name, tickers in written.items() if tickers}
    changed = {name: tickers for name, tickers in to_request.items() if tickers != written[name]}
    return settings.model_copy(update=changed) if changed else settings
