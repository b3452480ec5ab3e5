"""What is looked up at Bird before anything goes out, and how each end of it is told: real commands, real servers."""

import json
import signal
import subprocess
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHANNEL, KEY, MANIFEST, WORKSPACE, Project, Serve, clean_environment, command
from tests.test_output_schemas import fits

from .raw_server import ACCEPTED, Line, RawServer, fit_channel, reply, replying
from .sending import counts, posts, send, sending, summary

OTHER = "0b1f7f0e-54cb-4a4d-9c0e-7a2e6f1d3c33"
PROJECT = "ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318"
PICTURE = """\
  picture:
    channel: sms
    to: people
    body: {type: image, image: {images: [{mediaUrl: "https://acme.example/a.png"}], text: "Hi {{ name }}"}}
"""
ATTACHED = """\
  picture:
    channel: sms
    to: people
    body:
      type: text
      text: {text: "Hi {{ name }}", attachments: [{mediaUrl: "https://acme.example/a.png", filename: a.png}]}
"""
TEMPLATE = f"""\
  template:
    channel: sms
    to: people
    template: {{projectId: {PROJECT}, version: latest, locale: en}}
"""
NO_MMS = {"capabilities": {"messaging": {"messaging": {"outgoing": {"mms": {"status": "inactive"}}}}}}


def channels(tmp_path: Path, *more: dict[str, Any], templates: Any = (), **fields: Any) -> tuple[str, str]:
    """The option that tells a sandbox of the manifest's channel, and of more."""
    given = [{"workspaceId": WORKSPACE, "channelId": CHANNEL, "name": "US", **fields}, *more]
    path = tmp_path / "channels.json"
    path.write_text(json.dumps({"channels": given, "templates": list(templates)}))
    return "--channels", str(path)


def test_a_channel_that_is_not_active_is_refused_before_anything_goes_out(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    server = serve(*channels(tmp_path, shows={"status": "suspended"}))
    ran = send(project, server.url)
    said = summary(ran)
    assert (ran.code, posts(server), counts(said)) == (4, 0, (0, 0, 0, 3))
    assert 'channel sms: status is "suspended"' in said["stopped"]
    assert "nothing was sent" in ran.err
    assert counts(summary(send(project, server.url, "--skip-channel-check"))) == (3, 0, 0, 0)


def test_a_key_that_may_not_look_sends_text_and_no_media_unless_told(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    server = serve(*channels(tmp_path, lookUps=[403]))
    ran = send(project, server.url)
    assert (ran.code, counts(summary(ran))) == (0, (3, 0, 0, 0))
    assert "warning: channel sms: this key may not look it up (HTTP 403" in ran.err
    project.write("hello.yaml", MANIFEST + PICTURE)
    ran = send(project, server.url)
    assert (ran.code, counts(summary(ran)), posts(server)) == (4, (3, 0, 0, 3), 3)
    assert "--skip-channel-check" in ran.err
    assert counts(summary(send(project, server.url, "--skip-channel-check"))) == (6, 0, 0, 0)


def test_media_through_a_channel_without_mms_are_refused_with_the_value_that_was_found(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    server = serve(*channels(tmp_path, shows=NO_MMS))
    project.write("hello.yaml", MANIFEST.replace(", mms: true", "") + ATTACHED)
    refused = send(project, server.url)
    assert (refused.code, {finding["code"] for finding in refused.json["findings"]}) == (1, {"CHN710"})
    project.write("hello.yaml", MANIFEST + ATTACHED)
    ran = send(project, server.url)
    assert (ran.code, posts(server)) == (4, 0)
    assert 'capabilities.messaging.messaging.outgoing.mms.status is "inactive"' in ran.err
    trial = send(project, server.url, "--test-to", "+14155550199", "--message", "picture")
    assert (trial.code, posts(server)) == (4, 0)


def test_a_channel_that_bird_does_not_know_is_7(project: Project, serve: Serve, tmp_path: Path) -> None:
    server = serve(*channels(tmp_path, lookUps=[404]))
    ran = send(project, server.url)
    assert (ran.code, posts(server), counts(summary(ran))) == (7, 0, (0, 0, 0, 3))
    assert "HTTP 404" in ran.err
    assert ran.err.rstrip().splitlines()[-1].startswith("Go on with: flypast send hello.yaml")


def test_nobody_listening_is_11_and_nothing_is_in_doubt(project: Project) -> None:
    with RawServer(replying(ACCEPTED)) as server:
        url = server.url
    ran = send(project, url)
    assert (ran.code, counts(summary(ran))) == (11, (0, 0, 0, 3))
    assert "could not be looked up: no connection to 127.0.0.1" in ran.err


def test_a_redirect_is_not_followed(project: Project) -> None:
    with RawServer(replying(ACCEPTED)) as elsewhere:

        def redirects(line: Line) -> None:
            line.unnoted_head()
            line.say(reply("307 Temporary Redirect", b"", f"Location: {elsewhere.url}/"))

        with RawServer(replying(ACCEPTED), look_up=redirects) as server:
            ran = send(project, server.url)
        assert (ran.code, server.requests, elsewhere.received) == (11, [], b"")


def test_only_channels_that_the_run_sends_through_are_looked_up(project: Project, serve: Serve, tmp_path: Path) -> None:
    other = {"workspaceId": WORKSPACE, "channelId": OTHER, "lookUps": [404]}
    server = serve(*channels(tmp_path, other))
    second = f"  other: {{workspaceId: {WORKSPACE}, channelId: {OTHER}, mms: true}}\n"
    message = PICTURE.replace("channel: sms", "channel: other")
    project.write("hello.yaml", MANIFEST.replace("recipients:", second + "recipients:") + message)
    assert send(project, server.url, "--message", "greet").code == 0
    assert send(project, server.url, "--message", "greet").code == 0, "nothing goes out: nothing is looked up"
    online = ("plan", "hello.yaml", "--online", "--api-url", server.url)
    assert project.run(*online, BIRD_ACCESS_KEY=KEY).code == 7
    assert send(project, server.url).code == 7


def test_a_signal_during_the_look_up_ends_the_run_with_nothing_sent(project: Project) -> None:
    asked: list[bytes] = []

    def silent(line: Line) -> None:
        asked.append(line.unnoted_head())
        line.hang()

    with RawServer(replying(ACCEPTED), look_up=silent) as server:
        process = subprocess.Popen(
            command(*sending(server.url, "--format", "json")),
            cwd=project.path,
            env=clean_environment(BIRD_ACCESS_KEY=KEY),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        give_up_s = time.monotonic() + 30
        while not asked and time.monotonic() < give_up_s:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    said = json.loads(out)
    assert (process.returncode, said["exitCode"], counts(said)) == (130, 130, (0, 0, 0, 3)), err
    assert ("Traceback" in err, server.requests) == (False, [])


def test_retry_looks_too(project: Project, serve: Serve, tmp_path: Path) -> None:
    server = serve(*channels(tmp_path, lookUps=[200, 404]), "--fault", "202-busy")
    assert send(project, server.url).code == 5
    retry = ("retry", "hello.yaml", "--yes", "--api-url", server.url)
    assert project.run(*retry, BIRD_ACCESS_KEY=KEY).code == 7
    assert posts(server) == 3


# plan --online


def test_a_plan_looks_online_only_when_told_and_says_what_it_saw(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    project.write("hello.yaml", MANIFEST + TEMPLATE)
    template = {"workspaceId": WORKSPACE, "projectId": PROJECT, "id": OTHER, "localeStatuses": {"en": "active"}}
    server = serve(*channels(tmp_path, lookUps=[200, 404], templates=[{**template, "status": "draft"}]))
    plan = ("plan", "hello.yaml", "--api-url", server.url, "--format", "json")
    without = fits("plan", project.run(*plan).json)
    assert without["online"] is None
    assert {"channel sms not looked up: no key", "template of template not looked up: no key"} <= set(
        without["notChecked"]
    )
    keyed = project.run(*plan, BIRD_ACCESS_KEY=KEY).json
    assert "channel sms not looked up: plan --online does" in keyed["notChecked"]
    ran = project.run(*plan, "--online", BIRD_ACCESS_KEY=KEY)
    found = fits("plan", ran.json)
    assert (ran.code, [check["status"] for check in found["online"]]) == (4, ["pass", "fail"])
    assert len(found["refusals"]) == 1
    assert "no version is active, only draft" in found["refusals"][0]
    assert not [words for words in found["notChecked"] if "looked up" in words]
    assert found["digest"] == without["digest"]
    skipped = project.run(*plan, "--online", "--skip-channel-check", BIRD_ACCESS_KEY=KEY)
    assert "channel sms not looked up, as --skip-channel-check says" in skipped.json["notChecked"]
    text = project.run("plan", "hello.yaml", "--api-url", server.url, "--online", BIRD_ACCESS_KEY=KEY)
    assert text.code == 7
    assert "Looked up at Bird\n  fail  channel sms: Bird refuses" in text.out


def test_a_plan_online_needs_the_key_and_what_it_skips_needs_it_online(project: Project) -> None:
    ran = project.run("plan", "hello.yaml", "--online")
    assert (ran.code, "there is no access key" in ran.err) == (4, True)
    assert project.run("plan", "hello.yaml", "--skip-channel-check").code == 2


# doctor


def checks(ran: Any) -> dict[str, str]:
    return {check["name"]: check["status"] for check in fits("doctor", ran.json)["checks"]}


def test_the_doctor_looks_at_key_permission_channels_templates_and_clock(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    project.write("hello.yaml", MANIFEST + TEMPLATE)
    server = serve(*channels(tmp_path, lookUps=[200, 403, 401]))
    doctor = ("doctor", "hello.yaml", "--api-url", server.url, "--format", "json")
    ran = project.run(*doctor, BIRD_ACCESS_KEY=KEY)
    name = "template of template (ce6a2fd6…, version latest, en)"
    expected = {"access key": "pass", "permission": "pass", "channel sms": "pass", name: "fail", "clock": "pass"}
    assert (ran.code, {each: checks(ran)[each] for each in expected}) == (1, expected)
    forbidden = checks(project.run(*doctor, BIRD_ACCESS_KEY=KEY))
    assert (forbidden["permission"], forbidden["channel sms"]) == ("warn", "warn")
    refused = project.run(*doctor, BIRD_ACCESS_KEY=KEY)
    assert (refused.code, checks(refused)["access key"]) == (1, "fail")


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("bk_us1_0123456789", "fail", "newer developer platform"),
        ("two words", "fail", "a space"),
        ("", "warn", "none"),
    ],
)
def test_the_doctor_does_not_try_a_key_that_can_be_none(project: Project, key: str, status: str, words: str) -> None:
    with RawServer(replying(ACCEPTED)) as server:
        doctor = ("doctor", "hello.yaml", "--api-url", server.url, "--format", "json")
        ran = project.run(*doctor, BIRD_ACCESS_KEY=key)
        assert (checks(ran)["access key"], server.received, server.looking) == (status, b"", 0)
    (found,) = [check["found"] for check in ran.json["checks"] if check["name"] == "access key"]
    assert words in found
    assert not key or key not in ran.out


@pytest.mark.parametrize(("off_s", "status"), [(-120, "warn"), (900, "fail")])
def test_the_doctor_holds_the_clock_against_birds(project: Project, off_s: int, status: str) -> None:
    def tells_time(line: Line) -> None:
        body = json.dumps(fit_channel(line.unnoted_head())).encode()
        line.say(reply("200 OK", body, f"Date: {formatdate(time.time() + off_s, usegmt=True)}"))

    with RawServer(replying(ACCEPTED), look_up=tells_time) as server:
        doctor = ("doctor", "hello.yaml", "--api-url", server.url, "--format", "json")
        ran = project.run(*doctor, BIRD_ACCESS_KEY=KEY)
    assert (checks(ran)["clock"], ran.code) == (status, int(status == "fail"))


# channels


def test_a_workspaces_channels_are_listed_and_their_names_are_inert(
    project: Project, serve: Serve, tmp_path: Path
) -> None:
    paused = {"capabilities": {"messaging": {"messaging": {"outgoing": {"mms": {"paused": True}}}}}}
    odd = {"workspaceId": WORKSPACE, "channelId": OTHER, "name": "\x1b[2J::error::x", "shows": paused}
    server = serve(*channels(tmp_path, odd))
    listing = ("channels", "--api-url", server.url)
    ran = project.run(*listing, "hello.yaml", BIRD_ACCESS_KEY=KEY)
    assert (ran.code, "\x1b" in ran.out, "::error" in ran.out) == (0, False, False)
    assert ran.out.splitlines()[1].split() == ["US", "active", "sms-messagebird", "+12025550100", "active", CHANNEL]
    found = fits(
        "channels", project.run(*listing, "--workspace", WORKSPACE, "--format", "json", BIRD_ACCESS_KEY=KEY).json
    )
    assert [channel["mms"] for channel in found["channels"]] == ["active", "paused"]
    lines = project.run(*listing, "hello.yaml", "--format", "jsonl", BIRD_ACCESS_KEY=KEY).lines
    assert [fits("channels-line", line)["id"] for line in lines] == [CHANNEL, OTHER]
    assert project.run(*listing, "--workspace", PROJECT, BIRD_ACCESS_KEY=KEY).code == 7, "no such workspace"


def test_channels_needs_one_place_to_look_and_a_key(project: Project) -> None:
    assert project.run("channels", BIRD_ACCESS_KEY=KEY).code == 2
    assert project.run("channels", "hello.yaml", "--workspace", WORKSPACE, BIRD_ACCESS_KEY=KEY).code == 2
    assert project.run("channels", "--workspace", "../x", BIRD_ACCESS_KEY=KEY).code == 4
    assert project.run("channels", "hello.yaml").code == 4
