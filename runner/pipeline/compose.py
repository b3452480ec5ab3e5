"""Drafts and people become messages: rendered, judged as Bird would, counted in segments."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING

from runner.bird.requests import overrides, scheduled_for, sms_text, validity_s
from runner.canonical import canonical_text
from runner.findings import Findings
from runner.judge import Judge, judge
from runner.ledger.identity import reference_of
from runner.manifest.build import Manifest
from runner.manifest.explain import mistakes
from runner.model import Json, Message
from runner.plan import Composed, Forced, Sheaf, Skipped
from runner.prices import RateCard
from runner.recipients.crowds import Crowd
from runner.rendering.drafts import DraftFault
from runner.rendering.faults import ExpressionFault
from runner.scratch import Kept
from runner.sms import count

from .alike import brought_together
from .content import Content
from .faults import Faults
from .people import Person, person_of
from .prepare import Prepared, has_gap
from .pricing import Pricer, pricer
from .receivers import receiver_text
from .references import References
from .texts import Texts
from .together import Part, nowhere, together
from .ucs2 import Ucs2
from .values import Values, holds, printed, values_of
from .zones import Zones

if TYPE_CHECKING:
    from .sides import Reload

_TOLD_APART = 32  # digits of a hash: 128 bits are enough to say that two payloads differ


@dataclass(slots=True, kw_only=True)
class Composer:
    """Composes all messages of one manifest; what is wrong goes to `findings` and `faults`.

    With `reload` other processes can do so too.
    """

    manifest: Manifest
    findings: Findings
    faults: Faults
    card: RateCard | None = None
    reload: "Reload | None" = None
    tells_countries: bool = True
    _judge: Judge = field(default_factory=lambda: judge("request"))
    _references: References = field(init=False)
    _texts: Texts = field(init=False)
    _pricers: dict[str, Pricer] = field(init=False)  # by draft
    content: Content = field(init=False)
    _zones: Zones | None = field(init=False)

    def __post_init__(self) -> None:
        has_hours = self.manifest.policy.quiet_hours is not None
        self._zones = Zones(manifest=self.manifest, findings=self.findings) if has_hours else None
        self._texts = Texts(
            findings=self.findings,
            most_segments=self.manifest.policy.max_segments_per_message,
            ucs2=Ucs2(self.manifest.parameters),
        )
        self.content = Content(findings=self.findings)
        self._references = References(findings=self.findings)
        self._pricers = {draft.name: pricer(draft, self.card) for draft in self.manifest.drafts}

    def check_words(self, prepared: Prepared) -> None:
        """What a draft's own words do, whoever gets it."""
        self._texts.check_words(prepared)

    def compose(
        self, prepared: Prepared, people: Iterator[Person | Crowd], *, jobs: int = 1
    ) -> Iterator[Composed | Skipped | Sheaf]:
        """In order; each person once for each set of `distinct` values. `jobs` are processes to do it in."""
        with Kept() as seen, closing(self._parts(prepared, people, jobs)) as parts:
            for part in parts:
                yield from self._part(prepared, part, seen)

    def _parts(self, prepared: Prepared, people: Iterator[Person | Crowd], jobs: int) -> Generator[Part, None, None]:
        texts, priced = self._texts, self._pricers[prepared.draft.name]
        many = together(prepared, self.manifest.parameters.values, self._judge, texts, priced)
        if many is not None and not self.tells_countries:
            many.countries_of = nowhere
        if many is None:
            for each in people:
                yield from (each,) if isinstance(each, Person) else map(partial(person_of, each), range(each.size))
            return
        people = brought_together(people, many.names)
        if jobs > 1 and self.reload is not None:
            from .sides import Worker, side_by_side  # noqa: PLC0415 - most runs have one process

            yield from side_by_side(many, people, Worker(self.reload, prepared.draft.name, self.card), jobs=jobs)
            return
        for each in people:
            yield from (each,) if isinstance(each, Person) else many.compose(each)

    def _part(self, prepared: Prepared, part: Part, seen: Kept) -> Iterator[Composed | Skipped | Sheaf]:
        if isinstance(part, Person):
            yield from self._alone(prepared, part, seen)
        elif isinstance(part, Skipped):
            yield part
        elif self._zones is None and seen.add_new(
            part[1].keys, [each[:_TOLD_APART] for each in part[1].payload_hashes]
        ):
            yield part[1]
        else:
            for index, composed in enumerate(part[1].each()):
                yield from self._first(prepared, person_of(part[0], index), composed, seen)

    def _alone(self, prepared: Prepared, person: Person, seen: Kept) -> Iterator[Composed | Skipped]:
        if person.dropped:
            yield Skipped(draft=prepared.draft.name, reason=person.dropped)
            return
        composed = self._one(prepared, person)
        if isinstance(composed, Composed):
            yield from self._first(prepared, person, composed, seen)
        elif composed is not None:
            yield composed

    def _first(
        self, prepared: Prepared, person: Person, composed: Composed, seen: Kept
    ) -> Iterator[Composed | Skipped]:
        """Unless somebody before was the same person."""
        if self._zones is not None:
            composed = composed._replace(zones=self._zones.of(prepared.draft, person))
        payload = composed.message.payload_hash[:_TOLD_APART]
        first = seen.first(composed.message.key, payload)
        if first is not None:
            yield self._duplicate(prepared, person, is_same=first == payload)
            return
        if "reference" in prepared.draft.fields and not person.is_suppressed:
            self._references.note(composed.message, prepared.site.below("reference"), person)
        yield composed

    def _one(self, prepared: Prepared, person: Person) -> Composed | Skipped | None:
        recipient = person.recipient
        try:
            row = recipient.parameters if recipient is not None else {}
            values = values_of(prepared, self.manifest.parameters.values, row)
            if not holds(prepared, values):
                return Skipped(draft=prepared.draft.name, reason="suppress" if person.is_suppressed else "when")
            filled = prepared.compiled.fill(values)
        except DraftFault as failed:
            for path, fault in failed.faults:
                self.faults.in_row(prepared.site.below(*path), fault, recipient)
            return None
        return self._message(prepared, person, values, filled)

    def _message(self, prepared: Prepared, person: Person, values: Values, filled: list[Json]) -> Composed | None:
        draft, recipient = prepared.draft, person.recipient
        request = prepared.compiled.request(filled)
        request["receiver"] = draft.receiver if recipient is None else {"contacts": [recipient.contact]}
        distinct = self._distinct(prepared, person)
        if distinct is None:
            return None
        key = prepared.keys.key(person.address, distinct)
        reference = request.get("reference")
        request["reference"] = reference = reference_of(key) if reference is None else reference
        receiver = canonical_text(draft.receiver) if recipient is None else receiver_text(recipient.contact)
        body, hashed = prepared.wire.request(filled, receiver, reference)
        if not self._stands(prepared, person, request):
            return None
        self._texts.check(prepared, person, request)
        self.content.check(prepared, person, request)
        text = sms_text(request) if prepared.is_sms else None
        segments = count(text) if text is not None else None
        forced = self._forced(prepared, person, values, text) if segments and segments.encoding == "UCS-2" else None
        if text is not None and segments is not None:
            self._texts.check_sms(prepared, person, text, segments, forced)
        parts = (
            segments.segments if segments else int(bool(request.get("template")) and draft.channel.platform == "sms")
        )
        country = person.country if self.tells_countries else None
        priced = self._pricers[draft.name](person.number, country, parts)
        message = Message(
            draft=draft.name,
            channel=draft.channel,
            key=key,
            reference=reference,
            address=person.address,
            payload_hash=sha256(hashed).hexdigest(),
            body=body,
            country=country,
            segments=parts,
            values=printed(prepared, values),
            cost=priced.cost,
            currency=priced.currency,
        )
        return Composed(
            message=message,
            row=person.row,
            is_suppressed=person.is_suppressed,
            encoding=segments.encoding if segments else "",
            scheduled_for=scheduled_for(request),
            overrides=overrides(request),
            sample=lambda: prepared.compiled.masked(values),
            validity_s=validity_s(request),
            unpriced=priced.unpriced,
            forced=forced,
            has_gap=recipient is not None and has_gap(prepared, recipient.parameters),
        )

    def _forced(self, prepared: Prepared, person: Person, values: Values, text: str | None) -> Callable[[], Forced]:
        """Looked for once, by whoever asks first."""
        row = person.recipient.parameters if person.recipient is not None else {}
        return cache(partial(self._texts.ucs2.forced, prepared, values, row, text or ""))

    def _distinct(self, prepared: Prepared, person: Person) -> tuple[Json, ...] | None:
        if not prepared.draft.distinct:
            return ()
        row = person.recipient.parameters if person.recipient is not None else {}
        for name in prepared.draft.distinct:
            if row.get(name) is None:
                self._lacks_distinct(name, prepared, person)
                return None
        return tuple(row[name] for name in prepared.draft.distinct)

    def _lacks_distinct(self, name: str, prepared: Prepared, person: Person) -> None:
        site = prepared.site.below("distinct")
        if person.recipient is not None and name in person.recipient.parameters:
            fault = ExpressionFault("null", f"{name} is null, and distinct needs it", name=name)
            self.faults.in_row(site, fault, person.recipient)
            return
        self.findings.error(
            "RCP544",
            f"{person.row}: there is no {name}, and messages.{prepared.draft.name}.distinct needs it",
            person.place,
            also=(site.place(),),
            group=f"{prepared.draft.name} distinct",
        )

    def _duplicate(self, prepared: Prepared, person: Person, *, is_same: bool) -> Skipped:
        if not is_same:
            self.findings.warning(
                "RCP541",
                f"{person.row} is the same person as an earlier row, but its message reads differently",
                person.place,
                hint=f'the first row counts; message "{prepared.draft.name}" skips this one',
                group=f"{prepared.draft.name} duplicates",
            )
        return Skipped(draft=prepared.draft.name, reason="suppress" if person.is_suppressed else "duplicate")

    def _stands(self, prepared: Prepared, person: Person, request: dict[str, Json]) -> bool:
        """Whether Bird's rules let it pass, as rendered."""
        if self._judge.is_valid(request):
            return True
        rendered = [path for path, _ in prepared.compiled.slots]
        for mistake in mistakes(self._judge.errors(request), request):
            # What stands in or below an expression came from data, which no message repeats.
            is_data = any(mistake.path[: len(path)] == path for path in rendered)
            at = (
                mistake.path[:-1] if mistake.rule == ("maxItems",) else mistake.path
            )  # that one is at the item too many
            is_inside = is_data and at not in rendered
            told = mistake.message if mistake.path else f"the request{mistake.message.removeprefix('this manifest')}"
            words = "what it gives is not what Bird takes here" if is_inside else f"once rendered: {told}"
            names = prepared.names_at(mistake.path)
            named = " and ".join(f"{{{{ {name} }}}}" for name in names)
            hint = f"look at what {named} gives" if names else None if is_data else mistake.hint
            fault = ExpressionFault("type", words, hint=hint)
            # What comes from parameters alone is one mistake in all texts; other texts have theirs.
            cause = f"{words} {named}" if names and self.manifest.parameters.values.keys() >= set(names) else None
            self.faults.in_row(prepared.site.below(*mistake.path), fault, person.recipient, code="MSG608", cause=cause)
        return False

    def report(self) -> None:
        """What is told once however many people it is about. Nothing more is composed after it."""
        self._texts.report()
        self.content.report()
        self._references.report()
