"""Small pictures of pages: a page has few colours, so each point is an index into the 256 that it has most of."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256
_TRUE_COLOUR = (8, 2)  # bits, and the kind of picture that Chromium takes: red, green and blue of each point


def smaller(picture: bytes) -> bytes:
    """The same picture with 256 colours; each other one becomes the nearest of them."""
    chunks = list(_chunks(picture))
    width, height, *kind = struct.unpack(">IIBB", chunks[0][1][:10])
    if tuple(kind) != _TRUE_COLOUR:
        raise ValueError(f"a picture of another kind: {kind}")
    points = _points(zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT")), width, height)
    counts = Counter(points)
    palette = [colour for colour, _ in counts.most_common(_COLOURS)]
    index = {colour: _nearest(colour, palette) for colour in counts}
    rows = (bytes([0, *(index[point] for point in points[at : at + width])]) for at in range(0, len(points), width))
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(b"".join(rows), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(picture):
        (size,) = struct.unpack(">I", picture[at : at + 4])
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + size]
        at += 12 + size


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _points(content: bytes, width: int, height: int) -> list[bytes]:
    stride, points, above = 3 * width, list[bytes](), bytes(3 * width)
    for at in range(0, (stride + 1) * height, stride + 1):
        line = bytearray(content[at + 1 : at + 1 + stride])
        _unfilter(content[at], line, above)
        above = bytes(line)
        points += [above[x : x + 3] for x in range(0, stride, 3)]
    return points


def _unfilter(kind: int, line: bytearray, above: bytes) -> None:
    """As PNG (clause 9) has it: what each byte adds to its neighbours."""
    for x in range(len(line)):
        left, corner = (line[x - 3], above[x - 3]) if x >= 3 else (0, 0)
        added = (0, left, above[x], (left + above[x]) >> 1, _paeth(left, above[x], corner))[kind]
        line[x] = (line[x] + added) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda each: abs(guess - each))


def _nearest(colour: bytes, palette: list[bytes]) -> int:
    return min(
        range(len(palette)),
        key=lambda at: sum((one - other) ** 2 for one, other in zip(colour, palette[at], strict=True)),
    )
