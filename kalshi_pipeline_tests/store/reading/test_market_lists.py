"""Tickers in any spelling, and lists of markets with their quotes."""

import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import OtherKindError, UnknownTickerError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.market_lists import (
    ListedMarket,
    closing_markets,
    event_of_market,
    event_view,
    search_markets,
)
from kalshi_pipeline.store.reading.quotes import latest, quotes_of
from kalshi_pipeline.store.reading.tickers import find_ticker
from kalshi_pipeline.store.search_index import fill_search_index
from kalshi_pipeline_tests.store.samples import (
    MINUTE,
    NOON,
    bid,
    event,
    market,
    series_row,
    store_events,
    store_series,
    take,
    tick,
)

SNOW = "KXSNOW-26DEC01"


@pytest.fixture
def filled(database: Database) -> Database:
    """Rain in New York and snow in Boston, over two ticks; one market closes at the second."""
    store_series(database, series_row("KXRAIN"), series_row("KXSNOW", title="Snow in Boston", tags=None))
    store_events(
        database,
        event("KXRAIN-26NOV23"),
        event(SNOW, "KXSNOW", title="How much snow 100%?", sub_title="In Boston", mutually_exclusive=True),
    )
    rain = [
        bid(20, "KXRAIN-26NOV23-T1", volume=100),
        bid(40, "KXRAIN-26NOV23-T2", volume=900, close_at=NOON + 30 * MINUTE),
    ]
    snow = bid(
        60, f"{SNOW}-B1", SNOW, title="Snow in Boston?", yes_sub_title="1 to 2 in", close_at=None, volume=5
    )
    take(database, tick(0), [*rain, snow])
    take(database, tick(1), [rain[1], snow])
    return database


def tickers(found: list[ListedMarket]) -> list[str]:
    return [market.ticker for market in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["rain"], ["KXRAIN-26NOV23-T2"]),
        (["RAIN", "york"], ["KXRAIN-26NOV23-T2"]),
        (["weather"], ["KXRAIN-26NOV23-T2"]),
        (["boston"], [f"{SNOW}-B1"]),
        (["kxsnow"], [f"{SNOW}-B1"]),
        (["100%"], [f"{SNOW}-B1"]),
        (["1_0%"], []),
        (["rain", "boston"], []),
        (["in"], ["KXRAIN-26NOV23-T2", f"{SNOW}-B1"]),
    ],
    ids=lambda value: "+".join(value) or "nothing",
)
def test_search_finds_open_markets_by_all_words(filled: Database, words: list[str], found: list[str]) -> None:
    assert tickers(filled.ask(lambda c: search_markets(c, words, tick(2), 10))) == found


def test_search_of_all_has_open_ones_first(filled: Database) -> None:
    found = filled.ask(lambda c: search_markets(c, ["rain"], tick(2), 10, is_open=False))
    assert [(market.ticker, market.status) for market in found] == [
        ("KXRAIN-26NOV23-T2", "active"),
        ("KXRAIN-26NOV23-T1", "closed"),
    ]
    assert tickers(filled.ask(lambda c: search_markets(c, ["rain"], tick(2), 1, is_open=False))) == [
        found[0].ticker
    ]


def test_listed_market_has_its_quote_as_known_then(filled: Database) -> None:
    (early,) = filled.ask(lambda c: search_markets(c, ["snow"], tick(0) - 1, 10))
    (found,) = filled.ask(lambda c: search_markets(c, ["snow"], tick(2), 10))
    assert early.quote is None
    assert found.quote == filled.ask(lambda c: latest(c, f"{SNOW}-B1", tick(2)))[0]
    assert found[:-1] == (
        *(f"{SNOW}-B1", "Snow in Boston?", "1 to 2 in", SNOW, "How much snow 100%?", "KXSNOW"),
        *("active", "", None),
    )


def test_closing_markets_are_those_of_the_span(filled: Database) -> None:
    def closing(start: int, end: int) -> list[str]:
        return tickers(filled.ask(lambda c: closing_markets(c, start, end, 10)))

    at = NOON + 30 * MINUTE
    assert closing(at, at + 1) == ["KXRAIN-26NOV23-T2"]
    assert closing(at - MINUTE, at) == []
    assert closing(at + 1, at + 10**12) == []


def test_event_has_every_market_with_its_quote(filled: Database) -> None:
    view = filled.ask(lambda c: event_view(c, "KXRAIN-26NOV23", tick(2)))
    assert view is not None
    assert (view.title, view.series_ticker, view.category) == (
        "Will it rain in New York?",
        "KXRAIN",
        "Climate",
    )
    first, second = view.markets
    assert (first.ticker, first.quote and first.quote.is_listed) == ("KXRAIN-26NOV23-T1", False)
    assert (second.ticker, second.quote and second.quote.yes_bid) == ("KXRAIN-26NOV23-T2", 400_000)
    assert filled.ask(lambda c: event_view(c, "KXNOPE", tick(2))) is None
    assert filled.ask(lambda c: event_of_market(c, f"{SNOW}-B1")) == SNOW


def test_quotes_of_many_markets_are_those_of_each(database: Database) -> None:
    """More markets than fit in one statement, in both storage modes."""
    page = [bid(number % 90 + 1, f"M{number}") for number in range(1_100)]
    take(database, tick(0), page, every=True)
    take(database, tick(1), page[:1_050], every=True)
    with database.read() as connection:
        found = quotes_of(connection, range(1, 1_101), tick(2))
        each = [latest(connection, f"M{number}", tick(2))[0] for number in (0, 700, 1_099)]
    by_ticker = {quote.ticker: quote for quote in found}
    assert len(found) == 1_100
    assert [by_ticker[quote.ticker] for quote in each] == each


@pytest.mark.parametrize(
    ("text", "kinds", "found"),
    [
        ("KXRAIN-26NOV23-T1", ("market",), ("market", "KXRAIN-26NOV23-T1")),
        ("kxrain-26nov23-t1", ("market",), ("market", "KXRAIN-26NOV23-T1")),
        ("kxrain-26nov23", ("event", "market"), ("event", "KXRAIN-26NOV23")),
        ("KxRain", ("market", "event", "series"), ("series", "KXRAIN")),
    ],
)
def test_tickers_are_found_in_any_case(
    filled: Database, text: str, kinds: tuple[str, ...], found: tuple[str, str]
) -> None:
    assert filled.ask(lambda c: find_ticker(c, text, kinds)) == found


def test_ticker_as_it_is_written_takes_precedence_over_others(database: Database) -> None:
    take(database, tick(0), [market("KXaB"), market("KXAB"), market("KXonly")])
    for text, found in (("KXaB", "KXaB"), ("KXab", "KXAB"), ("KXAB", "KXAB"), ("kxONLY", "KXonly")):
        with database.read() as connection:
            assert find_ticker(connection, text) == ("market", found)


@pytest.mark.parametrize(
    ("text", "kinds", "sentence"),
    [
        ("kxrain", ("market",), "KXRAIN is the ticker of a series, not of a market"),
        ("kxrain-26nov23", ("market",), "KXRAIN-26NOV23 is the ticker of an event, not of a market"),
        ("kxrain", ("event", "market"), "KXRAIN is the ticker of a series, not of an event"),
    ],
)
def test_ticker_of_another_kind_is_named_as_such(
    filled: Database, text: str, kinds: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(OtherKindError) as other:
        filled.ask(lambda c: find_ticker(c, text, kinds))
    assert str(other.value) == sentence


@pytest.mark.parametrize(
    ("text", "similar"),
    [
        ("KXRAIN-26NOV23-T9", ["KXRAIN-26NOV23-T2", "KXRAIN-26NOV23-T1"]),
        ("kxrain-26nov22-t1", ["KXRAIN-26NOV23-T1"]),
        ("ZZZ", []),
        ("", []),
        ("%", []),
    ],
)
def test_unknown_ticker_names_similar_ones(filled: Database, text: str, similar: list[str]) -> None:
    with pytest.raises(UnknownTickerError) as unknown:
        filled.ask(lambda c: find_ticker(c, text))
    assert set(similar) <= set(unknown.value.similar)
    assert bool(similar) == bool(unknown.value.similar)


def test_ticker_without_its_beginning_is_suggested_where_an_index_knows_it(filled: Database) -> None:
    """Without an index, this would read every ticker."""

    def similar() -> list[str]:
        with pytest.raises(UnknownTickerError) as caught:
            filled.ask(lambda c: find_ticker(c, "snow-26dec01", ("market", "event", "series")))
        return list(caught.value.similar)

    assert similar() == []
    assert fill_search_index(filled, 60, SYSTEM_CLOCK) is None
    assert similar() == [f"{SNOW}-B1", SNOW]
