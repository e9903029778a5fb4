"""Random lives of a small exchange that sometimes misbehaves, with a record of all its answers."""

from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, TypeAlias

import httpx

from kalshi_pipeline.scope import Combos
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of
from kalshi_pipeline_tests.clock import ManualClock

Record: TypeAlias = dict[str, Any]

SERIES = ("KXRAIN", "KXSNOW", "KXWIND")
# The largest page size that the pipeline requests.
_FULL_PAGE = 1000
FAULTS = (
    "cut",
    "empty",
    "shortened",
    "without cursor key",
    "paused left out",
    "mislabelled",
    "a few mislabelled",
    "broken off",
    "filters ignored",
    "tickers ignored",
    "live lookups fail",
    "historical lookups fail",
    "lookups fail",
    "some lookups fail",
    "paused listing fails",
    "events fail",
)
_OPEN = ("active", "inactive", "trading")


class Scoped(NamedTuple):
    """The scope of a tick."""

    series: tuple[str, ...]
    combos: Combos


class Answer(NamedTuple):
    """One answer of the exchange; `rows` is None where it failed."""

    kind: str
    tickers: tuple[str, ...]
    rows: list[Record] | None
    has_cursor_key: bool
    at: int


@dataclass(frozen=True)
class Plan:
    """The fixed parameters of one life."""

    ticks: int
    minutes: int
    scopes: tuple[Scoped, ...]
    requests: int | None
    keeps_every: bool

    @classmethod
    def invent(cls, random: Random) -> "Plan":
        every = (
            Scoped((), Combos.INCLUDE),
            Scoped((), Combos.EXCLUDE),
            Scoped((SERIES[0],), Combos.EXCLUDE),
            Scoped((SERIES[1],), Combos.INCLUDE),
        )
        return cls(
            ticks=random.randint(20, 60),
            minutes=random.choice((1, 5)),
            scopes=tuple(random.sample(every, random.choice((1, 1, 2)))),
            requests=random.choice((None, None, None, 0, 1, 2, 3)),
            keeps_every=random.random() < 0.4,
        )


class Exchange:
    """Markets that are born, pause, close, settle, come back and disappear; changed by `live`, asked by `handle`."""

    def __init__(self, random: Random, clock: ManualClock) -> None:
        self.answers: list[Answer] = []
        self.faults: frozenset[str] = frozenset()
        self._random = random
        self._clock = clock
        self._live: dict[str, Record] = {}
        self._historical: dict[str, Record] = {}
        self._deleted: list[Record] = []
        self._events: dict[str, str] = {}
        self._born = 0
        self._listed: dict[tuple[str, str, str], list[Record]] = {}
        self._failures = 0
        self._word = random.choice(("active", "active", "active", "trading"))
        self._lists_paused_as_open = random.random() < 0.5
        self._change_share = random.choice((0.02, 0.2, 0.6))
        self._end_share = random.choice((0.0, 0.01, 0.05))
        self._delete_share = random.choice((0.0, 0.005, 0.03))
        self._provisional_share = random.choice((0.0, 0.3))
        self._fault_share = random.choice((0.15, 0.5))
        # Only a large exchange can fill a page.
        self.is_large = random.random() < 0.08
        self._page_size = _FULL_PAGE if self.is_large else random.choice((7, 40, 150, _FULL_PAGE))
        for _ in range(random.randint(1050, 1150) if self.is_large else random.randint(30, 400)):
            self._bear()

    def live(self) -> None:
        """Advance by a minute, and choose the faults of the next one."""
        random = self._random
        for _ in range(random.choice((0, 0, 1, 3))):
            self._bear()
        mass = random.random() < 0.03
        ending = 0.6 if mass else self._end_share
        for ticker, row in list(self._live.items()):
            self._move_on(ticker, row, ending)
        if self._deleted and random.random() < 0.3:
            row = self._deleted.pop(random.randrange(len(self._deleted)))
            self._live[row["ticker"]] = row
        self._listed.clear()
        self._failures = 0
        self.faults = frozenset()
        if random.random() < self._fault_share:
            self.faults = frozenset(random.sample(FAULTS, random.choice((1, 1, 2, 3))))
        self._left = random.random()
        self._breaks_at = random.randint(0, 4)

    def _bear(self) -> None:
        random = self._random
        number, series = self._born, random.choice(SERIES)
        self._born += 1
        is_combo = random.random() < 0.15
        event = f"{series}-C{number}" if is_combo else f"{series}-{random.randint(1, 9)}"
        self._events[event] = series
        ahead = random.choice((None, -3600, 60, 600, 86_400))
        row: Record = {
            "ticker": f"M-{number}",
            "event_ticker": event,
            "status": self._word,
            "market_type": "binary",
            "result": "",
            "created_time": iso_of(self._clock.now()),
        }
        if ahead is not None:
            row["close_time"] = iso_of(self._clock.now() + ahead * MICROS_PER_SECOND)
        if is_combo:
            row["mve_collection_ticker"] = f"{series}-COLLECTION"
        if random.random() < self._provisional_share:
            row["is_provisional"] = True
        self._quote(row)
        self._live[row["ticker"]] = row

    def _quote(self, row: Record) -> None:
        random = self._random
        bid = random.randint(1, 98)
        ask = random.randint(bid + 1, 99)
        row |= {
            "yes_bid_dollars": f"0.{bid:02}00",
            "yes_ask_dollars": f"0.{ask:02}00",
            "no_bid_dollars": f"0.{100 - ask:02}00",
            "no_ask_dollars": f"0.{100 - bid:02}00",
            "yes_bid_size_fp": f"{random.randint(1, 5000)}.00",
            "yes_ask_size_fp": f"{random.randint(1, 5000)}.00",
            "last_price_dollars": f"0.{random.randint(1, 99):02}00",
            "volume_fp": f"{random.randint(1, 90_000)}.50",
            "open_interest_fp": f"{random.randint(1, 90_000)}.00",
        }

    def _move_on(self, ticker: str, row: Record, ending: float) -> None:
        chance = self._random.random()
        if self._random.random() < self._delete_share:
            self._deleted.append(self._live.pop(ticker))
        elif row["status"] in _OPEN:
            self._move_on_open(row, chance, ending)
        else:
            self._move_on_ended(ticker, row, chance)

    def _move_on_open(self, row: Record, chance: float, ending: float) -> None:
        random = self._random
        if random.random() < self._change_share:
            self._quote(row)
        if chance < ending:
            row["status"] = random.choice(("closed", "closed", "determined", "finalized"))
        elif chance < ending + 0.01:
            row["status"] = self._word if row["status"] == "inactive" else "inactive"
        elif chance < ending + 0.013 and "mve_collection_ticker" not in row:
            series = random.choice(SERIES)
            row["event_ticker"] = event = f"{series}-{random.randint(1, 9)}"
            self._events[event] = series

    def _move_on_ended(self, ticker: str, row: Record, chance: float) -> None:
        if row["status"] == "finalized":
            if chance < 0.1:
                self._historical[ticker] = self._live.pop(ticker)
            elif chance < 0.12:
                row["status"] = "determined"
        elif chance < 0.06:
            row |= {"status": self._word, "result": ""}
        elif chance < 0.3:
            final = "determined" if row["status"] == "closed" else "finalized"
            row |= {"status": final, "result": "yes", "settlement_value_dollars": "1.0000"}

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.split("/trade-api/v2")[1]
        params = request.url.params
        tickers = tuple(params["tickers"].split(",")) if "tickers" in params else ()
        match path:
            case "/exchange/status":
                return httpx.Response(200, json={"exchange_active": True, "trading_active": True})
            case "/events":
                found = [
                    {"event_ticker": ticker, "series_ticker": self._events[ticker], "title": ticker}
                    for ticker in tickers
                    if ticker in self._events
                ]
                rows = None if "events fail" in self.faults else found
                return self._answer("events", tickers, "events", rows, {"cursor": ""})
            case "/markets" | "/historical/markets" if tickers:
                return self._look_up("live" if path == "/markets" else "historical", tickers, params)
            case "/markets":
                return self._list(params)
        return httpx.Response(404, json={})

    def _answer(
        self, kind: str, tickers: tuple[str, ...], key: str, rows: list[Record] | None, cursor: Record
    ) -> httpx.Response:
        # Time does not advance for requests that are sent while another page is in flight.
        if kind != "events" and not (tickers and "tickers ignored" in self.faults):
            self._clock.advance(0.05)
        kept = None if rows is None else [dict(row) for row in rows]
        self.answers.append(Answer(kind, tickers, kept, "cursor" in cursor, self._clock.now()))
        if rows is None:
            return httpx.Response(503, json={"error": {"message": "down"}})
        return httpx.Response(200, json={key: rows, **cursor})

    def _look_up(self, kind: str, tickers: tuple[str, ...], params: httpx.QueryParams) -> httpx.Response:
        markets = self._live if kind == "live" else self._historical
        self._failures += 1
        if {"lookups fail", f"{kind} lookups fail"} & self.faults or (
            "some lookups fail" in self.faults and self._failures % 2
        ):
            return self._answer(kind, tickers, "markets", None, {})
        if "tickers ignored" in self.faults:
            rows, cursor = self._page([*markets.values()], params)
            return self._answer(kind, tickers, "markets", rows, {"cursor": cursor})
        found = [markets[ticker] for ticker in tickers if ticker in markets]
        return self._answer(kind, tickers, "markets", found, {"cursor": ""})

    def _page(self, rows: list[Record], params: httpx.QueryParams) -> tuple[list[Record], str]:
        start = int(params.get("cursor") or 0)
        end = start + self._page_size
        return rows[start:end], str(end) if end < len(rows) else ""

    def _list(self, params: httpx.QueryParams) -> httpx.Response:
        status = params["status"]
        kind = "paused" if status == "paused" else "open"
        number = int(params.get("cursor") or 0) // self._page_size
        if (kind == "paused" and "paused listing fails" in self.faults) or (
            kind == "open" and "broken off" in self.faults and number == self._breaks_at
        ):
            return self._answer(kind, (), "markets", None, {})
        query = (status, params.get("mve_filter", ""), params.get("series_ticker", ""))
        if query not in self._listed:
            self._listed[query] = self._all_listed(*query)
        rows, cursor = self._page(self._listed[query], params)
        if kind == "open" and "without cursor key" in self.faults and number >= self._breaks_at // 2:
            return self._answer(kind, (), "markets", rows, {})
        return self._answer(kind, (), "markets", rows, {"cursor": cursor})

    def _all_listed(self, status: str, mve_filter: str, series: str) -> list[Record]:
        random, every = self._random, list(reversed(self._live.values()))
        if "filters ignored" in self.faults:
            return every

        def is_listed(row: Record) -> bool:
            is_paused = row["status"] == "inactive"
            words: tuple[str, ...] = _OPEN if status == "open" else ("inactive",)
            if is_paused and ("paused left out" in self.faults or not self._lists_paused_as_open):
                words = () if "paused left out" in self.faults or status == "open" else words
            is_combo = "mve_collection_ticker" in row
            return (
                row["status"] in words
                and (mve_filter == "" or is_combo == (mve_filter == "only"))
                and series in ("", self._events[row["event_ticker"]])
            )

        rows = [row for row in every if is_listed(row)]
        if status != "open":
            return rows
        if "mislabelled" in self.faults or "a few mislabelled" in self.faults:
            others = [row for row in every if not is_listed(row)]
            share = 1.0 if "mislabelled" in self.faults else 0.1
            rows += [row for row in others if random.random() < share]
            random.shuffle(rows)
        if "shortened" in self.faults:
            left = 1 - self._left**3
            rows = [row for row in rows if random.random() < left]
        if "cut" in self.faults:
            rows = rows[: int(len(rows) * self._left)]
        return [] if "empty" in self.faults else rows
