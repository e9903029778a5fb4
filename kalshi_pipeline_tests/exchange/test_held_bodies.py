"""Copies of answers outside the heap. Their memory is reused only when nothing reads it any more."""

import msgspec

from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.held_bodies import outside_of_the_heap

SIZES = (5_000_000, 10, 4_000_000, 6_000_000, 10, 1, 4_999_999)


def test_bodies_that_wait_together_keep_what_they_hold() -> None:
    for _ in range(3):
        held = [outside_of_the_heap(bytes([number]) * size) for number, size in enumerate(SIZES)]
        assert [bytes(body) == bytes([number]) * len(body) for number, body in enumerate(held)] == [True] * 7
        assert [len(body) for body in held] == list(SIZES)


def test_empty_body_is_held_as_it_is() -> None:
    assert outside_of_the_heap(b"") == b""


def test_part_of_a_body_outlives_it() -> None:
    first, *_ = msgspec.json.decode(outside_of_the_heap(b'[{"a":1},{"b":2}]'), type=list[msgspec.Raw])
    later = [outside_of_the_heap(b"x" * 17) for _ in range(10)]
    assert (bytes(first), len(later)) == (b'{"a":1}', 10)


def test_documents_are_of_their_own_page_after_others_came() -> None:
    documents = Source(
        outside_of_the_heap(b'{"markets":[{"ticker":"A"},{"ticker":"B"}]}'), "markets"
    ).documents()
    first = next(documents)
    others = [outside_of_the_heap(b'{"markets":[{"ticker":"X"},{"ticker":"Y"}]}') for _ in range(10)]
    assert [document.fields.get("ticker") for document in (first, *documents)] == ["A", "B"]
    assert len(others) == 10
