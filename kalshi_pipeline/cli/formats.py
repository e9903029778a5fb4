"""How single values are written on the command line: texts, instants, prices, counts and spans."""

from rich import markup

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import printable
from kalshi_pipeline.units import MICROS_PER_DOLLAR, contracts_of, datetime_of, dollars_of, parse_instant

UNQUOTED = "unquoted"


def escape(text: str) -> str:
    """Return a text of the exchange or of a user for rich: printable, and without anything that is a style."""
    return markup.escape(printable(text))


def instant(at: int | None) -> str:
    """Return an instant in UTC, to the second."""
    return "-" if at is None else f"{datetime_of(at):%Y-%m-%d %H:%M:%SZ}"


def short_instant(at: int | None) -> str:
    """Return an instant in UTC without its year."""
    return "-" if at is None else f"{datetime_of(at):%m-%d %H:%M:%SZ}"


def instant_to_minute(at: int | None) -> str:
    """Return an instant in UTC without its year and its seconds."""
    return "-" if at is None else f"{datetime_of(at):%m-%d %H:%MZ}"


def dollars(micros: int | None, absent: str = UNQUOTED) -> str:
    """Return a price exactly, without trailing zeros."""
    return absent if micros is None else f"{dollars_of(micros):f}"


def midpoint(micros: float | None, absent: str = "-") -> str:
    """Return a midpoint in dollars."""
    return absent if micros is None else _half_steps(micros)


def midpoint_change(micros: float | None) -> str:
    """Return the change of a midpoint in dollars, with its sign."""
    return "-" if micros is None else _half_steps(micros, "+")


def _half_steps(micros: float, sign: str = "") -> str:
    # A midpoint may be half a micro-dollar away from a price.
    return f"{micros / MICROS_PER_DOLLAR:{sign}.7f}".rstrip("0").rstrip(".")


def contracts(hundredths: int | None) -> str:
    """Return a size or a count of contracts."""
    return "-" if hundredths is None else f"{contracts_of(hundredths):,f}"


def side(price: int | None, size: int | None) -> str:
    """Return one side of a quote: its price and its size."""
    return UNQUOTED if price is None else f"{dollars(price)} x {contracts(size)}"


def age(seconds: float) -> str:
    """Return a span in the unit that a person would use."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def instant_given(option: str, text: str) -> int:
    """Return the instant that an option has, in microseconds since 1970."""
    try:
        found = parse_instant(text)
    except ValueError as error:
        raise ConfigurationError([f"{option} {error}"]) from error
    if found is None:
        raise ConfigurationError([f"{option} {text!r} is not a time: the exchange writes it for 'not set'"])
    return found
