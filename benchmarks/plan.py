"""What a plan costs against the least it could: `plan` of a list, its rows through a bare loop, and the naive way.

The bound reads the rows with csv.reader, fills the same text with an f-string and encodes the same message with orjson:
no check, no identity, no hash. The naive way walks each request, has jsonschema judge it, parses the number with
phonenumbers and counts segments character by character. `send again` is a send when everything was accepted.

python -m benchmarks.plan [--rows N] [--rounds N]
"""

import argparse
import copy
import csv
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .measure import Server, Used, spread, used_by, write_manifest

PLAIN = "Hi {{ first_name }}, order {{ order }} from {{ shop }} waits for you in {{ city }}."
FILTERS = (
    "{% if first_name != 'Ada' %}Hi {{ first_name|upper }}{% else %}Hello{% endif %}, "
    "order {{ order|replace('A', 'B') }} from {{ shop }} waits for you in {{ city|trim or 'town' }}."
)
NAIVE_ROWS = 2_000  # at 200 us and more a row
SENT_ROWS = 100_000  # as many as can be sent in half a minute
GSM = set(
    "@£$¥èéùìòÇØøÅåÆæßÉ !#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜabcdefghijklmnopqrstuvwxyzäöñüà"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(report(given.rows, given.rounds))


def report(rows: int, rounds: int) -> str:
    """The lines of README.md; what is compared runs in turns."""
    with tempfile.TemporaryDirectory() as name:
        plain, filters = Path(name) / "plain", Path(name) / "filters"
        for folder, text in ((plain, PLAIN), (filters, FILTERS)):
            write_manifest(folder, rows)
            manifest = folder / "bench.yaml"
            manifest.write_text(manifest.read_text().replace(PLAIN, text))
        lines = [_rounds(plain, filters, rows, rounds)]
        sent = Path(name) / "sent"
        write_manifest(sent, min(rows, SENT_ROWS))
        with Server() as server:
            lines.append(_again(sent, server.url, rounds))
    return "\n".join(lines)


def _rounds(plain: Path, filters: Path, rows: int, rounds: int) -> str:
    bound: list[float] = []
    naive: list[float] = []
    planned: dict[str, list[Used]] = {"plain": [], "filters": [], "two": []}
    for _ in range(rounds):
        bound.append(_us_a_row(_bound, plain / "people.csv", rows))
        naive.append(_us_a_row(_naive, plain / "people.csv", min(rows, NAIVE_ROWS)))
        planned["plain"].append(_planned(plain, 1))
        planned["filters"].append(_planned(filters, 1))
        planned["two"].append(_planned(plain, 2))

    def cpu(kind: str) -> list[float]:
        return [used.cpu_s / rows * 1e6 for used in planned[kind]]

    def times(kind: str) -> list[float]:
        return [used / least for used, least in zip(cpu(kind), bound, strict=True)]

    faster = spread([one.wall_s / two.wall_s for one, two in zip(planned["plain"], planned["two"], strict=True)])
    peak = spread([used.peak_mib for used in planned["plain"]], " MiB")
    slower = statistics.median(naive) / statistics.median(cpu("plain"))
    return "\n".join(
        (
            f"{rows:,} rows, {rounds} rounds, CPU a row of the whole process",
            f"the bound        {spread(bound, ' us')}",
            f"plan, names      {spread(cpu('plain'), ' us')}: {spread(times('plain'))} x the bound, {peak}",
            f"plan, filters    {spread(cpu('filters'), ' us')}: {spread(times('filters'))} x the bound",
            f"the naive way    {spread(naive, ' us')}: {slower:.0f} x a plan",
            f"two processes    {spread(cpu('two'), ' us')}: {faster} x as fast by the clock ({os.cpu_count()} cores)",
        )
    )


def _planned(folder: Path, jobs: int) -> Used:
    return used_by(("plan", "bench.yaml", "--format", "json", "--jobs", str(jobs)), folder)


def _again(folder: Path, url: str, rounds: int) -> str:
    """A send after everything was accepted, against a plan that has the same ledger to ask."""
    plan = ("plan", "bench.yaml", "--format", "json", "--jobs", "1")
    send = ("send", "bench.yaml", "--yes", "--format", "json", "--api-url", url, "--rate", "unlimited", "--jobs", "1")
    bare = [used_by(plan, folder) for _ in range(rounds)]
    used_by(send, folder)
    again = [used_by(send, folder) for _ in range(rounds)]
    ratio = statistics.median(each.cpu_s for each in again) / statistics.median(each.cpu_s for each in bare)
    return f"send again       {spread([each.cpu_s for each in again], ' s')}: {ratio:.2f} x the CPU of plan"


def _us_a_row(way: Callable[[Any], None], path: Path, rows: int) -> float:
    with path.open(newline="") as file:
        records = csv.reader(file)
        next(records)
        started_s = time.process_time()
        way(record for _, record in zip(range(rows), records, strict=False)) if way is _naive else way(records)
        return (time.process_time() - started_s) / rows * 1e6


def _bound(records: Any) -> None:
    import orjson  # noqa: PLC0415 - a development dependency, for this alone

    for phone, first_name, city, order in records:
        text = f"Hi {first_name}, order {order} from Acme waits for you in {city}."
        orjson.dumps(_request(phone, text))


def _request(phone: str, text: str) -> dict[str, Any]:
    return {
        "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": phone}]},
        "body": {"type": "text", "text": {"text": text}},
    }


def _naive(records: Any) -> None:
    import json  # noqa: PLC0415
    import string  # noqa: PLC0415

    import jsonschema  # noqa: PLC0415 - 60 ms that others need not wait for
    import phonenumbers  # noqa: PLC0415

    from runner.judge import schema_text  # noqa: PLC0415

    judge = jsonschema.Draft202012Validator(json.loads(schema_text("request")))
    text = "Hi $first_name, order $order from Acme waits for you in $city."
    template = _request("$phone", text)

    def walk(value: Any, row: dict[str, str]) -> Any:
        if isinstance(value, dict):
            return {key: walk(inner, row) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner, row) for inner in value]
        return string.Template(value).substitute(row)

    for phone, first_name, city, order in records:
        row = {"phone": phone, "first_name": first_name, "city": city, "order": order}
        request = walk(copy.deepcopy(template), row)
        phonenumbers.is_possible_number(phonenumbers.parse(phone))
        judge.validate(request)
        sum(1 if each in GSM else 2 for each in request["body"]["text"]["text"])
        json.dumps(request)


if __name__ == "__main__":
    main()
