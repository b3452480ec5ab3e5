"""What a manifest and the files that it includes declare, by name: for whoever still types, so nothing is judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.files import FileFault, open_below
from runner.findings import Findings
from runner.model import Json
from runner.project import project_root

from .discover import LARGEST_LOOKED_AT
from .documents import load_document

MOST_FILES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Each section by the names in it. What can't be read declares nothing."""

    messages: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)
    recipients: dict[str, Json] = field(default_factory=dict)
    parameters: dict[str, Json] = field(default_factory=dict)


def declared(manifest: Path) -> Declared:
    """Messages of the manifest itself; of the rest what its includes declare too, its own first."""
    found = Declared()
    for number, data in enumerate(_documents(manifest.absolute())):
        sections = {"channels": found.channels, "recipients": found.recipients, "parameters": found.parameters}
        if number == 0:
            sections["messages"] = found.messages
        for section, names in sections.items():
            for name, value in _map(data.get(section)).items():
                names.setdefault(name, value)
    return found


def _documents(manifest: Path) -> Iterator[Mapping[str, Any]]:
    """The manifest and all that it includes, each once."""
    root = project_root(manifest)
    waiting = [(manifest.parent, manifest.name)]
    met: set[Path] = set()
    while waiting and len(met) < MOST_FILES:
        folder, written = waiting.pop(0)
        try:
            with open_below(root, folder, written) as file:
                source, path = file.read(LARGEST_LOOKED_AT), Path(file.name)
        except (FileFault, OSError):
            continue
        if path in met:
            continue
        met.add(path)
        document = load_document(source, path, path.name, Findings())
        data = _map(document.data) if document is not None else {}
        included = data.get("include")
        waiting += [
            (path.parent, each) for each in (included if isinstance(included, list) else ()) if isinstance(each, str)
        ]
        yield data


def _map(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
