"""The world that the sandbox serves.

These hold:

- Equal configs and equal numbers of steps produce equal worlds, to the byte of every answer.
- The volume of a generated market is the sum of its trades, and its last price is that of the newest one.
- yes_ask = 1 - no_bid.
- Candlesticks contain exactly the trades of their period, and the quotes that listings served, as far back as the
  log of quotes reaches (quote_log.py).
- Every trade and every settled market is in one tier.

These are simplified: earlier quotes and deeper book levels are synthetic (past_quotes.py, books.py); `previous_*` and
`volume_24h` count from the last UTC midnight that the world has passed.
"""

from kalshi_pipeline.sandbox.world.config import WorldConfig
from kalshi_pipeline.sandbox.world.initial_world import populate
from kalshi_pipeline.sandbox.world.transitions import advance, archive
from kalshi_pipeline.sandbox.world.world_state import WorldState
from kalshi_pipeline.units import MICROS_PER_SECOND


class World(WorldState):
    """An exchange that changes step by step. Hold `lock` to read consistently while another thread calls `step`."""

    def __init__(self, config: WorldConfig | None = None) -> None:
        super().__init__(config)
        populate(self)

    def step(self, count: int = 1) -> None:
        """Advance the world by `count` steps. While it is paused, only its clock and its cutoff move."""
        for _ in range(count):
            with self.lock:
                advance(self)

    def move_cutoff(self, seconds: float) -> None:
        """Move the cutoff closer to the clock, which it never passes."""
        with self.lock:
            self.cutoff_lead += round(seconds * MICROS_PER_SECOND)
            archive(self)
