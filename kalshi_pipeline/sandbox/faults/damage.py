"""Damage to the bytes of an answer."""

from enum import Enum


class Damage(Enum):
    """A kind of damage to the bytes of an answer."""

    BROKEN_GZIP = "wrong bytes in the middle of compressed data"
    SHORT_LENGTH = "a Content-Length of half of the body, and only that half"
