"""A manifest's name, for commands that only ask the ledger about it."""

from pathlib import Path

from runner.errors import UsageError
from runner.findings import Findings
from runner.manifest.documents import load_document

from .orders import read


def name_of(manifest: Path) -> str:
    """Raises UsageError where the file has none."""
    document = load_document(read(manifest), manifest, str(manifest), Findings())
    name = document.data.get("name") if document is not None and isinstance(document.data, dict) else None
    if not isinstance(name, str):
        raise UsageError(f"{manifest} has no name", hint=f"see what is wrong with: flypast validate {manifest}")
    return name
