import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from runner.findings import Finding, Findings
from runner.manifest.documents import Document, load_document
from runner.manifest.explain import schema_findings
from tests import mutants

HEAD = """\
apiVersion: flypast/v1
name: spring
channels:
  sms-us: {workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11, channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22}
recipients:
  people: {file: people.csv}
messages:
  hello:
    channel: sms-us
    to: people
"""
TEXT = "    body: {type: text, text: {text: Hi}}\n"
JARGON = re.compile(
    r"is not of type|[Aa]dditional|does not match|is not one of|required property|schema|\bregex|None|True\b|False\b"
)


def explained(source: str) -> list[Finding]:
    findings = Findings()
    document = load_document(source.encode(), Path("spring.yaml"), "spring.yaml", findings)
    assert isinstance(document, Document)
    schema_findings(document, findings)
    return [finding for finding in findings.sorted() if finding.code.startswith("SCH")]


def only(source: str) -> Finding:
    (finding,) = explained(dedent(source))
    return finding


def told(finding: Finding) -> tuple[str, str, str | None]:
    return finding.code, finding.message, finding.hint


def marked(finding: Finding, source: str) -> str:
    """What the finding's place covers, as the reader sees it."""
    line = dedent(source).splitlines()[finding.place.line - 1]
    return line[finding.place.column - 1 : finding.place.end_column - 1]


def test_a_good_manifest_gives_no_finding() -> None:
    assert explained(HEAD + TEXT) == []


def test_an_unknown_key_is_told_with_the_nearest_name_at_the_key() -> None:
    source = HEAD.replace("recipients:", "recipents:") + TEXT
    finding = only(source)
    assert told(finding) == ("SCH201", 'unknown key "recipents"', 'did you mean "recipients"?')
    assert marked(finding, source) == "recipents"


def test_each_unknown_key_is_a_finding_of_its_own() -> None:
    findings = explained(HEAD + TEXT + "    retries: 3\n    urgency: high\n")
    assert [finding.message for finding in findings] == ['unknown key "retries"', 'unknown key "urgency"']
    assert str(findings[0].hint).startswith("known here: channel, to, exclude")


@pytest.mark.parametrize("key", ["baseUrl", "accessKey", "api_key", "url", "API-URL", "token"])
def test_address_and_key_are_refused_wherever_they_are_tried(key: str) -> None:
    for source in (f"{key}: x\n{HEAD}{TEXT}", HEAD.replace("{workspaceId", f"{{{key}: x, workspaceId") + TEXT):
        finding = only(source)
        assert finding.message == f'unknown key "{key}"'
        assert "BIRD_API_URL, BIRD_ACCESS_KEY" in str(finding.hint)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("type: text", "typ: text"),
        ("{text: Hi}", "{txt: Hi}"),
        ("channelId", "channelID"),
        ("apiVersion", "apiversion"),
    ],
)
def test_a_misspelt_key_that_is_also_missing_is_one_mistake(right: str, wrong: str) -> None:
    finding = only((HEAD + TEXT).replace(right, wrong))
    assert finding.code == "SCH201"
    assert str(finding.hint).startswith("did you mean")


def test_a_misspelt_key_beside_the_right_one_is_told_so() -> None:
    finding = only("apiVersion: flypast/v1\nchannels: {}\nchanels: {}\n")
    assert told(finding) == ("SCH201", 'unknown key "chanels"', '"channels" is there already: keep one of them')


@pytest.mark.parametrize(("right", "wrong"), [("body", "bdoy"), ("body", "Body"), ("template", "tempalte")])
def test_a_misspelt_body_or_template_is_not_also_a_missing_one(right: str, wrong: str) -> None:
    finding = only(f"{HEAD}    {wrong}: {{name: x}}\n")
    assert told(finding) == ("SCH201", f'unknown key "{wrong}"', f'did you mean "{right}"?')


def test_all_missing_keys_of_an_object_are_one_finding_at_its_name() -> None:
    source = "apiVersion: flypast/v1\nchannels:\n  sms-us: {mms: true}\n"
    finding = only(source)
    assert told(finding) == ("SCH202", 'channel "sms-us" needs workspaceId and channelId', None)
    assert marked(finding, source) == "sms-us"


def test_a_missing_version_is_told_at_the_start() -> None:
    finding = only("parameters: {a: 1}\n")
    assert told(finding)[:2] == ("SCH202", "this manifest needs apiVersion")
    assert (finding.place.line, finding.place.column) == (1, 1)


def test_an_unknown_version_lists_the_known_ones() -> None:
    finding = only("apiVersion: flypast/v9\n")
    assert told(finding) == ("SCH204", '"apiVersion" must be flypast/v1', 'did you mean "flypast/v1"?')


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("    body: {type: text, text: {text: Hi}}\n    template: {name: x}\n", "takes a body or a template, not both"),
        ("", "needs a body or a template"),
        (TEXT + "    receiver: {contacts: [{id: x}]}\n", "takes to or receiver, not both"),
    ],
)
def test_a_rule_about_a_message_is_one_finding_at_its_name(lines: str, words: str) -> None:
    finding = only(HEAD + lines)
    assert told(finding) == ("SCH209", f'message "hello" {words}', None)
    assert marked(finding, HEAD) == "hello"


def test_neither_to_nor_receiver_is_one_finding() -> None:
    assert only((HEAD + TEXT).replace("    to: people\n", "")).message == 'message "hello" needs to, or a receiver'


@pytest.mark.parametrize("fields", ["{region: US}", "{file: a.csv, contacts: []}"])
def test_a_list_has_exactly_one_source(fields: str) -> None:
    finding = only(HEAD.replace("{file: people.csv}", fields) + TEXT)
    assert finding.code == "SCH209"
    assert finding.message.startswith('recipient list "people" ')


def test_content_of_another_type_is_one_finding_at_the_body() -> None:
    source = HEAD + "    body: {type: image, text: {text: Hi}}\n"
    finding = only(source)
    assert told(finding) == (
        "SCH210", '"body" has type image, so it needs "image"', 'rename "text" to "image", or write type: text',
    )  # fmt: skip
    assert marked(finding, source) == "body"


def test_content_too_many_is_told_at_its_key() -> None:
    finding = only(
        HEAD + "    body:\n      type: text\n      text: {text: Hi}\n      gif: {mediaUrl: 'https://a.example'}\n"
    )
    assert told(finding)[:2] == ("SCH210", '"gif" does not go with type text')
    assert finding.place.line == HEAD.count("\n") + 4


SHARE = "must be a share such as 5% or a count such as 10"
COUNTRY = "must be a country in two capital letters, such as US"
A_NAME = "can't be a name here: a name is letters, digits and underscores, not starting with a digit"
CHOICES = "must be at-most-once, resend-absent or at-least-once"
KEYS = "write keys and values, without the dash"

OURS: list[tuple[str, str, str, str | None]] = [
    ("edition: 1.10", "SCH203", '"edition" must be text', 'put it in quotes: "1.10"'),
    ("policy: {rate: 50}", "SCH203", '"rate" must be text', "write 50/s, or 50/m for a minute"),
    ("edition:", "SCH203", '"edition" is empty: it must be text', None),
    ("include: a.yaml", "SCH203", '"include" must be a list', 'write a list: ["a.yaml"]'),
    ("policy: [rate]", "SCH203", '"policy" must be a map of keys and values', KEYS),
    ("policy: {rate: 20 a day}", "SCH205", '"rate" must be a pace such as 100/s (a second) or 300/m (a minute)', None),
    ("policy: {concurrency: many}", "SCH203", '"concurrency" must be a whole number', None),
    ("policy: {concurrency: 0.5}", "SCH203", '"concurrency" must be a whole number', None),
    ("policy: {concurrency: '64'}", "SCH203", '"concurrency" must be a whole number', "write 64, without quotes"),
    ("policy: {concurrency: 0}", "SCH206", '"concurrency" must be at least 1', None),
    ("policy: {concurrency: 10001}", "SCH206", '"concurrency" must be at most 10,000', None),
    ("policy: {delivery: at-most-onec}", "SCH204", f'"delivery" {CHOICES}', 'did you mean "at-most-once"?'),
    ("policy: {stopAfter: {rejected: 0.05}}", "SCH203", f'"rejected" {SHARE}', None),
    ("policy: {stopAfter: {rejected: 0}}", "SCH206", '"rejected" must be at least 1', None),
    ("policy: {stopAfter: {rejected: '120%'}}", "SCH205", f'"rejected" {SHARE}', None),
    ("policy: {limits: {countries: [us]}}", "SCH205", f'item 1 of "countries" {COUNTRY}', 'write "US"'),
    ("policy: {suppress: ''}", "SCH207", '"suppress" is empty', None),
    ("policy: {smartEncoding: yes}", "SCH203", '"smartEncoding" must be true or false', "write true, without quotes"),
    ("parameters: {first name: x}", "SCH208", f'"first name" {A_NAME}', 'write "first_name"'),
]


@pytest.mark.parametrize(("line", "code", "message", "hint"), OURS)
def test_a_wrong_value_is_told_in_plain_words(line: str, code: str, message: str, hint: str | None) -> None:
    finding = only(f"apiVersion: flypast/v1\n{line}\n")
    assert told(finding) == (code, message, hint)
    assert finding.place.line == 2


def test_our_own_notes_are_left_alone() -> None:
    assert explained("apiVersion: flypast/v1\nx-anchors: {anything: [goes]}\n") == []


A_TAG = "must be 1 to 50 letters, digits, hyphens, underscores or spaces (a rule of Bird's)"
A_TIME = "must be a time with its zone, such as 2026-03-28T19:11:00Z or 2026-03-28T20:11:00+01:00"
A_CAP = "needs meta.extraInformation.useCase: marketing where capFrequency is true (a rule of Bird's)"
A_USE_CASE = 'must be "marketing" where capFrequency is true (a rule of Bird\'s)'
WHOLE = 'the expression must be the whole value, such as "{{ name }}"'

BIRDS: list[tuple[str, str, str | None]] = [
    ("scheduledFor: 2026-03-28T19:11:00", f'"scheduledFor" {A_TIME}', 'write "2026-03-28T19:11:00Z"'),
    ("tags: [" + "a" * 51 + "]", f'item 1 of "tags" {A_TAG}', None),
    ("tags: [a.b]", f'item 1 of "tags" {A_TAG}', 'write "a-b"'),
    ("capFrequency: true", f'message "hello" {A_CAP}', None),
    ("meta: {extraInformation: {useCase: otp}}\n    capFrequency: true", f'"useCase" {A_USE_CASE}', None),
    ("validity: '{{ days }} d'", '"validity" must be a whole number', WHOLE),
    ("exclude: []", '"exclude" is empty', None),
    ("exclude: Opted Out", '"exclude" must be a name, or a list of names', 'write "opted-out"'),
]


@pytest.mark.parametrize(("line", "message", "hint"), BIRDS)
def test_a_rule_of_a_message_is_told_at_its_value(line: str, message: str, hint: str | None) -> None:
    finding = only(f"{HEAD}{TEXT}    {line}\n")
    assert (finding.message, finding.hint) == (message, hint)


def images(urls: list[str]) -> str:
    listed = "".join(f"          - mediaUrl: '{url}'\n" for url in urls)
    return f"{HEAD}    body:\n      type: image\n      image:\n        images:\n{listed}"


def test_the_eleventh_image_is_where_there_are_too_many() -> None:
    source = images(["https://acme.example/a.png"] * 11)
    finding = only(source)
    assert told(finding)[:2] == ("SCH207", '"images" may have at most 10 items; there are 11')
    assert finding.place.line == len(source.splitlines())


@pytest.mark.parametrize("url", ["http://acme.example/a.png", "file:///a.png", "data:,x", "https://me:pw@acme.example"])
def test_a_media_address_that_bird_can_not_fetch_is_a_finding(url: str) -> None:
    finding = only(images([url]))
    assert told(finding)[:2] == (
        "SCH205",
        '"mediaUrl" must be an https:// address without spaces, user name or password',
    )
    assert ("https:" in str(finding.hint)) == url.startswith("http:")


def test_a_number_of_a_contact_is_not_repeated() -> None:
    finding = only("apiVersion: flypast/v1\nrecipients: {me: {contacts: [{identifierValue: 14155550100}]}}\n")
    assert told(finding) == ("SCH203", '"identifierValue" must be text', "put it in quotes")


def test_a_column_named_twice_is_shown_the_second_time() -> None:
    source = "apiVersion: flypast/v1\nrecipients: {me: {file: a.csv, columns: [phone, name, phone]}}\n"
    finding = only(source)
    assert finding.message == '"columns" names phone twice'
    assert finding.place.column == source.splitlines()[1].rindex("phone") + 1


def test_a_fault_reached_through_an_alias_is_one_finding_that_names_its_users() -> None:
    again = "  again: {channel: sms-us, to: people, body: *hello}\n"
    source = f"x-body: &hello {{type: text, text: {{txt: Hi}}}}\n{HEAD}    body: *hello\n{again}"
    finding = only(source)
    assert (finding.code, finding.place.line) == ("SCH201", 1)
    assert [place.line for place in finding.also] == [12, 13]


@pytest.mark.parametrize("source", ["", "[]", "just text", "- apiVersion: flypast/v1"])
def test_a_file_that_is_no_map_is_one_finding(source: str) -> None:
    assert only(source).message.endswith("must be a map of keys and values")


def in_words(finding: Finding) -> str:
    """The words of a finding without what they quote from the file."""
    return re.sub(r'"(\\.|[^"])*"|\[.*\]', "", f"{finding.message} {finding.hint or ''}")


def test_one_change_of_a_valid_manifest_gives_few_findings_without_jargon() -> None:
    counts: list[int] = []
    for mutant in mutants.mutants(600, seed=2):
        findings = explained(json.dumps(mutants.in_manifest(mutant), indent=1))
        counts.append(len(findings))
        assert len(findings) <= 3, [told(finding) for finding in findings]
        assert not [words for words in map(in_words, findings) if JARGON.search(words)]
    assert counts.count(1) > 0.9 * sum(count > 0 for count in counts)


def test_a_request_can_be_explained_too() -> None:
    findings = Findings()
    written: Any = {"receiver": mutants.RECEIVER, "body": {"type": "text"}}
    document = load_document(json.dumps(written).encode(), Path("r.json"), "r.json", findings)
    assert document
    schema_findings(document, findings, schema="request")
    assert [finding.message for finding in findings.sorted()] == ['"body" has type text, so it needs "text"']
