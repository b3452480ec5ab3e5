"""Jinja2 without its runtime: its grammar and its scopes, our gate, our generated code, our operations."""

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, NoReturn, cast

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from .codegen import BoundedGenerator
from .faults import ExpressionFault
from .fuel import MAX_TEXT, Fuel
from .gate import MAX_DEPTH
from .operations import Operations
from .values import text_too_long

FILENAME = "<expression>"
MAX_TOKENS = 12_000
OPENING = frozenset({"lparen", "lbracket", "lbrace"})
CLOSING = frozenset({"rparen", "rbracket", "rbrace"})
Root = Callable[["Scope"], Iterator[Any]]


class Scope:
    """What compiled code sees of the outside: the names' values. `masks` hides what is printed."""

    __slots__ = ("masks", "values")

    def __init__(self, values: Mapping[str, object], masks: bool) -> None:
        self.values = values
        self.masks = masks

    def resolve_or_missing(self, name: str) -> object:
        try:
            return self.values[name]
        except KeyError:
            return missing


class BoundedEnvironment(SandboxedEnvironment):
    """The sandbox is a belt besides: no code that it would watch over is ever generated."""

    def __init__(self, fuel: Fuel) -> None:
        super().__init__(keep_trailing_newline=True, newline_sequence="\n", optimized=False, cache_size=0)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()
        self.operations = Operations(fuel)
        self.line = 1

    def build(self, tree: nodes.Template) -> "Program":
        """Compiles a tree that the gate has let through."""
        generator = BoundedGenerator(self)
        generator.visit(tree)
        code = self._compile(generator.code.getvalue(), FILENAME)
        template = JinjaTemplate.from_code(self, code, {})
        root = cast(Root, template.root_render_func)
        return Program(root, template.get_corresponding_lineno, frozenset(generator.free))

    def _generate(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("only `build` compiles: the gate stands before it")

    def getattr(self, *_: Any) -> NoReturn:
        raise AssertionError("operations look things up")

    def getitem(self, *_: Any) -> NoReturn:
        raise AssertionError("operations look things up")

    def call(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("nothing is called")

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        return TokenStream(self._counted(super()._tokenize(source, name, filename, state)), name, filename)

    def _counted(self, tokens: TokenStream) -> Iterator[Token]:
        """Stops a text that is too long or too deep before the parser walks into it; remembers the line."""
        depth = 0
        for count, token in enumerate(tokens):
            self.line = token.lineno
            depth += (token.type in OPENING) - (token.type in CLOSING)
            if depth > MAX_DEPTH:
                hint = "close some, or split the expression with {% set %}"
                raise ExpressionFault("bound", f"more than {MAX_DEPTH} open brackets", hint=hint, line=token.lineno)
            if count > MAX_TOKENS:
                raise ExpressionFault("bound", "too many expressions in one text", line=token.lineno)
            yield token


class Program:
    """Compiled code. Every exception inside comes out as an ExpressionFault, `line` as the tree counts it."""

    __slots__ = ("_line_of", "_root", "free")

    def __init__(self, root: Root, line_of: Callable[[int], int], free: frozenset[str]) -> None:
        self._root = root
        self._line_of = line_of
        self.free = free

    def text(self, values: Mapping[str, object], masks: bool) -> str:
        try:
            return _joined(self._root(Scope(values, masks)))
        except Exception as error:  # noqa: BLE001 - whatever an expression can raise is its author's to see
            raise self._fault(error) from None

    def value(self, values: Mapping[str, object]) -> object:
        try:
            return next(iter(self._root(Scope(values, False))))
        except Exception as error:  # noqa: BLE001 - as above
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> ExpressionFault:
        fault = error if isinstance(error, ExpressionFault) else fault_of(error)
        number = _code_line(error.__traceback__)
        fault.line = self._line_of(number) if number else None
        return fault.with_traceback(None)


def _joined(pieces: Iterator[str]) -> str:
    kept, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_TEXT:
            raise text_too_long()
        kept.append(piece)
    text = "".join(kept)
    if size > MAX_TEXT // 4 and len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise text_too_long()
    return text


def _code_line(trace: TracebackType | None) -> int | None:
    """The line of generated code that was running."""
    found = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILENAME:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def fault_of(error: Exception) -> ExpressionFault:
    """Words for what Python raises; never its own, which can hold data and addresses."""
    if isinstance(error, RecursionError | MemoryError | OverflowError):
        return ExpressionFault("bound", "the values are too deep or too large to work with")
    if isinstance(error, ValueError):
        return ExpressionFault("type", "a list has more or fewer items than the names that take them")
    if isinstance(error, TemplateSyntaxError):
        return ExpressionFault("refused", "`loop` names the loop itself and nothing else", line=error.lineno)
    if isinstance(error, SyntaxError):
        return ExpressionFault("bound", "loops and conditions are nested too deep", hint="split the text with include")
    return ExpressionFault("type", "this can't be worked out with these values")
