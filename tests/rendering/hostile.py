"""Runs cases each in a process of its own, within limits, and says what each took.

    python -m tests.rendering.hostile FILE...             a JSON line for each case of these files
    python -m tests.rendering.hostile --fuzz SEED COUNT   one for COUNT random texts
    python -m tests.rendering.hostile --greedy BYTES      one for what takes so much memory

The files are those in tests/cases/hostile-templates.

The system kills what takes more than 1 GiB of address space or 5 s.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from runner.rendering.faults import ExpressionFault
from runner.rendering.language import Language

CASES = Path(__file__).parents[1] / "cases" / "hostile-templates"


def values() -> dict[str, object]:
    """What the cases find: the largest things that recipients may bring."""
    deep: list[Any] = [1]
    for _ in range(90):
        deep = [deep]
    numbers = list(range(10_000))
    return {
        "name": "Anna",
        "long": "x" * 65_536,
        "spaced": "x " * 32_768,
        "numbers": numbers,
        "others": list(numbers),
        "deep": deep,
        "few": ["b", "a"],
        "price": 49.95,
        "rows": [{"a": str(number), "b": {"c": number}} for number in range(1_000)],
        "recipient": {"name": "Anna"},
    }


def written(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return str(entry["text"]) * int(entry["times"])
    return "".join(map(written, entry)) if isinstance(entry, list) else str(entry)


def attempt(section: str, source: str, data: Mapping[str, object]) -> dict[str, object]:
    """Compiles and renders; a refusal is a result, any other exception ends the process."""
    language = Language()
    try:
        if section.startswith("condition"):
            language.condition(source).holds(data)
        else:
            template = language.template(source)
            template.text(data)
            if template.is_single:
                template.value(data)
            template.masked(data)
    except ExpressionFault as fault:
        return {"kind": fault.kind, "message": fault.message, "hint": fault.hint, "line": fault.line}
    return {"kind": "done"}


def attempt_greed(size: int) -> dict[str, object]:
    """Takes that much memory, so that a test can see the measure work."""
    return {"kind": "done", "length": len(b"x" * size)}


def measured(work: Callable[[], dict[str, object]], baseline_kib: int) -> dict[str, object]:
    """Runs `work` in a fork: its result with seconds of CPU and the growth of memory at its peak."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(work, write)
    os.close(write)
    with os.fdopen(read, "rb") as answers:
        answer = answers.read()
    _, status, usage = os.wait4(child, 0)
    result = json.loads(answer) if answer else {"kind": "died"}
    return {
        **result,
        "status": status,
        "seconds": result.get("seconds", usage.ru_utime + usage.ru_stime),
        "growthKib": usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1) - baseline_kib,
    }


def baseline_kib() -> int:
    """What a fork that does nothing takes."""
    return int(str(measured(dict, 0)["growthKib"]))


def _answer(work: Callable[[], dict[str, object]], write: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    started = time.process_time()
    try:
        result = {**work(), "seconds": time.process_time() - started}
    except BaseException as error:  # noqa: BLE001 - reported: it is the failure that is looked for
        result = {"kind": "raised", "message": repr(error)[:300]}
    os.write(write, json.dumps(result).encode())
    os._exit(0)


def main(arguments: list[str]) -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    data = values()
    attempt("template", "{{ name|upper }}", data)  # what is imported late is imported now
    baseline = baseline_kib()
    if arguments[0] == "--greedy":
        greedy = partial(attempt_greed, int(arguments[1]))
        print(json.dumps(measured(greedy, baseline)))  # noqa: T201 - its reply
        return
    if arguments[0] == "--fuzz":
        from tests.rendering.random_templates import run

        seed, count = map(int, arguments[1:])
        print(json.dumps(measured(lambda: run(seed, count, data), baseline)))  # noqa: T201 - its reply
        return
    for name in arguments:
        for section, cases in yaml.safe_load((CASES / name).read_text(encoding="utf-8")).items():
            kind = "condition" if name == "conditions.yaml" else "template"
            for case, entry in cases.items():
                result = measured(partial(attempt, kind, written(entry), data), baseline)
                print(json.dumps({"section": section, "case": case, **result}))  # noqa: T201 - its reply


if __name__ == "__main__":
    main(sys.argv[1:])
