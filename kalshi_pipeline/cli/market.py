"""The commands under `kalshi market`, which find markets and show their data."""

from typing import Annotated

import typer

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.groups import DefaultCommand, Group
from kalshi_pipeline.cli.options import Asked, Db, Ticker
from kalshi_pipeline.cli.reading import reading
from kalshi_pipeline.cli.times import span_given
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.tickers import typed_ticker

market = Group("market", "Find markets and show their data.", of=DefaultCommand)

_At = Annotated[str | None, typer.Option(metavar="TIME", help="As known at this time; by default now.")]
_Start = Annotated[str | None, typer.Option(metavar="TIME", help="Start; by default a day before the end.")]
_End = Annotated[str | None, typer.Option(metavar="TIME", help="End (exclusive); by default now.")]


@market.command("market get TICKER", "market get TICKER --offline --json")
@reading
def get(
    asked: Asked,
    ticker: Ticker,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Read the database only.")] = False,
) -> Answer:
    """Fetch one market with its parents, store them, and show it."""
    from kalshi_pipeline.cli.answers import markets

    return markets.stored_market(asked, ticker) if offline else markets.fetched_market(asked, ticker)


@market.command("market search bitcoin above", "market search bitcoin --all --json")
@reading
def search(
    asked: Asked,
    words: Annotated[
        list[str], typer.Argument(help="Words of its title, event, series or ticker.", metavar="WORDS")
    ],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Include markets that are not open.")] = False,
) -> Answer:
    """Find markets by words.

    Shows the markets that match every word: open ones first, then the most traded.
    """
    from kalshi_pipeline.cli.answers import market_lists

    return market_lists.search(asked, words, with_closed=everything)


@market.command("market event TICKER", "market event TICKER --at yesterday")
@reading
def event(
    asked: Asked,
    ticker: Annotated[
        str, typer.Argument(help="Ticker of the event or of one of its markets.", metavar="TICKER")
    ],
    *,
    at: _At = None,
) -> Answer:
    """Show an event with all outcomes and their quotes.

    Includes the sums of the YES asks and bids, and the latest changes.
    """
    instant = asked.past("--at", at, SYSTEM_CLOCK.now())
    from kalshi_pipeline.cli.answers import market_lists

    return market_lists.event(asked, ticker, instant)


@market.command("market closing --within 24h", "market closing --within 2h --columns ticker,close_at,yes_ask")
@reading
def closing(
    asked: Asked,
    *,
    within: Annotated[str, typer.Option(metavar="SPAN", help="A span such as 90m, 24h or 7d.")] = "24h",
) -> Answer:
    """Show the open markets that close within a span."""
    seconds = span_given("--within", within)
    from kalshi_pipeline.cli.answers import market_lists

    return market_lists.closing(asked, seconds)


@market.command("market settled --since today", "market settled --since 7d --csv")
@reading
def settled(
    asked: Asked,
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="Start, such as today or 7d ago.")] = "24h ago",
) -> Answer:
    """Show settled markets with their results.

    Ordered by time, with the payout of one YES contract.
    """
    instant = asked.past("--since", since, 0)
    from kalshi_pipeline.cli.answers import market_lists

    return market_lists.settled(asked, instant)


@market.command("market quotes", "market quotes --at 14:05 --csv > quotes.csv", "market quotes | grep KXBTC")
@reading
def quotes(asked: Asked, *, at: _At = None) -> Answer:
    """Show the quotes of all markets as of an instant.

    A terminal shows the busiest markets; a pipe or a file gets all listed markets.
    """
    instant = asked.past("--at", at, SYSTEM_CLOCK.now())
    from kalshi_pipeline.cli.answers import quotes as answers

    return answers.quotes(asked, instant)


@market.command("market history TICKER", "market history TICKER --start yesterday --resample 1h")
@reading
def history(
    asked: Asked,
    ticker: Ticker,
    *,
    start: _Start = None,
    end: _End = None,
    resample: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN", help="Show the known quote at each step, such as 30s, 5m or 1h30m, instead."
        ),
    ] = None,
) -> Answer:
    """Show a market's quotes of a time span.

    Shows stored quotes, starting with the quote in force, or regular steps.
    """
    span = asked.span(start, end)
    step = None if resample is None else span_given("--resample", resample)
    from kalshi_pipeline.cli.answers import quotes as answers

    return answers.history(asked, ticker, span, step)


@market.command("market trades TICKER", "market trades TICKER --start yesterday --csv")
@reading
def trades(asked: Asked, ticker: Ticker, *, start: _Start = None, end: _End = None) -> Answer:
    """Show the stored trades of a market in a time span."""
    span = asked.span(start, end)
    from kalshi_pipeline.cli.answers import trading

    return trading.trades(asked, ticker, span)


@market.command("market book TICKER", "market book TICKER --fetch")
@reading
def book(
    asked: Asked,
    ticker: Ticker,
    *,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch and store the current book first.")] = False,
) -> Answer:
    """Show the newest stored order book of a market.

    Asks are above bids, in YES prices.
    """
    from kalshi_pipeline.cli.answers import trading

    return trading.book(asked, ticker, is_fetched=fetch)


@market.command("market changes --since yesterday", "market changes KXBTCD --since 7d")
@reading
def changes(
    asked: Asked,
    ticker: Annotated[
        str | None, typer.Argument(help="A market, an event or a series; by default all.", metavar="[TICKER]")
    ] = None,
    *,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Start, such as yesterday or 7d ago.")
    ] = "24h ago",
) -> Answer:
    """Show changes of descriptions.

    For example of rules, close times and results.
    """
    instant = asked.past("--since", since, 0)
    from kalshi_pipeline.cli.answers import changes as answers

    return answers.changes(asked, ticker, instant)


@market.command("market details TICKER", "market details KXBTCD --kind series --at yesterday")
def details(
    ticker: Annotated[
        str, typer.Argument(help="Ticker of a market, an event or a series.", metavar="TICKER")
    ],
    *,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The instant, such as 2026-11-22T14:05:00Z; by default now."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND", help="market, event, series or another kind, if several have the ticker."
        ),
    ] = None,
    json: Annotated[  # noqa: ARG001  (the answer is JSON in any case)
        bool, typer.Option("--json", hidden=True)
    ] = False,
    db: Db = None,
) -> None:
    """Show the stored description of a ticker, as JSON.

    Includes everything except its quote, with the exchange's own names.
    """
    from kalshi_pipeline.cli.answers.details import print_details

    print_details(typed_ticker(ticker), at, kind and kind.lower(), db)
