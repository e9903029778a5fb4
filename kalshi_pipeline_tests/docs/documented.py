"""The database of the examples in the README and docs/: an hour and a half of a sandbox exchange.

`python -m kalshi_pipeline_tests.docs.documented FILE` makes one, to take the examples' outputs from.
"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.collect import collect_steps
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of
from kalshi_pipeline_tests.clock import ManualClock

_START = datetime(2026, 11, 22, 12, 40, tzinfo=UTC)
_PERIOD_SECONDS = 300
_TICKS = 17  # the last one at 14:05
_MARKET = "KXSENATEWIN-27JAN054C-KP4"


def make_documented(path: Path) -> None:
    """Collect everything at 12:40 and a snapshot each five minutes until 14:05, with a clock that only this moves."""
    world = World(
        WorldConfig(
            markets=1_000,
            combos=20,
            change_share=0.3,
            edits_per_step=1,
            trades_per_day=500,
            start=_START,
            step_seconds=_PERIOD_SECONDS,
        )
    )
    clock = ManualClock(instant_of(_START))
    with Sandbox(world, now=clock.seconds) as sandbox:
        settings = Settings(
            api_url=sandbox.url,
            database_url=f"sqlite:///{path}",
            requests_per_second=1000,
            combos="include",
            candlestick_markets=(_MARKET,),
            order_book_markets=(_MARKET,),
        )
        with open_session(settings, clock=clock) as session:
            reports = [step.run() for step in collect_steps(session)]
            for number in range(1, _TICKS + 1):
                tick_at = instant_of(_START) + number * _PERIOD_SECONDS * MICROS_PER_SECOND
                world.step()
                clock.advance((tick_at - clock.now()) / MICROS_PER_SECOND)
                reports.append(take_snapshot(session, tick_at, _PERIOD_SECONDS))
            for day in (date(2026, 11, 21), date(2026, 11, 22)):
                collect_trades(session, day)
                collect_candlesticks(session, day)
            take_order_books(session)
    wrong = [f"{report.asset}: {report.reason}" for report in reports if report.state != "complete"]
    if wrong:
        raise AssertionError(wrong)


if __name__ == "__main__":
    make_documented(Path(sys.argv[1]))
