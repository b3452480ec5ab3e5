"""Markdown as a reader gets it: rendered by a renderer that is not ours, then looked at as GitHub and GitLab do."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

# What GitHub and GitLab make links, pictures or formulas of, once Markdown is HTML: they look at each piece of text.
REFERENCES = re.compile(
    r"@[\w\"]|#[\w\"]|![\w\"]|~[\w\"]|%[\w\"]|&[\w\"]|\^[\w\"]|\*\w+:|\[\w+:|\$[^$]+\$|:\w+:|\w://|www\.\w|mailto:|xmpp:"
    r"|[A-Za-z]-[0-9]|\b[0-9a-f]{7,40}\b",
    re.IGNORECASE,
)
VOID = {"br", "hr", "img", "input"}


@dataclass
class Read(HTMLParser):
    """`elements` in their order; `texts` are the pieces that do not stand in code; `code` those that do."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, "elements that were opened are closed, in their order"

    def handle_data(self, data: str) -> None:
        (self.code if {"code", "pre"} & set(self.inside) else self.texts).append(data)

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    @property
    def text(self) -> str:
        return "".join(self.texts + self.code)

    @property
    def references(self) -> list[str]:
        """What would become a mention, a link, an image of an emoji or a formula."""
        return [found[0] for text in self.texts for found in REFERENCES.finditer(text)]


def rendered(markdown: str) -> str:
    """As GitHub's: tables, strikethrough, HTML as it stands, addresses as links."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return str(reader.render(markdown))


def read(markdown: str) -> Read:
    reading = Read()
    reading.feed(rendered(markdown))
    reading.close()
    assert reading.inside == []
    return reading
