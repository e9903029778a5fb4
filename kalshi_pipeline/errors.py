"""The error tree. A class says what the pipeline does next; a message ends in what the reader does next.

`exchange` and `store` translate their libraries' exceptions into these once, at their edge.
"""

from typing import Self


class PipelineError(Exception):
    """Anything that the pipeline reports in one line instead of a traceback."""

    @property
    def told(self) -> str:
        """What a person is told: the message, and the notes that were added on its way up."""
        return "; ".join([str(self), *getattr(self, "__notes__", [])])


class ConfigurationError(PipelineError):
    """Settings that cannot be used: nothing was started. Holds every problem, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ExchangeError(PipelineError):
    """The exchange did not give what was asked."""


class TransientExchangeError(ExchangeError):
    """It may work later: the client's own retries are used up, a slow retry of the whole asset is worth it."""


class RefusedError(ExchangeError):
    """The exchange understood the request and refused it; the same request will be refused again."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class NotFoundError(RefusedError):
    """The exchange does not know the ticker (or the path)."""


class PayloadError(ExchangeError):
    """An answer whose envelope is not what the contract says; never read as an empty list."""


class PaginationError(ExchangeError):
    """A walk over pages that cannot end: a repeated cursor, or empty pages without end."""


class DeadlineError(ExchangeError):
    """A walk that took longer than it may."""


class StoreError(PipelineError):
    """The database could not be read or written; what was committed before stays."""


class UnknownTickerError(PipelineError):
    """A ticker that the store does not hold."""

    @classmethod
    def of_market(cls, ticker: str) -> Self:
        """Say it of a market."""
        return cls(
            f"{ticker} is not stored: check the ticker, or fetch it with `kalshi-pipeline market {ticker}`"
        )


class RangeError(PipelineError):
    """A span of time, or a grid over it, that nothing can be asked for."""
