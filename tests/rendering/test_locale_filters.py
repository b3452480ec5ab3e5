"""Dates, numbers, money and plurals: as each language writes them, the same everywhere, and plain on SMS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.rendering.fuel import FUEL_PER_MESSAGE
from runner.rendering.language import Language
from runner.rendering.locale_filters import COST, LOCALE_FILTERS, MAX_LOCALES
from tests.conftest import MANIFEST, Project, clean_environment

from .faults_of import fault_of

NO_BREAK, NARROW = "\u00a0", "\u202f"
VALUES = {
    "due": "2026-03-02",
    "at": "2026-03-02T09:05:00+02:00",
    "amount": "1234.5",
    "n": "3",
    "null": None,
    "lang": "pl",
}

GIVES = [
    ("{{ due|date }}", "Mar 2, 2026"),
    ("{{ due|date('full', locale='fr') }}", "lundi 2 mars 2026"),
    ("{{ due|date('d. MMMM', 'de') }}", "2. März"),
    ("{{ due|date(\"EEEE 'de' MMMM\", locale='pt-BR') }}", "segunda-feira de março"),
    ("{{ at|date('d MMM, HH:mm', locale='en_GB') }}", "2 Mar, 09:05"),
    ("{{ at|date('short', locale='de') }}", "02.03.26"),
    ("{{ amount|currency('EUR', locale='de') }}", f"1.234,50{NO_BREAK}€"),
    ("{{ amount|currency('JPY') }}{{ 2.675|currency('USD') }}{{ -0.001|currency('USD') }}", "¥1,235$2.68$0.00"),
    ("{{ amount|number(locale='fr') }}", f"1{NARROW}234,5"),
    ("{{ '1234567'|number(2, locale='hi') }} {{ 0.1|number }} {{ 7|number }}", "12,34,567.00 0.1 7"),
    ("{{ 1.005|number(2) }} {{ '-0.001'|number(2) }} {{ 1e17|number }}", "1.01 0.00 100,000,000,000,000,000"),
    ("{{ '999999999999999999.999999999'|number }}", "999,999,999,999,999,999.999999999"),
    ("{{ n|plural(one='paczka', few='paczki', other='paczek', locale=lang) }}", "paczki"),
    ("{{ '1.0'|plural(one='day', other='days') }}{{ 1|plural(one='day', other='days') }}", "daysday"),
    ("{{ 1000000|plural(one='jour', other='jours', locale='fr') }}", "jours"),
    ("{{ 0|plural(zero='none', other='some', locale='lv') }}", "none"),
]


@pytest.mark.parametrize(("source", "text"), GIVES)
def test_a_filter_writes_as_the_language_does(source: str, text: str) -> None:
    assert Language().template(source).text(VALUES) == text


@pytest.mark.parametrize(("source", "text"), GIVES)
def test_on_sms_every_no_break_space_is_a_plain_one(source: str, text: str) -> None:
    plain = text.replace(NO_BREAK, " ").replace(NARROW, " ")
    assert Language().on_sms().template(source).text(VALUES) == plain
    assert Language().on_sms().template(f"{NO_BREAK}{source}").text(VALUES) == NO_BREAK + plain  # one's own stays


REFUSES = [
    ("{{ '02.03.2026'|date }}", "date wants a date such as 2026-03-02, or 2026-03-02T09:00; this expression is text"),
    ("{{ '2026-02-30'|date }}", "date wants a date such as"),
    ("{{ 20260302|date }}", "20260302 is a whole number"),
    ("{{ due|date('HH:mm') }}", "a time of day for this pattern"),
    ("{{ at|date('HH:mm zzzz') }}", "a pattern without a zone"),
    ('{{ at|date("d \'of MMMM") }}', "a pattern in which each quote is closed"),
    ("{{ due|date('ddddddd MMMMMMMMM') }}", "a pattern such as 'd. MMMM y', or short"),
    ("{{ due|date('') }}", "a pattern of at most 80 characters"),
    ("{{ due|date(locale='../../etc/passwd') }}", 'a locale such as "de"'),
    ("{{ due|date(locale='xx') }}", "a locale that Babel knows"),
    ("{{ due|date(locale=7) }}", 'a locale such as "de"'),
    ("{{ '1,5'|number }}", "number wants a number such as 49.95; this expression is text"),
    ("{{ '١٢'|number }}", "a number such as 49.95"),
    ("{{ amount|number(99) }}", "a whole number from 0 to 12"),
    ("{{ amount|number(true) }}", "a whole number from 0 to 12"),
    ("{{ amount|currency('eur') }}", "a currency in three capital letters"),
    ("{{ amount|currency('ZZZ') }}", "a currency in three capital letters"),
    ("{{ ['1']|currency('EUR') }}", "a number, or one in text; this expression is a list"),
    ("{{ n|plural(one='paczka', other='paczek', locale='pl') }}", "few=… too, which pl uses for this number"),
    ("{{ n|plural(other=3) }}", "plural wants texts in its brackets"),
    ("{{ null|date }}", "null is null and date needs a value"),
]


@pytest.mark.parametrize(("source", "words"), REFUSES)
@pytest.mark.parametrize("language", [Language(), Language().on_sms()], ids=["elsewhere", "on SMS"])
def test_a_filter_refuses_what_it_is_not_for(source: str, words: str, language: Language) -> None:
    fault = fault_of(lambda: language.template(source).text(VALUES))
    assert fault.kind in ("type", "null")
    assert words in fault.message


@pytest.mark.parametrize(
    "source", ["{{ n|plural(one='x') }}", "{{ n|plural }}", "{{ n|currency }}", "{{ n|date(1, 2, 3) }}"]
)
def test_what_stands_in_the_brackets_is_checked_before_any_row(source: str) -> None:
    assert fault_of(lambda: Language().template(source)).kind == "refused"


def test_numbers_too_large_are_refused() -> None:
    assert fault_of(lambda: Language().template("{{ (1e17 * 100)|number }}").text({})).kind == "bound"


def test_a_text_that_formats_without_end_runs_out_of_fuel_soon() -> None:
    loop = "{% for x in many %}{{ x|date('EEEE d MMMM y', locale='de') }}{% endfor %}"
    template = Language().template(loop)
    fault = fault_of(lambda: template.text({"many": ["2026-03-02"] * FUEL_PER_MESSAGE}))
    assert fault.kind == "bound"
    assert template.text({"many": ["2026-03-02"] * (FUEL_PER_MESSAGE // (COST + 10))}).count("Montag") > 600


def test_the_locales_of_a_run_are_bounded() -> None:
    """Each stays in memory: another process, as it would stay in this one."""
    code = (
        "from babel import localedata; from runner.rendering.language import Language; "
        "t = Language().template('{{ 1|number(locale=x) }}'); "
        "[t.text({'x': x}) for x in sorted(localedata.locale_identifiers())]"
    )
    ran = python(code)
    assert ran.returncode == 1
    assert f"more than {MAX_LOCALES} locales in one run" in ran.stderr


def python(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(**environment),
        cwd=Path(__file__).parents[2],
    )


def test_nothing_of_the_machine_is_asked() -> None:
    code = (
        "from runner.rendering.language import Language; "
        f"print([Language().template(s).text({VALUES!r}) for s in {[source for source, _ in GIVES]!r}])"
    )
    written = [python(code, **around).stdout for around in MACHINES]
    assert written[0] == f"{[text for _, text in GIVES]}\n"
    assert set(written) == {written[0]}


MACHINES = [
    {"TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"TZ": "Asia/Kathmandu", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de", "PYTHONUTF8": "1"},
    {"TZ": "no/such", "LC_ALL": "xx!!", "LC_MONETARY": "../..", "LANG": "", "PYTHONUTF8": "1"},
]


def test_babel_is_imported_only_where_a_filter_of_it_is_used() -> None:
    code = (
        "import sys; from runner.rendering.language import Language; "
        "Language().template('{{ 1.5|fixed }}').text({}); print('babel' in sys.modules)"
    )
    assert python(code).stdout == "False\n"


WITHOUT = "import sys; sys.modules['babel'] = None; from runner.cli import run; sys.argv[0] = 'flypast'; run()"


@pytest.mark.parametrize("filter_", ["date", "number", "currency('EUR')", "plural(other='x')"])
def test_without_the_extra_a_finding_names_how_to_have_it(filter_: str, project: Project) -> None:
    project.write("hello.yaml", MANIFEST.replace("{{ name }}", f"{{{{ name|{filter_} }}}}"))
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, "validate", "hello.yaml"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(PYTHONPATH=os.fspath(Path(__file__).parents[2])),
        cwd=project.path,
    )
    assert ran.returncode == 1
    assert ran.stdout.count("error[") == 1
    assert "error[TPL408]" in ran.stdout
    assert 'pip install "flypast[i18n]"' in ran.stdout


def test_what_stands_in_a_message_s_own_parameters_is_plain_on_sms_too(project: Project) -> None:
    written = MANIFEST.replace(
        "    to: people\n", "    to: people\n    parameters: {cost: \"{{ '9.5'|currency('EUR', locale='de') }}\"}\n"
    )
    project.write("hello.yaml", written.replace("welcome", "{{ cost }}"))
    (first, *_) = project.run("render", "hello.yaml", "--show-pii").lines
    assert first["request"]["body"]["text"]["text"].endswith(", 9,50 €.")


def test_every_filter_of_the_extra_is_tried_here() -> None:
    assert all(any(f"|{name}" in source for source, _ in GIVES) for name in LOCALE_FILTERS)
