"""Includes: every file of a manifest loaded once, and what they say together."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from runner.findings import Findings, Place
from runner.judge import SchemaError, Steps, judge
from runner.model import Json

from .documents import Document
from .explain import mistakes, schema_findings

MAPS = ("channels", "recipients")
KEY_BY_KEY = ("parameters", "policy")
ABOUT_KEYS = frozenset({"required", "additionalProperties", "propertyNames", "falseSchema"})

Locate = Callable[[], Place]
OpenInclude = Callable[[Document, int, str], tuple[Path, Document | None] | None]
"""(including file, index of the include, path as written) -> (real path, document); None after having said why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One declared value and where it stands: `document` and the path inside it."""

    document: Document
    path: tuple[str | int, ...]

    @property
    def value(self) -> Json:
        value: Json = self.document.data
        for step in self.path:
            value = value[step]
        return value

    def place(self, *more: str | int, of_key: bool = False) -> Place:
        return self.document.place((*self.path, *more), of="key" if of_key else "value")

    @property
    def name_place(self) -> Place:
        return self.place(of_key=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a manifest and its includes declare. `broken` holds the (section, name) that the schema refused.

    `mistaken` are the paths in `main` of values that the schema refused, or that stand under a misspelt key.
    `uncertain` are sections of which more may be meant than could be read: what is missing there is no second mistake.
    """

    main: Document
    sections: Mapping[str, Mapping[str, Origin]]
    broken: frozenset[tuple[str, str]]
    mistaken: frozenset[Steps]
    uncertain: frozenset[str]


@dataclass(slots=True)
class _Gathering:
    """What is gathered so far, file by file."""

    findings: Findings
    open_file: OpenInclude
    loaded: dict[Path, dict[str, dict[str, Origin]] | None] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)
    mistaken: dict[Document, frozenset[Steps]] = field(default_factory=dict)
    uncertain: set[str] = field(default_factory=set)
    declared: dict[tuple[str, str], Origin] = field(default_factory=dict)


def gather(main: Document, open_file: OpenInclude, findings: Findings) -> Gathered | None:
    """Everything that `main` and its includes declare; None where `main` is not a map at all."""
    gathering = _Gathering(findings=findings, open_file=open_file)
    includes = isinstance(main.data, dict) and "include" in main.data
    sections = _visit(main, gathering, stack={Path(os.path.realpath(main.path)): None} if includes else {})
    if sections is None:
        return None
    return Gathered(
        main=main,
        sections=sections,
        broken=frozenset(gathering.broken),
        mistaken=gathering.mistaken[main],
        uncertain=frozenset(gathering.uncertain),
    )


def _visit(
    document: Document, gathering: _Gathering, *, stack: Mapping[Path, Locate | None]
) -> dict[str, dict[str, Origin]] | None:
    errors = _judged(document, gathering.findings)
    if not isinstance(document.data, dict):
        return None
    gathering.broken |= {(str(error.path[0]), str(error.path[1])) for error in errors if len(error.path) > 1}
    mistaken = frozenset(_mistaken(errors, document.data))
    gathering.mistaken[document] = mistaken
    gathering.broken |= {(str(path[0]), str(path[1])) for path in mistaken if len(path) > 1}
    gathering.uncertain |= {section for section in (*MAPS, *KEY_BY_KEY) if (section,) in mistaken}
    if any(path[:1] == ("include",) for path in mistaken):
        gathering.uncertain |= {*MAPS, *KEY_BY_KEY}
    sections: dict[str, dict[str, Origin]] = {name: {} for name in (*MAPS, *KEY_BY_KEY)}
    for index, included in _includes(document, gathering, stack):
        _add_included(sections, included, partial(document.place, ("include", index)), gathering.findings, document)
    for section, name, origin in _own(document):
        if section in MAPS:
            _declare(section, name, origin, gathering)
        sections[section][name] = origin
    return sections


def _judged(document: Document, findings: Findings) -> list[SchemaError]:
    before = len(findings)
    schema_findings(document, findings)
    return judge("manifest").errors(document.data) if len(findings) > before else []


def _mistaken(errors: Sequence[SchemaError], data: Json) -> Iterator[Steps]:
    yield from (error.path for error in errors if error.keyword not in ABOUT_KEYS)
    for mistake in mistakes(errors, data):
        if mistake.meant:
            yield (*mistake.path[:-1], mistake.meant)


def _own(document: Document) -> Iterator[tuple[str, str, Origin]]:
    for section in (*MAPS, *KEY_BY_KEY):
        declared = document.data.get(section)
        if isinstance(declared, dict):
            for name in declared:
                yield section, name, Origin(document=document, path=(section, name))


def _includes(
    document: Document, gathering: _Gathering, stack: Mapping[Path, Locate | None]
) -> Iterator[tuple[int, dict[str, dict[str, Origin]]]]:
    written = document.data.get("include")
    for index, path in enumerate(written if isinstance(written, list) else ()):
        if not isinstance(path, str) or not path:
            continue
        opened = gathering.open_file(document, index, path)
        if opened is None:
            gathering.uncertain |= {*MAPS, *KEY_BY_KEY}
            continue
        real, included = opened
        if real in stack:
            gathering.findings.error(
                "REF301",
                f"include loop: {path} is already being read",
                document.place(("include", index)),
                hint="remove one of the includes",
                also=_way_round(real, stack),
            )
            continue
        if real not in gathering.loaded:
            gathering.loaded[real] = _included(
                included, gathering, {**stack, real: partial(document.place, ("include", index))}
            )
        sections = gathering.loaded[real]
        if sections is None:
            gathering.uncertain |= {*MAPS, *KEY_BY_KEY}
        else:
            yield index, sections


def _way_round(real: Path, stack: Mapping[Path, Locate | None]) -> Iterator[Place]:
    """The other includes of a loop that ends at `real`."""
    ways = list(stack.items())
    since = [path for path, _ in ways].index(real) + 1
    yield from (locate() for _, locate in ways[since:] if locate is not None)


def _included(
    document: Document | None, gathering: _Gathering, stack: Mapping[Path, Locate | None]
) -> dict[str, dict[str, Origin]] | None:
    if document is None:
        return None
    if isinstance(document.data, dict) and document.data.get("messages"):
        gathering.findings.error(
            "REF302",
            "an included file can't have messages",
            document.place(("messages",), of="key"),
            hint="move them to the manifest that is sent; includes give channels, recipients, parameters and policy",
        )
    return _visit(document, gathering, stack=stack)


def _declare(section: str, name: str, origin: Origin, gathering: _Gathering) -> None:
    first = gathering.declared.setdefault((section, name), origin)
    if first.document is not origin.document:
        kind = {"channels": "channel", "recipients": "recipient list"}[section]
        gathering.findings.error(
            "REF303",
            f'{kind} "{name}" is declared twice',
            origin.name_place,
            also=(first.name_place,),
            hint="rename or remove one of them",
        )


def _written(value: Json) -> str:
    """To tell 1 from true and from 1.0, which Python takes for the same."""
    return json.dumps(value, sort_keys=True)


def _add_included(
    sections: dict[str, dict[str, Origin]],
    included: Mapping[str, Mapping[str, Origin]],
    locate: Locate,
    findings: Findings,
    document: Document,
) -> None:
    for section, origins in included.items():
        own = document.data.get(section)
        for name, origin in origins.items():
            earlier = sections[section].get(name)
            is_overridden = isinstance(own, dict) and name in own
            is_ours = section not in KEY_BY_KEY or is_overridden
            if earlier is not None and not is_ours and _written(earlier.value) != _written(origin.value):
                findings.error(
                    "REF304",
                    f"two includes disagree about {section}.{name}",
                    locate(),
                    also=(earlier.name_place, origin.name_place),
                    hint=f"set {section}.{name} in this file: the including file wins",
                )
            sections[section][name] = origin
