"""Includes: read once, at compile time, from wherever the caller allows."""

import posixpath
from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.rendering.faults import ExpressionFault
from runner.rendering.language import Language
from runner.rendering.sources import Reader

from .faults_of import fault_of


def reader(root: Path, files: Mapping[str, str]) -> Reader:
    """Reads real files below `root`, relative to the file that names them."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())

    def read(written: str, from_name: str) -> tuple[str, str]:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(from_name), written))
        if not (root / name).is_file():
            raise ExpressionFault("include", f"there is no file {name}")
        return name, (root / name).read_bytes().decode()

    return read


def test_an_included_text_sees_the_names_and_keeps_its_last_newline(tmp_path: Path) -> None:
    read = reader(tmp_path, {"footer.txt": "Bye {{ first_name }}, {{ x }}.\r\n"})
    template = Language(read).template("{% set x = 'dear' %}Hi. {% include 'footer.txt' %}End")
    assert template.names == {"first_name"}
    assert template.text({"first_name": "Anna"}) == "Hi. Bye Anna, dear.\nEnd"
    assert template.masked({"first_name": "Anna"}) == "Hi. Bye ***, ***.\nEnd"


def test_an_included_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    read = reader(
        tmp_path,
        {
            "texts/a.txt": "a{% include 'deep/b.txt' %}",
            "texts/deep/b.txt": "b{% include '../c.txt' %}",
            "texts/c.txt": "c",
        },
    )
    assert Language(read).template("{% include 'a.txt' %}", name="texts/manifest.yaml").text({}) == "abc"


def test_what_an_included_text_sets_stays_there(tmp_path: Path) -> None:
    read = reader(tmp_path, {"set.txt": "{% set x = 'inner' %}{{ x }}"})
    language = Language(read)
    assert language.template("{% set x = 'outer' %}{% include 'set.txt' %} {{ x }}").text({}) == "inner outer"
    assert language.template("{% include 'set.txt' %}{{ x }}").names == {"x"}


def test_an_include_works_in_loops_and_conditions(tmp_path: Path) -> None:
    read = reader(tmp_path, {"item.txt": "{{ loop.index }}{{ item }} "})
    choice = "{% if item != 'b' %}{% include 'item.txt' %}{% else %}{% include 'item.txt' %}{% endif %}"
    source = f"{{% for item in items %}}{choice}{{% endfor %}}"
    template = Language(read).template(source)
    assert template.names == {"items"}
    assert template.text({"items": ["a", "b"]}) == "1a 2b "


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("\n\n{{ nobody }}", "undefined", 3),
        ("\n{{ first_name.upper() }}", "refused", 2),
        ("\n{% if x %}", "syntax", 2),
        ("\n{{ " + "(" * 50, "bound", 2),
        ("\n{{ none }}", "null", 2),
    ],
)
def test_a_mistake_in_an_included_text_names_the_file_and_its_line(
    tmp_path: Path, text: str, kind: str, line: int
) -> None:
    read = reader(tmp_path, {"ok.txt": "fine\n", "bad.txt": text})
    source = "x\n{% include 'ok.txt' %}\n{% include 'bad.txt' %}"
    fault = fault_of(lambda: Language(read).template(source).text({"first_name": "Anna"}))
    assert (fault.kind, fault.source, fault.line) == (kind, "bad.txt", line)


def test_a_mistake_after_an_include_is_in_the_text_itself(tmp_path: Path) -> None:
    read = reader(tmp_path, {"ok.txt": "fine\n\n\n\n"})
    fault = fault_of(lambda: Language(read).template("x\n{% include 'ok.txt' %}\n{{ nobody }}").text({}))
    assert (fault.source, fault.line) == ("", 3)


def test_a_file_that_can_not_be_had_is_told_at_the_include(tmp_path: Path) -> None:
    read = reader(tmp_path, {"a.txt": "\n{% include 'gone.txt' %}"})
    fault = fault_of(lambda: Language(read).template("\n\n{% include 'a.txt' %}"))
    assert (fault.kind, fault.source, fault.line, fault.message) == ("include", "a.txt", 2, "there is no file gone.txt")


def test_includes_in_a_circle_are_told_with_the_way_around(tmp_path: Path) -> None:
    read = reader(tmp_path, {"a.txt": "{% include 'b.txt' %}", "b.txt": "{% include 'a.txt' %}"})
    fault = fault_of(lambda: Language(read).template("{% include 'a.txt' %}"))
    assert (fault.kind, fault.message) == ("include", "a.txt includes itself: a.txt → b.txt → a.txt")


def test_texts_that_are_too_long_together_are_told_at_the_include(tmp_path: Path) -> None:
    read = reader(tmp_path, {"long.txt": "x" * 40_000})
    source = "\n{% include 'long.txt' %}\n{% include 'long.txt' %}"
    fault = fault_of(lambda: Language(read).template(source))
    assert (fault.kind, fault.source, fault.line) == ("bound", "", 3)


def test_what_else_goes_wrong_in_reading_is_not_hidden() -> None:
    def read(written: str, from_name: str) -> tuple[str, str]:
        raise PermissionError(written, from_name)

    with pytest.raises(PermissionError):
        Language(read).template("{% include 'a.txt' %}")


def test_includes_that_multiply_are_stopped(tmp_path: Path) -> None:
    files = {f"{level}.txt": f"{{% include '{level + 1}.txt' %}}" * 8 for level in range(8)} | {"8.txt": "x"}
    fault = fault_of(lambda: Language(reader(tmp_path, files)).template("{% include '0.txt' %}"))
    assert fault.kind == "bound"


@pytest.mark.parametrize("tag", ["{% include x %}", "{% include ['a.txt'] %}", "{% include 'a.txt' ignore missing %}",
                                 "{% include 'a.txt' without context %}"])  # fmt: skip
def test_an_include_names_one_file_that_must_be_there(tmp_path: Path, tag: str) -> None:
    read = reader(tmp_path, {"a.txt": "x"})
    assert fault_of(lambda: Language(read).template(tag)).kind == "refused"
