"""Lives of an exchange that changes what it says of its records, and what the store should say of them afterwards.

That is recomputed from the exchange's own answers by the rules in `Expected`, without the code of the pipeline. Run it
as a module for many lives: `python -m kalshi_pipeline_tests.ingest.describing_lives 100` prints what differs.
"""

import contextlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from kalshi_pipeline.api import Store, open_store
from kalshi_pipeline.errors import NoDetailsError, NotFoundError, RangeError, UnknownTickerError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.ingest.changing_exchange import SERIES, Answer, ChangingExchange, Record
from kalshi_pipeline_tests.ingest.many_lives import live_many
from kalshi_pipeline_tests.store.migrations.stored import stored
from kalshi_pipeline_tests.store.samples import sqlite_url

SECOND = 1_000_000
BEGIN = 1_735_732_800 * SECOND
PERIOD = 300
URL = "http://exchange.test/trade-api/v2"

# What is left out of a market's document, as far as this exchange sends it.
QUOTE = {
    *("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars", "yes_bid_size_fp"),
    *("yes_ask_size_fp", "last_price_dollars", "volume_fp", "open_interest_fp"),
    *("previous_price_dollars", "volume_24h_fp", "liquidity_dollars"),
}
# What a tick does not look for: fields without a column, and those of settlements.
UNSEEN = ("new_", "mve_selected_legs", "settlement_value_dollars", "settlement_ts", "settled_micros")

IDENTIFIER = {"market": "ticker", "event": "event_ticker", "series": "ticker"}


def micros_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


def millionths(number: object) -> int:
    return int(Decimal(str(number)) * 1_000_000)


def same(value: Any) -> Any:
    return value


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


# How a few of the columns follow from the fields of the API: column, field, and how its value is read.
COLUMNS: dict[str, dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "market": {
        "title": ("title", same),
        "event_ticker": ("event_ticker", same),
        "status": ("status", same),
        "result": ("result", same),
        "close_at": ("close_time", micros_of),
        "rules_secondary": ("rules_secondary", same),
        "settlement_floor": ("settlement_floor_dollars", millionths),
        "expiration_value": ("expiration_value", same),
        "can_close_early": ("can_close_early", same),
    },
    "event": {
        "title": ("title", same),
        "sub_title": ("sub_title", same),
        "series_ticker": ("series_ticker", same),
        "fee_type_override": ("fee_type_override", same),
    },
    "series": {
        "title": ("title", same),
        "fee_type": ("fee_type", same),
        "fee_multiplier": ("fee_multiplier", millionths),
        "tags": ("tags", ",".join),
    },
}


class DescribingExchange(ChangingExchange):
    """One that also changes titles, rules, floors, legs, and fields that this version does not know."""

    def describe(self) -> None:
        """Let what it says of some records change."""
        random = self.random
        changes = (
            self._retitle,
            self._rewrite_rules,
            self._move_floor,
            self._change_legs,
            self._change_new_field,
            self._change_parent,
        )
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            random.choice(changes)()

    def _market(self) -> Record:
        row = self._some() or {}
        if row and self.random.random() < 0.3:
            row["updated_time"] = f"2025-01-01T00:00:00.{self.random.randrange(10**6):06}Z"
        return row

    def _retitle(self) -> None:
        row = self._market()
        if self.random.random() < 0.2:
            row.pop("title", None)
        else:
            row["title"] = f"Title {self.random.randrange(3)}"

    def _rewrite_rules(self) -> None:
        """Rewrite the rules of all markets of an event, as the exchange does."""
        event, rules = self._market().get("event_ticker"), f"Rules {self.random.randrange(4)}. " * 30
        for name, row in self.markets.items():
            if row["event_ticker"] == event and name not in self.archived:
                row["rules_secondary"] = rules

    def _move_floor(self) -> None:
        row = self._market()
        row["settlement_floor_dollars"] = self.random.choice(("0.0000", "0.1000", "0.2550", None))
        row["expiration_value"] = self.random.choice(("", "42", "yes"))
        row["can_close_early"] = self.random.choice((True, False))

    def _change_legs(self) -> None:
        combos = [name for name, row in self.markets.items() if "mve_collection_ticker" in row]
        if not combos:
            return
        row = self.markets[self.random.choice(combos)]
        names = self.random.sample(sorted({*self.markets, "M0", "ELSEWHERE"}), self.random.randint(0, 2))
        row["mve_selected_legs"] = [
            {"market_ticker": name, "event_ticker": f"E of {name}", "side": self.random.choice(("yes", "no"))}
            for name in names
        ]

    def _value(self) -> Any:
        return self.random.choice(
            (
                None,
                True,
                0,
                12345678901234567890123,
                0.1,
                "text",
                "Zürich \u2028",
                [1, "2", None],
                {"b": {"a": []}},
            )
        )

    def _change_new_field(self) -> None:
        row, name = self._market(), f"new_{self.random.randrange(2)}"
        if self.random.random() < 0.3:
            row.pop(name, None)
        elif row:
            row[name] = self._value()

    def _change_parent(self) -> None:
        events = [name for name in self.series_of if self.random.random() < 0.3]
        for name in [*events, self.random.choice(SERIES)]:
            said = self.said.setdefault(name, {})
            said["title"] = f"Title {self.random.randrange(3)}"
            said[f"new_{self.random.randrange(2)}"] = self._value()
            if name in SERIES:
                said["fee_type"] = self.random.choice(("quadratic", "flat", None))
                said["fee_multiplier"] = self.random.choice((1, 0.5, None))
                said["tags"] = self.random.choice((["A"], ["A", "B"], None))
            else:
                said["sub_title"] = self.random.choice(("One", "Two", None))
                said["fee_type_override"] = self.random.choice(("flat", "none", None))


class Change(NamedTuple):
    """One of the log of changes."""

    kind: str
    ticker: str
    seen_at: int
    field: str
    before: Any
    after: Any


class Expected:
    """What the answers say of the records, by the rules.

    A document is written by a tick where a field with a column or `updated_time` is not what the last answer said, and
    by every other run where anything is not; one of the historical tier only where none is known; by `market get`
    never. What a tick does not look for, it may have found all the same. A column keeps its value where the field is
    absent.
    """

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], list[tuple[int, Record]]] = defaultdict(list)
        self.received: dict[tuple[str, str], list[tuple[int, Record]]] = defaultdict(list)
        self.columns: dict[tuple[str, str], list[tuple[int, Record]]] = defaultdict(list)
        self.changes: list[Change] = []
        self._seen: dict[tuple[str, str], Record] = {}

    def receive(self, answers: list[Answer], run: str, at: int) -> None:
        for answer in answers:
            kind = kind_of(answer.path)
            if kind is None or answer.status != 200:
                continue
            for record in answer.records:
                self._merge(kind, record[IDENTIFIER[kind]], record, at)
                if run != "market get":
                    is_old = answer.path.startswith("/historical")
                    self._document(kind, record, at, is_tick=run == "tick", is_old=is_old)

    def _document(self, kind: str, record: Record, at: int, *, is_tick: bool, is_old: bool) -> None:
        key = kind, record[IDENTIFIER[kind]]
        document = {name: value for name, value in record.items() if name not in QUOTE}
        documents = self.documents[key]
        if is_old:
            if not documents:
                documents.append((at, document))
                self.received[key].append((at, document))
            return
        self.received[key].append((at, document))
        typed = {name: value for name, value in document.items() if not name.startswith(UNSEEN)}
        is_new = typed != self._seen.get(key) or not (is_tick and kind == "market")
        self._seen[key] = typed
        if not documents or (is_new and documents[-1][1] != document):
            documents.append((at, document))

    def _merge(self, kind: str, ticker: str, record: Record, at: int) -> None:
        states = self.columns[kind, ticker]
        known = dict(states[-1][1]) if states else dict.fromkeys(COLUMNS[kind])
        before = dict(known)
        for column, (name, read) in COLUMNS[kind].items():
            value = record.get(name)
            # An empty result says that there is none; other blank texts are absent.
            if value is not None and (value != "" or column == "result"):
                known[column] = read(value)
        if not states or known != before:
            states.append((at, known))
        if len(states) > 1:
            self.changes += [
                Change(kind, ticker, at, name, before[name], value)
                for name, value in known.items()
                if value != before[name]
            ]


def kind_of(path: str) -> str | None:
    words = [word for word in path.split("/") if word]
    if words[0] == "historical":
        words = words[1:]
    return {"markets": "market", "events": "event", "series": "series"}.get(words[0])


class DescribingLife:
    """A store that collects an exchange for some hours: ticks, syncs, settlements, and single reads."""

    def __init__(self, seed: int, template: Path, folder: Path) -> None:
        self.random = Random(seed)
        self.now = BEGIN
        self.exchange = DescribingExchange(self.random, BEGIN)
        self.exchange.bear(8)
        self.path = Path(shutil.copyfile(template, folder / f"describing-{seed}.db"))
        self.expected = Expected()
        self.instants: list[int] = []
        self.counts: Counter[str] = Counter(lives=1)

    def live(self, steps: int) -> Iterator[str]:
        """Collect, and yield what the store says otherwise than the answers."""
        for _ in range(steps):
            self.now += PERIOD * SECOND * self.random.choice((1, 1, 1, 2, 6))
            self.exchange.live()
            self.exchange.describe()
            for run in (
                ("series", "events", "markets", "settlements") if self.random.random() < 0.2 else ("tick",)
            ):
                self._run(run)
            if self.random.random() < 0.2:
                self._run("market get")
            self.instants.append(self.now)
        yield from self.differences()

    def _run(self, run: str) -> None:
        self.now += SECOND
        settings = Settings(
            api_url=URL, database_url=sqlite_url(self.path), retry_seconds=0, windows=1, combos="include"
        )
        clock = ManualClock(self.now)
        self.exchange.begin(self.now)
        with (
            closing(Database(settings.database_url, clock=clock)) as database,
            KalshiClient(
                URL, requests_per_second=1e9, retry_seconds=0, transport=self.exchange, clock=clock
            ) as client,
        ):
            self._ask(run, Session(client, database, settings, lambda _: None, clock))
        self.expected.receive(self.exchange.answers, run, self.now)
        self.counts[run] += 1

    def _ask(self, run: str, session: Session) -> None:
        if run == "tick":
            take_snapshot(session, self.now // (PERIOD * SECOND) * PERIOD * SECOND, PERIOD)
        elif run == "market get":
            with contextlib.suppress(NotFoundError):
                fetch_market(session, self.random.choice(sorted(self.exchange.markets)))
        else:
            syncs = {"series": sync_series, "events": sync_events, "markets": sync_markets}
            (syncs | {"settlements": sync_settlements})[run](session)

    def differences(self) -> Iterator[str]:
        """Yield what details, descriptions, the log of changes and the legs say otherwise than the answers."""
        with open_store(self.path) as store:
            for kind, ticker in self.expected.columns:
                instants = self.random.sample(self.instants, min(len(self.instants), 8))
                for at in (*instants, *(at - SECOND for at in instants), None):
                    yield from self._differing_details(store, kind, ticker, at)
                    yield from self._differing_description(store, kind, ticker, at)
        yield from self._differing_changes()
        yield from self._differing_legs()

    def _differing_details(self, store: Store, kind: str, ticker: str, at: int | None) -> Iterator[str]:
        try:
            found: Any = json.loads(store.details(ticker, at, kind).json)
        except (NoDetailsError, RangeError, UnknownTickerError):
            found = None
        documents = known_at(self.expected.documents[kind, ticker], at)
        expected = documents[-1][1] if documents else None
        self.counts["details"] += 1
        if found == expected:
            return
        later = known_at(self.expected.received[kind, ticker], at)
        if documents and any(found == record for seen_at, record in later if seen_at >= documents[-1][0]):
            self.counts["details before their time"] += 1
            return
        yield f"{kind} {ticker} at {at}: {found} in place of {expected}"

    def _differing_description(self, store: Store, kind: str, ticker: str, at: int | None) -> Iterator[str]:
        states = known_at(self.expected.columns[kind, ticker], at)
        if not states:
            return
        found = store.description(kind, ticker, at)
        self.counts["descriptions"] += 1
        for name, value in states[-1][1].items():
            if found[name] != value:
                yield f"{kind} {ticker} at {at}: {name} is {found[name]!r} in place of {value!r}"

    def _differing_changes(self) -> Iterator[str]:
        tables = stored(self.path).tables
        texts = {str(row["id"]): row["body"] for row in tables["texts"]}
        found: Counter[tuple[object, ...]] = Counter()
        for kind, table in (("market", "markets"), ("event", "events"), ("series", "series")):
            names = {row["id"]: row["ticker"] for row in tables[table]}
            for row in tables[f"{kind}_changes"]:
                values = [row["before"], row["after"]]
                if row["field"] == "rules_secondary":
                    values = [None if key is None else texts[str(key)] for key in values]
                if row["field"] in COLUMNS[kind]:
                    found[kind, names[row[f"{kind}_id"]], row["seen_at"], row["field"], *values] += 1
        expected: Counter[tuple[object, ...]] = Counter(
            (*change[:4], logged(change.before), logged(change.after)) for change in self.expected.changes
        )
        self.counts["changes"] += expected.total()
        yield from (f"logged: {change}" for change in found - expected)
        yield from (f"not logged: {change}" for change in expected - found)

    def _differing_legs(self) -> Iterator[str]:
        views = stored(self.path).views
        found: dict[str, list[tuple[object, ...]]] = defaultdict(list)
        for row in sorted(views["legs_of_combos"], key=lambda row: str(row["position"])):
            found[str(row["combo_ticker"])].append((row["leg_ticker"], row["side"]))
        with open_store(self.path) as store:
            for kind, ticker in self.expected.documents:
                if kind != "market" or not self.expected.documents[kind, ticker]:
                    continue
                sent = json.loads(store.details(ticker, kind="market").json).get("mve_selected_legs")
                if sent is None:
                    continue
                self.counts["legs"] += len(sent)
                legs = [(leg["market_ticker"], leg["side"]) for leg in sent]
                if found[ticker] != legs:
                    yield f"legs of {ticker}: {found[ticker]} in place of {legs}"


def known_at(states: list[tuple[int, Record]], at: int | None) -> list[tuple[int, Record]]:
    return [state for state in states if at is None or state[0] <= at]


def logged(value: object) -> str | None:
    """A value as the log of changes has it."""
    if isinstance(value, bool):
        return str(int(value))
    return None if value is None else str(value)


if __name__ == "__main__":
    live_many(DescribingLife, 60)
