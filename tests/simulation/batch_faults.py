"""Faults in sending several messages at once that the simulator must find."""

from runner.delivery import batching, dispatch, finding

from .planting import Edit, edit

_RUN = dispatch._Run
_BATCHING = batching.Batching
_FINDER = finding.Finder
_INTEND = "await self.record.intend(*(intent(timed, edition=self.edition, at=at) for _, timed in group))"
_SETTLE = "    await self._settle(group, each)\n    return whole"
_LOST = "whole = InDoubt(words=error.words)"

BATCHES: dict[str, tuple[Edit, ...]] = {
    "a batch's intents are written after its request": (
        edit(_BATCHING, "_attempt", (_INTEND, "pass"), (_SETTLE, f"    {_INTEND}\n{_SETTLE}")),
    ),
    "only the first message of a batch has an intent": (
        edit(_BATCHING, "_attempt", ("for _, timed in group))\n", "for _, timed in group[:1]))\n")),
    ),
    "a lost batch is recorded as accepted": (edit(_BATCHING, "_post", (_LOST, "whole = _TAKEN")),),
    "blind retry: a lost batch is sent again": (
        edit(_BATCHING, "_post", (_LOST, "whole = NotSent(words=error.words)")),
    ),
    "a batch is one message in flight": (edit(_RUN, "_wave", (" // self.settings.batch", "")),),
    "a batch costs the pace of one message": (
        edit(_BATCHING, "_go", ("self.may_go(due[0].channel, len(due))", "self.may_go(due[0].channel, 1)")),
    ),
    "a batch that was taken is accepted as a whole": (
        edit(batching, "_found", ("listed = sought.found.get(message.reference)", "return _TAKEN")),
    ),
    "what the list has is not matched by reference": (
        edit(batching, "_found", ("sought.found.get(message.reference)", "next(iter(sought.found.values()), None)")),
    ),
    "what the list does not show is accepted": (
        edit(batching, "_found", ("InDoubt(words=_UNLISTED) if listed is None", "_TAKEN if listed is None")),
    ),
    "what the list does not show is planned again": (
        edit(batching, "_found", ("InDoubt(words=_UNLISTED) if listed is None", 'NotSent(words="") if listed is None')),
    ),
    "the list is looked at once": (edit(_FINDER, "find", (" + PATIENCE_S", "")),),
    "a batch that is refused rejects each message in it": (
        edit(batching, "_of_one", ("if isinstance(whole, Rejected):", "if False:")),
    ),
    "messages of two channels share a batch": (edit(dispatch, "gather", ("not is_same or ", "")),),
    "a batch goes beyond the end of its wave": (
        edit(
            _RUN,
            "_went_with_others",
            ("gather(message, self._next,", "gather(message, lambda: next(self._feed, None),"),
        ),
    ),
    "what was rejected before goes in a batch": (
        edit(batching, "goes_with_others", ("message.held is None and ", "")),
    ),
    "what has a reference of its own goes in a batch": (
        edit(batching, "goes_with_others", (" and message.reference == reference_of(message.key)", "")),
    ),
    "a batch goes out although its list can't be read": (
        edit(
            _BATCHING,
            "_can_be_followed",
            ("self.stopping.waits(self.finder.try_out(channel))", "asyncio.sleep(0, True)"),
        ),
    ),
    "a batch goes out although the run stopped": (
        edit(_BATCHING, "_attempt", ("if self.stopping.is_on:  # while", "if False:  # while")),
    ),
    "a batch that is given up when draining is planned again": (
        edit(_BATCHING, "_post", ("return UNANSWERED, [UNANSWERED]", "return UNPOSTED, [UNPOSTED]")),
    ),
}
