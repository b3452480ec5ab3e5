"""`flypast preview` as a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from tests.conftest import Project


class Previews:
    """`flypast preview` in processes of their own."""

    def __init__(self) -> None:
        self.running: list[Popen[str]] = []

    def start(self, project: Project, *arguments: str | Path) -> str:
        """Its address."""
        process = project.start("preview", *arguments)
        self.running.append(process)
        assert process.stdout is not None
        return process.stdout.readline().strip()


@contextmanager
def previewing() -> Iterator[Previews]:
    """They end with it, as they must: by a signal, with 0."""
    made = Previews()
    yield made
    for process in made.running:
        process.terminate()
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
