"""The promise: what was not changed comes back exactly, over sizes, modes, depths and lossless formats."""

import io

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from tests.vanisher_core.photo_files import exif_block, jpeg_segments, noise, pillow, png, smooth, tiff
from vanisher_core.codecs import palette
from vanisher_core.codecs.png import encode_samples
from vanisher_core.photo import Photo

SIDE = st.integers(1, 200)
SEED = st.integers(0, 2**16)
PLAIN = [
    *[("PNG", d, c) for d in ("uint8", "uint16") for c in (1, 2, 3, 4)],
    *[("TIFF", d, c) for d in ("uint8", "uint16", "float32") for c in (1, 2, 3, 4)],
    *[("WEBP", "uint8", c) for c in (3, 4)],
]
TIFF_BUILDS = [
    {"compression": "lzw", "predictor": True},
    {"compression": "zstd", "byteorder": ">"},
    {"compression": "adobe_deflate", "predictor": True, "bigtiff": True, "tile": (16, 32)},
    {"compression": "packbits", "rowsperstrip": 3},
    {"planarconfig": "separate"},
    {"compression": "lzma", "byteorder": ">", "bigtiff": True},
]


def repainted(photo, seed):
    """The photo with a random rectangle of its array replaced by noise."""
    rng = np.random.default_rng(seed)
    height, width = photo.array.shape[:2]
    x0, x1 = sorted(rng.integers(0, width + 1, 2))
    y0, y1 = sorted(rng.integers(0, height + 1, 2))
    array = photo.array.copy()
    array[y0:y1, x0:x1] = noise(array[y0:y1, x0:x1].shape, array.dtype.name, seed + 1)
    outside = np.ones((height, width), bool)
    outside[y0:y1, x0:x1] = False
    return photo.with_array(array), outside


def assert_same(one, two):
    assert two.array.dtype == one.array.dtype
    np.testing.assert_array_equal(two.array, one.array)
    assert (two.mode, two.format, two.size) == (one.mode, one.format, one.size)
    assert two.metadata == one.metadata


def assert_survives(data, seed):
    """Open, change a part, encode, open: pixels as given, all else as it was."""
    photo = Photo.from_bytes(data)
    changed, _ = repainted(photo, seed)
    encoded = changed.encoded()
    assert not encoded.reencoded
    assert_same(changed, Photo.from_bytes(encoded.data))
    return photo


@pytest.mark.parametrize(("format", "dtype", "count"), PLAIN)
@given(width=SIDE, height=SIDE, seed=SEED)
@settings(max_examples=8, deadline=None)
def test_arrays_come_back_exactly(format, dtype, count, width, height, seed):
    array = noise((height, width, count)[: 2 if count == 1 else 3], dtype, seed)
    if count in (2, 4):
        array[::2, ::3, -1] = 0  # colours under full transparency count too
    photo = Photo.from_bytes(Photo.from_array(array).to_bytes(format))
    np.testing.assert_array_equal(photo.array, array)
    assert photo.array.dtype == dtype
    assert photo.mode == ("L", "LA", "RGB", "RGBA")[count - 1]
    assert_survives(photo.to_bytes(), seed)


@pytest.mark.parametrize("build", TIFF_BUILDS, ids=lambda b: "-".join(map(str, b.values())))
@pytest.mark.parametrize("orientation", [1, 6, 7])
@given(width=SIDE, height=SIDE, seed=SEED, dtype=st.sampled_from(["uint8", "uint16", "float32"]))
@settings(max_examples=4, deadline=None)
def test_tiff_builds_are_kept(build, orientation, width, height, seed, dtype):
    array = noise((height, width, 4), dtype, seed)
    stored = np.moveaxis(array, 2, 0).copy() if "planarconfig" in build else array
    tags = [(274, "H", 1, orientation, True), (271, "s", 0, "Vanisher Works", True)]
    data = tiff(stored, photometric="rgb", extrasamples=["assocalpha"], extratags=tags, **build)
    photo = assert_survives(data, seed)
    assert photo.metadata.alpha == "associated"
    assert photo.metadata.orientation == orientation
    assert photo.size == ((width, height) if orientation == 1 else (height, width))
    rebuilt = Photo.from_bytes(repainted(photo, seed)[0].to_bytes())
    assert rebuilt._recipe.options.keys() == photo._recipe.options.keys()
    assert {k: v for k, v in rebuilt._recipe.options.items() if k != "rowsperstrip"} == {
        k: v for k, v in photo._recipe.options.items() if k != "rowsperstrip"
    }


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [False, True])
@given(width=SIDE, height=SIDE, seed=SEED)
@settings(max_examples=6, deadline=None)
def test_palette_indices_outside_are_exact(depth, transparent, width, height, seed):
    rng = np.random.default_rng(seed)
    colours = int(rng.integers(1, 2**depth + 1))
    table = rng.integers(0, 256, (colours, 3), np.uint8)
    table[-1] = table[0]  # the same colour twice: each pixel keeps its own index all the same
    indices = rng.integers(0, colours, (height, width), np.uint8)
    bits = np.unpackbits(indices[..., None], axis=2)[..., 8 - depth :].reshape(height, -1)
    before = [(b"PLTE", table.tobytes())]
    if transparent:
        before.append((b"tRNS", bytes(rng.integers(0, 256, min(colours, 5), np.uint8))))
    photo = Photo.from_bytes(png(width, height, depth, 3, np.packbits(bits, axis=1), before))
    assert (photo.mode, photo.array.shape[2]) == ("P", 4 if transparent else 3)
    np.testing.assert_array_equal(photo.array[..., :3], table[indices])
    changed, outside = repainted(photo, seed)
    written = changed.to_bytes()
    with Image.open(io.BytesIO(written)) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image)[outside], indices[outside])
    again = Photo.from_bytes(written)
    np.testing.assert_array_equal(again.array[outside], photo.array[outside])
    assert again.metadata == photo.metadata
    assert written[24] == depth


@given(width=SIDE, height=SIDE, seed=SEED, format=st.sampled_from(["PNG", "TIFF", "TIFF white is 0"]))
@settings(max_examples=20, deadline=None)
def test_bilevel_stays_bilevel(width, height, seed, format):
    bits = noise((height, width), seed=seed) > 99
    if format == "PNG":
        data = pillow(Image.fromarray(bits), "PNG")
    else:
        stored, kind = (~bits, "miniswhite") if "white" in format else (bits, "minisblack")
        data = tiff(stored, photometric=kind, compression="packbits")
    photo = Photo.from_bytes(data)
    assert photo.mode == "1"
    np.testing.assert_array_equal(photo.array, bits * np.uint8(255))
    changed, outside = repainted(photo, seed)
    again = Photo.from_bytes(changed.to_bytes())
    assert again.mode == "1"
    np.testing.assert_array_equal(again.array[outside], photo.array[outside])
    np.testing.assert_array_equal(again.array, np.where(changed.array >= 128, 255, 0))


@given(width=SIDE, height=SIDE, seed=SEED)
@settings(max_examples=10, deadline=None)
def test_palette_tiff(width, height, seed):
    rng = np.random.default_rng(seed)
    colormap = rng.integers(0, 65536, (3, 256), np.uint16)
    indices = rng.integers(0, 256, (height, width), np.uint8)
    photo = Photo.from_bytes(tiff(indices, photometric="palette", colormap=colormap, compression="lzw"))
    np.testing.assert_array_equal(photo.array, (colormap.T >> 8)[indices])
    changed, outside = repainted(photo, seed)
    again = Photo.from_bytes(changed.to_bytes())
    assert again.mode == "P"
    np.testing.assert_array_equal(again.array[outside], photo.array[outside])
    np.testing.assert_array_equal(again._recipe.indices[outside], indices[outside])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero_grey_reads_as_other_readers_show_it(dtype):
    array = noise((9, 14), dtype)
    photo = Photo.from_bytes(tiff(array, photometric="miniswhite"))
    np.testing.assert_array_equal(photo.array, np.iinfo(dtype).max - array)
    assert_survives(tiff(array, photometric="miniswhite"), 5)


@given(
    width=st.integers(1, 200), height=st.integers(1, 200), grey=st.booleans(), orientation=st.integers(1, 8)
)
@settings(max_examples=20, deadline=None)
def test_jpeg_is_decoded_exactly_and_says_that_it_was_coded_again(width, height, grey, orientation):
    array = smooth((height, width) if grey else (height, width, 3))
    block = exif_block(orientation)
    data = pillow(array, "JPEG", quality=90, exif=b"Exif\0\0" + block)
    with Image.open(io.BytesIO(data)) as image:
        reference = np.asarray(image)
    photo = Photo.from_bytes(data)
    np.testing.assert_array_equal(np.sort(photo.array.ravel()), np.sort(reference.ravel()))
    assert photo.metadata.orientation == orientation
    changed = photo.with_array(255 - photo.array)
    encoded = changed.encoded()
    assert encoded.reencoded
    assert any("coded again" in note for note in encoded.notes)
    again = Photo.from_bytes(encoded.data)
    assert again.metadata == photo.metadata
    assert (again.mode, again.size) == (photo.mode, photo.size)
    assert jpeg_segments(encoded.data) == jpeg_segments(data)
    assert np.abs(again.array.astype(int) - changed.array).mean() < 4


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_far_from_the_change_barely_moves(subsampling, progressive):
    data = pillow(smooth((160, 200, 3)), "JPEG", quality=83, subsampling=subsampling, progressive=progressive)
    photo = Photo.from_bytes(data)
    array = photo.array.copy()
    array[64:96, 64:96] = 200
    written = photo.with_array(array).to_bytes()
    with Image.open(io.BytesIO(data)) as source, Image.open(io.BytesIO(written)) as result:
        assert isinstance(source, JpegImageFile)
        assert isinstance(result, JpegImageFile)
        assert result.quantization == source.quantization
        assert [c[1:3] for c in result.layer] == [c[1:3] for c in source.layer]
        assert bool(result.info.get("progressive")) == progressive
    far = np.ones(photo.array.shape[:2], bool)
    far[40:120, 40:120] = False
    moved = np.abs(Photo.from_bytes(written).array.astype(int) - photo.array)[far]
    assert moved.max() <= 8
    assert moved.mean() < 0.5


def test_lossy_webp_stays_lossy_and_says_so():
    photo = Photo.from_bytes(pillow(smooth((60, 80, 3)), "WEBP", quality=90))
    encoded = photo.with_array(255 - photo.array).encoded()
    assert encoded.reencoded
    assert encoded.notes
    assert np.abs(Photo.from_bytes(encoded.data).array.astype(int) - (255 - photo.array)).mean() < 4


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_an_unchanged_photo_saves_as_the_very_bytes(format):
    data = pillow(smooth((20, 30, 3)), format)
    photo = Photo.from_bytes(data)
    assert photo.to_bytes() == data
    assert not photo.with_array(photo.array.copy()).encoded().reencoded
    assert photo.with_array(photo.array.copy()).to_bytes() == data


@pytest.mark.parametrize(("colour", "depth"), [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16)])
def test_a_transparent_colour_becomes_an_alpha_channel(colour, depth):
    top, count = 2**depth - 1, 3 if colour else 1
    values = np.random.default_rng(3).integers(0, min(top, 3) + 1, (6, 8, count))
    big = values.astype(">u2") if depth == 16 else values.astype(np.uint8)
    if depth < 8:
        bits = np.unpackbits(big, axis=2)[..., 8 - depth :].reshape(6, -1)
        rows = np.packbits(bits, axis=1)
    else:
        rows = [row.tobytes() for row in big]
    key = np.full(count, 1, ">u2").tobytes()
    photo = Photo.from_bytes(png(8, 6, depth, colour, rows, [(b"tRNS", key)]))
    assert photo.mode == ("RGBA" if colour else "LA")
    scale = 255 // top if depth < 8 else 1
    np.testing.assert_array_equal(photo.array[..., :-1], values * scale)
    np.testing.assert_array_equal(photo.array[..., -1] == 0, (values == 1).all(axis=2))
    assert any("alpha channel" in note for note in photo.notes)
    assert_survives(photo.with_array(np.flip(photo.array, 0).copy()).to_bytes(), 2)


@pytest.mark.parametrize("depth", [2, 4])
def test_low_grey_is_read_as_viewers_show_it(depth):
    values = np.random.default_rng(4).integers(0, 2**depth, (5, 16), np.uint8)
    rows = np.packbits(np.unpackbits(values[..., None], axis=2)[..., 8 - depth :].reshape(5, -1), axis=1)
    photo = Photo.from_bytes(png(16, 5, depth, 0, rows, [(b"sBIT", b"\2")]))
    np.testing.assert_array_equal(photo.array, values * (255 // (2**depth - 1)))
    assert_survives(png(16, 5, depth, 0, rows), 8)


def test_a_changed_pixel_takes_an_entry_of_the_nearest_alpha():
    table = np.array([[200, 200, 200, 0], [0, 0, 0, 255], [255, 0, 0, 255], [190, 190, 190, 90]], np.uint8)
    indices = np.array([[1, 1, 0, 1]], np.uint8)
    colours = np.array(
        [[[200, 200, 200, 255], [199, 60, 60, 200], [200, 200, 200, 0], [0, 0, 0, 100]]], np.uint8
    )
    found, moved = palette.reindex(colours, indices, table)
    assert (table[found[0]][:, 3]).tolist() == [255, 255, 0, 90]
    assert found.tolist() == [[2, 2, 0, 3]]
    assert moved == 3


@given(seed=SEED)
@settings(max_examples=20, deadline=None)
def test_no_entry_of_a_nearer_alpha_is_passed_over(seed):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 256, (12, 4)).astype(np.uint8)
    table[:, 3] = rng.choice([0, 77, 255], 12)
    colours = rng.integers(0, 256, (3, 5, 4)).astype(np.uint8)
    found, _ = palette.reindex(colours, np.zeros((3, 5), np.uint8), table)
    steps = np.abs(table[None, None, :, 3].astype(int) - colours[..., 3, None])
    taken = np.take_along_axis(steps, found[..., None].astype(int), 2)[..., 0]
    kept = (colours == table[0]).all(-1)
    assert (kept | (taken == steps.min(-1))).all()


def test_narrow_noise_is_a_whole_png():
    for height in range(100, 200, 3):
        for width, dtype in ((1, "uint16"), (2, "uint8"), (3, "uint8")):
            speckled = noise((height, width), dtype, height)
            data = encode_samples(speckled)
            assert data.endswith(b"IEND\xaeB`\x82")
            np.testing.assert_array_equal(imagecodecs.png_decode(data), speckled)
