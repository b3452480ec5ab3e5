"""The author's own words in a text: what stands between expressions, and literals that an expression may print."""

from collections.abc import Iterator

from jinja2 import nodes

_PASS_ON = frozenset({"default", "d"})  # filters that print an argument of theirs


def own_words(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    """Each piece with the line it begins on, as the tree counts lines."""
    for output in tree.find_all(nodes.Output):
        for child in output.nodes:
            yield from ((words, child.lineno) for words in _printed(child))


def _printed(node: nodes.Node | None) -> Iterator[str]:
    """Texts that are printed as they stand; what a filter or a comparison takes is not."""
    if isinstance(node, nodes.TemplateData):
        yield node.data
    elif isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for part in _parts(node):
        yield from _printed(part)


def _parts(node: nodes.Node | None) -> list[nodes.Expr] | list[nodes.Expr | None]:
    if isinstance(node, nodes.And | nodes.Or):
        return [node.left, node.right]
    if isinstance(node, nodes.CondExpr):
        return [node.expr1, node.expr2]
    if isinstance(node, nodes.Concat):
        return node.nodes
    if isinstance(node, nodes.Filter) and node.name in _PASS_ON:
        return [node.node, *node.args]
    return []
