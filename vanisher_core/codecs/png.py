"""PNG files: 1 to 16 bits, every colour type, all chunks kept.

Pixels of 8 and 16 bits go through libpng (imagecodecs), because Pillow silently cuts 16-bit RGB to 8;
palettes and depths below 8 go through Pillow, which gives the indices. Both see the critical chunks only:
every other chunk is copied byte for byte by `vanisher_core.codecs.png_chunks`. Animations are refused,
since the other frames would be lost. Format: W3C PNG Specification, third edition.

Choices. A transparent colour key (tRNS on grey or RGB) is worked and saved as a real alpha channel, because
an erased part may hold that very colour. Grey of 2 and 4 bits is saved as 8 (a fill needs the greys
between), its values scaled as viewers do. Compression is level 3, run lengths, Paeth: on photographs three
times as fast as zlib's default match search and no larger.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import imagecodecs
import numpy as np
from PIL import PngImagePlugin

from vanisher_core.codecs import palette, png_chunks, previews
from vanisher_core.codecs.base import Decoded, Encoded, Metadata, Samples, channels, mode_of, straight_alpha
from vanisher_core.codecs.png_chunks import Chunk
from vanisher_core.errors import DamagedPhoto, OutputError, UnsupportedPhoto

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEFLATE_RATIO = 1032  # no deflate stream expands more than this
SPARE = 4096  # bytes for chunks and block headers beside the samples, more than any small picture needs


@dataclass(frozen=True)
class Recipe:
    """How a PNG was built: colour type, bit depth, other chunks in order; palette and indices, if any."""

    colour: int
    depth: int
    chunks: tuple[Chunk, ...]
    table: Samples | None = field(default=None, repr=False)
    indices: Samples | None = field(default=None, repr=False)


def probe(data: bytes) -> tuple[int, int]:
    """Width and height by the header, which must be the first chunk."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise DamagedPhoto("the PNG header is missing; the file is truncated or damaged")
    return struct.unpack_from(">II", data, 16)


def decode(data: bytes) -> Decoded:
    """Read a PNG; `UnsupportedPhoto` for an animation, `DamagedPhoto` for one that is not whole."""
    width, height = probe(data)
    depth, colour = data[24], data[25]
    if depth not in DEPTHS.get(colour, ()):
        raise DamagedPhoto(f"the PNG header says colour type {colour} with {depth} bits, which no PNG has")
    chunks, damaged = png_chunks.parse(data)
    if any(c.kind == b"acTL" for c in chunks):
        raise UnsupportedPhoto(
            "it is an animated PNG, and its other frames would be lost; export the frame to work on"
        )
    payload = sum(len(c.data) for c in chunks if c.kind == b"IDAT")
    if width * height * SAMPLES[colour] * depth / 8 > payload * DEFLATE_RATIO:
        raise DamagedPhoto(
            f"{payload} bytes of PNG data cannot hold {width} x {height} pixels; the file is truncated"
        )
    notes = [f"{damaged} damaged PNG chunk(s) beside the picture were dropped"] if damaged else []
    if any(c.kind == png_chunks.CREDENTIALS for c in chunks):
        notes.append(previews.CREDENTIALS)
    samples, recipe = _pixels(chunks, colour, depth)
    if recipe.colour != colour:
        notes.append("the PNG's transparent colour is saved as an alpha channel")
    alpha = "straight" if recipe.colour in (GREY_ALPHA, RGBA) or channels(samples) == 4 else None
    metadata = replace(png_chunks.metadata(chunks), alpha=alpha)
    mode = {PALETTE: "P", GREY: "1" if recipe.depth == 1 else "L"}.get(recipe.colour) or mode_of(samples)
    return Decoded(samples, mode, metadata, recipe, (*notes, *previews.remarks(metadata)))


def _pixels(chunks: list[Chunk], colour: int, depth: int) -> tuple[Samples, Recipe]:
    critical = png_chunks.join([c for c in chunks if c.kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND")])
    found = {c.kind: c.data for c in chunks}
    key = found.get(b"tRNS")
    others = _others(chunks)
    if colour == PALETTE:
        indices, table = _low_bits(critical), _table(found, key)
        recipe = Recipe(PALETTE, depth, others, table, indices)
        return palette.expand(indices, table), recipe
    if depth < 8:
        raw = _low_bits(critical)
        samples, scale = (raw, 255 // (2**depth - 1))
    else:
        samples, scale = imagecodecs.png_decode(critical), 1
    if key is not None and colour in (GREY, RGB):
        samples = _key_to_alpha(samples, key, scale)
        recipe = Recipe(GREY_ALPHA if colour == GREY else RGBA, max(8, depth), others)
    else:
        recipe = Recipe(colour, 8 if depth in (2, 4) else depth, others)
    if (recipe.colour, recipe.depth) != (colour, depth):
        recipe = replace(recipe, chunks=tuple(c for c in others if c.kind not in png_chunks.BY_SAMPLE))
    return samples, recipe


def _others(chunks: list[Chunk]) -> tuple[Chunk, ...]:
    """Everything but the picture, whose place an empty IDAT keeps."""
    first = next((i for i, c in enumerate(chunks) if c.kind == b"IDAT"), len(chunks))
    kept = [c for c in chunks if c.kind not in (b"IHDR", b"IDAT", b"IEND")]
    before = [c for c in chunks[:first] if c.kind != b"IHDR"]
    return (*before, Chunk(b"IDAT", b""), *kept[len(before) :])


def _low_bits(critical: bytes) -> Samples:
    with PngImagePlugin.PngImageFile(io.BytesIO(critical)) as image:
        image.load()
        bilevel = image.mode == "1"
        return np.array(image.convert("L") if bilevel else image)


def _table(found: dict[bytes, bytes], key: bytes | None) -> Samples:
    plte = found.get(b"PLTE", b"")
    if not plte or len(plte) % 3 or len(plte) > 768:
        raise DamagedPhoto(f"the PNG palette has {len(plte)} bytes; 3 to 768 in steps of 3 are allowed")
    table = np.frombuffer(plte, np.uint8).reshape(-1, 3)
    if key is None:
        return table
    alpha = np.full((len(table), 1), 255, np.uint8)
    alpha[: len(key), 0] = np.frombuffer(key[: len(table)], np.uint8)
    return np.hstack([table, alpha])


def _key_to_alpha(samples: Samples, key: bytes, scale: int) -> Samples:
    values = np.frombuffer(key[: 2 * channels(samples)], ">u2").astype(np.uint32) * scale
    if len(values) != channels(samples):
        raise DamagedPhoto(f"the PNG's transparent colour has {len(key)} bytes, too few for its channels")
    planes = samples if samples.ndim == 3 else samples[..., None]
    hidden = (planes == values).all(axis=-1, keepdims=True)
    alpha = np.where(hidden, 0, np.iinfo(samples.dtype).max).astype(samples.dtype)
    return np.concatenate([planes, alpha], axis=-1)


def check(samples: Samples, metadata: Metadata) -> None:
    """Raise `OutputError` for float samples, which no PNG can hold."""
    if samples.dtype.kind == "f":
        raise OutputError("PNG cannot hold 32-bit float samples; save as .tif")


def encode(samples: Samples, metadata: Metadata, recipe: Recipe | None) -> Encoded:
    """Write a PNG; `OutputError` for what it cannot hold, see `check`."""
    check(samples, metadata)
    height, width = samples.shape[:2]
    if recipe is None:
        if metadata.alpha == "associated":
            samples = straight_alpha(samples)
        colour, depth = (
            {1: GREY, 2: GREY_ALPHA, 3: RGB, 4: RGBA}[channels(samples)],
            samples.dtype.itemsize * 8,
        )
        others = png_chunks.from_metadata(metadata)
    else:
        colour, depth, others = recipe.colour, recipe.depth, list(recipe.chunks)
        if colour != PALETTE:
            others = [c for c in others if c.kind != b"tRNS"]
    image, notes = _image_data(samples, recipe, depth)
    ihdr = Chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return Encoded(png_chunks.assemble(ihdr, others, image), False, notes)


def _image_data(samples: Samples, recipe: Recipe | None, depth: int) -> tuple[bytes, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if recipe is not None and recipe.table is not None:
        samples, moved = palette.reindex(samples, np.asarray(recipe.indices), recipe.table)
        if moved:
            notes = (f"{moved} changed pixels took the nearest of the palette's {len(recipe.table)} colours",)
    elif depth == 1:
        samples = (samples >= 128).astype(np.uint8)
    if recipe is not None and (recipe.table is not None or depth == 1):
        packed = palette.pack_bits(samples, depth)
        rows = np.zeros((len(packed), packed.shape[1] + 1), np.uint8)  # each row begins with its filter: none
        rows[:, 1:] = packed
        return zlib.compress(rows.tobytes(), 6), notes
    return png_chunks.image_data(encode_samples(samples)), notes


def encode_samples(samples: Samples) -> bytes:
    """A plain PNG file of 8- or 16-bit samples."""
    arguments: dict[str, Any] = {"level": 3, "strategy": 3, "filter": 128}
    planes = np.ascontiguousarray(samples)
    # the library's own buffer is too small for noise in narrow pictures, which then end without their last chunks
    rows = planes.nbytes + len(planes)
    return bytes(imagecodecs.png_encode(planes, out=rows + rows // 64 + SPARE, **arguments))


def with_xmp(recipe: Recipe, packet: bytes) -> Recipe:
    """The recipe with another XMP packet, before the picture."""
    key = png_chunks.XMP_KEYWORD
    rest = [c for c in recipe.chunks if not (c.kind == b"iTXt" and c.data.startswith(key + b"\0"))]
    return replace(recipe, chunks=(Chunk(b"iTXt", key + b"\0\0\0\0\0" + packet), *rest))
