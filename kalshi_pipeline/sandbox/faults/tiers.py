"""Decides whether the live or the historical tier shows a market or a trade, with the faults of the hand-off.

Without faults, each settled market and each trade is in one tier. If a fault shows a market in both, the live tier has
an older version: another result, another volume or no `settlement_ts`.
"""

import json

from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.world.chance import is_within, scatter
from kalshi_pipeline.sandbox.world.states import ARCHIVED, CLOSED
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import DAY

_SHARE_OF_HAND_OFF = 1 / 3
_HAND_OFF = DAY  # how long the trades of a market that is in both tiers stay in both


class Tiers:
    """The tiers of a world, with one `Faults` applied."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self.overlap = faults.both_tiers and world.config.shape != "2026-01"  # there was one tier then
        self.hides = faults.no_tier > 0

    def is_hidden(self, market: int) -> bool:
        """Return whether a closed market is deleted: it is then in neither tier."""
        share = self._faults.no_tier
        return (
            share > 0
            and self._world.markets.state[market] >= CLOSED
            and is_within(scatter(self._faults.seed + 2, market), share)
        )

    def is_in_both(self, market: int) -> bool:
        return (
            self.overlap
            and self._world.markets.state[market] == ARCHIVED
            and is_within(scatter(self._faults.seed + 3, market), _SHARE_OF_HAND_OFF)
        )

    def is_live(self, market: int) -> bool:
        return not self.is_hidden(market) and (self._world.is_live(market) or self.is_in_both(market))

    def is_historical(self, market: int) -> bool:
        return not self.is_hidden(market) and not self._world.is_live(market)

    def first_live_trade(self) -> int:
        return self._world.tape.first_at_or_after(self._world.cutoff)

    def first_overlapping_trade(self) -> int:
        """Return the position from which on trades of the historical tier can be in the live tier too."""
        since = self._world.cutoff - (_HAND_OFF if self.overlap else 0)
        return self._world.tape.first_at_or_after(since)

    def older_version(self, market: int, text: str) -> str:
        """Return the JSON of a market as the live tier still has it."""
        row, draw = json.loads(text), scatter(self._faults.seed + 4, market)
        match draw % 3:
            case 0:
                row["result"] = "no" if row["result"] == "yes" else "yes"
                row["settlement_value_dollars"] = "1.0000" if row["result"] == "yes" else "0.0000"
            case 1:
                row["volume_fp"] = f"{draw % 1_000}.00"
            case _:
                del row["settlement_ts"]
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
