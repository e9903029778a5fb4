"""Reads query parameters as the exchange does: a wrong word or number returns 400, an unknown name is ignored."""

from collections.abc import Iterable

from kalshi_pipeline.sandbox.http.cursors import Keyset, decode_cursor, encode_cursor, query_checksum
from kalshi_pipeline.sandbox.http.refusals import BadRequestError

MOST_TICKERS = 200  # 200 are known to work (reported, 25 August 2026); more are refused here
_LONGEST_TICKER = 200
_LARGEST = 2**63 - 1
_BOOLEANS = {
    "true": True,
    "True": True,
    "1": True,
    "t": True,
    "false": False,
    "False": False,
    "0": False,
    "f": False,
}


class Query:
    """The path parameters and the query of a request. An empty value counts as absent, as with Go's omitempty."""

    def __init__(self, route: str, path: dict[str, str], parameters: list[tuple[str, str]]) -> None:
        self.path = path
        self._parameters = parameters
        self._first = {name: value for name, value in reversed(parameters) if value != ""}
        self._checksum = query_checksum(route + repr(sorted(path.items())), parameters)

    def text(self, name: str) -> str | None:
        return self._first.get(name)

    def texts(self, name: str) -> list[str]:
        """Return all values of a repeated parameter."""
        return [value for key, value in self._parameters if key == name and value]

    def integer(self, name: str) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or abs(int(digits)) > _LARGEST:
            raise BadRequestError(f"invalid {name}")
        return int(text)

    def required_integer(self, name: str) -> int:
        number = self.integer(name)
        if number is None:
            raise BadRequestError(f"{name} is required")
        return number

    def flag(self, name: str) -> bool:
        return bool(self.maybe_flag(name))

    def maybe_flag(self, name: str) -> bool | None:
        text = self.text(name)
        if text is not None and text not in _BOOLEANS:
            raise BadRequestError(f"invalid {name}")
        return None if text is None else _BOOLEANS[text]

    def word(self, name: str, allowed: Iterable[str], details: str) -> str | None:
        text = self.text(name)
        if text is not None and text not in allowed:
            raise BadRequestError(details)
        return text

    def limit(self, default: int, most: int, least: int = 0, name: str = "limit") -> int:
        """Return the page size. If 0 is allowed, it means the default, since Go treats it as absent."""
        number = self.integer(name)
        if number is None:
            return default
        if not least <= number <= most:
            raise BadRequestError
        return number or default

    def tickers(self, name: str, most: int = MOST_TICKERS) -> list[str] | None:
        """Return the distinct tickers of a comma list; repeated ones count towards `most`."""
        text = self.text(name)
        if text is None:
            return None
        tickers = [ticker for ticker in text.split(",") if ticker]
        if len(tickers) > most or any(len(ticker) > _LONGEST_TICKER for ticker in tickers):
            raise BadRequestError(f"invalid {name}")
        return list(dict.fromkeys(tickers))

    def keyset(self) -> Keyset | None:
        cursor = self.text("cursor")
        return None if cursor is None else decode_cursor(cursor, self._checksum)

    def cursor(self, at: int, identifier: str) -> str:
        """Return the cursor that continues after a row."""
        return encode_cursor(Keyset(at, identifier), self._checksum)
