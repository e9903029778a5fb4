"""An exchange that changes its descriptions, and publishes fees, milestones and similar data."""

from random import Random
from typing import Any

from kalshi_pipeline.units import iso_of
from kalshi_pipeline_tests.ingest.changing_exchange import SERIES, ChangingExchange, Record, Reply

SECOND = 1_000_000
HOUR = 3600 * SECOND
FEE_TYPES = (
    *("quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees", "flat"),
    *("margin_market_maker_program_fees", None),
)
MULTIPLIERS = (1, 0.5, 0.0725, 2, None)


class DescribingExchange(ChangingExchange):
    """A changing exchange that also changes titles, rules, floors, legs, and fields that this version does not know."""

    def describe(self) -> None:
        """Change the descriptions of some records."""
        random = self.random
        changes = (
            self._retitle,
            self._rewrite_rules,
            self._move_floor,
            self._change_legs,
            self._change_new_field,
            self._change_parent,
        )
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            random.choice(changes)()

    def _market(self) -> Record:
        row = self._some() or {}
        if row and self.random.random() < 0.3:
            row["updated_time"] = f"2025-01-01T00:00:00.{self.random.randrange(10**6):06}Z"
        return row

    def _retitle(self) -> None:
        row = self._market()
        if self.random.random() < 0.2:
            row.pop("title", None)
        else:
            row["title"] = f"Title {self.random.randrange(3)}"

    def _rewrite_rules(self) -> None:
        """Rewrite the rules of all markets of an event, as the exchange does."""
        event, rules = self._market().get("event_ticker"), f"Rules {self.random.randrange(4)}. " * 30
        for name, row in self.markets.items():
            if row["event_ticker"] == event and name not in self.archived:
                row["rules_secondary"] = rules

    def _move_floor(self) -> None:
        row = self._market()
        row["settlement_floor_dollars"] = self.random.choice(("0.0000", "0.1000", "0.2550", None))
        row["expiration_value"] = self.random.choice(("", "42", "yes"))
        row["can_close_early"] = self.random.choice((True, False))

    def _change_legs(self) -> None:
        combos = [name for name, row in self.markets.items() if "mve_collection_ticker" in row]
        if not combos:
            return
        row = self.markets[self.random.choice(combos)]
        names = self.random.sample(sorted({*self.markets, "M0", "ELSEWHERE"}), self.random.randint(0, 2))
        row["mve_selected_legs"] = [
            {"market_ticker": name, "event_ticker": f"E of {name}", "side": self.random.choice(("yes", "no"))}
            for name in names
        ]

    def _value(self) -> Any:
        return self.random.choice(
            (
                None,
                True,
                0,
                12345678901234567890123,
                0.1,
                "text",
                "Zürich \u2028",
                [1, "2", None],
                {"b": {"a": []}},
            )
        )

    def _change_new_field(self) -> None:
        row, name = self._market(), f"new_{self.random.randrange(2)}"
        if self.random.random() < 0.3:
            row.pop(name, None)
        elif row:
            row[name] = self._value()

    def _change_parent(self) -> None:
        events = [name for name in self.series_of if self.random.random() < 0.3]
        for name in [*events, self.random.choice(SERIES)]:
            said = self.said.setdefault(name, {})
            said["title"] = f"Title {self.random.randrange(3)}"
            said[f"new_{self.random.randrange(2)}"] = self._value()
            if name in SERIES:
                said["fee_type"] = self.random.choice(("quadratic", "flat", None))
                said["fee_multiplier"] = self.random.choice((1, 0.5, None))
                said["tags"] = self.random.choice((["A"], ["A", "B"], None))
            else:
                said["sub_title"] = self.random.choice(("One", "Two", None))
                said["fee_type_override"] = self.random.choice(("flat", "none", None))


LISTS = {
    "/milestones": ("milestone", "milestones", "id"),
    "/structured_targets": ("structured_target", "structured_targets", "id"),
    "/multivariate_event_collections": ("collection", "multivariate_contracts", "collection_ticker"),
    "/incentive_programs": ("incentive_program", "incentive_programs", "id"),
}
"""The kinds of what is listed and has no table of its own, with the key of the answer and of an item."""
OF_SERIES, OF_EVENTS = "/series/fee_changes", "/events/fee_changes"


class PublishingExchange(DescribingExchange):
    """A describing exchange that also publishes fee changes, event metadata, milestones and similar data, or omits
    some.
    """

    def __init__(self, random: Random, now: int) -> None:
        super().__init__(random, now)
        self.fees: dict[str, dict[str, Record]] = {OF_SERIES: {}, OF_EVENTS: {}}
        self.withdrawn: dict[str, dict[str, Record]] = {OF_SERIES: {}, OF_EVENTS: {}}
        self.published: dict[str, dict[str, Record]] = {path: {} for path in LISTS}
        self.metadata: dict[str, Record] = {}
        self.failing: dict[str, int] = {}
        """The status with which a path answers in place of what it has, once the first page was read."""
        self._count = 0

    def _records_of(self, path: str, content: Record) -> list[Record]:
        return [content] if path.endswith("/metadata") else super()._records_of(path, content)

    def _answer(self, path: str, query: dict[str, str]) -> Reply:
        start = int(query.get("cursor") or 0)
        if path in self.failing and (start or self.failing[path] == 404):
            return self.failing[path], {}
        match path.split("/")[1:]:
            case ["series", "fee_changes"]:
                return 200, {"series_fee_change_arr": [*self.fees[path].values()]}
            case ["events", "fee_changes"]:
                return 200, _paged("event_fee_changes", [*self.fees[path].values()], start)
            case ["events", name, "metadata"]:
                return (200, self.metadata[name]) if name in self.metadata else (404, {})
            case [_] if path in LISTS:
                cursor = "next_cursor" if path == "/incentive_programs" else "cursor"
                return 200, _paged(LISTS[path][1], [*self.published[path].values()], start, cursor)
            case _:
                return super()._answer(path, query)

    def publish(self) -> None:
        """Change some of that data."""
        for _ in range(self.random.choice((0, 1, 2, 3))):
            self.random.choice(
                (
                    self._plan_fee,
                    self._plan_fee,
                    self._edit_fee,
                    self._withdraw_fee,
                    self._waive,
                    self._edit_list,
                )
            )()
        for name in self.series_of:
            if "MV" not in name and (name not in self.metadata or self.random.random() < 0.1):
                self.metadata[name] = {"image_url": f"{name}.png", "market_details": [self._value()]}
                self.said.setdefault(name, {})["product_metadata"] = {"revision": self._number()}
        self.failing.clear()
        if self.random.random() < 0.3:
            paths = (OF_SERIES, OF_EVENTS, *LISTS)
            self.failing[self.random.choice(paths)] = self.random.choice((404, 400))

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _plan_fee(self) -> None:
        path = self.random.choice((OF_SERIES, OF_EVENTS, OF_EVENTS))
        name = f"F{self._number()}"
        known = [row["scheduled_ts"] for row in self.fees[path].values()]
        scheduled_ts = iso_of(self.now - self.now % SECOND + self.random.randint(-20, 20) * HOUR // 4)
        if known and self.random.random() < 0.15:
            scheduled_ts = self.random.choice(known)
        row = {"id": name, "scheduled_ts": scheduled_ts, **self._fee(path)}
        if path == OF_SERIES:
            row["series_ticker"] = self.random.choice(SERIES)
        elif self.series_of:
            row["event_ticker"] = self.random.choice([*self.series_of])
            row["series_ticker"] = self.series_of[row["event_ticker"]]
        else:
            return
        self.fees[path][name] = row

    def _fee(self, path: str) -> Record:
        end = "" if path == OF_SERIES else "_override"
        fee_type, multiplier = self.random.choice(FEE_TYPES), self.random.choice(MULTIPLIERS)
        if end and self.random.random() < 0.3:
            fee_type = multiplier = None
        return {f"fee_type{end}": fee_type, f"fee_multiplier{end}": multiplier}

    def _edit_fee(self) -> None:
        path = self.random.choice((OF_SERIES, OF_EVENTS))
        if self.fees[path]:
            row = self.random.choice([*self.fees[path].values()])
            self.fees[path][row["id"]] = row | self._fee(path)

    def _withdraw_fee(self) -> None:
        """Remove a change from the listing, or list it again."""
        path = self.random.choice((OF_SERIES, OF_EVENTS))
        here, there = self.fees[path], self.withdrawn[path]
        if there and self.random.random() < 0.4:
            here, there = there, here
        if here:
            name = self.random.choice([*here])
            there[name] = here.pop(name)

    def _waive(self) -> None:
        row = self._market()
        if row and self.random.random() < 0.3:
            row.pop("fee_waiver_expiration_time", None)  # taken away early
        elif row:
            row["fee_waiver_expiration_time"] = iso_of(self.now + self.random.randint(-4, 20) * HOUR // 4)

    def _edit_list(self) -> None:
        path = self.random.choice([*LISTS])
        items, key = self.published[path], LISTS[path][2]
        name = f"L{self.random.randrange(7)}"
        if name in items and self.random.random() < 0.2:
            del items[name]
        else:
            items[name] = {key: name, "title": f"Title {self.random.randrange(3)}", "new": self._value()}


def _paged(key: str, rows: list[Record], start: int, cursor: str = "cursor") -> Record:
    end = start + 3
    return {key: rows[start:end], cursor: str(end) if end < len(rows) else ""}
