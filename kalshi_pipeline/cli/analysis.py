"""The commands under `kalshi analysis`, which compute figures from the stored data."""

from typing import Annotated

import typer

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.groups import Group
from kalshi_pipeline.cli.options import Asked, Ticker
from kalshi_pipeline.cli.reading import reading
from kalshi_pipeline.cli.times import span_given

analysis = Group("analysis", "Compute figures from the stored data.")


@analysis.command("analysis metrics TICKER", "analysis metrics TICKER --db data/demo.db")
@reading
def metrics(asked: Asked, ticker: Ticker) -> Answer:
    """Show a market's newest stored quote.

    Includes its age, its spread and its midpoint.
    """
    from kalshi_pipeline.cli.answers import quotes as answers

    return answers.metrics(asked, ticker)


@analysis.command("analysis movers", "analysis movers --window 1d --limit 50")
@reading
def movers(
    asked: Asked,
    *,
    window: Annotated[str, typer.Option(metavar="SPAN", help="A span such as 90m, 1h30m or 2d.")] = "1h",
) -> Answer:
    """Show the largest price moves.

    The window ends at the newest complete tick.
    """
    seconds = span_given("--window", window)
    from kalshi_pipeline.cli.answers import quotes as answers

    return answers.movers(asked, seconds)
