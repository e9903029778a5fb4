"""The world that the sandbox serves: its clock, its rows and the indexes over them.

What holds: one config and one number of steps give one world, to the byte; a generated market's volume is
the sum of its trades and its last price the newest one's; yes_ask = 1 - no_bid; candlesticks hold exactly the
trades of their period and the quotes that listings served, as far as the log of quotes reaches (quote_log.py);
every trade and every settled market is in one tier. What does not: earlier quotes and the deeper book levels are
made up for each market (past_quotes.py, books.py), and `previous_*` and `volume_24h` count from the last UTC
midnight that the world has passed.
"""

from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.config import WorldConfig
from kalshi_pipeline.sandbox.world.initial_world import create
from kalshi_pipeline.sandbox.world.transitions import advance, archive
from kalshi_pipeline.sandbox.world.world_state import WorldState


class World(WorldState):
    """A living exchange. Hold `lock` to read a consistent answer while another thread steps."""

    def __init__(self, config: WorldConfig | None = None) -> None:
        super().__init__(config)
        create(self)

    def step(self, count: int = 1) -> None:
        """Lets the world live for `count` steps. While it is paused only its clock moves."""
        for _ in range(count):
            with self.lock:
                advance(self)

    def move_cutoff(self, seconds: float) -> None:
        """Moves the cutoff ahead of its usual distance from the clock, which it never passes."""
        with self.lock:
            self.cutoff_lead += round(seconds * MICROS)
            archive(self)
