"""The short way of most messages: one SMS text of plain names, for the rows of a list.

What is the same for all rows is decided once for each draft; what is out of the ordinary is left to `compose`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from runner.bird.requests import TEXT_PATHS, scheduled_for, validity_s
from runner.canonical import canonical_text
from runner.ledger.identity import reference_of
from runner.model import Json, Message
from runner.plan import Composed
from runner.sms import count, plainer

from .people import Person
from .prepare import Prepared, is_sms, value_at
from .pricing import Pricer, unasked
from .receivers import receiver_text
from .texts import Texts

_TEXT = TEXT_PATHS[0]


def plain_composer(
    prepared: Prepared,
    shared: Mapping[str, Json],
    is_valid: Callable[[Any], bool],
    texts: Texts,
    priced: Pricer = unasked,
) -> Callable[[Person], Composed | None] | None:
    """What composes a draft's messages the short way, None where it has anything more than a plain text.

    It gives just what `Composer` would, or None: then there is something to tell about the row, or it is unusual.
    `shared` are the manifest's parameters, `is_valid` judges the request as rendered,
    `priced` says what it costs.
    """
    if not _is_plain(prepared):
        return None
    ((_, template),) = prepared.compiled.slots
    draft, channel, key_of, written = prepared.draft, prepared.draft.channel, prepared.keys.key, prepared.wire.written
    name, distinct, is_quiet, fill = draft.name, draft.distinct, texts.is_quiet, template.plainly(prepared.printed)
    is_smart, forced = prepared.is_smart, texts.ucs2.forced
    wanted = [(each, shared.get(each)) for each in prepared.printed]
    # One request for the judge, filled anew for each row: nobody else ever sees it.
    contacts: list[Mapping[str, Json]] = [{}]
    request = prepared.compiled.request([""]) | {"receiver": {"contacts": contacts}}
    words: Any = value_at(request, _TEXT[:-1])
    at, lasts_s = scheduled_for(request), validity_s(request)

    def compose(person: Person) -> Composed | None:
        recipient = person.recipient
        if recipient is None:
            return None
        row = recipient.parameters
        apart = [row.get(each) for each in distinct]
        values = [row.get(each, otherwise) for each, otherwise in wanted]
        text = fill(values)
        if text is None or None in apart:
            return None
        segments = count(text)
        if is_smart and segments.encoding == "UCS-2":
            text = plainer(text)
            segments = count(text)
        if not is_quiet(text, segments):
            return None
        key = key_of(person.address, apart)
        request["reference"] = reference = reference_of(key)
        words["text"], contacts[0] = text, recipient.contact
        if not is_valid(request):
            return None
        body, hashed = written(canonical_text(text), receiver_text(recipient.contact), reference=f'"{reference}"')
        country = person.country
        cost, currency, unpriced = priced(person, country, segments.segments)
        message = Message(
            name, channel, key, reference, person.address, sha256(hashed).hexdigest(), body,
            country, segments.segments, tuple([each for each in values if each]), cost, currency,
        )  # fmt: skip
        return Composed(
            message, person.row, person.is_suppressed, segments.encoding, at,
            lambda: prepared.compiled.masked({**shared, **row, "recipient": row}), lasts_s, unpriced,
            None if segments.encoding == "GSM-7" else partial(forced, prepared, {**shared, **row}, row, text),
        )  # fmt: skip

    return compose


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
