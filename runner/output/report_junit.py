"""A report as test results: a suite for each message of a manifest, a case for each person who did not get it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from runner.ledger.deliveries import FAILED, NOT_LOOKED_UP
from runner.ledger.seam import Entry
from runner.report import COUNTED, Group

from .delivery_told import WORDS as DELIVERY
from .delivery_told import rows
from .formats.junit import xml_text
from .report_told import STATES, ReportTold
from .words import number

MOST_CASES = 1000  # of one suite; beyond a few megabytes hosts read no report
MOST_HELD = 10_000  # of all suites
_DO = {
    "inDoubt": "flypast reconcile looks it up at Bird",
    "planned": "it did not go out; the next send takes it",
    "dropped": "somebody decided never to send it",
    "undelivered": "Bird took it, and it was not delivered; it is not sent again by itself",
}
_WORDS = {**STATES, "undelivered": "not delivered"}


def _outcome(entry: Entry) -> str:
    """As reports count it; what was accepted and then failed at Bird stands by itself."""
    is_failed = entry.delivery is not None and entry.delivery.status in FAILED
    return "undelivered" if is_failed else COUNTED[entry.state]


@dataclass(slots=True)
class Cases:
    """The first messages of each suite that are not accepted, or not delivered: gathered as the entries pass by."""

    held: dict[tuple[str, ...], list[Entry]] = field(default_factory=dict)
    _room: int = MOST_HELD

    def add(self, entry: Entry) -> None:
        if _outcome(entry) == "accepted" or not self._room:
            return
        cases = self.held.setdefault((entry.manifest, entry.edition, entry.message), [])
        if len(cases) < MOST_CASES:
            cases.append(entry)
            self._room -= 1


def report_junit(told: ReportTold, cases: Cases) -> str:
    """Rejected and not delivered are failures, in doubt is an error, planned and dropped are skipped.

    All else that was accepted is one case.
    """
    suites = ET.Element("testsuites")
    for group in told.facts.messages:
        _suite(suites, told, group, cases.held.get(group.names, ()))
    _count(suites, {"name": f"flypast {xml_text(told.what)}"}, list(suites.iter("testcase")))
    ET.indent(suites)
    written: bytes = ET.tostring(suites, encoding="us-ascii", xml_declaration=True)
    return written.decode()


def _suite(parent: ET.Element, told: ReportTold, group: Group, entries: Sequence[Entry]) -> None:
    manifest, edition, message = group.names
    name = xml_text(f"{manifest} {message}" if edition == "1" else f"{manifest} {message}, edition {edition}")
    suite = ET.SubElement(parent, "testsuite")
    standing = group.standing
    _properties(suite, standing.deliveries)
    failed = {"undelivered": standing.undelivered}
    counts = standing.counts | failed | {"accepted": standing.counts["accepted"] - standing.undelivered}
    if counts["accepted"]:
        _case(suite, name, f"{counts['accepted']:,} accepted")
    for entry in entries:
        _entry(_case(suite, name, xml_text(f"{told.to(entry)} {entry.key}")), entry)
    for outcome, beyond in _beyond(counts, entries):
        words = f"{number(beyond, 'message')} more {_WORDS[outcome]}"
        _end(_case(suite, name, words), outcome, words, "flypast report --format csv has a row for each")
    _count(suite, {"name": name}, list(suite.iter("testcase")))


def _properties(suite: ET.Element, deliveries: Mapping[str, int]) -> None:
    """What Bird said of those accepted, once it was asked."""
    if deliveries.keys() - {NOT_LOOKED_UP}:
        properties = ET.SubElement(suite, "properties")
        for bucket, count in rows(deliveries):
            ET.SubElement(properties, "property", {"name": f"delivery.{bucket}", "value": str(count)})


def _beyond(counts: dict[str, int], entries: Sequence[Entry]) -> Iterator[tuple[str, int]]:
    """How many of each outcome have no case of their own."""
    for outcome, count in counts.items():
        left = count - sum(_outcome(entry) == outcome for entry in entries)
        if outcome != "accepted" and left:
            yield outcome, left


def _entry(case: ET.Element, entry: Entry) -> None:
    outcome, told = _outcome(entry), entry.delivery
    words = " ".join(filter(None, (entry.code, entry.words))) or _WORDS[outcome]
    if outcome == "undelivered" and told is not None:
        words = " ".join(filter(None, (DELIVERY[told.status], told.code, told.source)))
    _end(case, outcome, words, f"{_DO.get(outcome, 'Bird refused it')}; at {entry.at}, run {entry.run}")


def _end(case: ET.Element, outcome: str, words: str, more: str) -> None:
    if outcome in ("planned", "dropped"):
        ET.SubElement(case, "skipped").text = xml_text(f"{words}: {more}")
        return
    kind = "error" if outcome == "inDoubt" else "failure"
    told = {"type": xml_text(_WORDS[outcome]), "message": xml_text(words)}
    ET.SubElement(case, kind, told).text = xml_text(words) + "\n" + xml_text(more)


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", {"name": name, "classname": classname, "time": "0"})


def _count(element: ET.Element, about: dict[str, str], cases: Sequence[ET.Element]) -> None:
    """`skipped` is none of what every reader's schema lets stand at the top, so it stands at suites alone."""
    kinds = [child.tag for case in cases for child in case]
    counts = {"tests": len(cases), "failures": kinds.count("failure"), "errors": kinds.count("error")}
    if element.tag == "testsuite":
        counts["skipped"] = kinds.count("skipped")
    element.attrib.update(about | {name: str(count) for name, count in counts.items()} | {"time": "0"})
