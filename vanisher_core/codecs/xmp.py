"""XMP packets: an empty one, and the two things in them that a changed picture makes wrong.

A packet is kept byte for byte. The only byte ever changed is the digit of the orientation, when a picture is
written upright to another format: otherwise a reader that trusts XMP would turn it a second time (XMP part 1,
7.4 and 7.9.2.2: a simple value stands in an attribute or in an element; part 2, 3.3: `tiff:Orientation`; part 2,
3.1: `xmp:Thumbnails`).
"""

from __future__ import annotations

import re

EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n</rdf:RDF>\n</x:xmpmeta>\n'
    b'<?xpacket end="w"?>'
)
"""A packet without any property."""
TIFF_PREFIX = re.compile(rb"xmlns:([\w.-]+)\s*=\s*[\"']http://ns\.adobe\.com/tiff/1\.0/[\"']")
THUMBNAILS = re.compile(rb"<(?:[\w.-]+:)?Thumbnails[\s/>]")


def upright(packet: bytes) -> bytes:
    """The same packet with its orientation, where it has one, set to 1; no other byte differs."""
    for prefix in set(TIFF_PREFIX.findall(packet)):
        name = re.escape(prefix) + rb":Orientation"
        packet = re.sub(rb"(\s" + name + rb"\s*=\s*[\"']\s*)[2-8](?=\s*[\"'])", rb"\g<1>1", packet)
        packet = re.sub(rb"(<" + name + rb"(?:\s[^<>]*)?>\s*)[2-8](?=\s*</)", rb"\g<1>1", packet)
    return packet


def has_thumbnail(packet: bytes) -> bool:
    """Whether the packet carries small pictures of its own; UTF-16 is read as well."""
    return THUMBNAILS.search(packet.replace(b"\0", b"")) is not None
