"""Who gets a draft: its lists in the order of `to`, less those filtered out, excluded or suppressed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from runner.canonical import canonical
from runner.findings import Findings, did_you_mean
from runner.manifest.build import Manifest
from runner.manifest.site import Site
from runner.model import Draft, Json, Recipient, RecipientList, made
from runner.recipients.addresses import Dropped, crowds
from runner.recipients.crowds import Crowd, one_by_one, stretches
from runner.recipients.rows import Row
from runner.recipients.suppress import is_suppressed, ways
from runner.rendering.faults import ExpressionFault
from runner.rendering.language import Condition, Language
from runner.scratch import Kept

from .faults import Faults
from .listfiles import ListFiles
from .people import Person
from .prepare import Prepared
from .receivers import address_of, contacts_of, number_of


@dataclass(slots=True, kw_only=True)
class Audience:
    """The people of one manifest's messages. Lists are read as often as messages need them, judged once."""

    manifest: Manifest
    lists: ListFiles
    language: Language
    findings: Findings
    faults: Faults
    _where: dict[str, Condition | None] = field(default_factory=dict)
    _strictest: dict[str, str] = field(default_factory=dict)  # the platform that a list is judged for
    _judged: set[str] = field(default_factory=set)
    _hidden: set[tuple[str, str]] = field(default_factory=set)
    _suppressed: Kept = field(init=False)

    def __post_init__(self) -> None:
        self._suppressed = self.lists.suppressed()
        for draft in (*self.manifest.drafts, *self.manifest.unsound):
            for name in (*draft.to, *draft.exclude):
                known = self._strictest.setdefault(name, draft.channel.platform)
                if known != "sms" and draft.channel.platform == "sms":
                    self._strictest[name] = "sms"

    def can_name(self, prepared: Prepared) -> bool:
        """Whether every name that a draft needs can be had; findings for those that no list and no parameter has."""
        missing = prepared.names & set(self.manifest.parameters.missing)
        columns = {name: self._columns_of(name) for name in prepared.draft.to}
        can_tell_apart = self._has_distinct(prepared, columns)
        known = dict.fromkeys(self.manifest.parameters.values)
        for found in columns.values():
            if found is None:
                return can_tell_apart and not missing
            known.update(dict.fromkeys(found))
        unknown = sorted(prepared.names - known.keys() - {"recipient"})
        for name in unknown if "parameters" not in self.manifest.uncertain else ():
            self.faults.unknown(prepared.site_of(name), name, known, is_own=name in prepared.parameters)
        return can_tell_apart and not unknown and not missing

    def people(self, draft: Draft) -> Iterator[Person | Crowd]:
        """In the order of `to`, then of rows: where, normalise, exclude, suppress. The rest is composing's.

        Those who come together get the message, each of them.
        """
        with self._excluded(draft) as excluded:
            is_open_to_all = not excluded and not self._suppressed
            if draft.receiver is not None:
                yield self._receiver(draft, excluded)
                return
            for name in draft.to:
                spec = self.lists.specs.get(name)
                region = spec.region if spec else None
                for found in self._read(spec, draft.channel.platform):
                    if isinstance(found, Crowd):
                        yield from (found,) if is_open_to_all else self._apart(found, region, excluded)
                    elif is_open_to_all and isinstance(found, Recipient):
                        yield made(Person, (found, found.address, f"{name}#{found.row}", found.locate, "", False, None))
                    else:
                        yield self._person(found, name, region, excluded)

    def read_only(self, draft: Draft) -> None:
        """Judges the lists of a draft that can't be composed: their mistakes are told all the same."""
        for name in (*draft.to, *draft.exclude):
            self._columns_of(name)
            for _ in self._read(self.lists.specs.get(name), self._strictest[name]):
                pass

    def read_unused(self) -> None:
        """Judges the manifest's own lists that no message names (those of its includes are for others too)."""
        platforms = {channel.platform for channel in self.manifest.channels.values()}
        platform = platforms.pop() if len(platforms) == 1 else ""
        for name, spec in self.lists.specs.items():
            if name not in self._strictest and self.manifest.list_documents[name] is self.manifest.document:
                self._strictest[name] = platform
                for _ in self._read(spec, platform):
                    pass

    def _has_distinct(self, prepared: Prepared, columns: Mapping[str, tuple[str, ...] | None]) -> bool:
        site = prepared.site.below("distinct")
        has_all = True
        for index, wanted in enumerate(prepared.draft.distinct):
            lacking = {name: found for name, found in columns.items() if found is not None and wanted not in found}
            has_all = has_all and not lacking
            if lacking and not {site.path, (*site.path, index)} & self.manifest.mistaken:
                lists = f"list {next(iter(lacking))} has" if len(lacking) == 1 else f"lists {', '.join(lacking)} have"
                self.findings.error(
                    "RCP544",
                    f'{lists} no column "{wanted}"',
                    (site if isinstance(site.value, str) else site.below(index)).place(),
                    hint=did_you_mean(wanted, {column for found in lacking.values() for column in found}),
                )
        return has_all

    def _person(
        self, found: Recipient | Dropped, name: str, region: str | None, excluded: Kept
    ) -> Person:  # fmt: skip
        if isinstance(found, Dropped):
            row = f"{name}#{found.row.number}"
            return Person(recipient=None, address="", row=row, dropped=found.reason, locate=found.row.place)
        row, address, contact = f"{name}#{found.row}", found.address, found.contact
        is_out = bool(excluded) and is_suppressed(address, contact, excluded, region=region)
        is_silenced = bool(self._suppressed) and is_suppressed(address, contact, self._suppressed, region=region)
        return Person(found, address, row, found.locate, "exclude" if is_out else "", is_silenced)

    def _apart(self, crowd: Crowd, region: str | None, excluded: Kept) -> Iterator[Person | Crowd]:
        """Whom a list leaves out stands alone. An E.164 number is normal: there is no other way to know it by."""
        out = [index for index, number in enumerate(crowd.numbers) if number in excluded or number in self._suppressed]
        for part in stretches(crowd.size, out):
            if isinstance(part, int):
                yield self._person(crowd.recipient(part), crowd.list_name, region, excluded)
            else:
                yield crowd.only(part)

    def _receiver(self, draft: Draft, excluded: Kept) -> Person:
        contacts = contacts_of(draft)
        who = [(address_of(contact), contact) for contact in contacts]
        is_out = any(is_suppressed(address, contact, excluded) for address, contact in who)
        return Person(
            recipient=None,
            address=canonical(contacts).decode(),
            row=f"{draft.name}#receiver",
            locate=Site(document=self.manifest.document, path=("messages", draft.name, "receiver")).place,
            dropped="exclude" if is_out else "",
            is_suppressed=any(is_suppressed(address, contact, self._suppressed) for address, contact in who),
            receiver_number=number_of(contacts),
        )

    def _excluded(self, draft: Draft) -> Kept:
        found = Kept()
        for name in draft.exclude:
            spec = self.lists.specs.get(name)
            for person in one_by_one(self._read(spec, draft.channel.platform)):
                if isinstance(person, Recipient) and spec is not None:
                    found.update(ways(person.address, person.contact, region=spec.region))
        return found

    def _read(self, spec: RecipientList | None, platform: str) -> Iterator[Crowd | Recipient | Dropped]:
        """The people of a list. What is wrong with it is told once, for the platform that asks most of it."""
        if spec is None:
            return
        is_judged_now = platform == self._strictest[spec.name] and spec.name not in self._judged
        if is_judged_now:
            self._judged.add(spec.name)
        findings = self.findings if is_judged_now else Findings()
        faults = self.faults if is_judged_now else Faults(Findings())
        where, given = self._where_of(spec), self.manifest.parameters.values.keys()
        rows = self.lists.rows(spec, findings)
        if where is None and spec.where is not None:
            for _ in rows:  # whom it would leave out can't be known, but rows can be broken by themselves
                pass
            return
        for found in crowds(
            spec,
            rows,
            platform=platform,
            findings=findings,
            where=partial(self._holds, where) if where is not None else None,
            on_fault=partial(self._on_fault, spec, faults),
        ):
            columns = _columns(found) if is_judged_now else ()
            if not given.isdisjoint(columns):
                self._check_hidden(spec, columns)
            yield found

    def _holds(self, where: Condition, row: Mapping[str, Json]) -> bool:
        return where.holds({**self.manifest.parameters.values, **row, "recipient": row})

    def _on_fault(self, spec: RecipientList, faults: Faults, row: Row, error: Exception) -> None:
        if not isinstance(error, ExpressionFault):
            raise error
        recipient = Recipient(
            list_name=spec.name, row=row.number, address="", contact={}, parameters=row.values, locate=row.place
        )
        faults.in_row(self._list_site(spec).below("where"), error, recipient)

    def _list_site(self, spec: RecipientList) -> Site:
        return Site(document=self.manifest.list_documents[spec.name], path=("recipients", spec.name))

    def _where_of(self, spec: RecipientList) -> Condition | None:
        if spec.where is None:
            return None
        if spec.name not in self._where:
            self._where[spec.name] = self._compiled_where(spec)
        return self._where[spec.name]

    def _compiled_where(self, spec: RecipientList) -> Condition | None:
        site = self._list_site(spec).below("where")
        condition: Condition | None = None
        try:
            condition = self.language.condition(spec.where or "")
            names = condition.names - condition.guarded
        except ExpressionFault as fault:
            self.faults.at_once(site, fault)
            names = fault.names
        columns = self._columns_of(spec.name)
        if columns is None:
            return condition
        known = {**self.manifest.parameters.values, **dict.fromkeys(columns)}
        unknown = sorted(names - known.keys() - {"recipient"})
        for name in unknown if "parameters" not in self.manifest.uncertain else ():
            self.faults.unknown(site, name, known)
        return None if unknown else condition

    def _columns_of(self, name: str) -> tuple[str, ...] | None:
        columns, spec = self.lists.columns(name), self.lists.specs.get(name)
        if spec is not None:
            self._check_hidden(spec, columns or ())
        return columns

    def _check_hidden(self, spec: RecipientList, columns: Iterable[str]) -> None:
        """RCP542, RCP543, once for each column that has the name of a parameter."""
        parameters = self.manifest.parameters
        for name in columns:
            if name not in parameters.values or (spec.name, name) in self._hidden:
                continue
            self._hidden.add((spec.name, name))
            message = f'column "{name}" of {spec.name} hides the parameter of that name'
            if name in parameters.given:
                hint = "rename one of them: what --set says would be used for nobody"
                self.findings.error("RCP543", f"{message}, which --set gives", spec.place, hint=hint)
            else:
                also = (parameters.locate[name](),)
                self.findings.warning("RCP542", message, spec.place, hint="rename one of them", also=also)


def _columns(found: Crowd | Recipient | Dropped) -> Iterable[str]:
    if isinstance(found, Crowd):
        return found.rows.names
    return found.parameters if isinstance(found, Recipient) else ()
