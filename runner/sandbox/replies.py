"""The replies that are not messages: Bird's RequestError and ValidationError."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Bird documents the shape {code, message}, not the words; only InvalidPayload was seen live (api.md, 1.5).
STATUS_CODES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthorized",
    402: "PaymentRequired",
    403: "Forbidden",
    404: "ResourceNotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    413: "PayloadTooLarge",
    422: "InvalidPayload",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
INVALID = "One or more fields provided in the request body are malformed"
INVALID_QUERY = "One or more query parameters are malformed"


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def compact_json(document: Any) -> bytes:
    """JSON without spaces or line breaks; in ASCII, so that a lone surrogate in a request can be echoed too."""
    return _ENCODER.encode(document).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back: a status, headers and a JSON document."""

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return compact_json(self.document)


def request_error(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Reply:
    code = STATUS_CODES.get(status, "RequestError")
    return Reply(status=status, document={"code": code, "message": message}, headers=headers or {})


def validation_error(details: Mapping[str, list[str]], *, message: str = INVALID) -> Reply:
    """422 with the words for each place, keyed as Bird does: `.receiver.contacts[0]`."""
    return Reply(status=422, document={"code": STATUS_CODES[422], "message": message, "details": dict(details)})
