"""Faults: how they are written, which request they hit, and what the sender then sees on the wire."""

import asyncio
import json
from collections import Counter

import aiohttp
import pytest

from runner.sandbox.faults import KINDS, Dice, Fault, parse_fault
from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox

from .asking import PATH, Asker, StoppedClock, asking, sms

UNLIMITED = Limits(post_per_s=None, get_per_s=None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault(kind="503")),
        ("429:5%", Fault(kind="429", share=0.05)),
        ("reset-before:0.5%", Fault(kind="reset-before", share=0.005)),
        ("500-after:5%:after:100", Fault(kind="500-after", share=0.05, after=100)),
        ("503:first:3", Fault(kind="503", first=3)),
        ("slow:2s", Fault(kind="slow", delay_s=2)),
        ("slow:150ms:10%", Fault(kind="slow", delay_s=0.15, share=0.1)),
        (" cut:after:1:first:2 ", Fault(kind="cut", after=1, first=2)),
    ],
)
def test_a_fault_is_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read(kind: str) -> None:
    assert parse_fault(f"{kind}:1s" if kind == "slow" else kind).kind == kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "unknown fault ''"),
        ("boom:5%", "unknown fault 'boom': known are 400, .*reset-before.*slow"),
        ("429:5", "'5' is neither a share, first:N nor after:N; right is 429:5%"),
        ("429:101%", "at most 100%"),
        ("429:-1%", "'-1%' is neither"),
        ("429:first", "first needs a whole number, as in first:3"),
        ("429:after:x", "after needs a whole number"),
        ("429:1%:2%", "says the share twice"),
        ("429:2s", "takes no duration: only slow does"),
        ("slow", "needs how long: slow:2s"),
        ("slow:10%", "needs how long: slow:2s"),
    ],
)
def test_a_fault_that_is_not_one_says_what_would_be(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_fault(text)


def test_the_same_seed_draws_the_same_fates() -> None:
    faults = [parse_fault("429:20%"), parse_fault("slow:1s:50%")]
    runs = [[dice.draw() for _ in range(200)] for dice in (Dice(faults, 7), Dice(faults, 7), Dice(faults, 8))]
    assert runs[0] == runs[1] != runs[2]


def test_a_share_is_about_that_share() -> None:
    dice = Dice([parse_fault("500:5%"), parse_fault("503")], 1)
    drawn = Counter(dice.draw().fault for _ in range(10_000))
    assert drawn.keys() == {"500", "503"}
    assert 400 < drawn["500"] < 600


def test_first_and_after_choose_requests_by_their_number() -> None:
    dice = Dice([parse_fault("503:after:2:first:4"), parse_fault("cut:first:1")], 1)
    assert [dice.draw().fault for _ in range(6)] == ["cut", None, "503", "503", None, None]


async def decisions(sandbox: Sandbox, count: int) -> list[str]:
    async with asking(sandbox) as asker:
        for _ in range(count):
            await asker.post(sms())
    return [arrival.decision for arrival in sandbox.record.arrivals]


async def test_a_run_can_be_repeated_with_its_seed() -> None:
    faults = [parse_fault("429:20%"), parse_fault("500-after:20%")]
    first, again, other = [await decisions(Sandbox(faults=faults, seed=seed), 40) for seed in (3, 3, 4)]
    assert first == again != other
    assert set(first) == {"accepted", "429", "500-after"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.isdigit()])
async def test_a_status_on_demand_processes_nothing(kind: str) -> None:
    sandbox = Sandbox(faults=[parse_fault(kind)])
    async with asking(sandbox) as asker:
        answer = await asker.post(sms("r"))
    assert answer.status == int(kind)
    assert {"code", "message"} <= answer.document.keys()
    assert ("details" in answer.document) == (kind == "422")
    assert (len(sandbox.messages), sandbox.record.taken) == (0, [])
    arrival = sandbox.record.arrivals[0]
    assert (arrival.decision, arrival.status, arrival.message_id, arrival.replied) == (kind, int(kind), None, True)


async def test_500_after_accepts_first() -> None:
    sandbox = Sandbox(faults=[parse_fault("500-after")])
    async with asking(sandbox) as asker:
        answer = await asker.post(sms("r"))
        listed = (await asker.get(PATH)).document["results"]
    assert answer.status == 500
    assert [message["reference"] for message in listed] == ["r"]
    arrival = sandbox.record.taken[0]
    assert (arrival.decision, arrival.status, arrival.replied) == ("500-after", 500, True)


async def test_202_rejected_is_a_202_whose_message_never_goes_out() -> None:
    sandbox = Sandbox(faults=[parse_fault("202-rejected")])
    async with asking(sandbox) as asker:
        answer = await asker.post(sms("r"))
        later = await asker.get(f"{PATH}/{answer.document['id']}")
    assert (answer.status, answer.document["status"], later.document["status"]) == (202, "rejected", "rejected")
    assert answer.document["failure"]["code"] == 12003
    assert (sandbox.record.taken, sandbox.record.arrivals[0].decision) == ([], "202-rejected")


async def test_slow_accepts_at_once_and_replies_late() -> None:
    clock = StoppedClock()
    sandbox = Sandbox(
        faults=[parse_fault("slow:2s"), parse_fault("slow:500ms"), parse_fault("503:after:1")], clock=clock
    )
    async with asking(sandbox) as asker:
        answers = [(await asker.post(sms())).status for _ in range(2)]
    assert answers == [202, 503]
    assert clock.slept == [2.5, 2.5]


class EndlessClock(StoppedClock):
    """A sleep that nobody wakes from."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.is_asleep.set()
        await asyncio.get_running_loop().create_future()


async def test_a_sender_that_gives_up_on_a_slow_reply_has_sent() -> None:
    clock = EndlessClock()
    sandbox = Sandbox(faults=[parse_fault("slow:60s")], clock=clock)
    async with asking(sandbox) as asker:
        sender = asyncio.create_task(asker.post(sms("r")))
        await asyncio.wait_for(clock.is_asleep.wait(), 5)
        sender.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sender
    assert [arrival.reference for arrival in sandbox.record.taken] == ["r"]


async def test_a_redirect_leads_to_another_host_that_counts_its_visitors() -> None:
    sandbox = Sandbox(faults=[parse_fault("redirect:first:2")], limits=UNLIMITED)
    async with asking(sandbox) as asker:
        answer = await asker.post(sms("r"))
        unvisited = (await asker.get("/_sandbox/summary")).document["redirectsFollowed"]
        async with asker.session.post(answer.headers["Location"], json=sms("r")) as reply:
            fallen_for = reply.status
        visited = (await asker.get("/_sandbox/summary")).document["redirectsFollowed"]
    assert answer.status == 307
    assert answer.headers["Location"].startswith("http://localhost:")
    assert (unvisited, fallen_for, visited) == (0, 202, 1)
    assert (len(sandbox.messages), sandbox.record.arrivals[0].decision) == (0, "redirect")


async def bytes_until_the_end(asker: Asker, reference: str) -> bytes:
    """Everything that comes back on a raw connection; raises ConnectionResetError where it ends in an RST."""
    body = json.dumps(sms(reference)).encode()
    host, port = asker.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: AccessKey k\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    try:
        writer.write(head.encode() + body)
        return await asyncio.wait_for(reader.read(-1), 5)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(("kind", "went_out"), [("reset-before", False), ("reset-after", True)])
async def test_a_reset_is_a_real_one(kind: str, went_out: bool) -> None:
    sandbox = Sandbox(faults=[parse_fault(kind)])
    async with asking(sandbox) as asker:
        with pytest.raises(ConnectionResetError):
            await bytes_until_the_end(asker, "r")
    arrival = sandbox.record.arrivals[0]
    assert (arrival.decision, arrival.status, arrival.replied) == (kind, None, False)
    assert arrival.was_taken is went_out
    assert len(sandbox.messages) == int(went_out)


async def test_garbled_is_no_http() -> None:
    sandbox = Sandbox(faults=[parse_fault("garbled")])
    async with asking(sandbox) as asker:
        came = await bytes_until_the_end(asker, "r")
        with pytest.raises(aiohttp.ClientResponseError):
            await asker.post(sms())
    assert came.startswith(b"HTTP/1.1 2o2 ")
    assert b"HTTP/1.1 2" not in came[1:], "nothing follows the broken reply"
    assert [arrival.replied for arrival in sandbox.record.taken] == [False, False]


async def test_cut_promises_more_than_it_sends() -> None:
    sandbox = Sandbox(faults=[parse_fault("cut")])
    async with asking(sandbox) as asker:
        head, _, body = (await bytes_until_the_end(asker, "r")).partition(b"\r\n\r\n")
        with pytest.raises(aiohttp.ClientPayloadError):
            await asker.post(sms())
    promised = int(head.rpartition(b"Content-Length: ")[2])
    assert head.startswith(b"HTTP/1.1 202 ")
    assert 0 < len(body) < promised
    assert [(arrival.status, arrival.replied) for arrival in sandbox.record.taken] == [(202, False)] * 2


@pytest.mark.parametrize("kind", ["500-after", "reset-after", "garbled", "cut", "202-rejected"])
async def test_a_request_that_is_refused_anyway_is_refused_as_always(kind: str) -> None:
    sandbox = Sandbox(faults=[parse_fault(kind)])
    async with asking(sandbox) as asker:
        invalid = await asker.post({})
        nobody = await asker.post(sms(), headers={})
    assert (invalid.status, nobody.status) == (422, 401)
    assert [arrival.decision for arrival in sandbox.record.arrivals] == ["rejected", "rejected"]


async def test_faults_leave_get_alone() -> None:
    async with asking(Sandbox(faults=[parse_fault("503")])) as asker:
        assert (await asker.get(PATH)).status == 200
