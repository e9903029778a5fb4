"""How many tickers one request names."""

from urllib.parse import quote

import pytest

from kalshi_pipeline.exchange.batches import REPEATED, ticker_batches

LONG = [
    f"KXMVESPORTSMULTIGAMEEXTENDED-S2026D8CEFD5F8B3{number:04d}-A4B0C83E{number:04d}" for number in range(400)
]


@pytest.mark.parametrize(
    "tickers",
    [
        pytest.param([f"KXRAIN-26NOV27-T{number}" for number in range(450)], id="ordinary"),
        pytest.param(LONG, id="combos"),
        pytest.param([f"Zürich % {number}" for number in range(450)], id="encoded"),
        pytest.param(["x" * 9_000, "A", "y" * 9_000], id="longer-than-any-url"),
        pytest.param([], id="none"),
    ],
)
@pytest.mark.parametrize("most", [1, 100, 200])
def test_batches_hold_every_ticker_once_in_bounded_urls(tickers: list[str], most: int) -> None:
    batches = ticker_batches(tickers, most)
    assert [ticker for batch in batches for ticker in batch] == tickers
    for batch in batches:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or len(quote(",".join(batch), safe="")) <= 6_000
    for batch in ticker_batches(tickers, most, REPEATED):
        assert len(batch) == 1 or len(REPEATED.join(quote(ticker) for ticker in batch)) <= 6_000


def test_batches_are_as_large_as_they_may_be() -> None:
    assert [len(batch) for batch in ticker_batches([f"KXA-{number}" for number in range(450)])] == [
        200,
        200,
        50,
    ]
    assert len(ticker_batches(LONG)) == 5
