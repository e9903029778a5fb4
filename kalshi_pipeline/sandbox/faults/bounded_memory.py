"""A bounded memory of the newest requests."""

from collections import OrderedDict
from typing import Any

_MOST_REMEMBERED = 10_000


def remember(memory: OrderedDict[str, Any], key: str, value: object) -> None:
    """Add an entry and drop the oldest ones beyond the limit, so that memory stays bounded in a long run."""
    memory[key] = value
    if len(memory) > _MOST_REMEMBERED:
        del memory[next(iter(memory))]
