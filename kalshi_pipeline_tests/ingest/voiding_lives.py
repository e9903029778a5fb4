"""Lives of an exchange that are collected twice: with ticks of a wrong clock, which are voided, and without them.

Run it as a module for many lives: `python -m kalshi_pipeline_tests.ingest.voiding_lives 100` prints the differences.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from kalshi_pipeline.errors import ClockError, ExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.sync import sync_events, sync_markets
from kalshi_pipeline.ingest.voiding import find_voidable, void_ticks
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.descriptions import description
from kalshi_pipeline.store.reading.history import history
from kalshi_pipeline.store.reading.movers import movers
from kalshi_pipeline.store.reading.quotes import latest, quotes_as_of
from kalshi_pipeline_tests.ingest.changing_exchange import ChangingExchange, StoppedError
from kalshi_pipeline_tests.ingest.life_sessions import BEGIN, PERIOD, life_session, take_tick
from kalshi_pipeline_tests.ingest.many_lives import live_many
from kalshi_pipeline_tests.store.migrations.stored import stored
from kalshi_pipeline_tests.store.samples import Row, sqlite_url

SECOND = 1_000_000
HOUR = 3600 * SECOND
SCOPES: tuple[dict[str, Any], ...] = (
    {"combos": "exclude"},
    {"combos": "include"},
    {"combos": "include", "series": ("KXA",)},
    {"combos": "exclude", "series": ("KXA", "KXB")},
    {"combos": "exclude", "series": ("KXC",)},
)
GAPS = (0, 0, 0, 0, 1, 2, 13)
AHEAD = (4 * HOUR, 7 * HOUR, 24 * HOUR)
QUOTES = (
    "latest_prices",
    "price_history",
    "quotes_by_tick",
    "movers_1h",
    "movers_24h",
    "price_history_filled",
)

Run = Callable[[Session], Report]


class VoidingLife:
    """Two stores of one exchange. `voiding` also has ticks that were taken while the clock was ahead, until `void`."""

    def __init__(self, seed: int, template: Path, folder: Path) -> None:
        self.random = Random(seed)
        self.now = BEGIN
        self.exchange = ChangingExchange(self.random, BEGIN)
        self.exchange.bear(8)
        self.paths = [
            shutil.copyfile(template, folder / f"{name}-{seed}.db") for name in ("voiding", "plain")
        ]
        self.counts: Counter[str] = Counter(lives=1)
        self.instants: list[int] = []
        self.kept_of_voided: set[object] = set()
        """Markets of which more is known than without the voided ticks: they saw them first, or saw them settle."""
        self._scope = SCOPES[0]
        self._mode = self.random.choice(("changes", "every"))
        self._is_ahead = False
        self._first_ahead = 0

    def live(self, ticks: int) -> Iterator[str]:
        """Take ticks, and yield the differences between the two stores."""
        for _ in range(ticks):
            self._step()
            if self._is_ahead and (self.random.random() < 0.6 or self.now + 2 * HOUR > self._first_ahead):
                yield from self.void()
        if self._is_ahead:
            yield from self.void()
        yield from self.differences("at the end")

    def _step(self) -> None:
        random = self.random
        self.now += PERIOD * SECOND * (1 + random.choice(GAPS))
        self.exchange.live()
        if random.random() < 0.25:
            self._scope = random.choice(SCOPES)
        how = random.choices(("whole", "fails", "stops"), weights=(75, 12, 13))[0]
        page = random.choice((1, 2, 2, 3))
        self.exchange.fails_at = page if how == "fails" else None
        self.exchange.stops_at = page if how == "stops" else None
        was_ahead = self._is_ahead
        self._is_ahead = was_ahead or (len(self.instants) > 1 and random.random() < 0.3)
        if self._is_ahead:
            ahead = random.choice(AHEAD)
            self._first_ahead = min(self.now + ahead, self._first_ahead if was_ahead else sys.maxsize)
            run = (
                self._tick if random.random() < 0.8 else lambda _: random.choice((sync_markets, sync_events))
            )
            state = self._run(self.paths[0], run, self.now + ahead)
            self.counts[f"ahead {state}"] += 1
            return
        for path in self.paths:
            state = self._run(path, self._tick, self.now)
        self.counts[state] += 1
        self.instants.append(self.now)

    def _tick(self, at: int) -> Run:
        return lambda session: take_tick(session, at)

    def _run(self, path: Path, run: Callable[[int], Run], at: int) -> str:
        """Run with a clock at an instant."""
        self.exchange.begin(self.now)
        chosen = {"snapshot_mode": self._mode, "keyframe_hours": 1, **self._scope}
        with life_session(path, self.exchange, at, **chosen) as session:
            try:
                return str(run(at)(session).state)
            except StoppedError:
                return "stopped"
            except ClockError:  # a stored tick is further ahead than clocks may differ
                return "refused"
            except ExchangeError:
                return "failed"

    def void(self) -> Iterator[str]:
        """Void the future ticks, or all after the last correct one, and yield the differences."""
        self.now += 10 * SECOND
        self._is_ahead = False
        after = self.random.choice((self.now, self.instants[-1]))
        with closing(Database(sqlite_url(self.paths[0]))) as database:
            found = find_voidable(database, after, self.now)
            self.counts["voided"] += void_ticks(database, after, self.now)
            if not find_voidable(database, after, self.now).is_empty:
                yield "something is left to void"
            for name, count in (found.moved | found.undone).items():
                self.counts[f"{name} voided"] += count
        tables = stored(self.paths[0]).tables
        voiding, plain = known_markets(tables), known_markets(stored(self.paths[1]).tables)
        self.kept_of_voided |= {ticker for ticker, known in voiding.items() if known != plain.get(ticker)}
        # Markets whose changes belong to their settlement, and are dated by the voiding.
        kept = {row["market_id"] for row in tables["market_changes"] if row["seen_at"] == self.now}
        self.kept_of_voided |= {row["ticker"] for row in tables["markets"] if row["id"] in kept}
        yield from self.differences(f"voided at {len(self.instants)}")

    def differences(self, when: str) -> Iterator[str]:
        """Yield the answers that differ from those without the voided ticks."""
        found, expected = (self.answers(path) for path in self.paths)
        for name in expected.keys() | found.keys():
            if found[name] != expected[name]:
                yield f"{when}: {name}: {first_difference(found[name], expected[name])}"
            self.counts["answers"] += 1

    def answers(self, path: Path) -> dict[str, Any]:
        """The answers of every reader, except for markets with kept data."""
        views = stored(path).views
        answers: dict[str, Any] = {name: sorted(map(repr, self._comparable(views[name]))) for name in QUOTES}
        changes = [row for row in self._comparable(views["change_history"]) if row["kind"] == "market"]
        answers["changes"] = sorted(map(repr, changes))
        with closing(Database(sqlite_url(path))) as database, database.read() as connection:
            tickers = {str(row["ticker"]) for row in views["latest_prices"]} - self.kept_of_voided
            answers["latest"] = sorted(quote for quote in latest(connection) if quote.ticker in tickers)
            start, end = self.instants[0], self.instants[-1] + HOUR
            for at in [*self.instants, *(at + PERIOD * SECOND for at in self.instants)]:
                answers[f"quotes at {at}"] = sorted(
                    quote for quote in quotes_as_of(connection, at) if quote.ticker in tickers
                )
                answers[f"movers at {at}"] = [
                    mover for mover in movers(connection, 3600, at, 1000) if mover.ticker in tickers
                ]
            for ticker in sorted(tickers):
                answers[f"history of {ticker}"] = history(connection, ticker, start, end)
                answers[f"grid of {ticker}"] = history(connection, ticker, start, end, 1700)
                for at in self.instants[-4:]:
                    answers[f"description of {ticker} at {at}"] = description(
                        connection, "market", ticker, at
                    )
        return answers

    def _comparable(self, rows: list[Row]) -> list[Row]:
        return [{**row, "tick_id": None} for row in rows if row["ticker"] not in self.kept_of_voided]


def known_markets(tables: dict[str, list[Row]]) -> dict[object, tuple[object, ...]]:
    """Return the facts of each market that voiding cannot undo completely: its result in force, whether its event is
    known, and when it was first missing from both tiers.
    """
    results = {
        row["market_id"]: row["result"] for row in tables["settlements"] if row["withdrawn_at"] is None
    }
    placeholders = {row["id"] for row in tables["events"] if row["is_placeholder"]}
    missing_at = {row["market_id"]: row["missing_at"] for row in tables["market_lookups"]}
    return {
        row["ticker"]: (
            results.get(row["id"]),
            row["event_id"] in placeholders,
            missing_at.get(row["id"]),
            row["gone_at"],
        )
        for row in tables["markets"]
    }


def first_difference(found: Any, expected: Any) -> str:
    if not isinstance(found, list):
        return f"{found} in place of {expected}"
    more, less = (
        [row for row in one if row not in other] for one, other in ((found, expected), (expected, found))
    )
    return f"{more[:1]} in place of {less[:1]}"


if __name__ == "__main__":
    live_many(VoidingLife, 16)
