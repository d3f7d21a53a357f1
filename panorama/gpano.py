"""GPano: the XMP properties that say where a picture lies on the sphere.

Read where they stand, as attributes or elements of any packet; written only where a panorama has none, because
viewers need them. An existing packet keeps every byte: the new description is put before its closing tag.
Reference: Google, "Photo Sphere XMP Metadata" (namespace http://ns.google.com/photos/1.0/panorama/).
"""

from __future__ import annotations

import re

from panorama.sphere import Frame
from vanisher_core.codecs import xmp
from vanisher_core.errors import UnsupportedPhoto
from vanisher_core.photo import Photo

NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
PREFIX = re.compile(rb"xmlns:([\w.-]+)\s*=\s*[\"']" + re.escape(NAMESPACE.encode()) + rb"[\"']")
SHARE = 0.005
"""By how much two sides may differ from one scale of the sizes that a packet states."""


def properties(packet: bytes | None) -> dict[str, str]:
    """GPano properties of a packet by name, as they stand; empty without any."""
    found: dict[str, str] = {}
    for prefix in set(PREFIX.findall(packet or b"")):
        name = re.escape(prefix)
        for key, value in re.findall(rb"\s" + name + rb":(\w+)\s*=\s*[\"']([^\"']*)[\"']", packet or b""):
            found[key.decode()] = value.decode("utf-8", "replace").strip()
        for key, value in re.findall(rb"<" + name + rb":(\w+)[^<>]*>([^<]*)</", packet or b""):
            found[key.decode()] = value.decode("utf-8", "replace").strip()
    return found


def frame_of(values: dict[str, str], size: tuple[int, int]) -> Frame | None:
    """The frame that GPano properties describe, or None if they do not say.

    A picture that was scaled after its packet was written is understood when both sides were scaled alike.

    Args:
        values: of `properties`.
        size: width and height of the picture.

    Raises:
        UnsupportedPhoto: another projection, or sizes that contradict the picture.
    """
    projection = values.get("ProjectionType", "equirectangular").lower()
    if projection != "equirectangular":
        raise UnsupportedPhoto(
            f"its GPano projection is {projection!r} and only 'equirectangular' can be worked on; export it so"
        )
    try:
        full = int(values["FullPanoWidthPixels"]), int(values["FullPanoHeightPixels"])
        crop = int(values["CroppedAreaImageWidthPixels"]), int(values["CroppedAreaImageHeightPixels"])
        left, top = int(values["CroppedAreaLeftPixels"]), int(values["CroppedAreaTopPixels"])
    except (KeyError, ValueError):
        return None
    if min(*full, *crop) < 1 or left < 0 or top < 0 or left + crop[0] > full[0] or top + crop[1] > full[1]:
        raise UnsupportedPhoto(
            f"its GPano crop of {crop[0]}x{crop[1]} at ({left}, {top}) does not fit into the full panorama of "
            f"{full[0]}x{full[1]}; correct or remove the GPano data"
        )
    across, down = size[0] / crop[0], size[1] / crop[1]
    if abs(across - down) > SHARE * max(across, down) + 1 / min(crop):
        raise UnsupportedPhoto(
            f"it is {size[0]}x{size[1]} and its GPano data say {crop[0]}x{crop[1]}: the sides differ by unlike "
            "factors; correct or remove the GPano data"
        )
    wide = size[0] if crop[0] == full[0] else round(full[0] * across)
    high = size[1] if crop[1] == full[1] else round(full[1] * down)
    left, top = min(round(left * across), wide - size[0]), min(round(top * down), high - size[1])
    return Frame(size[0], size[1], wide, high, left, top)


def described(photo: Photo, frame: Frame) -> Photo:
    """The photo with GPano properties in its metadata; the photo itself if it has some already."""
    packet = photo.metadata.xmp
    if properties(packet) or (packet and b"</rdf:RDF>" not in packet):
        return photo
    packet = (packet or xmp.EMPTY).replace(b"</rdf:RDF>", _description(frame) + b"</rdf:RDF>", 1)
    return photo.with_xmp(packet)


def _description(frame: Frame) -> bytes:
    values = {
        "ProjectionType": "equirectangular",
        "UsePanoramaViewer": "True",
        "FullPanoWidthPixels": frame.full_width,
        "FullPanoHeightPixels": frame.full_height,
        "CroppedAreaImageWidthPixels": frame.width,
        "CroppedAreaImageHeightPixels": frame.height,
        "CroppedAreaLeftPixels": frame.left,
        "CroppedAreaTopPixels": frame.top,
    }
    lines = "".join(f'\n  GPano:{key}="{value}"' for key, value in values.items())
    return f'<rdf:Description rdf:about="" xmlns:GPano="{NAMESPACE}"{lines}/>\n'.encode()
