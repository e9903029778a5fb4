"""The one resource: the settings of a run, and the session that its assets open."""

from contextlib import AbstractContextManager

import dagster as dg
from pydantic import Field

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.ingest.run.session import Session, Tell, open_session
from kalshi_pipeline.settings import Settings, load_settings


class Pipeline(dg.ConfigurableResource[None]):
    """The exchange and the database, as the settings (KALSHI_… in the environment or .env) name them.

    Settings are read when an asset starts and not when the code is loaded, so that a wrong one is a red run with
    its reason and never a code location that does not load.
    """

    overrides: dict[str, str] = Field(
        default={},
        description="Settings of this run that differ from the environment's, such as max_pages: '1'",
    )

    def settings(self) -> Settings:
        """Read the settings; ConfigurationError names every problem."""
        return load_settings(**self.overrides)

    def session(self, tell: Tell, *, is_backfill: bool = False) -> AbstractContextManager[Session]:
        """Open the exchange and the database for one asset."""
        return open_session(self.settings(), tell, is_backfill=is_backfill, clock=self.clock())

    def clock(self) -> Clock:
        """Return the clock of its sessions."""
        return SYSTEM_CLOCK
