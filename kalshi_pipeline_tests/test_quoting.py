"""Exchange texts are shown with visible characters only."""

import sys
import unicodedata

import pytest

from kalshi_pipeline.quoting import cut, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain text, Ø, 東京, עברית, 🏈", "plain text, Ø, 東京, עברית, 🏈", id="ordinary"),
        pytest.param("two\r\nlines\tand\x0bmore\u2028", "two  lines and more ", id="white-space"),
        pytest.param("a\x00b\x07c\x7fd", "a\ufffdb\ufffdc\ufffdd", id="control-characters"),
        pytest.param("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m", id="colours"),
        pytest.param("\x1b]52;c;aGk=\x07", "\ufffd]52;c;aGk=\ufffd", id="clipboard"),
        pytest.param("\x9b31m\x9d52;c;aGk=\x9c", "\ufffd31m\ufffd52;c;aGk=\ufffd", id="c1"),
        pytest.param("\u202eabc\u2066\u200f\u061c", "\ufffdabc\ufffd\ufffd\ufffd", id="directions"),
        pytest.param("a\u200bb\u2060c\ufeffd\u00ade", "a\ufffdb\ufffdc\ufffdd\ufffde", id="without-width"),
        pytest.param(
            "KX\u3164A\u115f\u2800\U000e0101", "KX\ufffdA\ufffd\ufffd\ufffd", id="invisible-letters"
        ),
        pytest.param("tag\U000e0041", "tag\ufffd", id="tags"),
        pytest.param("half \ud83d", "half \ufffd", id="half-a-character"),
        pytest.param("\u2764\ufe0f", "\u2764\ufe0f", id="emoji-of-a-letter"),
    ],
)
def test_printable_text_is_visible_and_has_no_control_characters(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_no_control_character_is_left() -> None:
    """For all of Unicode: control and format characters, surrogates, private use, and separators except the blank."""
    left = {
        unicodedata.category(shown)
        for number in range(sys.maxunicode + 1)
        if (shown := printable(chr(number))) not in (" ", "\N{REPLACEMENT CHARACTER}")
    }
    assert left.isdisjoint({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def test_quoted_text_is_cut_and_printable() -> None:
    assert cut("\x1b" + "r" * 400) == "\ufffd" + "r" * 298 + "…"
