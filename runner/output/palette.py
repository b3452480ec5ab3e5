"""Colours for a terminal; none anywhere else."""

from dataclasses import dataclass

from runner.states import STATES, Tone

_TONES: dict[Tone, str] = {"good": "32", "bad": "1;31", "doubt": "1;33", "note": "36", "calm": "2"}


@dataclass(frozen=True, slots=True)
class Palette:
    """SGR colours, or nothing. Only the 16 that a terminal's owner chose, so that they suit dark and light."""

    is_on: bool = False

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on and text else text

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        return self._paint("2", text)

    def red(self, text: str) -> str:
        return self.tone("bad", text)

    def green(self, text: str) -> str:
        return self.tone("good", text)

    def yellow(self, text: str) -> str:
        return self.tone("doubt", text)

    def blue(self, text: str) -> str:
        return self._paint("1;34", text)

    def tone(self, tone: Tone, text: str) -> str:
        return self._paint(_TONES[tone], text)

    def state(self, state: str, text: str | None = None) -> str:
        """A state's word, or what is said of it, in its colour."""
        word, tone = STATES[state]
        return self.tone(tone, word if text is None else text)

    def counted(self, state: str, count: int, word: str | None = None) -> str:
        """`3 rejected`, in the state's colour where there is one at all."""
        words = f"{count:,} {word or STATES[state][0]}"
        return self.state(state, words) if count else words
