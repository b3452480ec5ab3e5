"""Many universes, one of them again, or the planted faults: `python -m tests.simulation --help`."""

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

from .below import BELOW, caught
from .mutants import MUTANTS, Hunt, hunt
from .telling import tally, tell
from .voyage import play

_CHUNK = 200
_MUTANT_SEEDS = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulate", description="Whole sends in virtual time, with faults.")
    parser.add_argument("--seeds", type=int, default=2000, help="how many universes (2000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--seed", type=int, help="play this one and print its trace")
    parser.add_argument("--mutants", action="store_true", help="plant faults, and tell how soon each is found")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one per core)")
    asked = parser.parse_args()
    if asked.seed is not None:
        return _replay(asked.seed)
    if asked.mutants:
        return _mutants(asked.jobs)
    return _simulate(asked.first, asked.seeds, asked.jobs)


def _replay(seed: int) -> int:
    played = play(seed)
    _say(tell(played, most_lines=10_000))
    return played.fault is not None


def _simulate(first: int, seeds: int, jobs: int) -> int:
    began_s, done, counts, faults = perf_counter(), 0, Counter[str](), list[str]()
    chunks = [range(at, min(at + _CHUNK, first + seeds)) for at in range(first, first + seeds, _CHUNK)]
    with ProcessPoolExecutor(jobs) as pool:
        for chunk, (counted, found) in zip(chunks, pool.map(_chunk, chunks), strict=True):
            done += len(chunk)
            counts += counted
            faults += found
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{done:,} of {seeds:,} universes, {len(faults)} with a fault ")
    took_s = perf_counter() - began_s
    for fault in faults[:3]:
        _say(f"\n{fault}")
    _say("\n" + "\n".join(f"{count:>12,}  {what}" for what, count in sorted(counts.items(), key=lambda each: -each[1])))
    requests = sum(count for what, count in counts.items() if what.startswith("request: "))
    pages = sum(count for what, count in counts.items() if what.startswith("page: "))
    _say(f"\n{requests:,} requests, {pages:,} pages of Bird's list, {counts['killed']:,} crashes")
    _say(f"{done:,} universes in {took_s:.0f} s ({done / took_s:.0f}/s, {jobs} processes): {len(faults)} with a fault")
    return bool(faults)


def _chunk(seeds: range) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    faults = []
    for seed in seeds:
        played = play(seed)
        counts += tally(played)
        if played.fault is not None:
            faults.append(tell(played))
    return counts, faults


def _mutants(jobs: int) -> int:
    missed = 0
    with ProcessPoolExecutor(jobs) as pool:
        for name, found in zip(MUTANTS, pool.map(_hunt, MUTANTS), strict=True):
            missed += found.seen_as is None
            seen = found.seen_as or "NOT FOUND"
            _say(f"{name:<56} {found.universes:>5} universes  {seen:.90}")
        for name, test in zip(BELOW, pool.map(caught, BELOW), strict=True):
            missed += test is None
            _say(f"{name:<56} {'':>5}            {test or 'NOT FOUND':.140}")
    total = len(MUTANTS) + len(BELOW)
    words = f"in {_MUTANT_SEEDS} seeds, in universes made by hand, or by a test of what the simulator does not reach"
    _say(f"\n{total - missed} of {total} planted faults found: {words}")
    return bool(missed)


def _hunt(name: str) -> Hunt:
    return hunt(name, _MUTANT_SEEDS)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
