"""File formats: four codecs behind one table, chosen by a file's first bytes and never by its name.

The list is an allow-list. Whatever else the libraries below could open (PostScript, PDF, layered files,
astronomy) never reaches them.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from vanisher_core.codecs.base import Decoded, Encoded, Metadata, Samples
from vanisher_core.errors import DamagedPhoto, UnsupportedPhoto, UsageError


class Codec(Protocol):
    """What each codec module offers (see `vanisher_core.codecs.base`)."""

    def probe(self, data: bytes) -> tuple[int, int]:
        """Width and height by the header alone."""
        ...

    def decode(self, data: bytes) -> Decoded:
        """Read a file."""
        ...

    def check(self, samples: Samples, metadata: Metadata) -> None:
        """Raise `OutputError` if the format cannot hold these samples; `encode` begins with it."""
        ...

    def encode(self, samples: Samples, metadata: Metadata, recipe: object) -> Encoded:
        """Write a file."""
        ...

    def with_xmp(self, recipe: object, packet: bytes) -> object:
        """The recipe with this XMP packet in the place of its own; `OutputError` if it is too long."""
        ...


FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")


def codec(format: str) -> Codec:
    """The codec of a format in `FORMATS`; its library is imported when first needed, for a quick start."""
    return cast(Codec, importlib.import_module(f"vanisher_core.codecs.{format.lower()}"))


SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif", "WEBP": ".webp"}
"""Format -> the suffix that its files get when no better one is known."""
STRANGERS = {
    b"GIF8": "a GIF",
    b"%PDF": "a PDF",
    b"%!PS": "a PostScript file",
    b"8BPS": "a Photoshop file",
    b"BM": "a BMP",
    b"SIMPLE": "a FITS file",
    b"gimp xcf": "a GIMP file",
    b"\xff\x0a": "a JPEG XL",
    b"\0\0\0\x0cJXL ": "a JPEG XL",
    b"\0\0\0\x0cjP  ": "a JPEG 2000",
    b"\x76\x2f\x31\x01": "an OpenEXR file",
    b"#?RADIANCE": "a Radiance HDR file",
    b"PK\x03\x04": "a ZIP archive",
    b"<svg": "an SVG drawing",
}
READABLE = "PNG, JPEG, TIFF or WebP"


def sniff(data: bytes) -> str:
    """Format of a file by its first bytes: PNG, JPEG, TIFF or WEBP.

    Raises:
        DamagedPhoto: the file is empty or is no picture at all.
        UnsupportedPhoto: it is a known format outside the allow-list.
    """
    if not data:
        raise DamagedPhoto(f"the file is empty (0 bytes); a photograph in {READABLE} is needed")
    head = bytes(data[:32])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    for mark, name in STRANGERS.items():
        if head.startswith(mark):
            raise UnsupportedPhoto(f"it is {name}; save it as {READABLE} first")
    if head[4:8] == b"ftyp":
        raise UnsupportedPhoto(f"it is a HEIC, AVIF or video file; save it as {READABLE} first")
    raise DamagedPhoto(
        f"it is no picture (it begins with {head[:12]!r}); a photograph in {READABLE} is needed"
    )


def format_of(suffix: str) -> str:
    """Format for a file name's suffix (`.png`, any case); `UsageError` for one that cannot be written."""
    try:
        return SUFFIXES[suffix.lower()]
    except KeyError:
        raise UsageError(f"cannot write {suffix!r}; use one of {', '.join(SUFFIXES)}") from None
