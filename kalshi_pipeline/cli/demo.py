"""The demo: a sandbox exchange on loopback, real Dagster runs against it, and what they stored."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError, DagsterHomeNotSetError
from rich.console import Console

from kalshi_pipeline.api import open_store
from kalshi_pipeline.cli import tables
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.monitoring.overview import example_history, overview
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.store.dialects import dialect_of
from kalshi_pipeline.units import datetime_of

DATABASE = Path("data/demo.db")
SNAPSHOTS = 4
_MARKETS, _COMBOS = 1_500, 300
_NEXT = """
[bold]Look at it in Dagster's UI[/bold] (two terminals, here):
  uv run kalshi-pipeline sandbox
  KALSHI_API_URL=http://127.0.0.1:8765/trade-api/v2 KALSHI_DATABASE_URL={url} KALSHI_COMBOS=include uv run dagster dev
  and open http://127.0.0.1:3000: the sensor continues to take snapshots by itself.

[bold]Go live[/bold] (no account, no key; into data/kalshi.db):
  uv run dagster dev
  uv run dagster job execute -m kalshi_pipeline.definitions -j collect     (once, for instance from CI)
"""


def run_demo(console: Console) -> None:
    """Run `collect` and then several snapshots through Dagster into a new database, and show what it holds."""
    url = f"sqlite:///{DATABASE}"
    dialect_of(url).remove()
    world = World(
        WorldConfig(
            markets=_MARKETS,
            combos=_COMBOS,
            combos_per_step=5,
            change_share=0.3,
            start=datetime_of(SYSTEM_CLOCK.now()),
        )
    )
    with Sandbox(world) as sandbox, _instance() as instance:
        overrides = {
            "api_url": sandbox.url,
            "database_url": url,
            "combos": "include",
            "requests_per_second": "50",
        }
        console.print(f"A sandbox exchange with {_MARKETS:,} open markets and {_COMBOS} combos is running.")
        run = _runner(instance, overrides, console)
        run("collect")
        for _ in range(SNAPSHOTS):
            world.step()
            run("snapshot")
    with open_store(DATABASE) as store:
        console.print(f"\n{DATABASE} now holds:")
        console.print(tables.overview_tables(overview(store)))
        console.print("(open placeholders: events of combos created since; the next collect heals them)\n")
        if (example := example_history(store, SNAPSHOTS + 1)) is not None:
            console.print(tables.stored_quotes_table(*example))
    console.print(_NEXT.format(url=url), highlight=False, soft_wrap=True)


def _runner(
    instance: dg.DagsterInstance, overrides: dict[str, str], console: Console
) -> Callable[[str], None]:
    run_config = {
        "resources": {"pipeline": {"config": {"overrides": overrides}}},
        "loggers": {"console": {"config": {"log_level": "ERROR"}}},
    }

    def run(job: str) -> None:
        with console.status(f"Dagster runs the job {job} …"), _stopped_by_signals():
            result = defs.resolve_job_def(job).execute_in_process(run_config=run_config, instance=instance)
        steps = [event.step_key for event in result.all_events if event.is_step_success]
        console.print(
            f"Dagster ran [bold]{job}[/bold] ({', '.join(map(str, steps))}): success",
            soft_wrap=True,
        )

    return run


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Raise StoppedError where a signal ends a run of Dagster, whose own error does not say which it was."""
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


def _instance() -> dg.DagsterInstance:
    """Return the Dagster instance of this folder, so that its UI shows the runs, or else a temporary one."""
    try:
        return dg.DagsterInstance.get()
    except DagsterHomeNotSetError:
        if Path("dagster.yaml").exists():
            return dg.DagsterInstance.from_config(str(Path.cwd()))
        return dg.DagsterInstance.ephemeral()
