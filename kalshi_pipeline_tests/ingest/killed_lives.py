"""Lives of a store whose runs are killed (SIGKILL) at random statements, beside an undisturbed store.

After the next good runs both have the same contents, except for the times of observation. Run it as a module for many
lives: `python -m kalshi_pipeline_tests.ingest.killed_lives 100` prints what differs. It forks, so it needs a process
with one thread; `test_killed_runs` runs it in a separate process.
"""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from kalshi_pipeline.api import open_store
from kalshi_pipeline_tests.ingest.describing_exchange import SECOND, PublishingExchange
from kalshi_pipeline_tests.ingest.describing_lives import PUBLISHED, SYNCS
from kalshi_pipeline_tests.ingest.life_sessions import BEGIN, PERIOD, life_session, take_tick
from kalshi_pipeline_tests.ingest.many_lives import live_many
from kalshi_pipeline_tests.store.migrations.stored import stored
from kalshi_pipeline_tests.store.samples import Row

RUNS = {**SYNCS, **PUBLISHED}
# When something was seen, and keys that depend on the order of writing.
SEEN = {
    *(
        "id",
        "first_seen_at",
        "seen_at",
        "seen_at_us",
        "changed_at",
        "last_seen_at",
        "asked_at",
        "received_at",
        "tick_id",
    ),
    *("amended_at", "withdrawn_at", "quoted_at", "confirmed_at", "scope_id", "document_id"),
}
OPEN = ("active", "inactive")
# The fields that change after a market has ended.
OF_ENDING = ("status", "result", "settlement_value_dollars", "settlement_ts", "settled_micros")
PUBLISHED_TABLES = ("series_fee_changes", "event_fee_changes")


class Moments:
    """Counts the statements of this process, and kills it at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self.kill_at: int | None = None
        event.listen(Engine, "before_cursor_execute", self._pass)
        event.listen(Engine, "commit", self._pass)

    def _pass(self, *_: object) -> None:
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


MOMENTS = Moments()


class KilledLife:
    """Two stores of one exchange: the runs of `disturbed` are killed again and again."""

    def __init__(self, seed: int, template: Path, folder: Path) -> None:
        self.random = Random(seed)
        self.now = BEGIN
        self.exchange = PublishingExchange(self.random, BEGIN)
        self.exchange.bear(8)
        self.disturbed, self.plain = (
            Path(shutil.copyfile(template, folder / f"{name}-{seed}.db")) for name in ("disturbed", "plain")
        )
        self.counts: Counter[str] = Counter(lives=1)
        self.ended: dict[str, dict[str, Any]] = {}
        """What is said of each market that was not open once."""

    def live(self, ticks: int) -> Iterator[str]:
        """Take ticks and other runs, and yield the final differences between the two stores."""
        for _ in range(ticks):
            self.now += PERIOD * SECOND
            self.exchange.live()
            self.exchange.describe()
            self.exchange.publish()
            self.exchange.failing.clear()
            self._freeze_ended()
            runs = ["tick"]
            if self.random.random() < 0.25:
                runs = ["series", "events", "markets", "tick", "settlements"]
            if self.random.random() < 0.3:
                runs.append(self.random.choice(tuple(PUBLISHED)))
            for run in runs:
                self._run_both(run)
        self.exchange.hidden.clear()
        self.exchange.vanished.clear()
        for run in ("series", "events", "markets", "settlements", "tick", *PUBLISHED):
            self.now += PERIOD * SECOND
            self._run_both(run)
        yield from self.differences()

    def _freeze_ended(self) -> None:
        """Freeze the descriptions of ended markets, because the times of their lookups are random."""
        for name, row in self.exchange.markets.items():
            is_open = row["status"] in OPEN
            if not is_open or name in self.ended:
                self.ended[name] = row | self.ended.get(name, {}) | {key: row.get(key) for key in OF_ENDING}
                self.exchange.markets[name] = dict(self.ended[name])
                # Whether a settlement hidden for longer than an hour is found is also random.
                self.exchange.hidden.discard(name)

    def _run_both(self, run: str) -> None:
        before = MOMENTS.count
        self._run(self.plain, run)
        moments = MOMENTS.count - before
        while self.random.random() < 0.5:
            self._run_killed(run, self.random.randint(1, moments))
        self._run(self.disturbed, run)

    def _run_killed(self, run: str, moment: int) -> None:
        self.now += SECOND
        child = os.fork()
        if not child:
            MOMENTS.kill_at = MOMENTS.count + moment
            self._run(self.disturbed, run)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        self.counts[f"{run} {'killed' if os.WIFSIGNALED(status) else 'not killed'}"] += 1

    def _run(self, path: Path, run: str) -> None:
        self.exchange.begin(self.now)
        with life_session(path, self.exchange, self.now, combos="include") as session:
            if run == "tick":
                take_tick(session, self.now)
            else:
                RUNS[run](session)

    def differences(self) -> Iterator[str]:
        """Yield the differences between the disturbed store and the plain one."""
        waiting = {
            name for name in self.ended if self.exchange.markets[name]["status"] not in (*OPEN, "finalized")
        }
        found, expected = (said_by(path, self.ended.keys(), waiting) for path in (self.disturbed, self.plain))
        for name in expected.keys() | found.keys():
            for sign, one, other in (("more", found, expected), ("less", expected, found)):
                rows = one.get(name, Counter()) - other.get(name, Counter())
                yield from (f"{name}, {sign}: {row}" for row in rows)
        self.counts["rows compared"] += sum(rows.total() for rows in expected.values())


def said_by(path: Path, ended: Collection[str], waiting: Collection[str]) -> dict[str, Counter[str]]:
    """The contents of a store without times of observation; for ended markets only the final values.

    Markets `waiting` for their result are excluded, because they are looked up from time to time.
    """
    _, tables, views = stored(path)
    said: dict[str, Counter[str]] = {}

    def add(name: str, rows: list[Row]) -> None:
        # Instants also occur as text or numbers.
        kept = [
            {
                key: value
                for key, value in row.items()
                if key.removesuffix("_iso").removesuffix("_us") not in SEEN
            }
            for row in rows
        ]
        said[name] = Counter(map(repr, kept))

    def without(rows: list[Row], tickers: Collection[str], key: str = "ticker") -> list[Row]:
        return [row for row in rows if row[key] not in tickers]

    add("changes", without(views["change_history"], ended))
    add("legs", without(views["legs_of_combos"], waiting, "combo_ticker"))
    add("settlements", without(views["settlement_history"], waiting))
    add("quotes", without(views["latest_prices"], ended))
    for table in PUBLISHED_TABLES:
        add(table, [{**row, "is_withdrawn": row["withdrawn_at"] is not None} for row in tables[table]])
    said["documents"] = Counter(documents_of(path, tables, ended, waiting))
    said["descriptions"] = Counter(descriptions_of(path, tables, waiting))
    return said


def documents_of(
    path: Path, tables: dict[str, list[Row]], ended: Collection[str], waiting: Collection[str]
) -> Iterator[str]:
    """Every document, by its number among those of its record; for ended markets only the last one."""
    with open_store(path) as store:
        for kind, ticker, instants in _documented(tables):
            if ticker in waiting:
                continue
            seen_at = [max(instants)] if ticker in ended else sorted(instants)
            for number, at in enumerate(seen_at):
                yield f"{kind} {ticker} {number}: {store.details(ticker, at, kind).json}"


def _documented(tables: dict[str, list[Row]]) -> Iterator[tuple[str, str, list[Any]]]:
    for kind, parent in (("series", "series"), ("event", "events"), ("market", "markets"), ("subject", "")):
        instants: dict[object, list[Any]] = {}
        for row in tables[f"{kind}_documents"]:
            instants.setdefault(row[f"{kind}_id"], []).append(row["seen_at"])
        for row in tables[parent or "document_subjects"]:
            if row["id"] in instants:
                yield str(row.get("kind", kind)), str(row["ticker"]), instants[row["id"]]


def descriptions_of(path: Path, tables: dict[str, list[Row]], waiting: Collection[str]) -> Iterator[str]:
    with open_store(path) as store:
        for kind, table in (("series", "series"), ("event", "events"), ("market", "markets")):
            for row in tables[table]:
                if row["ticker"] not in waiting:
                    yield f"{kind} {row['ticker']}: {store.description(kind, str(row['ticker']))}"


if __name__ == "__main__":
    live_many(KilledLife, 40)
