"""Requests to Bird's Channels API: the address, the headers, the few fields we interpret. No I/O."""

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn
from urllib.parse import SplitResult, quote, urlsplit

from runner import __version__
from runner.canonical import canonical, canonical_text, quoted
from runner.errors import Refused, UsageError
from runner.model import Channel, Json

DEFAULT_API_URL = "https://api.bird.com"

# Where Bird's send request holds what we interpret. Everything else in it passes through unread.
TEXT_PATHS = (("body", "text", "text"), ("body", "image", "text"), ("body", "file", "text"))
MEDIA_PATHS = (("body", "image", "images"), ("body", "file", "files"))
TEMPLATE_VERSION = ("template", "version")
LATEST = "latest"
OVERRIDES = ("ignoreQuietHours", "ignoreGlobalHoldout")  # true: Bird's own restraint is set aside
ATTACHMENT_PATHS = (("body", "text", "attachments"), ("template", "attachments"))
SCHEDULED_FOR = "scheduledFor"
VALIDITY = "validity"
REFERENCE = "reference"

# Bird, "Send batch messages": a batch holds up to 100. What one request may weigh is nowhere told; 200 KB was seen.
MOST_IN_BATCH = 100
LARGEST_BATCH = 200_000  # bytes
BATCH_PATH = "/batch/messages"  # beside a channel's own

# Strings under these keys choose a shape or name a thing of ours or Bird's; every other string may be about a person.
_IMPERSONAL = frozenset(
    {"type", "key", "identifierKey", "locale", "version", "projectId", "contentType", "mediaUrl", "tags", REFERENCE}
)

# What Bird's pages name for MMS ("Best practices for MMS campaigns", "Sending SMS messages"), and how addresses end.
_MEDIA_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "video/mp4", "audio/mpeg"})
_SUFFIXES = frozenset({"png", "jpg", "jpeg", "gif", "mp4", "mp3"})
_MADE_ON_DEMAND = frozenset({"php", "asp", "aspx", "ashx", "jsp", "cgi", "do"})  # these say nothing of what comes
_SUFFIX = re.compile(r"^https?://[^/?#]+/[^?#]*\.(?=[0-9]{0,4}[A-Za-z])([0-9A-Za-z]{1,5})(?:[?#]|$)")
_READ_OF_TEMPLATE = ("projectId", "version", "locale", "parameters")

# How the canonical JSON of a request begins that says a text alone, where nothing in that is escaped.
_PLAIN_TEXT = re.compile(rb'\{"body":\{"text":\{"text":("[^"\\\x00-\x1f]+")\},"type":"text"\}[,}]')

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URL = re.compile(r"[!-~]{1,2000}")  # visible ASCII: urlsplit would drop tabs and newlines without a word
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_KEY = re.compile(r"[!-~]{1,1024}")
_OTHER_KEYS = (
    (re.compile("bk_"), "a key of Bird's newer developer platform (bk_…)"),
    (re.compile("bird_"), "a key of Bird's newer developer platform (bird_…)"),
    (re.compile("whsec_"), "a webhook's signing secret (whsec_…)"),
    (re.compile("(live|test)_"), "a key of the older MessageBird API (live_… or test_…)"),
    (re.compile(r"eyJ[^.]*\."), "a session's token (a JWT)"),
)


class AccessKey:
    """Bird's access key. It never shows in a repr, a message or a log; `header` is its only way out."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        """Surrounding white space is dropped: files end in a newline. Raises Refused when nothing is left."""
        text = text.strip()
        if not text:
            raise Refused("the access key is empty", hint="set BIRD_ACCESS_KEY, or name a file with --access-key-file")
        if not _KEY.fullmatch(text):
            raise UsageError(
                "the access key holds a space, a line break or another character that no key has",
                hint="copy it again from Bird: one line of letters, digits and signs",
            )
        self.__text = text

    @property
    def other_product(self) -> str | None:
        """What it is by its beginning, where that is no key of the Channels API; None where nothing speaks against it.

        Bird has three products with keys of their own ("API Authorization"; the SDKs of the other two).
        """
        return next((what for form, what in _OTHER_KEYS if form.match(self.__text)), None)

    def header(self) -> str:
        """The value of `Authorization`."""
        return f"AccessKey {self.__text}"

    def blotted(self, text: bytes) -> bytes:
        """What a server said, without the key: one that repeats it must not bring it into a log or a ledger."""
        if len(self.__text) < 8:  # no real key is so short; blotting one out would break every word
            return text
        return text.replace(self.__text.encode(), b"***")

    def __repr__(self) -> str:
        return "AccessKey(…)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("an access key can't be copied or pickled")


def headers(key: AccessKey) -> dict[str, str]:
    """What every request carries. `identity`: a compressed reply could expand without bound."""
    return {
        "Authorization": key.header(),
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": f"flypast/{__version__}",
    }


def message_url(base: str, channel: Channel) -> str:
    """Where a channel's messages are posted and listed. Raises Refused unless both ids are UUIDs."""
    for name, value in (("workspaceId", channel.workspace_id), ("channelId", channel.channel_id)):
        if not _UUID.fullmatch(value):
            raise Refused(f"channel {channel.name}: {name} is not a UUID: {value!r}", hint="copy it from Bird")
    return f"{base}/workspaces/{channel.workspace_id}/channels/{channel.channel_id}/messages"


def batch_url(base: str, channel: Channel) -> str:
    """Where a channel's batches are posted. Raises Refused as `message_url` does."""
    return f"{message_url(base, channel).removesuffix('/messages')}{BATCH_PATH}"


def batched(bodies: Iterable[bytes]) -> bytes:
    """One request for all of these, each as it would be posted by itself, byte by byte."""
    return b'{"messageRequests":[%b]}' % b",".join(bodies)


def channel_path(channel: Channel) -> str:
    """Where a channel itself is looked up. Raises Refused as `message_url` does."""
    return message_url("", channel).removesuffix("/messages")


def channels_path(workspace_id: str) -> str:
    """Where a workspace's channels are listed. Raises Refused unless its id is a UUID."""
    if not _UUID.fullmatch(workspace_id):
        raise Refused(f"the workspace's id is not a UUID: {workspace_id!r}", hint="copy it from Bird")
    return f"/workspaces/{workspace_id}/channels"


def templates_path(workspace_id: str, project_id: str) -> str:
    """Where the templates of a Studio project are listed ("Message Templates" of Bird's Touchpoints API)."""
    return f"/workspaces/{workspace_id}/projects/{quote(project_id, safe='')}/channel-templates"


def parse_api_url(text: str) -> str:
    """The API's address without a trailing slash, e.g. `https://api.bird.com`.

    Only https, or http to this very machine: the access key goes there. Raises UsageError.
    """
    parts = _split(text)
    host = _host(parts, text)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _bad_url(text, "it must not hold a user or a password")
    if "?" in text or "#" in text:
        raise _bad_url(text, "it must not have a query or a fragment")
    if parts.scheme not in ("http", "https"):
        raise _bad_url(text, "it must start with https://")
    if parts.scheme == "http" and not _is_loopback_host(host):
        raise _bad_url(text, "http would show the access key to the network: only https, or http to this machine")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or ".." in path.split("/") or "." in path.split("/"):
        raise _bad_url(text, "its path has a character or a part that it can't have")
    return f"{_origin(parts, host)}{path}"


def api_origin(url: str) -> str:
    """Scheme, host and port (unless it is the scheme's own) of an API's address: what a ledger is bound to."""
    parts = _split(url)
    return _origin(parts, _host(parts, url))


def is_loopback(url: str) -> bool:
    """Whether an API's address is this very machine: 127.0.0.0/8, ::1 or localhost."""
    return _is_loopback_host(_host(_split(url), url))


def sms_text(request: Mapping[str, Json]) -> str | None:
    """The text that is sent, and paid for, as SMS segments; None for media and templates."""
    path = TEXT_PATHS[0]
    body = request.get("body")
    if (body.__class__ is not dict and not isinstance(body, Mapping)) or body.get("type") != path[1]:
        return None
    text = value_at(request, path)
    return text if isinstance(text, str) else None


def media_urls(request: Mapping[str, Json]) -> tuple[str, ...]:
    """The media an MMS carries; empty for every other message."""
    lists = (found for path in MEDIA_PATHS if isinstance(found := value_at(request, path), list))
    items = (item["mediaUrl"] for found in lists for item in found if isinstance(item, Mapping) and "mediaUrl" in item)
    return tuple(url for url in items if isinstance(url, str))


def is_named_media(key: str, value: str) -> bool:
    """Whether an item's `contentType` or `mediaUrl` is of a kind that Bird's pages name for MMS, or doesn't say."""
    if key == "contentType":
        return value.partition(";")[0].strip().lower() in _MEDIA_TYPES
    suffix = _SUFFIX.match(value)
    return suffix is None or suffix[1].lower() in _SUFFIXES | _MADE_ON_DEMAND


def overrides(request: Mapping[str, Json]) -> tuple[str, ...]:
    """Which of Bird's own restraints a request sets aside: quiet hours, the global holdout."""
    return tuple([name for name in OVERRIDES if request.get(name) is True])


def carries_media(request: Mapping[str, Json]) -> bool:
    """Whether it is an MMS when it goes through an SMS channel; of a draft too, where lists may be expressions."""
    return any(value_at(request, path) for path in (*MEDIA_PATHS, *ATTACHMENT_PATHS))


def scheduled_for(request: Mapping[str, Json]) -> str | None:
    """When Bird shall send it, as written (RFC 3339); None for now."""
    value = request.get(SCHEDULED_FOR)
    return value if isinstance(value, str) else None


def validity_s(request: Mapping[str, Json]) -> int | None:
    """For how many seconds Bird shall try; None where Bird's own default counts."""
    value = request.get(VALIDITY)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def said(body: bytes) -> str:
    """What a request says to whom it goes, as canonical JSON: its text, else its media, its template or its body.

    `body` is the request as posted. Two that say the same differ in nothing that a person reads of an SMS.
    """
    if plain := _PLAIN_TEXT.match(body):  # nearly every SMS, in a fifth of the time
        return f'["text",{plain[1].decode()}]'
    request = json.loads(body)
    texts = (value_at(request, path) for path in TEXT_PATHS)
    text = next((text for text in texts if isinstance(text, str) and text), None)
    if text is not None:
        return f'["text",{quoted(text)}]'  # as canonical JSON, the shortest way
    if urls := media_urls(request):
        return canonical_text(["media", *urls])
    template = request.get("template")
    if isinstance(template, Mapping):
        return canonical_text(["template", {name: template.get(name) for name in _READ_OF_TEMPLATE}])
    return canonical_text(["body", request.get("body")])


def scheduled(body: bytes, at: str) -> bytes:
    """A request as posted, with the time at which Bird shall send it; all else in it stays byte by byte."""
    return canonical({**json.loads(body), SCHEDULED_FOR: at})


def personal_texts(request: Json) -> tuple[str, ...]:
    """The texts and values of a request that Bird's words may quote back and no log may keep; the longest first."""
    # Shorter ones would punch holes into every word.
    return tuple(sorted({text for text in texts_of(request) if len(text) > 2}, key=lambda text: (-len(text), text)))


def texts_of(value: Json) -> Iterator[str]:
    """Every text of a request, or of a part of it, that somebody reads or that may be about a person."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _IMPERSONAL:
                yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)


def value_at(request: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    """What a request holds at a path of keys; None where it does not go so far."""
    found: Json = request
    for key in path:
        if found.__class__ is not dict and not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def _split(text: str) -> SplitResult:
    if not _URL.fullmatch(text) or "\\" in text:
        raise _bad_url(text, "it must be plain ASCII without spaces, line breaks or backslashes")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _bad_url(text, "its host or port can't be read") from None
    if port == 0:
        raise _bad_url(text, "port 0 is no port")
    return parts


def _host(parts: SplitResult, text: str) -> str:
    host = parts.hostname or ""
    if ":" in host:
        address = _address(host)
        if address is None:
            raise _bad_url(text, "it names no host")
        return str(address)
    # 127.1 and 0x7f.1 mean something to some: digits are four numbers or nothing.
    looks_numeric = host.rpartition(".")[2][:1].isdigit()
    if len(host) > 253 or not _HOST.fullmatch(host) or (looks_numeric and _address(host) is None):
        raise _bad_url(text, "it names no host")
    return host


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback_host(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _origin(parts: SplitResult, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    own_port = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{shown}" if parts.port in (None, own_port) else f"{parts.scheme}://{shown}:{parts.port}"


def _bad_url(text: str, why: str) -> UsageError:
    shown = re.sub(r"(?s)^.*@", "…@", text)  # whatever stands before an @ may be a password
    return UsageError(
        f"{shown!r} can't be the API's address: {why}",
        hint=f"give {DEFAULT_API_URL} with --api-url or BIRD_API_URL, or leave both out",
    )
