"""A text with all that it includes, as one tree whose lines still tell which file they came from."""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from .faults import ExpressionFault
from .fuel import MAX_TEXT
from .gate import MAX_NODES, walk
from .words import syntax_words

Reader = Callable[[str, str], tuple[str, str]]

DELIMITERS = ("{{", "{%", "{#")
MAX_INCLUDES_DEEP = 10
LINES = 1 << 20  # more than a text can have: a node's line is its file's index times this, plus the line there
NEWLINE = re.compile(r"\r\n|\r")


class Sources:
    """Reads, parses and puts together. `read` is None where nothing may be included."""

    def __init__(self, environment: Environment, read: Reader | None) -> None:
        self._environment = environment
        self._read = read
        self._names: list[str] = []
        self._texts: list[str] = []
        self._size = 0
        self._nodes = 0

    def tree(self, source: str, name: str) -> nodes.Template:
        """Raises ExpressionFault with a line that `place` understands."""
        return self._parsed(source, name, (name,))

    def expression(self, source: str) -> nodes.Expr:
        """A condition: one expression without braces."""
        self._begin(source, "")
        if any(mark in source for mark in DELIMITERS):
            raise ExpressionFault("syntax", "a condition is written without braces", hint='as in vip == "yes"', line=1)
        if not source.strip():
            raise ExpressionFault("syntax", "the condition is empty", hint='write one, as in vip == "yes"', line=1)
        with self._faults(0):
            parser = Parser(self._environment, source, state="variable")
            parsed = parser.parse_expression()
            if not parser.stream.eos:
                raise TemplateSyntaxError("chunk after expression", parser.stream.current.lineno)
            return parsed

    def place(self, line: int | None) -> tuple[str, int | None]:
        """The included file's name ("" for the text itself) and the line in it, from 1."""
        if line is None:
            return "", None
        index, within = divmod(line, LINES)
        return (self._names[index] if index else ""), within or 1

    def written(self, line: int) -> str:
        """That line as its file has it."""
        index, within = divmod(line, LINES)
        lines = normalised(self._texts[index]).split("\n")
        return lines[within - 1] if 0 < within <= len(lines) else ""

    def _begin(self, source: str, name: str) -> int:
        self._size += len(source)
        if self._size > MAX_TEXT or len(source.encode("utf-8", "surrogatepass")) > MAX_TEXT:
            raise ExpressionFault("bound", f"the text and what it includes are longer than {MAX_TEXT:,} bytes")
        self._names.append(name)
        self._texts.append(source)
        return len(self._names) - 1

    def _parsed(self, source: str, name: str, trail: tuple[str, ...]) -> nodes.Template:
        index = self._begin(source, name)
        with self._faults(index):
            tree = Parser(self._environment, source).parse()
            self._count(tree, index)
        for body in list(_bodies(tree)):
            for at, node in enumerate(body):
                if isinstance(node, nodes.Include):
                    body[at] = self._included(node, trail)
        return tree

    def _count(self, tree: nodes.Template, index: int) -> None:
        for node, _ in walk(tree):
            self._nodes += 1
            if node.lineno:
                node.lineno += index * LINES
        if self._nodes > MAX_NODES:
            raise ExpressionFault("bound", f"more than {MAX_NODES:,} parts in one text and what it includes", line=1)

    def _included(self, node: nodes.Include, trail: tuple[str, ...]) -> nodes.Scope:
        """The included file's tree in a scope of its own: what it sets stays there."""
        try:
            name, text = self._file(node, trail)
            return nodes.Scope(self._parsed(text, name, (*trail, name)).body, lineno=node.lineno)
        except ExpressionFault as fault:
            fault.line = fault.line or node.lineno
            raise

    def _file(self, node: nodes.Include, trail: tuple[str, ...]) -> tuple[str, str]:
        if not isinstance(node.template, nodes.Const) or not isinstance(node.template.value, str):
            hint = 'write the name itself: {% include "footer.txt" %}'
            raise ExpressionFault("refused", "an include names one file, in quotes", hint=hint)
        if node.ignore_missing or not node.with_context:
            hint = f'write {{% include "{node.template.value}" %}}'
            raise ExpressionFault("refused", "an include stands alone: the file must be there", hint=hint)
        if self._read is None:
            raise ExpressionFault("include", "nothing can be included here")
        name, text = self._read(node.template.value, trail[-1])
        if name in trail:
            way = " → ".join((*trail[trail.index(name) :], name)) if name else name
            raise ExpressionFault("include", f"{name} includes itself: {way}")
        if len(trail) > MAX_INCLUDES_DEEP:
            raise ExpressionFault("include", f"includes go more than {MAX_INCLUDES_DEEP} deep")
        return name, text

    @contextmanager
    def _faults(self, index: int) -> Iterator[None]:
        """Everything that reading a text can raise, as a fault with its line."""
        try:
            with _strict_escapes():
                yield
        except ExpressionFault as fault:
            fault.line = _in_file(fault.line, index)
            raise
        except TemplateSyntaxError as error:
            words, hint = syntax_words(error.message or "it can't be read")
            raise ExpressionFault("syntax", words, hint=hint, line=_in_file(error.lineno, index)) from None
        except RecursionError:
            line = getattr(self._environment, "line", 1)
            raise ExpressionFault("bound", "nested too deep", line=_in_file(line, index)) from None
        except (ValueError, OverflowError, MemoryError):
            line = getattr(self._environment, "line", 1)
            raise ExpressionFault("bound", "a number or a text in it is too long", line=_in_file(line, index)) from None
        except Exception:  # noqa: BLE001 - whatever the parser can raise is the author's to see
            line = getattr(self._environment, "line", 1)
            raise ExpressionFault("syntax", "this can't be read", line=_in_file(line, index)) from None


def _in_file(line: int | None, index: int) -> int:
    """A line of that file, unless it already says which."""
    return line if line is not None and line >= LINES else (line or 1) + index * LINES


def _bodies(tree: nodes.Template) -> Iterator[list[nodes.Node]]:
    """Every list of statements, where an include may stand."""
    yield tree.body
    for loop in tree.find_all(nodes.For):
        yield from (loop.body, loop.else_)
    for choice in tree.find_all(nodes.If):
        yield from (choice.body, choice.else_)


def normalised(source: str) -> str:
    """Line ends as LF, as Jinja2 leaves them; for texts that hold no expression."""
    return NEWLINE.sub("\n", source) if "\r" in source else source


@contextmanager
def _strict_escapes() -> Iterator[None]:
    """A backslash that stands for nothing is an error on every Python, not on later ones alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=r"(?i).*invalid (octal )?escape sequence")
        yield
