"""How texts of the exchange and of users are shown: printable and, in messages, shortened."""

_LONGEST_QUOTED = 300
# Letters and symbols by Unicode category, but invisible: fillers, joiners, variation selectors.
_INVISIBLE = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE0E),  # the next two choose between a letter and its emoji
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def quoted(value: object) -> str:
    """Return a value as messages quote it: its representation, cut at 300 characters."""
    return cut(repr(value[:_LONGEST_QUOTED]) if isinstance(value, str) else repr(value))


def cut(text: str) -> str:
    """Return a text made printable, cut at 300 characters."""
    return printable(text if len(text) <= _LONGEST_QUOTED else text[: _LONGEST_QUOTED - 1] + "…")


def printable(text: str) -> str:
    """Return a text as one line of visible characters.

    Line breaks and other white space become spaces. U+FFFD replaces control characters (such as those that start
    terminal escape sequences), marks that reverse the writing direction, characters without width, and lone surrogates,
    which JSON allows but terminals and databases do not.
    """
    return text if is_printable(text) else "".join(map(_printable, text))


def is_printable(text: str) -> bool:
    """Return whether `printable` would leave the text unchanged."""
    return text.isprintable() and (text.isascii() or _INVISIBLE.isdisjoint(text))


def _printable(char: str) -> str:
    if char.isspace():
        return " "
    return char if is_printable(char) else "\N{REPLACEMENT CHARACTER}"


def is_text(value: str) -> bool:
    """Return whether a text can be sent and stored: it has no lone surrogate and no NUL."""
    return "\0" not in value and (value.isascii() or _is_whole(value))


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
