"""What Bird's documentation says of codes of failures ("Message Failure Codes"): those it names, else their range."""

import re
from collections.abc import Mapping

_KNOWN: Mapping[int, str] = {
    11001: "INVALID_CHANNEL_CONFIGURATION: the channel is not set up for this message",
    11002: "INVALID_INPUT: the message is not as Bird wants it",
    12001: "DEPENDENCY_ERROR: a service that Bird needs failed",
    12002: "UNSUPPORTED_TYPE: the channel can't send this kind of message",
    12003: "UNSUPPORTED_DESTINATION: this sender may not send to that place",
    15001: "the platform failed: a network error, for example",
    15005: "the carrier could not deliver it: an unknown subscriber, for example",
}
_RANGES: Mapping[str, str] = {
    "11": "Bird's check of the message refused it",
    "12": "a service of Bird's failed",
    "14": "something to set right in your account at Bird",
    "15": "the platform or the carrier failed",
}


def meaning(code: str) -> str | None:
    """None for what is no code of a failure, or of no range that is documented."""
    if not re.fullmatch(r"[0-9]{5}", code):
        return None
    return _KNOWN.get(int(code)) or _RANGES.get(code[:2])
