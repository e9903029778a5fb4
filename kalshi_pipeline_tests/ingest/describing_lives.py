"""Lives of an exchange that changes its descriptions, and the expected contents of the store.

`Expected` recomputes them from the exchange's own answers, without code of the pipeline. Run it as a module for many
lives: `python -m kalshi_pipeline_tests.ingest.describing_lives 100` prints what differs.
"""

import contextlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from kalshi_pipeline.api import FeeState, Store, open_store
from kalshi_pipeline.errors import NoDetailsError, NotFoundError, RangeError, UnknownTickerError
from kalshi_pipeline.ingest.event_metadata import sync_event_metadata
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.ingest.related import RELATED, sync_related
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline_tests.ingest.changing_exchange import SERIES, Answer, Record
from kalshi_pipeline_tests.ingest.describing_exchange import HOUR, LISTS, SECOND, PublishingExchange
from kalshi_pipeline_tests.ingest.fees_by_definition import FeesByDefinition, micros_of, millionths
from kalshi_pipeline_tests.ingest.life_sessions import BEGIN, PERIOD, life_session, take_tick
from kalshi_pipeline_tests.ingest.many_lives import live_many
from kalshi_pipeline_tests.store.migrations.stored import stored

# The fields that a market's document omits, as far as this exchange sends them.
QUOTE = {
    *("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars", "yes_bid_size_fp"),
    *("yes_ask_size_fp", "last_price_dollars", "volume_fp", "open_interest_fp"),
    *("previous_price_dollars", "volume_24h_fp", "liquidity_dollars"),
}
# The fields that a tick ignores: fields without a column, and fields of settlements.
UNSEEN = ("new_", "mve_selected_legs", "settlement_value_dollars", "settlement_ts", "settled_micros")

SYNCS: dict[str, Callable[[Session], object]] = {
    "series": sync_series,
    "events": sync_events,
    "markets": sync_markets,
    "settlements": sync_settlements,
}
PUBLISHED: dict[str, Callable[[Session], object]] = {
    "fees of series": sync_series_fee_changes,
    "fees of events": sync_event_fee_changes,
    "metadata": sync_event_metadata,
    **{related.asset: partial(sync_related, related=related) for related in RELATED},
}
ALL_SYNCS = SYNCS | PUBLISHED
IDENTIFIER = {"market": "ticker", "event": "event_ticker", "series": "ticker"}


def same(value: Any) -> Any:
    return value


# How some columns follow from fields of the API: column, field, and parser.
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
        "fee_waiver_expiration_at": ("fee_waiver_expiration_time", micros_of),
    },
    "event": {
        "title": ("title", same),
        "sub_title": ("sub_title", same),
        "series_ticker": ("series_ticker", same),
        "fee_type_override": ("fee_type_override", same),
        "fee_multiplier_override": ("fee_multiplier_override", millionths),
    },
    "series": {
        "title": ("title", same),
        "fee_type": ("fee_type", same),
        "fee_multiplier": ("fee_multiplier", millionths),
        "tags": ("tags", ",".join),
    },
}


class Change(NamedTuple):
    """One of the log of changes."""

    kind: str
    ticker: str
    seen_at: int
    field: str
    before: Any
    after: Any


class Expected:
    """The expected descriptions, by these rules.

    A tick writes a document if `updated_time` or a field with a column differs from the last answer. Every other run
    writes one if anything differs; a document of the historical tier only if none is known; `market get` never. A tick
    may also have noticed a field that it ignores. A column keeps its value if the field is absent.
    """

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], list[tuple[int, Record]]] = defaultdict(list)
        self.received: dict[tuple[str, str], list[tuple[int, Record]]] = defaultdict(list)
        self.columns: dict[tuple[str, str], list[tuple[int, Record]]] = defaultdict(list)
        self.changes: list[Change] = []
        self.fees = FeesByDefinition()
        self._seen: dict[tuple[str, str], Record] = {}

    def receive(self, answers: list[Answer], run: str, at: int) -> None:
        self.fees.receive(answers, at)
        for answer in answers:
            kind = kind_of(answer.path)
            if answer.status == 200:
                self._keep_whole(answer, at)
            if kind is None or answer.status != 200:
                continue
            for record in answer.records:
                self._merge(kind, record[IDENTIFIER[kind]], record, at)
                if run != "market get":
                    is_old = answer.path.startswith("/historical")
                    self._document(kind, record, at, is_tick=run == "tick", is_old=is_old)

    def _keep_whole(self, answer: Answer, at: int) -> None:
        """A record without its own table is kept unchanged, whenever it differs from the previous one."""
        if answer.path in LISTS:
            kind, _, key = LISTS[answer.path]
            items = [(record[key], record) for record in answer.records]
        elif answer.path.endswith("/metadata"):
            kind, items = "event_metadata", [(answer.path.split("/")[2], answer.records[0])]
        else:
            return
        for ticker, record in items:
            documents = self.documents[kind, ticker]
            if not documents or documents[-1][1] != record:
                documents.append((at, record))

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
            # An empty result means that there is none; other blank texts are absent.
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
    if words[-1] in ("fee_changes", "metadata"):
        return None
    if words[0] == "historical":
        words = words[1:]
    return {"markets": "market", "events": "event", "series": "series"}.get(words[0])


class DescribingLife:
    """A store that collects an exchange for some hours: ticks, syncs, settlements, and single reads."""

    def __init__(self, seed: int, template: Path, folder: Path) -> None:
        self.random = Random(seed)
        self.now = BEGIN
        self.exchange = PublishingExchange(self.random, BEGIN)
        self.exchange.bear(8)
        self.path = Path(shutil.copyfile(template, folder / f"describing-{seed}.db"))
        self.expected = Expected()
        self.instants: list[int] = []
        self.counts: Counter[str] = Counter(lives=1)

    def live(self, steps: int) -> Iterator[str]:
        """Collect, and yield each difference between the store and the answers."""
        for _ in range(steps):
            self.now += PERIOD * SECOND * self.random.choice((1, 1, 1, 2, 6))
            self.exchange.live()
            self.exchange.describe()
            self.exchange.publish()
            for run in SYNCS if self.random.random() < 0.2 else ("tick",):
                self._run(run)
            if self.random.random() < 0.3:
                self._run(self.random.choice(tuple(PUBLISHED)))
            if self.random.random() < 0.2:
                self._run("market get")
            self.instants.append(self.now)
        yield from self.differences()

    def _run(self, run: str) -> None:
        self.now += SECOND
        self.exchange.begin(self.now)
        with life_session(self.path, self.exchange, self.now, combos="include") as session:
            self._ask(run, session)
        self.expected.receive(self.exchange.answers, run, self.now)
        self.counts[run] += 1

    def _ask(self, run: str, session: Session) -> None:
        if run == "tick":
            take_tick(session, self.now)
        elif run == "market get":
            with contextlib.suppress(NotFoundError):
                fetch_market(session, self.random.choice(sorted(self.exchange.markets)))
        else:
            ALL_SYNCS[run](session)

    def differences(self) -> Iterator[str]:
        """Yield the differences of details, descriptions, the log of changes and the legs."""
        with open_store(self.path) as store:
            for kind, ticker in self.expected.columns:
                instants = self.random.sample(self.instants, min(len(self.instants), 8))
                for at in (*instants, *(at - SECOND for at in instants), None):
                    yield from self._differing_details(store, kind, ticker, at)
                    yield from self._differing_description(store, kind, ticker, at)
            for kind, ticker in self.expected.documents.keys() - self.expected.columns.keys():
                for at in (*self.random.sample(self.instants, min(len(self.instants), 8)), None):
                    yield from self._differing_details(store, kind, ticker, at)
            yield from self._differing_fees(store)
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

    def _differing_fees(self, store: Store) -> Iterator[str]:
        """Fees at instants of changes, of runs and of their neighbours, of series, events, and markets."""
        exchange, columns = self.exchange, self.expected.columns
        around = (*self.expected.fees.instants(), *self.instants, BEGIN - HOUR, self.now + 90 * HOUR)
        for _ in range(400):
            at = self.random.choice(around) + self.random.choice((-SECOND, 0, 0, SECOND))
            market = self.random.choice([None, "NONE", *exchange.markets])
            event = exchange.markets[market]["event_ticker"] if market in exchange.markets else None
            event = event or self.random.choice([None, "NONE", *exchange.series_of])
            series = exchange.series_of.get(event or "", self.random.choice([*SERIES, "NONE"]))
            said = {
                ticker: states[-1][1]
                for (kind, ticker), known in columns.items()
                if kind in ("series", "event") and (states := known_at(known, at))
            }
            expected = self.expected.fees.fee_at(series, event, at, said)
            markets = known_at(columns.get(("market", market or ""), []), at)
            until = markets[-1][1]["fee_waiver_expiration_at"] if markets else None
            is_waived = (until is not None and at < until) if markets else None
            documents = known_at(self.expected.documents.get(("market", market or ""), []), at)
            if is_waived and documents and "fee_waiver_expiration_time" not in documents[-1][1]:
                is_waived = None
            fee = store.fee_at(series, event, market, at)
            found = None
            if fee.state is FeeState.KNOWN:
                found = (fee.fee_type, millionths(fee.fee_multiplier), fee.is_override)
            self.counts["known fees" if expected else "unknown fees"] += 1
            self.counts[f"waived {is_waived}"] += 1
            if (found, fee.is_waived, fee.reason is None) != (expected, is_waived, expected is not None):
                yield f"fee of {series}, {event}, {market} at {at}: {fee} in place of {expected}, {is_waived}"

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
