"""The gate: what a tree of Jinja2's may hold. What is not named here is refused, with the way to write it instead."""

import inspect
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, cast

from jinja2 import nodes

from .codegen import INNER, TRUTH, TURNS, label_of
from .faults import ExpressionFault, escape_attempt
from .filters import FILTERS
from .fuel import MAX_INTEGER
from .locale_filters import LOCALE_FILTERS, ON_SMS, is_there
from .operations import TEST_COMPARISONS, TESTS, is_dunder
from .values import nearest
from .words import call_fault, filter_hint, refusal

MAX_NODES = 2_000
MAX_DEPTH = 40
MAX_NAME = 200

ALLOWED = frozenset({
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Scope, nodes.For, nodes.If, nodes.Assign,
    nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Keyword,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Concat,
    nodes.Tuple, nodes.List,
})  # fmt: skip
ESCAPE_FILTERS = frozenset({"attr"})
_IN_LOOPS_AND_MACROS = ("loop", "varargs", "kwargs", "caller")
_IN_NAMESPACE = refusal(nodes.NSRef).message


def admit(tree: nodes.Template) -> None:
    """Raises ExpressionFault for what the language leaves out: the first and `others`, with lines as the nodes count.

    Of what reaches behind the data nothing else is told: all about it would be more of the same.
    """
    reached = [*_of(tree, _reach)]
    if faults := reached or [*_of(tree, _check)]:
        # Who calls for a namespace sets values in it, and who writes a macro calls it: that is one mistake.
        macros = {node.name for node in tree.find_all(nodes.Macro)}
        first, *rest = [each for each in faults if each.message != _IN_NAMESPACE and each.name not in macros] or faults
        first.others = tuple(rest)
        first.names = frozenset() if reached else _asked_for(tree) - {each.name for each in faults}
        raise first


def _of(tree: nodes.Template, check: Callable[[nodes.Node], None]) -> Iterator[ExpressionFault]:
    """What a check finds; not what stands inside of a node that can't be there at all."""
    within: set[int] = set()
    for node, line in walk(tree):
        try:
            if id(node) not in within:
                check(node)
        except ExpressionFault as fault:
            fault.line = line
            yield fault
            if check is _reach or type(node) not in ALLOWED:
                within.update(map(id, node.find_all(nodes.Node)))


def _asked_for(tree: nodes.Template) -> frozenset[str]:
    """The names that a text which is refused wants from outside: all but those that it gives itself somewhere."""
    names = list(tree.find_all(nodes.Name))
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    given = {node.name for node in names if node.ctx != "load"} | set(_IN_LOOPS_AND_MACROS)
    given |= {node.target for node in tree.find_all(nodes.Import)}
    for node in tree.find_all(nodes.FromImport):
        given |= {name if isinstance(name, str) else name[1] for name in node.names}
    asked = {node.name for node in names if id(node) not in called and _is_sound(node)}
    return frozenset(asked - given - guarded_names(tree))


def _is_sound(name: nodes.Name) -> bool:
    try:
        _check_name(name)
    except ExpressionFault:
        return False
    return True


def walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its line, parents first, within the bounds of number and depth."""
    waiting = [(tree, 1, 0)]
    seen = 0
    while waiting:
        node, line, depth = waiting.pop()
        line = node.lineno or line
        seen += 1
        if seen > MAX_NODES:
            hint = "prepare the text in the recipients file, or split the message"
            raise ExpressionFault("bound", f"more than {MAX_NODES:,} parts in one text", hint=hint, line=line)
        if depth > MAX_DEPTH:
            hint = "split it with {% set %}; many `or`s are one `in [...]`"
            raise ExpressionFault("bound", f"nested more than {MAX_DEPTH} deep", hint=hint, line=line)
        yield node, line
        children = [(child, line, depth + 1) for child in node.iter_child_nodes()]
        waiting.extend(reversed(children))


def guarded_names(tree: nodes.Node) -> frozenset[str]:
    """The names that the author asks `is defined` about: they may be missing."""
    asked = (node.node for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined"))
    return frozenset(node.name for node in asked if isinstance(node, nodes.Name))


def pay_for_turns(tree: nodes.Node) -> None:
    """Makes every loop burn, per turn, as many steps as its body has parts."""
    for loop in tree.find_all(nodes.For):
        parts = [*loop.body, *([loop.test] if loop.test else [])]
        steps = 1 + sum(1 for part in parts for _ in walk(part))
        loop.iter = inner_filter(TURNS, cast(nodes.Expr, loop.iter), nodes.Const(steps))


def for_sms(tree: nodes.Node) -> None:
    """Makes every filter of a language's own write plain spaces."""
    for filter_ in tree.find_all(nodes.Filter):
        if filter_.name in LOCALE_FILTERS:
            filter_.name += ON_SMS


def want_truth(node: nodes.Expr) -> nodes.Expr:
    """The condition with every value that decides it held to exactly true or false."""
    if isinstance(node, nodes.And | nodes.Or):
        node.left, node.right = want_truth(node.left), want_truth(node.right)
        return node
    if isinstance(node, nodes.Not):
        node.node = want_truth(node.node)
        return node
    return node if isinstance(node, nodes.Compare | nodes.Test) else inner_filter(TRUTH, node)


def inner_filter(name: str, node: nodes.Expr, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def _reaches_behind(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Getattr):
        return is_dunder(node.attr)
    if isinstance(node, nodes.Name):
        return is_dunder(node.name) or node.name == "self"
    if isinstance(node, nodes.Const):
        return isinstance(node.value, str) and is_dunder(node.value)
    return isinstance(node, nodes.Filter) and node.name in ESCAPE_FILTERS


def _reach(node: nodes.Node) -> None:
    if _reaches_behind(node):
        raise escape_attempt()


def _check(node: nodes.Node) -> None:
    if isinstance(node, nodes.Call):
        raise call_fault(node)
    if type(node) not in ALLOWED:
        raise refusal(type(node))
    check = CHECKS.get(type(node))
    if check:
        check(node)


def _check_name(node: Any) -> None:
    if len(node.name) > MAX_NAME:
        raise ExpressionFault("bound", f"a name is longer than {MAX_NAME} characters")
    if unicodedata.normalize("NFKC", node.name) != node.name:
        hint = f'write recipient["{node.name}"]'
        raise ExpressionFault("refused", f'the name "{node.name}" has characters that look like others', hint=hint)


def _check_const(node: Any) -> None:
    value = node.value
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        hint = "write the character itself, or \\U and eight digits"
        raise ExpressionFault("syntax", "half a character: a surrogate stands for nothing alone", hint=hint)
    if isinstance(value, int | float) and not -MAX_INTEGER < value < MAX_INTEGER:
        raise ExpressionFault("bound", "a number has more than 18 digits", hint="keep it as text, in quotes")


def _check_literals(node: Any) -> None:
    """A list or tuple of constants; lists that hold others could share them and grow without bound."""
    if getattr(node, "ctx", "load") == "store":
        return
    for item in node.items:
        plain = item.node if isinstance(item, nodes.Neg) else item
        if not isinstance(plain, nodes.Const):
            raise ExpressionFault(
                "refused", "a list in an expression holds plain texts and numbers only",
                hint="name the list in the parameters, or compare one by one: a == x or a == y",
            )  # fmt: skip


def _check_loop(node: Any) -> None:
    if node.recursive:
        raise ExpressionFault("refused", "loops can't be recursive", hint="write one loop inside the other")


def _check_condition(node: Any) -> None:
    if node.expr2 is None:
        hint = "say what stands there otherwise: {{ 'text' if condition else '' }}"
        raise ExpressionFault("refused", "an `if` in an expression needs its `else`", hint=hint)


def _check_comparison(node: Any) -> None:
    if len(node.ops) > 1:
        raise ExpressionFault("refused", "comparisons can't be chained", hint="write a < b and b < c")


def _check_item(node: Any) -> None:
    if isinstance(node.arg, nodes.Slice):
        hint = f"shorten a text with truncate: {label_of(node.node) or 'text'}|truncate(10, true, '')"
        raise ExpressionFault("refused", "there are no slices", hint=hint)


def _check_filter(node: Any) -> None:
    if node.name in INNER:
        return
    if node.name not in FILTERS:
        hint = filter_hint(node.name) or nearest(node.name, FILTERS) or f"there are: {', '.join(sorted(FILTERS))}"
        raise ExpressionFault("refused", f'there is no filter "{node.name}"', hint=hint, name=node.name)
    if node.name in LOCALE_FILTERS and not is_there():
        hint = 'pip install "flypast[i18n]"'
        raise ExpressionFault("extra", f"{node.name} needs Babel, which is not installed", hint=hint)
    if node.node is None or node.dyn_args or node.dyn_kwargs:
        raise ExpressionFault("refused", "arguments are written one by one: there is no * or **")
    signature = inspect.signature(FILTERS[node.name])
    named = {keyword.key: keyword for keyword in node.kwargs}
    try:
        if len(named) < len(node.kwargs):
            raise TypeError("one name twice")
        signature.bind(None, *node.args, **named)
    except TypeError:
        known = ", ".join(list(signature.parameters)[1:])
        hint = f"{node.name}({known})" if known else f"write it without brackets: {node.name}"
        raise ExpressionFault("refused", f"{node.name} doesn't take what stands in its brackets", hint=hint) from None


def _check_test(node: Any) -> None:
    if node.name not in TESTS:
        hint = nearest(node.name, TESTS) or f"there are: {', '.join(sorted(TESTS))}"
        raise ExpressionFault("refused", f'there is no test "{node.name}"', hint=hint)
    wanted = 1 if node.name in TEST_COMPARISONS or node.name == "divisibleby" else 0
    if node.dyn_args or node.dyn_kwargs or node.kwargs or len(node.args) != wanted:
        hint = f"write: is {node.name} value" if wanted else f"write: is {node.name}"
        raise ExpressionFault("refused", f"the test {node.name} takes {wanted} value{'' if wanted else 's'}", hint=hint)


CHECKS = {
    nodes.Name: _check_name,
    nodes.Const: _check_const,
    nodes.List: _check_literals,
    nodes.Tuple: _check_literals,
    nodes.For: _check_loop,
    nodes.CondExpr: _check_condition,
    nodes.Compare: _check_comparison,
    nodes.Getitem: _check_item,
    nodes.Filter: _check_filter,
    nodes.Test: _check_test,
}
