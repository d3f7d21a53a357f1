"""Read and write TIFF directories (IFDs) with their values untouched.

Both a TIFF file and an EXIF block are made of these. Values stay raw bytes in the byte order of their file,
so that a tag nobody here understands survives a rewrite; directories that hang below another (EXIF, GPS,
interoperability) are followed and moved with it. Layout: TIFF 6.0 section 2; BigTIFF as written by libtiff.
A maker note inside EXIF that counts offsets from the file's start keeps its bytes, but nobody can keep its
offsets right when it moves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vanisher_core.errors import DamagedPhoto

TYPE_SIZE = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
SWAP_UNIT = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
INTEGER = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
SUB_DIRECTORIES = (34665, 34853, 40965)  # EXIF, GPS, interoperability
MAX_ENTRIES = 4096


@dataclass(frozen=True)
class Entry:
    """One tag: number, TIFF type, count, raw value in byte `order`; `below`: the directory it points to."""

    tag: int
    type: int
    count: int
    raw: bytes
    order: str
    below: tuple[Entry, ...] | None = None

    def integers(self) -> tuple[int, ...]:
        """The value as integers; empty for other types."""
        code = INTEGER.get(self.type)
        return struct.unpack(f"{self.order}{self.count}{code}", self.raw) if code else ()

    def rational(self) -> float | None:
        """The first value of a RATIONAL tag; None if it is no rational or divides by zero."""
        if self.type != 5 or self.count < 1:
            return None
        top, bottom = struct.unpack(f"{self.order}2I", self.raw[:8])
        return top / bottom if bottom else None

    def ordered(self, order: str) -> Entry:
        """The same entry in another byte order."""
        if order == self.order:
            return self
        unit = SWAP_UNIT.get(self.type, 1)
        raw = self.raw if unit == 1 else np.frombuffer(self.raw, f"u{unit}").byteswap().tobytes()
        below = None if self.below is None else tuple(e.ordered(order) for e in self.below)
        return Entry(self.tag, self.type, self.count, raw, order, below)


@dataclass(frozen=True)
class Header:
    """Byte order (`<` or `>`), whether it is a BigTIFF, and the offset of the first directory."""

    order: str
    big: bool
    first: int


def header(data: bytes) -> Header:
    """Read the header of a TIFF file or EXIF block; `DamagedPhoto` if it is none."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        raise DamagedPhoto("the TIFF header is missing")
    magic = struct.unpack_from(f"{order}H", data, 2)[0]
    if magic == 42:
        return Header(order, False, struct.unpack_from(f"{order}I", data, 4)[0])
    if magic == 43 and len(data) >= 16:
        return Header(order, True, struct.unpack_from(f"{order}Q", data, 8)[0])
    raise DamagedPhoto(f"the TIFF header says version {magic}; only 42 (TIFF) and 43 (BigTIFF) exist")


def read(data: bytes, head: Header, offset: int, depth: int = 0) -> tuple[list[Entry], int]:
    """Read the directory at `offset`.

    Returns:
        Its entries, those with damaged values left out, and the offset of the next directory (0: none).

    Raises:
        DamagedPhoto: the directory lies outside the data.
    """
    order, item = head.order, 20 if head.big else 12
    start = offset + (8 if head.big else 2)
    if start > len(data):
        raise DamagedPhoto(f"a TIFF directory at byte {offset} lies outside the file; it is truncated")
    count = struct.unpack_from(f"{order}{'Q' if head.big else 'H'}", data, offset)[0]
    try:
        if count > MAX_ENTRIES or start + count * item > len(data):
            raise DamagedPhoto(f"a TIFF directory claims {count} entries; the file is truncated or damaged")
        following = struct.unpack_from(f"{order}{'Q' if head.big else 'I'}", data, start + count * item)[0]
    except struct.error:
        following = 0  # EXIF blocks of some cameras end without the closing pointer
    entries: dict[int, Entry] = {}
    room = len(data)  # values never overlap in an honest file: together they are shorter than it
    for i in range(count):
        tag = struct.unpack_from(f"{order}H", data, start + i * item)[0]
        entry = None if tag in entries else _entry(data, head, start + i * item, depth)
        if entry is not None:
            entries[tag] = entry
            room -= len(entry.raw)
        if room < 0:
            raise DamagedPhoto("the values of a TIFF directory overlap; the file is damaged")
    return list(entries.values()), following


def _entry(data: bytes, head: Header, at: int, depth: int) -> Entry | None:
    order = head.order
    tag, kind = struct.unpack_from(f"{order}2H", data, at)
    count = struct.unpack_from(f"{order}{'Q' if head.big else 'I'}", data, at + 4)[0]
    room, place = (8, at + 12) if head.big else (4, at + 8)
    size = TYPE_SIZE.get(kind, 0) * count
    if size == 0:
        return None
    if size > room:
        place = struct.unpack_from(f"{order}{'Q' if head.big else 'I'}", data, place)[0]
    if place + size > len(data):
        return None
    raw = bytes(data[place : place + size])
    below = None
    if tag in SUB_DIRECTORIES and kind in INTEGER and depth < 3:
        try:
            pointed = struct.unpack(f"{order}{INTEGER[kind]}", raw[: TYPE_SIZE[kind]])[0]
            below = tuple(read(data, head, pointed, depth + 1)[0])
        except DamagedPhoto:
            return None
    return Entry(tag, kind, count, raw, order, below)


def write(entries: Iterable[Entry], order: str, big: bool, base: int) -> bytes:
    """Directory, values and what hangs below it, to stand at offset `base` (even), the chain's last."""
    rows = sorted((e.ordered(order) for e in entries), key=lambda e: e.tag)
    word, item, room = ("Q", 20, 8) if big else ("I", 12, 4)
    table = struct.pack(f"{order}{'Q' if big else 'H'}", len(rows))
    tail = bytearray()
    tail_at = base + len(table) + item * len(rows) + room
    for row in rows:
        kind, count, raw = row.type, row.count, row.raw
        if row.below is not None:
            kind, count = (18 if big else 4), 1
            raw = struct.pack(f"{order}{word}", tail_at + len(tail))
            tail += write(row.below, order, big, tail_at + len(tail))
        elif len(raw) > room:
            raw, value = struct.pack(f"{order}{word}", tail_at + len(tail)), raw
            tail += value
        tail += bytes(len(tail) % 2)
        table += struct.pack(f"{order}2H{word}", row.tag, kind, count) + raw.ljust(room, b"\0")
    return table + bytes(room) + bytes(tail)
