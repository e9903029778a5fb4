"""The only resource: the settings of a run, and the session that its assets open."""

from contextlib import AbstractContextManager
from typing import Any

import dagster as dg
from pydantic import Field

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.defs.databases import was_stored_into
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.run.session import OnProgress, Session, open_session
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.dialects import dialect_of


def _setting(name: str) -> Any:  # noqa: ANN401  (the default of a field of any type)
    """Return the field of a run's config that sets a setting, with the setting's own description."""
    return Field(default=None, description=Settings.model_fields[name].description)


class Pipeline(dg.ConfigurableResource[None]):
    """The exchange and the database of the settings (KALSHI_… in the environment, or else in .env).

    Each field overrides the setting of its name for one run. Settings are read when an asset starts, not when the code
    is loaded: an invalid setting fails the run with its reason, and the code location still loads. Environment
    variables are those that Dagster was started with; .env is read again for each run.
    """

    api_url: str | None = _setting("api_url")
    database_url: str | None = _setting("database_url")
    requests_per_second: float | None = _setting("requests_per_second")
    backfill_share: float | None = _setting("backfill_share")
    snapshot_mode: str | None = _setting("snapshot_mode")
    keyframe_hours: float | None = _setting("keyframe_hours")
    combos: str | None = _setting("combos")
    series: list[str] | None = _setting("series")
    max_pages: int | None = _setting("max_pages")
    timeout_seconds: float | None = _setting("timeout_seconds")
    retry_seconds: float | None = _setting("retry_seconds")
    max_response_mb: float | None = _setting("max_response_mb")
    windows: int | None = _setting("windows")
    walk_seconds: float | None = _setting("walk_seconds")
    event_lookups: int | None = _setting("event_lookups")
    healing_requests: int | None = _setting("healing_requests")
    reconcile_requests: int | None = _setting("reconcile_requests")
    placeholder_hours: float | None = _setting("placeholder_hours")
    quarantine_share: float | None = _setting("quarantine_share")
    quarantine_mb: float | None = _setting("quarantine_mb")
    run_history_days: float | None = _setting("run_history_days")
    candlestick_series: list[str] | None = _setting("candlestick_series")
    candlestick_markets: list[str] | None = _setting("candlestick_markets")
    candlestick_minutes: int | None = _setting("candlestick_minutes")
    order_book_markets: list[str] | None = _setting("order_book_markets")

    overrides: dict[str, str] = Field(
        default={},
        description="Any setting as text, such as max_pages: '1'; a field above takes precedence",
    )

    def settings(self) -> Settings:
        """Read the settings; raise ConfigurationError with every problem."""
        fields = {
            name: getattr(self, name) for name in Settings.model_fields if name in type(self).model_fields
        }
        chosen = {name: value for name, value in fields.items() if value is not None}
        return current_settings(**{**self.overrides, **chosen})

    def session(
        self,
        on_progress: OnProgress,
        instance: dg.DagsterInstance,
        *,
        is_backfill: bool = False,
    ) -> AbstractContextManager[Session]:
        """Open the exchange and the database for one asset.

        A missing database is created, unless an asset of the instance was last stored at its path: its file has then
        vanished, and a new one would hide that.
        """
        settings = self.settings()
        database = dialect_of(settings.database_url)
        create = database.identity() is not None or not was_stored_into(instance, database.place)
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


def settings_or_defaults() -> Settings:
    """Return the settings without a run's config, or the defaults if a setting is invalid.

    An invalid setting must not keep the code from loading, or end a run whose config corrects it.
    """
    try:
        return current_settings()
    except ConfigurationError:
        return Settings()


def database_kind() -> str:
    """Return the kind of the configured database, for the UI."""
    return dialect_of(settings_or_defaults().database_url).kind
