"""Texts and conditions compiled by Jinja2, behind the gate: what is more than words and names."""

from collections.abc import Iterator, Mapping

from jinja2 import nodes

from .codegen import GIVE, label_of
from .environment import BoundedEnvironment, Program, fault_of
from .faults import ExpressionFault
from .fuel import MAX_TEXT, Fuel
from .gate import admit, for_sms, guarded_names, inner_filter, pay_for_turns, want_truth
from .language import explained
from .own_words import own_words
from .plain import Condition, Template
from .sources import DELIMITERS, Reader, Sources, normalised
from .values import text_too_long

Values = Mapping[str, object]


class Compiler:
    """Compiles texts and conditions. `fuel` counts the work of what is compiled; compiling itself burns none."""

    def __init__(self, read: Reader | None, fuel: Fuel, *, is_for_sms: bool) -> None:
        self.fuel = fuel
        self._read = read
        self._environment = BoundedEnvironment(fuel)
        self._is_for_sms = is_for_sms

    def template(self, source: str, name: str) -> Template:
        """As `Language.template`."""
        sources = Sources(self._environment, self._read)
        try:
            tree = sources.tree(source, name) if any(mark in source for mark in DELIMITERS) else _words(source)
            admit(tree)
            if self._is_for_sms:
                for_sms(tree)
            return CompiledText(self, sources, tree)
        except ExpressionFault as fault:
            fault.line = fault.line or 1
            raise placed(fault, sources) from None

    def condition(self, source: str) -> Condition:
        """As `Language.condition`."""
        sources = Sources(self._environment, None)
        try:
            expression = nodes.Output([sources.expression(source)], lineno=1)
            tree = nodes.Template([expression], lineno=1)
            admit(tree)
            return CompiledCondition(self, sources, tree, expression)
        except ExpressionFault as fault:
            fault.line = fault.line or 1
            raise placed(fault, sources) from None

    def build(self, tree: nodes.Template) -> Program:
        try:
            return self._environment.build(tree)
        except Exception as error:  # noqa: BLE001 - whatever compiling a text can raise is its author's to see
            raise fault_of(error) from None


class CompiledText(Template):
    """One that Jinja2 has parsed; its program is made when it is wanted."""

    def __init__(self, language: Compiler, sources: Sources, tree: nodes.Template) -> None:
        self._language = language
        self._sources = sources
        self._tree = tree
        self._text_program: Program | None = None
        self._value_program: Program | None = None
        children = _output_children(tree)
        outputs = [child for child in children or () if not _is_blank(child)]
        self._single = outputs[0] if len(outputs) == 1 and not isinstance(outputs[0], nodes.TemplateData) else None
        self.is_plain, self._frame, self._holes = _plain_parts(children)
        pay_for_turns(tree)
        self.has_expressions = children is None or any(not isinstance(child, nodes.TemplateData) for child in children)
        self.is_single = self._single is not None
        self.label = label_of(self._single)
        self.names = self._program.free if not self.is_plain else frozenset(name for _, name in self._holes)
        self.guarded = guarded_names(tree) & self.names

    def text(self, values: Values, *, continuing: bool = False) -> str:
        if not continuing:
            self._language.fuel.refill()
        text = self._quickly(values) if self.is_plain else None
        return self._run(self._program, values, masks=False) if text is None else text

    def masked(self, values: Values, *, continuing: bool = False) -> str:
        if not continuing:
            self._language.fuel.refill()
        return self._run(self._program, values, masks=True)

    def value(self, values: Values, *, continuing: bool = False) -> object:
        if not continuing:
            self._language.fuel.refill()
        assert self._single is not None, "only a text that is_single has a value"  # noqa: S101
        if self._value_program is None:
            self._value_program = self._language.build(_giving(self._single))
        try:
            return self._value_program.value(values)
        except ExpressionFault as fault:
            raise explained(placed(fault, self._sources), values) from None

    def own_words(self) -> Iterator[tuple[str, int]]:
        for words, at in own_words(self._tree):
            for further, line in enumerate(words.split("\n")):
                yield line, at + further

    def place(self, line: int) -> tuple[str, int]:
        source, number = self._sources.place(line)
        return source, number or 1

    def written(self, line: int) -> str:
        return self._sources.written(line)

    @property
    def _program(self) -> Program:
        if self._text_program is None:
            self._text_program = self._language.build(self._tree)
        return self._text_program

    def _run(self, program: Program, values: Values, *, masks: bool) -> str:
        try:
            return program.text(values, masks)
        except ExpressionFault as fault:
            raise explained(placed(fault, self._sources), values) from None


class CompiledCondition(Condition):
    """One that Jinja2 has parsed."""

    def __init__(self, language: Compiler, sources: Sources, tree: nodes.Template, output: nodes.Output) -> None:
        self._language = language
        self._sources = sources
        self.guarded = guarded_names(tree)
        self._program = language.build(_giving(want_truth(output.nodes[0])))
        self.names = self._program.free
        self.guarded &= self.names

    def holds(self, values: Values) -> bool:
        self._language.fuel.refill()
        try:
            return self._program.value(values) is True
        except ExpressionFault as fault:
            raise explained(placed(fault, self._sources), values) from None


def placed(fault: ExpressionFault, sources: Sources) -> ExpressionFault:
    for each in (fault, *fault.others):
        each.source, each.line = sources.place(each.line)
    return fault


def _words(source: str) -> nodes.Template:
    """A text without any expression: most of a draft, and not worth parsing."""
    if len(source) > MAX_TEXT // 4 and len(source.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise text_too_long()
    data = nodes.TemplateData(normalised(source), lineno=1)
    return nodes.Template([nodes.Output([data], lineno=1)], lineno=1)


def _giving(expression: nodes.Expr) -> nodes.Template:
    given = inner_filter(GIVE, expression)
    return nodes.Template([nodes.Output([given], lineno=expression.lineno)], lineno=1)


def _output_children(tree: nodes.Template) -> list[nodes.Expr] | None:
    """The parts of a text without any tag; None where there is one."""
    children: list[nodes.Expr] = []
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            return None
        children.extend(node.nodes)
    return children


def _is_blank(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.TemplateData) and not node.data.strip()


def _plain_parts(children: list[nodes.Expr] | None) -> tuple[bool, list[str], list[tuple[int, str]]]:
    """Whether a text holds nothing but words and `{{ name }}`; its words with holes, and which name fills which."""
    frame: list[str] = []
    holes: list[tuple[int, str]] = []
    if children is None:
        return False, [], []
    for child in children:
        if isinstance(child, nodes.TemplateData):
            frame.append(child.data)
        elif isinstance(child, nodes.Name):
            holes.append((len(frame), child.name))
            frame.append("")
        else:
            return False, [], []
    return True, frame, holes
