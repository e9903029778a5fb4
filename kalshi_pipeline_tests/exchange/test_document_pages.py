"""Pages of documents: every item is read exactly, and odd items are set aside one by one."""

import json
from decimal import Decimal

import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.document_pages import DocumentEndpoint, parse_bare
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page
from kalshi_pipeline.records import Document
from kalshi_pipeline_tests.shared import needs_shared, read_recorded

MILESTONES = DocumentEndpoint("/milestones", "milestones", {"limit": 500})
PROGRAMS = DocumentEndpoint("/programs", "programs", {}, identifier="name", cursor="next_cursor")


def parse(items: str, cursor: str = '"next"') -> Page[Document]:
    return MILESTONES.parse(f'{{"milestones":{items},"cursor":{cursor}}}'.encode())


def test_items_are_kept_whole_and_exact() -> None:
    page = parse('[{"id":"a","price":0.10,"big":1e400,"count":12345678901234567890,"of":{"x":[null,true]}}]')
    assert page.records == [
        Document(
            "a",
            {
                "id": "a",
                "price": Decimal("0.10"),
                "big": Decimal("1e400"),
                "count": 12345678901234567890,
                "of": {"x": [None, True]},
            },
        )
    ]
    assert (page.rejects, page.cursor) == ([], "next")


@pytest.mark.parametrize("key", ["NaN", "12", "1e5", "\ufffd"])
def test_key_that_only_looks_odd_is_kept(key: str) -> None:
    assert [document.ticker for document in parse(json.dumps([{"id": key}])).records] == [key]


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ('{"title":"no id"}', "it has no id that can be its key"),
        ('{"id":null}', "it has no id that can be its key"),
        ('{"id":5}', "it has no id that can be its key"),
        ('{"id":""}', "it has no id that can be its key"),
        ('{"id":"a\\u0000"}', "it has no id that can be its key"),
        (f'{{"id":"{"a" * 301}"}}', "it has no id that can be its key"),
        ('{"id":NaN}', "'NaN' is not text"),
        ('{"id":-Infinity}', "'-Infinity' is not text"),
        ('{"id":1e99999999999999999999}', "'1e99999999999999999999' is not text"),
        ('{"id":"half \\ud83d"}', "it contains a NUL or a lone surrogate"),
        ("7", "it is not an object"),
        ("null", "it is not an object"),
        ('["id"]', "it is not an object"),
    ],
)
def test_odd_item_is_set_aside_as_it_came(item: str, error: str) -> None:
    page = parse(f'[{{"id":"first"}},{item},{{"id":"last"}}]')
    assert [document.ticker for document in page.records] == ["first", "last"]
    assert [(reject.ticker, reject.raw, reject.error) for reject in page.rejects] == [(None, item, error)]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (r"\ud800", "\ufffd"),
        (r"a\udc00b", "a\ufffdb"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud800 \ud800", r"\ud800" + " \ufffd"),
        (r"\u0000", "\0"),
    ],
    ids=["first half", "second half", "whole", "escaped backslash", "zero"],
)
def test_lone_surrogate_affects_only_itself(sent: str, kept: str) -> None:
    page = parse(f'[{{"id":"a","title":"{sent}"}},{{"id":"b"}}]')
    assert page.records == [Document("a", {"id": "a", "title": kept}), Document("b", {"id": "b"})]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("9" * 5_000, "9" * 5_000),
        ('"a\0b"', "a\0b"),
    ],
    ids=["nan", "infinity", "exponent", "digits", "raw-nul"],
)
def test_borderline_json_value_is_kept_and_affects_nothing_else(sent: str, kept: str) -> None:
    whole = {"id": "a", "x": kept}
    assert parse(f'[{{"id":"a","x":{sent}}},{{"id":"b"}}]').records == [
        Document("a", whole),
        Document("b", {"id": "b"}),
    ]
    assert parse_bare(f'{{"id":"a","x":{sent}}}'.encode(), "E").records == [Document("E", whole)]
    for key, body in (("markets", '{"markets":[%s,{"ticker":"b"}]}'), ("market", '{"market":%s}')):
        source = Source((body % f'{{"ticker":"a","x":{sent}}}').encode(), key)
        first, *others = source.documents()
        assert first.ticker == "a"
        assert first.fields.get("x") is not None
        assert len(others) == body.count('"b"')


@pytest.mark.parametrize("levels", [101, 9_000])
def test_deep_item_affects_only_itself(levels: int) -> None:
    deep = f"{'[' * levels}{']' * levels}"
    page = parse(f'[{{"id":"a","x":{deep}}},{{"id":"b"}}]')
    assert page.records == [Document("b", {"id": "b"})]
    assert [reject.error for reject in page.rejects] == ["it has more than 100 levels"]
    assert [reject.error for reject in parse_bare(f'{{"x":{deep}}}'.encode(), "E").rejects] == [
        "it has more than 100 levels"
    ]
    source = Source(f'{{"markets":[{{"ticker":"a","x":{deep}}},{{"ticker":"b"}}]}}'.encode(), "markets")
    assert [document.ticker for document in source.documents()] == ["a", "b"]


def test_invalid_utf_8_affects_only_itself() -> None:
    page = MILESTONES.parse(b'{"milestones":[{"id":"a","title":"x\xff"},{"id":"b"}]}')
    assert [document.fields.get("title") for document in page.records] == ["x\ufffd", None]


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ('{"milestones":[],"cursor":""}', Page[Document]([], cursor=None, has_cursor=True)),
        ('{"milestones":null}', Page[Document]([], cursor=None, has_cursor=False)),
        ('{"milestones":[],"cursor":null}', Page[Document]([], cursor=None, has_cursor=True)),
        ('{"new":1,"milestones":[],"cursor":"c"}', Page[Document]([], cursor="c", has_cursor=True)),
    ],
)
def test_end_of_a_listing(body: str, page: Page[Document]) -> None:
    assert MILESTONES.parse(body.encode()) == page


def test_names_are_those_of_the_endpoint() -> None:
    page = PROGRAMS.parse(b'{"programs":[{"name":"a","id":"b"}],"next_cursor":"c","cursor":"d"}')
    assert ([document.ticker for document in page.records], page.cursor) == (["a"], "c")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"milestones":{}}',
        '{"milestones":[],"cursor":5}',
        r'{"milestones":[],"cursor":"\ud83d"}',
        "[]",
        "5",
    ],
)
def test_answer_without_its_list_is_an_error(body: str) -> None:
    with pytest.raises(PayloadError, match=r"'milestones'( or its cursor has an unexpected type|: its API)"):
        MILESTONES.parse(body.encode())


@pytest.mark.parametrize(
    "body",
    ["", "<html>", '{"milestones":[{"id":"a"'],
    ids=["empty", "html", "cut"],
)
def test_answer_that_cannot_be_decoded_may_be_whole_at_the_next_attempt(body: str) -> None:
    with pytest.raises(GarbledAnswerError, match="it is not JSON"):
        MILESTONES.parse(body.encode())
    with pytest.raises(GarbledAnswerError, match="it is not JSON"):
        parse_bare(body.encode(), "EVENT")


def test_bare_object_has_the_key_that_it_was_asked_by() -> None:
    page = parse_bare(b'{"image_url":"x","price":0.10}', "EVENT")
    assert page.records == [Document("EVENT", {"image_url": "x", "price": Decimal("0.10")})]


def test_bare_answer_that_is_not_an_object_is_set_aside() -> None:
    page = parse_bare(b"[1]", "EVENT")
    assert page.records == []
    assert [(reject.ticker, reject.raw) for reject in page.rejects] == [("EVENT", "[1]")]


@needs_shared
def test_recorded_answers_are_read_whole() -> None:
    metadata = read_recorded("2026-01-12/event_metadata_response.json")["response"]
    (document,) = parse_bare(json.dumps(metadata).encode(), "KXELONMARS-99").records
    assert document == Document("KXELONMARS-99", metadata)
    listed = read_recorded("2026-01-12/multivariate_event_collections_list_response.json")["response"]
    endpoint = DocumentEndpoint("/c", "multivariate_contracts", {}, identifier="collection_ticker")
    page = endpoint.parse(json.dumps(listed).encode())
    assert [document.fields for document in page.records] == listed["multivariate_contracts"]
    assert page.cursor == listed["cursor"]
