"""Fuel: bounded per message, and in sum."""

import pytest

from runner.rendering.fuel import Fuel
from runner.rendering.language import Language

from .faults_of import fault_of

ITEMS = {"items": list(range(1_000))}
LOOP = "{% for item in items %}{{ item }}{% endfor %}"


def test_each_render_starts_with_a_full_tank() -> None:
    template = Language().template(LOOP)
    assert len({template.text(ITEMS) for _ in range(30)}) == 1


def test_spent_counts_what_all_renders_burnt() -> None:
    language = Language()
    template = language.template(LOOP)
    template.text(ITEMS)
    once = language.fuel.spent
    template.text(ITEMS)
    assert once > 1_000
    assert language.fuel.spent == 2 * once


def test_a_plain_text_burns_nothing() -> None:
    language = Language()
    language.template("Hi {{ name }}").text({"name": "Anna"})
    assert language.fuel.spent == 0


def test_one_message_may_not_work_for_ever() -> None:
    nested = Language().template("{% for a in items %}" + LOOP + "{% endfor %}")
    fault = fault_of(lambda: nested.text({"items": list(range(300))}))
    assert fault.kind == "bound"
    assert "20,000 steps" in fault.message


def test_all_messages_together_may_not_either() -> None:
    language = Language(fuel=Fuel(limit=10_000))
    template = language.template(LOOP)

    def many() -> None:
        for _ in range(100):
            template.text(ITEMS)

    fault = fault_of(many)
    assert fault.kind == "bound"
    assert "all messages together" in fault.message
    assert 9_000 < language.fuel.spent <= 10_100
    assert fault_of(lambda: template.text(ITEMS)).kind == "bound"


@pytest.mark.parametrize("source", ["{{ 'x'|upper|lower|title }}", "{{ ['a', 'b']|join('-') }}", "{{ 'a' ~ 'b' }}"])
def test_compiling_evaluates_nothing(source: str) -> None:
    language = Language()
    language.template(source)
    assert language.fuel.spent == 0
