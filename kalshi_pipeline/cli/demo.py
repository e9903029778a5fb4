"""The demo: a sandbox exchange on loopback, and real Dagster runs that collect from it."""

import contextlib
import heapq
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from kalshi_pipeline.api import open_store
from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.answers.quotes import quote_columns
from kalshi_pipeline.cli.answers.state import status
from kalshi_pipeline.cli.dagster_dev import STARTING, dagster_dev, free_port
from kalshi_pipeline.cli.dagster_home import forget_state, prepare_home, reserved
from kalshi_pipeline.cli.options import DEMO_DATABASE, Asked, Format
from kalshi_pipeline.cli.output import write_answer
from kalshi_pipeline.cli.pasting import program
from kalshi_pipeline.cli.terminal import print_line, status_line
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.errors import DagsterEndedError, StoppedError
from kalshi_pipeline.monitoring.overview import example_history
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.signals import keeping_handlers
from kalshi_pipeline.store.dialects import dialect_of
from kalshi_pipeline.units import MICROS_PER_DAY, datetime_of

DATABASE = DEMO_DATABASE
HOME = Path("data/demo-dagster")
_URL = f"sqlite:///{DATABASE}"
SNAPSHOTS = 4
_MARKETS, _COMBOS = 1_500, 300
_STEP_SECONDS = 2.0
_MOST_LOOKED_AT = 50
_NEXT = """
Ask it (its tickers are those of this demo's exchange):
  {kalshi} quotes --db {database}
  {kalshi} search bitcoin --db {database}
  {kalshi} history {ticker} --db {database}
  {kalshi} event {ticker} --db {database}
  {kalshi} trades {traded} --db {database}
  {kalshi} movers --db {database}

Look at it in Dagster's UI, with the sandbox exchange running:
  {kalshi} demo --ui

Go live (no account, no key; into data/kalshi.db):
  {kalshi} dev
  {kalshi} data collect --once     (once, for instance from CI)"""


def run_demo(*, with_ui: bool = False) -> None:
    """Run `collect` and several snapshots through Dagster into a new database, and show its contents.

    With the UI, the sandbox and Dagster then run until they are stopped.
    """
    home = prepare_home(HOME)
    with reserved(home):
        # These runs are kept apart from the live pipeline's, and from those of an earlier demo, whose database is gone.
        forget_state(home)
        dialect_of(_URL).remove()
        ticker = _run(home, with_ui=with_ui)
    if not with_ui:
        traded = _traded_market() or ticker
        _print_lines(_NEXT.format(kalshi=program(), database=DATABASE, ticker=ticker, traded=traded))


def _run(home: Path, *, with_ui: bool) -> str:
    """Fill the database, show its contents, and return an example ticker."""
    world = World(
        WorldConfig(
            markets=_MARKETS,
            combos=_COMBOS,
            combos_per_step=5,
            change_share=0.3,
            step_seconds=_STEP_SECONDS,
            start=datetime_of(SYSTEM_CLOCK.now()),
        )
    )
    with Sandbox(world) as sandbox:
        overrides = {
            "api_url": sandbox.url,
            "database_url": _URL,
            "combos": "include",
            "requests_per_second": "50",
        }
        print_line(f"A sandbox exchange with {_MARKETS:,} open markets and {_COMBOS} combos is running.")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            run = _runner(instance, overrides)
            run("collect")
            for _ in range(SNAPSHOTS):
                world.step()
                run("snapshot")
            run("collect_trades", partition_key=f"{datetime_of(SYSTEM_CLOCK.now()):%Y-%m-%d}")
        ticker = _show_what_is_stored()
        if with_ui:
            _serve_ui(home, world, overrides)
        return ticker


def _print_lines(text: str) -> None:
    for line in text.split("\n"):
        print_line(line)


def _show_what_is_stored() -> str:
    """Print the state of the store and the history of one market, and return its ticker."""
    asked = Asked(str(DATABASE), form=Format.TERMINAL)
    _print_lines(f"\n{DATABASE} now holds:")
    write_answer(status(asked), asked)
    _print_lines("(open placeholders: events of combos created since; the next collect fills them)\n")
    with open_store(DATABASE) as store:
        example = example_history(store, SNAPSHOTS + 1)
    if example is None:
        return "TICKER"
    ticker, quotes = example
    print_line(f"{ticker}: stored quotes")
    write_answer(Answer(quote_columns("at"), quotes, by_time=True), asked)
    return ticker


def _traded_market() -> str | None:
    """Return the market with the most trades of the last day, among the busiest."""
    now = SYSTEM_CLOCK.now()
    with open_store(DATABASE) as store:
        busiest = heapq.nlargest(_MOST_LOOKED_AT, store.quotes(now), key=lambda quote: quote.volume or 0)
        counts = {
            quote.ticker: len(store.trades(quote.ticker, now - MICROS_PER_DAY, now)) for quote in busiest
        }
    most = max(counts, key=lambda ticker: counts[ticker], default=None)
    return most if most is not None and counts[most] else None


def _serve_ui(home: Path, world: World, overrides: Mapping[str, str]) -> None:
    """Serve Dagster's UI while the exchange runs, until a signal stops this program."""
    port = free_port("127.0.0.1", 0)
    names = {"requests_per_second", "api_url", "database_url", "combos"}
    changes = {f"KALSHI_{name.upper()}": overrides[name] for name in names} | {
        "KALSHI_SNAPSHOT_MINUTES": "0.25"
    }
    log = home / "dagster.log"
    _print_lines(f"\n{STARTING}.\nIts output goes to {log}")
    addresses = (
        f"The exchange: {overrides['api_url']}\nDagster's UI: http://127.0.0.1:{port}\n"
        f"A snapshot is taken every 15 seconds, into {DATABASE}. Ctrl-C ends everything."
    )
    with dagster_dev(home, "127.0.0.1", port, changes, log=log) as dagster:
        loss = dagster.watch(
            _STEP_SECONDS, ("127.0.0.1", port), lambda: _print_lines(addresses), between=world.step
        )
    raise DagsterEndedError(f"{loss}; its output is in {log}")


def _runner(instance: dg.DagsterInstance, overrides: dict[str, str]) -> Callable[..., None]:
    run_config = {
        "resources": {"pipeline": {"config": {"overrides": overrides}}},
        "loggers": {"console": {"config": {"log_level": "ERROR"}}},
    }

    def run(job: str, partition_key: str | None = None) -> None:
        with status_line() as shown, _stopped_by_signals(), keeping_handlers():
            if shown is not None:
                shown.step(f"Dagster runs the job {job} …", 1, 1)
            result = defs.resolve_job_def(job).execute_in_process(
                run_config=run_config, instance=instance, partition_key=partition_key
            )
        steps = [event.step_key for event in result.all_events if event.is_step_success]
        print_line(f"Dagster ran {job} ({', '.join(map(str, steps))}): success")

    return run


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Raise StoppedError if a signal ends a run of Dagster, because Dagster's error does not name the signal."""
    received, sent = socket.socketpair()
    sent.settimeout(0)
    with received, sent:
        before = signal.set_wakeup_fd(sent.fileno())
        try:
            yield
        except DagsterExecutionInterruptedError as error:
            number = received.recv(1)[0]
            raise StoppedError(signal.Signals(number).name, number) from error
        finally:
            signal.set_wakeup_fd(before)
