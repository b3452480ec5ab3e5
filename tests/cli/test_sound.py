"""A ledger that real runs have worked on, in every way there is, is found sound after each of them."""

import shutil
from datetime import UTC, datetime

from runner.ledger.sqlite import open_ledger
from runner.ledger.verify import Verification
from tests.conftest import KEY, MANIFEST, Project, Serve
from tests.ledger.older import make_older

from .sending import KEEP_GOING, posts, send, states, with_policy
from .test_policies import WIDE, look, policy, retry

EVERYTHING = """\
messages:
  greet:
    channel: sms
    to: people
    body: {type: text, text: {text: "Hi {{ name }}, welcome."}}
    reference: "order {{ phone }}"
  one:
    channel: sms
    receiver: {contacts: [{identifierKey: phonenumber, identifierValue: "+14155550100"}]}
    body: {type: text, text: {text: Hi}}
"""


def must_be_sound(project: Project, messages: int) -> None:
    ledger = open_ledger(project.path / ".flypast" / "sandbox.db", origin=None, is_judged=False)
    verification = Verification(ledger, datetime.now(UTC))
    assert list(verification.troubles()) == []
    assert verification.messages == messages
    ledger.close()


def test_what_sends_looks_decisions_and_purges_leave(project: Project, serve: Serve) -> None:
    server = serve(
        "--fault", "422:first:2", "--fault", "500:after:2:first:6", "--fault", "202-rejected:after:6:first:8"
    )
    where = ("--api-url", server.url)
    project.people(12)
    project.write("hello.yaml", MANIFEST.partition("messages:")[0] + EVERYTHING + KEEP_GOING)
    assert send(project, server.url, "--concurrency", "1").code in (5, 6)
    must_be_sound(project, 13)
    for _ in range(2):
        assert look(project, server.url).code == 6
        must_be_sound(project, 13)
    assert {"accepted", "rejected", "absent"} <= set(states(project, server.url))
    assert project.run("resolve", "hello.yaml", *where, "--drop", "--yes").code == 0
    must_be_sound(project, 13)
    assert project.run("ledger", "purge", "--older-than", "0s", "--yes", *where).code == 0
    must_be_sound(project, 13)
    retry(project, server.url)
    must_be_sound(project, 13)


def test_what_refusals_and_policies_that_send_again_leave(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:2", "--fault", "500-after:after:4:first:5", "--fault", "402:after:7:first:8")
    policy(project, "delivery: resend-absent, settle: 2m")
    send(project, server.url, "--concurrency", "1")
    must_be_sound(project, 3)
    for _ in range(2):
        look(project, server.url, "hello.yaml")
        must_be_sound(project, 3)
    assert "planned" in states(project, server.url)
    project.people(6)
    manifest = (project.path / "hello.yaml").read_text()
    project.write(
        "hello.yaml", manifest.replace("delivery: resend-absent", "delivery: at-least-once, acceptDuplicates: true")
    )
    for messages in (5, 6):  # the first ends where Bird refuses
        send(project, server.url, "--concurrency", "1")
        must_be_sound(project, messages)
    assert posts(server) > 6


def test_what_a_rebuild_and_an_upgrade_leave(project: Project, serve: Serve) -> None:
    server = serve("--fault", "202-rejected:first:1")
    project.people(4)
    with_policy(project, f"policy: {{{WIDE}}}\n")
    send(project, server.url, "--limit", "3")
    shutil.rmtree(project.path / ".flypast")
    rebuild = ("ledger", "rebuild", "hello.yaml", "--api-url", server.url, "--yes")
    assert project.run(*rebuild, BIRD_ACCESS_KEY=KEY).code == 6
    must_be_sound(project, 4)
    assert project.run("resolve", "hello.yaml", "--api-url", server.url, "--resend", "--yes").code == 0
    assert send(project, server.url).code in (0, 5)
    must_be_sound(project, 4)
    make_older(project.path / ".flypast" / "sandbox.db", 1)
    must_be_sound(project, 4)
