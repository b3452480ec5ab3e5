"""Findings: what is wrong in a file, where, and how to put it right."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypedDict, Unpack

SHOWN_PER_GROUP = 50
_LISTED = 20  # names in a hint


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A stretch of a file. Lines and columns count from 1 (code points); the end column is exclusive.

    `path` is what people are shown: relative to the repository, with `/`. `through` are the aliases by which what
    stands here is used, outermost first, where it was looked for by way of one.
    """

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0
    through: tuple["Place", ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.end_line:
            object.__setattr__(self, "end_line", self.line)
            object.__setattr__(self, "end_column", self.end_column or self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake, at one place. `also` names the other places that belong to it.

    `fix` is what can safely stand in its place instead.
    """

    code: str
    severity: Severity
    message: str
    place: Place
    hint: str | None = None
    also: tuple[Place, ...] = ()
    fix: str | None = None

    def sort_key(self) -> tuple[str, int, int, str, str]:
        return (self.place.path, self.place.line, self.place.column, self.code, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A comment at `place` that wants no `code` told of the lines `first` to `last`. Errors are told all the same."""

    code: str
    place: Place
    first: int
    last: int

    def meets(self, finding: Finding) -> bool:
        there = finding.place
        return (finding.code, there.path) == (self.code, self.place.path) and self.first <= there.line <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The lines of a file that frames are cut from. `people` are the ranges of lines that hold people's data."""

    lines: Sequence[str]
    people: Sequence[tuple[int, int]] = ()


_Group = tuple[str, str, str]  # code, group, path


class _More(TypedDict, total=False):
    """What a finding may have besides.

    `group`: of what the rest is counted, once 50 are kept. `cause`: findings of one code in one file that have the same
    are one mistake, such as a channel that several messages name and nobody declares: told once, with all its places.
    """

    hint: str | None
    also: Iterable[Place]
    fix: str | None
    group: str | None
    cause: str | None


class Findings:
    """Collects findings; never stops at the first.

    Rows of data come in thousands: `error(..., group=...)` keeps the first 50 of a group and counts the rest.
    """

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}
        self._groups: Counter[_Group] = Counter()
        self._first_hidden: dict[_Group, Finding] = {}
        self._ignores: dict[Ignore, None] = {}
        self._causes: dict[Finding, str] = {}

    def error(self, code: str, message: str, place: Place, **more: Unpack["_More"]) -> None:
        """What stops a send."""
        self._tell(Severity.ERROR, code, message, place, **more)

    def warning(self, code: str, message: str, place: Place, **more: Unpack["_More"]) -> None:
        """What deserves a look."""
        self._tell(Severity.WARNING, code, message, place, **more)

    def info(self, code: str, message: str, place: Place, **more: Unpack["_More"]) -> None:
        """What is good to know."""
        self._tell(Severity.INFO, code, message, place, **more)

    def _tell(self, severity: Severity, code: str, message: str, place: Place, **more: Unpack["_More"]) -> None:
        finding = Finding(
            code=code,
            severity=severity,
            message=message,
            place=place,
            hint=more.get("hint"),
            also=tuple(more.get("also", ())),
            fix=more.get("fix"),
        )
        self.add(finding, group=more.get("group"), cause=more.get("cause"))

    def add(self, finding: Finding, *, group: str | None = None, cause: str | None = None) -> None:
        if finding.place.through:
            also = dict.fromkeys((*finding.also, *finding.place.through))
            finding = replace(finding, also=tuple(place for place in also if place != finding.place))
        if cause is not None:
            self._causes[finding] = cause
        if finding in self._found:
            return
        if group is not None:
            counted = (finding.code, group, finding.place.path)
            self._groups[counted] += 1
            if self._groups[counted] > SHOWN_PER_GROUP:
                self._first_hidden.setdefault(counted, finding)
                return
        self._found[finding] = None

    @property
    def paths(self) -> list[str]:
        """The files that findings are about, or may be once all are in, each once."""
        places = [*(finding.place for finding in self._found), *(comment.place for comment in self._ignores)]
        return list(dict.fromkeys(place.path for place in places))

    def absorb(self, other: "Findings") -> None:
        """Takes in what was found in another manifest. A list that both read has the same rows: they count once."""
        found, causes, ignores, first_hidden, groups = other._parts()  # noqa: SLF001 - of this class
        self._found |= found
        self._causes |= causes
        self._ignores |= ignores
        self._first_hidden = first_hidden | self._first_hidden
        for counted, total in groups.items():
            self._groups[counted] = max(total, self._groups[counted])

    def _parts(
        self,
    ) -> tuple[dict[Finding, None], dict[Finding, str], dict[Ignore, None], dict[_Group, Finding], Counter[_Group]]:
        return self._found, self._causes, self._ignores, self._first_hidden, self._groups

    def ignore(self, comment: Ignore) -> None:
        """Warnings and infos that it meets are counted and not shown."""
        self._ignores[comment] = None

    def note_unused(self, *, beyond: Container[str] = ()) -> None:
        """A finding for each comment that met nothing that it can ignore: once all findings are in.

        `beyond` are codes that were not looked for.
        """
        for comment in self._ignores:
            if comment.code in beyond:
                continue
            met = [finding for finding in self._found if comment.meets(finding)]
            if not met:
                self.warning(
                    "YML131", f"this comment ignores {comment.code}, and there is none", comment.place, hint="delete it"
                )
            elif all(finding.severity is Severity.ERROR for finding in met):
                self.warning(
                    "YML131",
                    f"this comment ignores {comment.code}, which is an error here: none goes out with it",
                    comment.place,
                    hint="put the error right and delete the comment",
                )

    @property
    def ignored(self) -> int:
        """How many findings comments have silenced."""
        return sum(self._is_ignored(finding) for finding in self._found)

    def _is_ignored(self, finding: Finding) -> bool:
        return finding.severity is not Severity.ERROR and any(comment.meets(finding) for comment in self._ignores)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self._found)

    def sorted(self) -> tuple[Finding, ...]:
        """All findings by path, line, column, code, without what comments ignore, and one for each cause.

        A group that was cut ends with one that says its total.
        """
        rests = (_rest(hidden, self._groups[counted], counted[1]) for counted, hidden in self._first_hidden.items())
        heard = [finding for finding in self._found if not self._is_ignored(finding)]
        return tuple(sorted((*self._by_cause(heard), *rests), key=Finding.sort_key))

    def _by_cause(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The first of each cause, the places of the others beside its own. What is met twice at one place is one."""
        of_one_cause: dict[tuple[object, ...], list[Finding]] = {}
        for finding in findings:
            what = self._causes.get(finding) or (finding.place, finding.message)
            of_one_cause.setdefault((finding.code, finding.place.path, what), []).append(finding)
        for found in of_one_cause.values():
            first, *others = sorted(found, key=Finding.sort_key) if len(found) > 1 else found
            places = {place for other in others for place in (other.place, *other.also)}
            places -= {first.place, *first.also}
            yield replace(first, also=(*first.also, *sorted(places))) if places else first


def _rest(hidden: Finding, total: int, group: str) -> Finding:
    return Finding(
        code=hidden.code,
        severity=hidden.severity,
        place=hidden.place,
        message=f"{total - SHOWN_PER_GROUP:,} more like this in {group}: {total:,} in all",
    )


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint for an unknown name: the nearest known one, else all of them. Capitals alone make no name another."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    names = sorted(known)
    near = [each for each in names if each.lower() == name.lower()] or get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return known_are(names)


def known_are(names: Iterable[str]) -> str | None:
    """What there is to choose from, sorted: the first 20, and how many more."""
    listed = sorted(names)
    more = f" and {len(listed) - _LISTED:,} more" if len(listed) > _LISTED else ""
    return f"known: {', '.join(listed[:_LISTED])}{more}" if listed else None
