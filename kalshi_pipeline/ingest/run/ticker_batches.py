"""Tickers that are asked for in batches, of which one that fails does not stop the others."""

from collections import deque
from collections.abc import Iterator, Sequence

from kalshi_pipeline.errors import ExchangeError, RefusedError
from kalshi_pipeline.exchange.batches import COMMA, TICKERS_PER_LOOKUP, ticker_batches
from kalshi_pipeline.exchange.replies import BAD_REQUEST, TOO_LARGE_STATUSES
from kalshi_pipeline.ingest.run.failures import FailuresInARow

_FAILED_BATCHES = 3
# From 200 tickers to 12 it takes fifteen refusals of what is not said to be too long.
_REFUSED_BATCHES = 20


class TickerBatches:
    """Iterate it for batches, and call `succeed` or `fail` after each.

    A batch that fails is split, and its halves are asked for when the others are done, so that in the end only the
    failing ticker is left, in `failed`. One that is refused as too large makes those that wait as small as its halves.
    As many failures in a row as an exchange has that is down end it: what is waiting then is in `failed` if it was
    asked for, and in `unasked` if it was not.
    """

    def __init__(
        self,
        tickers: Sequence[str],
        most: int = TICKERS_PER_LOOKUP,
        failed_batches: int = _FAILED_BATCHES,
        separator: str = COMMA,
    ) -> None:
        self.failed: dict[str, ExchangeError] = {}
        self.unasked: list[str] = []
        self._waiting: deque[tuple[Sequence[str], ExchangeError | None]] = deque(
            (batch, None) for batch in ticker_batches(tickers, most, separator)
        )
        self._failed_before: ExchangeError | None = None
        self._failures = FailuresInARow(failed_batches)
        self._refusals = FailuresInARow(_REFUSED_BATCHES)

    def __iter__(self) -> Iterator[Sequence[str]]:
        while self._waiting:
            asked, self._failed_before = self._waiting.popleft()
            yield asked

    def succeed(self) -> None:
        """Note that the last batch was answered."""
        self._failures.clear()
        self._refusals.clear()

    def fail(self, asked: Sequence[str], error: ExchangeError) -> None:
        """Note that the last batch failed."""
        if len(asked) == 1:
            self.failed[asked[0]] = error
        else:
            middle = len(asked) // 2
            self._waiting += ((asked[:middle], error), (asked[middle:], error))
        status = error.status if isinstance(error, RefusedError) else 0
        is_too_large = status in TOO_LARGE_STATUSES
        if is_too_large and status != BAD_REQUEST:  # which may be about one of the tickers as well
            self._split_waiting(max(1, len(asked) // 2))
        counter = self._refusals if is_too_large else self._failures
        counter.add()
        if counter.are_too_many:
            self.stop()

    def _split_waiting(self, most: int) -> None:
        """Split what is waiting into even batches of `most` tickers at the most."""
        parts = [(batch, error, -(-len(batch) // most)) for batch, error in self._waiting]
        self._waiting = deque(
            (batch[number * len(batch) // count : (number + 1) * len(batch) // count], error)
            for batch, error, count in parts
            for number in range(count)
        )

    def stop(self, asked: Sequence[str] = ()) -> None:
        """End it before `asked`, the last batch, and all that is waiting."""
        for batch, error in ((asked, self._failed_before), *self._waiting):
            if error is None:
                self.unasked += batch
            else:
                self.failed |= dict.fromkeys(batch, error)
        self._waiting.clear()
