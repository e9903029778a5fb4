"""How messages quote what came from elsewhere: one that quotes a megabyte helps nobody, and fills a column."""

_LONGEST_QUOTED = 300


def quoted(value: object) -> str:
    """Return what a message quotes of a value: its representation, cut at 300 characters."""
    return cut(repr(value[:_LONGEST_QUOTED]) if isinstance(value, str) else repr(value))


def cut(text: str) -> str:
    """Return a text, cut at 300 characters."""
    return text if len(text) <= _LONGEST_QUOTED else text[: _LONGEST_QUOTED - 1] + "…"
