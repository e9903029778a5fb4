"""Quotes, states and settlements match the exchange's own answers, over random lives."""

import csv
import io
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kalshi_pipeline.api import Quote, Store, open_store
from kalshi_pipeline.cli.app import main
from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.settlements import backfill_settlements, sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import contracts_of, dollars_of, iso_of, tick_iso_of
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.changing_exchange import ChangingExchange, StoppedError
from kalshi_pipeline_tests.ingest.life_sessions import BEGIN, URL
from kalshi_pipeline_tests.ingest.states_by_definition import NOTHING, SECOND, Definitions, Known, ReceivedRun

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
WEEK = 7 * 24 * HOUR
SCOPES: tuple[dict[str, Any], ...] = (
    {"combos": "exclude"},
    {"combos": "exclude"},
    {"combos": "include"},
    {"combos": "only"},
    {"combos": "include", "series": ("KXA",)},
    {"combos": "exclude", "series": ("KXA", "KXB")},
    {"combos": "exclude", "series": ("KXC",)},
)
GAPS = (0, 0, 0, 0, MINUTE, 4 * MINUTE, 9 * MINUTE, 11 * MINUTE, HOUR, 7 * HOUR, WEEK)


class Life:
    """Runs into one database against an exchange that changes between them."""

    def __init__(self, random: Random, url: str) -> None:
        self.random = random
        self.checks = Random(0)
        self.clock = ManualClock(BEGIN)
        self.exchange = ChangingExchange(random, BEGIN)
        self.exchange.bear(6)
        self.definitions = Definitions()
        self.url = url
        self.database = Database(url, clock=self.clock)
        self.mode = random.choice(("changes", "every", "both"))
        self.keyframe_hours = random.choice((0.2, 2.0, 6.0))
        self.scope = SCOPES[0]
        self.period: float | None = 300.0

    def step(self) -> None:
        """Change the exchange, sometimes run another flow, then take a tick."""
        random = self.random
        self.exchange.live()
        if random.random() < 0.25:
            self.scope = random.choice(SCOPES)
        if random.random() < 0.15:
            self.period = random.choice((None, 60.0, 300.0, 300.0))
        if random.random() < 0.35:
            self._wait_until(self.clock.now() + random.choice((5 * SECOND, 30 * SECOND, 2 * MINUTE)))
            self._run_other()
            if random.random() < 0.5:
                self.exchange.live()
        tick_at = self.clock.now() + random.choice(GAPS) + SECOND
        if self.period is not None:
            micros = round(self.period * SECOND)
            tick_at = -(-tick_at // micros) * micros
        self._wait_until(tick_at + random.randint(0, 3000) * 1000)
        self._take(tick_at)

    def _take(self, tick_at: int) -> None:
        random, exchange = self.random, self.exchange
        exchange.shows_paused = random.random() < 0.6
        how = random.choices(("whole", "fails", "stops", "capped"), weights=(75, 9, 8, 8))[0]
        page = random.choice((1, 2, 2, 3))
        exchange.fails_at = page if how == "fails" else None
        exchange.stops_at = page if how == "stops" else None
        max_pages = page if how == "capped" else None
        mode = random.choice(("changes", "every")) if self.mode == "both" else self.mode

        def take(session: Session) -> None:
            take_snapshot(session, tick_at, self.period)

        self._run(take, max_pages=max_pages, mode=mode, tick_at=tick_at)
        exchange.fails_at = exchange.stops_at = None
        if how != "whole" and random.random() < 0.4:
            self._wait_until(self.clock.now() + 10 * SECOND)
            self._run(take, mode=mode, tick_at=tick_at)

    def _run_other(self) -> None:
        names = sorted(self.exchange.markets)
        name = self.random.choice(names) if names else None

        def fetch(session: Session) -> None:
            if name is not None:
                fetch_market(session, name)

        runs: tuple[Callable[[Session], object], ...] = (
            fetch,
            fetch,
            sync_events,
            sync_markets,
            sync_settlements,
            backfill_settlements,
        )
        self._run(self.random.choice(runs))

    def _run(
        self,
        run: Callable[[Session], object],
        *,
        max_pages: int | None = None,
        mode: str = "changes",
        tick_at: int | None = None,
    ) -> None:
        settings = Settings(
            api_url=URL,
            database_url=self.url,
            requests_per_second=1000,
            retry_seconds=0,
            windows=1,
            max_pages=max_pages,
            snapshot_mode=mode,
            keyframe_hours=self.keyframe_hours,
            **self.scope,
        )
        at = self.clock.now()
        self.exchange.begin(at)
        was_stopped = False
        with KalshiClient(
            URL, requests_per_second=1e9, retry_seconds=0, transport=self.exchange, clock=self.clock
        ) as client:
            try:
                run(Session(client, self.database, settings, lambda _: None, self.clock))
            except StoppedError:
                was_stopped = True
            except (ExchangeError, NotFoundError):
                pass
        assert self.clock.now() == at
        received = ReceivedRun(
            at,
            tuple(self.exchange.answers),
            settings.series,
            settings.combos,
            tick_at=tick_at,
            period_seconds=self.period,
            keeps_every=mode == "every",
            keyframe_micros=round(self.keyframe_hours * HOUR),
            max_pages=max_pages,
            was_stopped=was_stopped,
        )
        self.definitions.add(received)

    def _wait_until(self, at: int) -> None:
        self.clock.advance((at - self.clock.now()) / SECOND)
        assert self.clock.now() == at

    def instants(self, count: int) -> list[int]:
        """Instants at which answers may change: at ticks, one and two periods later, in gaps, and before the first
        tick.
        """
        ticks = [tick.at for tick in self.definitions.ticks]
        near = {
            at + periods * period * SECOND + offset
            for at in ticks
            for period in (60, 300)
            for periods in (0, 1, 2)
            for offset in (-1, 0, 1)
        }
        near |= {(first + last) // 2 for first, last in pairwise(ticks)}
        chosen = self.checks.sample(sorted(near), min(count, len(near)))
        return sorted({BEGIN - 1, BEGIN, *chosen})


def comparable(quote: Quote) -> Known:
    """A quote in the form of the definitions, with exact decimals."""
    numbers = [
        None if value is None else (dollars_of(value) if index in (0, 1, 4) else contracts_of(value))
        for index, value in enumerate(quote[9:])
    ]
    assert quote.is_observed == (quote.state == "observed")
    return Known(
        quote.quoted_at,
        quote.received_at,
        quote.is_listed,
        str(quote.state),
        quote.is_tick_complete,
        quote.confirmed_at,
        tuple(numbers),
    )


UNKNOWN = Known(None, None, False, "unknown", False, None, NOTHING)


def check_functions(store: Store, life: Life, instants: list[int]) -> int:
    """Compare what the functions return at some instants; return how many values were compared."""
    definitions, compared = life.definitions, 0
    for at in instants:
        expected = {name: definitions.known(name, at) for name in definitions.markets}
        found = {quote.ticker: comparable(quote) for quote in store.quotes(at)}
        listed = {name: known for name, known in expected.items() if known is not None and known.is_listed}
        assert found == listed, iso_of(at)
        compared += len(listed)
    for name in definitions.markets:
        for at in life.checks.sample(instants, min(6, len(instants))):
            step = life.checks.choice((20, 60, 150))
            points = store.history(name, at, at + 12 * MINUTE, resample_seconds=step)
            assert [point.at for point in points] == list(range(at, at + 12 * MINUTE, step * SECOND))
            for point in points:
                assert comparable(point) == (definitions.known(name, point.at) or UNKNOWN), (name, point.at)
            compared += len(points)
        end = max(instants) + 1
        for start in (instants[0], life.checks.choice(instants)):
            ticks = sorted({tick.at for tick in definitions.ticks if start < tick.at < end})
            known = [(start, definitions.known(name, start))]
            known += [(at, definitions.known(name, at)) for at in ticks]
            rows = [
                (at, quote)
                for at, quote in known
                if quote is not None and (quote.quoted_at == at or (at == start and quote.is_listed))
            ]
            history = [(quote.at, comparable(quote)) for quote in store.history(name, start, end)]
            assert history == rows, name
            compared += len(rows)
    return compared


def text(at: int | None) -> str | None:
    return None if at is None else iso_of(at)


def tick_text(at: int | None) -> str | None:
    return None if at is None else tick_iso_of(at)


def number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def check_views(query: Query, life: Life) -> int:
    """Compare every row of the views of quotes; return how many."""
    definitions = life.definitions
    if not definitions.ticks:
        return 0
    newest = max(tick.at for tick in definitions.ticks)
    expected = []
    for name in sorted(definitions.markets):
        known = definitions.known(name, newest)
        if known is not None:
            flags = (known.state == "observed", known.is_tick_complete, known.state)
            times = (tick_text(known.quoted_at), text(known.received_at), tick_text(known.confirmed_at))
            expected.append((name, *times, not known.is_listed, *flags, known.quote))
    columns = "yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest"
    shown = query(
        "SELECT ticker, tick_at, received_at, confirmed_at, is_terminal, is_observed, is_tick_complete, state, "
        f"{columns} FROM latest_prices ORDER BY ticker"
    )
    assert [(*row[:8], tuple(map(number, row[8:]))) for row in shown] == expected
    compared = len(expected)

    by_tick = []
    for tick in sorted(definitions.ticks, key=lambda tick: tick.at):
        for name, market in sorted(definitions.markets.items()):
            known = definitions.known(name, tick.at)
            if known is None or not known.is_listed:
                continue
            if known.quoted_at == tick.at or definitions.covers(tick, market):
                flags = (known.state == "observed", known.is_tick_complete, known.state)
                times = (tick_text(known.quoted_at), text(known.received_at), tick_text(known.confirmed_at))
                by_tick.append((tick_text(tick.at), name, *times, *flags, known.quote))
    shown = query(
        "SELECT tick_at, ticker, quoted_at, received_at, confirmed_at, is_observed, is_tick_complete, state, "
        f"{columns} FROM quotes_by_tick ORDER BY tick_at, ticker"
    )
    assert [(*row[:8], tuple(map(number, row[8:]))) for row in shown] == by_tick
    return compared + len(by_tick)


def check_settlements(store: Store, query: Query, life: Life) -> int:
    """Compare the settlements and their amendments; return how many."""
    markets = sorted(life.definitions.markets.items())
    in_force = [
        (name, market.outcome.result, market.outcome.value, text(market.outcome.amended_at))
        for name, market in markets
        if market.outcome is not None and market.outcome.withdrawn_at is None
    ]
    shown = query(
        "SELECT ticker, result, settlement_value, amended_at FROM settlement_history ORDER BY ticker"
    )
    assert [(row[0], row[1], number(row[2]), row[3]) for row in shown] == in_force
    amended = [
        (name, text(at), *results_and_values)
        for name, market in markets
        for at, *results_and_values in market.amendments
    ]
    shown = query(
        "SELECT ticker, seen_at, result_before, result_after, value_before, value_after "
        "FROM settlement_amendment_history ORDER BY ticker, seen_at"
    )
    assert [(*row[:4], number(row[4]), number(row[5])) for row in shown] == amended
    for name, market in markets:
        settlement = store.market(name).settlement
        expected = market.outcome and (market.outcome.withdrawn_at, market.outcome.amended_at)
        assert (settlement and (settlement.withdrawn_at, settlement.amended_at)) == expected, name
    gone = [(name, market.gone_at) for name, market in markets if market.gone_at is not None]
    assert query("SELECT ticker, gone_at FROM markets WHERE gone_at > 0 ORDER BY ticker") == gone
    return len(in_force) + len(amended) + len(markets)


def live(random: Random, path: Path, query: Query, steps: int) -> tuple[Life, int]:
    """Live for some steps, compare on the way and at the end; return how many values were compared."""
    url, compared = f"sqlite:///{path}", 0
    life = Life(random, url)
    with closing(life.database), open_store(path) as store:
        for step in range(1, steps + 1):
            life.step()
            if step % 10 == 0 or step == steps:
                compared += check_functions(store, life, life.instants(25))
                compared += check_views(query, life)
                compared += check_settlements(store, query, life)
    return life, compared


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Invent a few lives, or in full many."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize(
            "seed", range(60 if metafunc.config.getoption("full") else 3), ids="seed {}".format
        )


def cells(name: str, at: int, known: Known) -> list[str]:
    """A row of the commands' CSV."""
    flags = (known.state == "observed", known.is_tick_complete)
    times = (text(known.quoted_at) or "", text(known.received_at) or "")
    first = [
        name,
        iso_of(at),
        *times,
        str(int(known.is_listed)),
        known.state,
        *(str(int(flag)) for flag in flags),
    ]
    return [*first, text(known.confirmed_at) or ""]


def check_commands(run: Callable[..., list[list[str]]], life: Life) -> int:
    """Compare what the commands write as CSV at a few instants; return how many rows."""
    definitions, compared = life.definitions, 0
    for at in life.instants(3):
        known = {name: definitions.known(name, at) for name in sorted(definitions.markets)}
        listed = [(name, quote) for name, quote in known.items() if quote is not None and quote.is_listed]
        rows = run("quotes", "--at", iso_of(at), "--csv")
        assert [row[:9] for row in rows[1:]] == [cells(name, at, quote) for name, quote in listed]
        assert [[number(cell or None) for cell in row[9:]] for row in rows[1:]] == [
            list(quote.quote) for _, quote in listed
        ]
        name = life.checks.choice(sorted(known))
        span = ("--start", iso_of(at), "--end", iso_of(at + 10 * MINUTE))
        rows = run("history", name, *span, "--resample", "60s", "--csv")
        instants = range(at, at + 10 * MINUTE, MINUTE)
        assert [row[:9] for row in rows[1:]] == [
            cells(name, point, definitions.known(name, point) or UNKNOWN) for point in instants
        ]
        compared += len(listed) + len(instants)
    return compared


def test_states_and_settlements_match_the_answers(
    seed: int,
    database_path: Path,
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Compares functions, views and commands."""
    life, compared = live(Random(seed), database_path, query, 30)
    monkeypatch.setenv("KALSHI_DATABASE_URL", life.url)

    def run(*arguments: str) -> list[list[str]]:
        monkeypatch.setattr(sys, "argv", ["kalshi-pipeline", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert check_commands(run, life) > 30
    assert compared > 500
