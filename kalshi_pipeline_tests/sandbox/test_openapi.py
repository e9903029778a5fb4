"""The answers of the newest shape match the specification of the exchange."""

from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator

from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import read, read_pages
from kalshi_pipeline_tests.shared import SPECIFICATION, needs_shared

pytestmark = needs_shared


def as_json_schema(node: Any) -> Any:
    """Convert from OpenAPI 3.0, which writes `nullable`, and siblings of `$ref` that JSON Schema would ignore."""
    if isinstance(node, list):
        return [as_json_schema(child) for child in node]
    if not isinstance(node, dict):
        return node
    schema = {key: as_json_schema(value) for key, value in node.items() if key not in ("nullable", "example")}
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8"))
    return loaded


def validator_of(spec: dict[str, Any], path: str) -> Draft202012Validator:
    content = spec["paths"][path]["get"]["responses"]["200"]["content"]
    schema = content["application/json"]["schema"]
    return Draft202012Validator(
        {**as_json_schema(schema), "components": {"schemas": as_json_schema(spec["components"]["schemas"])}}
    )


LISTINGS: list[tuple[str, str, dict[str, object]]] = [
    ("/markets", "markets", {"limit": 300}),
    ("/historical/markets", "markets", {"limit": 300}),
    ("/events", "events", {"with_nested_markets": "true"}),
    ("/events/multivariate", "events", {"with_nested_markets": "true"}),
    ("/markets/trades", "trades", {"limit": 1000}),
    ("/historical/trades", "trades", {"limit": 1000}),
]
BARE = ["/exchange/status", "/exchange/schedule", "/historical/cutoff", "/series"]


@pytest.mark.parametrize(("path", "key", "parameters"), LISTINGS, ids=[path for path, _, _ in LISTINGS])
def test_listing_matches_the_specification(
    client: httpx.Client, spec: dict[str, Any], path: str, key: str, parameters: dict[str, object]
) -> None:
    validator = validator_of(spec, path)
    pages = read_pages(client, path, key, **parameters)
    assert sum(map(len, pages)) > 20
    for page in pages:
        validator.validate({key: page, "cursor": ""})


@pytest.mark.parametrize("path", BARE)
def test_single_answer_matches_the_specification(
    client: httpx.Client, spec: dict[str, Any], path: str
) -> None:
    validator_of(spec, path).validate(read(client, path))


def test_series_with_optional_fields_match_the_specification(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    answer = read(client, "/series", include_volume="true", include_product_metadata="true")
    validator_of(spec, "/series").validate(answer)
    assert any(float(row["volume_fp"]) > 0 for row in answer["series"])


def test_fee_changes_match_the_specification(client: httpx.Client, spec: dict[str, Any]) -> None:
    validator = validator_of(spec, "/series/fee_changes")
    validator.validate(read(client, "/series/fee_changes"))
    history = read(client, "/series/fee_changes", show_historical="true")
    validator.validate(history)
    assert len(history["series_fee_change_arr"]) > 20
    pages = read_pages(client, "/events/fee_changes", "event_fee_changes", limit=5)
    assert len(pages) > 2
    for page in pages:
        validator_of(spec, "/events/fee_changes").validate({"event_fee_changes": page, "cursor": ""})


RELATED: list[tuple[str, dict[str, object]]] = [
    ("/milestones", {"limit": 500}),
    ("/structured_targets", {"page_size": 500}),
    ("/multivariate_event_collections", {}),
    ("/incentive_programs", {"limit": 500}),
    ("/incentive_programs", {"limit": 2}),
]


@pytest.mark.parametrize(("path", "parameters"), RELATED)
def test_related_listing_matches_the_specification(
    client: httpx.Client, spec: dict[str, Any], path: str, parameters: dict[str, object]
) -> None:
    answer = read(client, path, **parameters)
    assert any(isinstance(rows, list) and len(rows) > 1 for rows in answer.values())
    validator_of(spec, path).validate(answer)


def test_related_objects_match_the_specification(client: httpx.Client, spec: dict[str, Any]) -> None:
    for event in read(client, "/events", limit=30)["events"]:
        metadata = read(client, f"/events/{event['event_ticker']}/metadata")
        validator_of(spec, "/events/{event_ticker}/metadata").validate(metadata)
    collection = read(client, "/multivariate_event_collections")["multivariate_contracts"][0]
    target = read(client, "/structured_targets")["structured_targets"][0]
    named = {
        "/milestones/{milestone_id}": read(client, "/milestones", limit=1)["milestones"][0]["id"],
        "/structured_targets/{structured_target_id}": target["id"],
        "/multivariate_event_collections/{collection_ticker}": collection["collection_ticker"],
    }
    for template, name in named.items():
        answer = read(client, f"{template.rpartition('/')[0]}/{name}")
        validator_of(spec, template).validate(answer)


def test_edited_world_matches_the_specification(start: Start, spec: dict[str, Any]) -> None:
    sandbox, client = start(markets=200, combos=30, edits_per_step=14)
    sandbox.world.step(20)
    for path, key, parameters in LISTINGS[:4]:
        for page in read_pages(client, path, key, **parameters):
            validator_of(spec, path).validate({key: page, "cursor": ""})
    for path, parameters in RELATED:
        validator_of(spec, path).validate(read(client, path, **parameters))
    validator_of(spec, "/series").validate(read(client, "/series"))


def test_named_objects_match_the_specification(client: httpx.Client, spec: dict[str, Any]) -> None:
    event = read(client, "/events", status="open", limit=1)["events"][0]
    market = read(client, "/markets", event_ticker=event["event_ticker"])["markets"][0]
    old = read(client, "/historical/markets", limit=1)["markets"][0]
    series, ticker = event["series_ticker"], market["ticker"]
    named = {
        "/series/{series_ticker}": f"/series/{series}",
        "/events/{event_ticker}": f"/events/{event['event_ticker']}",
        "/markets/{ticker}": f"/markets/{ticker}",
        "/markets/{ticker}/orderbook": f"/markets/{ticker}/orderbook",
        "/markets/orderbooks": f"/markets/orderbooks?tickers={ticker}",
        "/historical/markets/{ticker}": f"/historical/markets/{old['ticker']}",
    }
    for template, path in named.items():
        validator_of(spec, template).validate(client.get(path).json())


def test_candlesticks_match_the_specification(
    calm: Sandbox, client: httpx.Client, spec: dict[str, Any]
) -> None:
    trade = read(client, "/markets/trades", limit=1)["trades"][0]
    market = read(client, f"/markets/{trade['ticker']}")["market"]
    series = read(client, f"/events/{market['event_ticker']}")["event"]["series_ticker"]
    now = calm.world.clock // 1_000_000
    period = {"start_ts": now - 30 * 86_400, "end_ts": now + 86_400, "period_interval": 1440}
    path = f"/series/{series}/markets/{trade['ticker']}/candlesticks"
    single = read(client, path, **period, include_latest_before_start="true")
    validator_of(spec, "/series/{series_ticker}/markets/{ticker}/candlesticks").validate(single)
    assert any("close_dollars" in candle["price"] for candle in single["candlesticks"])
    batch = read(client, "/markets/candlesticks", market_tickers=trade["ticker"], **period)
    validator_of(spec, "/markets/candlesticks").validate(batch)
    assert batch["markets"][0]["candlesticks"]


def test_historical_candlesticks_match_the_specification(client: httpx.Client, spec: dict[str, Any]) -> None:
    markets = read(client, "/historical/markets", limit=1000)["markets"]
    ticker = next(row["ticker"] for row in markets if float(row["volume_fp"]) > 0)
    period = {"start_ts": 1_770_000_000, "end_ts": 1_800_000_000, "period_interval": 1440}
    answer = read(client, f"/historical/markets/{ticker}/candlesticks", **period)
    validator_of(spec, "/historical/markets/{ticker}/candlesticks").validate(answer)
    assert any(candle["price"]["close"] for candle in answer["candlesticks"])


def test_paused_status_matches_the_specification(start: Start, spec: dict[str, Any]) -> None:
    _, client = start(faults=Faults(paused=True))
    status = read(client, "/exchange/status")
    validator_of(spec, "/exchange/status").validate(status)
    assert status["trading_active"] is False
