"""The sandbox's fee changes: past and scheduled changes, overrides and cleared overrides."""

import httpx
import pytest

from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import Row, read, walk


def changes_of_series(client: httpx.Client, **parameters: object) -> list[Row]:
    rows: list[Row] = read(client, "/series/fee_changes", **parameters)["series_fee_change_arr"]
    return rows


def test_history_is_shown_where_it_is_requested(start: Start) -> None:
    _, client = start()
    scheduled = changes_of_series(client)
    every = changes_of_series(client, show_historical="true")
    assert 0 < len(scheduled) < len(every)
    assert all(row["scheduled_ts"] > "2026-10-08T12:00:00Z" for row in scheduled)
    ticker = every[0]["series_ticker"]
    assert changes_of_series(client, show_historical="true", series_ticker=ticker) == [
        row for row in every if row["series_ticker"] == ticker
    ]


def test_series_has_the_fee_of_its_newest_change(start: Start) -> None:
    sandbox, client = start()
    ticker = changes_of_series(client)[0]["series_ticker"]

    def fee() -> tuple[str, float]:
        row = read(client, f"/series/{ticker}")["series"]
        return row["fee_type"], row["fee_multiplier"]

    assert fee() == ("quadratic_with_maker_fees", 1)
    sandbox.world.step(10)
    assert fee() == ("quadratic", 0.5)


def test_overrides_are_set_cleared_and_scheduled(client: httpx.Client) -> None:
    rows = walk(client, "/events/fee_changes", "event_fee_changes", limit=7)
    assert rows == walk(client, "/events/fee_changes", "event_fee_changes", limit=1000)
    times = [row["scheduled_ts"] for row in rows]
    assert len({row["id"] for row in rows}) == len(rows) > 20
    assert min(times) < "2026-10-08T12:12:00Z" < max(times)
    cleared = [row for row in rows if row["fee_type_override"] is None]
    assert cleared
    assert all(row["fee_multiplier_override"] is None for row in cleared)
    ticker = cleared[0]["event_ticker"]
    assert len(walk(client, "/events/fee_changes", "event_fee_changes", event_ticker=ticker)) == 3


def test_event_has_the_override_of_its_newest_change(client: httpx.Client) -> None:
    rows = walk(client, "/events/fee_changes", "event_fee_changes", limit=1000)
    past = [row for row in reversed(rows) if row["scheduled_ts"] < "2026-10-08T12:12:00Z"]
    newest = {row["event_ticker"]: row for row in past}
    listed = {row["event_ticker"]: row for row in walk(client, "/events", "events", limit=200)}
    compared = {
        ticker: (row["fee_type_override"], row["fee_multiplier_override"])
        for ticker, row in newest.items()
        if ticker in listed
    }
    assert len(compared) > 5
    assert compared == {
        ticker: (listed[ticker].get("fee_type_override"), listed[ticker].get("fee_multiplier_override"))
        for ticker in compared
    }


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 1001}, {"cursor": "abc"}])
def test_wrong_page_of_overrides_is_refused(client: httpx.Client, parameters: dict[str, object]) -> None:
    response = client.get("/events/fee_changes", params={k: str(v) for k, v in parameters.items()})
    assert response.status_code == 400
