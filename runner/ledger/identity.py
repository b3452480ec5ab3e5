"""A message's identity: who gets which message of which send, in which workspace. Neither text nor time is in it."""

import hashlib
from collections.abc import Iterable, Sequence

from runner.canonical import canonical
from runner.model import Json

_SCHEME = "flypast1"
_KEY_BYTES = 20  # 160 bits: 32 characters of base32 without padding
_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TO_DIGITS = bytes(_DIGITS[byte % 32] for byte in range(256))


def _spread(groups: int) -> tuple[int, int]:
    """One step of `_base32`: the mask of the high half of each block of groups, and the factor that moves it up.

    A block has twice `groups` groups of 5 bits when the step begins, and room for as many bytes. What is taken out of
    its place and put in 3 bits higher for each group is added as often as 2 to the power of that, less once.
    """
    low = sum((1 << 5 * groups) - 1 << at for at in range(0, 256, 16 * groups))
    return low << 5 * groups, (1 << 3 * groups) - 1


_SPREADS = [_spread(groups) for groups in (16, 8, 4, 2, 1)]
_TOGETHER = 64  # keys that are spread as one number, each in 256 bits of its own
_EACH = sum(1 << 256 * at for at in range(_TOGETHER))
_SPREADS_OF_MANY = [(high * _EACH, factor) for high, factor in _SPREADS]
_ROOM = bytes(32 - _KEY_BYTES)


class _Lengths(dict[int, bytes]):
    """Lengths as they stand before a field. There are few different ones among many rows."""

    def __missing__(self, length: int) -> bytes:
        written = length.to_bytes(4)
        if len(self) < _MOST_LENGTHS:
            self[length] = written
        return written


_MOST_LENGTHS = 4096
_LENGTHS = _Lengths()


class KeyMaker:
    """Makes the keys of one message's recipients; what they share is hashed once."""

    def __init__(self, *, workspace_id: str, name: str, edition: str, message: str) -> None:
        self._shared = hashlib.sha256(_framed((_SCHEME, workspace_id.lower(), name, edition, message)))

    def key(self, address: str, distinct: Sequence[Json] = ()) -> str:
        """32 characters: base32 of 160 bits. Raises ValueError for text that has no UTF-8 (a lone surrogate)."""
        whole, encoded = self._shared.copy(), address.encode()
        framed = len(encoded).to_bytes(4) + encoded
        for value in distinct:
            # 5 and "5" are the same on purpose: a list that moves from CSV to JSON Lines must not send again.
            encoded = value.encode() if isinstance(value, str) else canonical(value)
            framed += len(encoded).to_bytes(4) + encoded
        whole.update(framed)
        return _base32(int.from_bytes(whole.digest()[:_KEY_BYTES]))

    def keys(self, *columns: Sequence[str]) -> list[str]:
        """`key` of many recipients, in a third of the time: their addresses, then each of their distinct values."""
        framed: list[Iterable[bytes]] = []
        for column in columns:
            encoded = list(map(str.encode, column))
            framed += [map(_LENGTHS.__getitem__, map(len, encoded)), encoded]
        digests = []
        for fields in map(b"".join, zip(*framed, strict=True)):
            whole = self._shared.copy()
            whole.update(fields)
            digests.append(whole.digest())
        found: list[str] = []
        for at in range(0, len(digests), _TOGETHER):
            found += _base32_of_many(digests[at : at + _TOGETHER])
        return found


def message_key(
    *, workspace_id: str, name: str, edition: str, message: str, address: str, distinct: Sequence[Json] = ()
) -> str:
    """The key of one message: base32 of the first 160 bits of SHA-256 over its length-prefixed fields."""
    maker = KeyMaker(workspace_id=workspace_id, name=name, edition=edition, message=message)
    return maker.key(address, distinct)


def reference_of(key: str) -> str:
    """What stands in Bird's `reference` unless the manifest gives its own."""
    return f"fp1.{key}"


def text_hash(address: str, said: str) -> str:
    """By what a text is known again under another name: SHA-256 in hex of whom it goes to and what it says."""
    to, text = address.encode(), said.encode()
    framed = _TEXT_SCHEME + len(to).to_bytes(4) + to + len(text).to_bytes(4) + text
    return hashlib.sha256(framed).hexdigest()


def purged_reference(key: str, reference: str) -> str:
    """What a purge leaves of a reference: ours as it is, as it holds the key alone; of an own one `sha256:` and its
    hash, by which it is still known when it comes again."""
    if reference == reference_of(key):
        return reference
    return f"sha256:{hashlib.sha256(reference.encode(errors='replace')).hexdigest()}"


def _base32(number: int) -> str:
    """As base64.b32encode writes 20 bytes, in a third of the time: a key is made for every row.

    Each step halves the blocks of 5-bit groups and moves their high halves up, until each group has a byte of its own.
    """
    for high, factor in _SPREADS:
        number += (number & high) * factor
    return number.to_bytes(32).translate(_TO_DIGITS).decode()


def _base32_of_many(digests: Sequence[bytes]) -> list[str]:
    number = int.from_bytes(b"".join([_ROOM + digest[:_KEY_BYTES] for digest in digests]))
    for high, factor in _SPREADS_OF_MANY:
        number += (number & high) * factor
    digits = number.to_bytes(32 * len(digests)).translate(_TO_DIGITS).decode()
    return [digits[at : at + 32] for at in range(0, len(digits), 32)]


def _framed(fields: Iterable[str]) -> bytes:
    """Each field after its length in bytes of UTF-8 (4 bytes, big-endian), so that no two lists read alike."""
    encoded = [field.encode() for field in fields]
    return b"".join([len(field).to_bytes(4, "big") + field for field in encoded])


_TEXT_SCHEME = _framed(("flypast-text1",))
