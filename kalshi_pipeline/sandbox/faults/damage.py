"""What can be wrong with the bytes of an answer that is whole by its length."""

from enum import Enum


class Damage(Enum):
    """What is wrong with the bytes of an answer."""

    BROKEN_GZIP = "wrong bytes in the middle of compressed data"
    SHORT_LENGTH = "a Content-Length of half of the body, and only that half"
