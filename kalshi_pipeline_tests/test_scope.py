"""Which scopes and markets a scope covers."""

import pytest

from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.vocabulary import MarketStatus, StatusFilter

EVERYTHING = Scope()
RAIN, SNOW, BOTH = Scope(("KXRAIN",)), Scope(("KXSNOW",)), Scope(("KXRAIN", "KXSNOW"))
PLAIN, COMBOS = Scope(combos=Combos.EXCLUDE), Scope(combos=Combos.ONLY)


def with_status(word: StatusFilter) -> Scope:
    return Scope(status=word)


@pytest.mark.parametrize(
    "series",
    [
        pytest.param(("KXRAIN", "KXSNOW"), id="sorted"),
        pytest.param(("KXSNOW", "KXRAIN"), id="in another order"),
        pytest.param(("KXSNOW", "KXRAIN", "KXSNOW"), id="with one twice"),
    ],
)
def test_scopes_of_the_same_series_are_equal(series: tuple[str, ...]) -> None:
    scope = Scope(series, Combos.EXCLUDE, StatusFilter.OPEN)
    same = Scope(("KXRAIN", "KXSNOW"), Combos.EXCLUDE, StatusFilter.OPEN)
    assert (scope, hash(scope), scope.series) == (same, hash(same), ("KXRAIN", "KXSNOW"))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Scope(("KXRAINS",), Combos.EXCLUDE, StatusFilter.OPEN), id="series"),
        pytest.param(Scope((), Combos.EXCLUDE, StatusFilter.OPEN), id="all series"),
        pytest.param(Scope(("KXRAIN",), Combos.INCLUDE, StatusFilter.OPEN), id="combos"),
        pytest.param(Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.PAUSED), id="status"),
        pytest.param(Scope(("KXRAIN",), Combos.EXCLUDE), id="any status"),
    ],
)
def test_scopes_that_differ_in_one_part_are_not_equal(other: Scope) -> None:
    assert Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.OPEN) != other


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        pytest.param(EVERYTHING, RAIN, id="all series, one"),
        pytest.param(BOTH, RAIN, id="two series, one of them"),
        pytest.param(EVERYTHING, PLAIN, id="with combos, without"),
        pytest.param(EVERYTHING, COMBOS, id="with combos, only combos"),
        pytest.param(EVERYTHING, with_status(StatusFilter.OPEN), id="any status, open"),
        pytest.param(EVERYTHING, with_status(StatusFilter.SETTLED), id="any status, settled"),
        pytest.param(
            with_status(StatusFilter.OPEN), with_status(StatusFilter.PAUSED), id="open, paused among it"
        ),
        pytest.param(
            Scope(status=StatusFilter.OPEN),
            Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.PAUSED),
            id="narrower in every part",
        ),
    ],
)
def test_wide_scope_covers_a_narrow_one_and_not_the_other_way(wide: Scope, narrow: Scope) -> None:
    assert wide.covers(narrow)
    assert not narrow.covers(wide)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(RAIN, SNOW, id="of other series"),
        pytest.param(RAIN, Scope(("KXRAINS",)), id="of a series whose ticker begins alike"),
        pytest.param(PLAIN, COMBOS, id="of the other kind"),
        pytest.param(
            with_status(StatusFilter.OPEN), with_status(StatusFilter.CLOSED), id="of other statuses"
        ),
        pytest.param(RAIN, PLAIN, id="each wider in one part"),
    ],
)
def test_overlapping_scopes_do_not_cover_each_other(one: Scope, other: Scope) -> None:
    assert not one.covers(other)
    assert not other.covers(one)


@pytest.mark.parametrize("scope", [EVERYTHING, BOTH, COMBOS, *map(with_status, StatusFilter)], ids=str)
def test_scope_covers_itself(scope: Scope) -> None:
    assert scope.covers(scope)


@pytest.mark.parametrize("combos", Combos)
@pytest.mark.parametrize("is_combo", [False, True], ids=["plain market", "combo"])
def test_scope_covers_markets_of_its_kinds(combos: Combos, is_combo: bool) -> None:
    kinds = {Combos.EXCLUDE: {False}, Combos.ONLY: {True}, Combos.INCLUDE: {False, True}}[combos]
    assert Scope(combos=combos).covers_market("KXRAIN", is_combo=is_combo) is (is_combo in kinds)


@pytest.mark.parametrize(
    ("scope", "series", "is_covered"),
    [
        pytest.param(BOTH, "KXSNOW", True, id="one of its series"),
        pytest.param(BOTH, "KXHAIL", False, id="another series"),
        pytest.param(RAIN, "KXRAINS", False, id="a series whose ticker begins alike"),
        pytest.param(RAIN, None, False, id="unknown series"),
        pytest.param(EVERYTHING, "KXHAIL", True, id="any series, of all"),
        pytest.param(EVERYTHING, None, True, id="unknown series, of all"),
    ],
)
def test_scope_covers_markets_of_its_series(scope: Scope, series: str | None, is_covered: bool) -> None:
    assert scope.covers_market(series, is_combo=False) is is_covered


@pytest.mark.parametrize(
    ("word", "statuses"),
    [
        (StatusFilter.UNOPENED, {"initialized"}),
        (StatusFilter.OPEN, {"active", "inactive"}),
        (StatusFilter.PAUSED, {"inactive"}),
        (StatusFilter.CLOSED, {"closed", "determined", "disputed", "amended"}),
        (StatusFilter.SETTLED, {"finalized"}),
        (None, {status.value for status in MarketStatus}),
    ],
)
def test_scope_covers_markets_of_its_statuses(word: StatusFilter | None, statuses: set[str]) -> None:
    scope = Scope(status=word)
    covered = {
        status.value for status in MarketStatus if scope.covers_market("KXRAIN", status.value, is_combo=False)
    }
    assert covered == statuses == {status.value for status in scope.statuses}
    assert scope.covers_market("KXRAIN", is_combo=False), "without a status, its series and its kind decide"
    assert scope.covers_market("KXRAIN", "auctioning", is_combo=False) is (word is None), "a word of tomorrow"


@pytest.mark.parametrize(
    ("scope", "is_everything"),
    [
        (EVERYTHING, True),
        (with_status(StatusFilter.OPEN), True),
        (RAIN, False),
        (PLAIN, False),
        (COMBOS, False),
    ],
    ids=str,
)
def test_everything_is_all_series_with_combos(scope: Scope, is_everything: bool) -> None:
    assert scope.is_everything is is_everything


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        (EVERYTHING, "all markets of all series, with combos"),
        (Scope(combos=Combos.ONLY, status=StatusFilter.OPEN), "open markets of all series, only combos"),
        (
            Scope(("KXSNOW", "KXRAIN"), Combos.EXCLUDE, StatusFilter.SETTLED),
            "settled markets of KXRAIN, KXSNOW, no combos",
        ),
    ],
    ids=["everything", "combos", "series"],
)
def test_scope_is_a_sentence(scope: Scope, sentence: str) -> None:
    assert scope.sentence == sentence
