"""`flypast demo`: the whole way on a bundled example, on this machine alone."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.bundled import bundled
from runner.errors import Exit

from .interrupts import INTERRUPTS
from .options import PlanOptions
from .options import command as flypast_command
from .terminal import TERMINAL

EXAMPLE = "spring-launch"


@flypast_command("demo", examples="flypast demo")
def command() -> int:
    """See it work on this machine alone.

    Validates, plans and sends a bundled example to a look-alike of Bird, then sends it again. No key, no network.
    """
    folder = Path(tempfile.mkdtemp(prefix="flypast-demo-"))
    shutil.copytree(bundled("examples") / EXAMPLE, folder / EXAMPLE)
    manifest = folder / EXAMPLE / f"{EXAMPLE}.yaml"
    record = folder / "record.jsonl"
    with _sandbox(record) as url:
        options = PlanOptions(api_url=url, ledger_url=f"sqlite:///{folder / 'ledger.db'}")
        code = _walk(manifest, options)
    _where_to_look(folder, manifest, record)
    return code


def _walk(manifest: Path, options: PlanOptions) -> int:
    from runner.bird.requests import AccessKey

    from .drawing import plan
    from .sending import Consent, send
    from .summary import Report
    from .telling import Telling
    from .validate import validate_all

    def send_all() -> int:
        return send(manifest, options, AccessKey("demo"), Report("text"), Consent(yes=True, is_persisted=True))

    steps: tuple[tuple[str, Callable[[], int]], ...] = (
        ("1. validate: is everything right?", lambda: validate_all([manifest])),
        ("2. plan: what would go out?", lambda: plan(manifest, options, Telling(output_format="text"))),
        ("3. send: to a look-alike of Bird on this machine", send_all),
        ("4. send again: nobody gets it twice", send_all),
    )
    for title, step in steps:
        INTERRUPTS.heed()  # the end of a send defers them
        TERMINAL.say(f"\n{TERMINAL.err.bold(title)}\n")
        code = step()
        if code != Exit.DONE:
            return code
    return Exit.DONE


def _where_to_look(folder: Path, manifest: Path, record: Path) -> None:
    TERMINAL.data(
        f"\nLook at\n  the manifest        {manifest}\n  what arrived        {record}\n"
        f"  who has it          flypast status --ledger sqlite:///{folder / 'ledger.db'}\n"
        "Start your own\n  flypast init hello"
    )


@contextmanager
def _sandbox(record: Path) -> Iterator[str]:
    """A sandbox in a thread of its own, as a server elsewhere would be."""
    import asyncio

    from runner.sandbox.server import Sandbox, run_sandbox

    loop = asyncio.new_event_loop()
    started = threading.Event()
    urls: list[str] = []

    def ready(url: str) -> None:
        urls.append(url)
        started.set()

    sandbox = Sandbox(record_path=record)
    serving: Any = loop.create_task(run_sandbox(sandbox, ready=ready))
    serving.add_done_callback(lambda _task: started.set())
    thread = threading.Thread(target=_until_done, args=(loop, serving), daemon=True)
    thread.start()
    started.wait()
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()


def _until_done(loop: Any, serving: Any) -> None:
    import asyncio

    try:
        loop.run_until_complete(serving)
    except asyncio.CancelledError:
        pass
    finally:
        loop.close()
