"""Pages and objects: a bad record is set aside alone; a bad envelope and a body that is not JSON are different
errors.
"""

import json
from typing import Any

import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.markets import MARKETS
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page, parse_object
from kalshi_pipeline.exchange.payloads import MarketPayload
from kalshi_pipeline.quoting import is_text
from kalshi_pipeline.records import Market, Reject

MARKET = {"ticker": "M1", "event_ticker": "E", "yes_bid_dollars": "0.2900"}


def page_of(rows: object, **envelope: Any) -> Page[Market]:
    body = json.dumps({"markets": rows, **envelope}).encode()
    page = MARKETS.parse_again(body)
    assert page == MARKETS.parse(body)
    return page


def tickers(page: Page[Market]) -> list[str]:
    return [record.ticker for record in page.records]


@pytest.mark.parametrize("text", [b"\xff", b"\x00", rb"\ud800", rb"\u0000", b"\xed\xa0\x80"])
def test_odd_record_stays_odd_when_read_again_from_quarantine(text: bytes) -> None:
    """A ticker that the exchange never sent must not be stored by `replay`."""
    (reject,) = MARKETS.parse(b'{"markets": [{"ticker": "M%s", "event_ticker": "E"}]}' % text).rejects
    assert is_text(reject.raw)
    with pytest.raises(ValueError, match="ticker: it contains a NUL or a lone surrogate"):
        MARKETS.read_row(reject.raw.encode())


def test_page_keeps_records_in_their_order_and_its_cursor() -> None:
    page = page_of([MARKET, {**MARKET, "ticker": "M0"}, {**MARKET, "ticker": "M2"}], cursor="next")
    assert (tickers(page), page.rejects, page.cursor) == (["M1", "M0", "M2"], [], "next")


@pytest.mark.parametrize("rows", [[], None], ids=["empty-list", "null"])
def test_page_without_records_is_empty(rows: list[object] | None) -> None:
    """Go writes an empty slice as null."""
    assert page_of(rows, cursor="") == Page([], [], None)


@pytest.mark.parametrize(
    "envelope",
    [{"cursor": ""}, {"cursor": None}, {}],
    ids=["blank", "null", "absent"],
)
@pytest.mark.parametrize("rows", [[MARKET], [MARKET, 5]], ids=["at-once", "record-by-record"])
def test_last_page_has_no_cursor(rows: list[object], envelope: dict[str, Any]) -> None:
    page = page_of(rows, **envelope)
    assert (page.cursor, page.has_cursor) == (None, envelope.get("cursor") is not None)


@pytest.mark.parametrize("inner", [[MARKET], [MARKET, {**MARKET, "ticker": "M2"}]], ids=["one", "two"])
def test_list_of_records_instead_of_records_is_an_error_not_one_unreadable_record(inner: object) -> None:
    """It may be a whole page."""
    with pytest.raises(PayloadError, match="list of records instead of records"):
        page_of([inner], cursor="next")


@pytest.mark.parametrize(
    ("bad", "reject"),
    [
        pytest.param(
            {**MARKET, "yes_bid_dollars": "abc"},
            Reject(
                "M1",
                '{"ticker": "M1", "event_ticker": "E", "yes_bid_dollars": "abc"}',
                "yes_bid_dollars: 'abc' is not a decimal number",
            ),
            id="unreadable-price",
        ),
        pytest.param(
            {"event_ticker": "E"},
            Reject(None, '{"event_ticker": "E"}', "ticker: it is missing"),
            id="no-ticker",
        ),
        pytest.param(
            {"ticker": "", "event_ticker": "E"},
            Reject(None, '{"ticker": "", "event_ticker": "E"}', "ticker: it is missing"),
            id="blank-ticker",
        ),
        pytest.param({}, Reject(None, "{}", "ticker: it is missing"), id="empty"),
        pytest.param(
            570,
            Reject(None, "570", "'570' is not an object"),
            id="number",
        ),
        pytest.param(
            None,
            Reject(None, "null", "None is not an object"),
            id="null",
        ),
        pytest.param(
            [MARKET],
            Reject(
                None,
                '[{"ticker": "M1", "event_ticker": "E", "yes_bid_dollars": "0.2900"}]',
                "[{'ticker': 'M1', 'event_ticker': 'E', 'yes_bid_dollars': '0.2900'}] is not an object",
            ),
            id="list",
        ),
    ],
)
def test_unreadable_record_is_set_aside_alone(bad: object, reject: Reject) -> None:
    good = [{**MARKET, "ticker": ticker} for ticker in ("A", "B", "C")]
    page = page_of([good[0], bad, *good[1:]], cursor="next")
    assert (tickers(page), page.rejects, page.cursor) == (["A", "B", "C"], [reject], "next")


def test_every_problem_of_a_record_is_reported() -> None:
    (reject,) = page_of([{"yes_ask_dollars": "x", "yes_bid_size_fp": [], "close_time": "soon"}]).rejects
    assert reject.error == (
        "ticker: it is missing; "
        "yes_ask_dollars: 'x' is not a decimal number; "
        "yes_bid_size_fp: [] is neither text nor a number"
    )


def test_bad_record_does_not_change_its_neighbours() -> None:
    """The slow reader of a page returns what the fast one returns."""
    rows = [
        {**MARKET, "ticker": f"M{number}", "floor_strike": number + 0.5, "volume_fp": f"{number}.25"}
        for number in range(20)
    ]
    assert page_of([*rows, 5]).records == page_of(rows).records


def test_json_numbers_of_a_page_never_pass_through_float() -> None:
    """Float arithmetic gets 0.29 and 1.15 wrong, and the last number has no exact float."""
    body = (
        b'{"markets": [{"ticker": "M", "event_ticker": "E", "yes_bid_dollars": 0.29, "yes_ask_dollars": 0.5700,'
        b' "volume_fp": 1.15, "open_interest_fp": 90071992547409.93}]}'
    )
    (market,) = MARKETS.parse_again(body).records
    quote = market.quote
    assert (quote.yes_bid, quote.yes_ask, quote.volume, quote.open_interest) == (
        290_000,
        570_000,
        115,
        9_007_199_254_740_993,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="empty-object"),
        pytest.param(b'{"cursor": "next"}', id="cursor-alone"),
        pytest.param(b'{"market": []}', id="another-key"),
        pytest.param(b'{"error": {"code": "internal"}}', id="error-with-status-200"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"markets"', id="text"),
        pytest.param(b"7", id="number"),
    ],
)
def test_missing_envelope_key_is_an_error(body: bytes) -> None:
    """It is never an empty list."""
    with pytest.raises(PayloadError, match="the exchange's answer has no 'markets': its API has changed"):
        MARKETS.parse_again(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"markets": {}}', id="object-for-a-list"),
        pytest.param(b'{"markets": "none"}', id="text-for-a-list"),
        pytest.param(b'{"markets": [], "cursor": 5}', id="number-for-a-cursor"),
        pytest.param(b'{"markets": [], "cursor": ["x"]}', id="list-for-a-cursor"),
    ],
)
def test_envelope_of_another_type_is_an_error(body: bytes) -> None:
    with pytest.raises(PayloadError, match="'markets' or its cursor has an unexpected type"):
        MARKETS.parse_again(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>Please wait</html>", id="html"),
        pytest.param(b'{"markets": [{"ticker": "M", "event_ti', id="cut"),
        pytest.param(b'{"markets": []} {"markets": []}', id="twice"),
        pytest.param(b"[" * 100_000, id="too-deep"),
    ],
)
def test_body_that_is_not_json_is_garbled(body: bytes) -> None:
    """A retry may help, so the error class differs from that of a changed contract."""
    with pytest.raises(GarbledAnswerError, match="it is not JSON"):
        MARKETS.parse_again(body)
    with pytest.raises(GarbledAnswerError, match="it is not JSON"):
        parse_object(body, "market", MarketPayload)


@pytest.mark.parametrize(
    ("field", "kept", "rejected"),
    [
        pytest.param("subtitle", ["M1", "M2"], [], id="in-a-field-that-is-not-read"),
        pytest.param("rules_secondary", ["M1", "M2"], [], id="in-a-further-description"),
        pytest.param("created_time", ["M1", "M2"], [], id="in-a-time"),
        pytest.param("yes_ask_dollars", ["M2"], ["M1"], id="in-a-price"),
        pytest.param("event_ticker", ["M1", "M2"], [], id="in-the-event"),
        pytest.param("\ud83d", ["M1", "M2"], [], id="in-a-name-of-a-field"),
        pytest.param("ticker", ["M2"], [None], id="in-the-identifier"),
    ],
)
def test_lone_surrogate_costs_its_field_at_most(
    field: str, kept: list[str], rejected: list[str | None]
) -> None:
    """JSON allows a lone surrogate, which no database can store."""
    page = page_of([{**MARKET, field: "\ud83d"}, {**MARKET, "ticker": "M2"}])
    assert tickers(page) == kept
    assert [reject.ticker for reject in page.rejects] == rejected
    for reject in page.rejects:
        assert (reject.raw + reject.error).encode()


def test_whole_surrogate_pair_is_a_character() -> None:
    body = b'{"markets": [{"ticker": "M", "event_ticker": "E", "title": "\\ud83c\\udfc8"}]}'
    assert MARKETS.parse_again(body).records[0].title == "🏈"


def test_pages_of_other_records_have_other_keys() -> None:
    series = SERIES.parse_again(b'{"series": [{"ticker": "S"}, {"ticker": 5}]}')
    assert ([row.ticker for row in series.records], len(series.rejects)) == (["S"], 1)
    events = EVENTS.parse_again(b'{"events": [{"event_ticker": "E"}, {"ticker": "E"}]}')
    assert ([row.ticker for row in events.records], events.rejects) == (
        ["E"],
        [Reject(None, '{"ticker": "E"}', "event_ticker: it is missing")],
    )


def test_object_is_read_under_its_key() -> None:
    market = parse_object(
        b'{"market": {"ticker": "M", "event_ticker": "E", "yes_bid_dollars": 0.29}}', "market", MarketPayload
    )
    assert (market.ticker, market.yes_bid) == ("M", 290_000)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"{}", "the exchange's answer has no 'market'", id="no-key"),
        pytest.param(b"[]", "the exchange's answer has no 'market'", id="list"),
        pytest.param(
            b'{"market": null}', "the exchange's market cannot be read: record: Input should be", id="null"
        ),
        pytest.param(
            b'{"market": {"ticker": "M"}}', "cannot be read: event_ticker: Field required", id="unreadable"
        ),
    ],
)
def test_object_that_cannot_be_read_is_an_error(body: bytes, message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        parse_object(body, "market", MarketPayload)


@pytest.mark.parametrize("text", ["M\ud83d", "M\0"], ids=["half-a-character", "nul"])
@pytest.mark.parametrize("field", ["title", "rules_primary", "status", "result"])
def test_unstorable_value_costs_its_field(field: str, text: str) -> None:
    page = page_of([{**MARKET, field: text}, {**MARKET, "ticker": "M2"}])
    assert (tickers(page), page.rejects, page.odd_fields) == (["M1", "M2"], [], {field: 1})
    assert getattr(page.records[0], field) is None


@pytest.mark.parametrize("text", ["M\ud83d", "M\0"], ids=["half-a-character", "nul"])
def test_record_with_an_unstorable_identifier_is_set_aside(text: str) -> None:
    page = page_of([{**MARKET, "ticker": text}, {**MARKET, "ticker": "M2"}])
    assert tickers(page) == ["M2"]
    (reject,) = page.rejects
    for part in (reject.ticker or "", reject.raw, reject.error):
        part.encode()


@pytest.mark.parametrize("field", ["floor_strike", "cap_strike", "is_provisional"])
def test_blank_of_an_optional_number_or_flag_is_absent(field: str) -> None:
    (record,) = page_of([{**MARKET, field: ""}]).records
    assert getattr(record, field) is None


def test_reject_holds_the_record_as_it_came() -> None:
    row = {**MARKET, "floor_strike": 5000.5, "yes_bid_dollars": "abc"}
    (reject,) = page_of([row]).rejects
    assert json.loads(reject.raw) == row
