"""Saved and replayed answers of an exchange, so that both sides of a comparison read the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from kalshi_pipeline.exchange.client import EVENTS_PAGE, KalshiClient
from kalshi_pipeline.exchange.tiers import MARKETS_PAGE
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database

_URL = "http://replayed/trade-api/v2"
_OPEN = "open"
_NOTHING = b'{"markets": [], "cursor": ""}'
_QUERIES: dict[str, dict[str, str]] = {
    "/exchange/status": {},
    "/series": {},
    "/events": {"status": _OPEN, "limit": str(EVENTS_PAGE)},
    "/markets": {"status": _OPEN, "limit": str(MARKETS_PAGE), "mve_filter": "exclude"},
}


class _Envelope(msgspec.Struct):
    cursor: str | None = None


@dataclass(frozen=True)
class SavedPages:
    """The pages of one listing; `position` maps each cursor to its page. Iterate for the bytes of each page."""

    paths: Sequence[Path]
    position: Mapping[str | None, int]

    def __iter__(self) -> Iterator[bytes]:
        return (path.read_bytes() for path in self.paths)

    def first(self, pages: int) -> Iterator[bytes]:
        """Return the bytes of the first pages."""
        return (path.read_bytes() for path in self.paths[:pages])

    def answer(self, cursor: str | None) -> bytes:
        """Return the page that follows a cursor."""
        return self.paths[self.position[cursor]].read_bytes()


def save(api_url: str, path: str, folder: Path) -> SavedPages:
    """Walk a listing and keep its pages as files of a new folder."""
    folder.mkdir()
    paths: list[Path] = []
    position: dict[str | None, int] = {}
    cursor: str | None = None
    with httpx.Client(headers={"Accept-Encoding": "identity"}, timeout=60) as http:
        while cursor or not paths:
            position[cursor] = len(paths)
            query = _QUERIES[path] | ({"cursor": cursor} if cursor else {})
            body = http.get(api_url + path, params=query).raise_for_status().content
            paths.append(folder / f"{len(paths):05}.json")
            paths[-1].write_bytes(body)
            cursor = msgspec.json.decode(body, type=_Envelope).cursor
    return SavedPages(paths, position)


class Replay(httpx.BaseTransport):
    """Answers from saved pages, without a network; `markets` can be replaced by those of another moment."""

    def __init__(self, api_url: str, folder: Path) -> None:
        """Save everything that a run requests apart from markets."""
        self._saved = {
            path: save(api_url, path, folder / path.strip("/").replace("/", "-"))
            for path in ("/exchange/status", "/series", "/events")
        }

    @property
    def markets(self) -> SavedPages:
        """The pages of `/markets`."""
        return self._saved["/markets"]

    @markets.setter
    def markets(self, pages: SavedPages) -> None:
        self._saved["/markets"] = pages

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, as httpx's transports do."""
        if request.url.params.get("status") == "paused":
            return httpx.Response(200, content=_NOTHING)
        saved = self._saved[request.url.path.removeprefix(httpx.URL(_URL).path)]
        return httpx.Response(200, content=saved.answer(request.url.params.get("cursor")))


@contextmanager
def replaying(replay: Replay, path: Path) -> Iterator[Session]:
    """Open a session on a database file and the replay, which is walked serially, as its pages were saved."""
    settings = Settings(
        api_url=_URL, database_url=f"sqlite:///{path}", windows=1, event_lookups=0, requests_per_second=1000
    )
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(
            settings.api_url, requests_per_second=settings.requests_per_second, transport=replay
        ) as client,
    ):
        yield Session(client, database, settings, lambda _: None)
