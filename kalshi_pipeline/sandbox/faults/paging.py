"""Faults of paging: empty, repeated and endless pages, and the aliases of cursors that they need."""

from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qsl, urlencode

from kalshi_pipeline.sandbox.faults.bounded_memory import remember
from kalshi_pipeline.sandbox.faults.corrupt import row_lists, with_other_quote
from kalshi_pipeline.sandbox.faults.faults import Faults

_ALIAS = "_again"


class PagingFaults:
    """Applies the faults of paging, and remembers the pages and cursors on which they depend. Not thread-safe."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.pages = 0
        """The number of answered pages."""
        self._tails: OrderedDict[str, list[Any]] = OrderedDict()
        self._aliases: OrderedDict[str, str] = OrderedDict()

    def query_of(self, query: str) -> str:
        """Return the query to answer instead: with the real cursor of an alias, and with room for repeated rows."""
        if not (self._aliases or self._tails):
            return query
        parameters = dict(parse_qsl(query))
        cursor = parameters.get("cursor", "")
        real = parameters["cursor"] = self._aliases.get(cursor, cursor)
        if real in self._tails:
            limit = int(parameters.get("limit") or 100)
            parameters["limit"] = str(max(1, limit - len(self._tails[real])))
        return urlencode(parameters) if parameters != dict(parse_qsl(query)) and cursor else query

    def turn(self, answer: dict[str, Any], cursor: str) -> None:
        """Apply the faults of paging to a page, in place; `cursor` is what the client sent."""
        faults = self._faults
        key, rows = row_lists(answer)[0]
        self.pages += 1
        if faults.endless and cursor:
            answer[key], answer["cursor"] = [], f"{cursor}{self.pages}"
            return
        if faults.empty_pages and cursor and cursor not in self._aliases:
            alias = cursor + _ALIAS
            remember(self._aliases, alias, cursor)
            answer[key], answer["cursor"] = [], alias
            return
        if faults.repeated_cursor and cursor:
            answer["cursor"] = cursor
        if "cursor" in faults.ignored and answer["cursor"]:
            answer["cursor"] = f"{answer['cursor']}{self.pages}"
        if faults.overlap:
            again = self._tails.get(self._aliases.get(cursor, cursor), [])
            answer[key] = [*map(with_other_quote, again), *rows] if faults.overlap_differs else again + rows
            if answer["cursor"]:
                keep = min(faults.overlap, max(0, len(answer[key]) - 1))
                remember(self._tails, answer["cursor"], answer[key][len(answer[key]) - keep :])
