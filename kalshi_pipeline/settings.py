"""All settings of the pipeline, typed.

Only this module reads the environment and, through `env_file`, `.env`. A setting is an environment variable
`KALSHI_<NAME>`; a blank one counts as not set. The environment takes precedence over `.env`. All problems are reported
together, one line each, before anything starts.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from kalshi_pipeline.env_file import read_env_file
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import cut, is_printable, is_text
from kalshi_pipeline.scope import Combos
from kalshi_pipeline.store.dialects import url_problem

PREFIX = "KALSHI_"
_API_VERSION = "/trade-api/v2"
_ENDPOINTS = ("/markets", "/events", "/series", "/exchange/status", "/trades", "/historical/cutoff")


_BYTES_PER_MB = 1_000_000
_MOST_DAYS = 36_600.0
_MOST_HOURS = 24 * _MOST_DAYS
_MOST_SECONDS = 86_400.0
_QUOTATION_MARKS = {'"', "'", "`", "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"}

CANDLESTICK_MINUTES = (1, 60, 1440)
"""The exchange's candlestick lengths."""


class SnapshotMode(StrEnum):
    """Whether a tick stores the quotes that changed, or every quote."""

    CHANGES = "changes"
    EVERY = "every"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_IN_ANY_CASE = BeforeValidator(_lower)


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if any(";" in part or part.split()[1:] for part in parts):
        raise ValueError("is not separated by commas")
    return parts


def _unique(values: object) -> object:
    """Return unique tickers as they are written, because the exchange may have two that differ in case only."""
    return tuple(dict.fromkeys(values)) if isinstance(values, list | tuple) else values


_Tickers: TypeAlias = tuple[str, ...]
_SEPARATED_BY_COMMAS = BeforeValidator(lambda value: _unique(_split(value)))


class Settings(BaseModel):
    """The settings with their defaults. docs/settings.md shows their descriptions."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    api_url: str = Field(
        "https://external-api.kalshi.com/trade-api/v2",
        description="Address of the exchange's API, to which `/markets` is appended",
    )
    database_url: str = Field(
        "sqlite:///data/kalshi.db",
        description="The database, as an SQLAlchemy URL; a relative path starts in the current folder",
    )
    requests_per_second: float = Field(
        15,
        ge=0.01,
        le=1000,
        description="Maximum requests in any second, retries included; fewer after a 429",
    )
    backfill_share: float = Field(
        0.5, ge=0.01, le=1, description="Share of those requests that all backfills together may use"
    )
    snapshot_minutes: float = Field(
        5, ge=0.25, le=1440, description="Minutes between snapshots; fractions are allowed"
    )
    snapshot_mode: Annotated[SnapshotMode, _IN_ANY_CASE] = Field(
        SnapshotMode.CHANGES,
        description=(
            "`changes` stores a quote when it differs from the last one; `every` keeps all (see `unchanged_quotes`)"
        ),
    )
    keyframe_hours: float = Field(
        24,
        gt=0,
        le=_MOST_HOURS,
        description="Age at which an unchanged quote is stored again, to keep look-ups short",
    )
    combos: Annotated[Combos, _IN_ANY_CASE] = Field(
        Combos.EXCLUDE, description="Multivariate (`KXMVE…`) markets: `exclude`, `only` or `include`"
    )
    series: Annotated[_Tickers, _SEPARATED_BY_COMMAS] = Field(
        (), description="Comma-separated series tickers; only these series are collected, or all if blank"
    )
    max_pages: int | None = Field(
        None,
        ge=1,
        description="Maximum pages of one listing; a longer one is truncated; blank means no limit",
    )
    timeout_seconds: float = Field(
        30, gt=0, le=600, description="How long to wait for the answer to one request"
    )
    retry_seconds: float = Field(
        30,
        ge=0,
        le=3600,
        description="How long a failing request is retried, without waits that the exchange requests",
    )
    max_response_mb: float = Field(
        64,
        gt=0,
        le=4096,
        description="Maximum megabytes of one answer, decompressed; a larger one is refused",
    )
    windows: int = Field(
        8,
        ge=1,
        le=32,
        description="Number of parallel walks that list the markets, under one request limit; 1 is serial",
    )
    walk_seconds: float = Field(
        900, gt=0, le=_MOST_SECONDS, description="How long one listing may take, with all its pages"
    )
    event_lookups: int = Field(
        20, ge=0, description="Maximum requests of one run, before its writes, for events that its pages name"
    )
    healing_requests: int = Field(
        300, ge=0, description="Maximum requests of one `events` or `markets` run for filling placeholders"
    )
    reconcile_requests: int | None = Field(
        None,
        ge=0,
        description=(
            "Maximum requests of one run for markets missing from the listing; blank means 20 for each minute of "
            "`KALSHI_SNAPSHOT_MINUTES`, at least 20 and at most 300"
        ),
    )
    placeholder_hours: float = Field(
        24, gt=0, le=_MOST_HOURS, description="Age at which a placeholder that is still open fails its check"
    )
    quarantine_share: float = Field(
        0.01, ge=0, le=1, description="Share of unreadable records above which the check fails"
    )
    quarantine_mb: float = Field(
        256,
        ge=0,
        le=1_000_000,
        description="Maximum megabytes of unreadable records to keep; further ones are only counted",
    )
    run_history_days: float = Field(
        7,
        gt=0,
        le=_MOST_DAYS,
        description="Age at which `housekeeping` deletes a run from Dagster's own history",
    )

    fork_runs: bool = Field(
        default=True,
        description="Whether Dagster's runs are forked from a process that has imported everything (on Linux)",
    )

    candlestick_series: Annotated[_Tickers, _SEPARATED_BY_COMMAS] = Field(
        (), description="Comma-separated series; the candlesticks of their markets are collected"
    )
    candlestick_markets: Annotated[_Tickers, _SEPARATED_BY_COMMAS] = Field(
        (), description="Comma-separated tickers of further markets whose candlesticks are collected"
    )
    candlestick_minutes: int = Field(60, description="Length of a candlestick: 1, 60 or 1440 minutes")
    order_book_markets: Annotated[_Tickers, _SEPARATED_BY_COMMAS] = Field(
        (), description="Comma-separated tickers of markets whose order books are collected"
    )
    order_book_minutes: float = Field(
        5, ge=0.25, le=1440, description="Minutes between order books; fractions are allowed"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        is_list = cls.model_fields[str(info.field_name)].annotation == _Tickers
        if problem := _problem_of_text(value.strip() if is_list else value):
            raise ValueError(problem)
        return value

    @field_validator("api_url")
    @classmethod
    def _is_http_address(cls, value: str) -> str:
        if problem := _address_problem(value):
            raise ValueError(problem)
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_usable_database(cls, value: str) -> str:
        if problem := url_problem(value):
            raise ValueError(problem)
        return value

    @field_validator("candlestick_minutes")
    @classmethod
    def _is_period(cls, value: int) -> int:
        if value not in CANDLESTICK_MINUTES:
            raise ValueError("the exchange has candlesticks of 1, 60 and 1440 minutes")
        return value

    def reconcile_requests_within(self, period_seconds: float) -> int:
        """Return the maximum requests for missing markets of a run with this much time until the next one."""
        if self.reconcile_requests is not None:
            return self.reconcile_requests
        return round(min(300, max(20, period_seconds / 3)))

    @property
    def quarantine_bytes(self) -> int:
        """Maximum bytes of unreadable records to keep."""
        return round(self.quarantine_mb * _BYTES_PER_MB)

    @property
    def snapshot_period_seconds(self) -> float:
        """Seconds between two ticks."""
        return self.snapshot_minutes * 60


_VARIABLES = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
_NEAR = 0.8


def _problem_of_text(value: str) -> str | None:
    if not is_text(value):
        return "is not UTF-8 text"
    if value != value.strip():
        return "begins or ends with white space"
    if {value[:1], value[-1:]} & _QUOTATION_MARKS:
        return "is in quotation marks, which would be part of it"
    return None if is_printable(value) else "contains an invisible character"


def load_settings(environ: Mapping[str, str] = os.environ, /, **overrides: Any) -> Settings:  # noqa: ANN401  (pydantic's)
    """Return the settings: `overrides` first, then the environment, then `.env`.

    Raises ConfigurationError with one line for each invalid setting and for each variable that looks like a misspelt
    setting, because ignoring it would silently use a default.
    """
    written = read_env_file(Path(".env"), is_about_setting)
    problems = [*written.problems, *_misspelt([*environ, *written.values])]
    problems += [
        f"{name} is not a setting; the settings are {', '.join(Settings.model_fields)}"
        for name in overrides
        if name not in Settings.model_fields
    ]
    values = {**_fields_of(written.values), **_fields_of(environ), **overrides}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += [_problem(detail["loc"], detail["msg"], detail["input"]) for detail in error.errors()]
    if problems:
        raise ConfigurationError(problems)
    return settings


def is_about_setting(name: str) -> bool:
    """Return whether a variable's name is a setting's, or looks like a misspelt one."""
    return _meant_by(name) is not None


def _fields_of(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that variables set, by field; a name in capitals takes precedence over other spellings."""
    return {
        name.upper().removeprefix(PREFIX).lower(): variables[name]
        for name in sorted(variables, reverse=True)
        if name.upper() in _VARIABLES and variables[name].strip()
    }


def environment_with(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child process with these variables changed."""
    return {**os.environ, **changes}


def _problem(loc: tuple[int | str, ...], message: str, value: object) -> str:
    name = str(loc[0])
    reason = message.removeprefix("Value error, ")
    # An address may contain a password, or a token in its query string.
    is_secret = name == "database_url" or any(char in str(value) for char in "@?#")
    shown = "" if is_secret else f"={cut(str(value).encode(errors='backslashreplace').decode())}"
    return f"{PREFIX}{name.upper()}{shown}: {reason[0].lower()}{reason[1:]}; change it or unset it"


def _address_problem(value: str) -> str | None:
    """Return what is wrong with an API address, without quoting it; None if it is usable."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is not an http:// or https:// address"
    if "@" in parts.netloc:
        return "contains a user or a password, and market data needs none"
    if "?" in value or "#" in value:
        return f"has a query or a fragment, and each request adds its own: end it after {parts.path or 'the host'}"
    if parts.port == 0:
        return "has the port 0, which no server can use"
    base, has_version, added = parts.path.rstrip("/").partition(_API_VERSION)
    if added if has_version else base.endswith(_ENDPOINTS):
        wanted = base + has_version if has_version else "the part before that"
        return f"ends in the name of an endpoint, which each request adds: end it after {wanted}"
    return None


def _misspelt(names: Iterable[str]) -> list[str]:
    meant = {name: _meant_by(name) for name in sorted({*names}) if name.upper() not in _VARIABLES}
    return [
        f"{cut(name)} is not a setting: did you mean {variable}? Rename or unset it"
        for name, variable in meant.items()
        if variable is not None
    ]


def _meant_by(name: str) -> str | None:
    """Return the setting's variable that a name equals or nearly equals. Other tools' variables, such as
    KALSHI_API_KEY, match none.
    """
    head, _, rest = re.sub(r"[^A-Z0-9]+", "_", name.upper()).partition("_")
    if head == "KALSHI":
        rest = rest.lstrip("_")
    elif not difflib.get_close_matches(head, ["KALSHI"], cutoff=_NEAR):
        return None
    known = [variable.removeprefix(PREFIX) for variable in _VARIABLES]
    near = difflib.get_close_matches(rest, known, n=1, cutoff=_NEAR)
    return f"{PREFIX}{near[0]}" if near else None
