"""The short way of most messages: one SMS text of plain names, for the rows of a list.

What is the same for all rows is decided once for each draft; what is out of the ordinary is left to `compose`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256

from runner.bird.requests import TEXT_PATHS, overrides, scheduled_for, validity_s
from runner.canonical import quoted
from runner.judge import Judge
from runner.ledger.identity import reference_of
from runner.model import Json, Message, made
from runner.plan import Composed
from runner.sms import count, plainer

from .people import Person
from .prepare import Prepared, has_gap, is_sms
from .pricing import Pricer, unasked
from .texts import Texts

_TEXT = TEXT_PATHS[0]
_KEY_AND_VALUE = {"identifierKey", "identifierValue"}
_PERSONAL = (_TEXT, ("receiver", "contacts", 0, "identifierValue"), ("reference",))  # where rows differ


def plain_composer(
    prepared: Prepared, shared: Mapping[str, Json], judge: Judge, texts: Texts, priced: Pricer = unasked
) -> Callable[[Person], Composed | None] | None:
    """What composes a draft's messages the short way, None where it has anything more than a plain text.

    It gives just what `Composer` would, or None: then there is something to tell about the row, or it is unusual.
    `shared` are the manifest's parameters, `judge` is the request's, `priced` says what it costs.
    """
    if not _is_plain(prepared) or not all(map(judge.takes_any_text, _PERSONAL)):
        return None
    ((_, template),) = prepared.compiled.slots
    draft, channel = prepared.draft, prepared.draft.channel
    key_of, written = prepared.keys.key, prepared.wire.of_one_slot()
    name, distinct, is_quiet, fill = draft.name, draft.distinct, texts.is_quiet, template.plainly(prepared.printed)
    is_smart, forced = prepared.is_smart, texts.ucs2.forced
    wanted = [(each, shared.get(each)) for each in prepared.printed]
    masked, receivers = prepared.compiled.masked, _Receivers(prepared, judge)
    constant = prepared.compiled.request([""])
    at, lasts_s, ignored = scheduled_for(constant), validity_s(constant), overrides(constant)

    def compose(person: Person) -> Composed | None:
        recipient = person.recipient
        if recipient is None:
            return None
        address, row = person.address, recipient.parameters
        values = [row.get(each, otherwise) for each, otherwise in wanted]
        text, receiver = fill(values), receivers.text(recipient.contact)
        if text is None or receiver is None:
            return None
        segments = count(text)
        if is_smart and segments.encoding == "UCS-2":
            text = plainer(text)
            segments = count(text)
        if not is_quiet(text, segments):
            return None
        apart = [row.get(each) for each in distinct]
        if None in apart:
            return None
        key = key_of(address, apart)
        reference = reference_of(key)
        body, hashed = written(quoted(text), receiver, reference)
        country, is_full = person.country, all(values)
        cost, currency, unpriced = priced(person, country, segments.segments)
        message = made(Message, (
            name, channel, key, reference, address, sha256(hashed).hexdigest(), body, country, segments.segments,
            tuple(values if is_full else filter(None, values)), cost, currency, None, (), None,
        ))  # fmt: skip
        return made(Composed, (
            message, person.row, person.is_suppressed, segments.encoding, at, ignored,
            lambda: masked({**shared, **row, "recipient": row}), lasts_s, unpriced,
            None if segments.encoding == "GSM-7" else partial(forced, prepared, {**shared, **row}, row, text), (),
            not is_full and has_gap(prepared, row),
        ))  # fmt: skip

    return compose


class _Receivers:
    """Receivers of one contact each as canonical JSON, where Bird's rules let a request to them pass.

    Rows differ in texts alone, and one text is as good as another: a request is judged once for each identifier key.
    """

    def __init__(self, prepared: Prepared, judge: Judge) -> None:
        self._prepared = prepared
        self._judge = judge
        self._starts: dict[str, str] = {}  # by identifier key: the JSON before its value

    def text(self, contact: Mapping[str, Json]) -> str | None:
        """None where the contact has anything but a key and a value, or the request is refused."""
        if contact.keys() != _KEY_AND_VALUE:
            return None
        key, value = contact["identifierKey"], contact["identifierValue"]
        if type(key) is not str or type(value) is not str or not value:
            return None
        start = self._starts.get(key)
        if start is None:
            if not self._is_sound(contact):
                return None
            start = self._starts[key] = f'{{"contacts":[{{"identifierKey":{quoted(key)},"identifierValue":'
        return f"{start}{quoted(value)}}}]}}"

    def _is_sound(self, contact: Mapping[str, Json]) -> bool:
        request = self._prepared.compiled.request(["any"])
        return self._judge.is_valid({**request, "receiver": {"contacts": [contact]}, "reference": "any"})


def _is_plain(prepared: Prepared) -> bool:
    """Whether the only expressions are plain names in an SMS text, and nothing else depends on the row."""
    draft, compiled = prepared.draft, prepared.compiled
    return (
        is_sms(draft)
        and draft.receiver is None
        and "reference" not in draft.fields
        and prepared.when is None
        and not prepared.parameters
        and prepared.text_paths == (_TEXT,)
        and [path for path, _ in compiled.slots] == [_TEXT]
        and compiled.slots[0][1].is_plain
        and "recipient" not in compiled.names
    )
