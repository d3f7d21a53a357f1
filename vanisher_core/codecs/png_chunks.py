"""PNG chunks: take a file apart, keep what is not pixels, put it together again.

Which chunks survive a changed picture is the format's own rule (PNG specification 14.2, "safe to copy"):
every registered chunk that describes colour, text, time, resolution or EXIF is kept byte for byte in its
order; an unknown one is kept only if its name says that it does not depend on the pixels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from vanisher_core.codecs import exif
from vanisher_core.codecs.base import Metadata
from vanisher_core.errors import DamagedPhoto

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp"
CREDENTIALS = (
    b"caBX"  # a C2PA manifest store; its name says that it depends on the pixels, so it never survives
)
KEPT = frozenset(
    b"cHRM gAMA iCCP sBIT sRGB cICP mDCV mDCv cLLI cLLi tRNS bKGD pHYs sPLT eXIf tEXt zTXt iTXt tIME "
    b"oFFs pCAL sCAL".split()
)
BY_SAMPLE = frozenset((b"sBIT", b"bKGD", b"hIST", b"tRNS"))  # their layout depends on colour type and depth
MAX_TEXT = 16 * 1024 * 1024
MAX_CHUNKS = 1_000_000


@dataclass(frozen=True)
class Chunk:
    """One chunk: its four-letter name and its data; length and checksum are added when written."""

    kind: bytes
    data: bytes = field(repr=False)

    def packed(self) -> bytes:
        """The chunk as it stands in a file."""
        body = self.kind + self.data
        return struct.pack(">I", len(self.data)) + body + struct.pack(">I", zlib.crc32(body))


def parse(data: bytes) -> tuple[list[Chunk], int]:
    """All chunks up to IEND, and how many damaged ones beside the picture were left out.

    Raises:
        DamagedPhoto: the file ends early, or a chunk that the picture needs fails its checksum.
    """
    chunks, damaged, at = [], 0, len(SIGNATURE)
    while at + 12 <= len(data) and len(chunks) + damaged < MAX_CHUNKS:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        body = data[at + 8 : end - 4]
        if zlib.crc32(data[at + 4 : end - 4]) == struct.unpack_from(">I", data, end - 4)[0]:
            chunks.append(Chunk(kind, body))
        elif kind[:1].isupper():
            raise DamagedPhoto(
                f"the PNG chunk {kind!r} at byte {at} fails its checksum; get an undamaged copy"
            )
        else:
            damaged += 1
        if kind == b"IEND":
            return chunks, damaged
        at = end
    raise DamagedPhoto(f"the PNG ends after {len(data)} bytes without its closing chunk; it is truncated")


def join(chunks: Iterable[Chunk]) -> bytes:
    """A file of these chunks."""
    return SIGNATURE + b"".join(c.packed() for c in chunks)


def image_data(png: bytes) -> bytes:
    """The compressed picture of a PNG file that this package wrote."""
    return b"".join(c.data for c in parse(png)[0] if c.kind == b"IDAT")


def assemble(ihdr: Chunk, others: Iterable[Chunk], image: bytes) -> bytes:
    """A file of header, picture, and the other chunks worth keeping; IDAT among those marks its place."""
    before, after, seen = [], [], False
    for chunk in others:
        if chunk.kind == b"IDAT":
            seen = True
        elif _survives(chunk.kind, ihdr.data[9]):
            (after if seen else before).append(chunk)
    parts = [image[i : i + (1 << 30)] for i in range(0, len(image), 1 << 30)]
    return join([ihdr, *before, *(Chunk(b"IDAT", p) for p in parts), *after, Chunk(b"IEND", b"")])


def _survives(kind: bytes, colour: int) -> bool:
    if kind == b"PLTE":
        return colour not in (0, 4)  # grey pictures have none
    return kind in KEPT or (kind[:1].islower() and kind[3:].islower())


def metadata(chunks: Iterable[Chunk]) -> Metadata:
    """Profile, EXIF, XMP and resolution; a damaged one counts as absent (its chunk is kept all the same)."""
    icc = xmp = block = dpi = None
    for chunk in chunks:
        if chunk.kind == b"iCCP":
            icc = _inflate(chunk.data.partition(b"\0")[2][1:])
        elif chunk.kind == b"iTXt" and chunk.data.startswith(XMP_KEYWORD + b"\0"):
            xmp = _text(chunk.data)
        elif chunk.kind == b"eXIf":
            block = exif.strip_prefix(chunk.data)
        elif chunk.kind == b"pHYs" and len(chunk.data) == 9 and chunk.data[8] == 1:
            x, y = struct.unpack_from(">II", chunk.data)
            dpi = (x * 0.0254, y * 0.0254)
    rows = exif.entries(block) if block else []
    dpi = dpi or exif.resolution(rows)
    return Metadata(exif=block, icc=icc, xmp=xmp, resolution=dpi, orientation=exif.orientation(rows))


def from_metadata(meta: Metadata) -> list[Chunk]:
    """Chunks for a picture that comes from another format; a stand-in IDAT closes the list."""
    chunks = []
    if meta.icc:
        chunks.append(Chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(meta.icc)))
    if meta.resolution:
        chunks.append(
            Chunk(b"pHYs", struct.pack(">IIB", *(max(1, round(v / 0.0254)) for v in meta.resolution), 1))
        )
    if meta.exif:
        chunks.append(Chunk(b"eXIf", meta.exif))
    if meta.xmp:
        chunks.append(Chunk(b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + meta.xmp))
    return [*chunks, Chunk(b"IDAT", b"")]


def _text(data: bytes) -> bytes | None:
    """Text of an iTXt chunk: keyword, 0, compressed?, method, language, 0, translated keyword, 0, text."""
    packed = data[len(XMP_KEYWORD) + 1 :][:1] == b"\1"
    fields = data[len(XMP_KEYWORD) + 3 :].split(b"\0", 2)
    if len(fields) < 3:
        return None
    return _inflate(fields[2]) if packed else fields[2]


def _inflate(packed: bytes) -> bytes | None:
    """The whole of a compressed value; None if it is damaged or inflates beyond all reason."""
    stream = zlib.decompressobj()
    try:
        value = stream.decompress(packed, MAX_TEXT)
    except zlib.error:
        return None
    return value if stream.eof else None
