"""Bad files: a clear error with an exit status, never a traceback of a decoder, never a warning."""

import io
import os
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.vanisher_core.photo_files import chunk, exif_block, noise, pillow, png, png_text, smooth, tiff
from vanisher_core.errors import DamagedPhoto, InputError, LimitExceeded, PhotoError, UnsupportedPhoto
from vanisher_core.photo import Limits, Photo

HEALTHY = {
    "PNG": pillow(smooth((24, 31, 3)), "PNG", pnginfo=png_text(), exif=exif_block(6)),
    "PNG16": Photo.from_array(noise((24, 31, 4), "uint16")).to_bytes("PNG"),
    "PNGP": pillow(Image.fromarray(smooth((24, 31, 3))).quantize(32), "PNG"),
    "JPEG": pillow(smooth((24, 31, 3)), "JPEG", exif=b"Exif\0\0" + exif_block(8, thumbnail=True)),
    "PROGRESSIVE": pillow(smooth((24, 31, 3)), "JPEG", progressive=True),
    "TIFF": tiff(noise((24, 31, 3), "uint16"), photometric="rgb", compression="lzw", predictor=True),
    "TIFFF": tiff(noise((24, 31), "float32"), photometric="minisblack", compression="adobe_deflate"),
    "TIFF0": tiff(noise((24, 31, 3)), photometric="rgb"),
    "WEBP": pillow(smooth((24, 31, 3)), "WEBP", lossless=True, exif=exif_block(3)),
    "WEBPY": pillow(smooth((24, 31, 3)), "WEBP"),
}


@pytest.mark.parametrize("kind", HEALTHY)
def test_every_truncation_is_an_error_with_the_name(kind):
    data = HEALTHY[kind]
    step = max(1, len(data) // 60)
    for length in {*range(0, len(data), step), len(data) - 1, len(data) - 2, len(data) - 5}:
        try:
            photo = Photo.from_bytes(data[:length], name="cut.bin")
        except PhotoError as error:
            assert str(error).startswith("cut.bin: ")
            assert error.exit_status == 2
        else:  # only bytes behind the pixels may be missed (a TIFF's tags can stand at the end)
            np.testing.assert_array_equal(photo.array, Photo.from_bytes(data).array)
            assert kind.startswith("TIFF")


@pytest.mark.parametrize("kind", HEALTHY)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_give_a_photo_or_an_error_and_nothing_else(kind, data):
    bad = bytearray(HEALTHY[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    try:
        photo = Photo.from_bytes(bytes(bad), limits=Limits(max_pixels=4_000_000))
    except PhotoError as error:
        assert str(error).startswith("photo: ")
    else:
        assert photo.array.size
        changed = photo.with_array(np.zeros_like(photo.array))
        assert changed.to_bytes()


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0+", b"RIFF"]),
)
@settings(max_examples=200, deadline=None)
def test_noise_is_no_photo(body, head):
    with pytest.raises(PhotoError):
        Photo.from_bytes(head + body)


def test_a_text_file_named_png(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    with pytest.raises(
        DamagedPhoto, match=r"notes\.png: it is no picture .*not a pictur.*PNG, JPEG, TIFF or WebP"
    ):
        Photo.open(path)


def test_missing_folder_empty_and_pipe(tmp_path):
    with pytest.raises(PhotoError, match="does not exist"):
        Photo.open(tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match="is a folder"):
        Photo.open(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(DamagedPhoto, match="empty"):
        Photo.open(tmp_path / "empty.jpg")
    with pytest.raises(PhotoError, match="file name"):
        Photo.open("a\0b.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(PhotoError, match="no ordinary file"):
            Photo.open(tmp_path / "pipe.png")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(HEALTHY["PNG"])
    path.chmod(0)
    if sys.platform == "win32" or os.geteuid() == 0:  # the super-user may read everything: refuse by hand

        def refuse(*_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PhotoError, match="permission"):
        Photo.open(path)


def test_wrong_name_is_read_by_content_and_said(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(HEALTHY["JPEG"])
    photo = Photo.open(path)
    assert photo.format == "JPEG"
    assert any("JPEG file by its content" in note for note in photo.notes)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"GIF89a", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe", "PostScript"),
        (b"8BPS\0\1", "Photoshop"),
        (b"SIMPLE  =", "FITS"),
        (b"BM1234", "BMP"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"gimp xcf v011", "GIMP"),
    ],
)
def test_formats_outside_the_list(head, what):
    with pytest.raises(UnsupportedPhoto, match=rf"{what}.*save it as PNG, JPEG, TIFF or WebP"):
        Photo.from_bytes(head + bytes(50))


def cmyk_tiff():
    return tiff(noise((5, 6, 4)), photometric="separated")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pillow(Image.new("CMYK", (9, 9)), "JPEG"), "CMYK.*convert it to RGB"),
        (cmyk_tiff(), "CMYK.*convert it to RGB"),
        (tiff(noise((5, 6, 3)), photometric="cielab"), "Lab.*convert it to RGB"),
        (
            tiff(noise((5, 6)).astype("uint32"), photometric="minisblack"),
            "32-bit unsigned.*convert it to 8 or 16",
        ),
        (tiff(noise((5, 6)).astype("float64"), photometric="minisblack"), "64-bit float.*convert"),
        (tiff(noise((5, 6)).astype("int16"), photometric="minisblack"), "16-bit signed.*convert"),
        (tiff(noise((2, 5, 6, 3)), photometric="rgb"), "2 pages.*split"),
        (tiff(noise((5, 6, 5)), photometric="rgb"), "5 channels"),
        (tiff(noise((16, 16, 3)), photometric="rgb", compression="jpeg"), "compression 7.*LZW"),
        (
            pillow(
                Image.new("RGB", (9, 9)), "PNG", save_all=True, append_images=[Image.new("RGB", (9, 9), 9)]
            ),
            "anim",
        ),
        (
            pillow(
                Image.new("RGB", (9, 9)), "WEBP", save_all=True, append_images=[Image.new("RGB", (9, 9), 9)]
            ),
            "anim",
        ),
    ],
)
def test_modes_that_are_refused_say_what_to_do(data, message):
    with pytest.raises(UnsupportedPhoto, match=message):
        Photo.from_bytes(data)


def test_a_tiff_thumbnail_is_dropped_and_said():
    sink = io.BytesIO()
    import tifffile

    with tifffile.TiffWriter(sink) as writer:
        writer.write(noise((20, 30, 3)), photometric="rgb", metadata=None)
        writer.write(noise((5, 6, 3)), photometric="rgb", subfiletype=1, metadata=None)
    photo = Photo.from_bytes(sink.getvalue())
    assert photo.size == (30, 20)
    assert any("reduced copy" in note for note in photo.notes)
    assert not Photo.from_bytes(photo.with_array(255 - photo.array).to_bytes()).notes


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_counted_and_located(value):
    array = noise((7, 9, 3), "float32")
    array[4, 2, 1] = array[5, 0, 0] = value
    message = r"2 of 189 samples are NaN or infinite, the first at x=2, y=4, channel 1"
    with pytest.raises(DamagedPhoto, match=message):
        Photo.from_bytes(tiff(array, photometric="rgb"))
    with pytest.raises(DamagedPhoto, match=message):
        Photo.from_array(array)
    with pytest.raises(DamagedPhoto, match=message):
        Photo.from_array(np.zeros_like(array)).with_array(array)


def header_only(kind, width, height):
    """A file whose header claims a size that its few bytes cannot hold."""
    if kind == "PNG":
        return png(width, height, 8, 2, [b"\0" * 30])
    if kind == "JPEG":
        data = bytearray(HEALTHY["PROGRESSIVE"])
        at = data.index(b"\xff\xc2")
        struct.pack_into(">HH", data, at + 5, height, width)
        return bytes(data)
    if kind == "WEBP":
        data = bytearray(HEALTHY["WEBP"])
        data[24:27] = (width - 1).to_bytes(3, "little")
        data[27:30] = (height - 1).to_bytes(3, "little")
        return bytes(data)
    data = bytearray(HEALTHY["TIFF0"])
    first = struct.unpack_from("<I", data, 4)[0]
    for at in range(first + 2, first + 2 + 24, 12):
        tag = struct.unpack_from("<H", data, at)[0]
        struct.pack_into("<HII", data, at + 2, 4, 1, {256: width, 257: height}[tag])
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_size_limits_hold_before_decoding(kind):
    data = header_only(kind, 16000, 12000)
    tracemalloc.start()
    with pytest.raises(
        LimitExceeded, match=r"16000 x 12000, 192,000,000 pixels, and the limit is 100,000,000"
    ):
        Photo.from_bytes(data, limits=Limits(max_pixels=100_000_000))
    with pytest.raises(LimitExceeded, match="limit of a side is 10,000"):
        Photo.from_bytes(data, limits=Limits(max_side=10_000))
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_header_that_its_data_cannot_fill_is_found_without_allocating(kind):
    tracemalloc.start()
    with pytest.raises(DamagedPhoto):
        Photo.from_bytes(header_only(kind, 16000, 12000))
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_zero_sides():
    with pytest.raises(DamagedPhoto, match="0 x 5 pixels"):
        Photo.from_bytes(png(0, 5, 8, 0, [b""] * 5))
    with pytest.raises(InputError, match="at least one pixel"):
        Photo.from_array(np.zeros((0, 5), np.uint8))


def test_byte_limit(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(HEALTHY["PNG"])
    limits = Limits(max_bytes=100)
    with pytest.raises(LimitExceeded, match=r"a\.png: the file has .* bytes and the limit is 100"):
        Photo.open(path, limits)
    with pytest.raises(LimitExceeded, match="limit is 100"):
        Photo.from_bytes(HEALTHY["PNG"], limits=limits)


def test_bombs_beside_the_picture_are_not_inflated():
    bomb = zlib.compress(bytes(60_000_000), 9)
    before = [(b"iCCP", b"x\0\0" + bomb), (b"zTXt", b"Comment\0\0" + bomb)]
    tracemalloc.start()
    photo = Photo.from_bytes(png(2, 1, 8, 0, [b"\1\2"], before))
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()
    assert photo.array.tolist() == [[1, 2]]
    assert photo.metadata.icc is None
    assert before[0][1] in photo.with_array(photo.array + np.uint8(1)).to_bytes()


def test_directories_that_share_values_or_run_in_circles_end_quickly():
    entry = struct.pack("<HHII", 0, 7, 90_000, 0)
    rows = b"".join(struct.pack("<H", 1000 + i) + entry[2:] for i in range(4000))
    data = b"II*\0" + struct.pack("<IH", 8, 4000) + rows + bytes(60_000)
    with pytest.raises(DamagedPhoto, match="overlap"):
        Photo.from_bytes(data)
    circle = struct.pack("<HHII", 34665, 4, 1, 8)
    data = b"II*\0" + struct.pack("<IH", 8, 4000) + circle * 4000 + struct.pack("<I", 8)
    with pytest.raises(DamagedPhoto, match="lacks tag 256"):
        Photo.from_bytes(data)


def test_a_long_chain_of_pages_is_not_followed_to_its_end():
    page = tiff(np.zeros((1, 1), np.uint8), photometric="minisblack")
    first = struct.unpack_from("<I", page, 4)[0]
    count = struct.unpack_from("<H", page, first)[0]
    body = page[first : first + 2 + 12 * count]
    chain, at = bytearray(page), first
    for _ in range(300):
        following = len(chain)
        struct.pack_into("<I", chain, at + 2 + 12 * count, following)
        chain += body + bytes(4)
        at = following
    with pytest.raises(UnsupportedPhoto, match="100 or more pages"):
        Photo.from_bytes(bytes(chain))


@pytest.mark.parametrize("shape", [(1, 65000), (65000, 1), (3, 65000)])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_long_strips_work(shape, format):
    photo = Photo.from_bytes(Photo.from_array(smooth((*shape, 3))).to_bytes(format))
    assert photo.size == shape[::-1]
    changed = photo.with_array(255 - photo.array)
    assert Photo.from_bytes(changed.to_bytes()).size == shape[::-1]


@pytest.mark.parametrize("kind", ["PNG", "PNG16", "JPEG", "TIFF", "WEBP"])
def test_one_pixel(kind):
    source = Photo.from_bytes(HEALTHY[kind])
    one = Photo.from_array(source.array[:1, :1].copy())
    assert Photo.from_bytes(one.to_bytes(source.format)).size == (1, 1)


def test_damaged_extra_chunk_is_dropped_and_said():
    data = HEALTHY["PNG"]
    at = data.index(b"tEXt") + 6
    photo = Photo.from_bytes(data[:at] + b"\x00" + data[at + 1 :])
    assert any("1 damaged PNG chunk" in note for note in photo.notes)
    assert b"tEXt" not in photo.with_array(255 - photo.array).to_bytes()


def test_damaged_exif_counts_as_none_and_is_kept():
    photo = Photo.from_bytes(pillow(smooth((8, 9, 3)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert photo.metadata.orientation == 1
    assert (
        Photo.from_bytes(photo.with_array(255 - photo.array).to_bytes()).metadata.exif
        == b"II*\0\xff\xff\xff\xff"
    )


def test_chunks_that_depend_on_old_pixels_go():
    extra = [(b"hIST", b"\0\1"), (b"prVt", b"unsafe?"), (b"prVT", b"depends on pixels")]
    photo = Photo.from_bytes(png(2, 1, 8, 0, [b"\1\2"], extra))
    written = photo.with_array(photo.array + np.uint8(1)).to_bytes()
    assert chunk(*extra[1]) in written
    assert b"prVT" not in written
    assert b"hIST" not in written
