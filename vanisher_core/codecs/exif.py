"""EXIF blocks: what they say about orientation, resolution and thumbnails, and turning pictures by them.

A block is kept byte for byte. The only byte ever changed is the orientation's, in place, when a picture is
written upright to another format (EXIF 2.32, tags 274, 282, 283, 296; the directories are those of TIFF
6.0).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from vanisher_core.codecs import ifd
from vanisher_core.codecs.base import Samples
from vanisher_core.errors import DamagedPhoto

PREFIX = b"Exif\0\0"
ORIENTATION = 274
# Tags of a TIFF's first directory that describe the photograph rather than the layout of its pixels.
DESCRIPTIVE = frozenset(
    (270, 271, 272, ORIENTATION, 282, 283, 296, 305, 306, 315, 33432, 34665, 34853, *range(40091, 40096))
)
INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def strip_prefix(block: bytes) -> bytes:
    """Remove the `Exif` marker that some containers put before the block."""
    return block[len(PREFIX) :] if block.startswith(PREFIX) else block


def entries(block: bytes) -> list[ifd.Entry]:
    """Entries of the block's first directory; none if the block is damaged."""
    try:
        head = ifd.header(block)
        return ifd.read(block, head, head.first)[0]
    except DamagedPhoto:
        return []


def orientation(rows: Iterable[ifd.Entry]) -> int:
    """EXIF orientation 1..8 among a directory's entries; 1 when absent or out of range."""
    value = next((e.integers() for e in rows if e.tag == ORIENTATION), ())
    return value[0] if value and 1 <= value[0] <= 8 else 1


def resolution(rows: Iterable[ifd.Entry]) -> tuple[float, float] | None:
    """Dots per inch among a directory's entries; None when absent or without a unit."""
    found = {e.tag: e for e in rows if e.tag in (282, 283, 296)}
    if 282 not in found or 283 not in found:
        return None
    unit = (found[296].integers() or (1,))[0] if 296 in found else 2
    scale = {2: 1.0, 3: 2.54}.get(unit)
    x, y = found[282].rational(), found[283].rational()
    return (x * scale, y * scale) if scale and x and y else None


def has_thumbnail(block: bytes) -> bool:
    """Whether the block carries a small picture of its own (a second directory with tag 513)."""
    try:
        head = ifd.header(block)
        following = ifd.read(block, head, head.first)[1]
        return bool(following) and any(e.tag == 513 for e in ifd.read(block, head, following)[0])
    except DamagedPhoto:
        return False


def upright(block: bytes) -> bytes:
    """The same block with its orientation, where it has one, set to 1; no other byte differs."""
    try:
        head = ifd.header(block)
        count = struct.unpack_from(f"{head.order}H", block, head.first)[0]
        for at in range(head.first + 2, head.first + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{head.order}2H", block, at)
            if tag == ORIENTATION and kind in (3, 4):
                patched = bytearray(block)
                struct.pack_into(f"{head.order}{ifd.INTEGER[kind]}", patched, at + 8, 1)
                return bytes(patched)
    except (DamagedPhoto, struct.error):
        pass
    return block


def block_of(rows: Iterable[ifd.Entry], order: str) -> bytes | None:
    """An EXIF block from a TIFF file's first directory; None if that says nothing about the photograph."""
    kept = [e for e in rows if e.tag in DESCRIPTIVE]
    if not any(e.tag not in (282, 283, 296, ORIENTATION) for e in kept) and orientation(kept) == 1:
        return None
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HI", 42, 8) + ifd.write(kept, order, False, 8)


def turned_upright(samples: Samples, orientation: int) -> Samples:
    """Turn stored samples (HxW or HxWxC) so that they show as meant; a contiguous array."""
    turned = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
        8: lambda a: np.rot90(a, 1),
    }[orientation](samples)
    return np.ascontiguousarray(turned)


def turned_back(samples: Samples, orientation: int) -> Samples:
    """Undo `turned_upright`: upright samples in the orientation that the file stores."""
    return turned_upright(samples, INVERSE[orientation])
