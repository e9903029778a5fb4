"""What every run of the pipeline holds: the exchange, the database, the settings, and a way to tell its progress."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.settings import Combos, Settings
from kalshi_pipeline.store.database import Database

Tell = Callable[[str], None]

_PROGRESS_SECONDS = 5.0


@dataclass
class Session:
    """One run's connections. `tell` takes a line for a person: progress every few seconds, and each retry."""

    client: KalshiClient
    database: Database
    settings: Settings
    tell: Tell
    _told_at: float = field(default_factory=time.monotonic)

    @property
    def scope(self) -> str:
        """What is collected, in words: runs of different scopes are not compared with each other."""
        combos = {Combos.EXCLUDE: "no combos", Combos.ONLY: "only combos", Combos.INCLUDE: "with combos"}
        return f"{','.join(self.settings.series) or 'all series'}, {combos[self.settings.combos]}"

    @property
    def mve_filter(self) -> str | None:
        """The scope as the `mve_filter` parameter takes it."""
        return None if self.settings.combos is Combos.INCLUDE else self.settings.combos.value

    def tell_progress(self, line: str) -> None:
        """Tell how far a walk is, unless something was told a moment ago."""
        if time.monotonic() - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            self.tell(line)


@contextlib.contextmanager
def open_session(settings: Settings, tell: Tell = lambda _: None) -> Iterator[Session]:
    """Open the database (making it where there is none) and the exchange, and close both at the end."""
    with (
        contextlib.closing(Database(settings.database_url)) as database,
        KalshiClient(
            settings.api_url,
            requests_per_second=settings.requests_per_second,
            timeout_seconds=settings.timeout_seconds,
            retry_seconds=settings.retry_seconds,
            on_retry=tell,
        ) as client,
    ):
        yield Session(client, database, settings, tell)
