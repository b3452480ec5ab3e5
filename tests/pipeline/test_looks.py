"""A look at Bird's lists that has to end early: no other channel is asked, and all there stays as it was."""

from collections.abc import Mapping
from random import Random

from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.ports import Reply
from runner.delivery.spool import SpoolWriter
from runner.errors import Exit
from runner.ledger.memory import MemoryLedger
from runner.ledger.seam import Intent
from runner.model import Channel, Message, State
from runner.pipeline import rebuilding, reconciling
from runner.plan import Composed, Skipped
from tests.bird.peer import reply, saying, serving
from tests.delivery.claims import AT
from tests.delivery.clock import VirtualClock
from tests.delivery.wire import CHANNEL, OTHER_CHANNEL, message, status
from tests.ledger.conformance import intent, settled

FIRST, SECOND = sorted((CHANNEL, OTHER_CHANNEL), key=lambda channel: channel.channel_id)


class Refusing:
    """Bird, which refuses every list."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        del query
        self.asked.append(channel.channel_id)
        return status(401, message="no")


async def test_after_a_refusal_reconcile_asks_for_no_other_list_and_leaves_all_in_doubt() -> None:
    ledger = MemoryLedger(origin="http://127.0.0.1")
    claim = ledger.claim("spring", run="r1", at=AT)
    claim.commit([], [in_channel(key, channel) for key, channel in (("A", FIRST), ("B", SECOND), ("C", SECOND))])
    claim.commit([settled(key, State.IN_DOUBT) for key in "ABC"], [])
    before = list(ledger.entries())
    bird = Refusing()
    found = await reconciling.look(ledger, {"spring": claim}, bird, settle_s=0, clock=VirtualClock(), rng=Random(1))
    assert bird.asked == [FIRST.channel_id]
    assert {each.entry.key: each.ending for each in found.conclusions} == dict.fromkeys("ABC", "inDoubt")
    assert [each.channel_id for each in found.incomplete] == [FIRST.channel_id, SECOND.channel_id]
    assert found.exit_code is Exit.BIRD_REFUSED
    assert list(ledger.entries()) == before


async def test_after_a_refusal_rebuild_asks_for_no_other_list_and_doubts_all_that_it_looks_for() -> None:
    gathering = rebuilding.Gathering(ledger=MemoryLedger(origin="http://127.0.0.1"), writer=SpoolWriter())
    items: list[Composed | Skipped] = [
        composed(message(1, FIRST)),
        composed(message(2, SECOND)),
        Skipped(draft="announce", reason="when"),
    ]
    gathering.take_all(items)
    gathered = gathering.finish()
    with gathered.spool:
        async with serving(saying(reply("401 Unauthorized", b'{"message":"no"}'))) as peer:
            order = rebuilding.Order(api=peer.url, key=AccessKey("a-key"), since_s=0)
            looked = await rebuilding.look(gathered, order, clock=SystemClock(), rng=Random(1))
        assert len(peer.heads) == 1
        assert FIRST.channel_id.encode() in peer.heads[0]
        assert looked.stop is not None
        assert looked.stop.kind == "refused"
        assert [each.channel_id for each in looked.incomplete] == [FIRST.channel_id, SECOND.channel_id]
        assert [each.words[:18] for each in looked.incomplete] == ["HTTP 401: no", "not looked through"]
        counts = {name: count for name, count in gathered.totals(looked).items() if count}
        assert counts == {"messages": 3, "skipped": 1, "inDoubt": 2}


def in_channel(key: str, channel: Channel) -> Intent:
    return intent(key)._replace(workspace_id=channel.workspace_id, channel_id=channel.channel_id)


def composed(message: Message) -> Composed:
    return Composed(
        message=message, row="people#1", is_suppressed=False, encoding="", scheduled_for=None, overrides=(), sample=dict
    )
