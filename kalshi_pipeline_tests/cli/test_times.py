"""Times and spans as users write them."""

import time
from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from kalshi_pipeline.cli.times import instant_given, minutes_given, span_given
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_SECOND, datetime_of, parse_instant


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-22T14:05:00Z", "2026-11-22T14:05:00Z"),
        ("2026-11-22t15:05:00.25+01:00", "2026-11-22T14:05:00.25Z"),
        (" 2026-11-22 ", "2026-11-22T00:00:00Z"),
        ("2026-11-22 14:05:00Z", "2026-11-22T14:05:00Z"),
        ("2026-11-22T14:05Z", "2026-11-22T14:05:00Z"),
        ("2026-11-22 14:05+01:00", "2026-11-22T13:05:00Z"),
    ],
)
def test_days_are_utc_and_rfc_3339_is_exact(text: str, iso: str) -> None:
    assert instant_given("--at", text) == parse_instant(iso)


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-22", "2026-11-22T05:00:00Z"),
        ("2026-07-04", "2026-07-04T04:00:00Z"),
        ("2026-11-22 14:05", "2026-11-22T19:05:00Z"),
        ("2026-07-04T14:05:30.5", "2026-07-04T18:05:30.5Z"),
        ("2026-11-22T14:05:00Z", "2026-11-22T14:05:00Z"),
        # As a table with --local shows it.
        ("2026-11-22 09:05:00 -0500", "2026-11-22T14:05:00Z"),
        ("2026-11-01 01:30 -0500", "2026-11-01T06:30:00Z"),
    ],
)
def test_local_days_and_times_have_the_offset_of_their_own_day(text: str, iso: str) -> None:
    assert instant_given("--at", text, is_local=True) == parse_instant(iso)


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-01 01:30", "is shown twice by .*: end it with the offset, -04:00 or -05:00"),
        ("2026-03-08T02:30:00", "is skipped by .*: end it with an offset, such as"),
    ],
    ids=["twice", "never"],
)
def test_local_time_that_is_no_instant_or_two_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--at '{text}' {reason}"):
        instant_given("--at", text, is_local=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", 0),
        ("2h ago", 7200),
        ("90 minutes ago", 5400),
        ("1.5d ago", 129_600),
        ("2 Weeks AGO", 1_209_600),
        ("1h", 3600),
        ("7 days", 604_800),
        ("1h30m ago", 5400),
    ],
)
def test_ages_are_counted_from_now(text: str, seconds: float) -> None:
    before = SYSTEM_CLOCK.now()
    found = instant_given("--at", text) + round(seconds * MICROS_PER_SECOND)
    assert before <= found <= SYSTEM_CLOCK.now()


def test_yesterday_begins_a_day_before_today() -> None:
    today, yesterday = instant_given("--at", "today"), instant_given("--at", "Yesterday")
    assert today - yesterday == MICROS_PER_DAY
    assert today % MICROS_PER_DAY == 0
    assert 0 <= SYSTEM_CLOCK.now() - today < MICROS_PER_DAY + MICROS_PER_SECOND


def test_time_of_day_of_yesterday_is_on_that_day() -> None:
    midnight = instant_given("--at", "yesterday")
    assert instant_given("--at", "Yesterday 14:05") - midnight == (14 * 60 + 5) * 60 * MICROS_PER_SECOND
    assert instant_given("--at", "today 00:00:01") - instant_given("--at", "today") == MICROS_PER_SECOND


@pytest.mark.parametrize("hours", [-1, 1], ids=["earlier today", "later today"])
def test_time_of_day_is_the_last_one_before_now(hours: int) -> None:
    asked = (datetime_of(SYSTEM_CLOCK.now()) + timedelta(hours=hours)).astimezone(UTC)
    found = datetime_of(instant_given("--at", f"{asked:%H:%M:%S}"))
    assert timedelta() <= datetime_of(SYSTEM_CLOCK.now()) - found <= timedelta(days=1)
    assert found.time() == asked.replace(microsecond=0).time()


@pytest.mark.parametrize(
    "text",
    [
        "noon",
        "",
        "24:00",
        "14:60",
        "2026-02-30",
        "yesterday noon",
        "tomorrow 14:05",
        "now 14:05",
        "2026-11-22T14Z",
        "2026-11-22T14:05",
        "99999999d ago",
        "ago",
        "5",
        "5 ago",
        "5mo",
        "0001-01-01T00:00:00Z",
        "1\x1b[31m",
    ],
)
def test_invalid_time_is_refused_in_one_printable_line(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        instant_given("--at", text)
    assert str(refused.value).startswith("--at ")
    assert str(refused.value).isprintable()


def test_time_without_a_zone_says_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="names no time zone: end it with Z"):
        instant_given("--at", "2026-11-22 14:05:00")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("1h", 3600),
        ("2d", 172_800),
        ("0.5 hours", 1800),
        ("30s", 30),
        ("1w", 604_800),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1 Day 2 hours 3 min 4.5 s", 93_784.5),
        ("1w1s", 604_801),
    ],
)
def test_spans_have_a_unit(text: str, seconds: float) -> None:
    assert span_given("--window", text) == seconds


def test_span_without_a_unit_is_refused() -> None:
    """It could mean minutes or seconds."""
    with pytest.raises(ConfigurationError, match=r"^--window '90' has no unit: write 90s, 90m, 90h or 90d$"):
        span_given("--window", "90")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "-1h",
        "1 fortnight",
        "1e3",
        "inf",
        "nan",
        "1mo",
        "1h30",
        "30m1h",
        "1h2h",
        "1hm",
        "1h,30m",
        "1s1m",
    ],
)
def test_invalid_span_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--window .* is not a span: write one such as 90m"):
        span_given("--window", text)


@pytest.mark.parametrize(
    ("text", "reason"), [("0h", "empty"), ("0d0h", "empty"), (f"{'9' * 400}d", "too long")]
)
def test_span_without_a_usable_length_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"--window .* is {reason}: write one such as 90m"):
        span_given("--window", text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("5", 5), (" 0.25 ", 0.25), ("0", 0), ("90s", 1.5), ("5m", 5), ("1h30m", 90), ("366d", 527_040)],
)
def test_minutes_are_a_number_or_a_span(text: str, minutes: float) -> None:
    assert minutes_given("--max-age", text, least=0) == minutes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nan", "is neither a number of minutes nor a span: write 5, 90s or 1h30m"),
        ("", "is neither a number of minutes nor a span: write 5, 90s or 1h30m"),
        ("soon", "is neither a number of minutes nor a span: write 5, 90s or 1h30m"),
        ("5mo", "is neither a number of minutes nor a span: write 5, 90s or 1h30m"),
        ("inf", "is too long: the most is 366 days"),
        ("367d", "is too long: the most is 366 days"),
        ("-1", "is too short: the least is 0.01 minutes"),
        ("0.5s", "is too short: the least is 0.01 minutes"),
    ],
)
def test_minutes_that_cannot_be_used_are_refused_with_the_limit(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        minutes_given("--interval", text, least=0.01)
    assert str(refused.value) == f"--interval '{text}' {problem}"
