"""Writes of unchanged quotes: the keys of the markets that a tick found unchanged, in blocks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, delete, insert, select

from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.schema.tables import BLOCK_SIZE, unchanged_blocks

# Remainders by block and by milliseconds from the tick to the answer.
_Stored: TypeAlias = dict[tuple[int, int], set[int]]

_columns = unchanged_blocks.c
_of_tick = _columns.tick_id == bindparam("tick_id")
_select_blocks = select(_columns.block, _columns.received_ms, _columns.remainders).where(
    _of_tick, _columns.block.in_(bindparam("blocks", expanding=True))
)
_delete_row = delete(unchanged_blocks).where(
    _of_tick,
    _columns.block == bindparam("block"),
    _columns.received_ms == bindparam("received_ms"),
)


def list_unchanged(
    connection: Connection, tick_id: int, received_ms: int, unchanged: Iterable[int], changed: Iterable[int]
) -> None:
    """List the markets that a response showed as unchanged at a tick, and remove those that it showed as changed.

    The tick may have listed them before, on another page or in an earlier attempt. Those that stay keep their first
    time.
    """
    shown, removed = _in_blocks(unchanged), _in_blocks(changed)
    before = _stored(connection, tick_id, sorted(shown.keys() | removed.keys()))
    after = {key: remainders - removed.get(key[0], set()) for key, remainders in before.items()}
    for (block, _), remainders in before.items():
        shown.get(block, set()).difference_update(remainders)
    for block, remainders in shown.items():
        after.setdefault((block, received_ms), set()).update(remainders)
    _replace(connection, tick_id, before, after)


def _in_blocks(market_ids: Iterable[int]) -> dict[int, set[int]]:
    blocks: dict[int, set[int]] = defaultdict(set)
    for market_id in market_ids:
        blocks[market_id // BLOCK_SIZE].add(market_id % BLOCK_SIZE)
    return blocks


def _stored(connection: Connection, tick_id: int, blocks: Sequence[int]) -> _Stored:
    return {
        (block, received_ms): set(remainders)
        for part in in_parts(blocks)
        for block, received_ms, remainders in connection.execute(
            _select_blocks, {"tick_id": tick_id, "blocks": part}
        )
    }


def _replace(
    connection: Connection,
    tick_id: int,
    before: Mapping[tuple[int, int], set[int]],
    after: Mapping[tuple[int, int], set[int]],
) -> None:
    differing = [key for key in after if after[key] != before.get(key, set())]
    if replaced := [key for key in differing if key in before]:
        connection.execute(
            _delete_row,
            [
                {"tick_id": tick_id, "block": block, "received_ms": received_ms}
                for block, received_ms in replaced
            ],
        )
    if rows := [
        {
            "tick_id": tick_id,
            "block": block,
            "received_ms": received_ms,
            "remainders": bytes(sorted(after[block, received_ms])),
        }
        for block, received_ms in differing
        if after[block, received_ms]
    ]:
        connection.execute(insert(unchanged_blocks), rows)
