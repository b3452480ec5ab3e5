"""From bytes to text that YAML may read: the size, UTF-8, no control characters; and where a character stands."""

import re
from bisect import bisect_right
from functools import cached_property

from runner.findings import Findings, Place

MAX_BYTES = 8 * 1024 * 1024

UTF8_BOM = b"\xef\xbb\xbf"
_PLAIN_ASCII = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F)])
_WIDE_BOMS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_SEPARATOR = re.compile("[\x85\u2028\u2029]")  # line breaks to libyaml, which no editor shows as such
_ALSO_SHOWN = 9


class Lines:
    """The lines of a text, broken where YAML breaks them: at LF, CR LF and CR."""

    def __init__(self, text: str, shown: str) -> None:
        self._text = text
        self.shown = shown

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self._text))]

    def number(self, index: int) -> int:
        """The line, counted from 1, of the character at `index`."""
        return bisect_right(self._starts, index)

    @property
    def last(self) -> int:
        """The number of the last line."""
        return len(self._starts)

    def start(self, number: int) -> int:
        return self._starts[number - 1]

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line break; empty where there is no such line."""
        if not 1 <= number <= len(self._starts):
            return ""
        end = self._starts[number] if number < len(self._starts) else len(self._text)
        return self._text[self._starts[number - 1] : end].rstrip("\r\n")

    def place(self, start: int, end: int | None = None) -> Place:
        """The stretch from `start` up to `end` (one character where no end is given), as people count."""
        end = start + 1 if end is None else max(start, end)
        line, end_line = self.number(start), self.number(end)
        return Place(
            path=self.shown,
            line=line,
            column=start - self.start(line) + 1,
            end_line=end_line,
            end_column=end - self.start(end_line) + 1,
        )


def read_text(source: bytes, shown: str, findings: Findings) -> str | None:
    """The text of a YAML file, its BOM taken off; None where it is no text that can be parsed (YML101, YML104).

    Characters that YAML can't hold are findings too (YML105, YML106); a space takes their place, so that every
    other mistake in the file is still found.
    """
    if len(source) > MAX_BYTES:
        findings.error(
            "YML101",
            f"the file has {len(source):,} bytes; at most {MAX_BYTES:,} (8 MiB) are read",
            Place(path=shown),
            hint="keep long lists of people in a .csv or .jsonl file, which is streamed",
        )
        return None
    unusual = source.translate(None, _PLAIN_ASCII)
    if not unusual:
        return source.decode("ascii")
    text = _decode(source, unusual, shown, findings)
    return None if text is None else _without_refused(text, source, shown, findings)


def _decode(source: bytes, unusual: bytes, shown: str, findings: Findings) -> str | None:
    for bom, encoding in _WIDE_BOMS.items():
        if source.startswith(bom):
            message = f"not UTF-8: the file starts with the mark of {encoding} (byte offset 0)"
            findings.error("YML104", message, Place(path=shown), hint="save the file as UTF-8")
            return None
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from after the BOM that it took off.
        offset = error.start + len(source) - len(error.object)
        if 0 not in source[:offset]:
            message = f"not UTF-8: the byte 0x{source[offset]:02X} at byte offset {offset:,} is not valid there"
            hint = "save the file as UTF-8 (it may be Latin-1 or Windows-1252 now)"
            findings.error("YML104", message, _byte_place(source, offset, shown), hint=hint)
            return None
    if 0 not in unusual:
        return text
    offset = source.index(0)
    hint = "save the file as UTF-8; files full of NUL bytes are often UTF-16, or no text at all"
    findings.error(
        "YML104", f"not text: a NUL byte at byte offset {offset:,}", _byte_place(source, offset, shown), hint=hint
    )
    return None


def _byte_place(source: bytes, offset: int, shown: str) -> Place:
    before = source[:offset].decode("utf-8-sig", errors="replace")
    return Lines(before, shown).place(len(before), len(before))


def _without_refused(text: str, source: bytes, shown: str, findings: Findings) -> str:
    for pattern, code, words, hint in (
        (_CONTROL, "YML105", "the control character", "delete it"),
        (_SEPARATOR, "YML106", "the invisible line break", "replace it with a space, or with a real new line"),
    ):
        if indexes := [match.start() for match in pattern.finditer(text)]:
            lines = Lines(text, shown)
            findings.error(
                code,
                f"{words} {_described(text, indexes, source)}",
                lines.place(indexes[0]),
                hint=hint,
                also=[lines.place(index) for index in indexes[1 : 1 + _ALSO_SHOWN]],
            )
            text = pattern.sub(" ", text)
    return text


def _described(text: str, indexes: list[int], source: bytes) -> str:
    first = indexes[0]
    offset = len(text[:first].encode()) + (len(UTF8_BOM) if source.startswith(UTF8_BOM) else 0)
    more = f", and {len(indexes) - 1:,} more like it" if len(indexes) > 1 else ""
    return f"U+{ord(text[first]):04X} at byte offset {offset:,}{more}"
