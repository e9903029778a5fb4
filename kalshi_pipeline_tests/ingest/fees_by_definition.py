"""The fee in force at an instant, by its definition, from the exchange's own answers: without the code of the pipeline.

The newest change of an event's override in force decides, unless it clears the override by naming neither value. Next
comes the newest change of the series' fee, then the series' own record. A change that is no longer listed was withdrawn
if it was to take effect more than a minute later; otherwise it is history.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from kalshi_pipeline_tests.ingest.changing_exchange import Answer, Record
from kalshi_pipeline_tests.ingest.describing_exchange import OF_EVENTS, OF_SERIES, SECOND

MINUTE = 60 * SECOND
KNOWN_TYPES = {
    *("quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees", "flat"),
}
NAMES = {
    OF_SERIES: ("series_ticker", "fee_type", "fee_multiplier"),
    OF_EVENTS: ("event_ticker", "fee_type_override", "fee_multiplier_override"),
}


class DefinedFee(NamedTuple):
    """A fee that is known, with its multiplier in millionths."""

    fee_type: str
    fee_multiplier: int
    is_override: bool


def micros_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


def millionths(number: object) -> int:
    return int(Decimal(str(number)) * 1_000_000)


class FeesByDefinition:
    """What was listed so far."""

    def __init__(self) -> None:
        self.changes: dict[str, dict[str, Record]] = {OF_SERIES: {}, OF_EVENTS: {}}
        self.withdrawn: dict[str, set[str]] = defaultdict(set)
        self.listed: set[str] = set()

    def receive(self, answers: list[Answer], at: int) -> None:
        """Take what one run listed for each path; the listing is complete if its last page has no successor."""
        for path in (OF_SERIES, OF_EVENTS):
            pages = [answer for answer in answers if answer.path == path]
            rows = {row["id"]: row for answer in pages if answer.status == 200 for row in answer.records}
            changes = self.changes[path]
            changes.update(rows)
            self.withdrawn[path] -= rows.keys()
            if pages and pages[-1].status == 200 and not pages[-1].has_more:
                self.listed.add(path)
                self.withdrawn[path] |= {
                    key
                    for key, row in changes.items()
                    if key not in rows and micros_of(row["scheduled_ts"]) > at + MINUTE
                }

    def instants(self) -> list[int]:
        """When the changes take effect."""
        return [micros_of(row["scheduled_ts"]) for of in self.changes.values() for row in of.values()]

    def fee_at(
        self, series: str, event: str | None, at: int, said: Mapping[str, Mapping[str, Any]]
    ) -> DefinedFee | None:
        """Return the fee in force, None if it is unknown. `said` has the records' own fees, as known at that
        instant.
        """
        if event is not None:
            if OF_EVENTS not in self.listed:
                return None
            found = self._newest(OF_EVENTS, event, at)
            described = said.get(event, {})
            if not found and (
                described.get("fee_type_override") is not None
                or described.get("fee_multiplier_override") is not None
            ):
                return None  # an override that no change explains
            if found and found != {(None, None)}:
                return _known(found, is_override=True)
        found = self._newest(OF_SERIES, series, at)
        record = said.get(series, {})
        found = found or {(record.get("fee_type"), record.get("fee_multiplier"))}
        return _known(found, is_override=False)

    def _newest(self, path: str, ticker: str, at: int) -> set[tuple[str | None, int | None]]:
        """Return the newest changes until an instant; several if they take effect together."""
        key, *names = NAMES[path]
        values: dict[int, set[tuple[str | None, int | None]]] = defaultdict(set)
        for name, row in self.changes[path].items():
            scheduled_at = micros_of(row["scheduled_ts"])
            if row[key] == ticker and name not in self.withdrawn[path] and scheduled_at <= at:
                fee_type, multiplier = (row[name] for name in names)
                values[scheduled_at].add((fee_type, None if multiplier is None else millionths(multiplier)))
        return values[max(values)] if values else set()


def _known(found: set[tuple[str | None, int | None]], *, is_override: bool) -> DefinedFee | None:
    (fee_type, multiplier), *others = found
    if others or fee_type not in KNOWN_TYPES or fee_type is None or multiplier is None:
        return None
    return DefinedFee(fee_type, multiplier, is_override)
