"""Order books are read completely or set aside."""

import json
from typing import Any

import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.books import parse_book, parse_books
from kalshi_pipeline.exchange.pages import GarbledAnswerError
from kalshi_pipeline.records import OrderBook, OrderBookLevel

SIDES = {"yes_dollars": [["0.0100", "5.00"], ["0.4200", "1000.01"]], "no_dollars": None}
BOOK = OrderBook("M", [OrderBookLevel(True, 10_000, 500), OrderBookLevel(True, 420_000, 100_001)])


def test_book_is_read_the_same_alone_and_among_others() -> None:
    body: dict[str, Any] = {"orderbook_fp": SIDES}
    assert parse_book(json.dumps(body).encode(), "M").records == [BOOK]
    other_side = {"no_dollars": SIDES["yes_dollars"]}
    rows = [
        {"ticker": "M", **body},
        {"ticker": "N", "orderbook_fp": {}},
        {"ticker": "O", "orderbook_fp": other_side},
    ]
    page = parse_books(json.dumps({"orderbooks": rows}).encode())
    on_no = [level._replace(is_yes=False) for level in BOOK.levels]
    assert page.records == [BOOK, OrderBook("N", []), OrderBook("O", on_no)]


@pytest.mark.parametrize(
    ("name", "side"), [("orderbook_fp", "bids_usd"), ("orderbook", "bids_usd"), ("orderbook_fp", "yes")]
)
def test_book_with_sides_under_new_names_is_not_empty(name: str, side: str) -> None:
    page = parse_book(json.dumps({name: {side: [["0.5000", "1.00"]]}}).encode(), "M")
    assert (page.records, [reject.ticker for reject in page.rejects]) == ([], ["M"])
    assert f"its sides have other names than before: {side}" in page.rejects[0].error
    beside: dict[str, Any] = {name: {"bids_usd": [], "yes_dollars": None}}
    assert parse_book(json.dumps(beside).encode(), "M").records == [OrderBook("M", [])]


def test_book_of_another_market_is_refused() -> None:
    body = json.dumps({"ticker": "N", "orderbook_fp": SIDES}).encode()
    assert parse_book(body, "N").records == [BOOK._replace(ticker="N")]
    with pytest.raises(GarbledAnswerError, match="it is about N instead of M"):
        parse_book(body, "M")


@pytest.mark.parametrize(
    ("sides", "prices"),
    [
        pytest.param({"yes": [["0.5500", "1.00"]], "no": [[1, 5]]}, [550_000, 1_000_000], id="dollars"),
        pytest.param({"yes": [[0.55, 1]]}, [550_000], id="json-fractions"),
        pytest.param({"yes": [["1", 1]], "no": [["57", 1]]}, [10_000, 570_000], id="cents-as-text"),
    ],
)
def test_unit_of_a_book_is_decided_by_all_of_its_prices(sides: dict[str, Any], prices: list[int]) -> None:
    (book,) = parse_book(json.dumps({"orderbook": sides}).encode(), "M").records
    assert [level.price for level in book.levels] == prices


@pytest.mark.parametrize(
    "sides",
    [
        pytest.param({"yes": [["0.55", 1], [57, 1]]}, id="both-units"),
        pytest.param({"yes": [["1", 1]]}, id="one-as-text"),
        pytest.param({"yes": [[True, 1]]}, id="flag"),
        pytest.param({"yes_dollars": [[55, "1.00"]]}, id="integer-in-dollars"),
    ],
)
def test_book_whose_unit_is_not_known_is_set_aside(sides: dict[str, Any]) -> None:
    page = parse_book(json.dumps({"orderbook": sides}).encode(), "M")
    assert (page.records, [reject.ticker for reject in page.rejects]) == ([], ["M"])


def test_book_of_january_in_cents_is_read() -> None:
    body = {"orderbook": {"yes": [[1, 5], [42, 1000]], "no": None, "yes_dollars": None, "no_dollars": None}}
    assert parse_book(json.dumps(body).encode(), "M").records == [
        OrderBook("M", [OrderBookLevel(True, 10_000, 500), OrderBookLevel(True, 420_000, 100_000)])
    ]


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        pytest.param(
            {"yes_dollars": [["0.42", "1.00"], ["0.4200", "2.00"]]}, "price twice", id="price twice"
        ),
        pytest.param({"no_dollars": [["0.42", ""]]}, "has no price or no size", id="no size"),
        pytest.param({"no_dollars": [["0.42"]]}, "no_dollars", id="half a level"),
    ],
)
def test_odd_book_is_set_aside_as_a_whole(sides: dict[str, Any], why: str) -> None:
    alone = parse_book(json.dumps({"orderbook_fp": sides}).encode(), "M")
    among = parse_books(json.dumps({"orderbooks": [{"ticker": "M", "orderbook_fp": sides}]}).encode())
    for page in (alone, among):
        assert page.records == []
        assert [reject.ticker for reject in page.rejects] == ["M"]
        assert why in page.rejects[0].error


def test_answer_without_books_is_no_empty_one() -> None:
    with pytest.raises(PayloadError, match="has no 'orderbooks'"):
        parse_books(b"{}")
    assert parse_book(b"{}", "M").rejects[0].ticker == "M"
