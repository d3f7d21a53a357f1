"""Small pictures inside metadata, which still show what was erased from the large one.

They are kept, since metadata are kept byte for byte, and their owner is told. Three places are known: EXIF's
second directory, XMP, and Photoshop's image resources 1033 and 1036 (Adobe Photoshop File Formats Specification,
"Image Resource Blocks").
"""

from __future__ import annotations

import struct

from vanisher_core.codecs import exif, xmp
from vanisher_core.codecs.base import Metadata

CREDENTIALS = "C2PA content credentials vouch for the old picture and are left out of a changed one"
"""Said by the codecs about a manifest store in the source."""
RESOURCE_MARKS = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
RESOURCE_THUMBNAILS = (0x0409, 0x040C)


def remarks(metadata: Metadata, resources: bytes = b"", more_xmp: bytes = b"") -> tuple[str, ...]:
    """A sentence for each place with a thumbnail.

    Args:
        metadata: the file's EXIF and XMP.
        resources: its Photoshop image resources, one behind the other.
        more_xmp: XMP that `metadata` does not hold (the second packet of a JPEG).
    """
    notes = []
    if metadata.exif and exif.has_thumbnail(metadata.exif):
        notes.append("the EXIF thumbnail still shows the old picture, because EXIF is kept byte for byte")
    if resource_thumbnail(resources):
        notes.append(
            "the Photoshop thumbnail still shows the old picture, because Photoshop's data are kept byte for byte"
        )
    if xmp.has_thumbnail(metadata.xmp or b"") or xmp.has_thumbnail(more_xmp):
        notes.append("the XMP thumbnail still shows the old picture, because XMP is kept byte for byte")
    return tuple(notes)


def resource_thumbnail(data: bytes) -> bool:
    """Whether image resource blocks hold a thumbnail; damaged ones end the search."""
    at = 0
    while at + 8 <= len(data) and data[at : at + 4] in RESOURCE_MARKS:
        number, name = struct.unpack_from(">HB", data, at + 4)
        if number in RESOURCE_THUMBNAILS:
            return True
        at += 6 + name + 1 + (name + 1) % 2  # the name and its length byte fill an even number of bytes
        if at + 4 > len(data):
            return False
        length = struct.unpack_from(">I", data, at)[0]
        at += 4 + length + length % 2
    return False
