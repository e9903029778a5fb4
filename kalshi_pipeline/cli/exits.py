"""Exit codes: the code of each kind of error, and the meaning of each code."""

from collections.abc import Mapping

from kalshi_pipeline.errors import (
    ClockError,
    ConfigurationError,
    ExchangeError,
    ExportError,
    InstantError,
    MissingExtraError,
    PipelineError,
    RangeError,
    SkippedError,
    StoreError,
    UnknownMarketError,
    UnknownTickerError,
)

EXIT_CODES: Mapping[int, str] = {
    0: "the work was done",
    1: "a fault of this program, or Dagster has ended",
    2: "a wrong setting, argument or clock",
    3: "the exchange failed or refused, or something is partial",
    4: "the database failed, or a file could not be written",
    5: "the ticker is not known",
    6: "a snapshot was skipped, because a newer tick had been taken or it started too late, and nothing is partial",
    129: "stopped by SIGHUP, for example because its terminal was closed",
    130: "stopped by SIGINT (Ctrl-C)",
    143: "stopped by SIGTERM",
}
"""Every code with its meaning. A program that a signal stops exits with 128 plus the signal's number."""

_CODES_OF_ERRORS: tuple[tuple[type[PipelineError], int], ...] = (
    (ConfigurationError, 2),
    (RangeError, 2),
    (InstantError, 2),
    (MissingExtraError, 2),
    (ExportError, 4),
    (ClockError, 2),
    (UnknownMarketError, 5),
    (UnknownTickerError, 5),
    (ExchangeError, 3),
    (StoreError, 4),
    (SkippedError, 6),
)


def exit_code_of(error: PipelineError) -> int:
    """Return the exit code of a command that an error ended."""
    return next((code for kind, code in _CODES_OF_ERRORS if isinstance(error, kind)), 1)
