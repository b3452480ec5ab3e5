"""Completion in bash, zsh and fish: the scripts, and how a shell is answered.

Every shell is told the same: a line for each value, with a word about it after a tab. A value that ends in one of
`=/#,` goes on, so no space follows it. The scripts give the line up to the cursor; errors are nobody's business there.
"""

import os
from collections.abc import Iterator

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string

from runner.output.neutral import neutral

from .completing import paths

_BASH = """\
%(complete_func)s() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -z $line ]] || COMPREPLY+=("${line%%%%$'\\t'*}")
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="${COMP_WORDS[COMP_CWORD]}" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    if [[ ${COMPREPLY-} == *[=/#,] ]]; then compopt -o nospace; fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local value about
    local -a whole whole_about begun begun_about
    while IFS=$'\\t' read -r value about; do
        if [[ -z $value ]]; then
            continue
        elif [[ $value == *[=/#,] ]]; then
            begun+=("$value") begun_about+=("$value${about:+  -- $about}")
        else
            whole+=("$value") whole_about+=("$value${about:+  -- $about}")
        fi
    done < <(COMP_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" \\
        %(complete_var)s=zsh_complete ${words[1]} 2>/dev/null)
    (( $#whole )) && compadd -U -V flypast -l -d whole_about -a whole
    (( $#begun )) && compadd -U -V flypast -l -d begun_about -S '' -a begun
    return 0
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -lx COMP_LINE (commandline -cp)
    set -lx %(complete_var)s fish_complete
    %(prog_name)s 2>/dev/null | string match --invert ''
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""

_CURSOR = "\x1f"  # stands for the rest of the word, so that an empty one is a word too
_SPECIAL = frozenset("\\'\"`$&|;<>()[]{}*?!~# \t")


class _Completing(ShellComplete):
    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ.get("COMP_LINE", "") + _CURSOR)
        self.ctx_args = {**self.ctx_args, "obj": words[1:-1]}
        return words[1:-1], words[-1].removesuffix(_CURSOR)

    def complete(self) -> str:
        try:
            return "\n".join(self._lines())
        except Exception:  # noqa: BLE001 - whoever presses Tab has asked for no error
            return ""

    def _lines(self) -> Iterator[str]:
        arguments, begun = self.get_completion_args()
        # What click completes of `--option=value` is the value alone; the shell wants the word.
        option = begun.partition("=")[0] + "=" if begun.startswith("--") and "=" in begun else ""
        for item in self.get_completions(arguments, begun):
            for value in _values(item, begun.removeprefix(option)):
                if neutral(value) == value:
                    yield self.format_completion(CompletionItem(option + value, help=item.help))

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{item.value}\t{neutral(item.help)}" if item.help else str(item.value)


class _Bash(_Completing):
    name = "bash"
    source_template = _BASH

    def source(self) -> str:
        return self.source_template % self.source_vars()  # without asking which bash is there

    def format_completion(self, item: CompletionItem[str]) -> str:
        """With the shell's quotes, and without what its word lacks: bash takes `=` and `:` for the ends of words."""
        typed = os.environ.get("COMP_WORD", "")
        is_quoted = typed[:1] in ("'", '"')
        word = "" if typed in ("=", ":") else "".join(split_arg_string(typed))
        begun = self.get_completion_args()[1]
        lacking = len(begun) - len(word) if begun.endswith(word) else 0
        value = str(item.value)[lacking:]
        return value if is_quoted else "".join(f"\\{each}" if each in _SPECIAL else each for each in value)


class _Zsh(_Completing):
    name = "zsh"
    source_template = _ZSH


class _Fish(_Completing):
    name = "fish"
    source_template = _FISH


def _values(item: CompletionItem[str], begun: str) -> list[str]:
    if item.type in ("file", "dir"):
        return paths(begun, only_folders=item.type == "dir")
    return [str(item.value)]


def register() -> None:
    """Instead of click's own classes."""
    for each in (_Bash, _Zsh, _Fish):
        add_completion_class(each)
