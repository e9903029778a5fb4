"""The real client on what the exchange really answered, one cassette for each shape of its API (see their README)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import vcr  # type: ignore[import-untyped]
import yaml

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.records import Quote
from kalshi_pipeline.vocabulary import StatusFilter

CASSETTES = Path(__file__).resolve().parents[1] / "cassettes"
RECORDED = Path(__file__).resolve().parents[3] / "shared" / "kalshi" / "recorded"
URL = "https://external-api.kalshi.com/trade-api/v2"
FILES = sorted(CASSETTES.glob("*.yaml"))


class Expected(NamedTuple):
    """What a cassette holds, by hand."""

    file: str
    series: dict[str, str]
    events: dict[str, str | None]
    quotes: dict[str, Quote]
    looked_up: dict[str, list[str]]


JANUARY = Expected(
    file="2026-01-12-cents-beside-decimals.yaml",
    series={
        "CO2": "US CO2 totals",
        "KXERUPTSUPER": "Supervolcano",
        "KXLOWAUS": "Lowest temperature in Austin",
        "KXWARMING": "Global warming",
    },
    events={
        "KXELONMARS-99": "KXELONMARS",
        "KXNEWPOPE-70": "KXNEWPOPE",
        "KXWARMING-50": "KXWARMING",
        "KXMARSVRAIL-50": "KXMARSVRAIL",
        "KXERUPTSUPER-0": "KXERUPTSUPER",
    },
    quotes={"KXELONMARS-99": Quote(60_000, 70_000, None, None, 60_000, 3_500_100, 1_367_900)},
    looked_up={"KXELONMARS-99": ["KXELONMARS-99"]},
)
JUNE = Expected(
    file="2026-06-20-decimals-numbers-as-text.yaml",
    series={},
    events={},
    quotes={
        "KXELONMARS-99": Quote(80_000, 120_000, 44_432, 196_733, 100_000, 9_488_462, 3_274_617),
        "KXCOLONIZEMARS-50": Quote(163_000, 195_000, 3_097, 9_753, 195_000, 2_104_339, 908_400),
    },
    looked_up={"KXELONMARS-99,KXCOLONIZEMARS-50": []},
)
OCTOBER = Expected(
    file="2026-10-06-decimals.yaml",
    series={
        "KXWNBADRAFTTOP5": "WNBA Draft Top 5",
        "KXNFLDRAFTOL": "Pro Football Offensive Line Drafted ",
        "KXUCL1HSPREAD": "UCL First Half Spread",
    },
    events={
        "KXNFLGAME-26OCT08TBDAL": "KXNFLGAME",
        "KXNFLGAME-26OCT11PHIJAC": "KXNFLGAME",
        "KXNFLGAME-26OCT11CINMIA": "KXNFLGAME",
    },
    quotes={
        "KXNFLGAME-26OCT08TBDAL-DAL": Quote(
            800_000, 810_000, 1_652_955, 37_586_443, 810_000, 27_192_668, 24_231_093
        ),
        "KXNFLGAME-26OCT08TBDAL-TB": Quote(
            190_000, 200_000, 5_966_476, 148_180_559, 200_000, 44_446_826, 37_718_838
        ),
    },
    looked_up={"KXNFLGAME-26OCT08TBDAL": ["KXNFLGAME-26OCT08TBDAL"]},
)


@pytest.fixture(params=[JANUARY, JUNE, OCTOBER], ids=["january", "june", "october"])
def expected(request: pytest.FixtureRequest) -> Expected:
    given: Expected = request.param
    return given


@pytest.fixture
def client(expected: Expected) -> Iterator[KalshiClient]:
    with (
        vcr.VCR(record_mode="none").use_cassette(str(CASSETTES / expected.file)),
        KalshiClient(URL, requests_per_second=1000, retry_seconds=0) as client,
    ):
        yield client


def records_of(listing: Listing[Any]) -> list[Any]:
    """All records of a listing that must be complete and without rejects."""
    pages = list(listing)
    assert [page.rejects for page in pages] == [[]] * len(pages)
    assert (listing.complete, listing.duplicates) == (True, 0)
    return [record for page in pages for record in page.records]


def test_recorded_series_are_listed(client: KalshiClient, expected: Expected) -> None:
    """R17, R21."""
    series = records_of(client.list_series(walk_seconds=60))
    assert {record.ticker: record.title for record in series} == expected.series


def test_recorded_events_are_listed(client: KalshiClient, expected: Expected) -> None:
    events = records_of(client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60))
    assert {record.ticker: record.series_ticker for record in events} == expected.events


def test_recorded_quotes_are_exact(client: KalshiClient, expected: Expected) -> None:
    """R43, R44."""
    listing = client.list_markets(
        status=StatusFilter.OPEN, mve_filter="exclude", max_pages=None, walk_seconds=60
    )
    assert {record.ticker: record.quote for record in records_of(listing)} == expected.quotes


def test_recorded_exchange_is_open(client: KalshiClient) -> None:
    assert client.fetch_exchange_status().is_paused is False


def test_recorded_events_are_looked_up(client: KalshiClient, expected: Expected) -> None:
    found = {
        asked: [event.ticker for page in client.iter_events(asked.split(",")) for event in page.records]
        for asked in expected.looked_up
    }
    assert found == expected.looked_up


@pytest.mark.parametrize("mve_filter", ["only", None], ids=["only", "with-the-others"])
def test_recorded_combos_of_january_are_unquoted(mve_filter: str | None) -> None:
    """R46: bid and ask both 0, as combos came until March 2026, is no quote."""
    with (
        vcr.VCR(record_mode="none").use_cassette(str(CASSETTES / JANUARY.file)),
        KalshiClient(URL, requests_per_second=1000, retry_seconds=0) as client,
    ):
        listing = client.list_markets(
            status=StatusFilter.OPEN, mve_filter=mve_filter, max_pages=None, walk_seconds=60
        )
        markets = records_of(listing)
        events = records_of(client.list_combo_events(max_pages=9, walk_seconds=60))
    assert listing.pages == 2
    assert {record.quote for record in markets if record.is_combo} == {Quote(None, None, None, None, 0, 0, 0)}
    assert sum(record.is_combo for record in markets) == 5
    ordinary = {} if mve_filter else JANUARY.quotes
    assert {record.ticker: record.quote for record in markets if not record.is_combo} == ordinary
    assert {record.series_ticker for record in events} == {"KXMVESPORTSMULTIGAMEEXTENDED"}


# The cassettes themselves.


def interactions(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["interactions"]
    return found


def answers(file: Path) -> Iterator[tuple[str, dict[str, list[str]], Any]]:
    """Path, query and body of each good answer."""
    for one in interactions(file):
        if one["response"]["status"]["code"] == 200:
            parts = urlsplit(one["request"]["uri"])
            yield parts.path, parse_qs(parts.query), json.loads(one["response"]["body"]["string"])


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document, however deep."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)


def test_readme_names_every_cassette() -> None:
    """R22: with its date and its shape."""
    readme = (CASSETTES / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in FILES if f"`{file.name}`" not in readme] == []
    assert {file.name for file in FILES} == {JANUARY.file, JUNE.file, OCTOBER.file}


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])
def test_cassette_answers_for_the_event_of_every_market(file: Path) -> None:
    """Whether by the listing of ordinary events, by ticker, or one by one as for combos."""
    named, answerable = set(), set()
    for path, query, body in answers(file):
        if path.endswith("/markets"):
            named |= {market["event_ticker"] for market in body["markets"]}
        answerable |= {ticker for tickers in query.get("tickers", []) for ticker in tickers.split(",")}
    answerable |= {one["request"]["uri"].rpartition("/")[2] for one in interactions(file)}
    assert named - answerable == set()


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings are not here")
@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])
def test_cassette_holds_recorded_objects_alone(file: Path) -> None:
    folder = RECORDED / file.name[:10]
    recorded = [
        found for path in folder.glob("*.json") for found in objects_in(json.loads(path.read_bytes()))
    ]
    for _, _, body in answers(file):
        records = [record for key in ("series", "events", "markets") for record in list_of(body.get(key))]
        assert [record for record in records if record not in recorded] == []


def list_of(value: Any) -> list[Any]:
    """The list of an answer; of a single object, that object."""
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []
