"""The error tree. A class says what the pipeline does next; a message states the fact.

`exchange` and `store` translate their libraries' exceptions into these once, at their edge. `advice` adds the next step
for errors of the database, because it depends on the program that reports them.
"""

from collections.abc import Sequence
from enum import Enum


class PipelineError(Exception):
    """Anything that the pipeline reports in one line instead of a traceback."""

    @property
    def full_message(self) -> str:
        """The message, and the notes that were added on its way up."""
        return "; ".join([str(self), *getattr(self, "__notes__", [])])


class ConfigurationError(PipelineError):
    """Settings that cannot be used: nothing was started. Holds every problem, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ExchangeError(PipelineError):
    """The exchange did not answer what was asked."""


class TransientExchangeError(ExchangeError):
    """It may work later: the client has used up its retries, but a slow retry of the whole asset is worthwhile.

    `status` is that of the last answer, 0 without one.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class RefusedError(ExchangeError):
    """The exchange understood the request and refused it; the same request will be refused again."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class NotFoundError(RefusedError):
    """The exchange does not know what was asked for: a ticker, or the path, where its address is wrong."""


class UnknownMarketError(NotFoundError):
    """No tier of the exchange knows the market that was asked for."""


class PayloadError(ExchangeError):
    """An answer whose envelope violates the contract; never read as an empty list."""


class PaginationError(ExchangeError):
    """A walk over pages that would not end: a repeated cursor, or pages that are empty or have nothing new."""


class DeadlineError(ExchangeError):
    """A walk that exceeded its time limit."""


class ClockError(PipelineError):
    """The computer's clock is wrong, or was wrong when something was stored: nothing was written."""


class TickAheadError(ClockError):
    """A stored tick is ahead of now, and no other can be taken until then. Both instants are texts."""

    def __init__(self, tick: str, now: str, seconds: float) -> None:
        self.now = now
        super().__init__(
            f"tick {tick} is stored, {seconds:,.0f} s ahead of now ({now}), so nothing was written"
        )


class SkippedError(PipelineError):
    """A snapshot that was not taken, because a newer one had been taken or it started too late."""


class StoreProblem(Enum):
    """What is wrong with the database, by what a reader does next."""

    ADDRESS = "its address names no database that this version can use"
    MISSING = "there is none"
    NOT_USABLE = "it cannot be opened or written, or belongs to another program"
    OLDER_SCHEMA = "an older version wrote it"
    NEWER_SCHEMA = "a newer version wrote it"
    ALTERED_SCHEMA = "its tables match no release"
    IN_THE_WAY = "a view, trigger, index or table that its user added does not fit the new schema"
    REFERRED_TO = "a table that its user added refers to one that an upgrade replaces"
    DAMAGED = "its file is damaged"
    FULL = "its disk is full"
    BUSY = "another program holds it"
    CHANGED = "another program changed it during each attempt to read it"
    UNREADABLE_LOG = "what was written last is in a log that cannot be read"
    CLOSED = "its reader was closed"
    BROKEN_KEY = "a row refers to one that is missing"
    VANISHED = "its file was moved, deleted or replaced after this program opened it"
    UNHEALTHY = "its contents are inconsistent"
    OTHER = "anything else"


class StoreError(PipelineError):
    """The database could not be read or written; earlier commits are kept."""

    def __init__(self, message: str, problem: StoreProblem = StoreProblem.OTHER) -> None:
        self.problem = problem
        super().__init__(message)


class UnknownTickerError(PipelineError):
    """A market without the requested data in the store; `similar` are stored tickers."""

    def __init__(self, ticker: str, message: str | None = None, similar: Sequence[str] = ()) -> None:
        self.ticker = ticker
        self.similar = similar
        super().__init__(message or f"{ticker} is not stored")


class UnknownKindError(UnknownTickerError):
    """A ticker that has data of other kinds only, or a kind that does not exist.

    `kinds` are those to choose from.
    """

    def __init__(self, ticker: str, kind: str, kinds: Sequence[str]) -> None:
        self.kinds = tuple(kinds)
        super().__init__(ticker, f"no {kind} {ticker} is stored")


class OtherKindError(UnknownTickerError):
    """A ticker of another kind than requested, such as an event's instead of a market's."""

    def __init__(self, ticker: str, kind: str, wanted: Sequence[str]) -> None:
        self.kind = kind
        super().__init__(
            ticker, f"{ticker} is the ticker of a{_n(kind)} {kind}, not of a{_n(wanted[0])} {wanted[0]}"
        )


def _n(word: str) -> str:
    return "n" if word[0] in "aeiou" else ""


class NoQuoteError(UnknownTickerError):
    """A stored market of which no quote is stored."""

    def __init__(self, ticker: str) -> None:
        super().__init__(ticker, f"{ticker} is stored without a quote")


class NoDetailsError(UnknownTickerError):
    """A stored ticker of which no details are stored."""

    def __init__(self, ticker: str) -> None:
        super().__init__(ticker, f"{ticker} is stored without details")


class RangeError(PipelineError):
    """A span of time, or a grid over it, that is invalid."""


class InstantError(PipelineError, ValueError):
    """A value that is not an instant, or has no time zone."""


class MissingExtraError(PipelineError):
    """A required package that is not installed; `extra` is the extra that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(
            f"{package} is not installed: run `pip install 'kalshi-pipeline[{extra}]'`, or `uv sync --extra {extra}`"
        )


class ExportError(PipelineError):
    """A file that was not written; no part of it is left."""


class DagsterEndedError(PipelineError):
    """Dagster, or a process that it needs for collecting, has ended although nothing stopped it."""


class UnexpectedError(PipelineError):
    """Any other exception, where it is reported in one line because the program continues."""


class StoppedError(BaseException):
    """A signal has stopped the program. It is not an Exception, so only code that must always clean up catches it."""

    def __init__(self, signal_name: str, number: int) -> None:
        self.number = number
        self.exit_code = 128 + number
        super().__init__(signal_name)
