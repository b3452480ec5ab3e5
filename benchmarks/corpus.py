"""A repository of manifests as teams keep them, the same on every machine: what `validate` is measured with.

python -m benchmarks.corpus FOLDER [--manifests N] [--contacts N]
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

LINES = 60  # of each manifest
PER_TEAM = 20  # manifests in one folder, which share its lists
ROWS = 12  # of each list
NAMES = ("Ada", "Bo", "Cy", "Dana", "Elif", "Femi", "Grace", "Hugo", "Ines", "José", "Kim", "Lena")
SHOPS = ("Acme", "Harbour Clinic", "Northwind", "Blue Door Books", "Alder & Ash", "Pine Street Gym")
CITIES = ("Austin", "Boston", "Denver", "Portland", "Tucson", "Provo", "Salem")
THINGS = ("order", "booking", "visit", "parcel", "table", "lesson", "repair")

# Most texts are words and names; some ask and reckon. Shares are out of 20.
PLAIN = (
    "Hi {{ first_name }}, your THING {{ ref }} is ready in {{ city }}. Reply STOP to opt out.",
    "{{ shop }}: {{ first_name }}, see you in {{ city }} for THING {{ ref }}.",
    "Dear {{ first_name }}, THING {{ ref }} left our house in {{ city }} today. {{ shop }}",
    "{{ shop }} is closed on NUMBER May. Your THING {{ ref }} waits for you until then, {{ first_name }}.",
    "THING NUMBER: {{ ref }}. Keep this number, {{ first_name }}. Questions? {{ link }}",
)
CLEVER = (
    "Hi {{ first_name or 'there' }}, THING {{ ref }} waits until NUMBER May at {{ shop }}.",
    "{% if vip == 'yes' %}Come NUMBER minutes early{% else %}See you{% endif %}, {{ first_name }}. {{ shop }}",
    "{{ first_name | upper }}: THING {{ ref | trim }} is NUMBER days away. {{ link }}",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--manifests", type=int, default=1_000)
    parser.add_argument("--contacts", type=int, default=50_000)
    given = parser.parse_args()
    paths = write_corpus(given.folder, given.manifests)
    write_large(given.folder / "large.yaml", given.contacts)
    print(f"{len(paths):,} manifests and large.yaml in {given.folder}")


def write_corpus(folder: Path, manifests: int) -> list[Path]:
    """So many valid manifests of 60 lines and the lists they name; gives the manifests."""
    chance = Random(20_261_122)
    written = []
    for number in range(manifests):
        team = folder / f"team-{number // PER_TEAM:03}"
        if number % PER_TEAM == 0:
            _write_lists(team / "recipients", number // PER_TEAM, chance)
        path = team / f"send-{number:04}.yaml"
        path.write_text(_manifest(number, chance), encoding="utf-8")
        written.append(path)
    return written


def write_large(path: Path, contacts: int) -> None:
    """One manifest that keeps so many people inline, as an export of another tool would be pasted."""
    chance = Random(contacts)
    lines = [*_head("large", "Acme"), "recipients:", "  people:", "    contacts:"]
    for number in range(contacts):
        lines += [
            f'      - identifierValue: "{_phone(number)}"',
            f'        parameters: {{{_who(chance)}, ref: "{number:07}"}}',
        ]
    lines += ["messages:", "  greet:", "    channel: sms", "    to: people", *_text(PLAIN[0].replace("THING", "order"))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_lists(folder: Path, team: int, chance: Random) -> None:
    folder.mkdir(parents=True)
    for name in ("customers", "members"):
        rows = [
            f"{_phone(team * ROWS + number)},{chance.choice(NAMES)},{chance.choice(CITIES)},R-{number:04},"
            f"{chance.choice(('yes', 'no'))}"
            for number in range(ROWS)
        ]
        (folder / f"{name}.csv").write_text(
            "\n".join(["phone,first_name,city,ref,vip", *rows]) + "\n", encoding="utf-8"
        )
    (folder / "opted-out.txt").write_text(f"# they said STOP\n{_phone(team * ROWS)}\n", encoding="utf-8")


def _manifest(number: int, chance: Random) -> str:
    """Of 60 lines: a message or three, their lists, and as many parameters and comments as there is room for."""
    head, policy = _head(f"send-{number:04}", chance.choice(SHOPS), chance), list(_policy(chance))
    lists = ["recipients:", *_lists(chance)]
    messages = ["messages:"]
    for count in range(chance.randrange(1, 4)):
        more = list(chance.choices(KINDS, weights=(8, 5, 3, 2, 2))[0](f"-{count}" if count else "", chance))
        if len(head) + len(policy) + len(lists) + len(messages) + len(more) < LINES:
            messages += more
    room = LINES - len(head) - len(policy) - len(lists) - len(messages)
    head[head.index("channels:") : head.index("channels:")] = _parameters(room // 2, chance)
    text = [*_comment(number, room - room // 2), *head, *lists, *messages, *policy]
    assert len(text) == LINES, (number, len(text))
    return "\n".join(text) + "\n"


def _comment(number: int, lines: int) -> Iterator[str]:
    for line in range(lines):
        what = ("what this is for", "who asked for it", "when it may go", "what changed last")[line % 4]
        yield f"# {what}: ticket {number + line}, as agreed with the shop and written down in the calendar"


def _parameters(lines: int, chance: Random) -> Iterator[str]:
    for line in range(lines):
        kind = (f'"{chance.choice(THINGS)} {line}"', str(chance.randrange(99)), "[first, second]", "{a: 1, b: two}")
        yield f"  value_{line}: {chance.choice(kind)}"


def _lists(chance: Random) -> Iterator[str]:
    kind = chance.choices(("elsewhere", "file", "inline"), weights=(9, 6, 5))[0]
    if kind == "inline":
        yield from ("  people:", "    contacts:", *_contacts(chance.randrange(2, 9), chance))
        return
    name = chance.choice(("customers", "members"))
    folder = "recipients" if kind == "file" else "not-in-git"
    yield from ("  people:", f"    file: {folder}/{name}.csv", "    identifier: phone")
    if kind == "elsewhere":
        yield "    columns: [phone, first_name, city, ref, vip]"
    elif chance.random() < 0.3:
        yield '    where: city != "nowhere"'
    yield from ("  testers: # they see it first", "    contacts:", *_contacts(2, chance))


def _head(name: str, shop: str, chance: Random | None = None) -> list[str]:
    lines = [
        "apiVersion: flypast/v1",
        f"name: {name}",
        'edition: "2026"',
        "parameters:",
        f"  shop: {shop}",
        f"  link: https://acme.example/{name}",
        "channels:",
        "  sms:",
        "    workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11",
        "    channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22 # +1 415 555 0100",
        "    mms: true",
    ]
    return lines if chance is None or chance.random() < 0.6 else [*lines, "    rate: 20/s"]


def _contacts(count: int, chance: Random) -> Iterator[str]:
    first = chance.randrange(9_000)
    for person in range(first, first + count):
        rest = f'ref: "R-{person}", vip: "{chance.choice(("yes", "no"))}"'
        if chance.random() < 0.5:
            yield f'      - identifierValue: "{_phone(person)}"'
            yield f"        parameters: {{{_who(chance)}, {rest}}}"
        else:
            yield f'      - {{identifierValue: "{_phone(person)}", parameters: {{{_who(chance)}, {rest}}}}}'


def _who(chance: Random) -> str:
    return f"first_name: {chance.choice(NAMES)}, city: {chance.choice(CITIES)}"


def _reminder(mark: str, chance: Random) -> Iterator[str]:
    yield from (f"  reminder{mark}:", "    channel: sms", "    to: people", "    distinct: [ref]")
    yield from _text(_words(chance))


def _pair(mark: str, chance: Random) -> Iterator[str]:
    yield from (
        f"  first{mark}:",
        "    channel: sms",
        "    to: people",
        '    when: vip == "yes"',
        *_text(_words(chance)),
    )
    yield from (
        f"  others{mark}:",
        "    channel: sms",
        "    to: [people]",
        '    when: vip != "yes"',
        *_text(_words(chance)),
    )


def _picture(mark: str, chance: Random) -> Iterator[str]:
    yield from (
        f"  picture{mark}:",
        "    channel: sms",
        "    to: people",
        "    body:",
        "      type: image",
        "      image:",
    )
    yield from (f'        text: "{_words(chance)}"', "        images:")
    yield from (
        f"          - mediaUrl: https://acme.example/{chance.randrange(999)}.png",
        "            altText: a door",
    )


def _template(mark: str, _chance: Random) -> Iterator[str]:
    yield from (f"  welcome{mark}:", "    channel: sms", "    to: people", "    template:")
    yield from ("      projectId: 9b2f4c5d-1111-4222-8333-444455556666", "      locale: en")
    yield from ("      version: 0c3d5e6f-7777-4888-9999-aaaabbbbcccc", "      parameters:")
    for name in ("first_name", "city", "ref"):
        yield f'        - {{type: string, key: {name}, value: "{{{{ {name} }}}}"}}'


def _block(mark: str, chance: Random) -> Iterator[str]:
    yield from (
        f"  notice{mark}:",
        "    channel: sms",
        "    to: people",
        "    body:",
        "      type: text",
        "      text:",
    )
    yield "        text: |-"
    for _ in range(chance.randrange(1, 3)):
        yield f"          {_words(chance)}"
    yield "    tags: [notice, spring]"


KINDS: tuple[Callable[[str, Random], Iterator[str]], ...] = (_reminder, _pair, _picture, _template, _block)


def _policy(chance: Random) -> Iterator[str]:
    yield from ("policy:", f"  rate: {chance.choice((20, 50, 100))}/s", "  concurrency: 32")
    if chance.random() < 0.5:
        yield "  limits: {messages: 500, segments: 900, countries: [US, CA], segmentsPerMessage: 3}"
    if chance.random() < 0.3:
        yield "  suppress: recipients/opted-out.txt"
    yield "  stopAfter: {rejected: 5%, inDoubt: 10}"


def _text(words: str) -> list[str]:
    return ["    body:", "      type: text", f'      text: {{text: "{words}"}}']


def _words(chance: Random) -> str:
    text = chance.choice(CLEVER if chance.random() < 0.2 else PLAIN)
    return text.replace("THING", chance.choice(THINGS)).replace("NUMBER", str(chance.randrange(1, 29)))


def _phone(number: int) -> str:
    return f"+1{200 + number // 100 % 800}55501{number % 100:02}"


if __name__ == "__main__":
    main()
