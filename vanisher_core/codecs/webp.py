"""WebP files: pixels through Pillow, container and metadata chunks copied byte for byte.

Lossless files stay lossless, colours under full transparency included. Lossy ones are coded again at high
quality, and that is said. WebP knows 8-bit RGB and RGBA only, up to 16383 pixels a side. Animations are
refused: the other frames would be lost. Format: RFC 9649.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, WebPImagePlugin

from vanisher_core.codecs import exif, previews
from vanisher_core.codecs.base import Decoded, Encoded, Metadata, Samples, channels, straight_alpha
from vanisher_core.errors import DamagedPhoto, OutputError, UnsupportedPhoto

MAX_SIDE = 16383
PIXELS = (b"VP8 ", b"VP8L", b"ALPH")
CREDENTIALS = b"C2PA"  # a C2PA manifest store
MAX_CHUNKS = 10_000
ANIMATED = 0x02
HAS_ICC, HAS_ALPHA, HAS_EXIF, HAS_XMP = 0x20, 0x10, 0x08, 0x04
FLAGS = {b"ICCP": HAS_ICC, b"EXIF": HAS_EXIF, b"XMP ": HAS_XMP}
Chunk = tuple[bytes, bytes]


@dataclass(frozen=True)
class Recipe:
    """How a WebP was built: lossless or not, and its chunks beside the pixels."""

    lossless: bool
    chunks: tuple[Chunk, ...] = field(repr=False)


def probe(data: bytes) -> tuple[int, int]:
    """Width and height: of the canvas in an extended file, else by the one bitstream's header."""
    body = data[20:]
    if data[12:16] == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if data[12:16] == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if data[12:16] == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise DamagedPhoto("the WebP header is missing; the file is truncated or damaged")


def _chunks(data: bytes) -> list[Chunk]:
    size = struct.unpack_from("<I", data, 4)[0]
    if size + 8 > len(data):
        raise DamagedPhoto(f"the WebP says {size + 8} bytes and has {len(data)}; it is truncated")
    chunks, at = [], 12
    while at + 8 <= size + 8 and len(chunks) < MAX_CHUNKS:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > size + 8:
            raise DamagedPhoto(f"the WebP chunk {kind!r} at byte {at} is longer than the file; it is damaged")
        chunks.append((kind, bytes(data[at + 8 : at + 8 + length])))
        at += 8 + length + length % 2
    return chunks


def decode(data: bytes) -> Decoded:
    """Read a WebP; `UnsupportedPhoto` for an animation, `DamagedPhoto` for one that is not whole."""
    chunks = _chunks(data)
    found = dict(reversed(chunks))
    if b"ANIM" in found or b"ANMF" in found or found.get(b"VP8X", b"\0")[0] & ANIMATED:
        raise UnsupportedPhoto(
            "it is an animated WebP, and its other frames would be lost; export the frame to work on"
        )
    _same_size(data, found)
    with WebPImagePlugin.WebPImageFile(io.BytesIO(data)) as image:
        image.load()
        samples = np.array(image)
    lossless = b"VP8L" in found
    recipe = Recipe(lossless, tuple(c for c in chunks if c[0] not in (*PIXELS, b"VP8X", CREDENTIALS)))
    alpha = "straight" if channels(samples) == 4 else None
    block = found.get(b"EXIF") or None
    block = exif.strip_prefix(block) if block else None
    rows = exif.entries(block) if block else []
    metadata = Metadata(
        block, found.get(b"ICCP"), found.get(b"XMP "), exif.resolution(rows), exif.orientation(rows), alpha
    )
    stale = (previews.CREDENTIALS,) if CREDENTIALS in found else ()
    notes = (*stale, *previews.remarks(metadata))
    return Decoded(samples, "RGBA" if alpha else "RGB", metadata, recipe, notes)


def _same_size(data: bytes, found: dict[bytes, bytes]) -> None:
    """Hold the bitstream against the canvas: limits were checked on the canvas only."""
    kind = b"VP8L" if b"VP8L" in found else b"VP8 "
    inner = probe(bytes(12) + kind + bytes(4) + found.get(kind, b"")[:16])
    if inner != probe(data):
        raise DamagedPhoto(f"the WebP canvas is {probe(data)} and its picture {inner}; they must agree")


def check(samples: Samples, metadata: Metadata) -> None:
    """Raise `OutputError` for what WebP cannot hold (16 bits, float, a side over 16383)."""
    height, width = samples.shape[:2]
    if samples.dtype != np.uint8:
        raise OutputError(f"WebP holds 8 bits a channel, not {samples.dtype}; save as .png or .tif")
    if max(width, height) > MAX_SIDE:
        raise OutputError(
            f"WebP sides end at {MAX_SIDE} pixels and the picture is {width} x {height}; save as .png or .tif"
        )


def encode(samples: Samples, metadata: Metadata, recipe: Recipe | None) -> Encoded:
    """Write a WebP; `OutputError` for what it cannot hold, see `check`."""
    check(samples, metadata)
    height, width = samples.shape[:2]
    lossless = recipe is None or recipe.lossless
    notes: list[str] = []
    if metadata.alpha == "associated":
        samples = straight_alpha(samples)
    if channels(samples) < 3:
        notes.append("WebP knows no grey: the picture is saved as RGB of equal parts")
        planes = samples if samples.ndim == 3 else samples[..., None]
        samples = np.concatenate([np.repeat(planes[..., :1], 3, axis=-1), planes[..., 1:]], axis=-1)
    if not lossless:
        notes.append("lossy WebP: every pixel was coded again; save as .png to keep all others exact")
    sink = io.BytesIO()
    options = {"lossless": True, "quality": 0, "method": 0} if lossless else {"quality": 95, "method": 4}
    Image.fromarray(np.ascontiguousarray(samples)).save(sink, "WEBP", exact=True, **options)
    extra = list(recipe.chunks) if recipe else _from_metadata(metadata)
    return Encoded(_assembled(_chunks(sink.getvalue()), extra, width, height), not lossless, tuple(notes))


def _from_metadata(meta: Metadata) -> list[Chunk]:
    found = ((b"ICCP", meta.icc), (b"EXIF", meta.exif), (b"XMP ", meta.xmp))
    return [(kind, body) for kind, body in found if body]


def _assembled(encoded: list[Chunk], extra: list[Chunk], width: int, height: int) -> bytes:
    """Pixels and metadata in one file: profile first, then pixels, then the rest in its own order."""
    pixels = [c for c in encoded if c[0] in PIXELS]
    flags = sum(FLAGS.get(kind, 0) for kind in {c[0] for c in extra})
    first = pixels[0][1]
    if pixels[0][0] == b"ALPH" or (
        pixels[0][0] == b"VP8L" and int.from_bytes(first[1:5], "little") >> 28 & 1
    ):
        flags |= HAS_ALPHA
    chunks = [c for c in extra if c[0] == b"ICCP"] + pixels + [c for c in extra if c[0] != b"ICCP"]
    if extra or len(pixels) > 1:
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks.insert(0, (b"VP8X", bytes((flags, 0, 0, 0)) + size))
    body = b"".join(struct.pack("<4sI", k, len(d)) + d + bytes(len(d) % 2) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def with_xmp(recipe: Recipe, packet: bytes) -> Recipe:
    """The recipe with another XMP packet."""
    rest = [chunk for chunk in recipe.chunks if chunk[0] != b"XMP "]
    return replace(recipe, chunks=(*rest, (b"XMP ", packet)))
