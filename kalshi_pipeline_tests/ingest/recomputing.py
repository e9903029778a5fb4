"""Complete lives of an exchange, collected by the pipeline and recomputed from its answers.

Run it as a module for many lives: `python -m kalshi_pipeline_tests.ingest.recomputing 300` prints the counts.
"""

import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.settings import Settings, SnapshotMode
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, tick_iso_of
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query, query_of
from kalshi_pipeline_tests.ingest.lives import Exchange, Plan
from kalshi_pipeline_tests.ingest.recomputation import QUOTED, Recomputation, Row

URL = "http://exchange.test/trade-api/v2"
COLUMNS = "yes_bid, yes_ask, last_price, yes_bid_size, yes_ask_size, volume, open_interest"


class Life(NamedTuple):
    """The differences between the actual and the expected ticks of a life, and the number of comparisons."""

    differences: list[str]
    counts: Counter[str]


def requests_of(plan: Plan) -> int:
    return 20 * max(1, plan.minutes) if plan.requests is None else plan.requests


def live(seed: int, database_path: Path) -> Life:
    """Live a complete life, and compare each tick and finally all views."""
    random, clock = Random(seed), ManualClock()
    plan, exchange = Plan.invent(random), Exchange(random, clock)
    if exchange.is_large:
        plan = replace(plan, ticks=20)
    base = Settings(
        api_url=URL,
        database_url=f"sqlite:///{database_path}",
        retry_seconds=0,
        windows=1,
        event_lookups=1000,
        keyframe_hours=100,
        reconcile_requests=plan.requests,
        snapshot_minutes=plan.minutes,
        snapshot_mode=SnapshotMode.EVERY if plan.keeps_every else SnapshotMode.CHANGES,
    )
    model = Recomputation(keeps_every=plan.keeps_every)
    differences: list[str] = []
    counts: Counter[str] = Counter(lives=1)
    instants: dict[str, int] = {}
    query = query_of(database_path)
    scope = plan.scopes[0]
    with (
        closing(Database(base.database_url, clock=clock)) as database,
        KalshiClient(
            URL,
            requests_per_second=1e9,
            retry_seconds=0,
            transport=httpx.MockTransport(exchange.handle),
            clock=clock,
        ) as client,
    ):
        number = 0
        for tick in range(1, plan.ticks + 1):
            number += random.choice((1, 1, 1, 1, 1, 2, 4))
            exchange.live()
            if random.random() < 0.15:
                scope = random.choice(plan.scopes)
            tick_at = NOON + number * plan.minutes * 60 * MICROS_PER_SECOND
            clock.advance((tick_at - clock.now()) / MICROS_PER_SECOND + 2)
            instants[tick_iso_of(tick_at)] = tick
            exchange.answers.clear()
            settings = base.model_copy(update={"series": scope.series, "combos": scope.combos})
            session = Session(client, database, settings, lambda _: None, clock)
            state, ended = snapshot(session, tick_at, plan.minutes * 60)
            expected = model.take(tick, scope, list(exchange.answers), requests_of(plan))
            where = f"seed {seed}, tick {tick} ({', '.join(sorted(exchange.faults)) or 'honest'})"
            if expected.state != state:
                differences.append(f"{where}: {state} in place of {expected.state}")
            if ended != len(expected.ended):
                differences.append(f"{where}: {ended} ended in place of {len(expected.ended)}")
            counts.update({"ticks": 1, state: 1, "ended": ended, "lookups": expected.lookups})
            counts["most lookups"] = max(counts["most lookups"], expected.lookups)
            if differences:
                break
    compare(query, instants, model, differences, counts)
    return Life([f"seed {seed}: {line}" for line in differences], counts)


def snapshot(session: Session, tick_at: int, period_seconds: float) -> tuple[str, int]:
    """Take a snapshot; return its state and how many histories it ended."""
    try:
        report = take_snapshot(session, tick_at, period_seconds)
    except ExchangeError:
        return "failed", 0
    finally:
        # When a walk stops, one more page may be in flight.
        for thread in threading.enumerate():
            if thread.daemon and thread.name.endswith("(do)"):
                thread.join()
    return str(report.state), report.tally.ended


def compare(
    query: Query,
    instants: dict[str, int],
    model: Recomputation,
    differences: list[str],
    counts: Counter[str],
) -> None:
    """Compare histories, unlisted spans and the quotes in force with the expected ones."""
    differences += compare_histories(query, instants, model, counts)
    differences += compare_spans(query, instants, model)
    differences += compare_in_force(query, instants, model, counts)


def compare_histories(
    query: Query, instants: dict[str, int], model: Recomputation, counts: Counter[str]
) -> Iterator[str]:
    stored = {
        (ticker, instants[tick_at]): (None if is_terminal else tuple(values), received_at)
        for ticker, tick_at, received_at, is_terminal, *values in query(
            f"SELECT ticker, tick_at, received_at, is_terminal, {COLUMNS} FROM price_history"
        )
    }
    history = {key: as_shown(row) for key, row in model.history().items()}
    for key in sorted(stored.keys() | history.keys(), key=lambda key: key[1]):
        found, expected = stored.get(key), history.get(key)
        counts["values"] += len(QUOTED)
        if found == expected:
            continue
        if found is not None and found[0] is None:
            if expected is not None and expected[0] is None:
                continue  # when an end was written is not compared
            counts["ended without proof"] += 1
        counts["wrong"] += 1
        yield f"history of {key}: {found} in place of {expected}"


def compare_spans(query: Query, instants: dict[str, int], model: Recomputation) -> Iterator[str]:
    spans = query(
        "SELECT m.ticker, f.tick_at, t.tick_at FROM unlisted_spans AS u JOIN markets AS m ON m.id = u.market_id"
        " JOIN ticks AS f ON f.id = u.from_tick_id LEFT JOIN ticks AS t ON t.id = u.to_tick_id"
    )
    found = {
        (ticker, tick)
        for ticker, start, end in spans
        for at, tick in instants.items()
        if tick_iso_of(start) <= at and (end is None or at < tick_iso_of(end))
    }
    expected = {(market.ticker, tick) for market in model.markets.values() for tick in market.unlisted_at}
    for key in sorted(found ^ expected):
        ticker, tick = key
        # A tick whose scope excludes the market, as now known, never confirms it.
        is_covered = tick in model.scopes and model.covers(model.scopes[tick], model.markets[ticker])
        if is_covered and not is_before_move(model, key) and model.states[tick] != "failed":
            yield f"{key} is {'' if key in found else 'not '}in an unlisted span"


def compare_in_force(
    query: Query, instants: dict[str, int], model: Recomputation, counts: Counter[str]
) -> Iterator[str]:
    in_force = model.in_force()
    shown = {
        (ticker, instants[tick_at]): (tuple(values), bool(is_complete))
        for ticker, tick_at, is_complete, *values in query(
            f"SELECT ticker, tick_at, is_tick_complete, {COLUMNS} FROM quotes_by_tick"
        )
    }
    for key in sorted(shown.keys() | in_force.keys(), key=lambda key: key[1]):
        found, expected = shown.get(key), in_force.get(key)
        counts["values"] += len(QUOTED)
        if found == expected:
            continue
        counts["wrong"] += 1
        yield f"in force of {key}: {found} in place of {expected}"


def is_before_move(model: Recomputation, key: tuple[str, int]) -> bool:
    """Whether a market has moved to another event since a tick.

    Its present series decides which ticks cover it; other ticks need no span.
    """
    ticker, tick = key
    return tick < model.markets[ticker].moved_at and any(scope.series for scope in model.scopes.values())


def as_shown(row: Row) -> tuple[tuple[float, ...] | None, str]:
    return row.values, iso_of(row.received_at // 1000 * 1000)


def main(first: int, end: int) -> None:
    """Live many lives; print each difference, and finally the counts."""
    total: Counter[str] = Counter()
    most = 0
    with tempfile.TemporaryDirectory() as folder:
        template, path = Path(folder, "template.db"), Path(folder, "kalshi.db")
        Database(f"sqlite:///{template}").close()
        for seed in range(first, end):
            for old in Path(folder).glob("kalshi.db*"):
                old.unlink()
            life = live(seed, shutil.copyfile(template, path))
            most = max(most, life.counts.pop("most lookups"))
            total += life.counts
            for line in life.differences[:5]:
                sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    mean = total["lookups"] / total["ticks"]
    sys.stdout.write(f"{dict(total)}, lookups a tick: mean {mean:.2f}, most {most}\n")


if __name__ == "__main__":
    main(0, int(sys.argv[1])) if len(sys.argv) == 2 else main(int(sys.argv[1]), int(sys.argv[2]))
