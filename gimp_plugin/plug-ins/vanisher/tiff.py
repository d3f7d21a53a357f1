"""Uncompressed TIFF files: how pixels travel between GIMP and the daemon.

TIFF and not PNG, because it holds all depths that GIMP knows (float too), and because the filters of a PNG from
the daemon cannot be undone in plain Python in acceptable time (24 megapixels take minutes). Nothing is compressed:
both ends are on one machine. Format: TIFF 6.0; one strip is written, any number is read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sentence import Sentence

BYTES = {"u8": 1, "u16": 2, "float": 4}
"""Kind of sample -> its bytes."""

FLOAT, UNSIGNED = 3, 1
STRAIGHT_ALPHA = 2
LARGEST = 2**32 - 2**16
"""Bytes that a TIFF with 32-bit offsets can hold."""

_PACKED = {1: "B", 3: "H", 4: "I"}


@dataclass(frozen=True)
class Picture:
    """Pixels, row after row without gaps, samples in the machine's (little-endian) order.

    Attributes:
        width, height: in pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        kind: u8, u16 or float.
        data: the samples.
    """

    width: int
    height: int
    channels: int
    kind: str
    data: bytes

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel."""
        return self.channels * BYTES[self.kind]

    @property
    def layout(self) -> tuple[int, int, int, str]:
        """Everything but the samples."""
        return self.width, self.height, self.channels, self.kind


def encode(picture: Picture) -> bytes:
    """The file of a picture.

    Raises:
        Sentence: it is too large for one.
    """
    count, size = picture.channels, BYTES[picture.kind]
    length = len(picture.data)
    if length > LARGEST:
        raise Sentence(
            f"The layer has {length / 2**30:.1f} GB of pixels, more than can be sent: work on a part of it."
        )
    start = 8 + length + length % 2
    entries = [
        (256, 4, (picture.width,)),
        (257, 4, (picture.height,)),
        (258, 3, (8 * size,) * count),
        (259, 3, (1,)),
        (262, 3, (2 if count > 2 else 1,)),
        (273, 4, (8,)),
        (277, 3, (count,)),
        (278, 4, (picture.height,)),
        (279, 4, (length,)),
        (284, 3, (1,)),
        *([(338, 3, (STRAIGHT_ALPHA,))] if count in (2, 4) else []),
        (339, 3, (FLOAT if picture.kind == "float" else UNSIGNED,) * count),
    ]
    head = struct.pack("<2sHI", b"II", 42, start)
    return b"".join((head, picture.data, b"\0" * (length % 2), _directory(entries, start)))


def _directory(entries: list[tuple[int, int, tuple[int, ...]]], start: int) -> bytes:
    rows, extra = [], b""
    beyond = start + 2 + 12 * len(entries) + 4
    for tag, kind, values in entries:
        packed = struct.pack(f"<{len(values)}{_PACKED[kind]}", *values)
        if len(packed) > 4:
            place = struct.pack("<I", beyond + len(extra))
            extra += packed
        else:
            place = packed.ljust(4, b"\0")
        rows.append(struct.pack("<HHI", tag, kind, len(values)) + place)
    return struct.pack("<H", len(entries)) + b"".join(rows) + bytes(4) + extra


def decode(data: bytes) -> Picture:
    """The pixels of an uncompressed little-endian file, as the daemon answers to one.

    Raises:
        Sentence: it is something else.
    """
    try:
        return _decoded(data)
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise Sentence(
            f"Vanisher's answer is no picture that this plug-in can read ({error}): nothing was changed. "
            "Install plug-in and daemon of the same version."
        ) from None


def _decoded(data: bytes) -> Picture:
    if data[:4] != b"II*\0":
        raise ValueError(f"it begins with {data[:4]!r}")
    tags = _tags(data, struct.unpack_from("<I", data, 4)[0])
    width, height, channels = tags[256][0], tags[257][0], tags.get(277, [1])[0]
    size, form = tags[258][0] // 8, tags.get(339, [UNSIGNED])[0]
    kind = {(1, UNSIGNED): "u8", (2, UNSIGNED): "u16", (4, FLOAT): "float"}[size, form]
    if tags.get(259, [1])[0] != 1 or tags.get(284, [1])[0] != 1:
        raise ValueError("it is compressed")
    strips = zip(tags[273], tags[279], strict=True)
    pixels = b"".join(data[offset : offset + length] for offset, length in strips)
    if len(pixels) != width * height * channels * size:
        raise ValueError(f"{len(pixels)} bytes for {width}x{height} pixels")
    return Picture(width, height, channels, kind, pixels)


def _tags(data: bytes, start: int) -> dict[int, tuple[int, ...]]:
    found = {}
    (count,) = struct.unpack_from("<H", data, start)
    for index in range(count):
        tag, kind, length, place = struct.unpack_from("<HHII", data, start + 2 + 12 * index)
        if kind not in _PACKED or length > 1_000_000:
            continue
        layout = f"<{length}{_PACKED[kind]}"
        offset = place if struct.calcsize(layout) > 4 else start + 2 + 12 * index + 8
        found[tag] = struct.unpack_from(layout, data, offset)
    return found
