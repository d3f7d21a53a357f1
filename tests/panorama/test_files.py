"""Panoramas as files: where their pixels lie, and what is kept and added when they are written."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from panorama import Frame, Panorama, gpano
from vanisher_core import Photo, errors

ICC = bytes(range(256)) * 3
PACKET = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" {inside}'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
NAMESPACE = 'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"'


def cropped(**changes: object) -> bytes:
    """A packet of a cropped panorama: 400x100 of 400x200, from row 60."""
    values = {
        "ProjectionType": "equirectangular",
        "FullPanoWidthPixels": 400,
        "FullPanoHeightPixels": 200,
        "CroppedAreaImageWidthPixels": 400,
        "CroppedAreaImageHeightPixels": 100,
        "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": 60,
    } | changes
    inside = " ".join(f'GPano:{key}="{value}"' for key, value in values.items())
    return PACKET.format(inside=f"{NAMESPACE} {inside}/>").encode()


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def write(path: Path, array: np.ndarray, xmp: bytes | None) -> Path:
    """A file by another library than the product's, with profile, EXIF and perhaps XMP."""
    image, exif = Image.fromarray(array), Image.Exif()
    exif[271] = "Vanisher Works"
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        if xmp:
            info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(path, icc_profile=ICC, exif=exif, pnginfo=info)
    elif path.suffix == ".tif":
        tags = [(34675, 7, len(ICC), ICC, True), *([(700, 1, len(xmp), xmp, True)] if xmp else [])]
        tifffile.imwrite(path, array, extratags=tags, metadata=None)
    elif xmp:
        image.save(path, icc_profile=ICC, exif=exif, xmp=xmp)
    else:
        image.save(path, icc_profile=ICC, exif=exif)
    return path


SUFFIXES = (".jpg", ".png", ".tif", ".webp")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_packet_is_written_and_all_else_kept(suffix: str, tmp_path: Path) -> None:
    panorama = Panorama.open(write(tmp_path / f"a{suffix}", picture(200, 100), None))
    changed = panorama.photo.array.copy()
    changed[50, 50] ^= 1
    panorama.with_array(changed).save(tmp_path / f"b{suffix}")
    again = Panorama.open(tmp_path / f"b{suffix}")
    values = gpano.properties(again.photo.metadata.xmp)
    assert values["ProjectionType"] == "equirectangular"
    assert (values["FullPanoWidthPixels"], values["CroppedAreaImageHeightPixels"]) == ("200", "100")
    assert again.frame == panorama.frame == Frame.full(200, 100)
    assert again.photo.metadata.icc == ICC
    if suffix != ".tif":
        assert b"Vanisher Works" in (again.photo.metadata.exif or b"")
    if suffix in (".png", ".tif"):
        assert np.array_equal(again.photo.array, changed)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_existing_packet_is_kept_byte_for_byte(suffix: str, tmp_path: Path) -> None:
    panorama = Panorama.open(write(tmp_path / f"a{suffix}", picture(400, 100), cropped()))
    assert panorama.frame == Frame(400, 100, 400, 200, 0, 60)
    changed = panorama.photo.array.copy()
    changed[50, 50] ^= 1
    panorama.with_array(changed).save(tmp_path / f"b{suffix}")
    assert Photo.open(tmp_path / f"b{suffix}").metadata.xmp == cropped()


def test_a_packet_without_gpano_keeps_its_own_words(tmp_path: Path) -> None:
    own = PACKET.format(inside='xmlns:dc="http://purl.org/dc/elements/1.1/" dc:rights="me"/>').encode()
    panorama = Panorama.open(write(tmp_path / "a.jpg", picture(200, 100), own))
    panorama.save(tmp_path / "b.jpg")
    packet = Photo.open(tmp_path / "b.jpg").metadata.xmp or b""
    head, tail = own.split(b"</rdf:RDF>")
    assert packet.startswith(head)
    assert packet.endswith(tail)
    assert gpano.properties(packet)["ProjectionType"] == "equirectangular"


def test_another_format_gets_the_packet_too(tmp_path: Path) -> None:
    Panorama.from_array(picture(64, 32)).save(tmp_path / "a.png")
    Panorama.open(tmp_path / "a.png").save(tmp_path / "b.jpg")
    assert gpano.properties(Photo.open(tmp_path / "b.jpg").metadata.xmp)["FullPanoWidthPixels"] == "64"


def test_properties_in_elements_and_under_another_prefix_are_read() -> None:
    inside = (
        'xmlns:P="http://ns.google.com/photos/1.0/panorama/"><P:ProjectionType>equirectangular</P:ProjectionType>'
        "<P:FullPanoWidthPixels> 4000 </P:FullPanoWidthPixels></rdf:Description>"
    )
    found = gpano.properties(PACKET.format(inside=inside).encode())
    assert found == {"ProjectionType": "equirectangular", "FullPanoWidthPixels": "4000"}
    assert gpano.properties(None) == {}


def test_a_scaled_crop_is_understood() -> None:
    values = gpano.properties(cropped())
    assert gpano.frame_of(values, (200, 50)) == Frame(200, 50, 200, 100, 0, 30)


@pytest.mark.parametrize(("width", "height"), [(201, 100), (199, 100), (1001, 500), (64, 32)])
def test_nearly_two_to_one_is_a_full_panorama(width: int, height: int) -> None:
    assert Panorama.from_array(picture(width, height)).frame == Frame.full(width, height)


@pytest.mark.parametrize(
    ("size", "packet", "says"),
    [
        ((300, 100), None, "not 2:1"),
        ((300, 100), cropped(), "unlike factors"),
        ((400, 100), cropped(ProjectionType="cylindrical"), "cylindrical"),
        ((400, 100), cropped(CroppedAreaTopPixels=150), "does not fit"),
    ],
)
def test_what_is_no_panorama_is_refused_with_advice(size, packet, says, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", picture(*size), packet)
    with pytest.raises(errors.UnsupportedPhoto, match=rf"a\.png.*{says}"):
        Panorama.open(path)
