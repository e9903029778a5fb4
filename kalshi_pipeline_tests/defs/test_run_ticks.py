"""The tick of a run comes from its tags, which a person can set or copy."""

from collections.abc import Iterator

import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.units import MICROS_PER_SECOND, tick_iso_of
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failure_of


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=60, combos=0))) as running:
        yield running


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        pytest.param(
            {"kalshi/tick": "yesterday"}, "the tag kalshi/tick=yesterday is not a time such as", id="words"
        ),
        pytest.param(
            {"kalshi/tick": "2026-11-22T14:05:00"},
            "the tag kalshi/tick=2026-11-22T14:05:00 is not",
            id="naive",
        ),
        pytest.param({"kalshi/tick": "0001-01-01T00:00:00Z"}, "the tag kalshi/tick=0001-01-01", id="unset"),
        *(
            pytest.param(
                {"kalshi/tick": "2026-11-22T14:05:00Z", "kalshi/period_seconds": text},
                f"the tag kalshi/period_seconds={text} is not a number of seconds above 0",
                id=f"period {text}",
            )
            for text in ("often", "nan", "inf", "-5", "0")
        ),
    ],
)
def test_odd_tag_fails_the_run_in_one_line(run: Runner, tags: dict[str, str], message: str) -> None:
    result = run("snapshot", tags=tags)
    description = failure_of(result)
    assert description.startswith(message)
    assert description.endswith(": launch the run again without this tag")
    assert "\n" not in description


def test_tick_far_ahead_fails_instead_of_being_awaited(run: Runner, query: Query) -> None:
    """As after a clock was set back: waiting would keep all other ticks from being taken."""
    at = tick_iso_of(SYSTEM_CLOCK.now() + 3600 * MICROS_PER_SECOND)
    result = run("snapshot", tags={"kalshi/tick": at})
    assert failure_of(result).startswith(f"tick {at} is ahead of now")
    assert query("SELECT count(*) FROM ticks") == [(0,)]
