"""Pseudo-random numbers that need no state: equal arguments always return equal numbers.

What the world stores in columns is drawn from one `random.Random`. What it can derive at every request (texts, book
levels, identifiers) is drawn here, so that it needs no memory.
"""

_MASK = (1 << 64) - 1


def scatter(seed: int, number: int) -> int:
    """Return a 64-bit number that looks unrelated to both arguments (splitmix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + 0x2545F4914F6CDD1D) & _MASK
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 31)


def is_within(draw: int, share: float) -> bool:
    """Return whether a number from `scatter` is within the lowest share of them."""
    return draw < share * 2**64


def uuid_of(seed: int, number: int) -> str:
    """Return a text in the form of a UUID; equal arguments return equal texts."""
    half = scatter(seed, number)
    digits = f"{half:016x}{half * 0x9E3779B97F4A7C15 & _MASK:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
