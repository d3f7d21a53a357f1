"""The edit receipt inside the picture: XMP properties put into whatever packet is there, and nothing else moved.

Written are `Iptc4xmpExt:DigitalSourceType` (IPTC Photo Metadata Standard), one entry of `xmpMM:History` (XMP
part 2, 1.2.5 `ResourceEvent`) and one entry of `vanisher:Edits`, a list that grows with every disclosed edit. No
clock in any of them: the same erasure gives the same bytes.

An XML parser finds the places, the bytes are spliced: comments, padding, prefixes and unknown properties stay
as they stand. A property may occur only once in a packet (XMP part 1, 7.4), so an old source type is cut out and
remembered in the new entry, and both lists are continued where they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from vanisher_core.codecs.xmp import EMPTY
from vanisher_core.disclosure.packet import RDF, TAG, Found, Reader
from vanisher_core.errors import UnsupportedPhoto

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
MEDIA = "http://ns.adobe.com/xap/1.0/mm/"
EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
OWN = "urn:uuid:0f7f3c52-5a4c-4a0b-9b7e-6a4a4f3d9c11#"
"""Namespace of `vanisher:`. A UUID, because the product owns no domain name."""
SOURCE, HISTORY, EDITS = (IPTC, "DigitalSourceType"), (MEDIA, "History"), (OWN, "Edits")


@dataclass(frozen=True)
class Edit:
    """One entry of the edit receipt.

    Attributes:
        agent: name and version of the product.
        summary: one sentence for a person.
        source_type: URI of the IPTC term for the result.
        facts: name -> value, written as properties of the entry.
        weights: name -> SHA-256 of the networks that took part.
    """

    agent: str
    summary: str
    source_type: str
    facts: Mapping[str, str]
    weights: Mapping[str, str] = field(default_factory=dict)


def source_of(packet: bytes | None) -> str | None:
    """The digital source type that a packet states; None without.

    Raises:
        UnsupportedPhoto: the packet cannot be read.
    """
    return None if packet is None else _stated(Reader(_trimmed(packet)).read())


def edits_of(packet: bytes | None) -> int:
    """How many disclosed edits a packet lists."""
    return len(re.findall(rb"<vanisher:MaskSHA256>", packet or b""))


def with_edit(packet: bytes | None, edit: Edit) -> bytes:
    """The packet with one edit more; a new one if there was none.

    Raises:
        UnsupportedPhoto: the packet is no XMP, not UTF-8, or its history is no list.
    """
    packet = _trimmed(packet or EMPTY)
    found = Reader(packet).read()
    assert found.rdf_end is not None
    old = _stated(found)
    splices: list[tuple[int, int, bytes]] = []
    fresh = f"  <Iptc4xmpExt:DigitalSourceType>{escape(edit.source_type)}</Iptc4xmpExt:DigitalSourceType>\n"
    if (place := found.elements.get(SOURCE)) is not None:
        splices.append((place.begin, place.end, b""))
    if SOURCE in found.attributes:
        splices.append(_attribute(packet, found))
    for name, item in ((EDITS, _edit_item(edit, old)), (HISTORY, _history_item(edit))):
        place = found.elements.get(name)
        if place is None:
            prefix = "vanisher:Edits" if name == EDITS else "xmpMM:History"
            fresh += f"  <{prefix}><rdf:Seq>\n{item}  </rdf:Seq></{prefix}>\n"
        elif place.list_end is None:
            raise UnsupportedPhoto(f"{name[1]} in its XMP data is no list; repair or remove it first")
        else:
            splices.append(_into_list(packet, place.list_end, item))
    splices.append((found.rdf_end, found.rdf_end, _description(found.about, fresh)))
    for begin, end, text in sorted(splices, reverse=True):
        packet = packet[:begin] + text + packet[end:]
    return packet


def unpadded(packet: bytes) -> bytes:
    """The packet without the white space that leaves room for editing in place."""
    at = packet.rfind(b"<?xpacket")
    return packet if at < 1 else packet[:at].rstrip() + b"\n" + packet[at:]


def _trimmed(packet: bytes) -> bytes:
    return packet.rstrip(b"\0")


def _stated(found: Found) -> str | None:
    place = found.elements.get(SOURCE)
    text = place.text if place else found.attributes.get(SOURCE, (0, "", ""))[2]
    return text.strip() or None


def _attribute(packet: bytes, found: Found) -> tuple[int, int, bytes]:
    """The splice that cuts the source type out of a description's tag."""
    at, prefix, _ = found.attributes[SOURCE]
    tag = TAG.match(packet, at)
    pattern = rb"\s" + re.escape(f"{prefix}:{SOURCE[1]}".encode()) + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    inside = re.search(pattern, packet[at : tag.end() if tag else at])
    if inside is None:
        raise UnsupportedPhoto("the digital source type in its XMP data cannot be found; remove it first")
    return at + inside.start(), at + inside.end(), b""


def _into_list(packet: bytes, at: int, item: str) -> tuple[int, int, bytes]:
    """The splice that puts an item at the end of a list, be it `<rdf:Seq>...</rdf:Seq>` or `<rdf:Seq/>`."""
    if packet[at : at + 2] == b"</":
        return at, at, item.encode()
    tag = TAG.match(packet, at)
    assert tag is not None
    whole = tag.group()
    name = re.split(rb"[\s/>]", whole[1:], maxsplit=1)[0]
    return at, tag.end(), whole[:-2].rstrip() + b">\n" + item.encode() + b"</" + name + b">"


def _description(about: str, body: str) -> bytes:
    spaces = f'xmlns:rdf="{RDF}" xmlns:Iptc4xmpExt="{IPTC}" xmlns:xmpMM="{MEDIA}" xmlns:vanisher="{OWN}"'
    return f"<rdf:Description rdf:about={quoteattr(about)} {spaces}>\n{body}</rdf:Description>\n".encode()


def _history_item(edit: Edit) -> str:
    return (
        f'   <rdf:li xmlns:rdf="{RDF}" xmlns:stEvt="{EVENT}" rdf:parseType="Resource">\n'
        "    <stEvt:action>edited</stEvt:action>\n"
        f"    <stEvt:softwareAgent>{escape(edit.agent)}</stEvt:softwareAgent>\n"
        "    <stEvt:changed>/</stEvt:changed>\n"
        f"    <stEvt:parameters>{escape(edit.summary)}</stEvt:parameters>\n"
        "   </rdf:li>\n"
    )


def _edit_item(edit: Edit, before: str | None) -> str:
    facts = dict(edit.facts) | {"Agent": edit.agent, "DigitalSourceType": edit.source_type}
    if before:
        facts["PreviousDigitalSourceType"] = before
    lines = "".join(
        f"    <vanisher:{name}>{escape(value)}</vanisher:{name}>\n" for name, value in sorted(facts.items())
    )
    if edit.weights:
        items = "".join(f"<rdf:li>{escape(f'{n} {d}')}</rdf:li>" for n, d in sorted(edit.weights.items()))
        lines += f"    <vanisher:Weights><rdf:Bag>{items}</rdf:Bag></vanisher:Weights>\n"
    return f'   <rdf:li xmlns:rdf="{RDF}" xmlns:vanisher="{OWN}" rdf:parseType="Resource">\n{lines}   </rdf:li>\n'
