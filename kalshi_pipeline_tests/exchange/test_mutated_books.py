"""Odd order books are parsed as by the oracle, alone and among others."""

import random

from kalshi_pipeline.exchange.books import parse_books
from kalshi_pipeline_tests.exchange.mutated_books import expected_book, mutated_book


def test_odd_books_are_read_whole_or_refused_as_the_contract_says() -> None:
    chance = random.Random(1)
    rows = [mutated_book(f"K-{number}", chance) for number in range(1_000)]
    expected = [expected_book(row) for row in rows]
    body = f'{{"orderbooks": [{",".join(rows)}]}}'.encode("utf-8", "surrogatepass")
    page = parse_books(body)
    read = [
        (book.ticker, {(level.is_yes, level.price): level.size for level in book.levels})
        for book in page.records
    ]
    known = [book for book in expected if book is not None]
    assert 200 < len(known) < 900
    assert read == known
    assert len(page.rejects) == expected.count(None)
