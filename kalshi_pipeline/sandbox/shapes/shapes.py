"""The shape of answers that a world is configured for."""

from kalshi_pipeline.sandbox.shapes.shape_2026_01 import JanuaryShape
from kalshi_pipeline.sandbox.shapes.shape_2026_10 import NewestShape
from kalshi_pipeline.sandbox.shapes.shape_future import FutureShape
from kalshi_pipeline.sandbox.world.world import World

_SHAPES: dict[str, type[NewestShape]] = {
    "2026-01": JanuaryShape,
    "2026-10": NewestShape,
    "future": FutureShape,
}


def shape_of(world: World) -> NewestShape:
    return _SHAPES[world.config.shape](world)
