"""How messages quote texts of the exchange and of users: printable, and cut to a length that can be read and stored."""

_LONGEST_QUOTED = 300


def quoted(value: object) -> str:
    """Return what a message quotes of a value: its representation, cut at 300 characters."""
    return cut(repr(value[:_LONGEST_QUOTED]) if isinstance(value, str) else repr(value))


def cut(text: str) -> str:
    """Return a text of the exchange in one line, cut at 300 characters, with nothing that a terminal would act upon.

    Half a character, which JSON allows and neither a terminal nor a database takes, is replaced too.
    """
    short = text if len(text) <= _LONGEST_QUOTED else text[: _LONGEST_QUOTED - 1] + "…"
    return short if short.isprintable() else "".join(map(_printable, short))


def _printable(char: str) -> str:
    if char.isspace():
        return " "
    return char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"


def is_text(value: str) -> bool:
    """Return whether a text is one that can be sent and stored: without half a character, and without a NUL."""
    return "\0" not in value and (value.isascii() or _is_whole(value))


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
