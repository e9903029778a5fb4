"""Windows of creation time cover everything, overlap, and detect an exchange that treats them differently."""

import pytest

from kalshi_pipeline.exchange.windows import Window, windows_between

SECOND = 1_000_000


def test_windows_cover_all_time_newest_first() -> None:
    assert windows_between([30 * SECOND, 10 * SECOND, 20 * SECOND]) == [
        Window(30, None),
        Window(20, 30),
        Window(10, 20),
        Window(None, 10),
    ]


@pytest.mark.parametrize(
    ("bounds", "windows"),
    [
        pytest.param([], [], id="no bound"),
        pytest.param([5 * SECOND], [Window(5, None), Window(None, 5)], id="one bound"),
        pytest.param(
            [5 * SECOND, 5 * SECOND + 1, 6 * SECOND - 1], [Window(5, None), Window(None, 5)], id="one second"
        ),
    ],
)
def test_bounds_within_one_second_make_one(bounds: list[int], windows: list[Window]) -> None:
    assert windows_between(bounds) == windows


@pytest.mark.parametrize(
    ("window", "params"),
    [
        (Window(10, 20), {"min_created_ts": 9, "max_created_ts": 21}),
        (Window(None, 20), {"max_created_ts": 21}),
        (Window(10, None), {"min_created_ts": 9}),
    ],
)
def test_window_requests_a_second_more_on_each_side(window: Window, params: dict[str, int]) -> None:
    """Bounds are exclusive, so a market created in the second of a bound must be in one of the neighbouring windows."""
    assert window.params() == params


@pytest.mark.parametrize(
    ("created_at", "may_hold"),
    [
        (8 * SECOND, True),
        (8 * SECOND - 1, False),
        (15 * SECOND, True),
        (22 * SECOND - 1, True),
        (22 * SECOND, False),
        (None, True),
    ],
)
def test_row_may_lie_outside_by_the_overlap_and_the_rounding(created_at: int | None, may_hold: bool) -> None:
    assert Window(10, 20).may_hold(created_at) is may_hold


def test_unbounded_side_holds_everything() -> None:
    assert Window(10, None).may_hold(10**18)
    assert Window(None, 10).may_hold(-(10**18))
