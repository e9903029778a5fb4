"""Each fault has its documented effect, and only where it is configured."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.sandbox.faults.fault_injector import FaultInjector
from kalshi_pipeline_tests.sandbox.conftest import Faulty, Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, read_pages, walk
from kalshi_pipeline_tests.waiting import Gate


def statuses(client: httpx.Client, count: int) -> list[int]:
    """Each URL is distinct, because faults are drawn per URL."""
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
def test_server_error_has_the_selected_status(faulty: Faulty, status: int) -> None:
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


def test_empty_pages_hide_nothing_from_a_walk_that_continues(faulty: Faulty) -> None:
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


def test_odd_fields_leave_their_records_whole(faulty: Faulty) -> None:
    _, client = faulty(Faults(odd_fields=0.3))
    rows = walk(client, "/markets", "markets", limit=100)
    odd = [
        row for row in rows if row["close_time"] == "2026-12-20" or row.get("open_interest_fp") == "50.125"
    ]
    assert 0 < len(odd) < len(rows) / 2
    assert all(isinstance(row["ticker"], str) and row["yes_bid_dollars"] != "abc" for row in rows)


def test_nested_records_are_damaged_too(faulty: Faulty) -> None:
    _, client = faulty(Faults(unreadable=0.2, paths=("/events",)))
    events = [
        row for row in walk(client, "/events", "events", with_nested_markets="true") if isinstance(row, dict)
    ]
    assert any(isinstance(market, int) for event in events for market in event["markets"])


def test_paused_exchange_says_so_and_does_not_move(start: Start) -> None:
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


def test_fail_first_fails_every_url_once_more(faulty: Faulty) -> None:
    _, client = faulty(Faults(fail_first=2))
    for path in ("/markets", "/events", "/markets?limit=5"):
        assert [client.get(path).status_code for _ in range(3)] == [503, 503, 200]


def test_paths_restrict_the_faults(faulty: Faulty) -> None:
    _, client = faulty(Faults(server_errors=1.0, missing_key=True, paths=("/markets",)))
    assert client.get("/markets").status_code >= 500
    assert "events" in read(client, "/events")


def test_latency_delays_the_answer(start: Start) -> None:
    gate = Gate()
    sandbox, client = start(faults=Faults(latency_seconds=0.05), pause=gate)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.get, "/exchange/status")
        gate.wait_for()
        assert (len(sandbox.requests), answer.done()) == (0, False)
        gate.open()
        assert answer.result().status_code == 200
    assert gate.seconds == [0.05]


def test_latency_of_one_request_blocks_no_other(start: Start) -> None:
    """Delayed requests wait in parallel, and an undelayed one is answered meanwhile."""
    gate = Gate()
    _, client = start(faults=Faults(latency_seconds=0.3, paths=("/markets",)), pause=gate)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(client.get, "/markets", params={"limit": n}) for n in range(1, 9)]
        gate.wait_for(8)
        assert client.get("/exchange/status").status_code == 200
        assert [answer.done() for answer in answers] == [False] * 8
        gate.open()
        assert [len(answer.result().json()["markets"]) for answer in answers] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert gate.seconds == [0.3] * 8


def test_latency_without_another_pause_is_a_sleep(start: Start) -> None:
    """The sleep is very short. A sandbox that could not wait would return 500."""
    sandbox, client = start(faults=Faults(latency_seconds=0.001))
    assert client.get("/exchange/status").status_code == 200
    assert [request.status for request in sandbox.requests] == [200]


def test_latency_jitter_belongs_to_the_url() -> None:
    faults = FaultInjector(Faults(latency_seconds=0.1, latency_jitter_seconds=0.2, paths=("/markets",)))
    drawn = [faults.delay("/markets", f"n={number}") for number in range(50)]
    assert 0.1 <= min(drawn) < 0.15 < 0.25 < max(drawn) < 0.3
    assert [faults.delay("/markets", f"n={number}") for number in range(50)] == drawn
    assert faults.delay("/events", "") == 0


CREATED_BOUNDS = [("min_created_ts",), ("max_created_ts",), ("min_created_ts", "max_created_ts")]


@pytest.mark.parametrize("names", CREATED_BOUNDS, ids=["least", "most", "both"])
def test_refused_created_filter_is_a_bad_request(faulty: Faulty, names: tuple[str, ...]) -> None:
    _, client = faulty(Faults(created_filter="refused"))
    response = client.get("/markets", params=dict.fromkeys(names, 1_790_000_000) | {"status": "open"})
    assert response.status_code == 400
    assert response.json() == {"error": {"code": "bad_request", "message": "bad request"}}
    for allowed in ("/markets?status=open", "/markets?min_created_ts=", "/markets?min_close_ts=1", "/events"):
        assert client.get(allowed).status_code == 200


@pytest.mark.parametrize("names", CREATED_BOUNDS, ids=["least", "most", "both"])
def test_ignored_created_filter_lists_everything(faulty: Faulty, names: tuple[str, ...]) -> None:
    _, client = faulty(Faults(created_filter="ignored"))
    bounds = dict.fromkeys(names, 1)
    listing = {"status": "open", "limit": 90}
    plain = read_pages(client, "/markets", "markets", **listing)
    assert len(plain) > 3
    assert read_pages(client, "/markets", "markets", **listing, **bounds) == plain
    cursor = read(client, "/markets", **listing)["cursor"]
    assert read(client, "/markets", **listing, **bounds)["cursor"] == cursor
    assert read(client, "/markets", **listing, **bounds, cursor=cursor)["markets"] == plain[1]


def test_ignored_filters_are_answered_as_if_they_had_not_been_sent(faulty: Faulty) -> None:
    _, client = faulty(Faults(ignored=("status", "mve_filter"), paths=("/markets",)))
    everything = walk(client, "/markets", "markets", limit=90)
    assert {row["status"] for row in everything} > {"active", "finalized"}
    assert walk(client, "/markets", "markets", limit=90, status="open", mve_filter="only") == everything
    open_events = walk(client, "/events", "events", status="open")
    assert 0 < len(open_events) < len(walk(client, "/events", "events"))


def test_ignored_cursor_is_answered_with_the_first_page_and_a_new_cursor(faulty: Faulty) -> None:
    _, client = faulty(Faults(ignored=("cursor",)))
    first = read(client, "/markets", limit=10)
    second = read(client, "/markets", limit=10, cursor=first["cursor"])
    third = read(client, "/markets", limit=10, cursor=second["cursor"])
    assert first["markets"] == second["markets"] == third["markets"]
    assert len({answer["cursor"] for answer in (first, second, third)}) == 3
    assert read(client, "/markets", limit=1000)["cursor"] == ""


@pytest.mark.parametrize("skew", [86_400.0, -86_400.0])
def test_created_skew_moves_the_window(faulty: Faulty, skew: float) -> None:
    sandbox, client = faulty(Faults(created_skew_seconds=skew))
    rows = walk(client, "/markets", "markets", status="open", limit=1000)
    least, most = sandbox.world.clock // 10**6 - 20 * 86_400, sandbox.world.clock // 10**6 - 10 * 86_400
    window = {"min_created_ts": least, "max_created_ts": most}
    found = walk(client, "/markets", "markets", status="open", limit=30, **window)
    assert found
    assert found == [row for row in rows if least + skew < created(row) < most + skew]
    assert found != [row for row in rows if least < created(row) < most]


def test_created_skew_of_a_fraction_counts(start: Start) -> None:
    sandbox, client = start(created_within_seconds=1)
    second = sandbox.world.markets.created[-1] // 10**6
    everything = walk(client, "/markets", "markets", status="open", limit=1000)
    sandbox.faults = Faults(created_skew_seconds=0.5)
    later = walk(client, "/markets", "markets", status="open", limit=30, min_created_ts=second)
    assert later == [row for row in everything if created(row) > second + 0.5]
    assert 0 < len(later) < len(everything)
    sandbox.faults = Faults(created_skew_seconds=0.5, paths=("/events",))
    unmoved = walk(client, "/markets", "markets", status="open", limit=30, min_created_ts=second)
    assert unmoved == [row for row in everything if created(row) > second]


def created(row: Row) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(row["created_time"]).timestamp()


def test_answer_age_is_that_of_markets_alone(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults(answer_age_seconds=12))
    ticker = client.get("/markets", params={"limit": 1}).json()["markets"][0]["ticker"]
    paths = ("/markets", f"/markets/{ticker}", "/markets/trades", "/events", "/historical/markets")
    assert [client.get(path).headers.get("age") for path in paths] == ["12", "12", None, None, None]
    assert "age" not in client.get("/markets/KXNONE").headers
    sandbox.faults = Faults()
    assert "age" not in client.get("/markets").headers


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
    assert Faults.parse(["ignored=status,cursor"]) == Faults(ignored=("status", "cursor"))
    assert Faults.parse(["unreachable_after=3", "latency_seconds=1.5"]).unreachable_after == 3
    assert Faults.parse(
        ["created_filter=ignored", "created-skew-seconds=-1.5", "latency_jitter_seconds=2"]
    ) == (Faults(created_filter="ignored", created_skew_seconds=-1.5, latency_jitter_seconds=2.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour=red", "unknown fault 'colour': the known ones are seed, latency_seconds"),
        ("too_many=lots", "fault too_many takes a number, not 'lots'"),
        ("overlap=1.5", "fault overlap takes a whole number"),
        ("paused=perhaps", "fault paused takes yes or no"),
        ("too_many=7", "fault too_many is a share from 0 to 1"),
        ("server_error=404", "202, 204, 403, 408, 425 or from 500 to 599, not 404"),
        ("error_body=xml", "fault error_body is one of nested, flat, html, any"),
        ("created_filter=off", "fault created_filter is one of honoured, refused, ignored, not off"),
        ("latency_jitter_seconds=-1", "fault latency_jitter_seconds cannot be negative"),
    ],
)
def test_bad_setting_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Faults.parse([text])


def test_slow_answers_begin_later_and_dripping_ones_arrive_in_pieces() -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    world = World(WorldConfig(markets=40))
    with Sandbox(world, pause=pause) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        whole = client.get("/markets").content
        sandbox.faults = Faults(slow=1.0, slow_seconds=7.0)
        assert client.get("/markets").content == whole
        assert waited == [7.0]
        waited.clear()
        sandbox.faults = Faults(dripping=1.0, drip_seconds=4.0)
        for path in ("/markets", "/series/fee_changes", "/exchange/status"):
            sandbox.faults = Faults()
            good = client.get(path).content
            sandbox.faults = Faults(dripping=1.0, drip_seconds=4.0)
            waited.clear()
            assert client.get(path).content == good
            assert 2.0 < sum(waited) <= 4.0
            assert len(waited) > 5


def test_endless_listing_has_a_new_cursor_on_every_page(faulty: Faulty) -> None:
    _, client = faulty(Faults(endless=True))
    cursor, seen = "", set()
    for number in range(5):
        page = client.get("/markets", params={"limit": 100, "cursor": cursor}).json()
        assert bool(page["markets"]) is (number == 0)
        cursor = page["cursor"]
        seen.add(cursor)
    assert len(seen) == 5
    assert "" not in seen


def test_odd_envelopes_violate_the_contract(faulty: Faulty) -> None:
    sandbox, client = faulty(Faults())
    good = client.get("/markets", params={"limit": 100}).json()
    forms = set()
    for seed in range(90):
        sandbox.faults = Faults(odd_envelopes=1.0, seed=seed)
        odd = client.get("/markets", params={"limit": 100}).json()
        assert odd != good
        forms.add(json.dumps(odd)[:40] + json.dumps(odd)[-40:])
    assert len(forms) == 14
