"""An exchange of a dozen markets that a test changes between runs, and that records its answers.

It serves ticks, syncs, settlements and lookups without a network. It keeps no past quotes; `answers` has what a run
received.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, TypeAlias

import httpx

from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of

Record: TypeAlias = dict[str, Any]
Reply: TypeAlias = tuple[int, Record]

SERIES = ("KXA", "KXB", "KXC")
_CLOSED_WORDS = ("closed", "determined", "disputed", "amended")
_STATUSES_OF = {"open": ("active", "inactive"), "paused": ("inactive",), "settled": ("finalized",)}
_DAY = 86_400 * MICROS_PER_SECOND


class Answer(NamedTuple):
    """What a run received: the path and the query, the status, and a copy of the records."""

    path: str
    query: dict[str, str]
    status: int
    records: list[Record]
    has_more: bool


class StoppedError(Exception):
    """The requesting process is stopped."""


@dataclass
class ChangingExchange(httpx.BaseTransport):
    """Its state is public: a test changes it between runs, and `live` does so at random."""

    random: Random
    now: int
    markets: dict[str, Record] = field(default_factory=dict)
    series_of: dict[str, str] = field(default_factory=dict)
    """The series of each event."""
    said: dict[str, Record] = field(default_factory=dict)
    """What else the answers say of series and events, by ticker; a field that is None is absent."""
    hidden: set[str] = field(default_factory=set)
    """Markets that lookups find and no listing shows."""
    vanished: set[str] = field(default_factory=set)
    """Markets that are in no answer at all."""
    archived: set[str] = field(default_factory=set)
    """Markets of the historical tier."""
    cutoff: int = 0
    page_size: int = 4
    shows_paused: bool = True
    """Whether the listing of open markets has the paused ones."""
    fails_at: int | None = None
    """The page of a listing of open markets that fails."""
    stops_at: int | None = None
    """The page of a listing of open markets at which the process that asks for it is stopped."""
    answers: list[Answer] = field(default_factory=list)
    _born: int = 0
    _pages: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.split("/v2", 1)[1]
        query = dict(request.url.params)
        status, content = self._answer(path, query)
        records = [dict(record) for record in self._records_of(path, content)]
        self.answers.append(Answer(path, query, status, records, bool(content.get("cursor"))))
        return httpx.Response(status, json=content)

    def _records_of(self, _path: str, content: Record) -> list[Record]:
        """Return the records of an answer, under its only key with a list."""
        kept = next((value for value in content.values() if isinstance(value, list | dict)), [])
        return [kept] if isinstance(kept, dict) else kept

    def begin(self, now: int) -> None:
        """Forget the answers to the run before."""
        self.now, self.answers, self._pages = now, [], 0

    def _answer(self, path: str, query: dict[str, str]) -> Reply:  # noqa: C901  (one case for each endpoint)
        live = [
            self.markets[name] for name in sorted(self.markets) if name not in self.vanished | self.archived
        ]
        old = [self.markets[name] for name in sorted(self.archived - self.vanished)]
        match path.split("/")[1:]:
            case ["exchange", "status"]:
                return 200, {"exchange_active": True, "trading_active": True}
            case ["historical", "cutoff"]:
                return 200, {
                    "market_settled_ts": iso_of(self.cutoff),
                    "trades_created_ts": iso_of(self.cutoff),
                }
            case ["markets"]:
                return self._markets(live, query)
            case ["historical", "markets"]:
                return self._markets(old, query)
            case ["markets", name]:
                return _one("market", [row for row in live if row["ticker"] == name])
            case ["historical", "markets", name]:
                return _one("market", [row for row in old if row["ticker"] == name])
            case ["events"]:
                return 200, {"events": list(self._events(query)), "cursor": ""}
            case ["events", "multivariate"]:
                return 200, {
                    "events": [self._event(name, of) for name, of in self.series_of.items() if "MV" in name]
                }
            case ["events", name]:
                return _one(
                    "event", [self._event(name, self.series_of[name])] if name in self.series_of else []
                )
            case ["series"]:
                return 200, {"series": [self._series(name) for name in SERIES]}
            case ["series", name]:
                return _one("series", [self._series(name)] if name in SERIES else [])
            case _:
                return 404, {}

    def _events(self, query: dict[str, str]) -> Iterator[Record]:
        for name, series in self.series_of.items():
            is_asked = "tickers" not in query or name in query["tickers"].split(",")
            if "MV" not in name and is_asked and query.get("series_ticker", series) == series:
                yield self._event(name, series)

    def _event(self, name: str, series: str) -> Record:
        known = {"event_ticker": name, "series_ticker": series, "title": f"Title of {name}"}
        return _without_absent(known | self.said.get(name, {}))

    def _series(self, name: str) -> Record:
        return _without_absent({"ticker": name, "title": f"Title of {name}"} | self.said.get(name, {}))

    def _markets(self, rows: list[Record], query: dict[str, str]) -> Reply:
        if "tickers" in query:
            asked = query["tickers"].split(",")
            return 200, {"markets": [row for row in rows if row["ticker"] in asked], "cursor": ""}
        if query.get("status") == "open":
            self._pages += 1
            if self._pages == self.stops_at:
                raise StoppedError
            if self._pages == self.fails_at:
                return 500, {"error": {"message": "down"}}
        found = [row for row in rows if row["ticker"] not in self.hidden and self._is_asked_for(row, query)]
        start = int(query.get("cursor") or 0)
        end = start + self.page_size
        return 200, {"markets": found[start:end], "cursor": str(end) if end < len(found) else ""}

    def _is_asked_for(self, row: Record, query: dict[str, str]) -> bool:
        status = query.get("status")
        statuses = _STATUSES_OF.get(status or "", (row["status"],))
        if status == "open" and not self.shows_paused:
            statuses = ("active",)
        is_combo = "mve_collection_ticker" in row
        settled_at = row.get("settled_micros") or 0
        return (
            row["status"] in statuses
            and query.get("series_ticker") in (None, self.series_of[row["event_ticker"]])
            and query.get("mve_filter") in (None, "only" if is_combo else "exclude")
            and settled_at > int(query.get("min_settled_ts") or -1) * MICROS_PER_SECOND
        )

    # How it changes.

    def bear(self, count: int) -> None:
        """Open some markets."""
        for _ in range(count):
            self._bear()

    def live(self) -> None:
        """Let a few things happen."""
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            happen = self.random.choices(
                (self._bear, self._move_status, self._hide, self._vanish, self._rename, self._archive),
                weights=(2, 10, 3, 2, 2, 1),
            )[0]
            happen()
        for row in self.markets.values():
            if row["status"] == "active" and self.random.random() < 0.25:
                row.update(self._quote())

    def _bear(self) -> None:
        if len(self.markets) >= 12:
            return
        self._born += 1
        is_combo = self.random.random() < 0.25
        name = f"MV{self._born}" if is_combo else f"M{self._born}"
        row = {
            "ticker": name,
            "event_ticker": self._some_event(is_combo=is_combo),
            "status": "active",
            "result": "",
            "created_time": iso_of(self.now),
            "close_time": iso_of(self.now + 30 * _DAY),
            **self._quote(),
        }
        self.markets[name] = row | ({"mve_collection_ticker": "C"} if is_combo else {})

    def _some_event(self, *, is_combo: bool) -> str:
        known = [name for name in self.series_of if ("MV" in name) == is_combo]
        if len(known) < 3 or self.random.random() < 0.2:
            known = [f"{'MV' if is_combo else ''}E{len(self.series_of)}"]
            self.series_of[known[0]] = self.random.choice(SERIES)
        return self.random.choice(known)

    def _some(self) -> Record | None:
        living = [row for name, row in self.markets.items() if name not in self.archived]
        return self.random.choice(living) if living else None

    def _move_status(self) -> None:
        row = self._some()
        if row is None:
            return
        if row["status"] in ("active", "inactive"):
            words: tuple[str, ...] = ("active", "inactive", "closed", "determined", "finalized")
        elif row["status"] == "finalized":
            words = ("active", "finalized", "determined")
        else:
            words = ("active", "inactive", "closed", *_CLOSED_WORDS[1:], "finalized", "finalized")
        row["status"] = self.random.choice(words)
        if row["status"] in ("active", "inactive", "closed"):
            row.update(result="", settlement_value_dollars=None, settlement_ts=None, settled_micros=None)
            return
        result = self.random.choice(("yes", "no", "scalar"))
        row.update(result=result, settlement_value_dollars=None, settlement_ts=None, settled_micros=None)
        if row["status"] == "finalized":
            value = {"yes": "1.0000", "no": "0.0000", "scalar": "0.4200"}[result]
            row.update(
                settlement_value_dollars=value, settlement_ts=iso_of(self.now), settled_micros=self.now
            )

    def _hide(self) -> None:
        self.hidden ^= {self.random.choice(sorted({*self.hidden, *self.markets}))} if self.markets else set()
        while len(self.hidden) > 3:
            self.hidden.remove(self.random.choice(sorted(self.hidden)))

    def _vanish(self) -> None:
        self.vanished ^= (
            {self.random.choice(sorted({*self.vanished, *self.markets}))} if self.markets else set()
        )
        while len(self.vanished) > 2:
            self.vanished.remove(self.random.choice(sorted(self.vanished)))

    def _rename(self) -> None:
        row = self._some()
        if row is None:
            return
        if self.random.random() < 0.3:
            self.series_of[row["event_ticker"]] = self.random.choice(SERIES)
        else:
            row["event_ticker"] = self._some_event(is_combo="mve_collection_ticker" in row)

    def _archive(self) -> None:
        self.cutoff = max(self.cutoff, self.now - 2 * _DAY)
        for name, row in self.markets.items():
            if row["status"] == "finalized" and row["settled_micros"] < self.cutoff:
                self.archived.add(name)

    def _quote(self) -> Record:
        bid = self.random.randint(1, 60)
        ask = bid + self.random.randint(1, 30)
        size = self.random.choice(("10.00", "0.00", "-5.00", "2985.50"))
        is_quoted = self.random.random() < 0.85
        return {
            "yes_bid_dollars": f"0.{bid:02}00" if is_quoted else "0.0000",
            "yes_bid_size_fp": size if is_quoted else "0.00",
            "yes_ask_dollars": f"0.{ask:02}00",
            "yes_ask_size_fp": "12.00",
            "no_bid_dollars": f"0.{100 - ask:02}00",
            "no_ask_dollars": f"0.{100 - bid:02}00" if is_quoted else "1.0000",
            "last_price_dollars": self.random.choice(("0.0000", f"0.{bid:02}50")),
            "volume_fp": f"{self.random.randint(0, 9)}.00",
            "open_interest_fp": f"{self.random.randint(0, 9)}.00",
        }


def _one(kind: str, found: list[Record]) -> Reply:
    return (200, {kind: found[0]}) if found else (404, {})


def _without_absent(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}
