"""The error tree.

The class decides what the pipeline does next; the message states the fact. `exchange` and `store` translate the
exceptions of their libraries at their edge. `advice` adds the next step to database errors, because it depends on the
reporting program.
"""

from collections.abc import Sequence
from enum import Enum


class PipelineError(Exception):
    """Anything that the pipeline reports in one line instead of a traceback."""

    @property
    def full_message(self) -> str:
        """The message and its notes."""
        return "; ".join([str(self), *getattr(self, "__notes__", [])])


class ConfigurationError(PipelineError):
    """Settings that cannot be used: nothing was started. Holds every problem, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ExchangeError(PipelineError):
    """The exchange did not return what was requested."""


class TransientExchangeError(ExchangeError):
    """The request may work later: the client has used up its retries, but a slow retry of the whole asset is
    worthwhile.

    `status` is the last response's, or 0 without a response.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class RefusedError(ExchangeError):
    """The exchange refused the request and would refuse it again."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class NotFoundError(RefusedError):
    """The exchange does not know the ticker, or the path if the configured address is wrong."""


class UnknownMarketError(NotFoundError):
    """The market is in no tier of the exchange."""


class PayloadError(ExchangeError):
    """The envelope of a response violates the contract; it is never read as an empty list."""


class PaginationError(ExchangeError):
    """A walk over pages would not end: a cursor repeats, or pages are empty or have nothing new."""


class DeadlineError(ExchangeError):
    """A walk that exceeded its time limit."""


class ClockError(PipelineError):
    """The computer's clock is wrong, or was wrong when data was stored; nothing was written."""


class TickAheadError(ClockError):
    """A stored tick is in the future, and blocks other ticks until then. Both instants are texts."""

    def __init__(self, tick: str, now: str, seconds: float) -> None:
        self.now = now
        super().__init__(
            f"tick {tick} is stored, {seconds:,.0f} s ahead of now ({now}), so nothing was written"
        )


class SkippedError(PipelineError):
    """A snapshot was not taken, because a newer one had been taken or it started too late."""


class StoreProblem(Enum):
    """The problem with the database, by what the user does next."""

    ADDRESS = "this version cannot use a database at that address"
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
    UNREADABLE_LOG = "the latest writes are in a log that cannot be read"
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
    """A ticker without the requested data in the store.

    `similar` are stored tickers; `kinds` are those of what was looked for, the most likely first.
    """

    def __init__(
        self,
        ticker: str,
        message: str | None = None,
        similar: Sequence[str] = (),
        kinds: Sequence[str] = ("market",),
    ) -> None:
        self.ticker = ticker
        self.similar = similar
        self.kinds: Sequence[str] = tuple(kinds)
        super().__init__(message or f"{ticker} is not stored")


class UnknownKindError(UnknownTickerError):
    """A ticker that has only data of other kinds, or an unknown kind.

    `kinds` are the available ones.
    """

    def __init__(self, ticker: str, kind: str, kinds: Sequence[str]) -> None:
        super().__init__(ticker, f"no {kind} {ticker} is stored", kinds=kinds)


class OtherKindError(UnknownTickerError):
    """A ticker of the wrong kind, such as an event's instead of a market's."""

    def __init__(self, ticker: str, kind: str, wanted: Sequence[str]) -> None:
        self.kind = kind
        super().__init__(
            ticker, f"{ticker} is the ticker of a{_n(kind)} {kind}, not of a{_n(wanted[0])} {wanted[0]}"
        )


def _n(word: str) -> str:
    return "n" if word[0] in "aeiou" else ""


class NoQuoteError(UnknownTickerError):
    """A stored market without a stored quote."""

    def __init__(self, ticker: str) -> None:
        super().__init__(ticker, f"{ticker} is stored without a quote")


class NoDetailsError(UnknownTickerError):
    """A stored ticker without stored details."""

    def __init__(self, ticker: str) -> None:
        super().__init__(ticker, f"{ticker} is stored without details")


class RangeError(PipelineError):
    """An invalid span of time, or an invalid grid over it."""


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
    """A file could not be written; no part of it is left."""


class DagsterEndedError(PipelineError):
    """Dagster, or a process that it needs to collect, has ended unexpectedly."""


class UnexpectedError(PipelineError):
    """Any other exception, reported in one line because the program continues."""


class StoppedError(BaseException):
    """A signal has stopped the program. Not an Exception, so that only code that must always clean up catches it."""

    def __init__(self, signal_name: str, number: int) -> None:
        self.number = number
        self.exit_code = 128 + number
        super().__init__(signal_name)
