"""Colours for a terminal; none anywhere else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """SGR colours, or nothing."""

    is_on: bool = False

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on else text

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        return self._paint("2", text)

    def red(self, text: str) -> str:
        return self._paint("1;31", text)

    def green(self, text: str) -> str:
        return self._paint("32", text)

    def yellow(self, text: str) -> str:
        return self._paint("1;33", text)

    def blue(self, text: str) -> str:
        return self._paint("1;34", text)
