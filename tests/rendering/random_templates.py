"""Random texts from the grammar: sensible names, all operators, what is refused too. The seed decides all."""

import inspect
import random
import time
from collections.abc import Mapping

from runner.rendering.faults import ExpressionFault
from runner.rendering.filters import FILTERS
from runner.rendering.language import Language
from runner.rendering.operations import TEST_COMPARISONS, TESTS

NAMES = ("name", "name", "long", "spaced", "numbers", "deep", "rows", "few", "few", "price", "nobody", "x")
OPERATORS = ("+", "-", "*", "/", "//", "%", "~", "and", "or", "==", "!=", "<", ">=", "in", "not in")
CONSTANTS = ("1", "0", "7.5", "'a'", "''", "none", "true", "[1, 2]", "('a', 'b')", "999999999999", "-3")
REFUSED = ("name.upper()", "range(9)", "''.__class__", "name[1:2]", "{'a': 1}", "[x, y]", "2 ** 9")
ARGUMENTS = ("2", "' '", "name", "'b'", "long", "0", "true")


class Writer:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def text(self, depth: int = 3) -> str:
        return "".join(self.part(depth) for _ in range(self.chance.randint(1, 3)))

    def part(self, depth: int) -> str:
        kind = self.chance.randrange(10 if depth else 4)
        if kind == 0:
            return self.chance.choice(("Hi ", "\n", "100 %", "}} ", "é🎉"))
        if kind <= 5:
            return f"{{{{ {self.expression(depth)} }}}}"
        if kind == 6:
            return f"{{% if {self.expression(depth)} %}}{self.text(depth - 1)}{{% else %}}{self.text(0)}{{% endif %}}"
        if kind == 7:
            return f"{{% set {self.chance.choice('xy')} = {self.expression(depth)} %}}"
        source = self.chance.choice(("numbers", "rows", "deep", "recipient", self.expression(depth)))
        return f"{{% for {self.chance.choice('xy')} in {source} %}}{self.text(depth - 1)}{{% endfor %}}"

    def filter(self) -> str:
        """Mostly with as many arguments as it takes."""
        name = self.chance.choice(sorted(FILTERS))
        parameters = list(inspect.signature(FILTERS[name]).parameters.values())[1:]
        needed = sum(parameter.default is parameter.empty for parameter in parameters)
        count = self.chance.randint(needed, len(parameters))
        return f"{name}({', '.join(self.chance.choice(ARGUMENTS) for _ in range(count))})" if count else name

    def expression(self, depth: int) -> str:
        kind = self.chance.randrange(12 if depth > 0 else 4)
        if kind <= 2:
            return self.chance.choice(NAMES)
        if kind == 3:
            return self.chance.choice(CONSTANTS)
        inner = self.expression(depth - 1)
        if kind <= 6:
            return f"{inner}|{self.filter()}"
        if kind <= 8:
            return f"({inner} {self.chance.choice(OPERATORS)} {self.expression(depth - 1)})"
        if kind == 9:
            return f"({inner} if {self.expression(depth - 1)} else {self.expression(depth - 1)})"
        if kind == 10:
            test = self.chance.choice(sorted(TESTS))
            takes_one = test in TEST_COMPARISONS or test == "divisibleby"
            return f"({inner} is {test}{f'({self.expression(depth - 1)})' if takes_one else ''})"
        looked_up = (f"{inner}[0]", f"{inner}.a", f"{inner}['a']", "rows[3].a", "rows[2].b.c", "recipient.name")
        return self.chance.choice((*looked_up, self.chance.choice(REFUSED)))


def run(seed: int, count: int, values: Mapping[str, object]) -> dict[str, object]:
    """Renders `count` random texts: how many ended how, and the slowest. Whatever is no ExpressionFault is raised."""
    writer, language = Writer(seed), Language()
    kinds: dict[str, int] = {}
    slowest: tuple[float, str] = (0.0, "")
    for _ in range(count):
        source = writer.text()
        started = time.process_time()
        kind = _one(language, source, values)
        kinds[kind] = kinds.get(kind, 0) + 1
        slowest = max(slowest, (time.process_time() - started, source))
    return {"kind": "done", "kinds": kinds, "slowest": slowest[0], "source": slowest[1]}


def _one(language: Language, source: str, values: Mapping[str, object]) -> str:
    try:
        template = language.template(source)
        words = template.text(values)
        assert len(words.encode()) <= 65_536
        assert " at 0x" not in words, source
        assert template.text(values) == words, source
    except ExpressionFault as fault:
        return fault.kind if " at 0x" not in fault.message else "an address"
    except Exception as error:
        raise AssertionError(f"{error!r} from {source!r}") from error
    return "rendered"
