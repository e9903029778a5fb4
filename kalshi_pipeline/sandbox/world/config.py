"""The settings of a world: its size, its pace and the shape of its answers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

Shape = Literal["2026-01", "2026-10", "future"]
SHAPES: tuple[Shape, ...] = get_args(Shape)


@dataclass(frozen=True)
class WorldConfig:
    """The settings that determine a world: equal configs and equal numbers of steps produce equal answers.

    `markets` and `combos` are how many `/markets?status=open` lists at the start. Closed, settled, archived and
    unopened markets come on top: `past_share` of the open ones, settled within the last `past_days`.
    `trades_per_day` are added on each of the last `trade_days` before the start. Markets that settled, and trades
    that were made, more than `cutoff_days` ago are historical; a few minutes are a fraction of a day.

    Each step creates `births_per_step` markets in events that grow one after the other, closes `closes_per_step`
    markets early, mints `combos_per_step` combos, and makes `edits_per_step` edits of descriptions: titles, closes,
    strikes, floors, waivers, rules, series, fees, legs, milestones, metadata and collections in turn (editing.py).

    `created_within_seconds` is the span in which everything that is open at the start was created, beginning with a
    whole second: 1 is within the same second, 0 at the same microsecond; None spreads the markets over 30 days and the
    combos over twelve hours. `quote_changes_kept` is how many changes of quotes are remembered for candlesticks, at 16
    bytes each (quote_log.py): 100,000 markets of which 8 % move at each step fill the 256 MB in about 2,500 steps.
    `recordings` is a folder of recorded responses, whose objects are served unchanged beside the generated ones.
    """

    seed: int = 1
    markets: int = 1_000
    combos: int = 0
    change_share: float = 0.1
    births_per_step: int = 1
    closes_per_step: int = 1
    combos_per_step: int = 0
    edits_per_step: int = 0
    past_share: float = 0.1
    created_within_seconds: float | None = None
    past_days: float = 150
    trades_per_day: int = 0
    trade_days: float = 1
    cutoff_days: float = 60
    quote_changes_kept: int = 16_000_000
    shape: Shape = "2026-10"
    start: datetime = datetime(2026, 10, 8, 12, 0, 0, tzinfo=UTC)
    step_seconds: float = 60.0
    recordings: Path | None = None

    def __post_init__(self) -> None:
        problems = [
            f"{name} is {value}, but cannot be negative"
            for name, value in vars(self).items()
            if isinstance(value, int | float) and name != "seed" and value < 0
        ]
        if self.shape not in SHAPES:
            problems.append(f"shape is {self.shape!r}, but must be one of {', '.join(SHAPES)}")
        if self.start.tzinfo is None:
            problems.append("start has no time zone")
        if self.change_share > 1:
            problems.append(f"change_share is {self.change_share}, but must be a share from 0 to 1")
        if problems:
            raise ValueError("; ".join(problems))
