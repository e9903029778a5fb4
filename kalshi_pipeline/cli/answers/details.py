"""The details of a ticker: everything that the exchange sent about it, as JSON."""

import sys

from kalshi_pipeline.api import Details as StoredDetails
from kalshi_pipeline.api import Store, open_store
from kalshi_pipeline.cli.formats import instant, printable_json
from kalshi_pipeline.cli.options import address_of
from kalshi_pipeline.cli.terminal import print_message, quiet_pipe
from kalshi_pipeline.cli.times import instant_given

_KINDS = ("market", "event", "series")


def print_details(ticker: str, at: str | None, kind: str | None, db: str | None) -> None:
    """Print the details of a ticker as known at a time."""
    as_of = None if at is None else instant_given("--at", at)
    with open_store(address_of(db)) as store:
        found = _details(store, ticker, as_of, kind)
    with quiet_pipe(sys.stdout):
        sys.stdout.write(f"{printable_json(found.indented_json)}\n")
    said = f"{found.kind} {found.ticker} as the exchange has described it since {instant(found.seen_at)}"
    print_message(printable_json(said))


def _details(store: Store, ticker: str, at: int | None, kind: str | None) -> StoredDetails:
    """Return the details of a ticker in any case."""
    if not store.details_kinds(ticker) and kind in (None, *_KINDS):
        ticker = store.find_ticker(ticker, _KINDS if kind is None else (kind,))[1]
    return store.details(ticker, at, kind)
