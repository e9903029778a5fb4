"""Records as the exchange sends them today, with a distinct number in each field."""

from typing import Any

CANDLESTICK: dict[str, Any] = {
    "end_period_ts": 1_760_500_800,
    "yes_bid": {
        "open_dollars": "0.01",
        "high_dollars": "0.02",
        "low_dollars": "0.03",
        "close_dollars": "0.04",
    },
    "yes_ask": {
        "open_dollars": "0.05",
        "high_dollars": "0.06",
        "low_dollars": "0.07",
        "close_dollars": "0.08",
    },
    "price": {
        "open_dollars": "0.09",
        "high_dollars": "0.10",
        "low_dollars": "0.11",
        "close_dollars": "0.12",
        "mean_dollars": "0.13",
        "previous_dollars": "0.14",
    },
    "volume_fp": "15.00",
    "open_interest_fp": "16.00",
}
