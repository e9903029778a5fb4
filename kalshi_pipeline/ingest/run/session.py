"""What every run of the pipeline holds: the exchange, the database, the settings, and a way to tell its progress."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.payloads import COMBO_PREFIX
from kalshi_pipeline.settings import Combos, Settings
from kalshi_pipeline.store.database import Database

Tell = Callable[[str], None]

_PROGRESS_SECONDS = 8.0


@dataclass
class Session:
    """One run's connections, and `tell_progress`, which takes a line for a person as often as there is news."""

    client: KalshiClient
    database: Database
    settings: Settings
    tell_progress: Tell
    clock: Clock = SYSTEM_CLOCK

    @property
    def scope(self) -> str:
        """What is collected, in words: runs of different scopes are not compared with each other."""
        combos = {Combos.EXCLUDE: "no combos", Combos.ONLY: "only combos", Combos.INCLUDE: "with combos"}
        return f"{','.join(self.settings.series) or 'all series'}, {combos[self.settings.combos]}"

    @property
    def combos(self) -> tuple[bool, ...]:
        """The scope as markets carry it: the values of `is_combo` that belong to it."""
        return {
            Combos.EXCLUDE: (False,),
            Combos.ONLY: (True,),
            Combos.INCLUDE: (False, True),
        }[self.settings.combos]

    def wants(self, ticker: str) -> bool:
        """Whether a market is in the scope, by its ticker alone: it begins with its series, combos with KXMVE."""
        series, combos = self.settings.series, self.settings.combos
        if combos is not Combos.INCLUDE and ticker.startswith(COMBO_PREFIX) is not (combos is Combos.ONLY):
            return False
        return not series or ticker.startswith(tuple(f"{one}-" for one in series)) or ticker in series

    @property
    def mve_filter(self) -> str | None:
        """The scope as the `mve_filter` parameter takes it."""
        return None if self.settings.combos is Combos.INCLUDE else self.settings.combos.value


def _now_and_then(tell: Tell, clock: Clock) -> Tell:
    """Pass a line on unless one was passed a moment ago: a long walk is heard of, a short one is silent."""
    told_at = clock.monotonic()

    def tell_progress(line: str) -> None:
        nonlocal told_at
        if clock.monotonic() - told_at >= _PROGRESS_SECONDS:
            told_at = clock.monotonic()
            tell(line)

    return tell_progress


@contextlib.contextmanager
def open_session(
    settings: Settings,
    tell: Tell = lambda _: None,
    *,
    tell_retries: bool = True,
    is_backfill: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[Session]:
    """Open the database (making it where there is none) and the exchange, and close both at the end.

    A backfill has KALSHI_BACKFILL_SHARE of the requests, so that it never makes a tick late.

    `tell` hears of progress, and of retries where wanted, a line every few seconds at the most.
    """
    tell_progress = _now_and_then(tell, clock)
    with (
        contextlib.closing(Database(settings.database_url, clock=clock)) as database,
        KalshiClient(
            settings.api_url,
            requests_per_second=settings.requests_per_second,
            limit_file=database.limit_file,
            share=settings.backfill_share if is_backfill else 1,
            timeout_seconds=settings.timeout_seconds,
            retry_seconds=settings.retry_seconds,
            on_retry=tell_progress if tell_retries else lambda _: None,
            clock=clock,
        ) as client,
    ):
        yield Session(client, database, settings, tell_progress, clock)
