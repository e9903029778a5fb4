"""Sources of a table's rows: records in memory, or a statement that is read in batches."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from kalshi_pipeline.notebooks.arrow_values import stored_batch
from kalshi_pipeline.notebooks.extras import imported, is_installed
from kalshi_pipeline.records import Quote
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.streams import (
    MARKET_COLUMNS,
    STATES,
    MarketTexts,
    Stream,
    TableColumn,
    after_examples,
)
from kalshi_pipeline.units import MICROS_PER_MILLISECOND

if TYPE_CHECKING:
    import pyarrow as pa

Row: TypeAlias = Sequence[Any]
Texts: TypeAlias = Callable[[], MarketTexts]

_AT_ONCE = 65_536
_OBSERVED, _UNKNOWN = STATES.index(QuoteState.OBSERVED), STATES.index(QuoteState.UNKNOWN)
_NO_TEXTS = (None,) * len(MARKET_COLUMNS)
_YES_BID, _YES_ASK = Quote._fields.index("yes_bid"), Quote._fields.index("yes_ask")


class Part(Protocol):
    """Rows of stored values. Each iteration starts from the beginning."""

    def rows(self) -> Generator[Row]:
        """Yield them one by one."""
        ...

    def batches(self) -> Generator[Sequence["pa.Array"]]:
        """Yield batches of columns. Raises MissingExtraError without pyarrow."""
        ...


class HeldPart(Part):
    """Rows in memory, or of an iterable that produces them lazily."""

    def __init__(self, columns: Sequence[TableColumn], rows: Callable[[], Iterable[Row]]) -> None:
        self._columns = columns
        self._rows = rows

    def rows(self) -> Generator[Row]:
        yield from self._rows()

    def batches(self) -> Generator[Sequence["pa.Array"]]:
        rows = self.rows()
        while some := list(islice(rows, _AT_ONCE)):
            yield stored_batch(self._columns, some)


class ViewPart(Part):
    """The rows of a view."""

    def __init__(
        self,
        database: ReadOnlyDatabase,
        stream: Stream,
        *,
        is_ordered: bool = False,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._database = database
        self._stream = stream
        self._is_ordered = is_ordered
        self._at_once = at_once

    def rows(self) -> Generator[Row]:
        for some in self._database.rows(self._stream.statement):
            yield from some

    def batches(self) -> Generator[Sequence["pa.Array"]]:
        """Yield batches of columns. Rows of less than a batch, and those in an order, are read as Python objects.

        For so few, starting another process takes longer.
        """
        if self._is_ordered or not is_installed("arrow"):
            yield from HeldPart(self._stream.columns, self.rows).batches()
            return
        with closing(self.rows()) as rows:
            first = list(islice(rows, self._at_once))
        if len(first) < self._at_once:
            yield from HeldPart(self._stream.columns, lambda: first).batches()
            return
        batches = self._database.arrow_batches(after_examples(self._stream), self._at_once)
        for number, batch in enumerate(batches):
            yield (batch if number else batch.slice(1)).columns


class StreamedPart(Part):
    """The integer rows of a statement about markets; this class adds the tickers of the markets."""

    def __init__(self, database: ReadOnlyDatabase, stream: Stream, texts: Texts) -> None:
        self._database = database
        self._stream = stream
        self._texts = texts

    def rows(self) -> Generator[Row]:
        texts = None
        for some in self._database.rows(self._stream.statement):
            # Read after the first rows, so that it has every market that they name.
            texts = texts or self._texts()
            yield from (
                (*texts.rows.get(market_id, _NO_TEXTS), *self.completed_row(rest))
                for market_id, *rest in some
            )

    def batches(self) -> Generator[Sequence["pa.Array"]]:
        texts: Sequence[pa.Array] = ()
        for batch in self._database.arrow_batches(self._stream.statement, _AT_ONCE):
            texts = texts or _by_key(self._texts())
            market_id, *rest = batch.columns
            yield [*(text.take(market_id) for text in texts), *self.completed_columns(rest)]

    def completed_row(self, row: Row) -> Row:
        """Return the values of the columns after those of the market."""
        return row

    def completed_columns(self, columns: Sequence["pa.Array"]) -> Sequence["pa.Array"]:
        """Return the columns after those of the market."""
        return columns


class QuotesPart(StreamedPart):
    """Stored quotes, each as of its own tick, with the columns that are derived from the stored values."""

    def completed_row(self, row: Row) -> Row:
        at, received_ms, is_terminal, is_complete, *numbers = row
        received_at = at + received_ms * MICROS_PER_MILLISECOND
        state = _UNKNOWN if is_terminal else _OBSERVED
        confirmed_at = at if is_complete else None
        return (
            *(at, at, received_at, not is_terminal, state, is_complete, confirmed_at),
            *numbers,
            *middle_of(numbers[_YES_BID], numbers[_YES_ASK]),
        )

    def completed_columns(self, columns: Sequence["pa.Array"]) -> Sequence["pa.Array"]:
        pa, compute = imported("pyarrow"), imported("pyarrow.compute")
        at, received_ms, is_terminal, is_complete, *numbers = columns
        is_ended = is_terminal.cast(pa.bool_())
        bid, ask = numbers[_YES_BID], numbers[_YES_ASK]
        return (
            *(at, at, compute.add(at, compute.multiply(received_ms, MICROS_PER_MILLISECOND))),
            compute.subtract(1, is_terminal),
            compute.if_else(is_ended, _UNKNOWN, _OBSERVED),
            is_complete,
            compute.if_else(is_complete.cast(pa.bool_()), at, pa.scalar(None, pa.int64())),
            *numbers,
            *(compute.add(bid, ask), compute.subtract(ask, bid)),
        )


def middle_of(bid: int | None, ask: int | None) -> tuple[int | None, int | None]:
    """Return the midpoint, in halves of micro-dollars, and the spread; both are null for a one-sided quote."""
    return (None, None) if bid is None or ask is None else (bid + ask, ask - bid)


def _by_key(texts: MarketTexts) -> Sequence["pa.Array"]:
    """Return the tickers of markets as arrays that are indexed by the market's key."""
    pa = imported("pyarrow")
    rows = [texts.rows.get(key, _NO_TEXTS) for key in range(max(texts.rows, default=0) + 1)]
    return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
