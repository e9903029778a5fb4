"""Matching of search words in the exchange's texts."""

import pytest

from kalshi_pipeline.store.words import fold, folded_words, match


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("KXRAIN-26NOV23", "kxrain-26nov23"),
        ("Nikola Jokić", "nikola jokic"),
        ("SÃO PAULO", "sao paulo"),
        ("İstanbul", "istanbul"),
        ("Straße", "strasse"),
        ("\uff21\uff22\uff23 \ufb01nal", "abc final"),
        ("🌧️ 100%", "🌧️ 100%"),
        ("東京", "東京"),
        ("", ""),
    ],
)
def test_folded_text_has_neither_case_nor_accents(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_words_are_folded_and_each_is_there_once() -> None:
    assert folded_words(["  Rain  rain", "\tNew\nYork\u2003Jokić "]) == ["rain", "new", "york", "jokic"]
    assert folded_words(["", " ", "\u0301"]) == []
    assert folded_words(["half \ud83c of one"]) == ["half", "\ufffd", "of", "one"]


@pytest.mark.parametrize(
    ("words", "texts", "is_found"),
    [
        (["rain"], ["KXRAIN-26NOV23"], True),
        (["rain", "york"], ["Will it rain?", None, "New York"], True),
        (["rain", "boston"], ["Will it rain?", "New York"], False),
        (["nov23-t1"], ["KXRAIN-26NOV23-T1"], True),
        (["rain?new"], ["Will it rain?", "New York"], False),
        (["jokic"], ["Nikola Jokić: 25+ points"], True),
        (["jokić"], ["NIKOLA JOKIC"], True),
        (["ai"], ["Will it rain again?"], False),
        (["ai"], ["Who has the best AI?"], True),
        (["ai"], ["KXAIBEST-26"], False),
        (["ai"], ["Best of AIs"], True),
        (["5"], ["Above 45"], False),
        (["5"], ["Above 5.25"], True),
        (["-b"], ["KXFIXTURE-26-B"], True),
        (["%"], ["100%"], True),
        (["100%"], ["100 percent"], False),
        (["a.c"], ["abc"], False),
        (["rain"], [None, None], False),
    ],
)
def test_texts_match_where_each_word_is_in_one_of_them(
    words: list[str], texts: list[str | None], is_found: bool
) -> None:
    assert (match("\n".join(folded_words(words)), *texts) > 0) is is_found


def test_whole_words_match_better_than_beginnings_and_these_than_parts() -> None:
    texts = ["Rain, or sun", "Rainfall", "Terrain"]
    assert [match("rain", text) for text in texts] == [3, 2, 1]
    assert match("rain", "terrain and rain") == match("rain", "rain")
