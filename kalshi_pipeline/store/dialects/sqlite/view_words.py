"""SQLite's expressions for views."""

from kalshi_pipeline.store.dialects.interface import ViewWords


class SqliteWords(ViewWords):
    """SQLite's expressions."""

    def iso(self, micros: str) -> str:
        seconds = f"strftime('%Y-%m-%dT%H:%M:%S.', {micros} / 1000000, 'unixepoch')"
        return f"{seconds} || substr({micros} % 1000000 + 1000000, 2) || 'Z'"

    def iso_seconds(self, micros: str) -> str:
        return f"strftime('%Y-%m-%dT%H:%M:%SZ', {micros} / 1000000, 'unixepoch')"

    def day(self, micros: str) -> str:
        return f"strftime('%Y-%m-%d', {micros} / 1000000, 'unixepoch')"

    def uuid(self, octets: str) -> str:
        parts = ((1, 4), (5, 2), (7, 2), (9, 2), (11, 6))
        return " || '-' || ".join(f"lower(hex(substr({octets}, {first}, {count})))" for first, count in parts)

    def text(self, octets: str) -> str:
        return f"rtrim(CAST({octets} AS TEXT))"

    def lists(self, words: str, word: str) -> str:
        return f"instr(',' || {words} || ',', ',' || {word} || ',') > 0"

    def greater(self, one: str, other: str) -> str:
        return f"max({one}, {other})"

    def holds(self, octets: str, octet: str) -> str:
        # Quoted, because `char` is a type to other programs that read the views.
        return f'instr({octets}, CAST("char"({octet}) AS BLOB)) > 0'
