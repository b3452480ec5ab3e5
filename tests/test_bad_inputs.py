"""Each kind of bad input has its case or its test: what must be there for it, and where.

A case is a folder of tests/cases, with words that its expected output must have. What no command's output can show (a
server's reply, a signal, a full disk) is a test elsewhere, named by its file and words of its name.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

CASES = {
    "a key that stands twice": ("duplicate-keys", "YML119"),
    "a tag": ("yaml-tags", "YML121"),
    "an alias bomb": ("yaml-alias-bomb", "YML102"),
    "a merge-key bomb": ("yaml-merge-bomb", "YML102"),
    "20,000 open brackets": ("yaml-depth", "YML103"),
    "a phone number without quotes": ("phones-unquoted", "YML129"),
    "what other YAML tools resolve stays text": ("scalars-stay-text", "22:30"),
    "infinity and not-a-number": ("scalars-refused", "YML126"),
    "a text that # cuts": ("yaml-hash-cut", "YML128"),
    "UTF-16": ("encodings", "UTF-16"),
    "invalid UTF-8": ("encodings", "0xE9 at byte offset 54"),
    "NUL": ("encodings", "a NUL byte at byte offset 30"),
    "an unknown key": ("one-mistake-one-finding", 'did you mean "recipients"?'),
    "the API's address": ("unknown-keys", 'unknown key "baseUrl"'),
    "the API's key": ("unknown-keys", 'unknown key "accessKey"'),
    "a file outside": ("files-outside", "outside the project"),
    "a link out of the root": ("files-outside", "link.csv"),
    "a loop of includes": ("include-loop", "see also"),
    "a channel declared twice": ("include-twice-declared", "REF303"),
    "both body and template, and neither": ("body-and-template", "SCH209"),
    "content that is not of its type": ("body-types-wrong", "SCH210"),
    "11 images": ("media-rules", "at most 10 items"),
    "a media address of another kind": ("media-rules", "must be an https:// address"),
    "a time without a zone": ("bird-rules", "must be a time with its zone"),
    "a tag of 51 characters": ("bird-rules", "1 to 50 letters"),
    "capFrequency without its use case": ("bird-rules", "useCase: marketing where capFrequency is true"),
    "a time in the past, planned": ("schedule-past-plan", "MSG606"),
    "a time too far ahead, planned": ("schedule-past-plan", "MSG607"),
    "a time in the past, validated": ("schedule-past-validates", "--- exit 0"),
    "a condition that is text": ("conditions", 'write vip == "yes"'),
    "one name in two manifests": ("names-twice", "REF312"),
    "unknown channels and lists": ("references-unknown", 'did you mean "people"?'),
    "more messages than the limit": ("limits-messages", "--- exit 4"),
    "at-least-once without acceptDuplicates": ("policy-delivery", "POL805"),
    "a quote that swallows the rest": ("csv-broken", "RCP514"),
    "a column that stands twice": ("csv-broken", 'the column "phone" stands here twice'),
    "a ragged row": ("csv-broken", "RCP513"),
    "NUL in a cell": ("csv-broken", "a NUL character"),
    "a BOM before the header": ("phones-one-person", "skipped"),
    "one number in three spellings": ("phones-one-person", "2 for the same person again"),
    "a national number without region": ("phones-wrong", "RCP532"),
    "a number that a spreadsheet changed": ("phones-wrong", "RCP533"),
    "data with braces": ("data-is-literal", "{{ 7*7 }}"),
    "data with commands of a CI log": ("data-is-literal", "add-mask"),
    "data with HTML, Markdown and mentions": ("data-is-literal", "@org/team"),
    "templates without end": ("template-bounds", 'there is no filter "format"'),
    "doubling in a loop": ("template-bounds", 'unknown name "namespace"'),
    "ways to reach behind the data": ("template-bounds", "expressions see data only"),
    "a misspelt name": ("template-bounds", 'unknown name "nmae"'),
    "an unclosed block": ("template-bounds", "{% if %} is never closed"),
    "3,000 nested parentheses": ("template-bounds", "more than 40 open brackets"),
    "a clock, chance, the environment": ("template-bounds", "the environment is not read"),
    "an empty cell": ("template-values", "TPL404"),
    "a decimal number that is printed": ("template-values", "price is a decimal number"),
    "an emoji that doubles the segments": ("texts", "MSG609"),
    "one mistake through include, alias and merge": ("several-places", "see also spring.yaml:21:16"),
    "a place behind wide characters, tabs and folded lines": ("frames", "windows.yaml:40:27"),
    "comments that ignore nothing, or without a reason": ("ignore-comments", "3 ignored by comments"),
}
ELSEWHERE = {
    "a million rows": ("cli/test_validate.py", "a_hundred_thousand_rows_stays_small"),
    "people in Git": ("cli/test_validate.py", "people_in_git_are_an_info"),
    "templates that take all time or memory": ("rendering/test_hostile.py", "def test_"),
    "data in HTML, Markdown and logs": ("output/test_neutral.py", "def test_"),
    "202 with nothing, or a cut body": ("cli/test_replies.py", "202"),
    "a gzip bomb": ("bird/test_client.py", "gzip"),
    "307 to another host": ("bird/test_client.py", "redirect"),
    "a garbled reply": ("cli/test_replies.py", "Bad status line"),
    "a connection that ends early": ("cli/test_replies.py", "reset"),
    "strange Retry-After": ("delivery/test_dispatch.py", '"-5"'),
    "500 after having accepted": ("cli/test_replies.py", "500"),
    "refused in the middle": ("cli/test_replies.py", "exit"),
    "pages that don't hold together": ("bird/test_pages.py", "def test_"),
    "a ledger of a newer version": ("ledger/test_damage.py", "newer"),
    "a corrupt page": ("ledger/test_damage.py", "corrupt"),
    "a lock of a dead process": ("ledger/test_processes.py", "a_killed_holder_is_followed"),
    "a ledger that CI throws away": ("cli/test_runs.py", "ledger-persisted"),
    "a ledger of another origin": ("cli/test_runs.py", "a_ledger_belongs_to_one_api"),
    "a full disk": ("faults/test_full_disks.py", "def test_"),
    "kill -9": ("faults/test_kills.py", "def test_"),
    "a terminal that is not there": ("cli/test_terminal.py", "def test_"),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_bad_input_is_a_case(kind: str) -> None:
    name, words = CASES[kind]
    assert words in (TESTS / "cases" / name / "expected.txt").read_text()


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_bad_input_that_can_be_no_case_is_a_test(kind: str) -> None:
    name, words = ELSEWHERE[kind]
    assert words in (TESTS / name).read_text()


def test_every_folder_of_the_cases_is_run_or_says_what_it_is() -> None:
    for folder in (TESTS / "cases").iterdir():
        assert (folder / "command").exists() != (folder / "README.md").exists(), folder.name
