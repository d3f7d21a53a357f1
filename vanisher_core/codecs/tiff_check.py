"""What a TIFF must be before its pixels are read: one page, a mode we work on, all strips inside the file."""

from __future__ import annotations

import math
from collections.abc import Mapping

import tifffile

from vanisher_core.codecs import ifd
from vanisher_core.codecs.ifd import Entry
from vanisher_core.errors import DamagedPhoto, UnsupportedPhoto

REDUCED, SUB_REDUCED = 1, 2
MAX_PAGES = 100
CAMERA_RAW = (50706, 33421, 33422)  # DNG version, colour filter array
COMPRESSIONS = {1, 2, 3, 4, 5, 8, 32946, 32773, 50000, 34925}
REFUSED_COLOURS = {
    5: "CMYK",
    6: "YCbCr",
    8: "CIE Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32844: "LogL",
    32845: "LogLuv",
}
UNSIGNED, FLOAT = 1, 3
Tags = Mapping[int, tuple[int, ...]]


def one(tags: Tags, tag: int, default: int | None = None) -> int:
    """The single integer of a tag; `DamagedPhoto` if it is missing and has no default."""
    value = tags.get(tag, ())
    if value:
        return value[0]
    if default is None:
        raise DamagedPhoto(f"the TIFF lacks tag {tag}, which every picture has; the file is damaged")
    return default


def single_page(data: bytes, head: ifd.Header) -> tuple[list[Entry], list[str]]:
    """Entries of the one picture, and remarks on reduced copies of it; `UnsupportedPhoto` for several."""
    first: list[Entry] = []
    offset, seen, pages, reduced = head.first, set(), 0, 0
    while offset and offset not in seen and len(seen) < MAX_PAGES:
        seen.add(offset)
        entries, offset = ifd.read(data, head, offset)
        tags = {e.tag: e.integers() for e in entries}
        small = one(tags, 254, 0) & REDUCED or one(tags, 255, 0) == SUB_REDUCED
        if first and small:
            reduced += 1
            continue
        pages += 1
        first = first or entries
    if not first:
        raise DamagedPhoto("the TIFF holds no picture")
    if pages > 1:
        raise UnsupportedPhoto(
            f"it is a TIFF of {pages}{' or more' if offset else ''} pages, and the others would be lost; "
            "split it into single pages first"
        )
    notes = (
        [f"{reduced} reduced cop{'y' if reduced == 1 else 'ies'} of the picture in the TIFF dropped"]
        if reduced
        else []
    )
    return first, notes


def supported(tags: Tags) -> None:
    """Raise `UnsupportedPhoto`, with what to do, for a mode, depth or compression outside the allow-list."""
    if any(tag in tags for tag in CAMERA_RAW):
        raise UnsupportedPhoto("it is a camera raw file (DNG); develop it to a 16-bit TIFF first")
    photometric, bits = one(tags, 262), set(tags.get(258, (1,)))
    form, parts = set(tags.get(339, (UNSIGNED,))), one(tags, 277, 1)
    compression = one(tags, 259, 1)
    if compression not in COMPRESSIONS:
        raise UnsupportedPhoto(
            f"it is a TIFF with compression {compression}; save it uncompressed or with LZW or ZIP first"
        )
    if photometric not in (0, 1, 2, 3):
        name = REFUSED_COLOURS.get(photometric, f"colour kind {photometric}")
        raise UnsupportedPhoto(
            f"it is a {name} TIFF; convert it to RGB with its own colour profile in an editor first, because "
            "converting back and forth would change every pixel"
        )
    allowed = {1: ((8, UNSIGNED), (16, UNSIGNED), (32, FLOAT)), 0: ((8, UNSIGNED), (16, UNSIGNED))}[
        photometric != 0
    ]
    depth = (next(iter(bits)), next(iter(form)))
    bilevel = depth == (1, UNSIGNED) and photometric in (0, 1) and parts == 1
    if (
        len(bits) > 1
        or len(form) > 1
        or not (bilevel or depth in allowed)
        or (photometric == 3 and depth != (8, UNSIGNED))
    ):
        kind = {1: "unsigned", 2: "signed", FLOAT: "float"}.get(depth[1], f"format {depth[1]}")
        raise UnsupportedPhoto(
            f"it is a TIFF of {'/'.join(map(str, sorted(bits)))}-bit {kind} samples; "
            "convert it to 8 or 16 bits or to 32-bit float"
        )
    colours = 3 if photometric == 2 else 1
    if parts - colours not in ((0,) if photometric == 3 or bilevel else (0, 1)):
        raise UnsupportedPhoto(f"it is a TIFF of {parts} channels; keep {colours} and one for alpha at most")
    if one(tags, 32997, 1) > 1:
        raise UnsupportedPhoto("it is a TIFF volume; export one slice")


def segments(page: tifffile.TiffPage, length: int) -> None:
    """Raise `DamagedPhoto` unless all strips or tiles are there, inside the file, and long enough."""
    needed = math.prod(page.chunked)
    if len(page.dataoffsets) < needed or len(page.databytecounts) < needed:
        raise DamagedPhoto(f"the TIFF has {len(page.dataoffsets)} of {needed} strips or tiles; it is damaged")
    for offset, count in zip(page.dataoffsets[:needed], page.databytecounts[:needed], strict=True):
        if count == 0 or offset + count > length:
            raise DamagedPhoto(
                f"a TIFF strip ({count} bytes at {offset}) is not in the file of {length}; it is truncated"
            )
    if int(page.compression) == 1 and not page.is_tiled:
        row = -(-page.imagewidth * page.bitspersample * page.samplesperpixel // 8)
        have, want = sum(page.databytecounts[:needed]), row * page.imagelength
        if have < want and page.bitspersample >= 8:
            raise DamagedPhoto(f"the TIFF has {have} bytes of pixels and needs {want}; it is truncated")
