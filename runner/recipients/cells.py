"""Where the cells of one record stand in its text: csv does not say, and only a finding asks."""

import re

# A quoted cell from quote to quote; pairs inside are text. Possessive, so a last lone quote is never half a pair.
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')


class Cells:
    """`starts` are the offsets of the cells; `broken` is that of the first whose quote is not closed at its end."""

    __slots__ = ("broken", "starts")

    def __init__(self, text: str, delimiter: str) -> None:
        self.starts = [0]
        self.broken: int | None = None
        ends = re.compile(f"[{re.escape(delimiter)}\r\n]")
        at = 0
        while True:
            if text.startswith('"', at):
                quoted = _QUOTED.match(text, at)
                if quoted is None or not (quoted.end() == len(text) or ends.match(text, quoted.end())):
                    self.broken = at
                    return
                at = quoted.end()
            end = ends.search(text, at)
            if end is None or end[0] != delimiter:
                return
            at = end.end()
            self.starts.append(at)
