"""Dates, numbers, money and plurals as a language writes them: Babel, from the extra `i18n`. Babel's only home.

Nothing of the machine is asked: no clock, no zone, no locale of its own. A time is written as it stands in the value.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .faults import ExpressionFault
from .fuel import MAX_INTEGER
from .number_filters import MAX_DIGITS, Unfit, a_count
from .values import is_number

if TYPE_CHECKING:
    from babel import Locale

LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[_-][0-9A-Za-z]{2,8}){0,3}")
MAX_LOCALES = 50  # in one run: Babel keeps each in memory
MAX_PATTERN = 80
WHEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")  # 27 digits: what decimals keep exactly
NAMED = ("short", "medium", "long", "full")
TIMES, ZONES = frozenset("abBhHkKmsSA"), frozenset("zZOvVXx")
NO_BREAK = str.maketrans("\u00a0\u202f", "  ")
_EXACT = Context(prec=60)


def is_there() -> bool:
    """Whether the extra is installed."""
    return find_spec("babel") is not None


def as_date(value: Any, format: Any = "medium", locale: Any = "en") -> str:  # noqa: A002 - the name people know
    """`2026-03-02|date("d. MMMM", locale="de")` is 2. März. Takes ISO dates and times in text; shows what they say."""
    from babel.dates import parse_pattern  # noqa: PLC0415 - only where it is used

    when, has_time = _a_time(value)
    language, pattern = _locale(locale), _pattern(format, has_time=has_time)
    try:
        shaped = language.date_formats[pattern] if pattern in NAMED else parse_pattern(pattern)
        return str(shaped.apply(when, language))
    except (ValueError, KeyError, AttributeError):
        raise Unfit("a pattern such as 'd. MMMM y', or short, medium, long or full", of_argument=True) from None


def number(value: Any, digits: Any = None, locale: Any = "en") -> str:
    """`1234.5|number(2, locale="fr")` is 1 234,50. All digits that it has, or so many, rounded half up."""
    from babel.numbers import parse_pattern  # noqa: PLC0415 - as above

    exact, language = _a_decimal(value), _locale(locale)
    pattern = language.decimal_formats[None].pattern
    places = max(0, -_exponent(exact)) if digits is None else a_count(digits, MAX_DIGITS)
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    fraction = "." + "0" * places if places else ""
    shaped = parse_pattern(re.sub(r"\.[0#]+", fraction, pattern))
    return str(shaped.apply(_never_minus_zero(rounded), language, decimal_quantization=False))


def currency(value: Any, currency: Any, locale: Any = "en") -> str:
    """`1234.5|currency("EUR", locale="de")` is 1.234,50 €, with as many decimals as the currency has."""
    from babel.numbers import format_currency, get_currency_precision, is_currency  # noqa: PLC0415 - as above

    exact, language = _a_decimal(value), _locale(locale)
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency) or not is_currency(currency):
        raise Unfit('a currency in three capital letters, such as "EUR"', of_argument=True)
    places = get_currency_precision(currency)
    rounded = _never_minus_zero(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT))
    return str(format_currency(rounded, currency, locale=language, decimal_quantization=False))


def plural(
    value: Any, *, other: Any, one: Any = None, two: Any = None, few: Any = None, many: Any = None, zero: Any = None,
    locale: Any = "en",
) -> str:  # fmt: skip
    """`2|plural(one="parcel", other="parcels")` is parcels: the text for the form that the language uses."""
    given = {"one": one, "two": two, "few": few, "many": many, "zero": zero, "other": other}
    for text in given.values():
        if text is not None and not isinstance(text, str):
            raise Unfit("texts in its brackets", of_argument=True)
    exact, language = _a_decimal(value), _locale(locale)
    form = language.plural_form(exact)
    if given[form] is not None:
        return str(given[form])
    if form == "many" and "few" not in language.plural_form.tags:
        return str(other)  # French, Spanish and their like have it for millions alone, and mostly write the same
    raise Unfit(f"{form}=… too, which {language} uses for this number", of_argument=True)


def without_no_break(filtered: Callable[..., str]) -> Callable[..., str]:
    """The same filter for SMS, where a no-break space would make all of the text UCS-2."""

    def plain(*arguments: Any, **named: Any) -> str:
        return filtered(*arguments, **named).translate(NO_BREAK)

    return plain


LOCALE_FILTERS: dict[str, Callable[..., str]] = {
    "currency": currency,
    "date": as_date,
    "number": number,
    "plural": plural,
}
ON_SMS = " on SMS"  # after a filter's name, where nobody can write it
COST = 20  # units of fuel


def _a_time(value: Any) -> tuple[date, bool]:
    """A date, and whether it has a time of day. A zone is left as it is: nothing is moved."""
    found = WHEN.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found and found["time"]:
            return datetime.fromisoformat(found[0]), True
        if found:
            return date.fromisoformat(found[0]), False
    except ValueError:  # a 30th of February
        pass
    raise Unfit("a date such as 2026-03-02, or 2026-03-02T09:00")


def _pattern(pattern: Any, *, has_time: bool) -> str:
    from babel.dates import tokenize_pattern  # noqa: PLC0415 - only where it is used

    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_PATTERN:
        raise Unfit(f"a pattern of at most {MAX_PATTERN} characters", of_argument=True)
    if pattern in NAMED:
        return pattern
    if pattern.count("'") % 2:
        raise Unfit("a pattern in which each quote is closed: '' stands for one", of_argument=True)
    letters = {token[0] for kind, token in tokenize_pattern(pattern) if kind == "field"}
    if letters & ZONES:
        raise Unfit("a pattern without a zone: a time is shown as it is written", of_argument=True)
    if letters & TIMES and not has_time:
        raise Unfit("a time of day for this pattern, such as 2026-03-02T09:00")
    return pattern


def _a_decimal(value: Any) -> Decimal:
    if isinstance(value, str):
        if not DECIMAL.fullmatch(value.strip()):
            raise Unfit("a number such as 49.95")
        return Decimal(value.strip())
    if not is_number(value):
        raise Unfit("a number, or one in text")
    if abs(value) >= MAX_INTEGER or value != value:  # noqa: PLR0124 - not a number
        raise ExpressionFault("bound", "a number has more than 18 digits before the point")
    exact = Decimal(repr(value))
    return exact.quantize(Decimal(1).scaleb(-9), ROUND_HALF_UP, _EXACT) if _exponent(exact) < -9 else exact


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


def _never_minus_zero(number: Decimal) -> Decimal:
    return abs(number) if number.is_zero() else number


def _locale(name: Any) -> "Locale":
    if not isinstance(name, str) or not LOCALE.fullmatch(name):
        raise Unfit('a locale such as "de" or "pt-BR"', of_argument=True)
    found = _known_locale(name.replace("-", "_"))
    if found is None:
        raise Unfit('a locale that Babel knows, such as "de" or "pt-BR"', of_argument=True)
    return found


@lru_cache(maxsize=1024)
def _known_locale(name: str) -> "Locale | None":
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - only where it is used

    try:
        found = Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None
    _loaded().add(str(found))
    if len(_loaded()) > MAX_LOCALES:
        raise ExpressionFault("bound", f"more than {MAX_LOCALES} locales in one run")
    return found


@cache
def _loaded() -> set[str]:
    return set()
