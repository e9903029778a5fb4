"""Answers with damaged bytes, or with other records than requested."""

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.sandbox.conftest import Faulty
from kalshi_pipeline_tests.sandbox.walking import read_pages, walk


def test_broken_gzip_is_an_error_of_decoding_where_answers_are_compressed(faulty: Faulty) -> None:
    _, client = faulty(Faults(broken_gzip=1.0))
    with pytest.raises(httpx.DecodingError):
        client.get("/markets", headers={"accept-encoding": "gzip"})
    assert client.get("/markets", headers={"accept-encoding": "identity"}).json()["markets"]


def test_short_length_is_that_of_the_half_that_comes(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults())
    plain = {"accept-encoding": "identity"}
    good = client.get("/markets", headers=plain).content
    sandbox.faults = Faults(short_length=1.0)
    assert client.get("/markets", headers=plain).content == good[: len(good) // 2]


def test_crossed_answers_are_those_to_the_request_before_of_the_endpoint(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults())
    tickers = [row["ticker"] for row in client.get("/markets", params={"limit": 3}).json()["markets"]]
    sandbox.faults = Faults(crossed=1.0)
    found = [client.get(f"/markets/{ticker}").json()["market"]["ticker"] for ticker in tickers]
    assert found == [tickers[0], *tickers[:2]]
    assert client.get("/markets", params={"limit": 1}).json()["markets"][0]["ticker"] == tickers[0]


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_unlisted_records_can_be_requested_by_name(faulty: Faulty, share: float) -> None:
    sandbox, client = faulty(Faults())
    every = [row["ticker"] for row in walk(client, "/markets", "markets", limit=100)]
    sandbox.faults = Faults(unlisted=share)
    listed = [row["ticker"] for row in walk(client, "/markets", "markets", limit=100)]
    assert len(every) * (1 - share) * 0.8 <= len(listed) <= len(every) * (1 - share) * 1.2
    hidden = sorted(set(every) - set(listed))[:50]
    found = client.get("/markets", params={"tickers": ",".join(hidden)}).json()["markets"]
    assert sorted(row["ticker"] for row in found) == hidden


def test_repeated_rows_may_differ(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(overlap=5, overlap_differs=True))
    first, second = read_pages(client, "/markets", "markets", limit=60)[:2]
    assert [row["ticker"] for row in second[:5]] == [row["ticker"] for row in first[-5:]]
    assert {(row["yes_bid_dollars"], row["volume_fp"]) for row in second[:5]} == {("0.0100", "1.00")}
    sandbox.faults = Faults()
    assert first == client.get("/markets", params={"limit": 60}).json()["markets"]


@pytest.mark.parametrize(("asked", "answered"), [(1, 60), (60, 1), (1440, 60)])
def test_other_period_is_the_length_of_other_candlesticks(faulty: Faulty, asked: int, answered: int) -> None:
    sandbox, client = faulty(Faults())
    ticker = client.get("/markets", params={"limit": 1}).json()["markets"][0]["ticker"]
    end = sandbox.world.clock // MICROS_PER_SECOND
    query = {"market_tickers": ticker, "start_ts": end - 7_200, "end_ts": end}
    good = client.get("/markets/candlesticks", params=query | {"period_interval": answered}).json()
    sandbox.faults = Faults(other_period=True)
    assert client.get("/markets/candlesticks", params=query | {"period_interval": asked}).json() == good
