"""The one resource: the settings of a run, and the session that its assets open."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import dagster as dg
from pydantic import Field

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.run.session import OnProgress, Session, open_session
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.dialects import dialect_of


class Pipeline(dg.ConfigurableResource[None]):
    """The exchange and the database that the settings name (KALSHI_… in the environment, or else in .env).

    Settings are read when an asset starts, not when the code is loaded, so that a wrong one is a failed run with its
    reason instead of a code location that does not load. The environment is that of Dagster's start, .env as it is now.
    """

    overrides: dict[str, str] = Field(
        default={},
        description="Settings of this run that differ from the environment's, such as max_pages: '1'",
    )

    def settings(self) -> Settings:
        """Read the settings; raise ConfigurationError with every problem."""
        return current_settings(**self.overrides)

    def session(
        self,
        on_progress: OnProgress,
        *,
        is_backfill: bool = False,
        last_place: Callable[[], str | None] = lambda: None,
    ) -> AbstractContextManager[Session]:
        """Open the exchange and the database for one asset.

        A database that is missing is created, unless it is in the place that the asset was stored into last: then its
        file has vanished, and another one in its place would hide that.
        """
        settings = self.settings()
        database = dialect_of(settings.database_url)
        create = database.identity() is not None or last_place() != database.place
        return open_session(
            settings,
            lambda line: on_progress(printable(line)),
            is_backfill=is_backfill,
            create=create,
            clock=self.clock(),
        )

    def clock(self) -> Clock:
        """Return the clock of its sessions."""
        return SYSTEM_CLOCK


def database_kind() -> str:
    """Return the kind of the database that the settings name, or of the default one if they cannot be used.

    It is read when the code is loaded, for the UI alone: a wrong setting must not keep the code from loading.
    """
    try:
        url: str = current_settings().database_url
    except ConfigurationError:
        url = Settings.model_fields["database_url"].default
    return dialect_of(url).kind
