"""Pages, run as a reader would: console blocks in order, in one folder, with their whole manifests saved."""

import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from .conftest import clean_environment

PORT = "8787"  # stands in the README; the test takes a free one
BLOCK = re.compile(r"^ *```(?P<kind>\w+)(?P<mark> not-run)?\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    is_run: bool  # else it is marked as not: it needs a key, a network, or another machine


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            kind=found["kind"],
            text=dedent(found["text"]),
            line=text.count("\n", 0, found.start()) + 1,
            is_run=not found["mark"],
        )
        for found in BLOCK.finditer(text)
    ]


def is_whole(block: Block) -> bool:
    """Whole manifests say their apiVersion, and in their first line the file they are."""
    return "apiVersion:" in block.text


@dataclass
class Step:
    """A command as typed, and the lines that the page shows after it."""

    command: str
    line: int
    shown: list[str] = field(default_factory=list)


def steps(block: Block) -> list[Step]:
    found: list[Step] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            found.append(Step(command=line[2:], line=number))
        else:
            found[-1].shown.append(line)
    return found


def is_like(shown: list[str], printed: str) -> bool:
    """Whether what was printed is what is shown: a line of … is any lines, a … in a line is anything."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ ]*\n"
        for line in shown
    )
    return re.fullmatch(pattern, printed) is not None


@dataclass
class Shell:
    """A shell at a new user's: one folder, commands in order, the exit code of each there for the next."""

    folder: Path
    port: str
    code: int = 0
    background: "list[subprocess.Popen[str]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        environment = clean_environment(TMPDIR=str(self.folder.parent))
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
        self.environment = environment
        self.state = self.folder.parent / "state.sh"
        self.state.write_text(f"cd {shlex.quote(str(self.folder))}\n")

    def run(self, command: str) -> str:
        command = command.replace(PORT, self.port)
        if command.endswith(" &"):
            return self._start(command.removesuffix(" &"))
        script = (
            f". {shlex.quote(str(self.state))}\n(exit {self.code})\n{command}\ncode=$?\n"
            f'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {shlex.quote(str(self.state))}\nexit $code\n'
        )
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        self.code = done.returncode
        return done.stdout.replace(self.port, PORT)

    def _start(self, command: str) -> str:
        """In the background: its first line says that it is ready."""
        process = subprocess.Popen(
            ["bash", "-c", f". {shlex.quote(str(self.state))}\nexec {command}"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.background.append(process)
        self.code = 0
        assert process.stdout is not None
        return process.stdout.readline().replace(self.port, PORT)

    def end(self) -> None:
        for process in self.background:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)


def save(block: Block, folder: Path) -> Path:
    """A whole manifest where its first line says, as a reader would save it."""
    path = folder / block.text.splitlines()[0].removeprefix("# ")
    assert path.suffix == ".yaml", f"line {block.line}: the first line of a manifest says its file: # x.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
    return path


def expected_codes(all_steps: list[Step]) -> list[int]:
    """0, unless the next command is `echo $?`: then what that shows."""
    codes = []
    for following in [*all_steps[1:], None]:
        is_asked = following is not None and following.command == "echo $?"
        codes.append(int(following.shown[0]) if following is not None and is_asked else 0)
    return codes


def walk(page: Path, shell: Shell, *, manifests_in: str = ".") -> int:
    """Runs the page, and holds what is printed against what it shows. How many commands it ran."""
    ran = 0
    for block in blocks(page):
        if block.kind == "yaml" and is_whole(block):
            save(block, shell.folder / manifests_in)
        if block.kind != "console":
            continue
        in_order = steps(block)
        for step, code in zip(in_order, expected_codes(in_order), strict=True):
            printed = shell.run(step.command)
            where = f"{page.name}:{step.line}: $ {step.command}"
            assert shell.code == code, f"{where}\nexit {shell.code}, not {code}:\n{printed}"
            assert not step.shown or is_like(step.shown, printed), f"{where}\nprinted:\n{printed}"
            ran += 1
    return ran
