"""TIFF files: 8 and 16 bits, 32-bit float, bilevel and palette, with every tag kept.

tifffile packs and unpacks the pixels (Pillow cuts 16-bit RGB to 8). The directory around them is then
rebuilt here: tags that say how the pixels are laid out come from the writer, all others from the source as
raw bytes, EXIF and GPS directories included. Compression, predictor, planes, tiles, byte order, BigTIFF and
the meaning of alpha stay as they were; a lossy or write-only-by-others compression becomes deflate, which
changes no pixel.

Refused: several pages (the others would be lost; reduced copies of the same picture are dropped and that is
said), CMYK, Lab and YCbCr (the way there and back changes every pixel), camera raw, other depths. Format:
TIFF 6.0, TIFF technical notes.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tifffile

from vanisher_core.codecs import exif, ifd, palette, previews, tiff_check
from vanisher_core.codecs.base import Alpha, Decoded, Encoded, Metadata, Samples, channels, mode_of
from vanisher_core.codecs.ifd import Entry
from vanisher_core.errors import OutputError

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
# Tags that say how pixels are laid out in this one file: always the writer's. JPEG tables go with them.
LAYOUT = frozenset(
    {*range(254, 260), *range(262, 267), 273, *range(277, 280), 284, 288, 289, 292, 293, 317, 320}
) | {
    *(322, 323, 324, 325, 338, 339, 347),
    *range(512, 522),
    *range(529, 533),
}
STALE = {330: "reduced copies", 37724: "Photoshop layers"}
CREDENTIALS = 52545  # a C2PA manifest store
PHOTOSHOP = 34377  # image resources, a thumbnail perhaps among them
KEPT_COMPRESSIONS = {
    1: None,
    5: "lzw",
    8: "adobe_deflate",
    32946: "deflate",
    32773: "packbits",
    50000: "zstd",
    34925: "lzma",
}
ALPHAS: dict[int, Alpha] = {0: "unspecified", 1: "associated", 2: "straight"}
EXTRA = {"unspecified": 0, "associated": 1, "straight": 2}


@dataclass(frozen=True)
class Recipe:
    """How a TIFF was built: options for the writer, tags beside the pixels; palette and indices, if any."""

    options: dict[str, Any] = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    photometric: int
    bits: int
    table: Samples | None = field(default=None, repr=False)
    indices: Samples | None = field(default=None, repr=False)


def probe(data: bytes) -> tuple[int, int]:
    """Width and height by the first directory."""
    head = ifd.header(data)
    rows = {e.tag: e.integers() for e in ifd.read(data, head, head.first)[0]}
    return tiff_check.one(rows, 256), tiff_check.one(rows, 257)


def decode(data: bytes) -> Decoded:
    """Read a TIFF; `UnsupportedPhoto` for several pages or other modes, `DamagedPhoto` if it is not whole."""
    head = ifd.header(data)
    entries, notes = tiff_check.single_page(data, head)
    tiff_check.supported({e.tag: e.integers() for e in entries})
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        assert isinstance(page, tifffile.TiffPage)
        tiff_check.segments(page, len(data))
        stored = np.asarray(page.asarray(maxworkers=1))
        recipe = Recipe(_options(page, head), (), int(page.photometric), page.bitspersample)
        planar = int(page.planarconfig or 1) == 2 and page.samplesperpixel > 1
        table = _table(page.colormap) if recipe.photometric == PALETTE else None
        extra = [int(v) for v in page.extrasamples]
    stored = stored.reshape((page.samplesperpixel, *stored.shape[-2:])) if planar else stored
    stored = np.ascontiguousarray(np.moveaxis(stored, 0, 2) if planar else stored)
    if stored.ndim == 3 and stored.shape[2] == 1:
        stored = stored[..., 0]
    stale = [name for tag, name in STALE.items() if any(e.tag == tag for e in entries)]
    notes += [f"{name} in the TIFF still show the old picture and are dropped" for name in stale]
    if any(e.tag == CREDENTIALS for e in entries):
        notes.append(previews.CREDENTIALS)
    kept = tuple(e for e in entries if e.tag not in LAYOUT and e.tag not in STALE and e.tag != CREDENTIALS)
    recipe = Recipe(
        recipe.options, kept, recipe.photometric, recipe.bits, table, stored if table is not None else None
    )
    samples = _samples(stored, recipe)
    mode = "P" if table is not None else "1" if recipe.bits == 1 else mode_of(samples)
    alpha = ALPHAS.get(extra[0], "unspecified") if extra and mode in ("LA", "RGBA") else None
    metadata = _metadata(kept, head.order, alpha)
    resources = b"".join(e.raw for e in kept if e.tag == PHOTOSHOP)
    return Decoded(samples, mode, metadata, recipe, (*notes, *previews.remarks(metadata, resources)))


def _options(page: tifffile.TiffPage, head: ifd.Header) -> dict[str, Any]:
    compression = KEPT_COMPRESSIONS.get(int(page.compression), "adobe_deflate")
    options: dict[str, Any] = {"byteorder": head.order, "bigtiff": head.big, "compression": compression}
    if compression not in (None, "packbits") and int(page.predictor) in (2, 3) and page.bitspersample >= 8:
        options["predictor"] = int(page.predictor)
    if page.is_tiled and page.tilewidth % 16 == 0 and page.tilelength % 16 == 0:
        options["tile"] = (page.tilelength, page.tilewidth)
    elif page.rowsperstrip and 0 < page.rowsperstrip < page.imagelength:
        options["rowsperstrip"] = page.rowsperstrip
    if page.samplesperpixel > 1:
        options["planarconfig"] = int(page.planarconfig or 1)
    if page.colormap is not None:
        options["colormap"] = page.colormap
    return options


def _table(colormap: Any) -> Samples:
    """A TIFF colour map (3x256, 16 bit; some writers fill in 8-bit values) as 256x3 uint8."""
    values = np.asarray(colormap).T
    return (values if values.max() < 256 else values >> 8).astype(np.uint8)


def _samples(stored: Samples, recipe: Recipe) -> Samples:
    if recipe.table is not None:
        return palette.expand(stored, recipe.table)
    if recipe.bits == 1:
        stored = stored.astype(np.uint8) * 255
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    return _flipped(stored) if recipe.photometric == WHITE_IS_ZERO else stored


def _flipped(samples: Samples) -> Samples:
    """Exchange black and white of the colour channel; its own inverse."""
    result = samples.copy()
    colour = result if result.ndim == 2 else result[..., :1]
    np.subtract(np.iinfo(samples.dtype).max, colour, out=colour)
    return result


def _metadata(entries: tuple[Entry, ...], order: str, alpha: Alpha | None) -> Metadata:
    raw = {e.tag: e.raw for e in entries}
    block = exif.block_of(entries, order)
    return Metadata(
        block, raw.get(34675), raw.get(700), exif.resolution(entries), exif.orientation(entries), alpha
    )


def check(samples: Samples, metadata: Metadata) -> None:
    """A TIFF holds every photo that there is; only its length, when written, can be too much for one."""


def encode(samples: Samples, metadata: Metadata, recipe: Recipe | None) -> Encoded:
    """Write a TIFF, of the source's build if there is a `recipe`, else deflate with a predictor."""
    if recipe is None:
        floating = samples.dtype.kind == "f"
        options: dict[str, Any] = {"compression": "adobe_deflate", "predictor": 3 if floating else 2}
        order = "<"
        if metadata.exif:
            order = ifd.header(metadata.exif).order if exif.entries(metadata.exif) else "<"
        options |= {"byteorder": order, "bigtiff": samples.nbytes > 3 << 30}
        recipe = Recipe(
            options, _from_metadata(metadata, order), RGB if channels(samples) > 2 else BLACK_IS_ZERO, 8
        )
    stored, notes = _stored(samples, recipe)
    options = dict(recipe.options)
    if stored.ndim == 3:
        count = 2 if stored.shape[2] in (2, 4) else 0
        options["extrasamples"] = [EXTRA[metadata.alpha or "straight"]] if count else None
        if options.setdefault("planarconfig", 1) == 2:
            stored = np.ascontiguousarray(np.moveaxis(stored, 2, 0))
    sink = io.BytesIO()
    try:
        tifffile.imwrite(
            sink,
            stored,
            photometric=recipe.photometric,
            metadata=None,
            software=False,
            maxworkers=1,
            **options,
        )
    except (ValueError, struct.error) as error:
        raise OutputError(f"the TIFF cannot be written ({error}); save as .png") from error
    return Encoded(_with_tags(sink, recipe.entries), False, notes)


def _stored(samples: Samples, recipe: Recipe) -> tuple[Samples, tuple[str, ...]]:
    if recipe.table is not None:
        stored, moved = palette.reindex(samples, np.asarray(recipe.indices), recipe.table)
        return stored, (
            f"{moved} changed pixels took the nearest of the palette's 256 colours",
        ) if moved else ()
    if recipe.photometric == WHITE_IS_ZERO:
        samples = _flipped(samples)
    return (samples >= 128 if recipe.bits == 1 else samples), ()


def _with_tags(sink: io.BytesIO, entries: tuple[Entry, ...]) -> bytes:
    """Append a directory with the writer's layout and the source's other tags, and make it the first."""
    view = sink.getbuffer()
    data = bytes(view[: min(len(view), 16)])
    head = ifd.header(data)
    written = [e for e in ifd.read(sink.getvalue(), head, head.first)[0] if e.tag in LAYOUT]
    base = len(view) + len(view) % 2
    del view
    if base >= 2**32 - (1 << 26) and not head.big:
        raise OutputError(f"{base:,} bytes are too many for a TIFF; save as .png")
    sink.seek(0, io.SEEK_END)
    sink.write(bytes(base - sink.tell()))
    sink.write(ifd.write([*written, *entries], head.order, head.big, base))
    sink.seek(8 if head.big else 4)
    sink.write(struct.pack(f"{head.order}{'Q' if head.big else 'I'}", base))
    return sink.getvalue()


def _from_metadata(meta: Metadata, order: str) -> tuple[Entry, ...]:
    """Tags for a picture that comes from another format."""
    rows = [e for e in exif.entries(meta.exif or b"") if e.tag in exif.DESCRIPTIVE]
    if meta.resolution:
        rows = [e for e in rows if e.tag not in (282, 283, 296)]
        for tag, value in zip((282, 283), meta.resolution, strict=True):
            rows.append(Entry(tag, 5, 1, struct.pack(f"{order}2I", *_fraction(value)), order))
        rows.append(Entry(296, 3, 1, struct.pack(f"{order}H", 2), order))
    for tag, kind, body in ((700, 1, meta.xmp), (34675, 7, meta.icc)):
        if body:
            rows.append(Entry(tag, kind, len(body), body, order))
    return tuple(rows)


def _fraction(value: float) -> tuple[int, int]:
    scale = 10 ** max(0, min(4, 9 - math.ceil(math.log10(max(value, 1)))))
    return min(round(value * scale), 2**32 - 1), scale


def with_xmp(recipe: Recipe, packet: bytes) -> Recipe:
    """The recipe with another XMP packet."""
    rest = [entry for entry in recipe.entries if entry.tag != 700]
    order = recipe.options["byteorder"]
    return replace(recipe, entries=(*rest, Entry(700, 1, len(packet), packet, order)))
