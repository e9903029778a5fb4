"""Exact numbers and instants: text survives a round trip, and invalid text is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from kalshi_pipeline.units import (
    MICROS_PER_DOLLAR,
    contracts_of,
    datetime_of,
    decimal_of_millionths,
    dollars_of,
    instant_of,
    iso_of,
    parse_contracts,
    parse_dollars,
    parse_instant,
    parse_millionths,
)

Parse = Callable[[str], int]

PARSERS = [
    pytest.param(parse_dollars, id="dollars"),
    pytest.param(parse_contracts, id="contracts"),
]


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        pytest.param("0.0000", 0, id="zero"),
        pytest.param("1.0000", 1_000_000, id="one-dollar"),
        pytest.param("0.2900", 290_000, id="29-cents-which-float-makes-28"),
        pytest.param("0.0150", 15_000, id="sub-cent"),
        pytest.param("0.0001", 100, id="smallest-step-seen"),
        pytest.param("0.000001", 1, id="smallest-documented"),
        pytest.param("0.5000000000", 500_000, id="zeros-past-six-decimals"),
        pytest.param("1", 1_000_000, id="no-decimals"),
        pytest.param("0.5", 500_000, id="one-decimal"),
        pytest.param("68148.0600", 68_148_060_000, id="sum-of-money"),
        pytest.param("-0.0100", -10_000, id="negative"),
        pytest.param("9223372036854.775807", 2**63 - 1, id="largest-stored"),
    ],
)
def test_parse_dollars_is_exact(text: str, micros: int) -> None:
    assert parse_dollars(text) == micros


@pytest.mark.parametrize(
    ("text", "millionths"), [("0", 0), ("1", 1_000_000), ("0.5", 500_000), ("0.000001", 1)]
)
def test_millionths_are_exact_in_both_directions(text: str, millionths: int) -> None:
    assert parse_millionths(text) == millionths
    assert decimal_of_millionths(millionths) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "hundredths"),
    [
        pytest.param("0.00", 0, id="zero"),
        pytest.param("1.00", 100, id="one"),
        pytest.param("0.01", 1, id="smallest"),
        pytest.param("2985.50", 298_550, id="fractional"),
        pytest.param("1481805.59", 148_180_559, id="recorded-size"),
        pytest.param("12432", 1_243_200, id="integer-of-january"),
        pytest.param("14.5", 1_450, id="one-decimal"),
        pytest.param("7.0000", 700, id="zeros-past-two-decimals"),
        pytest.param("-5.00", -500, id="negative-on-settling-markets"),
        pytest.param("12345678901234.56", 1_234_567_890_123_456, id="longest-that-is-sliced"),
        pytest.param("92233720368547758.07", 2**63 - 1, id="largest-stored"),
    ],
)
def test_parse_contracts_is_exact(text: str, hundredths: int) -> None:
    assert parse_contracts(text) == hundredths


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("abc", id="word"),
        pytest.param(" 0.50", id="space-before"),
        pytest.param("0.50\n", id="newline-behind"),
        pytest.param("+0.50", id="plus"),
        pytest.param("--0.50", id="two-signs"),
        pytest.param("1e", id="blank-exponent"),
        pytest.param("1e2.5", id="broken-exponent"),
        pytest.param("1_0.50", id="underscore"),
        pytest.param("1,000.50", id="thousands-comma"),
        pytest.param("0,50", id="decimal-comma"),
        pytest.param("1.", id="point-at-the-end"),
        pytest.param("1.5.50", id="two-points"),
        pytest.param("0x1F", id="hexadecimal"),
        pytest.param("NaN", id="not-a-number"),
        pytest.param("Infinity", id="infinity"),
        pytest.param("\u0665\u0660.\u0665\u0660", id="arabic-digits"),
        pytest.param("\uff15.50", id="wide-digit"),
        pytest.param("1².50", id="superscript"),
        pytest.param("\ud800", id="lone-surrogate"),
    ],
)
def test_parsers_refuse_text_that_is_not_a_decimal_number(parse: Parse, text: str) -> None:
    with pytest.raises(ValueError, match="is not a decimal number"):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text", "decimals"),
    [
        pytest.param(parse_dollars, "0.5600001", 6, id="dollars"),
        pytest.param(parse_contracts, "1.005", 2, id="contracts"),
    ],
)
def test_parsers_refuse_rather_than_round(parse: Parse, text: str, decimals: int) -> None:
    """No digit is lost between payload and column."""
    with pytest.raises(ValueError, match=f"more than {decimals} significant decimals"):
        parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("sign", ["", "-"], ids=["positive", "negative"])
def test_parsers_refuse_numbers_beyond_64_bits(parse: Parse, sign: str) -> None:
    with pytest.raises(ValueError, match="too large to store"):
        parse(sign + "9" * 18)
    with pytest.raises(ValueError, match="too large to store") as refused:
        parse(sign + "9" * 5_000)
    assert len(str(refused.value)) < 330
    with pytest.raises(ValueError, match="too large to"):
        parse(sign + "1e999999999999")


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        pytest.param("5.5e-1", 550_000, id="fraction"),
        pytest.param("1e-05", 10, id="as-python-writes-it"),
        pytest.param("55E-2", 550_000, id="upper-case"),
        pytest.param("0.0000055e+5", 550_000, id="plus-sign"),
        pytest.param("-1e0", -1_000_000, id="negative"),
        pytest.param("0e999999999999", 0, id="zero"),
        pytest.param("1e-0000000000006", 1, id="long-exponent"),
    ],
)
def test_exponent_is_exact(text: str, micros: int) -> None:
    assert parse_dollars(text) == micros


def test_exponent_that_a_micro_dollar_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 6 significant decimals"):
        parse_dollars("1e-7")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        pytest.param("2026-11-20t10:00:00.5z", "2026-11-20T10:00:00.500000Z", id="lower-case"),
        pytest.param("2026-11-20 10:00:00+05:30", "2026-11-20T04:30:00.000000Z", id="space"),
        pytest.param("2026-11-20T10:00:00.123456789012Z", "2026-11-20T10:00:00.123456Z", id="long-fraction"),
        pytest.param("2026-11-20T10:00:00-00:00", "2026-11-20T10:00:00.000000Z", id="unknown-local-offset"),
        pytest.param("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z", id="leap-second"),
        pytest.param(
            "2016-12-31T15:59:60.5-08:00", "2017-01-01T00:00:00.500000Z", id="leap-second-elsewhere"
        ),
    ],
)
def test_every_form_of_rfc_3339_is_read(text: str, iso: str) -> None:
    instant = parse_instant(text)
    assert instant is not None
    assert iso_of(instant) == iso


def test_every_step_of_a_dollar_keeps_its_value() -> None:
    """Text to micros to Decimal is exact for all 10,001 prices of the finest recorded grid."""
    for step in range(10_001):
        text = f"{step // 10_000}.{step % 10_000:04d}"
        micros = parse_dollars(text)
        assert micros == step * 100
        assert dollars_of(micros) == Decimal(text)
        assert parse_dollars(str(dollars_of(micros))) == micros
        assert micros / MICROS_PER_DOLLAR == float(text)


def test_every_hundredth_of_a_contract_keeps_its_value() -> None:
    for hundredths in range(10_001):
        text = f"{hundredths // 100}.{hundredths % 100:02d}"
        assert parse_contracts(text) == hundredths
        assert contracts_of(hundredths) == Decimal(text)
        assert parse_contracts(str(contracts_of(hundredths))) == hundredths


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        pytest.param(0, "0", id="zero"),
        pytest.param(1_000_000, "1", id="one-dollar"),
        pytest.param(100_000_000, "100", id="hundred-without-exponent"),
        pytest.param(290_000, "0.29", id="29-cents"),
        pytest.param(100, "0.0001", id="sub-cent"),
        pytest.param(1, "0.000001", id="one-micro-without-exponent"),
        pytest.param(-10_000, "-0.01", id="negative"),
        pytest.param(2**63 - 1, "9223372036854.775807", id="largest-stored"),
    ],
)
def test_dollars_are_written_short_and_exact(micros: int, text: str) -> None:
    assert str(dollars_of(micros)) == text


@pytest.mark.parametrize(
    ("hundredths", "text"),
    [
        pytest.param(0, "0", id="zero"),
        pytest.param(100, "1", id="one"),
        pytest.param(10_000, "100", id="hundred-without-exponent"),
        pytest.param(298_550, "2985.5", id="fractional"),
        pytest.param(2**63 - 1, "92233720368547758.07", id="largest-stored"),
    ],
)
def test_contracts_are_written_short_and_exact(hundredths: int, text: str) -> None:
    assert str(contracts_of(hundredths)) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-10-06T06:38:16Z", datetime(2026, 10, 6, 6, 38, 16, tzinfo=UTC), id="whole-second"),
        pytest.param(
            "2026-10-06T06:38:16.5561Z",
            datetime(2026, 10, 6, 6, 38, 16, 556_100, tzinfo=UTC),
            id="four-digits",
        ),
        pytest.param(
            "2026-10-06T06:38:16.55614Z",
            datetime(2026, 10, 6, 6, 38, 16, 556_140, tzinfo=UTC),
            id="five-digits",
        ),
        pytest.param(
            "2026-10-06T06:38:16.556149Z",
            datetime(2026, 10, 6, 6, 38, 16, 556_149, tzinfo=UTC),
            id="six-digits",
        ),
        pytest.param(
            "2026-10-06T06:38:16+00:00", datetime(2026, 10, 6, 6, 38, 16, tzinfo=UTC), id="written-offset"
        ),
        pytest.param(
            "2026-10-06T02:38:16-04:00", datetime(2026, 10, 6, 6, 38, 16, tzinfo=UTC), id="new-york"
        ),
        pytest.param(
            "2026-10-07T00:08:16+05:45", datetime(2026, 10, 6, 18, 23, 16, tzinfo=UTC), id="next-day-in-nepal"
        ),
        pytest.param("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC), id="epoch"),
        pytest.param(
            "1969-12-31T23:59:59.999999Z",
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            id="before",
        ),
        pytest.param("2099-08-01T04:59:00Z", datetime(2099, 8, 1, 4, 59, tzinfo=UTC), id="year-2099"),
        pytest.param("2200-12-01T00:00:00Z", datetime(2200, 12, 1, tzinfo=UTC), id="year-2200"),
        pytest.param(
            "9999-12-31T23:59:59.999999Z",
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            id="last-year",
        ),
    ],
)
def test_parse_instant_is_exact_and_utc(text: str, moment: datetime) -> None:
    instant = parse_instant(text)
    assert instant is not None
    assert datetime_of(instant) == moment
    assert datetime_of(instant).tzinfo is UTC
    assert instant_of(moment) == instant
    assert parse_instant(iso_of(instant)) == instant


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0001-01-01T00:00:00Z", id="as-recorded"),
        pytest.param("0001-01-01T00:00:00+00:00", id="written-offset"),
        pytest.param("0001-01-01T00:00:00.000000Z", id="with-fraction"),
    ],
)
def test_parse_instant_reads_the_zero_time_as_absent(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("soon", id="word"),
        pytest.param("1790000000", id="unix-seconds"),
        pytest.param("2026-10-06", id="date"),
        pytest.param("2026-10-06T06:38:16", id="naive"),
        pytest.param("2026-13-06T06:38:16Z", id="thirteenth-month"),
        pytest.param("2026-02-29T06:38:16Z", id="no-leap-year"),
        pytest.param("2026-10-06T06:38:61Z", id="second-61"),
        pytest.param("2026-10-06T06:38:60Z", id="leap-second-within-a-day"),
        pytest.param("2026-10-06T24:00:00Z", id="hour-24"),
        pytest.param("2026-10-06T06:38:16+24:00", id="offset-of-a-day"),
        pytest.param("2026-10-06T06:38:16.Z", id="blank-fraction"),
        pytest.param("9999-12-31T23:59:60Z", id="leap-second-past-the-last-year"),
        pytest.param("9999-12-31T23:59:59-05:00", id="past-the-last-year-in-utc"),
        pytest.param("\ud800", id="lone-surrogate"),
    ],
)
def test_parse_instant_refuses_other_texts(text: str) -> None:
    with pytest.raises(ValueError, match="is not an RFC 3339 time"):
        parse_instant(text)


def test_instant_of_refuses_a_naive_datetime() -> None:
    with pytest.raises(ValueError, match="2026-10-06T06:38:16 names no time zone"):
        instant_of(datetime(2026, 10, 6, 6, 38, 16))  # noqa: DTZ001


def test_instant_of_is_the_same_in_every_zone() -> None:
    moment = datetime(2026, 10, 6, 6, 38, 16, 556_140, tzinfo=UTC)
    zones = [timezone(timedelta(minutes=minutes)) for minutes in (-720, -240, 345, 840)]
    assert {instant_of(moment.astimezone(zone)) for zone in zones} == {instant_of(moment)}


def test_iso_texts_sort_as_their_instants() -> None:
    texts = ["1969-12-31T23:59:59Z", "2026-10-06T06:38:16Z", "2026-10-06T06:38:16.5Z", "2200-12-01T00:00:00Z"]
    instants = [instant_of(datetime.fromisoformat(text)) for text in texts]
    written = [iso_of(instant) for instant in reversed(instants)]
    assert sorted(written) == [
        "1969-12-31T23:59:59.000000Z",
        "2026-10-06T06:38:16.000000Z",
        "2026-10-06T06:38:16.500000Z",
        "2200-12-01T00:00:00.000000Z",
    ]


@pytest.mark.parametrize(
    "text",
    ["20261006T063816Z", "2026-W41-2T06:38:16Z", "2026-10-06T06:38:16,5Z", "0001-06-01T00:00:00"],
    ids=["basic form", "week date", "comma", "naive year one"],
)
def test_parse_instant_reads_only_rfc_3339(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_instant(text)


def test_parse_instant_cuts_below_the_microsecond() -> None:
    """Prices must not be lost if the exchange begins to send nanoseconds."""
    assert parse_instant("2026-10-06T06:38:16.123456789Z") == parse_instant("2026-10-06T06:38:16.123456Z")


def test_iso_has_one_length_in_every_century() -> None:
    assert iso_of(parse_instant("0900-01-01T00:00:00Z") or 0) == "0900-01-01T00:00:00.000000Z"


def test_contracts_need_a_whole_part_like_dollars() -> None:
    with pytest.raises(ValueError, match="decimal number"):
        parse_contracts(".50")
