"""Decides the unit of prices whose names have been used for cents and for dollars; all prices of a record share one.

A fraction is never cents, and a whole number above 1 is never dollars. A record is refused if its prices show both
units or neither: a lone 1 was a cent until March 2026, and is also one dollar as a JSON number.
"""

from collections.abc import Sequence

from kalshi_pipeline.exchange.json_text import Number
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.units import MICROS_PER_DOLLAR, parse_dollars

Prices = tuple[int | None, ...]

_CENTS_PER_DOLLAR = 100
# What a price shows about its unit.
_FRACTION, _LARGE, _POINT, _TEXT, _DECIMALS = 1, 2, 4, 8, 16
_MOST_REMEMBERED = 10_000
_Form = tuple[int, int]
_known: dict[str, _Form] = {}
# Texts with two or more decimals, from 0 to 1. Two of these side by side are both dollars.
_BLANKS: dict[object, int | None] = {None: None, "": None}
_plain: dict[object, int | None] = {**_BLANKS}


def form_of(value: object) -> _Form:
    """Return a price parsed as dollars, in micro-dollars, and what it shows about its unit. Raises ValueError if it is
    not a price.
    """
    if isinstance(value, str) and not isinstance(value, Number):
        form = _known.get(value)
        if form is None:
            if len(_known) >= _MOST_REMEMBERED:
                _known.clear()
            form = _known[value] = _form(value, _TEXT)
        return form
    if isinstance(value, str | int) and not isinstance(value, bool):
        return _form(str(value), 0)
    raise ValueError(f"{quoted(value)} is neither text nor a number")


def _form(text: str, shows: int) -> _Form:
    micros = parse_dollars(text)
    _, point, decimals = text.partition(".")
    shows |= _POINT if point else 0
    if shows & _TEXT and len(decimals) > 1:
        shows |= _DECIMALS
    if micros % MICROS_PER_DOLLAR:
        shows |= _FRACTION
    if abs(micros) > MICROS_PER_DOLLAR:
        shows |= _LARGE
    return micros, shows


def in_one_unit(prices: Prices, sent: Sequence[object], names: Sequence[str]) -> Prices:
    """Return prices in micro-dollars, filling None from the older names.

    Raises ValueError, which names an unreadable price, or says why the unit is unknown.
    """
    try:
        read = [_plain[value] for value in sent]
    except (KeyError, TypeError):
        return _in_one_unit(prices, sent, names)
    return tuple([price if price is not None else other for price, other in zip(prices, read, strict=True)])


def have_one_unit(sent: Sequence[object]) -> bool:
    """Return whether the unit of prices under older names is known, and the same for all."""
    try:
        in_one_unit((None,) * len(sent), sent, [""] * len(sent))
    except ValueError:
        return False
    return True


def _in_one_unit(prices: Prices, sent: Sequence[object], names: Sequence[str]) -> Prices:
    forms: list[_Form | None] = []
    some, all_ = 0, -1
    for value, name in zip(sent, names, strict=True):
        if value is None or value == "":
            forms.append(None)
            continue
        try:
            form = form_of(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        forms.append(form)
        some |= form[1]
        all_ &= form[1]
        if form[1] & _DECIMALS and not form[1] & _LARGE and abs(form[0]) <= MICROS_PER_DOLLAR:
            if len(_plain) >= _MOST_REMEMBERED:
                _plain.clear()
                _plain.update(_BLANKS)
            _plain[value] = form[0]
    is_zero = not any(form[0] for form in forms if form is not None)
    divisor = 1 if is_zero or _are_dollars(some, all_) else _CENTS_PER_DOLLAR
    return tuple(
        price if form is None else form[0] // divisor for price, form in zip(prices, forms, strict=True)
    )


def _are_dollars(some: int, all_: int) -> bool:
    """Return the unit that prices show: `some` is what any price shows, `all_` what every price shows."""
    if some & _FRACTION:
        if some & _LARGE:
            raise ValueError("its prices are in dollars and in cents: a fraction beside one above 1")
        return True
    if some & _LARGE:
        if some & _POINT:
            raise ValueError("its prices may be dollars or cents: decimals, and one above 1")
        return False
    if all_ & _DECIMALS:
        return True
    raise ValueError("its prices may be dollars or cents: none is a fraction or above 1")
