"""The three shapes of answers, with the peculiarities of each."""

from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk


def serve_shape(shape: str) -> Iterator[httpx.Client]:
    world = World(WorldConfig(markets=300, combos=60, shape=shape))  # type: ignore[arg-type]
    world.step(3)
    with Sandbox(world) as sandbox, plain_http.open_client(sandbox.url) as client:
        yield client


@pytest.fixture(scope="module")
def january() -> Iterator[httpx.Client]:
    yield from serve_shape("2026-01")


@pytest.fixture(scope="module")
def future() -> Iterator[httpx.Client]:
    yield from serve_shape("future")


def markets_of(client: httpx.Client, **parameters: object) -> list[Row]:
    return walk(client, "/markets", "markets", limit=1000, **parameters)


def test_newest_quotes_mirror_each_other(client: httpx.Client) -> None:
    for row in markets_of(client):
        assert Decimal(row["yes_ask_dollars"]) == 1 - Decimal(row["no_bid_dollars"])
        assert Decimal(row["no_ask_dollars"]) == 1 - Decimal(row["yes_bid_dollars"])
        assert (Decimal(row["yes_bid_size_fp"]) > 0) == (Decimal(row["yes_bid_dollars"]) > 0)
        assert (Decimal(row["yes_ask_size_fp"]) > 0) == (Decimal(row["yes_ask_dollars"]) < 1)


def test_newest_prices_are_on_the_grid_of_their_market(client: httpx.Client) -> None:
    for row in markets_of(client, status="open"):
        for name in ("yes_bid_dollars", "yes_ask_dollars"):
            price = Decimal(row[name])
            spans = [r for r in row["price_ranges"] if Decimal(r["start"]) <= price <= Decimal(r["end"])]
            assert any((price - Decimal(r["start"])) % Decimal(r["step"]) == 0 for r in spans)


def test_newest_shape_has_the_known_peculiarities(client: httpx.Client) -> None:
    rows = markets_of(client, mve_filter="exclude")
    steps = {r["step"] for row in rows for r in row["price_ranges"]}
    assert {"0.0100", "0.0010", "0.0001"} <= steps
    assert any(row["yes_bid_dollars"][-1] != "0" for row in rows)
    assert any(not row["volume_fp"].endswith(".00") for row in rows)
    assert any(row["yes_bid_dollars"] == "0.0000" and row["yes_ask_dollars"] != "1.0000" for row in rows)
    assert any(row["volume_fp"] == "0.00" for row in rows)
    assert any(row["updated_time"].startswith("0001") for row in rows)
    assert any("\n" in row["rules_primary"] for row in rows)
    assert any(not row["title"].isascii() for row in rows)
    fractions = {len(row["created_time"].partition(".")[2].removesuffix("Z")) for row in rows}
    assert {0, 4, 5, 6} <= fractions
    for optional in (
        "subtitle",
        "floor_strike",
        "cap_strike",
        "custom_strike",
        "settlement_ts",
        "is_provisional",
    ):
        assert 0 < sum(optional in row for row in rows) < len(rows)


def test_newest_markets_are_as_large_as_real_ones(client: httpx.Client) -> None:
    response = client.get("/markets", params={"limit": 500, "status": "open", "mve_filter": "exclude"})
    assert 1_900 < len(response.text) / len(response.json()["markets"]) < 2_400


def test_events_have_strike_dates_or_strike_periods(client: httpx.Client) -> None:
    rows = walk(client, "/events", "events")
    assert any("strike_date" in row for row in rows)
    assert any(row.get("strike_period") == "" for row in rows)
    assert any(row["title"].endswith(" ") for row in rows)


def test_january_has_cents_beside_dollars(january: httpx.Client) -> None:
    for row in markets_of(january):
        assert not any(name.endswith("_fp") for name in row)
        for name in ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price"):
            assert Decimal(row[f"{name}_dollars"]) == Decimal(row[name]) / 100
        assert isinstance(row["volume"], int)
        assert "liquidity" in row
        assert "updated_time" not in row


def test_january_has_the_recorded_members(january: httpx.Client) -> None:
    event = read(january, "/events", limit=1)["events"][0]
    assert {"available_on_brokers", "strike_period"} <= event.keys()
    assert "last_updated_ts" not in event
    trade = read(january, "/markets/trades", limit=1)["trades"][0]
    assert trade.keys() == {
        "count", "created_time", "no_price", "no_price_dollars", "price", "taker_side", "ticker", "trade_id",
        "yes_price", "yes_price_dollars",
    }  # fmt: skip
    assert trade["price"] == pytest.approx(trade["yes_price"] / 100)
    assert "categories" not in read(january, "/series")["series"][0]
    old = [row for row in markets_of(january) if row["created_time"] == "0001-01-01T00:00:00Z"]
    assert old


def test_january_unquoted_combo_prices_no_at_one_dollar(january: httpx.Client) -> None:
    rows = [row for row in markets_of(january, mve_filter="only") if row["yes_bid"] == row["yes_ask"] == 0]
    assert rows
    assert all((row["no_bid"], row["no_ask"]) == (100, 100) for row in rows)
    book = read(january, f"/markets/{rows[0]['ticker']}/orderbook")
    assert book == {"orderbook": {"no": None, "no_dollars": None, "yes": None, "yes_dollars": None}}


def test_january_had_no_historical_tier(january: httpx.Client) -> None:
    assert january.get("/historical/cutoff").status_code == 404
    assert january.get("/markets/orderbooks?tickers=A").status_code == 404


def test_future_has_six_decimals_and_unknown_members(future: httpx.Client) -> None:
    answer = read(future, "/markets", limit=1000)
    assert "api_generation" in answer
    rows = answer["markets"]
    assert all(len(row["yes_bid_dollars"].partition(".")[2]) == 6 for row in rows)
    assert any(row["yes_bid_dollars"][-2:] != "00" for row in rows)
    assert any(row["status"] == "auctioning" for row in rows)
    assert all(row["price_ranges"] is None for row in rows)
    assert all("title" not in row and "venue" in row for row in rows)
    for row in rows:
        assert Decimal(row["yes_ask_dollars"]) == 1 - Decimal(row["no_bid_dollars"])


@pytest.mark.parametrize(
    "path",
    [
        "/series",
        "/events?with_nested_markets=true",
        "/events/multivariate",
        "/markets/trades",
        "/historical/markets",
    ],
)
def test_future_answers_every_listing(future: httpx.Client, path: str) -> None:
    assert future.get(path).status_code == 200
    assert future.get(path).json()
