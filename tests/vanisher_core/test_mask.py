import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import distance_transform_edt

from vanisher_core.errors import MaskError, UsageError
from vanisher_core.mask import SOFT_FLOOR, Mask, auto_grow, grown


def blocks(draw: st.DrawFn, largest: int = 90) -> np.ndarray:
    """A mask of a few hard or soft rectangles, lines and dots; may be empty or full, may touch the border."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    array = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(0, 5))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        tall, wide = draw(st.sampled_from([1, 2, 9, 60])), draw(st.sampled_from([1, 3, 20, 90]))
        array[top : top + tall, left : left + wide] = draw(st.sampled_from([255, 255, 200, 128, 127, 40, 5]))
    return array


masks = st.composite(blocks)()
sizes = st.one_of(st.none(), st.integers(0, 30))


def support(array: np.ndarray) -> np.ndarray:
    """Hole pixels and the soft skirts connected with them, by plain flood filling."""
    reached, allowed = array >= 128, array >= SOFT_FLOOR
    while True:
        padded = np.pad(reached, 1)
        wider = np.zeros_like(reached)
        for y in range(3):
            for x in range(3):
                wider |= padded[y : y + reached.shape[0], x : x + reached.shape[1]]
        wider &= allowed
        if (wider == reached).all():
            return reached
        reached = wider


def distances(inside: np.ndarray) -> np.ndarray:
    """Exact distance of every pixel to the nearest one inside."""
    found = distance_transform_edt(~inside)
    assert isinstance(found, np.ndarray)
    return found


@given(masks, st.integers(1, 30), st.none() | st.floats(0, 1))
def test_alpha_is_a_ramp_strictly_inside_the_grown_ring(array, grow, share):
    feather = None if share is None else share * grow
    area = grown(Mask(array), grow, feather)
    inside = support(array)
    assert (area.core == (array >= 128)).all()
    assert (area.alpha[inside] == 255).all()
    assert (area.hole == (area.alpha > 0)).all()
    if not inside.any():
        assert not area.alpha.any()
        return
    away = distances(inside)
    assert ((away <= grow + 1e-3) == area.hole)[np.abs(away - grow) > 1e-3].all()
    assert (area.alpha[away <= grow - area.feather] == 255).all()
    order = np.argsort(away, axis=None)
    assert (np.diff(area.alpha.reshape(-1)[order].astype(int)) <= 1).all(), "alpha must fall outwards"


@given(masks)
def test_automatic_growth_covers_soft_skirts_and_leaves_room_for_a_halo(array):
    area = grown(Mask(array))
    inside = support(array)
    assert (area.alpha[inside] == 255).all()
    if inside.any():
        away = distances(inside)
        assert area.hole[away <= 3].all()
        assert 3 <= area.grow <= 40
        assert 0 < area.feather <= area.grow / 2
        assert not area.hole[away > area.grow + 1e-3].any()


@given(masks)
def test_without_growth_and_feather_the_mask_is_taken_as_it_is(array):
    for feather in (None, 0, 0.0):
        area = grown(Mask(array), 0, feather)
        assert (area.alpha == array).all()
        assert (area.hole == (array > 0)).all()
        assert (area.grow, area.feather) == (0, 0)


@given(masks, sizes)
@settings(max_examples=30)
def test_growing_is_deterministic_and_monotone(array, grow):
    first, second = grown(Mask(array), grow), grown(Mask(array), grow)
    assert (first.alpha == second.alpha).all()
    if grow is not None:
        assert (grown(Mask(array), grow + 4).hole >= (first.alpha == 255)).all()


def test_every_object_grows_by_its_own_size():
    array = np.zeros((700, 1500), np.uint8)
    array[100:600, 100:600] = 255
    array[300:303, 1200:1203] = 255
    area = grown(Mask(array))
    big, speck = auto_grow(500 * 500), auto_grow(9)
    assert big == 17
    assert speck == 3
    assert area.hole[350, 599 + big] and not area.hole[350, 599 + big + 1]
    assert area.hole[301, 1202 + speck] and not area.hole[301, 1202 + speck + 1]
    assert area.grow == big


def test_growth_is_exact_across_tiles():
    array = np.zeros((1100, 1100), np.uint8)
    array[505:520, 500:530] = 255
    array[1023, 1023] = 255
    area = grown(Mask(array), 30, 10)
    away = distances(array > 0)
    assert (area.hole == (away <= 30)).all()


def test_thin_lines_specks_and_everything():
    line = np.zeros((50, 300), np.uint8)
    line[25] = 255
    assert grown(Mask(line)).hole[22:29].all()
    rng = np.random.default_rng(0)
    specks = np.zeros((1500, 1500), np.uint8)
    specks[rng.integers(0, 1500, 4000), rng.integers(0, 1500, 4000)] = 255
    assert (grown(Mask(specks)).alpha[specks > 0] == 255).all()
    full = np.full((20, 30), 255, np.uint8)
    assert (grown(Mask(full)).alpha == 255).all()
    assert not grown(Mask(np.zeros((4, 5), np.uint8))).alpha.any()


def test_faint_marks_without_a_hole_pixel_are_not_erased():
    array = np.zeros((40, 80), np.uint8)
    array[10:20, 10:20] = 100
    array[10:20, 60:70] = 255
    area = grown(Mask(array))
    assert not area.hole[:, :40].any()
    assert Mask(np.full((3, 3), 127, np.uint8)).is_empty


def test_a_given_feather_raises_the_automatic_growth():
    array = np.zeros((60, 60), np.uint8)
    array[30, 30] = 255
    area = grown(Mask(array), None, 12)
    assert (area.grow, area.feather) == (12, 12)
    assert area.alpha[30, 31] < 255


@pytest.mark.parametrize(
    ("grow", "feather", "words"),
    [
        (-1, None, "grow is -1"),
        (5, 6, "feather is 6 and grow 5"),
        (0, 1, "feather is 1 and grow 0"),
        (None, -2, "feather is -2"),
        (None, float("nan"), "feather is nan"),
        (10**6, None, "grow is 1000000"),
    ],
)
def test_wrong_growth_is_refused_with_value_and_rule(grow, feather, words):
    with pytest.raises(UsageError, match=words):
        grown(Mask(np.zeros((4, 4), np.uint8)), grow, feather)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.float32, np.float64])
def test_arrays_of_every_type_mean_the_same(dtype):
    hard = np.array([[0, 1], [1, 0]], bool)
    top = 1 if dtype in (bool, np.float32, np.float64) else np.iinfo(dtype).max
    mask = Mask.from_array((hard * top).astype(dtype)[:, :, None])
    assert (mask.array == hard * 255).all()
    assert mask.size == (2, 2)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.0, 1.5]]),
        np.array([[0.0, np.nan]]),
        np.zeros((2, 2, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((2, 2), np.int64),
    ],
)
def test_arrays_that_are_no_masks_are_refused(array):
    with pytest.raises(MaskError):
        Mask.from_array(array)


def test_a_mask_cannot_be_changed_from_outside():
    array = np.zeros((3, 3), np.uint8)
    mask = Mask(array)
    array[0, 0] = 255
    assert mask.is_empty
    with pytest.raises(ValueError, match="read-only"):
        mask.array[0, 0] = 255


@given(masks, st.integers(1, 120), st.integers(1, 120))
@settings(max_examples=40)
def test_fit_gives_the_size_and_keeps_full_and_empty(array, width, height):
    fitted = Mask(array).fit((width, height))
    assert fitted.size == (width, height)
    assert fitted.array.max() <= array.max()
    assert fitted.array.min() >= array.min()
    assert Mask(array).fit((array.shape[1], array.shape[0])) == Mask(array)


def test_fit_refuses_no_size():
    with pytest.raises(MaskError, match="0x5"):
        Mask(np.zeros((3, 3), np.uint8)).fit((0, 5))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


HARD = np.zeros((24, 40), np.uint8)
HARD[6:18, 8:30] = 255


def rgba(colour: tuple[int, int, int], alpha: np.ndarray) -> Image.Image:
    array = np.zeros((*alpha.shape, 4), np.uint8)
    array[..., :3] = np.where((alpha > 0)[..., None], colour, 0)
    array[..., 3] = alpha
    return Image.fromarray(array)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(HARD), "PNG"),
        (Image.fromarray(HARD), "TIFF"),
        (Image.fromarray(HARD).convert("1"), "PNG"),
        (Image.fromarray(HARD).convert("RGB"), "PNG"),
        (Image.fromarray(HARD).convert("P"), "PNG"),
        (Image.fromarray(HARD.astype(np.uint16) * 257), "PNG"),
        (Image.fromarray(np.dstack([HARD, HARD * 0, HARD * 0])), "PNG"),
        (Image.fromarray(np.dstack([HARD, HARD, HARD, np.full_like(HARD, 255)])), "PNG"),
        (rgba((0, 0, 0), HARD), "PNG"),
        (rgba((255, 0, 0), HARD), "PNG"),
    ],
    ids=["grey", "tiff", "bilevel", "rgb", "palette", "16bit", "red", "opaque", "black-layer", "red-layer"],
)
def test_files_of_every_kind_are_read_as_the_same_mask(image, kind):
    mask = Mask.from_bytes(encoded(image, kind))
    assert (mask.array == HARD).all()
    assert mask.notes == ()


def test_a_coloured_picture_with_alpha_is_brightness_times_alpha():
    alpha = np.where(np.arange(40) < 20, 255, 0).astype(np.uint8) * np.ones((24, 1), np.uint8)
    picture = Image.fromarray(np.dstack([HARD, HARD, HARD, alpha]))
    assert (Mask.from_bytes(encoded(picture, "PNG")).array == np.where(alpha > 0, HARD, 0)).all()


@pytest.mark.parametrize("colour", [0, 200, 255])
@pytest.mark.parametrize("kind", ["LA", "RGBA"])
def test_a_fully_transparent_layer_erases_nothing(colour, kind):
    layers = {"LA": 1, "RGBA": 3}[kind]
    below = [np.full_like(HARD, colour)] * layers
    clear = Image.fromarray(np.dstack([*below, np.zeros_like(HARD)]))
    assert clear.mode == kind
    assert not Mask.from_bytes(encoded(clear, "PNG")).array.any()
    opaque = Image.fromarray(np.dstack([*below, np.full_like(HARD, 255)]))
    assert (Mask.from_bytes(encoded(opaque, "PNG")).array == colour).all()


def test_a_jpeg_mask_is_cut_hard_and_said_so():
    mask = Mask.from_bytes(encoded(Image.fromarray(HARD), "JPEG", quality=60))
    assert set(np.unique(mask.array)) <= {0, 255}
    assert np.mean(mask.array != HARD) < 0.02
    assert "JPEG" in mask.notes[0]


def test_save_and_open(tmp_path):
    path = tmp_path / "mask.png"
    Mask(HARD).save(path)
    assert Mask.open(path) == Mask(HARD)
    with pytest.raises(UsageError):
        Mask(HARD).save(path)
    Mask(HARD // 255 * 200).save(path, overwrite=True)
    assert Mask.open(path).array.max() == 200


def test_repr_and_hash_follow_the_values():
    assert repr(Mask(HARD)) == f"Mask(40x24, {(HARD > 0).mean():.1%} to erase)"
    assert hash(Mask(HARD)) == hash(Mask(HARD.copy()))
    assert Mask(HARD) != Mask(HARD // 2)
