"""Parameters: declared in the manifest, given by files and by `--set`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from runner.errors import UsageError
from runner.findings import Findings, Place, did_you_mean
from runner.model import Json

from .documents import Document
from .include import Origin

RESERVED = frozenset({"recipient", "loop", "self"})  # names that expressions have already


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The values after all overrides. `given` were set by the operator; `missing` are null and nobody gave them.

    `locate` finds where each value stands, for findings.
    """

    values: Mapping[str, Json]
    locate: Mapping[str, Callable[[], Place]]
    given: frozenset[str]
    missing: tuple[str, ...]


def settle(
    declared: Mapping[str, Origin],
    files: Sequence[Document],
    sets: Sequence[tuple[str, str]],
    findings: Findings,
    *,
    is_certain: bool = True,
) -> Parameters:
    """Declared defaults, then files in order, then `--set` in order; each may only name what is declared.

    Where not all declarations could be read (not `is_certain`), a name that is not among them is let pass.
    """
    values = {name: origin.value for name, origin in declared.items()}
    places: dict[str, Callable[[], Place]] = {name: origin.place for name, origin in declared.items()}
    for name in RESERVED & declared.keys():
        findings.error(
            "REF305",
            f'a parameter can\'t be called "{name}": expressions use that name themselves',
            declared[name].name_place,
            hint="rename it",
        )
    for document in files:
        _take_file(document, values, places, findings, is_certain=is_certain)
    for name, text in sets:
        if name not in values and not is_certain:
            continue
        values[name] = _typed(name, text, values)
    missing = tuple(name for name, value in values.items() if value is None)
    return Parameters(values=values, locate=places, given=frozenset(name for name, _ in sets), missing=missing)


def _take_file(
    document: Document,
    values: dict[str, Json],
    places: dict[str, Callable[[], Place]],
    findings: Findings,
    *,
    is_certain: bool,
) -> None:
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        findings.error(
            "REF306",
            "a parameters file is a map from names to values",
            document.place(()),
            hint="write one `name: value` a line",
        )
        return
    for name, value in data.items():
        if name not in values and not is_certain:
            continue
        if name not in values:
            findings.error(
                "REF307",
                f'the manifest declares no parameter "{name}"',
                document.place((name,), of="key"),
                hint=did_you_mean(name, values),
            )
            continue
        values[name] = value
        places[name] = partial(document.place, (name,))


def _typed(name: str, text: str, values: Mapping[str, Json]) -> Json:
    """`--set` gives text; a default that is true, false or a number says that the text stands for one."""
    if name not in values:
        raise UsageError(
            f'--set {name}=…: the manifest declares no parameter "{name}"', hint=did_you_mean(name, values)
        )
    default = values[name]
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise UsageError(f"--set {name}=…: {name} is true or false")
        return text == "true"
    if isinstance(default, (int, float)):
        try:
            return int(text) if isinstance(default, int) else float(text)
        except ValueError:
            raise UsageError(f"--set {name}=…: {name} is a number") from None
    if isinstance(default, (dict, list)):
        raise UsageError(f"--set {name}=…: {name} is a list or a map", hint="give it in a file, with --parameters")
    return text
