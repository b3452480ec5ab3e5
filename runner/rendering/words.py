"""Words for what people know from Jinja2 or Python and the language leaves out: each names what to write instead."""

import json
import re

from jinja2 import nodes

from .codegen import label_of
from .faults import ExpressionFault
from .filters import FILTERS

CLOCK = "there is no clock, so that the same files give the same texts: give the time as a parameter"
CHANCE = "there is no randomness, so that the same files give the same texts: put the value into the recipients file"
SURROUNDINGS = "the environment is not read: give the value as a parameter"
LOOP = "there is no range: loop over a list, as in {% for item in items %}"

UNKNOWN_NAMES = {
    **dict.fromkeys(("now", "today", "date", "datetime", "time", "timestamp", "strftime", "utcnow", "timezone"), CLOCK),
    **dict.fromkeys(("random", "rand", "choice", "shuffle", "uuid", "uuid4", "randint"), CHANCE),
    **dict.fromkeys(
        ("env", "environ", "environment", "os", "getenv", "ENV", "lookup", "config", "secrets"), SURROUNDINGS
    ),
    "range": LOOP,
}
PLACEHOLDER = re.compile(r"[a-z]+[A-Z]\w*")  # Bird's own are written so: optOutLink

METHODS = {
    **{name: name for name in ("upper", "lower", "title", "capitalize", "split", "replace", "items", "count")},
    **dict.fromkeys(("strip", "lstrip", "rstrip"), "trim"),
    "keys": "list",
    "values": "items",
    "format": "fixed(2)",
    "join": "join(', ')",
}
FILTER_HINTS = {
    **dict.fromkeys(("random", "shuffle"), CHANCE),
    **dict.fromkeys(("strftime", "datetime", "time", "now"), CLOCK),
    **dict.fromkeys(("format", "filesizeformat"), "a number is written with fixed: {{ price|fixed(2) }}"),
    **dict.fromkeys(("safe", "forceescape"), "nothing is escaped by itself; escape does it where HTML is wanted"),
    **dict.fromkeys(("len", "size"), "write length"),
    **dict.fromkeys(("select", "reject", "selectattr", "rejectattr"), "write {% for item in items if item.x == 'y' %}"),
    **dict.fromkeys(("slice", "batch", "groupby"), "loop over the list: {% for item in items %}"),
    **dict.fromkeys(("center", "ljust", "rjust", "indent", "wordwrap"), "write the blanks into the text"),
    **dict.fromkeys(("tojson", "pprint", "xmlattr"), "a value that is one whole expression keeps its type"),
    **dict.fromkeys(("strip", "lstrip", "rstrip"), "write trim"),
}
REFUSALS: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Macro: ("there are no macros", "put the text into a file and {% include %} it"),
    nodes.CallBlock: ("there are no macros", "put the text into a file and {% include %} it"),
    nodes.Import: ("nothing can be imported", "put the text into a file and {% include %} it"),
    nodes.FromImport: ("nothing can be imported", "put the text into a file and {% include %} it"),
    nodes.Extends: ("there is no {% extends %}", "put the text into a file and {% include %} it"),
    nodes.Block: ("there is no {% block %}", "write the text where it stands"),
    nodes.FilterBlock: ("there is no {% filter %}", "use the filter on a value: {{ name|upper }}"),
    nodes.AssignBlock: ("{% set %} takes one expression", "write {% set greeting = 'Hi ' ~ first_name %}"),
    nodes.With: ("there is no {% with %}", "write {% set name = value %}"),
    nodes.ScopedEvalContextModifier: ("there is no {% autoescape %}", "escape a value: {{ name|escape }}"),
    nodes.NSRef: ("there are no namespaces: a value is set once", "count with length or sum, or prepare the value"),
    nodes.Pow: ("there is no **", "write x * x"),
    nodes.Dict: ("there are no maps in expressions", "put the map into the parameters"),
    nodes.Pair: ("there are no maps in expressions", "put the map into the parameters"),
    nodes.Slice: ("there are no slices", "shorten a text with truncate: text|truncate(10, true, '')"),
}


def refusal(kind: type[nodes.Node]) -> ExpressionFault:
    words, hint = REFUSALS.get(kind, (f"the language has no {kind.__name__}", None))
    return ExpressionFault("refused", words, hint=hint)


def filter_hint(name: str) -> str | None:
    return FILTER_HINTS.get(name)


def name_hint(name: str, *, urgent: bool = False) -> str | None:
    """What to write for an unknown name; `urgent` where that is surer than the nearest known name."""
    if name == "optOutLink" or (not urgent and PLACEHOLDER.fullmatch(name) and name not in UNKNOWN_NAMES):
        return f"for a placeholder that Bird fills in, write {{% raw %}}{{{{{name}}}}}{{% endraw %}}"
    return None if urgent else UNKNOWN_NAMES.get(name)


def call_fault(call: nodes.Call) -> ExpressionFault:
    callee = call.node
    if isinstance(callee, nodes.Getattr):
        return _method_fault(callee, call)
    if isinstance(callee, nodes.Name) and callee.name in FILTERS:
        hint = f"write {{{{ value|{callee.name} }}}}"
        return ExpressionFault("refused", f"{callee.name} is a filter and can't be called", hint=hint)
    if isinstance(callee, nodes.Name):
        hint = UNKNOWN_NAMES.get(callee.name) or "nothing can be called; filters change values: {{ name|upper }}"
        return ExpressionFault("undefined", f'unknown name "{callee.name}"', hint=hint, name=callee.name)
    return ExpressionFault("refused", "nothing can be called", hint="filters change values: {{ name|upper }}")


def _method_fault(callee: nodes.Getattr, call: nodes.Call) -> ExpressionFault:
    owner = label_of(callee.node) or "value"
    hint = "filters take the place of methods: {{ name|upper }}"
    if callee.attr == "get" and call.args and isinstance(call.args[0], nodes.Const):
        hint = f"write {owner}[{json.dumps(call.args[0].value)}]"
    elif callee.attr == "cycle":
        hint = "write {{ 'a' if loop.index is odd else 'b' }}"
    elif callee.attr in ("join", "format"):
        hint = f"write {{{{ value|{METHODS[callee.attr]} }}}}"
    elif callee.attr in METHODS:
        hint = f"write {{{{ {owner}|{METHODS[callee.attr]}{_constant_arguments(call)} }}}}"
    return ExpressionFault("refused", f"there are no methods, so no .{callee.attr}()", hint=hint)


def _constant_arguments(call: nodes.Call) -> str:
    texts = [json.dumps(arg.value, ensure_ascii=False) for arg in call.args if isinstance(arg, nodes.Const)]
    return f"({', '.join(texts)})" if texts else ""


BRACKETS = "each bracket and brace that opens needs one that closes; an expression is {{{{ name }}}}"
NO_BLANKS = 'a name has no blanks; any column is reached with recipient["First Name"]'
OPERATOR = "is a quote, a bracket or an operator missing? Equal is written =="
SYNTAX: tuple[tuple[str, str, str | None], ...] = (
    ("Missing end of comment tag", "a comment opened with {# is never closed", "for {# itself, write {{ '{#' }}"),
    ("Missing end of raw directive", "{% raw %} is never closed", "add {% endraw %}"),
    (r".*block that needs to be closed is '(\w+)'.*", "{{% {0} %}} is never closed", "add {{% end{0} %}}"),
    (r"Encountered unknown tag 'end(\w+)'.*", "there is no open {{% {0} %}} to end", "delete it, or add {{% {0} … %}}"),
    (
        r"Encountered unknown tag '(else|elif)'.*",
        "{{% {0} %}} without an open {{% if %}}",
        "add {{% if … %}} before it",
    ),
    (r"Encountered unknown tag '(\w+)'.*", "there is no {{% {0} %}}", "there are if, for, set, include and raw"),
    ("Expected an expression, got .*", "an expression is missing", "name a value: {{ first_name }}"),
    (r"expected token 'end of print statement', got '(.+)'", "the expression goes on unexpectedly: {0}", NO_BLANKS),
    (r"expected token 'end of statement block', got '(.+)'", "the tag goes on unexpectedly: {0}", OPERATOR),
    ("(?i)unexpected '?end of template.*", "the expression is never closed", "close the braces"),
    ("chunk after expression", "the condition goes on unexpectedly", "equal is written ==, as in vip == 'yes'"),
    (r"unexpected char ['\"\\]*['\"]['\"\\]* at \d+", "a quote in an expression is never closed", "close it"),
    (
        r"unexpected char '(.+)' at \d+",
        "{0} can't stand in an expression",
        "text stands in quotes: {{{{ 'like this' }}}}",
    ),
    (r"unexpected '(.)', expected '(.)'", "there is {0} where {1} is wanted", BRACKETS),
    ("unexpected '(.)'", "there is {0} and nothing is open that it closes", BRACKETS),
    ("unexpected '.+'", "the expression breaks off", OPERATOR),
    ("tag name expected", "a tag without a name", "there are if, for, set, include and raw"),
    ("expected name or number", "a name is missing after the dot", "name what is meant, as in {{ order.number }}"),
    (
        "can't assign to '.+'",
        "only a name can be given a value",
        "write {% set name = value %}, {% for name in list %}",
    ),
    (r"expected token '(.+)', got '(.+)'", "{1} stands where {0} is wanted", OPERATOR),
    (".*escape.*|.*surrogate.*|.*unicode.*", "a backslash in quotes that stands for nothing", "write two for one"),
)


def syntax_words(message: str) -> tuple[str, str | None]:
    """Jinja2's complaint in our words, with a hint; its own words where we have none."""
    for pattern, words, hint in SYNTAX:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return _filled(words, found), _filled(hint, found) if hint else None
    return message[:200].rstrip("."), None


def _filled(words: str, found: re.Match[str]) -> str:
    return words.format(*found.groups()) if found.groups() else words
