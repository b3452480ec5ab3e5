"""Text from manifests, data or Bird, made inert for Markdown as GitHub and GitLab show it."""

import re

from .neutral import neutral

# ASCII punctuation that could be markup, HTML, a mention, a reference, a link or, at the start, a list.
_MEANINGFUL = re.compile(r"[!#$&*:<>@\[\\\]^_`{|}~]|^[-+=]|(?<=www)\.|^[0-9]{1,9}[.)]", re.IGNORECASE)


def inert(text: str) -> str:
    """On one line, each character as it reads: no markup, tag, mention, reference, link or workflow command."""
    return _MEANINGFUL.sub(lambda found: f"{found.group()[:-1]}&#{ord(found.group()[-1])};", neutral(text).strip())


def code(text: str) -> str:
    """The same in a fixed width. HTML's element, because in a code span of Markdown no character can be escaped."""
    return f"<code>{inert(text)}</code>"
