"""The whole asset graph on answers with recorded numbers, with one cassette for each generation of the API."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import vcr  # type: ignore[import-untyped]

from kalshi_pipeline.definitions import defs
from kalshi_pipeline_tests.conftest import Query

CASSETTES = Path(__file__).parent / "cassettes"


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def collect(cassette: str, instance: dg.DagsterInstance, database_path: Path) -> dg.ExecuteInProcessResult:
    overrides = {
        "database_url": f"sqlite:///{database_path}",
        "requests_per_second": "1000",
        "retry_seconds": "0",
    }
    recorder = vcr.VCR(record_mode="none")
    with recorder.use_cassette(str(CASSETTES / f"{cassette}.yaml"), allow_playback_repeats=True):
        return defs.resolve_job_def("collect").execute_in_process(
            run_config={
                "resources": {"pipeline": {"config": {"overrides": overrides}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            instance=instance,
        )


@pytest.mark.parametrize(
    ("cassette", "ticker", "quote"),
    [
        (
            "2026-01-12-cents-beside-decimals",
            "KXFARPLACE-99",
            {
                "yes_bid": "0.06",
                "yes_ask": "0.07",
                "no_bid": "0.93",
                "no_ask": "0.94",
                "last_price": "0.06",
                "volume": "35001",
                "open_interest": "13679",
            },
        ),
        (
            "2026-06-20-decimals-numbers-as-text",
            "KXBUILDFARAWAY-50",
            {
                "yes_bid": "0.163",
                "yes_ask": "0.195",
                "no_bid": "0.805",
                "no_ask": "0.837",
                "last_price": "0.195",
                "volume": "21043.39",
                "open_interest": "9084",
                "yes_bid_size": "30.97",
                "yes_ask_size": "97.53",
            },
        ),
        (
            "2026-10-06-decimals",
            "KXTWOSIDE-26OCT08LOHIG-HIG",
            {
                "yes_bid": "0.8",
                "yes_ask": "0.81",
                "no_bid": "0.19",
                "no_ask": "0.2",
                "last_price": "0.81",
                "volume": "271926.68",
                "open_interest": "242310.93",
                "yes_bid_size": "16529.55",
                "yes_ask_size": "375864.43",
            },
        ),
    ],
    ids=["January 2026", "June 2026", "October 2026"],
)
def test_collect_stores_recorded_quotes_exactly(
    cassette: str,
    ticker: str,
    quote: dict[str, str],
    instance: dg.DagsterInstance,
    database_path: Path,
    query: Query,
) -> None:
    assert collect(cassette, instance, database_path).success

    columns = ", ".join(quote)
    (stored,) = query(f"SELECT {columns} FROM latest_prices WHERE ticker = ?", ticker)
    found: dict[str, Any] = dict(zip(quote, map(str, stored), strict=True))
    assert {name: Decimal(text) for name, text in found.items()} == {
        name: Decimal(text) for name, text in quote.items()
    }
    assert query("PRAGMA foreign_key_check") == []
    assert query("SELECT count(*) FROM quarantine") == [(0,)]
    assert query("SELECT DISTINCT state FROM listings UNION SELECT state FROM ticks") == [("complete",)]
