"""What a send makes of every reply, and of none: by a server that says exactly what the test tells it to."""

import gzip
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import KEY, Project, Ran, Server, clean_environment, command, unmeasured_environment

from .raw_server import (
    ACCEPTED,
    GIVE_UP_S,
    Line,
    RawServer,
    Script,
    in_turn,
    reply,
    replying,
    says,
    says_and_closes,
    says_and_resets,
)
from .sending import counts, send, sending, states, status, summary, until, with_policy

Serve = Callable[..., Server]
ONE_BY_ONE = ("--concurrency", "1")
STILL = replying(ACCEPTED)


def sent_one_by_one(project: Project, answers: Sequence[Callable[[Line], None]]) -> tuple[Ran, list[str], int]:
    """A message for each answer; the run, the states in order, and the number of requests that came.

    A second run, against a server that takes all, then must send nothing of what is accepted, rejected or in doubt.
    """
    project.people(len(answers))
    with_policy(project)
    with RawServer(in_turn(*answers)) as server:
        ran = send(project, server.url, *ONE_BY_ONE)
        summary(ran)
        held, came = states(project, server.url), len(server.requests)
        server.script = STILL
        again = summary(send(project, server.url))
        assert len(server.requests) == came, "the second run sent something again"
        assert again["run"] == {"accepted": 0, "rejected": 0, "inDoubt": 0}
        assert again["exitCode"] == (6 if "inDoubt" in held else 0)
        assert states(project, server.url) == held
    return ran, held, came


WHOLE = b'{"id":"m-1","status":"accepted","reference":"x"}'
CUT = b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(1 << 20))

TAKEN = {
    "a message": says(reply("202 Accepted", WHOLE)),
    "an empty object": says(reply("202 Accepted", b"{}")),
    "no body": says(reply("202 Accepted")),
    "a list": says(reply("202 Accepted", b"[1, 2]")),
    "not JSON": says(reply("202 Accepted", b"<html>thanks</html>")),
    "not UTF-8": says(reply("202 Accepted", b'{"id": "\xff\xfe"}')),
    "brackets without end": says(reply("202 Accepted", b"[" * 60_000)),
    "an id that is no text": says(reply("202 Accepted", b'{"id": {"a": 1}}')),
    "a cut body, closed": says_and_closes(CUT + b'{"id"'),
    "a cut body, reset": says_and_resets(CUT + b'{"id"'),
    "no byte of its body": says_and_closes(CUT),
    "a cut chunk": says_and_closes(CHUNKED + b"50\r\n{"),
    "a huge body": says_and_closes(reply("202 Accepted", b"x" * 5_000_000)),
    "a gzip bomb": says_and_closes(reply("202 Accepted", BOMB, "Content-Encoding: gzip")),
    "a lie about gzip": says_and_closes(reply("202 Accepted", WHOLE, "Content-Encoding: gzip")),
    "a body until the end": says_and_closes(b"HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n" + WHOLE),
    "no reason phrase": says(reply("202", WHOLE)),
    "other words": says(reply("202 No", WHOLE)),
    "HTTP/1.0": says_and_closes(b"HTTP/1.0 202 Accepted\r\n\r\n" + WHOLE),
    "first 100 Continue": says(b"HTTP/1.1 100 Continue\r\n\r\n" + ACCEPTED),
    "first 103 Early Hints": says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ACCEPTED),
}


def test_202_is_accepted_whatever_follows_its_headers(project: Project) -> None:
    ran, held, came = sent_one_by_one(project, list(TAKEN.values()))
    assert dict(zip(TAKEN, held, strict=True)) == dict.fromkeys(TAKEN, "accepted")
    assert (ran.code, ran.json["stopped"], came) == (0, None, len(TAKEN))


def test_the_id_is_known_where_the_reply_could_be_read(project: Project) -> None:
    project.people(2)
    with RawServer(replying(reply("202 Accepted", WHOLE), reply("202 Accepted", b"{}"))) as server:
        summary(send(project, server.url, *ONE_BY_ONE))
        assert [line["id"] for line in status(project, server.url)] == ["m-1", None]


def bird_says(http: str, code: str, words: str = "no", **details: list[str]) -> bytes:
    return reply(http, json.dumps({"code": code, "message": words, "details": details}).encode())


FAILED = {"id": "m-7", "status": "rejected", "reason": "no route", "failure": {"code": 30, "description": "blocked"}}
LONG = b'{"code": "TooLong", "message": "' + b"x" * 200_000 + b'"}'

REFUSED = {
    "400": (says(bird_says("400 Bad Request", "InvalidPayload")), "InvalidPayload"),
    "413": (says(bird_says("413 Too Large", "PayloadTooLarge")), "PayloadTooLarge"),
    "422": (says(bird_says("422 Unprocessable", "Unprocessable", body=["is too long"])), "Unprocessable"),
    "400 without a body": (says(reply("400 Bad Request")), "HTTP 400"),
    "400 in HTML": (says(reply("400 Bad Request", b"<html>no</html>")), "HTTP 400"),
    "422 cut": (says_and_closes(b'HTTP/1.1 422 No\r\nContent-Length: 99\r\n\r\n{"code": "x"'), "HTTP 422"),
    "422 reset": (says_and_resets(b'HTTP/1.1 422 No\r\nContent-Length: 99\r\n\r\n{"code": "x"'), "HTTP 422"),
    "400 longer than 64 KiB": (says_and_closes(reply("400 Bad Request", LONG)), "HTTP 400"),
    "413 gzip bomb": (says_and_closes(reply("413 No", BOMB, "Content-Encoding: gzip")), "HTTP 413"),
    "202 that says rejected": (says(reply("202 Accepted", json.dumps(FAILED).encode())), "30"),
}


def test_400_413_422_and_a_202_that_says_so_are_rejected_with_birds_code(project: Project) -> None:
    ran, held, came = sent_one_by_one(project, [answer for answer, _ in REFUSED.values()])
    assert dict(zip(REFUSED, held, strict=True)) == dict.fromkeys(REFUSED, "rejected")
    assert (ran.code, ran.json["stopped"], came) == (5, None, len(REFUSED))
    assert ran.json["run"]["rejected"] == len(REFUSED)


def test_status_has_birds_code_for_each_that_was_rejected(project: Project) -> None:
    project.people(len(REFUSED))
    with_policy(project)
    with RawServer(in_turn(*(answer for answer, _ in REFUSED.values()))) as server:
        send(project, server.url, *ONE_BY_ONE)
        codes = [line["code"] for line in status(project, server.url)]
    assert dict(zip(REFUSED, codes, strict=True)) == {name: code for name, (_, code) in REFUSED.items()}


UNPROVEN = ("200 OK", "201 Created", "204 No Content", "206 Partial", "226 IM Used", "299 What", "405 Not Allowed",
            "408 Timeout", "409 Conflict", "500 Oops", "501 No", "502 Bad", "503 Later", "504 Slow", "507 Full",
            "599 What")  # fmt: skip


def test_statuses_that_prove_nothing_leave_in_doubt_and_are_not_tried_again(project: Project) -> None:
    replies = [says_and_closes(reply(status, b"", "Connection: close")) for status in UNPROVEN]
    ran, held, came = sent_one_by_one(project, replies)
    assert dict(zip(UNPROVEN, held, strict=True)) == dict.fromkeys(UNPROVEN, "inDoubt")
    assert (ran.code, ran.json["stopped"], came) == (6, None, len(UNPROVEN))


def test_retry_after_makes_no_503_be_sent_again(project: Project) -> None:
    project.people(1)
    with RawServer(replying(reply("503 Later", b"", "Retry-After: 0"), ACCEPTED)) as server:
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((0, 0, 1, 0), 6, 1)


TWO_LENGTHS = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"
GARBLED = {
    "a bad status line": b"Bad status line\r\n\r\n",
    "no HTTP at all": b"202 Accepted\r\n\r\n{}",
    "a status without digits": b"HTTP/1.1 abc Accepted\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2020 Accepted\r\n\r\n",
    "an unknown version": b"HTTX/1.1 202 Accepted\r\n\r\n",
    "binary": bytes(range(256)),
    "a header of 20 KB": b"HTTP/1.1 202 Accepted\r\nX-Long: " + b"x" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": TWO_LENGTHS,
    "a length that is no number": b"HTTP/1.1 202 Accepted\r\nContent-Length: two\r\n\r\n{}",
    "a negative length": b"HTTP/1.1 202 Accepted\r\nContent-Length: -2\r\n\r\n{}",
    "a header without a colon": b"HTTP/1.1 202 Accepted\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}",
    "an end in the headers": b"HTTP/1.1 202 Accepted\r\nContent-Le",
    "an end in the status line": b"HTTP/1.1 20",
    "a reply to TLS": b"\x15\x03\x01\x00\x02\x02\x28",
}


def test_garbled_replies_leave_in_doubt_and_are_not_tried_again(project: Project) -> None:
    ran, held, came = sent_one_by_one(project, [says_and_closes(content) for content in GARBLED.values()])
    assert dict(zip(GARBLED, held, strict=True)) == dict.fromkeys(GARBLED, "inDoubt")
    assert (ran.code, ran.json["stopped"], came) == (6, None, len(GARBLED))


def closes_at_once(line: Line) -> None:
    line.close()


def resets_at_once(line: Line) -> None:
    line.reset()


def test_an_end_after_the_request_leaves_in_doubt_and_is_not_tried_again(project: Project) -> None:
    ran, held, came = sent_one_by_one(project, [closes_at_once, resets_at_once, closes_at_once])
    assert (held, ran.code, came) == (["inDoubt"] * 3, 6, 3)


@pytest.mark.parametrize("script", [closes_at_once, resets_at_once], ids=["close", "reset"])
def test_an_end_before_the_request_was_read_leaves_in_doubt(project: Project, script: Script) -> None:
    """Nobody knows what was read. One that is seen to have ended before it was used gives way to a fresh connection."""
    project.people(1)
    with RawServer(script) as server:
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"]) == ((0, 0, 1, 0), 6)
        server.script = STILL
        assert summary(send(project, server.url))["exitCode"] == 6
        assert server.requests == []


def reads_some_and_closes(line: Line) -> None:
    line._more_than(20)
    line.close()


def test_an_end_during_the_request_leaves_in_doubt_and_is_not_tried_again(project: Project) -> None:
    project.people(1)
    text = "x" * 5_000
    project.write("hello.yaml", (project.path / "hello.yaml").read_text().replace("welcome.", text))
    with_limit = "policy: {limits: {segmentsPerMessage: 100}}\n"
    project.write("hello.yaml", (project.path / "hello.yaml").read_text() + with_limit)
    with RawServer(reads_some_and_closes) as server:
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"], len(server.lines)) == ((0, 0, 1, 0), 6, 1)


def hangs(line: Line) -> None:
    line.hang()


def drips(line: Line) -> None:
    """A byte now and then, without end."""
    line.say(b"HTTP/1.1 202 Accepted\r\n")
    while True:
        line.say(b"X-A: b\r\n")
        time.sleep(0.5)


def hangs_in_its_body(line: Line) -> None:
    line.say(CUT + b"{")
    line.hang()


def garbles_its_chunks(line: Line) -> None:
    line.say(CHUNKED + b"zz\r\n{}")
    line.close()


def garbles_its_chunks_later(line: Line) -> None:
    """What is proven doesn't depend on how a reply was cut into packets."""
    line.say(CHUNKED)
    time.sleep(0.3)
    line.say(b"zz\r\n{}")
    line.close()


def by_person(answers: Mapping[str, Callable[[Line], None]]) -> Script:
    """Chosen by the person's name in the request, for messages that go out side by side."""

    def script(line: Line) -> None:
        while True:
            body = line.request().body.decode()
            next(answer for name, answer in answers.items() if f"Hi {name}," in body)(line)

    return script


def test_no_headers_within_20_s_leave_in_doubt_and_no_body_within_20_s_does_not(project: Project) -> None:
    started_s = time.monotonic()
    project.people(5)
    slow = {
        "Person 0": hangs,
        "Person 1": drips,
        "Person 2": hangs_in_its_body,
        "Person 3": garbles_its_chunks,
        "Person 4": garbles_its_chunks_later,
    }
    with RawServer(by_person(slow)) as server:
        said = summary(send(project, server.url))
        assert 19 < time.monotonic() - started_s < 30
        assert (counts(said), said["exitCode"], len(server.requests)) == ((3, 0, 2, 0), 6, 5)
        held = {line["recipient"][-1]: line["state"] for line in status(project, server.url)}
        assert held == {"0": "inDoubt", "1": "inDoubt", "2": "accepted", "3": "accepted", "4": "accepted"}


# Bird refuses us: the run stops


@pytest.mark.parametrize("http", [401, 402, 403, 404])
def test_401_to_404_stop_the_run_that_one_and_the_rest_stay_planned(project: Project, http: int) -> None:
    project.people(5)
    refusal = bird_says(f"{http} No", "Nope", "the key is not allowed to do this")
    with RawServer(replying(ACCEPTED, ACCEPTED, refusal)) as server:
        ran = send(project, server.url, *ONE_BY_ONE)
        said = summary(ran)
        assert (counts(said), said["exitCode"], len(server.requests)) == ((2, 0, 0, 3), 7, 3)
        assert str(http) in said["stopped"]
        assert "not allowed" in said["stopped"]
        assert set(states(project, server.url)) == {"accepted", "planned"}
        server.script = STILL
        again = summary(send(project, server.url))
        assert (counts(again), again["exitCode"], len(server.requests)) == ((5, 0, 0, 0), 0, 6)
        assert len({json.loads(request.body)["reference"] for request in server.requests}) == 5


def test_bird_refusing_us_wins_over_in_doubt_and_rejected(project: Project) -> None:
    project.people(4)
    with RawServer(replying(reply("500 Oops"), bird_says("422 No", "Bad"), bird_says("403 No", "Nope"))) as server:
        with_policy(project)
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"]) == ((0, 1, 1, 2), 7)


def test_in_doubt_wins_over_rejected(project: Project) -> None:
    project.people(2)
    with_policy(project)
    with RawServer(replying(reply("500 Oops"), bird_says("422 No", "Bad"))) as server:
        assert summary(send(project, server.url, *ONE_BY_ONE))["exitCode"] == 6


def test_without_a_format_the_last_line_after_a_stop_is_the_command_to_go_on_with(project: Project) -> None:
    with RawServer(replying(bird_says("402 No", "Nope"))) as server:
        arguments = sending(server.url, "--concurrency", "1")
        ran = project.run(*arguments, BIRD_ACCESS_KEY=KEY)
        assert ran.code == 7
        assert ran.err.splitlines()[-1] == f"Go on with: flypast {' '.join(map(str, arguments))}"


# Redirects


@pytest.mark.parametrize("http", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed_leaves_in_doubt_and_stops_the_run(project: Project, http: int) -> None:
    with RawServer(STILL) as elsewhere:
        moved = reply(f"{http} Moved", b"", f"Location: {elsewhere.url}/messages")
        with RawServer(replying(ACCEPTED, moved)) as server:
            said = summary(send(project, server.url, *ONE_BY_ONE))
            assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 1, 1), 11, 2)
            assert "redirect" in said["stopped"]
            server.script = STILL
            again = summary(send(project, server.url))
            assert (counts(again), again["exitCode"], len(server.requests)) == ((2, 0, 1, 0), 6, 3)
        assert (elsewhere.lines, elsewhere.received) == ([], b"")


def test_a_redirect_to_the_same_host_is_not_followed_either(project: Project) -> None:
    with RawServer(replying(reply("307 Moved", b"", "Location: /messages"), ACCEPTED)) as server:
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((0, 0, 1, 2), 11, 1)


# 429


def test_429_waits_as_long_as_bird_says_and_then_sends(project: Project) -> None:
    project.people(1)
    throttle = reply("429 Too Many", b"{}", "Retry-After: 1")
    with RawServer(replying(throttle, ACCEPTED)) as server:
        started_s = time.monotonic()
        said = summary(send(project, server.url))
        assert time.monotonic() - started_s > 1
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 0, 0), 0, 2)
        assert server.requests[0].body == server.requests[1].body
        assert [line["attempts"] for line in status(project, server.url)] == [2]


PAST = "Sun, 06 Nov 1994 08:49:37 GMT"
ODD = ("-5", "1e9", "abc", PAST, "", "0", "601", "99999999999999999999", "1, 2", "NaN", "Sun, 99 Nov 9999 08:49:37 GMT")


def test_429_with_an_odd_retry_after_waits_as_long_as_we_think_right(project: Project) -> None:
    """Each of them for another message, all side by side: a second at the most."""
    project.people(len(ODD))
    throttles = [reply("429 Too Many", b"", f"Retry-After: {odd}") for odd in ODD]
    with RawServer(replying(*throttles, ACCEPTED)) as server:
        started_s = time.monotonic()
        said = summary(send(project, server.url))
        assert 0.25 < time.monotonic() - started_s < 10
        assert (counts(said), said["exitCode"], len(server.requests)) == ((len(ODD), 0, 0, 0), 0, 2 * len(ODD))


def test_429_without_retry_after_and_again_and_again_loses_nothing(project: Project) -> None:
    project.people(1)
    with RawServer(replying(reply("429 Too Many"), reply("429 Too Many"), ACCEPTED)) as server:
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 0, 0), 0, 3)


# Thresholds


def test_stop_after_a_count_of_rejected(project: Project) -> None:
    project.people(6)
    with_policy(project, "policy: {stopAfter: {rejected: 2, inDoubt: 10}}\n")
    with RawServer(replying(bird_says("400 No", "Bad"), ACCEPTED, bird_says("400 No", "Bad"), ACCEPTED)) as server:
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 2, 0, 3), 11, 3)
        assert "stopAfter.rejected" in said["stopped"]
        again = summary(send(project, server.url))
        assert (counts(again), again["exitCode"]) == ((4, 2, 0, 0), 0), "an earlier run's rejected never count"


def test_stop_after_a_share_of_rejected_looks_from_the_20th_message_on(project: Project) -> None:
    project.people(24)
    with_policy(project, "policy: {stopAfter: {rejected: 10%, inDoubt: 10}}\n")
    with RawServer(replying(*[bird_says("400 No", "Bad")] * 3, ACCEPTED)) as server:
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((17, 3, 0, 4), 11, 20)


def test_stop_after_in_doubt(project: Project) -> None:
    project.people(6)
    with_policy(project, "policy: {stopAfter: {rejected: 5%, inDoubt: 2}}\n")
    with RawServer(replying(reply("500 Oops"), ACCEPTED, reply("500 Oops"), ACCEPTED)) as server:
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 2, 3), 11, 3)
        assert "stopAfter.inDoubt" in said["stopped"]
        again = summary(send(project, server.url))
        assert (counts(again), again["exitCode"]) == ((4, 0, 2, 0), 6)


def test_the_breaker_opens_when_half_of_twenty_are_in_doubt(project: Project) -> None:
    project.people(30)
    with_policy(project)
    with RawServer(in_turn(*[says(ACCEPTED)] * 10, *[says_and_closes(reply("502 Bad"))] * 20)) as server:
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"]) == ((10, 0, 10, 10), 11)
        assert 19 <= len(server.requests) <= 20  # a connection that it closes may take one with it


# No connection


def test_a_server_that_does_not_listen_is_exit_11_and_all_go_out_when_it_does(project: Project) -> None:
    server = RawServer(STILL)
    ran = send(project, server.url, *ONE_BY_ONE)
    with server:
        said = summary(ran)
        assert (counts(said), said["exitCode"]) == ((0, 0, 0, 3), 11)
        assert "refused" in said["stopped"]
        assert ran.err.splitlines()[-1].startswith("Go on with: flypast send")
        assert set(states(project, server.url)) <= {"planned"}
        again = summary(send(project, server.url))
        assert (counts(again), again["exitCode"], len(server.requests)) == ((3, 0, 0, 0), 0, 3)


def test_a_server_that_comes_up_while_we_try_gets_everything(project: Project) -> None:
    server = RawServer(STILL)
    process = project.start(*sending(server.url, *ONE_BY_ONE), BIRD_ACCESS_KEY=KEY)
    until((project.path / ".flypast" / "sandbox.db.locks").exists, process)
    time.sleep(0.8)  # three tries take 1.75 s to 3.5 s
    with server:
        out, err = process.communicate(timeout=GIVE_UP_S)
        assert (process.returncode, len(server.requests)) == (0, 3), out + err


def self_signed(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_that_is_not_trusted_stops_the_run_at_once(project: Project, tmp_path: Path) -> None:
    project.people(20)
    with RawServer(STILL, tls=self_signed(tmp_path)) as server:
        started_s = time.monotonic()
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert time.monotonic() - started_s < 5
        assert (counts(said), said["exitCode"]) == ((0, 0, 0, 20), 11)
        assert "certificate" in said["stopped"]
        assert (len(server.lines), server.requests, server.received) == (1, [], b"")
        assert set(states(project, server.url)) <= {"planned"}


def test_https_to_a_server_without_tls_sends_nothing(project: Project) -> None:
    with RawServer(lambda line: line.say(b"HTTP/1.1 400 No\r\n\r\n")) as server:
        said = summary(send(project, server.url.replace("http:", "https:"), *ONE_BY_ONE))
        assert (counts(said), said["exitCode"], server.requests) == ((0, 0, 0, 3), 11, [])
        assert KEY.encode() not in server.received


# Connections


def test_what_a_server_says_unasked_is_no_reply_to_the_next_message(project: Project) -> None:
    project.people(3)
    with RawServer(replying(ACCEPTED + ACCEPTED)) as server:
        said = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(said), said["exitCode"]) == ((3, 0, 0, 0), 0)
        assert len(server.requests) == 3


def test_the_request_is_what_bird_documents(project: Project) -> None:
    project.people(1)
    with RawServer(STILL) as server:
        send(project, server.url)
        (request,) = server.requests
    head = request.head.decode()
    assert head.startswith("POST /workspaces/5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11/channels/")
    assert f"Authorization: AccessKey {KEY}\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    body = json.loads(request.body)
    assert body["receiver"] == {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "+12015550100"}]}
    assert body["body"] == {"type": "text", "text": {"text": "Hi Person 0, welcome."}}
    assert body["reference"].startswith("fp1.")
    assert KEY not in request.body.decode()


def test_proxies_in_the_environment_are_not_asked(project: Project) -> None:
    project.people(1)
    with RawServer(STILL) as proxy, RawServer(STILL) as server:
        ran = send(
            project, server.url, http_proxy=proxy.url, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url, all_proxy=proxy.url
        )
        assert summary(ran)["exitCode"] == 0
        assert (len(server.requests), proxy.lines) == (1, [])


# What a reply says about people, and about us


def leaks(project: Project, ran: Ran, *secrets: str) -> list[str]:
    """Which of the secrets show in the output or lie in the ledger."""
    found = ran.out + ran.err
    for file in (project.path / ".flypast").rglob("*"):
        if file.is_file():
            found += file.read_bytes().decode("latin-1")
    return [secret for secret in secrets if secret in found]


@pytest.mark.parametrize("http", [401, 422, 202])
def test_a_server_that_says_the_key_back_does_not_make_us_show_or_keep_it(project: Project, http: int) -> None:
    project.people(1)
    words = f"the key {KEY} is unknown"
    said = {"code": KEY, "message": words, "details": {"header": [words]}}
    failed = {"id": KEY, "status": "rejected", "reason": words, "failure": {"code": KEY, "description": words}}
    with RawServer(replying(reply(f"{http} No", json.dumps(failed if http == 202 else said).encode()))) as server:
        ran = send(project, server.url)
        listed = project.run("status", "hello.yaml", "--api-url", server.url, "--format", "jsonl")
    assert ran.code in (5, 7)
    assert leaks(project, Ran(0, ran.out + listed.out, ran.err), KEY) == []


def test_birds_words_lose_texts_and_numbers_before_they_are_shown_or_kept(project: Project) -> None:
    project.write("people.csv", "phone,name\n+12015550100,Wilhelmina\n")
    words = "+12015550100 can't get 'Hi Wilhelmina, welcome.'"
    with RawServer(replying(bird_says("422 No", "Bad", words, text=["Hi Wilhelmina, welcome."]))) as server:
        ran = send(project, server.url)
    assert ran.code == 5
    assert leaks(project, ran, "Wilhelmina", "welcome.'", "2015550100") == ["2015550100"]  # the ledger's address
    assert "2015550100" not in ran.out + ran.err


@pytest.mark.parametrize("http", [422, 403])
def test_birds_words_drive_no_terminal_and_no_ci_log(project: Project, http: int) -> None:
    words = "no\n::error::owned\r\n##[error]owned \x1b]0;owned\x07 \x1b[2J"
    with RawServer(replying(bird_says(f"{http} No", "::stop-commands::x", words))) as server:
        ran = project.run(*sending(server.url), BIRD_ACCESS_KEY=KEY, GITHUB_ACTIONS="true")
    assert ran.code in (5, 7)
    printed = ran.out + ran.err
    assert "\x1b" not in printed
    assert "\x07" not in printed
    commands = [line for line in printed.splitlines() if line.lstrip().startswith(("::", "##["))]
    assert all(line.startswith("::error title=flypast::") and line.count("::") == 2 for line in commands), commands
    assert len(commands) <= 1


# Memory


PEAK = "import os, sys; pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); print(os.wait4(pid, 0)[2].ru_maxrss)"


def peak_mib(project: Project, url: str) -> float:
    """The most memory that a send takes, as the system counts it for that one process."""
    run = command(*sending(url, "--concurrency", "1"))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *run],
        cwd=project.path,
        env=clean_environment(BIRD_ACCESS_KEY=KEY),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "2 accepted" in done.stdout, done.stderr
    size = int(done.stdout.splitlines()[-1])
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def test_a_gzip_bomb_and_a_flood_take_no_memory(project: Project) -> None:
    bomb = gzip.compress(bytes(200 << 20))
    flood = b"HTTP/1.1 202 Accepted\r\nContent-Length: 209715200\r\n\r\n"
    project.people(2)
    with RawServer(STILL) as server:
        plain = peak_mib(project, server.url)
    (project.path / ".flypast" / "sandbox.db").unlink()

    def floods(line: Line) -> None:
        line.say(flood)
        for _ in range(200):
            line.say(bytes(1 << 20))

    with RawServer(in_turn(says(reply("202 Accepted", bomb, "Content-Encoding: gzip")), floods)) as server:
        assert peak_mib(project, server.url) < plain + 16


# The ledger


def test_a_disk_that_takes_no_more_stops_the_run_and_nobody_gets_two(project: Project, serve: Serve) -> None:
    """A limit on the size of files stands in for a full disk: the ledger can't be written, in the middle of a send."""
    server = serve("--rate", "100000")
    project.people(300)
    with_policy(project)
    limited = ["bash", "-c", 'ulimit -f 150; exec "$@"', "-", *command(*sending(server.url, "--format", "json"))]
    done = subprocess.run(
        limited,
        cwd=project.path,
        env=unmeasured_environment(BIRD_ACCESS_KEY=KEY),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = summary(Ran(done.returncode, done.stdout, done.stderr))
    assert said["exitCode"] == 9
    accepted, _, doubtful, planned = counts(said)
    assert 0 < accepted < 300
    assert doubtful <= 64
    assert planned > 0
    again = summary(send(project, server.url))
    assert again["totals"]["accepted"] + again["totals"]["inDoubt"] == 300
    assert again["totals"]["inDoubt"] <= 64
    assert again["exitCode"] == (6 if again["totals"]["inDoubt"] else 0)
    assert len(server.taken) == len(set(server.taken))


# The sandbox's own faults


@pytest.mark.parametrize("fault", ["500-after", "reset-after", "garbled"])
def test_accepted_by_the_server_and_lost_on_the_way_is_in_doubt_and_never_sent_again(
    project: Project, serve: Serve, fault: str
) -> None:
    server = serve("--fault", f"{fault}:first:1")
    said = summary(send(project, server.url, *ONE_BY_ONE))
    assert (counts(said), said["exitCode"]) == ((2, 0, 1, 0), 6)
    again = summary(send(project, server.url))
    assert (counts(again), again["exitCode"]) == ((2, 0, 1, 0), 6)
    arrived = [line["reference"] for line in server.record if line["messageId"] is not None]
    assert len(arrived) == len(set(arrived)) == 3


def test_under_all_faults_at_once_nobody_gets_two_and_the_counts_agree(project: Project, serve: Serve) -> None:
    faults = ("429:5%", "500:3%", "500-after:3%", "reset-before:3%", "reset-after:3%", "cut:3%", "garbled:3%")
    more = ("400:3%", "202-rejected:3%")
    server = serve("--rate", "100000", "--seed", "7", *(part for one in faults + more for part in ("--fault", one)))
    project.people(500)
    with_policy(project)
    ran = send(project, server.url)
    accepted, rejected, doubtful, planned = counts(summary(ran))
    assert (ran.code, planned) == (6, 0)
    went_out = [line["reference"] for line in server.record if line["messageId"] is not None]
    assert len(went_out) == len(set(went_out))
    held = {f"fp1.{line['key']}": line["state"] for line in status(project, server.url)}
    assert accepted == sum(line["decision"] in ("accepted", "cut") for line in server.record)
    for line in server.record:
        if line["decision"] in ("accepted", "cut"):
            assert held[line["reference"]] == "accepted"
        elif line["decision"] in ("400", "202-rejected"):
            assert held[line["reference"]] == "rejected"
    assert sum(state == "inDoubt" for state in held.values()) == doubtful
    assert rejected == sum(line["decision"] in ("400", "202-rejected") for line in server.record)
