"""Each fault does what it says, and only where it was asked for."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import read, read_pages, walk

Faulty = Callable[[Faults], tuple[Sandbox, httpx.Client]]


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Sandbox, httpx.Client]]:
    with Sandbox(World(WorldConfig(markets=400))) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        yield sandbox, client


@pytest.fixture
def faulty(stage: tuple[Sandbox, httpx.Client]) -> Iterator[Faulty]:
    """The module's exchange with the given faults, and none afterwards."""
    sandbox, _ = stage

    def switch_on(faults: Faults) -> tuple[Sandbox, httpx.Client]:
        sandbox.faults = faults
        sandbox.requests.clear()
        return stage

    yield switch_on
    sandbox.faults = Faults()


def statuses(client: httpx.Client, count: int) -> list[int]:
    """Of distinct URLs, since every URL has its own luck."""
    return [client.get("/exchange/status", params={"n": number}).status_code for number in range(count)]


def test_too_many_is_the_recorded_429(faulty: Faulty) -> None:
    _, client = faulty(Faults(too_many=1.0))
    response = client.get("/markets")
    assert (response.status_code, response.text) == (429, '{"error": "too many requests"}')
    assert "retry-after" not in response.headers


def test_shares_are_kept_and_repeatable(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(too_many=0.3))
    first = statuses(client, 80)
    assert 12 < first.count(429) < 40
    sandbox.faults = Faults(too_many=0.3)
    assert statuses(client, 80) == first
    sandbox.faults = Faults(too_many=0.3, seed=2)
    assert statuses(client, 80) != first


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_has_the_chosen_status(faulty: Faulty, status: int) -> None:
    _, client = faulty(Faults(server_errors=1.0, server_error=status))
    assert client.get("/markets").status_code == status


def test_server_error_bodies_have_three_forms(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(server_errors=1.0, error_body="nested"))
    assert set(client.get("/markets").json()["error"]) == {"code", "message"}
    sandbox.faults = Faults(server_errors=1.0, error_body="flat")
    assert set(client.get("/markets").json()) == {"code", "message"}
    sandbox.faults = Faults(server_errors=1.0, error_body="html")
    assert client.get("/markets").headers["content-type"].startswith("text/html")
    sandbox.faults = Faults(server_errors=1.0)
    assert set(statuses(client, 60)) == {500, 502, 503, 504}


def test_reset_breaks_the_connection(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(resets=1.0))
    with pytest.raises(httpx.TransportError):
        client.get("/markets")
    assert sandbox.requests[-1].status == 0
    sandbox.faults = Faults()
    assert client.get("/markets").status_code == 200


def test_truncated_body_ends_early(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(truncated=1.0))
    for encoding in ("gzip", "identity"):
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|peer closed"):
            client.get("/markets", headers={"accept-encoding": encoding})
    sandbox.faults = Faults()
    assert client.get("/markets").status_code == 200


def test_not_json_is_a_page_with_status_200(faulty: Faulty) -> None:
    _, client = faulty(Faults(not_json=1.0))
    response = client.get("/markets")
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


@pytest.mark.parametrize(
    ("path", "key"), [("/markets", "markets"), ("/events", "events"), ("/series", "series")]
)
def test_missing_key_takes_the_envelope_away(faulty: Faulty, path: str, key: str) -> None:
    _, client = faulty(Faults(missing_key=True))
    answer = client.get(path)
    assert answer.status_code == 200
    assert key not in answer.json()


def test_repeated_cursor_goes_round_in_circles(faulty: Faulty) -> None:
    _, client = faulty(Faults(repeated_cursor=True))
    first = read(client, "/markets", limit=10)
    second = read(client, "/markets", limit=10, cursor=first["cursor"])
    assert second["cursor"] == first["cursor"]
    assert second["markets"] != first["markets"]


def test_empty_pages_hide_nothing_from_those_who_go_on(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(empty_pages=True))
    pages = read_pages(client, "/markets", "markets", limit=60)
    assert [] in pages
    sandbox.faults = Faults()
    assert [row for page in pages for row in page] == walk(client, "/markets", "markets", limit=60)


def test_overlap_repeats_the_end_of_the_page_before(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(overlap=5))
    pages = read_pages(client, "/markets", "markets", limit=60)
    assert len(pages) > 3
    assert all(one[-5:] == two[:5] for one, two in pairwise(pages))
    assert all(len(page) <= 60 for page in pages)
    sandbox.faults = Faults()
    plain = walk(client, "/markets", "markets", limit=60)
    assert list({row["ticker"]: row for page in pages for row in page}.values()) == plain


def test_unknown_words_appear_in_closed_lists(faulty: Faulty) -> None:
    _, client = faulty(Faults(unknown_words=True))
    rows = walk(client, "/markets", "markets", limit=100)
    strange = [row for row in rows if row["status"] == "auctioning"]
    assert 0 < len(strange) < len(rows) / 2
    assert {row["market_type"] for row in strange} == {"perpetual"}


def test_unreadable_records_are_of_every_sort(faulty: Faulty) -> None:
    _, client = faulty(Faults(unreadable=0.2))
    rows: list[object] = list(walk(client, "/markets", "markets", limit=100))
    objects = [row for row in rows if isinstance(row, dict)]
    assert any(isinstance(row, int) for row in rows)
    assert any("ticker" not in row for row in objects)
    assert any(row.get("yes_bid_dollars") == "abc" for row in objects)
    assert any(isinstance(row.get("ticker"), dict) for row in objects)
    good = [row for row in objects if isinstance(row.get("ticker"), str) and row["yes_bid_dollars"] != "abc"]
    assert 0.7 < len(good) / len(rows) < 0.9


def test_nested_records_are_damaged_too(faulty: Faulty) -> None:
    _, client = faulty(Faults(unreadable=0.2, paths=("/events",)))
    events = [
        row for row in walk(client, "/events", "events", with_nested_markets="true") if isinstance(row, dict)
    ]
    assert any(isinstance(market, int) for event in events for market in event["markets"])


def test_paused_exchange_says_so_and_stands_still(start: Start) -> None:
    sandbox, client = start(change_share=1.0)
    before = walk(client, "/markets", "markets", limit=1000)
    sandbox.faults = Faults(paused=True)
    sandbox.world.step(3)
    assert read(client, "/exchange/status")["trading_active"] is False
    assert walk(client, "/markets", "markets", limit=1000) == before
    sandbox.faults = Faults()
    sandbox.world.step()
    assert read(client, "/exchange/status")["trading_active"] is True
    assert walk(client, "/markets", "markets", limit=1000) != before


def test_unreachable_after_some_pages(faulty: Faulty) -> None:
    _, client = faulty(Faults(unreachable_after=2))
    cursor = read(client, "/markets", limit=10)["cursor"]
    read(client, "/markets", limit=10, cursor=cursor)
    with pytest.raises(httpx.TransportError):
        client.get("/exchange/status")


def test_fail_first_fails_every_url_anew(faulty: Faulty) -> None:
    _, client = faulty(Faults(fail_first=2))
    for path in ("/markets", "/events", "/markets?limit=5"):
        assert [client.get(path).status_code for _ in range(3)] == [503, 503, 200]


def test_paths_restrict_the_faults(faulty: Faulty) -> None:
    _, client = faulty(Faults(server_errors=1.0, missing_key=True, paths=("/markets",)))
    assert client.get("/markets").status_code >= 500
    assert "events" in read(client, "/events")


def test_latency_delays_the_answer(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(latency_seconds=0.05))
    client.get("/exchange/status")
    client.get("/exchange/status")
    assert sandbox.requests[1].at - sandbox.requests[0].at >= 0.05


def test_settings_are_read_from_texts() -> None:
    texts = [
        "too_many=0.1",
        "overlap=5",
        "paused",
        "unknown-words=yes",
        "paths=/markets,/events",
        "server_error=502",
    ]
    expected = Faults(
        too_many=0.1,
        overlap=5,
        paused=True,
        unknown_words=True,
        paths=("/markets", "/events"),
        server_error=502,
    )
    assert Faults.parse(texts) == expected
    assert Faults.parse(["unreachable_after=3", "latency_seconds=1.5"]).unreachable_after == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour=red", "unknown fault 'colour': the known ones are seed, latency_seconds"),
        ("too_many=lots", "fault too_many takes a number, not 'lots'"),
        ("overlap=1.5", "fault overlap takes a whole number"),
        ("paused=perhaps", "fault paused takes yes or no"),
        ("too_many=7", "fault too_many is a share from 0 to 1"),
        ("server_error=404", "one of 500, 502, 503 and 504"),
        ("error_body=xml", "fault error_body is one of nested, flat, html, any"),
    ],
)
def test_bad_setting_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Faults.parse([text])
