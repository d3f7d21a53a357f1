"""The XMP receipt: put into any packet, nothing in that lost, lists continued, one source type only."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vanisher_core.disclosure_files import XMP
from vanisher_core.disclosure import source, xmp
from vanisher_core.disclosure.xmp import EVENT, IPTC, MEDIA, OWN, RDF, Edit
from vanisher_core.errors import UnsupportedPhoto

GPANO = "http://ns.google.com/photos/1.0/panorama/"
EDIT = Edit(
    "Vanisher 1", "erased <things> & more", source.GENERATIVE, {"MaskSHA256": "ab"}, {"inpaint": "cd"}
)
OTHER = Edit("Vanisher 2", "erased again", source.RETOUCHED, {"MaskSHA256": "ef"})
OPEN = f'<rdf:RDF xmlns:rdf="{RDF}">'


def packet(*descriptions: str, wrap: str = "{}") -> bytes:
    return wrap.format(OPEN + "".join(descriptions) + "</rdf:RDF>").encode()


def leaves(data: bytes) -> list[tuple[str, str]]:
    """Every property with its text, attributes too, in order; by an independent parser."""
    found = []
    for element in ElementTree.fromstring(data.strip(b"\0")).iter():
        found += [(key, value) for key, value in element.attrib.items() if not key.startswith(f"{{{RDF}}}")]
        if element.text and element.text.strip():
            found.append((element.tag, element.text.strip()))
    return found


def count(data: bytes, space: str, name: str) -> int:
    root = ElementTree.fromstring(data.strip(b"\0"))
    tag = f"{{{space}}}{name}"
    return sum((element.tag == tag) + (tag in element.attrib) for element in root.iter())


def within(part: bytes, whole: bytes) -> bool:
    """Whether all bytes of `part` stand in `whole` in their order."""
    rest = iter(whole)
    return all(byte in rest for byte in part)


PIECES = st.lists(
    st.sampled_from(
        (
            f'<rdf:Description rdf:about="" xmlns:GPano="{GPANO}" GPano:ProjectionType="equirectangular"/>',
            f"<rdf:Description xmlns:G='{GPANO}'>\n<G:FullPanoWidthPixels>8192</G:FullPanoWidthPixels>"
            "</rdf:Description>",
            '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt>'
            '<rdf:li xml:lang="x-default">a &amp; b > "c"</rdf:li></rdf:Alt></dc:title></rdf:Description>',
            '<rdf:Description xmlns:f="urn:foreign:" f:gt="1 &lt; 2 > 0"><f:deep><rdf:Bag><rdf:li>'
            "<rdf:Description><f:x>1</f:x></rdf:Description></rdf:li></rdf:Bag></f:deep></rdf:Description>",
            "<!-- DigitalSourceType is not here -->",
        )
    ),
    max_size=4,
)
HISTORY = st.sampled_from(
    (
        "",
        f'<rdf:Description xmlns:m="{MEDIA}"><m:History><rdf:Seq/></m:History></rdf:Description>',
        f'<rdf:Description xmlns:m="{MEDIA}"><m:History><rdf:Seq >\n</rdf:Seq></m:History></rdf:Description>',
        f'<rdf:Description xmlns:xmpMM="{MEDIA}" xmlns:e="{EVENT}"><xmpMM:History><rdf:Seq><rdf:li e:action="saved" '
        'e:when="2024-01-01"/></rdf:Seq></xmpMM:History></rdf:Description>',
    )
)
WRAPS = st.sampled_from(
    (
        "{}",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="a > b">{}</x:xmpmeta>',
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">{}</x:xmpmeta>'
        '\n        \n<?xpacket end="w"?>',
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">{}</x:xmpmeta>\0',
    )
)


@settings(max_examples=60)
@given(PIECES, HISTORY, WRAPS)
def test_nothing_is_lost_and_each_edit_adds_one_entry(pieces, history, wrap) -> None:
    before = packet(*pieces, history, wrap=wrap)
    once = xmp.with_edit(before, EDIT)
    twice = xmp.with_edit(once, OTHER)
    assert within(before.rstrip(b"\0"), once)
    old = leaves(before)
    for number, after in enumerate((once, twice), start=1):
        new = leaves(after)
        assert all(new.count(leaf) >= old.count(leaf) for leaf in old)
        assert count(after, IPTC, "DigitalSourceType") == 1
        assert count(after, MEDIA, "History") == 1 and count(after, OWN, "Edits") == 1
        assert count(after, OWN, "MaskSHA256") == number == xmp.edits_of(after)
    assert (f"{{{EVENT}}}parameters", "erased <things> & more") in leaves(twice)
    assert xmp.source_of(once) == source.GENERATIVE and xmp.source_of(twice) == source.RETOUCHED
    assert (f"{{{OWN}}}PreviousDigitalSourceType", source.GENERATIVE) in leaves(twice)


@pytest.mark.parametrize(
    "inside",
    [
        f'<rdf:Description xmlns:i="{IPTC}" i:DigitalSourceType = \'http://x/y\' i:Other="1"/>',
        f'<rdf:Description xmlns:i="{IPTC}" i:Other="1"><i:DigitalSourceType> http://x/y\n</i:DigitalSourceType>'
        "</rdf:Description>",
        f'<rdf:Description xmlns:i="{IPTC}" i:Other="1"><i:DigitalSourceType rdf:resource="http://x/y"/>'
        "</rdf:Description>",
    ],
)
def test_an_old_source_type_is_replaced_and_remembered(inside: str) -> None:
    before = packet(inside)
    assert xmp.source_of(before) == "http://x/y"
    after = xmp.with_edit(before, EDIT)
    assert count(after, IPTC, "DigitalSourceType") == 1 and xmp.source_of(after) == source.GENERATIVE
    assert (f"{{{OWN}}}PreviousDigitalSourceType", "http://x/y") in leaves(after)
    assert (f"{{{IPTC}}}Other", "1") in leaves(after)


def test_a_new_packet_where_there_is_none_and_the_subject_of_an_old_one() -> None:
    assert xmp.source_of(xmp.with_edit(None, EDIT)) == source.GENERATIVE
    named = packet('<rdf:Description rdf:about="uuid:1"/>')
    assert xmp.with_edit(named, EDIT).count(b'rdf:about="uuid:1"') == 2


def test_white_space_for_editing_in_place_can_go() -> None:
    assert len(xmp.unpadded(XMP)) == len(XMP) - 399
    assert leaves(xmp.unpadded(XMP)) == leaves(XMP)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no xml at all", "cannot be read"),
        (b"<a/>", "no open rdf:RDF"),
        (f'<r:RDF xmlns:r="{RDF}"/>'.encode(), "no open rdf:RDF"),
        (packet("<rdf:Description>"), "cannot be read"),
        (packet().decode().encode("utf-16"), "cannot be read"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + packet(), "document type"),
        (
            packet(f'<rdf:Description xmlns:m="{MEDIA}"><m:History>text</m:History></rdf:Description>'),
            "is no list",
        ),
    ],
)
def test_a_packet_that_cannot_be_extended_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedPhoto, match=words):
        xmp.with_edit(data, EDIT)


@pytest.mark.parametrize(
    ("weights", "before", "wanted"),
    [
        ({}, None, "humanEdits"),
        ({"net": "ab"}, None, "compositeWithTrainedAlgorithmicMedia"),
        ({"net": "ab"}, "digitalCapture", "compositeWithTrainedAlgorithmicMedia"),
        ({}, "digitalCapture", "humanEdits"),
        ({}, "compositeSynthetic", "compositeSynthetic"),
        ({}, "trainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
        ({"net": "ab"}, "trainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
    ],
)
def test_a_retouch_never_makes_a_picture_more_genuine(weights, before, wanted) -> None:
    term = source.source_type(weights, before and source.VOCABULARY + before)
    assert term == source.VOCABULARY + wanted
