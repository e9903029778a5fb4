"""The faults of the sandbox: off by default, and drawn by seed, URL and attempt, not by time."""

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
# Other transient statuses: without a body, from a gateway, or asking the client to come back later.
_PASSING = (202, 204, 403, 408, 425, *range(500, 600))
_REFUSALS = range(400, 600)
_SHARES = (
    *("too_many", "server_errors", "resets", "truncated", "not_json", "errors_as_success"),
    *("unreadable", "odd_fields", "no_tier", "amended", "drifted", "slow", "dripping", "odd_envelopes"),
    *("broken_gzip", "short_length", "crossed", "unlisted"),
)


@dataclass(frozen=True)
class Faults:
    """The faults to inject, each with its own switch, share or number.

    Shares are from 0 to 1 of the requests, for `unreadable`, `odd_fields`, `drifted` and `unlisted` of the records, for
    `no_tier` and `amended` of the markets.

    Requests and answers:

    - `server_error` 0 alternates between 500, 502, 503 and 504; it may be any 5xx, 408 or 425, and 202 or 204 without a
      body, or 403 with a gateway's page. `fail_first` answers with it, or 503, to the first attempts at every distinct
      URL. `retry_after` is the `Retry-After` of these and of 429: seconds, or a date. `errors_as_success` answers 200
      with an error. `historical_errors` is the status that the whole historical tier answers.
    - `longest_url` is the most characters of a URL, beyond which a gateway answers 414, and `largest_page` the most
      records that may be asked for, beyond which the exchange answers 400. `failing` names tickers: a request that
      names one of them is answered with 500. `moved_to` redirects every request to the API at that address.
    - `latency_seconds` delays every answer, and `latency_jitter_seconds` each URL by up to that much more. `slow` is
      the share of answers that begin `slow_seconds` later, `dripping` that of bodies that take `drip_seconds` to come.
    - `broken_gzip` is the share of compressed answers with wrong bytes in their middle, `short_length` that of answers
      with half of their body, and a Content-Length of that half.
    - `crossed` is the share of requests that get the answer to the request before, of the same endpoint.
    - `odd_envelopes` is the share of listings' pages with their list or cursor in another form: a bare list, null, an
      object, another name, nulls, an error beside an empty list, a page without cursor.
    - `endless` answers every page but the first without records and with a new cursor.
    - `overlap` repeats that many rows of the previous page, with another price and volume if `overlap_differs`.
      `empty_pages` puts an empty page with a valid cursor before every page but the first. After `unreachable_after`
      pages of listings every connection is reset.
    - `unlisted` is the share of the records that listings omit; they can be requested by name.
    - `other_period` answers candlesticks of an hour with those of a minute, and others with those of an hour.
    - `created_filter` and `created_skew_seconds` concern the created bounds of /markets: a request with one is refused,
      answered as if it had none, or answered for a window that is that many seconds later.
    - `answer_age_seconds` is the `Age` of good answers of /markets, /markets/{ticker} and /exchange/status, as a cache
      sends it, and their `Date` is as much older. Their contents are current. A request with `Cache-Control: no-cache`
      bypasses the cache.
    - `date_skew_seconds` shifts the `Date` of all answers, which makes the client's clock look wrong; `no_date` omits
      it.
    - `ignored` names query parameters to ignore: ("status", "series_ticker"). An ignored `cursor` returns the first
      page, with a new cursor each time.
    - `odd_fields` writes one descriptive field of a record in a form that the contract does not allow: a number as
      text, a time without its zone, a lone surrogate.
    - `scalar_without_value` omits the payout of scalar results. `zero_times` writes the zero time as the time at which
      one row in seven was created, updated or settled.
    - `not_offered` names paths that are answered with 404, with `*` for any part of one: ("/milestones*",).
    - `added_fields`, `removed_fields` and `retyped_fields` name fields, of every record or of one kind only:
      ("venue", "market.title", "event.category", "series.tags", "milestone.details"). An added field has a text, of
      `added_bytes` if that is not 0. A retyped one has a value of another type: its text in a list, a number as text,
      a list in an object, an object as text. They concern the share `drifted` of the records, by default all.
    - `cutoff_jump_seconds` moves the cutoff ahead, permanently, before the answer to every `cutoff_jump_every`-th
      request.
    - `paths` restricts all of these to paths with these beginnings, without /trade-api/v2: ("/markets",).

    The world, for which `paths` has no meaning:

    - `paused` stops the world's quotes, which /exchange/status reports. `paused_shards` are the numbers of shards that
      it reports as paused, ("1", "3"); their quotes move all the same.
    - `both_tiers` shows one archived market in three in the live tier too, there in an older version, together with its
      trades of the last day before the cutoff, which do not differ.
    - `no_tier` hides a share of the closed markets from every endpoint, but not their trades.
    - `amended` is the share of the markets closing from now on whose first result is mistaken, disputed and amended.
    """

    seed: int = 1
    latency_seconds: float = 0.0
    latency_jitter_seconds: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    dripping: float = 0.0
    drip_seconds: float = 1.0
    too_many: float = 0.0
    server_errors: float = 0.0
    server_error: int = 0
    retry_after: str = ""
    errors_as_success: float = 0.0
    longest_url: int = 0
    largest_page: int = 0
    failing: tuple[str, ...] = ()
    moved_to: str = ""
    error_body: ErrorBody = "any"
    resets: float = 0.0
    truncated: float = 0.0
    not_json: float = 0.0
    missing_key: bool = False
    odd_envelopes: float = 0.0
    broken_gzip: float = 0.0
    short_length: float = 0.0
    crossed: float = 0.0
    unlisted: float = 0.0
    other_period: bool = False
    endless: bool = False
    repeated_cursor: bool = False
    empty_pages: bool = False
    overlap: int = 0
    overlap_differs: bool = False
    unknown_words: bool = False
    unreadable: float = 0.0
    odd_fields: float = 0.0
    paused: bool = False
    paused_shards: tuple[str, ...] = ()
    unreachable_after: int | None = None
    fail_first: int = 0
    created_filter: CreatedFilter = "honoured"
    created_skew_seconds: float = 0.0
    answer_age_seconds: int = 0
    date_skew_seconds: float = 0.0
    no_date: bool = False
    ignored: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()
    added_fields: tuple[str, ...] = ()
    added_bytes: int = 0
    removed_fields: tuple[str, ...] = ()
    retyped_fields: tuple[str, ...] = ()
    drifted: float = 1.0
    both_tiers: bool = False
    no_tier: float = 0.0
    amended: float = 0.0
    scalar_without_value: bool = False
    zero_times: bool = False
    cutoff_jump_seconds: float = 0.0
    cutoff_jump_every: int = 10
    historical_errors: int = 0
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"fault {name} is a share from 0 to 1, not {getattr(self, name)}")
        for name in (
            "latency_seconds",
            "latency_jitter_seconds",
            "slow_seconds",
            "drip_seconds",
            "overlap",
            "fail_first",
            "answer_age_seconds",
            "added_bytes",
            "longest_url",
            "largest_page",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"fault {name} cannot be negative")
        if self.cutoff_jump_seconds < 0 or self.cutoff_jump_every < 1:
            raise ValueError("fault cutoff_jump_seconds cannot be negative, nor cutoff_jump_every under 1")
        if self.historical_errors and self.historical_errors not in _REFUSALS:
            raise ValueError(
                f"fault historical_errors is a status from 400 to 599, not {self.historical_errors}"
            )
        if self.server_error not in (0, *_PASSING):
            raise ValueError(
                f"fault server_error is 202, 204, 403, 408, 425 or from 500 to 599, not {self.server_error}"
            )
        self._check_words()

    def _check_words(self) -> None:
        if not all(shard.isdecimal() for shard in self.paused_shards):
            raise ValueError(
                f"fault paused_shards takes numbers of shards, not {','.join(self.paused_shards)}"
            )
        for name, words in (("error_body", get_args(ErrorBody)), ("created_filter", get_args(CreatedFilter))):
            if getattr(self, name) not in words:
                raise ValueError(f"fault {name} is one of {', '.join(words)}, not {getattr(self, name)}")

    @classmethod
    def parse(cls, settings: Iterable[str]) -> "Faults":
        """Return the faults of texts such as "too_many=0.1", "overlap=5", "paused" or "paths=/markets,/events"."""
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
