import copy
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bird.requests import (
    AccessKey,
    api_origin,
    carries_media,
    channel_path,
    channels_path,
    headers,
    is_loopback,
    media_urls,
    message_url,
    parse_api_url,
    personal_texts,
    said,
    scheduled_for,
    sms_text,
    templates_path,
)
from runner.canonical import canonical
from runner.errors import Exit, FlypastError, Refused, UsageError

from .peer import CHANNEL, PATH

SAMPLES = Path(__file__).parent.parent / "bird_requests"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


# The access key


def test_a_key_goes_into_its_header_without_the_line_break_of_its_file() -> None:
    assert AccessKey(" k3y\n").header() == "AccessKey k3y"
    assert headers(AccessKey("k3y"))["Authorization"] == "AccessKey k3y"


def test_a_key_never_shows() -> None:
    key = AccessKey("k3y-unseen")
    assert "k3y" not in f"{key} {key!r} {[key]} {key!s:>20}"
    assert "k3y-unseen" not in str(getattr(key, "__dict__", ""))


def test_a_key_cannot_be_copied_out_by_pickle() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(AccessKey("k3y"))
    with pytest.raises(TypeError):
        copy.copy(AccessKey("k3y"))


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_key_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        AccessKey(text)


@pytest.mark.parametrize(
    "text", ["k3y\r\nX-Evil: 1", "k3y\n2", "k 3y", "k3y\0", "k3\x7fy", "schlüssel", "k" * 1025, "k3y\u2028x"]
)
def test_a_key_that_would_break_out_of_its_header_is_refused_unshown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        AccessKey(text)
    assert caught.value.exit_code is Exit.USAGE
    assert "k3" not in caught.value.message + (caught.value.hint or "")


# The addresses


def test_a_message_url_is_made_of_the_two_ids() -> None:
    assert message_url("https://api.bird.com", CHANNEL) == f"https://api.bird.com{PATH}"


@pytest.mark.parametrize("bad", ["", "..", "../../x", "3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22\n", "{{ id }}", "a" * 36])
def test_only_uuids_enter_a_path(bad: str) -> None:
    for channel in (replace(CHANNEL, channel_id=bad), replace(CHANNEL, workspace_id=bad)):
        with pytest.raises(Refused):
            message_url("https://api.bird.com", channel)


@pytest.mark.parametrize(
    ("text", "url", "origin"),
    [
        ("https://api.bird.com", "https://api.bird.com", "https://api.bird.com"),
        ("https://api.bird.com/", "https://api.bird.com", "https://api.bird.com"),
        ("HTTPS://API.Bird.com:443/v2/", "https://api.bird.com/v2", "https://api.bird.com"),
        ("https://api.bird.com:8443", "https://api.bird.com:8443", "https://api.bird.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.1:80/x", "http://127.8.9.1/x", "http://127.8.9.1"),
        ("http://localhost:1", "http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8080/", "http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080", "http://[::1]:8080"),
        ("https://192.0.2.7", "https://192.0.2.7", "https://192.0.2.7"),
    ],
)
def test_an_api_address_has_one_spelling(text: str, url: str, origin: str) -> None:
    assert parse_api_url(text) == url
    assert parse_api_url(url) == url
    assert api_origin(url) == origin
    assert api_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.bird.com",
        "ftp://api.bird.com",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "http://api.bird.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.1",
        "https://127.1",
        "https://0x7f.1",
        "https://2130706433",
        "http://0.0.0.0:80",
        "http://[2001:db8::1]",
        "http://[::1",
        "https://[::1%25eth0]",
        "https://user@api.bird.com",
        "https://user:pass@api.bird.com",
        "https://@api.bird.com",
        "https://evil.example\\@api.bird.com",
        "https://api.bird.com?x=1",
        "https://api.bird.com?",
        "https://api.bird.com#x",
        "https://api.bird.com#",
        "https://api.bird.com:0",
        "https://api.bird.com:65536",
        "https://api.bird.com:x",
        "https://api.bird.com/../x",
        "https://api.bird.com/a//b",
        "https://api.bird.com/%2e%2e",
        "https://api.bird.com/ x",
        " https://api.bird.com",
        "https://api.bird.com\n",
        "https://api.bi\trd.com",
        "https://bücher.example",
        "https://-api.bird.com",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 130 + "example",
        "https://api..bird.com",
    ],
)
def test_any_other_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_api_url(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["https://user:hunter2@api.bird.com", "https://u:hunter2/x@api.bird.com", "u:hunter2@api.bird.com"]
)
def test_a_password_in_an_address_is_not_shown_again(text: str) -> None:
    with pytest.raises(FlypastError) as caught:
        parse_api_url(text)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("http://127.0.0.1:8080", True),
        ("https://127.255.0.3", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("https://api.bird.com", False),
        ("https://128.0.0.1", False),
        ("https://[2001:db8::1]", False),
        ("https://localhost.example", False),
    ],
)
def test_loopback_is_this_machine_alone(url: str, is_it: bool) -> None:
    assert is_loopback(url) is is_it


# The fields that are interpreted


def test_the_text_of_an_sms_is_found() -> None:
    text = sms_text({"body": sample("text")})
    assert text == sample("text")["text"]["text"]


@pytest.mark.parametrize("name", ["image-single-text", "file-single-text"])
def test_a_message_with_media_is_no_sms(name: str) -> None:
    assert sms_text({"body": sample(name)}) is None


@pytest.mark.parametrize("request_", [{}, {"body": None}, {"body": {"type": "text"}}, {"template": {}}, {"body": []}])
def test_a_request_without_a_text_has_none(request_: Any) -> None:
    assert sms_text(request_) is None
    assert media_urls(request_) == ()


def test_a_text_is_that_of_its_type_alone() -> None:
    assert sms_text({"body": {"type": "image", "text": {"text": "Hi"}}}) is None


@pytest.mark.parametrize(("name", "count"), [("image-single", 1), ("image-multiple", 2), ("file-multiple-text", 2)])
def test_the_media_of_an_mms_are_found(name: str, count: int) -> None:
    assert len(media_urls({"body": sample(name)})) == count


def test_the_time_of_a_scheduled_message_is_found() -> None:
    assert scheduled_for({"scheduledFor": "2026-03-01T09:00:00Z"}) == "2026-03-01T09:00:00Z"
    assert scheduled_for({"scheduledFor": None}) is None
    assert scheduled_for({}) is None


def test_personal_are_texts_and_values_but_not_what_chooses_a_shape() -> None:
    request = {
        "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "+14155550100"}]},
        "template": {"locale": "en-US", "parameters": [{"type": "string", "key": "name", "value": "Robert"}]},
        "reference": "fp1.abc",
        "tags": ["spring"],
        "priority": 12345,
        "short": "ab",
    }
    assert personal_texts(request) == ("+14155550100", "Robert")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bk_us1_0123456789", "newer developer platform"),
        ("bird_live_0123456789", "newer developer platform"),
        ("whsec_0123456789", "webhook"),
        ("live_0123456789", "older MessageBird"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.abc", "token"),
    ],
)
def test_a_key_of_another_product_is_known_by_its_beginning(text: str, words: str) -> None:
    assert words in (AccessKey(text).other_product or "")


@pytest.mark.parametrize("text", ["AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIj", "eyJhbGciOiJIUzI1NiJ9", "Bk_0", "livelihood"])
def test_a_key_that_may_be_one_is_not_suspected(text: str) -> None:
    assert AccessKey(text).other_product is None


@pytest.mark.parametrize(
    ("request_", "carries"),
    [
        ({"body": {"type": "text", "text": {"text": "Hi"}}}, False),
        (
            {"body": {"type": "text", "text": {"text": "Hi", "attachments": [{"mediaUrl": "https://a.example/a"}]}}},
            True,
        ),
        ({"body": {"type": "image", "image": {"images": [{"mediaUrl": "https://a.example/a"}]}}}, True),
        ({"body": {"type": "file", "file": {"files": "{{ files }}"}}}, True),
        ({"template": {"projectId": "p", "attachments": [{"mediaUrl": "https://a.example/a"}]}}, True),
        ({"template": {"projectId": "p"}}, False),
        ({"body": None, "template": 5}, False),
    ],
)
def test_what_carries_media_is_an_mms_on_an_sms_channel(request_: Any, *, carries: bool) -> None:
    assert carries_media(request_) is carries


def test_paths_of_channels_and_templates_stay_below_their_workspace() -> None:
    assert channel_path(CHANNEL) == f"/workspaces/{CHANNEL.workspace_id}/channels/{CHANNEL.channel_id}"
    assert channels_path(CHANNEL.workspace_id) == f"/workspaces/{CHANNEL.workspace_id}/channels"
    hostile = templates_path(CHANNEL.workspace_id, "../x?y=1#z")
    assert hostile == f"/workspaces/{CHANNEL.workspace_id}/projects/..%2Fx%3Fy%3D1%23z/channel-templates"
    with pytest.raises(Refused):
        channels_path("../..")


def said_by(request_: Any) -> str:
    return said(canonical(request_))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"body": sample("text"), "reference": "a"}, {"body": sample("text"), "reference": "b", "tags": ["x"]}),
        ({"body": sample("text")}, {"body": sample("text"), "scheduledFor": "2026-03-01T13:00:00Z"}),
        (
            {"body": {"type": "text", "text": {"text": "Hi."}}},
            {"body": {"type": "image", "image": {"text": "Hi.", "images": [{"mediaUrl": "https://a.example/1.png"}]}}},
        ),
        (
            {"body": {"type": "image", "image": {"images": [{"mediaUrl": "https://a.example/1.png"}]}}},
            {"body": {"type": "image", "image": {"text": "", "images": [{"mediaUrl": "https://a.example/1.png"}]}}},
        ),
        (
            {"template": {"projectId": "p", "version": "v", "locale": "en", "parameters": []}},
            {"template": {"projectId": "p", "version": "v", "locale": "en", "parameters": [], "shortLinks": {}}},
        ),
    ],
)
def test_two_requests_that_read_alike_say_the_same(one: Any, other: Any) -> None:
    assert said_by(one) == said_by(other)


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])), more=st.dictionaries(st.text(), st.text()))
def test_a_plain_text_is_read_off_as_it_is_read_out(text: str, more: dict[str, str]) -> None:
    """Whatever stands beside it, and in another spelling of JSON too."""
    request_: Any = {**more, "body": {"type": "text", "text": {"text": text}}, "reference": "r"}
    spelt = json.dumps(request_, sort_keys=True, separators=(",", ":")).encode()
    assert said_by(request_) == said(spelt) == said(json.dumps(request_).encode())
    assert said_by({**request_, "receiver": {"contacts": []}}) == said_by(request_)


def test_two_requests_that_read_otherwise_do_not() -> None:
    requests: list[Any] = [
        {"body": {"type": "text", "text": {"text": "Hi."}}},
        {"body": {"type": "text", "text": {"text": "Hi"}}},
        {"body": {"type": "image", "image": {"images": [{"mediaUrl": "https://a.example/1.png"}]}}},
        {"body": {"type": "image", "image": {"images": [{"mediaUrl": "https://a.example/2.png"}]}}},
        {"template": {"projectId": "p", "version": "v", "locale": "en"}},
        {"template": {"projectId": "p", "version": "v", "locale": "de"}},
        {"template": {"projectId": "p", "version": "v", "locale": "en", "parameters": [{"key": "a", "value": "1"}]}},
        {"body": {"type": "list", "list": {"items": [1]}}},
        {"body": {"type": "list", "list": {"items": [2]}}},
        {"receiver": {}},
    ]
    assert len({said_by(each) for each in requests}) == len(requests)


@given(st.text(min_size=1), st.booleans())
def test_what_a_text_says_is_the_same_by_the_short_way_and_by_reading_all(text: str, is_alone: bool) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    inner = {"text": text} if is_alone else {"text": text, "actions": []}
    request = {"body": {"type": "text", "text": inner}, "receiver": {"contacts": []}}
    assert said(canonical(request)) == canonical(["text", text]).decode()
