"""Fuel: how much work one message may be, and how much all of them together."""

from .faults import OutOfFuel

FUEL_PER_MESSAGE = 20_000
MAX_TEXT = 65_536  # a rendered text: bytes of UTF-8; any text in between: characters
MAX_ITEMS = 65_536
MAX_INTEGER = 10**18
CHARACTERS_PER_UNIT = 16


class Fuel:
    """Counts work in units: a step, an item of a list, or 16 characters. Not for several threads at once.

    `left` is what the message in work still has; who sets it back takes back what was burnt since.
    `limit` bounds the sum over a whole run; None means only each message is bounded.
    """

    def __init__(self, per_message: int = FUEL_PER_MESSAGE, limit: int | None = None) -> None:
        self.per_message = per_message
        self.limit = limit
        self._spent = 0
        self._given = 0
        self.left = 0

    @property
    def spent(self) -> int:
        """Units burnt since the start of the run, the message in work included."""
        return self._spent + self._given - self.left

    def refill(self) -> None:
        """A full tank for the next message or text to compile. Raises OutOfFuel when the run has used up its sum."""
        self._spent += self._given - self.left
        self._given = self.left = self.per_message
        if self.limit is not None:
            self._given = self.left = min(self.per_message, self.limit - self._spent)
        if self._given <= 0:
            self._given = self.left = 0
            self._stop()

    def burn(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            self._stop()

    def _stop(self) -> None:
        if self._given == self.per_message:
            raise OutOfFuel(
                "bound",
                f"this takes more work than one message may: {self.per_message:,} steps",
                hint="make the loops or the lists shorter, or prepare the text in the recipients file",
            )
        raise OutOfFuel(
            "bound",
            f"the expressions of all messages together take more than {self.limit:,} steps",
            hint="simplify the loops, or send in several runs",
        )
