"""JPEG files: pixels through Pillow, every metadata segment copied byte for byte.

A changed picture has to be coded again, and JPEG loses a little each time. To lose as little as possible
the source's own quantisation tables, chroma subsampling, colour transform and scan kind are used: an 8x8
block whose pixels did not change then mostly rounds back to the coefficients it had. It is always said
(`Encoded.reencoded`). Pixels read are exact.

CMYK and YCCK are refused: without the press profile the colours are guesses, with it the way back changes
every pixel. Format: ITU T.81 annex B; JFIF 1.02; EXIF 2.32; XMP part 3; ICC.1:2010 annex B.4; CIPA DC-007
(MPF).
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, JpegImagePlugin

from vanisher_core.codecs import exif, previews
from vanisher_core.codecs.base import Decoded, Encoded, Metadata, Samples, channels
from vanisher_core.errors import DamagedPhoto, OutputError, UnsupportedPhoto

MAX_SIDE = 65500  # libjpeg's own limit, a little below the format's 65535
XMP = b"http://ns.adobe.com/xap/1.0/\0"
XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
ICC = b"ICC_PROFILE\0"
PHOTOSHOP = b"Photoshop 3.0\0"
ROOM = 65533  # payload of one segment
ICC_STEP, MAX_ICC_PARTS = ROOM - len(ICC) - 2, 255
FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)
MARKER_IN_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
MAX_SEGMENTS = 20_000
Segment = tuple[int, bytes]


@dataclass(frozen=True)
class Layout:
    """Where things stand: segments before the first scan, the frame header, first scan and end."""

    segments: list[Segment]
    frame: int
    frame_data: bytes
    scan: int
    end: int


@dataclass(frozen=True)
class Recipe:
    """How a JPEG was built: metadata segments, quantisation table of each component, kind of coding."""

    segments: tuple[Segment, ...] = field(repr=False)
    tables: list[list[int]] = field(repr=False)
    subsampling: int
    progressive: bool
    rgb: bool


def probe(data: bytes) -> tuple[int, int]:
    """Width and height by the frame header."""
    height, width = struct.unpack_from(">HH", _layout(data, whole=False).frame_data, 1)
    return width, height


def decode(data: bytes) -> Decoded:
    """Read a JPEG; `UnsupportedPhoto` for CMYK, 12 bits or lossless, `DamagedPhoto` if it is not whole."""
    layout = _layout(data, whole=True)
    precision, parts = layout.frame_data[0], layout.frame_data[5]
    if layout.frame not in FRAMES or precision != 8:
        raise UnsupportedPhoto(
            f"it is a {precision}-bit or lossless JPEG of frame type {layout.frame:#x}; save it as TIFF"
        )
    if parts == 4:
        raise UnsupportedPhoto(
            "it is a CMYK JPEG; convert it to RGB with its own colour profile in an editor first, because "
            "converting back and forth would change every pixel"
        )
    with JpegImagePlugin.JpegImageFile(io.BytesIO(_bare(data, layout))) as image:
        image.load()
        samples = np.array(image)
        tables = [image.quantization[component[3]] for component in image.layer]
        while len(tables) > 1 and tables[-1] == tables[-2]:
            tables.pop()  # the encoder gives the last table to all components that follow
        subsampling = JpegImagePlugin.get_sampling(image) if len(image.layer) == 3 else 0
    stale = _credentials(layout.segments)
    recipe = Recipe(
        tuple(s for s in layout.segments if s[0] >= 0xE0 and not (s[0] == 0xEB and s[1][2:4] in stale)),
        tables,
        subsampling,
        layout.frame in (0xC2, 0xCA),
        parts == 3 and _is_rgb(layout),
    )
    metadata = _metadata(recipe.segments)
    return Decoded(samples, "L" if parts == 1 else "RGB", metadata, recipe, _remarks(data, layout, metadata))


def _layout(data: bytes, whole: bool) -> Layout:
    segments: list[Segment] = []
    frame, at = None, 2
    while at + 4 <= len(data) and len(segments) < MAX_SEGMENTS:
        if data[at] != 0xFF:
            raise DamagedPhoto(f"no JPEG marker at byte {at}, where one must be; the file is damaged")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        payload = bytes(data[at + 4 : at + 2 + length])
        if marker in (*FRAMES, *OTHER_FRAMES) and frame is None and len(payload) >= 6:
            frame = (marker, payload)
            if not whole:
                return Layout(segments, marker, payload, at, len(data))
        if marker == 0xDA and frame is not None:
            return Layout(segments, *frame, at, _end(data, at + 2 + length) if whole else len(data))
        if length < 2 or len(payload) != length - 2 or marker == 0xD9:
            break
        segments.append((marker, payload))
        at += 2 + length
    raise DamagedPhoto(
        f"the JPEG ends after {len(data)} bytes, before its picture; it is truncated or damaged"
    )


def _end(data: bytes, at: int) -> int:
    """Offset behind the end marker of the picture whose first scan begins at `at`."""
    while (found := MARKER_IN_SCAN.search(data, at)) is not None:
        if data[found.end() - 1] == 0xD9:
            return found.end()
        if found.end() + 2 > len(data):
            break
        at = found.end() + struct.unpack_from(">H", data, found.end())[0]
    raise DamagedPhoto(f"the JPEG ends after {len(data)} bytes without its end marker; it is truncated")


def _bare(data: bytes, layout: Layout) -> bytes:
    """The file without metadata: the decoder needs none, and cannot stumble over what it does not see."""
    kept = [(m, p) for m, p in layout.segments if m < 0xE0 or m in (0xE0, 0xEE)]
    return b"\xff\xd8" + _packed(kept) + data[layout.scan : layout.end]


def _packed(segments: list[Segment]) -> bytes:
    return b"".join(struct.pack(">BBH", 0xFF, m, len(p) + 2) + p for m, p in segments)


def _is_rgb(layout: Layout) -> bool:
    """Whether the components are red, green, blue rather than luma and chroma, by libjpeg's rule."""
    if any(m == 0xE0 and p.startswith(b"JFIF\0") for m, p in layout.segments):
        return False
    adobe = next(
        (p for m, p in layout.segments if m == 0xEE and p.startswith(b"Adobe") and len(p) >= 12), None
    )
    return adobe[11] == 0 if adobe else layout.frame_data[6:15:3] == b"RGB"


def _metadata(segments: tuple[Segment, ...]) -> Metadata:
    block = next((p[6:] for m, p in segments if m == 0xE1 and p.startswith(exif.PREFIX)), None)
    xmp = next((p[len(XMP) :] for m, p in segments if m == 0xE1 and p.startswith(XMP)), None)
    parts = sorted((p[12], p[14:]) for m, p in segments if m == 0xE2 and p.startswith(ICC) and len(p) > 14)
    rows = exif.entries(block) if block else []
    resolution = None
    for marker, payload in segments:
        if marker == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) >= 12 and payload[7] in (1, 2):
            scale = 1.0 if payload[7] == 1 else 2.54
            x, y = struct.unpack_from(">HH", payload, 8)
            resolution = (x * scale, y * scale) if x and y else None
    return Metadata(
        exif=block,
        icc=b"".join(part for _, part in parts) or None,
        xmp=xmp,
        resolution=resolution or exif.resolution(rows),
        orientation=exif.orientation(rows),
    )


def _remarks(data: bytes, layout: Layout, metadata: Metadata) -> tuple[str, ...]:
    notes = []
    if len(data) - layout.end > 64:
        extra = len(data) - layout.end
        notes.append(
            f"{extra} bytes behind the picture (previews, gain map or video) show the old one and are dropped"
        )
    resources = b"".join(_bodies(layout.segments, 0xED, PHOTOSHOP))
    # Each part of a long XMP packet begins with its 32-character name, its length and its place.
    more = b"".join(part[40:] for part in _bodies(layout.segments, 0xE1, XMP_MORE))
    if _credentials(layout.segments):
        notes.append(previews.CREDENTIALS)
    return (*notes, *previews.remarks(metadata, resources, more))


def _bodies(segments: list[Segment], marker: int, head: bytes) -> list[bytes]:
    """What stands behind `head` in the segments of one marker that begin with it, in the file's order."""
    return [p[len(head) :] for m, p in segments if m == marker and p.startswith(head)]


def check(samples: Samples, metadata: Metadata) -> None:
    """Raise `OutputError` for what JPEG cannot hold (alpha, 16 bits, float, a side over 65500)."""
    height, width = samples.shape[:2]
    if samples.dtype != np.uint8 or channels(samples) in (2, 4):
        raise OutputError(
            f"JPEG holds 8-bit grey or RGB without alpha, not {samples.dtype} with {channels(samples)} "
            "channels; save as .png or .tif"
        )
    if max(width, height) > MAX_SIDE:
        raise OutputError(
            f"JPEG sides end at {MAX_SIDE} pixels and the picture is {width} x {height}; save as .png or .tif"
        )
    if len(metadata.icc or b"") > MAX_ICC_PARTS * ICC_STEP:
        raise OutputError(
            f"the colour profile has {len(metadata.icc or b'')} bytes, too many for JPEG; save as .png or .tif"
        )


def encode(samples: Samples, metadata: Metadata, recipe: Recipe | None) -> Encoded:
    """Write a JPEG; `OutputError` for what JPEG cannot hold, see `check`."""
    check(samples, metadata)
    notes, options = ["JPEG is lossy: every pixel was coded again; save as .png to keep all others exact"], {}
    if recipe is None:
        options = {"quality": 95, "subsampling": 0}
        segments, more = _segments(metadata)
        notes += more
    else:
        options = {
            "qtables": recipe.tables,
            "subsampling": max(0, recipe.subsampling),
            "progressive": recipe.progressive,
        }
        options["keep_rgb"] = recipe.rgb
        segments = [s for s in recipe.segments if not (s[0] == 0xE2 and s[1].startswith(b"MPF\0"))]
    sink = io.BytesIO()
    Image.fromarray(samples).save(sink, "JPEG", **options)
    return Encoded(_with_segments(sink.getvalue(), segments), True, tuple(notes))


def _with_segments(jpeg: bytes, segments: list[Segment]) -> bytes:
    """Put `segments` in the place of those that the encoder wrote."""
    layout = _layout(jpeg, whole=False)
    own = [s for s in layout.segments if s[0] < 0xE0]
    return b"\xff\xd8" + _packed([*segments, *own]) + jpeg[layout.scan :]


def _segments(meta: Metadata) -> tuple[list[Segment], list[str]]:
    """Segments for a picture that comes from another format, and what did not fit."""
    notes: list[str] = []
    x, y = (min(65535, max(1, round(v))) for v in meta.resolution or (1, 1))
    unit = 1 if meta.resolution else 0
    segments: list[Segment] = [(0xE0, b"JFIF\0\1\1" + struct.pack(">BHHBB", unit, x, y, 0, 0))]
    for name, head, body in (("EXIF", exif.PREFIX, meta.exif), ("XMP", XMP, meta.xmp)):
        if body and len(head) + len(body) <= ROOM:
            segments.append((0xE1, head + body))
        elif body:
            notes.append(
                f"the {name} data, {len(body)} bytes, do not fit into a JPEG segment and were left out"
            )
    icc = meta.icc or b""
    pieces = [icc[i : i + ICC_STEP] for i in range(0, len(icc), ICC_STEP)]
    segments += [(0xE2, ICC + bytes((i + 1, len(pieces))) + piece) for i, piece in enumerate(pieces)]
    return segments, notes


def with_xmp(recipe: Recipe, packet: bytes) -> Recipe:
    """The recipe with another XMP packet, behind JFIF and EXIF as the standard wants it.

    Raises:
        OutputError: the packet does not fit into one segment.
    """
    if len(XMP) + len(packet) > ROOM:
        raise OutputError(
            f"the XMP data have {len(packet)} bytes and a JPEG segment holds {ROOM - len(XMP)}; remove what is "
            "superfluous in them, or save as .png or .tif"
        )
    rest = [s for s in recipe.segments if not (s[0] == 0xE1 and s[1].startswith(XMP))]
    at = sum(marker == 0xE0 or body.startswith(exif.PREFIX) for marker, body in rest)
    return replace(recipe, segments=(*rest[:at], (0xE1, XMP + packet), *rest[at:]))


def _credentials(segments: list[Segment]) -> set[bytes]:
    """Numbers of the JUMBF boxes (ISO 19566-5: `JP`, box number, sequence) that hold a C2PA manifest store."""
    return {p[2:4] for m, p in segments if m == 0xEB and p.startswith(b"JP") and b"jumdc2pa" in p[:40]}
