"""The same `name` in two manifests: their messages would be taken for the same send."""

from collections.abc import Sequence

from runner.findings import Findings

from .documents import Document


def check_names(documents: Sequence[Document], findings: Findings) -> None:
    first: dict[str, Document] = {}
    for document in documents:
        name = document.data.get("name") if isinstance(document.data, dict) else None
        if not isinstance(name, str) or not document.data.get("messages"):
            continue
        earlier = first.setdefault(name, document)
        if earlier is not document:
            findings.error(
                "REF312",
                f'two manifests have the name "{name}"',
                document.place(("name",)),
                also=(earlier.place(("name",)),),
                hint="a name says what a send is, for ever: give each manifest its own",
            )
