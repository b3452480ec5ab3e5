"""SIGINT, SIGTERM, SIGHUP: from our first line to our last. It imports next to nothing, so that it is there at once."""

import signal

_HANGUP = getattr(signal, "SIGHUP", None)  # the terminal was closed; unknown on Windows
HANDLED = (signal.SIGINT, signal.SIGTERM, *(() if _HANGUP is None else (_HANGUP,)))


class Interrupted(KeyboardInterrupt):
    """A class of its own, as Python remembers a plain KeyboardInterrupt that comes while it runs a text.

    A dataclass is made by running one. However well it was caught, `python -m` would end with the signal, not our code.
    """


class Interrupts:
    """What a signal does depends on where the run is, and none is lost on the way.

    While nothing of a command runs yet, or its end is being told, signals are only remembered. In between they raise
    KeyboardInterrupt (`heed`), or steer a run that is sending (`steering.steered`).
    """

    def __init__(self) -> None:
        self.count = 0
        self.has_raised = False
        self._may_raise = False

    def watch(self) -> None:
        """From here on no signal ends the process by itself."""
        for each in HANDLED:
            if each != _HANGUP or signal.getsignal(each) is not signal.SIG_IGN:  # nohup: it is to go on
                signal.signal(each, self._came)

    def heed(self) -> None:
        """From here on a signal raises KeyboardInterrupt; one that came before does so now."""
        self._may_raise = True
        if self.count:
            self._raise()

    def defer(self) -> None:
        """From here on signals are only remembered."""
        self._may_raise = False

    def ignore(self) -> None:
        """For the last line: Python itself would let a signal end the process while it cleans up."""
        for each in HANDLED:
            signal.signal(each, signal.SIG_IGN)

    def are_behind(self, error: BaseException | None) -> bool:
        """Whether it came of a KeyboardInterrupt, which may surface as another error from the midst of an import."""
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            if isinstance(error, KeyboardInterrupt):
                return True
            seen.add(id(error))
            error = error.__cause__ or error.__context__
        return self.has_raised

    def _came(self, _number: int, _frame: object) -> None:
        self.count += 1
        if self._may_raise:
            self._raise()

    def _raise(self) -> None:
        """Not at the second: it would cut off what tells of the first. At the third somebody is in earnest."""
        if self.has_raised and self.count == 2:
            return
        self.has_raised = True
        raise Interrupted


INTERRUPTS = Interrupts()
