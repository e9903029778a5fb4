"""Reads folders of recorded responses of any endpoint.

Objects are recognized by their fields: a market has an event and a status, an event a series and a title, a series a
fee type. They are served as recorded; only what the indexes need is read from them. If several files hold the same
ticker, the last folder wins, since folders are named by date, and within a folder the first file.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kalshi_pipeline.sandbox.world.columns import NEVER
from kalshi_pipeline.sandbox.world.states import ACTIVE, STATE_OF_WORD
from kalshi_pipeline.units import MICROS_PER_DOLLAR, instant_of


@dataclass(frozen=True)
class RecordedMarket:
    ticker: str
    event_ticker: str
    state: int
    created: int
    updated: int
    open_at: int
    close_at: int
    settled_at: int | None
    bid: int
    ask: int
    bid_size: int
    ask_size: int
    text: str


@dataclass(frozen=True)
class RecordedEvent:
    ticker: str
    series_ticker: str
    updated: int
    is_combo: bool
    text: str


@dataclass
class Recording:
    """The newest recorded object of each ticker."""

    series: dict[str, str] = field(default_factory=dict)
    events: dict[str, RecordedEvent] = field(default_factory=dict)
    markets: dict[str, RecordedMarket] = field(default_factory=dict)

    def update(self, newer: "Recording") -> None:
        self.series.update(newer.series)
        self.events.update(newer.events)
        self.markets.update(newer.markets)


def load_recording(folder: Path) -> Recording:
    """Return every series, event and market in the JSON files of a folder and its subfolders.

    Raises ValueError if there is none.
    """
    recording = Recording()
    for part in sorted({file.parent for file in folder.rglob("*.json")}):
        dated = Recording()
        for file in sorted(part.glob("*.json")):
            for found in _objects_in(json.loads(file.read_text(encoding="utf-8"))):
                _keep(dated, found)
        recording.update(dated)
    if not (recording.series or recording.events or recording.markets):
        raise ValueError(
            f"no recorded series, event or market in {folder}: name a folder of recorded responses"
        )
    return recording


def _objects_in(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _objects_in(child)


def _keep(recording: Recording, found: dict[str, Any]) -> None:
    if {"ticker", "event_ticker", "status"} <= found.keys():
        recording.markets.setdefault(found["ticker"], _market(found))
    elif {"event_ticker", "series_ticker", "title"} <= found.keys():
        recording.events.setdefault(found["event_ticker"], _event(found))
    elif {"ticker", "frequency", "fee_type"} <= found.keys():
        recording.series.setdefault(found["ticker"], _text(found))


def _market(found: dict[str, Any]) -> RecordedMarket:
    return RecordedMarket(
        ticker=found["ticker"],
        event_ticker=found["event_ticker"],
        state=STATE_OF_WORD.get(found["status"], ACTIVE),
        created=_instant(found.get("created_time")),
        updated=_instant(found.get("updated_time")),
        open_at=_instant(found.get("open_time")),
        close_at=_instant(found.get("close_time")),
        settled_at=_instant(found["settlement_ts"]) if found.get("settlement_ts") else None,
        bid=_micros(found.get("yes_bid_dollars", "0")),
        ask=_micros(found.get("yes_ask_dollars", "0")) or MICROS_PER_DOLLAR,
        # Older shapes have no sizes; every side then gets a hundred contracts.
        bid_size=_micros(found.get("yes_bid_size_fp") or "100") // 10_000,
        ask_size=_micros(found.get("yes_ask_size_fp") or "100") // 10_000,
        text=_text(found),
    )


def _event(found: dict[str, Any]) -> RecordedEvent:
    return RecordedEvent(
        ticker=found["event_ticker"],
        series_ticker=found["series_ticker"],
        updated=_instant(found.get("last_updated_ts")),
        is_combo=found["event_ticker"].startswith("KXMVE"),
        text=_text({key: value for key, value in found.items() if key != "markets"}),
    )


def _text(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _instant(text: str | None) -> int:
    if not text:
        return NEVER
    return instant_of(
        datetime.fromisoformat(text).astimezone(UTC) if not text.startswith("0001") else _YEAR_ONE
    )


def _micros(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * MICROS_PER_DOLLAR + int(fraction[:6].ljust(6, "0"))


_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
