"""The language: Jinja2's grammar, data only, bounded work. Compiled once, rendered per person.

Words, names between them and a name held against a text are understood here, without Jinja2, which takes as long to
import as the rest of `validate`; so are the simplest filters and conditions; everything else by `compiling`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .faults import ExpressionFault, UnknownName
from .fuel import Fuel
from .plain import Condition, PlainCondition, PlainText, Template, compared, pieces_of

if TYPE_CHECKING:
    from .compiling import Compiler
    from .sources import Reader

__all__ = ["Condition", "Language", "Template", "explained"]

Values = Mapping[str, object]


class Language:
    """Compiles texts and conditions. Its `fuel` counts the work; not for several threads at once."""

    def __init__(self, read: "Reader | None" = None, *, fuel: Fuel | None = None, is_for_sms: bool = False) -> None:
        """`read(written_path, from_name)` gives an included file's (canonical name, text) or raises ExpressionFault."""
        self.fuel = fuel or Fuel()
        self._read = read
        self._is_for_sms = is_for_sms
        self._compiler: Compiler | None = None

    def on_sms(self) -> "Language":
        """The same language, fuel and all, but that what Babel writes has plain spaces only."""
        return Language(self._read, fuel=self.fuel, is_for_sms=True)

    def template(self, source: str, *, name: str = "") -> Template:
        """A text; `name` is the file that included paths are relative to. Raises ExpressionFault."""
        self.fuel.refill()
        pieces = pieces_of(source)
        if pieces is not None:
            return PlainText(source, pieces, self.fuel, lambda: self.compiler.template(source, name))
        from .quick import QuickText, read_quickly  # noqa: PLC0415 - for what is not plain

        read = read_quickly(source)
        if read is not None:
            return QuickText(source, read, self.fuel, lambda: self.compiler.template(source, name))
        return self.compiler.template(source, name)

    def condition(self, source: str) -> Condition:
        """A `when` or `where`: an expression without braces. Raises ExpressionFault."""
        self.fuel.refill()
        parts = compared(source)
        if parts is None:
            return self.compiler.condition(source)
        return PlainCondition(*parts, lambda: self.compiler.condition(source))

    @property
    def compiler(self) -> "Compiler":
        if self._compiler is None:
            from .compiling import Compiler  # noqa: PLC0415 - Jinja2, for what needs it

            self._compiler = Compiler(self._read, self.fuel, is_for_sms=self._is_for_sms)
        return self._compiler


def explained(fault: ExpressionFault, values: Values) -> ExpressionFault:
    """An unknown name with the nearest known one."""
    if isinstance(fault, UnknownName) and fault.name:
        from .values import nearest  # noqa: PLC0415
        from .words import name_hint  # noqa: PLC0415 - only where something is wrong

        near = name_hint(fault.name, urgent=True) or nearest(fault.name, values)
        fault.hint = near or fault.hint or name_hint(fault.name)
    return fault
