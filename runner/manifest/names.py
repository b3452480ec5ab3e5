"""The same `name` in two manifests: their messages would be taken for the same send."""

from collections.abc import Callable

from runner.findings import Findings, Place

from .documents import Document


def send_name(document: Document | None) -> str | None:
    """The name of a manifest that has messages; None of any other file."""
    data = document.data if document is not None else None
    if not isinstance(data, dict) or not data.get("messages"):
        return None
    name = data.get("name")
    return name if isinstance(name, str) else None


class Names:
    """The names of sends that were met, each with what finds its place."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._first: dict[str, Callable[[], Place]] = {}

    def meet(self, name: str, locate: Callable[[], Place]) -> bool:
        """Whether it is a new one; REF312 where another manifest has it."""
        earlier = self._first.setdefault(name, locate)
        if earlier is locate:
            return True
        self._findings.error(
            "REF312",
            f'two manifests have the name "{name}"',
            locate(),
            also=(earlier(),),
            hint="a name says what a send is, for ever: give each manifest its own",
        )
        return False
