"""Completion as people have it: a real bash, zsh and fish, a Tab at a terminal, and what then stands in the line."""

import fcntl
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from runner.cli.main import flypast
from runner.cli.shells import register
from tests.conftest import CHANNEL, MANIFEST, WORKSPACE, Project, clean_environment

from .keyboard import LAUNCH, Keyboard

SPRING = """\
apiVersion: flypast/v1
name: spring
include: [shared/channels.yaml]
parameters: {shop: Acme}
recipients:
  launch-list: {file: launch.csv}
messages:
  announce: {channel: sms, to: launch-list, body: {type: text, text: {text: Hi}}}
  apology: {channel: sms, to: launch-list, body: {type: text, text: {text: Sorry}}}
  picture: {channel: sms, to: launch-list, body: {type: text, text: {text: Look}}}
"""
LIBRARY = f"""\
apiVersion: flypast/v1
parameters: {{sender: Acme}}
channels: {{sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}}}
recipients: {{opted-out: {{file: out.csv}}}}
"""
BROKEN = "apiVersion: flypast/v1\nname: broken\nmessages:\n  a: {channel: [\n"

# What is typed before the Tab, and what then stands in the line.
DONE = {
    "flypast plan hel": "flypast plan hello.yaml ",
    "flypast plan campaigns/spr": "flypast plan campaigns/spring.yaml ",
    "flypast plan camp/big": "flypast plan camp/big\\ \\$\\(touch\\ x\\).yaml ",
    "flypast plan campaigns/spring.yaml --message pi": "flypast plan campaigns/spring.yaml --message picture ",
    "flypast render campaigns/spring.yaml --message=pi": "flypast render campaigns/spring.yaml --message=picture ",
    "flypast plan campaigns/spring.yaml --recipients opt": "flypast plan campaigns/spring.yaml --recipients opted-out=",
    "flypast send hello.yaml --recipients people=peo": "flypast send hello.yaml --recipients people=people.csv ",
    "flypast render hello.yaml --recipients people=camp/big\\ ": (
        "flypast render hello.yaml --recipients people=camp/big\\ \\$\\(touch\\ x\\).yaml "
    ),
    "flypast validate --select SCH201,SCH205": "flypast validate --select SCH201,SCH205 ",
    "flypast plan camp/broken.yaml --message ": "flypast plan camp/broken.yaml --message ",
    "flypast nonsense ": "flypast nonsense ",
}


def shell_named(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"NOT TRIED: completion in {name}, for it is not installed"
        )
    return found


def environment() -> Mapping[str, str]:
    """With the command itself in the path, and no terminal that wants to be asked what it is."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**clean_environment(), "PATH": path, "TERM": "dumb", "PS1": "$ ", "LC_ALL": "C.UTF-8"}


class Shell(Keyboard):
    """A shell at a terminal of its own, wide enough for a line. A Tab, then a key that prints the line as it stands."""

    def __init__(self, folder: Path, arguments: Sequence[str], setup: Sequence[str]) -> None:
        self.screen = ""
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 300, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *arguments],
            cwd=folder,
            env=environment(),
            text=True,
            stdin=inner,
            stdout=inner,
            stderr=inner,
        )
        os.close(inner)
        for line in (*setup, "echo rea''dy"):
            self.types(f"{line}\n")
        self.sees("ready")

    def tabbed(self, line: str) -> tuple[str, str]:
        """The line after a Tab, and what the shell showed below it."""
        self.screen = ""
        self.types(f"{line}\t\x18b")  # the key empties the line too
        self.sees("]]")
        found = re.search(r"\[\[(.*?)\]\]", self.screen, re.DOTALL)
        assert found is not None
        shown = self.screen[: found.start()]
        return found[1], shown


def bash(folder: Path) -> Shell:
    settings = (*("show-all-if-ambiguous on", "bell-style none", "completion-query-items 0"),)
    return Shell(
        folder,
        [shell_named("bash"), "--norc", "--noprofile", "-i"],
        [
            *(f"bind 'set {each}'" for each in (*settings, "page-completions off", "enable-bracketed-paste off")),
            """bind -x '"\\C-xb": printf "[%s%s]]" "[" "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0'""",
            'eval "$(flypast completion bash)"',
        ],
    )


def zsh(folder: Path) -> Shell:
    return Shell(
        folder,
        [shell_named("zsh"), "-f", "-i"],
        [
            "PS1='$ '; LISTMAX=1000; unset zle_bracketed_paste; unsetopt beep prompt_sp; bindkey -e",
            """dump() { zle -I; print -rn -- "[""[$BUFFER]""]"; BUFFER= }; zle -N dump; bindkey '^Xb' dump""",
            "autoload -Uz compinit; compinit -D -u",
            'eval "$(flypast completion zsh)"',
        ],
    )


@pytest.fixture
def repository(project: Project) -> Project:
    project.write(".git/HEAD", "ref: refs/heads/main\n")
    project.write("campaigns/spring.yaml", SPRING)
    project.write("campaigns/shared/channels.yaml", LIBRARY)
    project.write("camp/broken.yaml", BROKEN)
    project.write("camp/big $(touch x).yaml", MANIFEST)
    project.write("camp/e\x1b[2Jvil.yaml", MANIFEST)
    project.write("camp/settings.yaml", "a: 1\n")
    project.write("notes.txt", "no manifest")
    project.write("drafts/later.yaml", MANIFEST)
    project.write(".gitignore", "drafts/\n")
    return project


@pytest.mark.parametrize("start", [bash, zsh])
def test_a_tab_completes_what_is_meant(start: Callable[[Path], Shell], repository: Project) -> None:
    with start(repository.path) as shell:
        assert {line: shell.tabbed(line)[0] for line in DONE} == DONE
        _, shown = shell.tabbed("flypast plan ")
        assert {"hello.yaml", "campaigns/spring.yaml", "camp/broken.yaml"} <= set(shown.split())
        for other in ("notes.txt", "people.csv", "channels.yaml", "settings", "drafts", "vil", "\x1b[2J"):
            assert other not in shown
        line, shown = shell.tabbed("flypast plan campaigns/spring.yaml --message a")
        assert line.endswith("--message a")
        assert {"announce", "apology"} <= set(shown.split())
        assert "picture" not in shown
        line, shown = shell.tabbed("flypast plan camp/broken.yaml --message ")
        assert "rror" not in shown
        assert "Traceback" not in shown


def fish(folder: Path, line: str) -> list[str]:
    done = subprocess.run(
        [shell_named("fish"), "--no-config", "-c", "flypast completion fish | source; complete -C $argv[1]", line],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [each.partition("\t")[0] for each in done.stdout.splitlines()]


def test_fish_is_offered_the_same(repository: Project) -> None:
    for line, whole in DONE.items():
        if whole == line:
            continue
        word = shlex.split(whole)[-1]
        assert fish(repository.path, line) == [word], line
    assert fish(repository.path, "flypast plan ") == [
        *("camp/big $(touch x).yaml", "camp/broken.yaml", "campaigns/spring.yaml", "hello.yaml"),
    ]
    assert fish(repository.path, "flypast plan camp/broken.yaml --message ") == []


Offered = Callable[..., list[str]]


@pytest.fixture
def offered(repository: Project, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """What any shell is told, as the command answers it."""
    register()

    def offer(line: str, folder: str = "") -> list[str]:
        monkeypatch.chdir(repository.path / folder)
        monkeypatch.setenv("COMP_LINE", line)
        kind = get_completion_class("fish")
        assert kind is not None
        return kind(flypast, {}, "flypast", "_FLYPAST_COMPLETE").complete().splitlines()

    return offer


def values(lines: list[str]) -> list[str]:
    return [line.partition("\t")[0] for line in lines]


def test_below_the_root_the_nearest_come_first(repository: Project, offered: Offered) -> None:
    below = offered("flypast send ", "campaigns")
    assert below[0] == "spring.yaml"
    assert {"../hello.yaml", "../camp/broken.yaml"} == set(below[1:]) - {"../camp/big $(touch x).yaml"}
    assert offered("flypast send ../hel", "campaigns") == ["../hello.yaml"]
    assert offered(f"flypast send {repository.path}/hel") == [f"{repository.path}/hello.yaml"]


def test_outside_a_repository_one_folder_is_looked_at(repository: Project, offered: Offered, tmp_path: Path) -> None:
    repository.write("../else/spring.yaml", SPRING)
    assert offered("flypast plan spr", "../else") == ["spring.yaml"]
    assert offered("flypast plan ../else/") == ["../else/spring.yaml"]
    assert "../project/" in offered("flypast plan ../pro", "../else")
    assert offered(f"flypast plan {tmp_path}/els") == [f"{tmp_path}/else/"]


def test_what_can_be_validated_are_libraries_and_folders_too(offered: Offered) -> None:
    found = offered("flypast validate c")
    assert found == [
        *("camp/big $(touch x).yaml", "camp/broken.yaml", "campaigns/shared/channels.yaml", "campaigns/spring.yaml"),
        *("camp/", "campaigns/shared/", "campaigns/"),
    ]


def test_names_without_a_manifest_are_those_of_all(offered: Offered) -> None:
    assert set(offered("flypast plan --message ")) == {"announce", "apology", "picture", "greet"}
    assert set(offered("flypast render --row ")) == {"launch-list#", "opted-out#", "people#"}


def test_channels_are_offered_by_their_ids_and_told_by_their_names(offered: Offered) -> None:
    assert offered("flypast sandbox --channel ") == [f"{WORKSPACE}/{CHANNEL}\tsms"]
    assert offered("flypast channels --workspace ") == [f"{WORKSPACE}\tsms"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("flypast val", ["validate"]),
        ("flypast plan ./hel", ["./hello.yaml"]),
        ("flypast plan campaigns/spring.yaml --set sen", ["sender="]),
        ("flypast validate --report sar", ["sarif="]),
        ("flypast explain rcp502", ["rcp502"]),
        ("flypast schema manif", ["manifest"]),
        ("flypast ledger exp", ["export"]),
        ("flypast ledger export hel", ["hello.yaml"]),
        ("flypast completion ", ["bash", "zsh", "fish"]),
        ("flypast init --example ", ["sms", "mms", "template"]),
        ("flypast validate --format g", ["github", "gitlab"]),
        ("flypast validate --fail-on ", ["error", "warning", "info"]),
        ("flypast validate --report json=not", ["json=notes.txt"]),
        ("flypast send --access-key-file not", ["notes.txt"]),
        ("flypast init cam", ["camp/", "campaigns/"]),
        ("flypast plan 'camp/big $", ["camp/big $(touch x).yaml"]),
        ("flypast plan hello.yaml --set ", []),
        ("flypast plan missing.yaml --message ", []),
        ("flypast plan 'unclosed \"x", []),
        ("flypast \x1b[2J ", []),
    ],
)
def test_the_rest_is_offered_quietly(line: str, words: list[str], offered: Offered) -> None:
    assert values(offered(line)) == words
