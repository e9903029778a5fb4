"""Which faults the exchange shows. All are off by default; shares are drawn by seed, URL and attempt, not by time."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

ErrorBody: TypeAlias = Literal["nested", "flat", "html", "any"]
CreatedFilter: TypeAlias = Literal["honoured", "refused", "ignored"]

_YES_NO = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_SERVER_ERRORS = (500, 502, 503, 504)


@dataclass(frozen=True)
class Faults:
    """Switches of trouble. Shares are from 0 to 1 of the requests, `unreadable` of the records.

    `paths` restricts everything but `paused` to paths that begin so, without /trade-api/v2: ("/markets",).
    `server_error` 0 takes 500, 502, 503 and 504 in turn; `overlap` repeats that many rows of the page before;
    `empty_pages` puts one empty page with a living cursor before every page but the first; `fail_first` answers
    503 to the first attempts of every distinct URL; after `unreachable_after` pages of listings every
    connection is reset; `paused` stops the world's quotes and says so in /exchange/status. `latency_seconds` delays
    every answer, and `latency_jitter_seconds` each URL by up to so much more. `created_filter` and
    `created_skew_seconds` concern the created bounds of /markets: a request with one is refused, answered as if
    it had none, or answered for a window that lies so many seconds later than the one that was asked for.
    """

    seed: int = 1
    latency_seconds: float = 0.0
    latency_jitter_seconds: float = 0.0
    too_many: float = 0.0
    server_errors: float = 0.0
    server_error: int = 0
    error_body: ErrorBody = "any"
    resets: float = 0.0
    truncated: float = 0.0
    not_json: float = 0.0
    missing_key: bool = False
    repeated_cursor: bool = False
    empty_pages: bool = False
    overlap: int = 0
    unknown_words: bool = False
    unreadable: float = 0.0
    paused: bool = False
    unreachable_after: int | None = None
    fail_first: int = 0
    created_filter: CreatedFilter = "honoured"
    created_skew_seconds: float = 0.0
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("too_many", "server_errors", "resets", "truncated", "not_json", "unreadable"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"fault {name} is a share from 0 to 1, not {getattr(self, name)}")
        for name in ("latency_seconds", "latency_jitter_seconds", "overlap", "fail_first"):
            if getattr(self, name) < 0:
                raise ValueError(f"fault {name} cannot be negative")
        if self.server_error not in (0, *_SERVER_ERRORS):
            raise ValueError(f"fault server_error is one of 500, 502, 503 and 504, not {self.server_error}")
        for name, words in (("error_body", get_args(ErrorBody)), ("created_filter", get_args(CreatedFilter))):
            if getattr(self, name) not in words:
                raise ValueError(f"fault {name} is one of {', '.join(words)}, not {getattr(self, name)}")

    @classmethod
    def parse(cls, settings: Iterable[str]) -> "Faults":
        """Faults of texts such as "too_many=0.1", "overlap=5", "paused" or "paths=/markets,/events"."""
        fields = {field.name: field.default for field in dataclasses.fields(cls)}
        values: dict[str, object] = {}
        for setting in settings:
            name, has_value, text = setting.partition("=")
            name = name.strip().replace("-", "_")
            if name not in fields:
                raise ValueError(f"unknown fault {name!r}: the known ones are {', '.join(fields)}")
            values[name] = _value(name, fields[name], text.strip() if has_value else "true")
        return cls(**values)  # type: ignore[arg-type]  # each value has the type of its field's default

    def applies_to(self, path: str) -> bool:
        return not self.paths or path.startswith(self.paths)


def _value(name: str, default: object, text: str) -> object:
    try:
        if isinstance(default, bool):
            return _YES_NO[text.lower()]
        if isinstance(default, float):
            return float(text)
        if isinstance(default, int) or default is None:
            return int(text)
    except (KeyError, ValueError):
        kinds: dict[type, str] = {bool: "yes or no", float: "a number"}
        kind = kinds.get(type(default), "a whole number")
        raise ValueError(f"fault {name} takes {kind}, not {text!r}") from None
    return tuple(filter(None, text.split(","))) if isinstance(default, tuple) else text


def server_error_of(faults: Faults, draw: int) -> int:
    return faults.server_error or _SERVER_ERRORS[draw % len(_SERVER_ERRORS)]
