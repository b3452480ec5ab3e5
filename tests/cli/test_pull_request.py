"""A change on its way: a branch, its review, the merge, the send."""

import subprocess
from pathlib import Path

from tests.conftest import MANIFEST, Project, clean_environment

PEOPLE = "phone,name\n+14155550100,Ann\n+14155550101,Bob\n"


def git(project: Project, *arguments: str) -> None:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    run = ["git", *who, *arguments]
    subprocess.run(run, cwd=project.path, env=clean_environment(), check=True, capture_output=True)


def test_a_pull_request_is_validated_planned_compared_locked_merged_and_sent(tmp_path: Path) -> None:
    project = Project(tmp_path / "repository")
    project.write("hello.yaml", f"{MANIFEST}policy: {{requireLock: true}}\n")
    project.write("people.csv", PEOPLE)
    git(project, "init", "-q", "-b", "main")
    assert project.run("plan", "hello.yaml", "--lock").code == 0
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")

    git(project, "switch", "-qc", "change")
    project.write("hello.yaml", (project.path / "hello.yaml").read_text().replace("welcome", "good to see you"))
    project.write("people.csv", f"{PEOPLE}+14155550102,Cy\n")
    assert project.run("validate").code == 0
    assert project.run("plan", "hello.yaml", "--check-lock").code == 4, "the author has yet to lock it"
    assert project.run("plan", "hello.yaml", "--lock").code == 0
    git(project, "commit", "-qam", "greet better")

    assert project.run("plan", "hello.yaml", "--check-lock").code == 0
    ran = project.run("diff", "--detailed-exitcode", "--format", "markdown")
    assert ran.code == 10, ran.err
    assert "| <code>greet</code> | +1 −0 =2 | 2 → 3 | 2 → 3 |" in ran.out
    assert "+body.text.text: Hi {{ name }}, good to see you." in ran.out

    git(project, "switch", "-q", "main")
    git(project, "merge", "-q", "--no-ff", "-m", "merge", "change")
    assert project.run("diff", "--detailed-exitcode").code == 0
    sent = project.run("send", "hello.yaml", "--sandbox", "--format", "json")
    assert (sent.code, sent.json["run"]["accepted"]) == (0, 3), sent.err
    project.write("people.csv", f"{PEOPLE}+14155550103,Di\n")
    assert project.run("send", "hello.yaml", "--sandbox").code == 4, "this is not what was merged"
