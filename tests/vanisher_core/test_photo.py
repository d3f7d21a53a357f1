"""Photo as a value: what it is made from, what it refuses, and that nothing changes it."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.vanisher_core.photo_files import noise, pillow, smooth
from vanisher_core.errors import InputError
from vanisher_core.photo import Metadata, Photo


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    ("shape", "mode"), [((3, 4), "L"), ((3, 4, 2), "LA"), ((3, 4, 3), "RGB"), ((3, 4, 4), "RGBA")]
)
def test_from_array_gives_it_back(dtype, shape, mode):
    array = noise(shape, dtype)
    photo = Photo.from_array(array)
    np.testing.assert_array_equal(photo.array, array)
    assert (photo.array.dtype, photo.mode, photo.size, photo.format) == (dtype, mode, (4, 3), None)
    assert photo.metadata == Metadata(alpha="straight" if len(mode) % 2 == 0 else None)


def test_a_photo_shares_no_memory_with_anyone():
    array = noise((3, 4, 3))
    photo = Photo.from_array(array)
    new = 255 - array
    other = photo.with_array(new)
    array[:] = new[:] = 7
    assert not (photo.array == 7).all()
    assert not (other.array == 7).all()
    with pytest.raises(ValueError, match="read-only"):
        photo.array[0, 0] = 1
    with pytest.raises(AttributeError):
        photo.mode = "L"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4), bool), "samples are bool"),
        (np.zeros((3, 4), np.float64), "samples are float64; give uint8, uint16 or float32"),
        (np.zeros((3, 4, 5), np.uint8), r"shape \(3, 4, 5\)"),
        (np.zeros((3, 4, 1), np.uint8), r"shape \(3, 4, 1\)"),
        (np.zeros(3, np.uint8), r"shape \(3,\)"),
    ],
)
def test_arrays_that_are_no_photo(array, message):
    with pytest.raises(InputError, match=message):
        Photo.from_array(array)


@pytest.mark.parametrize(
    "other", [np.zeros((3, 4, 3), np.uint16), np.zeros((4, 3, 3), np.uint8), np.zeros((3, 4), np.uint8)]
)
def test_with_array_holds_shape_and_type(other):
    with pytest.raises(InputError, match="give the same type and shape"):
        Photo.from_array(noise((3, 4, 3))).with_array(other)


def test_foreign_byte_order_and_strides_are_accepted():
    array = noise((6, 8, 3), "uint16")
    photo = Photo.from_array(array.astype(">u2")[::-1, ::2])
    np.testing.assert_array_equal(photo.array, array[::-1, ::2])
    assert photo.array.dtype == np.uint16
    assert photo.array.flags.c_contiguous


def test_equal_pixels_give_the_same_photo():
    photo = Photo.from_array(noise((3, 4)))
    assert photo.with_array(photo.array.copy()) is photo


def test_default_formats():
    assert Photo.from_bytes(Photo.from_array(noise((3, 4), "uint16")).to_bytes()).format == "PNG"
    assert Photo.from_bytes(Photo.from_array(noise((3, 4), "float32")).to_bytes()).format == "TIFF"
    assert Photo.from_bytes(Photo.from_array(smooth((3, 4, 3))).to_bytes("jpg")).format == "JPEG"


def test_palette_in_another_format_is_its_colours():
    image = Image.fromarray(smooth((12, 15, 3))).quantize(16)
    photo = Photo.from_bytes(pillow(image, "PNG"))
    for format in ("TIFF", "WEBP"):
        again = Photo.from_bytes(photo.to_bytes(format))
        assert again.mode == "RGB"
        np.testing.assert_array_equal(again.array, np.asarray(image.convert("RGB")))


def test_changed_palette_pixels_take_the_nearest_colour():
    image = Image.new("P", (4, 1))
    image.putpalette([0, 0, 0, 100, 100, 100, 250, 0, 0])
    image.putdata([0, 1, 2, 0])
    photo = Photo.from_bytes(pillow(image, "PNG"))
    array = photo.array.copy()
    array[0, 1:] = [[95, 99, 101], [250, 0, 0], [200, 10, 0]]
    encoded = photo.with_array(array).encoded()
    assert encoded.notes == ("2 changed pixels took the nearest of the palette's 3 colours",)
    with Image.open(io.BytesIO(encoded.data)) as written:
        assert np.asarray(written).tolist() == [[0, 1, 2, 2]]


def test_grey_in_webp_says_that_it_becomes_rgb():
    encoded = Photo.from_array(noise((5, 6))).encoded("WEBP")
    assert any("knows no grey" in note for note in encoded.notes)
    again = Photo.from_bytes(encoded.data)
    np.testing.assert_array_equal(again.array[..., 0], again.array[..., 2])


def test_pixels_that_are_handed_over_are_not_copied():
    photo = Photo.from_array(noise((300, 4, 3)))
    new = photo.array.copy()
    new[-1, -1, -1] ^= 1
    other = photo.with_array(new, copy=False)
    assert np.shares_memory(other.array, new)
    assert not new.flags.writeable
    assert photo.with_array(photo.array.copy(), copy=False) is photo
