"""From Jinja2's tree to code that calls nothing but `Operations`."""

from io import StringIO
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.idtracking import VAR_LOAD_RESOLVE

# Inner filters. No author can write a name with a blank in it.
GIVE = "give as it is"
TRUTH = "exactly true or false"
TURNS = "burn each turn"
INNER = frozenset({GIVE, TRUTH, TURNS})


def label_of(node: nodes.Node | None) -> str | None:
    """The expression as people wrote it, where it is short enough to name in a message."""
    label = _label(node)
    return label if label is None or len(label) <= 60 else None


def _label(node: nodes.Node | None) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Const) and not isinstance(node.value, str):
        return str(node.value).lower()
    if isinstance(node, nodes.Filter) and node.name not in INNER:
        inner = label_of(node.node)
        return f"{inner}|{node.name}" if inner else None
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        owner = label_of(node.node)
        if owner and isinstance(node, nodes.Getattr):
            return f"{owner}.{node.attr}"
        if owner and isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            key = node.arg.value
            return f'{owner}["{key}"]' if isinstance(key, str) else f"{owner}[{key}]"
    return None


class BoundedGenerator(CodeGenerator):
    """Statements and scopes are Jinja2's own; every expression that computes becomes a call of an operation.

    `free` gathers the names that must come from outside.
    """

    def __init__(self, environment: Any) -> None:
        self.code = StringIO()
        super().__init__(environment, None, None, self.code, optimized=False)
        self.free: set[str] = set()

    def write_commons(self) -> None:
        self.writeline("resolve = context.resolve_or_missing")
        self.writeline("operations = environment.operations")
        self.writeline("undefined = operations.missing")
        self.writeline("if 0: yield None")

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        loads = frame.symbols.loads.values()
        self.free.update(name for action, name in loads if action == VAR_LOAD_RESOLVE and name is not None)

    def pull_dependencies(self, nodes: Any) -> None:
        """Filters and tests are reached through operations."""

    def pop_assign_tracking(self, frame: Frame) -> None:  # noqa: ARG002 - nobody imports what a text has set
        self._assign_stack.pop()

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802 - Jinja2's name for the visitor
        for child in node.nodes:
            self.writeline("yield ", child)
            if isinstance(child, nodes.TemplateData):
                self.write(repr(child.data))
            elif isinstance(child, nodes.Filter) and child.name == GIVE:
                self._call("give", frame, child.node)
            else:
                self._call("show", frame, "context.masks", child, repr(label_of(child)))

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: ARG002, N802
        self.write(repr(node.value))

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        self._call("look_up", frame, node.node, repr(node.attr), repr(label_of(node.node)), "True")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        is_literal = isinstance(node.arg, nodes.Const)
        self._call("look_up", frame, node.node, node.arg, repr(label_of(node.node)), repr(is_literal))

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        label = repr(label_of(node.node))
        if node.name == TRUTH:
            self._call("truth", frame, node.node, label)
        elif node.name == TURNS:
            self._call("turns", frame, node.node, label, *node.args)
        else:
            self._call("apply", frame, repr(node.name), label, node.node, *node.args, *node.kwargs)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:  # noqa: N802
        self._call("ask", frame, repr(node.name), repr(label_of(node.node)), node.node, *node.args)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("operations.concat(")
        for part in node.nodes:
            self.write("(")
            self.visit(part, frame)
            self.write(f", {label_of(part)!r}), ")
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        only = node.ops[0]
        labels = repr(label_of(node.expr)), repr(label_of(only.expr))
        self._call("compare", frame, repr(only.op), node.expr, only.expr, *labels)

    def _binary(self, node: nodes.BinExpr, frame: Frame) -> None:
        labels = repr(label_of(node.left)), repr(label_of(node.right))
        self._call("arithmetic", frame, repr(node.operator), node.left, node.right, *labels)

    visit_Add = visit_Sub = visit_Mul = visit_Div = visit_FloorDiv = visit_Mod = _binary  # noqa: N815

    def _unary(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        self._call("sign", frame, repr(node.operator), node.node, repr(label_of(node.node)))

    visit_Neg = visit_Pos = _unary  # noqa: N815

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> NoReturn:  # noqa: ARG002, N802
        raise AssertionError("the gate lets no call through")

    def _call(self, operation: str, frame: Frame, *arguments: nodes.Node | str | None) -> None:
        """Writes a call of an operation; text is code as it stands, nodes are visited."""
        self.write(f"operations.{operation}(")
        for argument in arguments:
            if isinstance(argument, nodes.Node):
                self.visit(argument, frame)
            else:
                self.write(str(argument))
            self.write(", ")
        self.write(")")
