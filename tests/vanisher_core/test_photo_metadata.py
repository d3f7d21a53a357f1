"""Metadata: byte for byte in the source's format, carried into others, upright everywhere."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

from tests.vanisher_core.photo_files import (
    ICC,
    XMP,
    exif_block,
    jpeg_segments,
    noise,
    pillow,
    png,
    png_chunks,
    png_text,
    smooth,
    tiff,
)
from vanisher_core.codecs import exif, ifd, xmp
from vanisher_core.codecs.previews import resource_thumbnail
from vanisher_core.photo import Photo

SHAPE = (22, 35, 3)


def full(format, orientation=1, icc=ICC):
    """A file with all metadata, by Pillow."""
    block = b"Exif\0\0" + exif_block(orientation)
    options = {
        "PNG": {"pnginfo": png_text(), "exif": block, "dpi": (300, 300)},
        "JPEG": {"exif": block, "xmp": XMP, "dpi": (300, 300), "comment": b"kept"},
        "WEBP": {"exif": block, "xmp": XMP, "lossless": True},
        "TIFF": {"dpi": (300, 300)},
    }[format]
    if format == "TIFF":
        image = Image.Exif()
        image.load(exif_block(orientation))
        image[700] = XMP
        options["exif"] = image
    return pillow(smooth(SHAPE), format, icc_profile=icc, **options)


def inverted(photo):
    return photo.with_array(255 - photo.array)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_at_work_and_restored_on_save(format, orientation):
    data = full(format, orientation)
    with Image.open(io.BytesIO(data)) as image:
        stored, shown = np.asarray(image), np.asarray(ImageOps.exif_transpose(image))
    photo = Photo.from_bytes(data)
    assert photo.metadata.orientation == orientation
    np.testing.assert_array_equal(photo.array, shown)
    written = inverted(photo).to_bytes()
    with Image.open(io.BytesIO(written)) as image:
        assert image.size == stored.shape[1::-1]
        assert image.getexif()[274] == orientation
        if format != "JPEG":
            np.testing.assert_array_equal(np.asarray(image), 255 - stored)


@pytest.mark.parametrize("source", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("target", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_metadata_follow_into_every_format(source, target):
    photo = inverted(Photo.from_bytes(full(source, orientation=6)))
    again = Photo.from_bytes(photo.to_bytes(target))
    meta, other = photo.metadata, again.metadata
    assert meta.icc == other.icc == ICC
    assert meta.xmp == other.xmp == XMP
    assert again.size == photo.size
    if source == target:
        assert other == meta
        return
    assert other.orientation == 1
    if target != "JPEG":
        np.testing.assert_array_equal(again.array, photo.array)
    with Image.open(io.BytesIO(photo.to_bytes(target))) as image:
        shown = ImageOps.exif_transpose(image)
        assert shown.size == photo.size
        tags = image.getexif()
        assert tags[271] == "Vanisher Works"
        assert tags.get_ifd(0x8769)[33434] == TiffImagePlugin.IFDRational(1, 250)
        assert tags.get_ifd(0x8769)[37500] == b"maker\0\1\2\3 note"
        assert tags.get_ifd(0x8825)[1] == "N"
    if "TIFF" not in (source, target):
        assert other.exif == exif.upright(meta.exif or b"")
    if meta.resolution and target != "WEBP":
        assert other.resolution == pytest.approx((300, 300), abs=0.1)


def test_jpeg_segments_are_copied_byte_for_byte():
    icc = noise((150_000,)).tobytes()  # three segments
    data = full("JPEG", 8, icc)
    photo = Photo.from_bytes(data)
    assert photo.metadata.icc == icc
    assert photo.metadata.xmp == XMP
    assert photo.metadata.exif == exif_block(8)
    assert photo.metadata.resolution == (300, 300)
    written = inverted(photo).to_bytes()
    assert jpeg_segments(written) == jpeg_segments(data)
    assert sum(m == 0xE2 for m, _ in jpeg_segments(written)) == 3


@pytest.mark.parametrize("depth", [8, 16])
def test_png_chunks_are_copied_byte_for_byte_in_order(depth):
    before = [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", *range(8))),
        (b"iCCP", b"name\0\0" + zlib.compress(ICC, 9)),
        (b"sBIT", b"\5\6\5"),
        (b"pHYs", struct.pack(">IIB", 11811, 5906, 1)),
        (b"eXIf", exif_block(1)),
        (b"tIME", b"\x07\xe8\1\2\3\4\5"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"packed")),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
    ]
    after = [(b"tEXt", b"Author\0nobody"), (b"spRy", b"unknown, safe to copy")]
    array = noise((6, 7, 3), f"uint{depth}")
    rows = [row.astype(f">u{depth // 8}").tobytes() for row in array]
    data = png(7, 6, depth, 2, rows, before, after)
    photo = Photo.from_bytes(data)
    np.testing.assert_array_equal(photo.array, array)
    assert photo.metadata.icc == ICC
    assert photo.metadata.xmp == XMP
    assert photo.metadata.exif == exif_block(1)
    assert photo.metadata.resolution == pytest.approx((300, 150), abs=0.02)
    written = photo.with_array(photo.array[::-1].copy()).to_bytes()
    assert png_chunks(written) == png_chunks(data)
    np.testing.assert_array_equal(Photo.from_bytes(written).array, array[::-1])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiff_tags_are_copied_byte_for_byte(order, bigtiff, dtype):
    tags = [
        (270, "s", 0, "A room", True),
        (271, "s", 0, "Vanisher Works", True),
        (306, "s", 0, "2024:01:02 03:04:05", True),
        (700, "B", len(XMP), XMP, True),
        (34675, 7, len(ICC), ICC, True),
        (33723, 7, 5, b"\x1c\2\0\0\1", True),
        (318, "2I", 2, (3127, 10000, 3290, 10000), True),
        (65000, "H", 3, (1, 2, 60000), True),
        (65001, "d", 1, 0.1, True),
    ]
    array = noise(SHAPE, dtype)
    data = tiff(
        array,
        photometric="rgb",
        byteorder=order,
        bigtiff=bigtiff,
        extratags=tags,
        resolution=(240, 120),
        resolutionunit=3,
        compression="lzw",
    )
    photo = Photo.from_bytes(data)
    assert (photo.metadata.icc, photo.metadata.xmp) == (ICC, XMP)
    assert photo.metadata.resolution == pytest.approx((240 * 2.54, 120 * 2.54))
    written = photo.with_array(array[:, ::-1].copy()).to_bytes()

    def rows(file):
        head = ifd.header(file)
        entries, following = ifd.read(file, head, head.first)
        assert following == 0
        assert (head.order, head.big) == (order, bigtiff)
        return {e.tag: e for e in entries if e.tag not in (273, 278, 279)}

    assert rows(written) == rows(data)


def test_tiff_exif_and_gps_directories_survive():
    data = full("TIFF", 3)
    written = inverted(Photo.from_bytes(data)).to_bytes()
    with Image.open(io.BytesIO(data)) as one, Image.open(io.BytesIO(written)) as two:
        for directory in (0x8769, 0x8825):
            assert two.getexif().get_ifd(directory) == one.getexif().get_ifd(directory) != {}
        assert two.info["dpi"] == (300, 300)


def test_webp_chunks_are_copied():
    data = full("WEBP", 5)
    written = inverted(Photo.from_bytes(data)).to_bytes()
    for body in (ICC, XMP, exif_block(5)):
        assert body in written
    assert written[20] == data[20]  # the flags of the extended header


@pytest.mark.parametrize("order", ["<", ">"])
def test_upright_changes_the_orientation_and_nothing_else(order):
    block = exif_block(6, order, thumbnail=True)
    patched = exif.upright(block)
    assert [a for a, b in zip(block, patched, strict=True) if a != b] == [6]
    assert exif.orientation(exif.entries(patched)) == 1
    assert exif.upright(b"II*\0 no block") == b"II*\0 no block"


def test_directories_survive_a_change_of_byte_order():
    entries = exif.entries(exif_block(6, "<"))
    big = b"MM\0*\0\0\0\x08" + ifd.write(entries, ">", False, 8)
    assert [e.ordered("<") for e in exif.entries(big)] == entries
    image = Image.Exif()
    image.load(big)
    assert image.get_ifd(0x8825)[2] == (52.0, 30.0, 0.0)
    assert image.get_ifd(0x8769)[36867] == "2024:01:02 03:04:05"


def test_exif_thumbnail_is_kept_and_said():
    block = exif_block(1, thumbnail=True)
    photo = Photo.from_bytes(pillow(smooth(SHAPE), "JPEG", exif=b"Exif\0\0" + block))
    assert photo.metadata.exif == block
    assert any("thumbnail still shows the old picture" in note for note in photo.notes)


def test_pictures_behind_a_jpeg_are_dropped_and_said():
    first, second = Image.fromarray(smooth((40, 50, 3))), Image.fromarray(noise((40, 50, 3)))
    data = pillow(first, "MPO", save_all=True, append_images=[second])
    photo = Photo.from_bytes(data)
    np.testing.assert_array_equal(photo.array, np.asarray(Image.open(io.BytesIO(data))))
    assert any("behind the picture" in note for note in photo.notes)
    written = inverted(photo).to_bytes()
    assert b"MPF\0" not in written
    with Image.open(io.BytesIO(written)) as image:
        assert getattr(image, "n_frames", 1) == 1


def test_jpeg_that_stores_rgb_stays_so():
    data = pillow(smooth(SHAPE), "JPEG", quality=92, keep_rgb=True)
    photo = Photo.from_bytes(data)
    again = Photo.from_bytes(inverted(photo).to_bytes())
    assert again._recipe.rgb
    assert np.abs(again.array.astype(int) - (255 - photo.array)).max() < 12


def test_premultiplied_colours_become_straight_where_a_format_needs_it():
    alpha = np.full((4, 5, 1), 128, np.uint8)
    alpha[0, 0] = 0
    colour = np.full((4, 5, 3), 64, np.uint8)
    colour[0, 0] = 0
    data = tiff(np.concatenate([colour, alpha], 2), photometric="rgb", extrasamples=["assocalpha"])
    photo = Photo.from_bytes(data)
    assert photo.metadata.alpha == "associated"
    for format in ("PNG", "WEBP"):
        again = Photo.from_bytes(photo.to_bytes(format))
        assert again.metadata.alpha == "straight"
        assert again.array[1, 1].tolist() == [128, 128, 128, 128]
        assert again.array[0, 0].tolist() == [0, 0, 0, 0]
    assert Photo.from_bytes(photo.to_bytes("TIFF")).array[1, 1].tolist() == [64, 64, 64, 128]


def test_a_real_profile_is_still_read_by_others():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for format in ("PNG", "JPEG", "TIFF", "WEBP"):
        written = inverted(Photo.from_bytes(full(format, 1, icc))).to_bytes()
        with Image.open(io.BytesIO(written)) as image:
            assert image.info["icc_profile"] == icc


def resource(number, body, name=b""):
    """A Photoshop image resource block."""
    label = bytes([len(name)]) + name
    label += bytes(len(label) % 2)
    return (
        b"8BIM"
        + struct.pack(">H", number)
        + label
        + struct.pack(">I", len(body))
        + body
        + bytes(len(body) % 2)
    )


RESOURCES = resource(0x0404, b"caption", b"odd") + resource(0x040C, b"\xff\xd8 old picture")
XMP_THUMBNAIL = XMP.replace(
    b"<rdf:Description ", b"<xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails><rdf:Description "
)


def said(photo, where):
    return any(f"the {where} thumbnail still shows the old picture" in note for note in photo.notes)


def test_photoshop_thumbnails_in_a_jpeg_are_kept_and_said():
    data = pillow(smooth(SHAPE), "JPEG")
    body = b"Photoshop 3.0\0" + RESOURCES
    with_them = data[:2] + struct.pack(">BBH", 0xFF, 0xED, len(body) + 2) + body + data[2:]
    photo = Photo.from_bytes(with_them)
    assert said(photo, "Photoshop") and not said(Photo.from_bytes(data), "Photoshop")
    assert (0xED, body) in jpeg_segments(inverted(photo).to_bytes())


@pytest.mark.parametrize("cut", [0, 13, 30])
def test_photoshop_resources_may_span_segments(cut):
    data = pillow(smooth(SHAPE), "JPEG")
    parts = [b"Photoshop 3.0\0" + part for part in (RESOURCES[:cut], RESOURCES[cut:])]
    packed = b"".join(struct.pack(">BBH", 0xFF, 0xED, len(part) + 2) + part for part in parts)
    assert said(Photo.from_bytes(data[:2] + packed + data[2:]), "Photoshop")


def test_resources_without_thumbnail_or_damaged_say_nothing():
    assert resource_thumbnail(resource(0x0409, b""))
    for data in (
        b"",
        RESOURCES[:24],
        resource(0x0404, b"8BIM\x04\x0c"),
        b"8BIM\x04\x04\xff",
        b"\x04\x0c" * 9,
    ):
        assert not resource_thumbnail(data)


def test_photoshop_thumbnail_in_a_tiff_is_kept_and_said():
    tags = [(34377, 7, len(RESOURCES), RESOURCES, True)]
    photo = Photo.from_bytes(tiff(smooth(SHAPE), photometric="rgb", extratags=tags))
    assert said(photo, "Photoshop")
    assert RESOURCES in inverted(photo).to_bytes()
    plain = [(34377, 7, 20, resource(0x0404, b"caption."), True)]
    assert not Photo.from_bytes(tiff(smooth(SHAPE), photometric="rgb", extratags=plain)).notes


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_xmp_thumbnail_is_kept_and_said(format):
    photo = Photo.from_bytes(pillow(smooth(SHAPE), format, xmp=XMP_THUMBNAIL))
    assert said(photo, "XMP")
    assert Photo.from_bytes(inverted(photo).to_bytes()).metadata.xmp == XMP_THUMBNAIL
    assert not said(Photo.from_bytes(pillow(smooth(SHAPE), format, xmp=XMP)), "XMP")


def test_xmp_thumbnail_in_the_second_packet_of_a_jpeg_is_said():
    data = pillow(smooth(SHAPE), "JPEG")
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
    size = len(XMP_THUMBNAIL)
    packed = b""
    for at in (0, 300):
        body = head + struct.pack(">II", size, at) + XMP_THUMBNAIL[at : at + 300 or None]
        packed += struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body
    assert said(Photo.from_bytes(data[:2] + packed + data[2:]), "XMP")


def turned_packet(form, prefix=b"tiff", value=b"6"):
    """An XMP packet with an orientation, in an attribute or in an element."""
    space = b"<rdf:Description xmlns:" + prefix + b'="http://ns.adobe.com/tiff/1.0/" '
    name = prefix + b":Orientation"
    if form == "element":
        element = b"<" + name + b"> " + value + b" </" + name + b"></rdf:Description></rdf:RDF>"
        return XMP.replace(b"<rdf:Description ", space).replace(b"/></rdf:RDF>", b">" + element)
    quote = b"'" if form == "single" else b'"'
    return XMP.replace(b"<rdf:Description ", space + name + b" = " + quote + value + quote + b" ")


@pytest.mark.parametrize("form", ["single", "double", "element"])
@pytest.mark.parametrize("target", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_orientation_in_xmp_is_upright_where_the_pixels_are(form, target):
    packet = turned_packet(form)
    data = pillow(smooth(SHAPE), "JPEG", exif=b"Exif\0\0" + exif_block(6), xmp=packet)
    photo = inverted(Photo.from_bytes(data))
    again = Photo.from_bytes(photo.to_bytes(target))
    expected = packet if target == "JPEG" else turned_packet(form, value=b"1")
    assert again.metadata.xmp == expected
    assert again.metadata.orientation == (6 if target == "JPEG" else 1)


def test_orientation_in_xmp_follows_its_name_space_and_nothing_else_changes():
    odd = turned_packet("double", b"t-1.x", b"8")
    assert xmp.upright(odd) == turned_packet("double", b"t-1.x", b"1")
    for packet in (
        XMP,
        XMP.replace(b"GPano:ProjectionType", b"GPano:Orientation"),
        turned_packet("element", value=b"66"),
    ):
        assert xmp.upright(packet) == packet
    stranger = XMP.replace(b'GPano:ProjectionType="equirectangular"', b'tiff:Orientation="6"')
    assert xmp.upright(stranger) == stranger  # the prefix stands for nothing here
