"""A reply that ends at each of its bytes, by an orderly end or a reset: what is proven depends on its head alone."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import pytest

from tests.cli.raw_server import ACCEPTED, Line, RawServer, reply, replying, says_and_closes, says_and_resets
from tests.cli.sending import send, status, summary, with_policy
from tests.conftest import Project

from .size import IS_LONG

BODY = b'{"id":"5f0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11","status":"accepted","reference":"x"}'
REFUSAL = json.dumps(
    {"code": "InvalidPayload", "message": "no", "details": {".body.text.text": ["is required"]}}
).encode()
CHUNKED = (
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"10\r\n" + BODY[:16] + b"\r\n" + f"{len(BODY) - 16:x}".encode() + b"\r\n" + BODY[16:] + b"\r\n0\r\n\r\n"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A whole reply, and what its message is once the head has come; before that it is in doubt.

    "again" is a message that is proven not to be sent: this run or the next one sends it again.
    """

    content: bytes
    proves: str
    is_quick: bool = False


CASES = {
    "202": Case(
        content=reply("202 Accepted", BODY, "Content-Type: application/json"), proves="accepted", is_quick=True
    ),
    "202 chunked": Case(content=CHUNKED, proves="accepted"),
    "400": Case(content=reply("400 Bad Request", REFUSAL), proves="rejected"),
    "422": Case(content=reply("422 Unprocessable", REFUSAL), proves="rejected"),
    "429": Case(content=reply("429 Too Many Requests", b'{"code":"TooMany"}', "Retry-After: 0"), proves="again"),
    "401": Case(content=reply("401 Unauthorized", b"{}"), proves="again"),
    "500": Case(content=reply("500 Oops", b'{"code":"Internal"}'), proves="inDoubt"),
    "307": Case(content=reply("307 Elsewhere", b"", "Location: ELSEWHERE"), proves="inDoubt"),
}
ENDS: dict[str, Callable[[bytes], Callable[[Line], None]]] = {"close": says_and_closes, "reset": says_and_resets}
CHOSEN = [
    pytest.param(case, end, id=f"{name}-{way}")
    for name, case in CASES.items()
    for way, end in ENDS.items()
    if case.is_quick or IS_LONG
]
FILLERS = 2  # whole replies for each that is cut, or the breaker would open


class Cutter:
    """Person 0, 3, 6 … gets the reply's first 0, 1, 2 … bytes at the first request, and everybody else a whole 202."""

    def __init__(self, content: bytes, end: Callable[[bytes], Callable[[Line], None]]) -> None:
        self.times: Counter[int] = Counter()
        self._content = content
        self._end = end
        self._turn = Lock()

    def __call__(self, line: Line) -> None:
        while True:
            body = line.request().body
            found = re.search(rb"Hi Person (\d+),", body)
            assert found is not None
            place, is_filler = divmod(int(found[1]), FILLERS + 1)
            if is_filler:
                line.say(ACCEPTED)
                continue
            with self._turn:
                self.times[place] += 1
                is_first = self.times[place] == 1
            if is_first:
                self._end(self._content[:place])(line)
            line.say(ACCEPTED)


@pytest.mark.parametrize(("case", "end"), CHOSEN)
def test_a_reply_cut_at_each_byte_proves_nothing_before_its_head_is_whole_and_everything_after(
    project: Project, case: Case, end: Callable[[bytes], Callable[[Line], None]]
) -> None:
    with RawServer(replying(ACCEPTED)) as elsewhere:
        content = case.content.replace(b"ELSEWHERE", f"{elsewhere.url}/messages".encode())
        head = content.index(b"\r\n\r\n") + 4
        places = len(content) + 1
        project.people(places * (FILLERS + 1))
        with_policy(project)
        cutter = Cutter(content, end)
        with RawServer(cutter) as server:
            stops = 0
            while summary(send(project, server.url, "--concurrency", "8"))["stopped"] is not None:
                stops += 1
                assert stops <= places - head, "it stopped oftener than a whole head came"
            held = held_by_place(project, server.url)
        assert elsewhere.lines == []
    expected = {place: case.proves if place >= head else "inDoubt" for place in range(places)}
    assert held == {place: "accepted" if state == "again" else state for place, state in expected.items()}
    assert cutter.times == {place: 2 if state == "again" else 1 for place, state in expected.items()}


def held_by_place(project: Project, url: str) -> dict[int, str]:
    """The states of those with a cut reply, by the place of the cut."""
    numbers = [line.split(",")[0] for line in (project.path / "people.csv").read_text().splitlines()[1:]]
    person = {number: index for index, number in enumerate(numbers)}
    states = {person[line["recipient"]]: line["state"] for line in status(project, url, "--show-pii")}
    fillers = {state for index, state in states.items() if index % (FILLERS + 1)}
    assert fillers == {"accepted"}
    return {index // (FILLERS + 1): state for index, state in states.items() if index % (FILLERS + 1) == 0}
