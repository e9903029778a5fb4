"""Requests tickers in batches, in which a failing ticker does not stop the others."""

from collections import deque
from collections.abc import Iterator, Sequence

from kalshi_pipeline.errors import ExchangeError, RefusedError
from kalshi_pipeline.exchange.batches import COMMA, TICKERS_PER_LOOKUP, ticker_batches
from kalshi_pipeline.exchange.replies import BAD_REQUEST, TOO_LARGE_STATUSES
from kalshi_pipeline.ingest.run.failures import FailuresInARow

_FAILED_BATCHES = 3
# Going from 200 tickers to 12 takes fifteen refusals that do not say that the request is too long.
_REFUSED_BATCHES = 20


class TickerBatches:
    """Iterate it for batches, and call `succeed` or `fail` after each.

    A failed batch is split, and its halves are requested after the others, until only the failing ticker is left, in
    `failed`. If a batch is refused as too large, the waiting ones are split to the size of its halves. Too many
    consecutive failures mean that the exchange is down, and end the iteration. The waiting tickers are then in `failed`
    if they were requested, else in `unasked`.
    """

    def __init__(
        self,
        tickers: Sequence[str],
        most: int = TICKERS_PER_LOOKUP,
        failed_batches: int = _FAILED_BATCHES,
        separator: str = COMMA,
    ) -> None:
        self.failed: dict[str, ExchangeError] = {}
        self.are_stopped = False
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

    @property
    def waiting(self) -> int:
        """The number of batches that are not requested yet."""
        return len(self._waiting)

    def succeed(self) -> None:
        """Record that the last batch was answered."""
        self._failures.clear()
        self._refusals.clear()

    def fail(self, asked: Sequence[str], error: ExchangeError) -> None:
        """Record that the last batch failed."""
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
        """Split the waiting tickers into even batches of at most `most` tickers."""
        parts = [(batch, error, -(-len(batch) // most)) for batch, error in self._waiting]
        self._waiting = deque(
            (batch[number * len(batch) // count : (number + 1) * len(batch) // count], error)
            for batch, error, count in parts
            for number in range(count)
        )

    def stop(self, asked: Sequence[str] = ()) -> None:
        """End the iteration: sort the last batch and the waiting ones into `failed` and `unasked`."""
        self.are_stopped = True
        for batch, error in ((asked, self._failed_before), *self._waiting):
            if error is None:
                self.unasked += batch
            else:
                self.failed |= dict.fromkeys(batch, error)
        self._waiting.clear()
