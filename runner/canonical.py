"""One spelling for one JSON value: what is hashed is what is posted."""

import hashlib
import json
from collections.abc import Mapping

from .model import Json

# Kept: json.dumps makes a new encoder for every value.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
quoted = json.encoder.encode_basestring  # what that encoder makes of a text, not encoded yet


def canonical(value: Json) -> bytes:
    """Sorted keys, no white space, UTF-8. Raises ValueError for NaN, infinity and a lone surrogate."""
    return _encode(value).encode()


def canonical_text(value: Json) -> str:
    """As `canonical`, not encoded yet; a text takes the shortest way."""
    return quoted(value) if value.__class__ is str else _encode(value)


def payload_hash(request: Mapping[str, Json]) -> str:
    """SHA-256 in hex of the canonical request without its `reference`, which says who sent it, not what it says."""
    return hashlib.sha256(
        canonical({name: value for name, value in request.items() if name != "reference"})
    ).hexdigest()
