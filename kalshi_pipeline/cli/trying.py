"""The commands `demo`, `sandbox` and `dev`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from kalshi_pipeline.cli.groups import Group
from kalshi_pipeline.cli.options import Db
from kalshi_pipeline.cli.terminal import print_line, print_message
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.units import datetime_of

if TYPE_CHECKING:
    from kalshi_pipeline.sandbox import Shape


trying = Group("trying", "Try it.")
"""Commands without a group."""


@trying.command("demo", "demo --ui")
def demo(
    *,
    ui: Annotated[
        bool,
        typer.Option("--ui", help="Then serve the sandbox and Dagster's UI on free ports, until Ctrl-C."),
    ] = False,
) -> None:
    """Show the whole pipeline on a sandbox exchange.

    Needs no account and no network, and takes under two minutes.
    """
    from kalshi_pipeline.cli.demo import run_demo

    run_demo(with_ui=ui)


@trying.command("dev", "dev --port 3001 --home /srv/kalshi")
def dev(
    *,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65_535, help="Port of the UI; 0 for a free one.")
    ] = 3000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address that the UI listens on.")
    ] = "127.0.0.1",
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of Dagster's own state; by default .dagster in this folder."
        ),
    ] = None,
    db: Db = None,
) -> None:
    """Run Dagster with its UI, until Ctrl-C.

    It takes a snapshot at each tick, and collects everything hourly.
    """
    from kalshi_pipeline.cli.dagster_dev import run_dev

    run_dev(host, port, home, db)


@trying.command("sandbox --port 8765 --markets 500", "sandbox --fault help=1")
def sandbox(
    port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65_535, help="Port on the loopback interface; 0 for a free one."
        ),
    ] = 8765,
    markets: Annotated[int, typer.Option(metavar="N", help="Open markets at the start.")] = 2_000,
    combos: Annotated[int, typer.Option(metavar="N", help="Open combos (KXMVE) at the start.")] = 300,
    births_per_step: Annotated[int, typer.Option(metavar="N", help="Markets created per step.")] = 1,
    closes_per_step: Annotated[int, typer.Option(metavar="N", help="Markets closed early per step.")] = 1,
    combos_per_step: Annotated[int, typer.Option(metavar="N", help="Combos created per step.")] = 5,
    edits_per_step: Annotated[
        int, typer.Option(metavar="N", help="Descriptions and fees edited per step.")
    ] = 1,
    change_share: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the quotes that move per step.")
    ] = 0.1,
    shape: Annotated[
        str, typer.Option(metavar="NAME", help="Generation of the API: 2026-01, 2026-10 or future.")
    ] = "2026-10",
    seed: Annotated[
        int, typer.Option(metavar="N", help="Random seed: the same seed creates the same exchange.")
    ] = 1,
    step_seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Seconds between steps; 0 for no steps.")
    ] = 2.0,
    requests_per_second: Annotated[
        float, typer.Option(metavar="N", min=0, help="Rate limit; 0 for none.")
    ] = 20.0,
    recordings: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of recorded responses to serve too.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Fault to inject; may be repeated. An unknown name lists them all."
        ),
    ] = None,
) -> None:
    """Serve a local exchange that speaks the Kalshi API."""
    # Only this command needs a server.
    from kalshi_pipeline.sandbox import Faults, RateLimit, WorldConfig, serve

    try:
        world = WorldConfig(
            seed=seed,
            markets=markets,
            combos=combos,
            births_per_step=births_per_step,
            closes_per_step=closes_per_step,
            combos_per_step=combos_per_step,
            edits_per_step=edits_per_step,
            change_share=change_share,
            shape=cast("Shape", shape),  # the world refuses any other value
            start=datetime_of(SYSTEM_CLOCK.now()),
            step_seconds=step_seconds or 1.0,
            recordings=recordings,
        )
        serve(
            world,
            Faults.parse(fault or []),
            port=port,
            step_every_seconds=step_seconds or None,
            limit=RateLimit(requests_per_second) if requests_per_second else None,
            on_start=partial(_print_address, markets, combos),
        )
    except (ValueError, OSError) as error:
        raise ConfigurationError([f"sandbox: {error}; change the option and run again"]) from error


def _print_address(markets: int, combos: int, url: str) -> None:
    print_message(
        f"Serving {markets:,} markets and {combos:,} combos until Ctrl-C. Point the pipeline at it with:"
    )
    print_line(f"KALSHI_API_URL={url}")
