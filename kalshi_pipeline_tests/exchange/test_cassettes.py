"""The client on responses of each generation of the API, with one cassette for each (see their README)."""

import json
import re
from base64 import urlsafe_b64decode
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
from kalshi_pipeline_tests.shared import leaves_in, needs_shared, quotes_in, recorded_objects, recorded_texts

CASSETTES = Path(__file__).resolve().parents[1] / "cassettes"
URL = "https://external-api.kalshi.com/trade-api/v2"
FILES = sorted(CASSETTES.glob("*.yaml"))


class Expected(NamedTuple):
    """The contents of a cassette, written by hand."""

    file: str
    series: dict[str, str]
    events: dict[str, str | None]
    quotes: dict[str, Quote]
    looked_up: dict[str, list[str]]


JANUARY = Expected(
    file="2026-01-12-cents-beside-decimals.yaml",
    series={
        "AB2": "Question set A",
        "KXANSWERLATE": "Questionnaire",
        "KXDAILYA": "Question set B, asked daily",
        "KXGROWING": "Question set C",
    },
    events={
        "KXFARPLACE-99": "KXFARPLACE",
        "KXNEWHEAD-70": "KXNEWHEAD",
        "KXGROWING-50": "KXGROWING",
        "KXTHISVTHAT-50": "KXTHISVTHAT",
        "KXANSWERLATE-0": "KXANSWERLATE",
    },
    quotes={"KXFARPLACE-99": Quote(60_000, 70_000, None, None, 60_000, 3_500_100, 1_367_900)},
    looked_up={"KXFARPLACE-99": ["KXFARPLACE-99"]},
)
JUNE = Expected(
    file="2026-06-20-decimals-numbers-as-text.yaml",
    series={},
    events={},
    quotes={
        "KXFARPLACE-99": Quote(80_000, 120_000, 44_432, 196_733, 100_000, 9_488_462, 3_274_617),
        "KXBUILDFARAWAY-50": Quote(163_000, 195_000, 3_097, 9_753, 195_000, 2_104_339, 908_400),
    },
    looked_up={"KXFARPLACE-99,KXBUILDFARAWAY-50": []},
)
OCTOBER = Expected(
    file="2026-10-06-decimals.yaml",
    series={
        "KXORDEREDPICKS5": "Set H, the top 5",
        "KXPICKCOUNTS": "Set I, how many are counted in all ",
        "KXALL1HMARGIN": "Set J, the first half",
    },
    events={
        "KXTWOSIDE-26OCT08LOHIG": "KXTWOSIDE",
        "KXTWOSIDE-26OCT11EASWES": "KXTWOSIDE",
        "KXTWOSIDE-26OCT11NORSOU": "KXTWOSIDE",
    },
    quotes={
        "KXTWOSIDE-26OCT08LOHIG-HIG": Quote(
            800_000, 810_000, 1_652_955, 37_586_443, 810_000, 27_192_668, 24_231_093
        ),
        "KXTWOSIDE-26OCT08LOHIG-LO": Quote(
            190_000, 200_000, 5_966_476, 148_180_559, 200_000, 44_446_826, 37_718_838
        ),
    },
    looked_up={"KXTWOSIDE-26OCT08LOHIG": ["KXTWOSIDE-26OCT08LOHIG"]},
)


@pytest.fixture(params=[JANUARY, JUNE, OCTOBER], ids=["january", "june", "october"])
def expected(request: pytest.FixtureRequest) -> Expected:
    given: Expected = request.param
    return given


@pytest.fixture
def client(expected: Expected) -> Iterator[KalshiClient]:
    with (
        vcr.VCR(record_mode="none").use_cassette(str(CASSETTES / expected.file), allow_playback_repeats=True),
        KalshiClient(URL, requests_per_second=1000, retry_seconds=0) as client,
    ):
        yield client


def records_of(listing: Listing[Any]) -> list[Any]:
    """All records of a listing, which must be complete and without rejects."""
    pages = list(listing)
    assert [page.rejects for page in pages] == [[]] * len(pages)
    assert (listing.complete, listing.duplicates) == (True, 0)
    return [record for page in pages for record in page.records]


def test_recorded_series_are_listed(client: KalshiClient, expected: Expected) -> None:
    series = records_of(client.list_series(walk_seconds=60))
    assert {record.ticker: record.title for record in series} == expected.series


def test_recorded_events_are_listed(client: KalshiClient, expected: Expected) -> None:
    events = records_of(client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60))
    assert {record.ticker: record.series_ticker for record in events} == expected.events


def test_recorded_quotes_are_exact(client: KalshiClient, expected: Expected) -> None:
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
    """Bid and ask both 0, as combos had until March 2026, is no quote."""
    with (
        vcr.VCR(record_mode="none").use_cassette(str(CASSETTES / JANUARY.file), allow_playback_repeats=True),
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
    assert {record.series_ticker for record in events} == {"KXMVEQUESTIONSOFMANYSUBJECTS"}


# The cassettes themselves.

# Words of the API rather than of a market's question: the values of these fields, and these texts.
API_FIELDS = {
    "Associated Market Sides",
    "code",
    "collateral_return_type",
    "fee_type",
    "frequency",
    "market_type",
    "message",
    "price_level_structure",
    "response_price_units",
    "result",
    "settlement_bounds_type",
    "side",
    "status",
    "strike_type",
}
API_WORDS = {"Combo", "Combos", "Default", "Game", "MVE"}
NUMBER_OR_INSTANT = re.compile(r"-?[\d.]+|\d{4}-\d\d-\d\dT[\d:.]+Z")
TICKER = re.compile(r"(KX[A-Z0-9]+)[A-Z0-9-]*")  # the series of it first
every_cassette = pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])


def interactions(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["interactions"]
    return found


def answers(file: Path) -> Iterator[tuple[str, dict[str, list[str]], Any]]:
    """Path, query and body of each good answer."""
    for one in interactions(file):
        if one["response"]["status"]["code"] == 200:
            parts = urlsplit(one["request"]["uri"])
            yield parts.path, parse_qs(parts.query), json.loads(one["response"]["body"]["string"])


def is_of_the_api(name: str, text: str) -> bool:
    """Whether a text is the API's own: a number, an instant, nothing, or one of its words."""
    return not text or name in API_FIELDS or text in API_WORDS or bool(NUMBER_OR_INSTANT.fullmatch(text))


def texts_of(file: Path) -> set[str]:
    """Titles, rules, names, addresses and identifiers of the answers; also tickers in lists, queries and cursors."""
    texts = set()
    for one in interactions(file):
        texts |= tickers_in(one["request"]["uri"])
        for name, text in leaves_in(json.loads(one["response"]["body"]["string"])):
            if not isinstance(text, str) or is_of_the_api(name, text):
                continue
            if name == "cursor":
                texts |= tickers_in(urlsafe_b64decode(f"{text}==").decode("latin-1"))
            else:
                texts |= {text, *tickers_in(text)}
    return texts


def tickers_in(text: str) -> set[str]:
    return {found[0] for found in TICKER.finditer(text)}


def form_of(value: Any, name: str = "") -> Any:
    """A JSON value whose texts are replaced by their form; numbers and words of the API are as they were."""
    if isinstance(value, dict):
        return {key: form_of(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [form_of(inner, name) for inner in value]
    if not isinstance(value, str) or is_of_the_api(name, value):
        return type(value), value
    length = len(value).bit_length()
    return length, value.isascii(), value == value.strip(), value.count("\n")


def test_readme_names_every_cassette() -> None:
    readme = (CASSETTES / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in FILES if f"`{file.name}`" not in readme] == []
    assert {file.name for file in FILES} == {JANUARY.file, JUNE.file, OCTOBER.file}


@every_cassette
def test_cassette_answers_for_the_event_of_every_market(file: Path) -> None:
    """Whether by the listing of ordinary events, by ticker, or one by one as for combos."""
    named, answerable = set(), set()
    for path, query, body in answers(file):
        if path.endswith("/markets"):
            named |= {market["event_ticker"] for market in body["markets"]}
        answerable |= {ticker for tickers in query.get("tickers", []) for ticker in tickers.split(",")}
    answerable |= {one["request"]["uri"].rpartition("/")[2] for one in interactions(file)}
    assert named - answerable == set()


@needs_shared
@every_cassette
def test_cassette_holds_the_fields_and_numbers_of_recorded_objects(file: Path) -> None:
    """Names and types of fields, numbers and instants, and the form of each text: about how long, in which letters."""
    recorded = [form_of(found) for found in recorded_objects(file.name[:10])]
    for _, _, body in answers(file):
        for key in ("series", "event", "events", "market", "markets"):
            assert [one for one in list_of(body.get(key)) if form_of(one) not in recorded] == []


@needs_shared
@every_cassette
def test_cassette_quotes_no_recorded_text(file: Path) -> None:
    """Not a ticker, a name or an address either."""
    texts = texts_of(file)
    assert len(texts) > 5
    assert texts & recorded_texts() == set()
    assert quotes_in(texts) == set()


@every_cassette
def test_cassette_is_written_in_our_words(file: Path) -> None:
    """The words of titles, rules, names and addresses, and the series of tickers, are those of a list."""
    ours = set((CASSETTES / "words.txt").read_text(encoding="utf-8").split())
    used = set()
    for text in texts_of(file):
        used |= set(TICKER.findall(text))
        used |= set(re.findall(r"[^\W\d_]{2,}", TICKER.sub("", text).lower()))
    assert used - ours == set()
    assert len(used) > 30


def list_of(value: Any) -> list[Any]:
    """The list of an answer; of a single object, that object."""
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []
