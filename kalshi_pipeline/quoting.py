"""How messages quote what came from elsewhere: one that quotes a megabyte helps nobody, and fills a column."""

_LONGEST_QUOTED = 300


def quoted(value: object) -> str:
    """Return what a message quotes of a value: its representation, cut at 300 characters."""
    return cut(repr(value[:_LONGEST_QUOTED]) if isinstance(value, str) else repr(value))


def cut(text: str) -> str:
    """Return a text, cut at 300 characters."""
    return text if len(text) <= _LONGEST_QUOTED else text[: _LONGEST_QUOTED - 1] + "…"


def is_text(value: str) -> bool:
    """Return whether a text is one that can be sent and stored: without half a character, and without a NUL."""
    return "\0" not in value and (value.isascii() or _is_whole(value))


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
