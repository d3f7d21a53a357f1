"""The promises of the pipeline, on the real networks and the real exemplar stage.

Exact outside the mask at any size, mode and depth; reproducible; an honest no; never a blurred or smaller picture.
"""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vanisher_core import Mask, Photo, Vanisher, errors
from vanisher_core.mask import grown
from vanisher_core.receipt import Receipt, pixel_digest
from vanisher_core.vanish import MOST_HOLE


@pytest.fixture(scope="module")
def vanisher() -> Vanisher:
    return Vanisher(device="cpu")


def _texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A lawn-like texture under a soft light, HxWx3 uint8."""
    rng = np.random.default_rng(seed)
    light = np.linspace(0.6, 1.0, width)[None, :, None]
    noise = rng.normal(0, 18, (height, width, 1)) + rng.normal(0, 4, (height, width, 3))
    return np.clip(np.array([96, 128, 70]) * light + noise, 0, 255).astype(np.uint8)


def _box_mask(height: int, width: int, share: float = 0.3) -> Mask:
    array = np.zeros((height, width), np.uint8)
    array[
        int(height * 0.35) : int(height * (0.35 + share)) + 1,
        int(width * 0.35) : int(width * (0.35 + share)) + 1,
    ] = 255
    return Mask.from_array(array)


CHANNELS = {"grey": (), "grey+alpha": (2,), "rgb": (3,), "rgba": (4,)}


@st.composite
def _photographs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """A random picture of any mode and depth, a random mask, a seed."""
    height, width = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    shape = (height, width, *CHANNELS[draw(st.sampled_from(sorted(CHANNELS)))])
    depth = draw(st.sampled_from(("uint8", "uint16", "float32")))
    if depth == "float32":
        array = rng.normal(0.4, 0.5, shape).astype(np.float32)  # linear light: negatives and highlights too
    else:
        array = rng.integers(0, np.iinfo(depth).max + 1, shape).astype(depth)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(0, 4))):
        top, left = rng.integers(height), rng.integers(width)
        mask[top : top + rng.integers(1, 60), left : left + rng.integers(1, 60)] = rng.integers(1, 256)
    return array, mask, seed


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    case=_photographs(),
    grow=st.sampled_from((None, 0, 2)),
    model=st.sampled_from(("auto", "exemplar", "network")),
)
def test_nothing_changes_outside_the_grown_mask(
    vanisher: Vanisher, case: tuple[np.ndarray, np.ndarray, int], grow: int | None, model: str
) -> None:
    array, mask, seed = case
    photo = Photo.from_array(array)
    try:
        result = vanisher.erase(photo, Mask.from_array(mask), grow=grow, model=model, seed=seed)
    except errors.HopelessFill:
        covered = grown(Mask.from_array(mask), grow).hole.mean()
        # a picture that is nearly all hole may be refused; without a network, one without a single whole patch too
        assert covered > (0.15 if model == "exemplar" else MOST_HOLE)
        return
    after = result.photo.array
    kept = result.mask_used.array == 0
    assert after.shape == array.shape
    assert after.dtype == array.dtype
    assert np.array_equal(after[kept], array[kept])
    assert np.isfinite(after).all()
    if array.ndim == 3 and array.shape[2] in (2, 4):
        assert np.array_equal(after[..., -1], array[..., -1])
    assert np.array_equal(photo.array, array)
    assert (result.mask_used.array[mask >= 128] > 0).all()
    # an account of the allowed region that does not come from the code under test
    reach = result.receipt.grow_used
    near = cv2.dilate((mask >= 1).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    assert np.array_equal(after[~near], array[~near])


def test_the_same_request_gives_the_same_bytes_and_its_receipt_replays(vanisher: Vanisher) -> None:
    photo, mask = Photo.from_array(_texture(90, 120)), _box_mask(90, 120)
    first = vanisher.erase(photo, mask, seed=7)
    receipt = Receipt.from_json(first.receipt.to_json())
    again = Vanisher(device="cpu").erase(photo, mask, **receipt.replay())
    assert pixel_digest(again.photo.array) == receipt.output_pixels_sha256
    assert again.receipt == first.receipt
    assert receipt.input_pixels_sha256 == pixel_digest(photo.array)


def test_an_empty_mask_gives_the_photograph_back_and_says_so(vanisher: Vanisher) -> None:
    photo = Photo.from_array(_texture(30, 30))
    result = vanisher.erase(photo, Mask.from_array(np.zeros((30, 30), np.uint8)))
    assert np.array_equal(result.photo.array, photo.array)
    assert "nothing to erase" in " ".join(result.notes)
    assert result.scores is None


def test_a_mask_of_everything_is_refused_with_advice(vanisher: Vanisher) -> None:
    photo = Photo.from_array(_texture(30, 30))
    with pytest.raises(errors.HopelessFill, match=r"100%.*mask only the thing"):
        vanisher.erase(photo, Mask.from_array(np.full((30, 30), 255, np.uint8)))


def test_a_mask_of_another_size_is_refused_unless_fitted(vanisher: Vanisher) -> None:
    photo = Photo.from_array(_texture(60, 80))
    with pytest.raises(errors.MaskError, match=r"40x30.*80x60.*--fit-mask"):
        vanisher.erase(photo, _box_mask(30, 40))
    result = vanisher.erase(photo, _box_mask(30, 40), fit_mask=True)
    assert result.mask_used.size == photo.size


def test_an_unknown_model_is_named_with_the_known_ones(vanisher: Vanisher) -> None:
    with pytest.raises(errors.UsageError, match=r"'magic'.*auto, network, exemplar"):
        vanisher.erase(Photo.from_array(_texture(9, 9)), _box_mask(9, 9), model="magic")


def test_texture_is_continued_not_blurred(vanisher: Vanisher) -> None:
    array = _texture(160, 200)
    result = vanisher.erase(Photo.from_array(array), _box_mask(160, 200))
    hole = result.mask_used.array == 255
    grey, truth = result.photo.array.mean(-1), array.mean(-1)
    assert grey[hole].std() > 0.7 * truth[hole].std()
    assert abs(grey[hole].mean() - truth[hole].mean()) < 6
    assert result.scores is not None
    assert result.scores.sharpness > 0.6


def test_a_stranger_on_a_wall_leaves_no_halo(vanisher: Vanisher) -> None:
    rng = np.random.default_rng(2)
    wall = np.clip(150 + rng.normal(0, 3, (200, 240, 3)), 0, 255)
    rows, columns = np.mgrid[:200, :240]
    distance = np.hypot((rows - 100) / 50, (columns - 120) / 25)
    cover = np.clip((1.08 - distance) / 0.08, 0, 1)[..., None]  # soft edge wider than the tight mask
    photo = Photo.from_array((wall * (1 - cover) + np.array([40, 30, 90]) * cover).astype(np.uint8))
    after = vanisher.erase(photo, Mask.from_array(distance < 1.0)).photo.array.astype(float)
    assert np.abs(after.mean(-1) - 150)[distance < 1.15].mean() < 6


def test_sixteen_bit_fills_use_sixteen_bits(vanisher: Vanisher) -> None:
    ramp = np.linspace(9000, 52000, 160 * 200).reshape(160, 200).astype(np.uint16)
    result = vanisher.erase(Photo.from_array(np.stack([ramp] * 3, -1)), _box_mask(160, 200))
    hole = result.mask_used.array == 255
    assert len(np.unique(result.photo.array[..., 0][hole])) > 256


def test_colours_below_transparent_pixels_are_not_used(vanisher: Vanisher) -> None:
    array = np.dstack([_texture(120, 120), np.full((120, 120), 255, np.uint8)])
    array[:, :30] = (255, 0, 255, 0)
    mask = np.zeros((120, 120), np.uint8)
    mask[40:80, 32:70] = 255
    after = vanisher.erase(Photo.from_array(array), Mask.from_array(mask)).photo.array
    assert after[40:80, 36:70, 1].min() > 20  # the hidden magenta has no green


def test_progress_rises_and_can_cancel_inside_a_window(vanisher: Vanisher) -> None:
    photo, mask = Photo.from_array(_texture(120, 120)), _box_mask(120, 120)
    seen: list[float] = []
    vanisher.erase(photo, mask, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len([fraction for fraction in seen if 0 < fraction < 1]) >= 3

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.2:
            raise errors.Cancelled(f"stopped ({text})")

    with pytest.raises(errors.Cancelled, match="part 1 of 1"):
        vanisher.erase(photo, mask, progress=stop)


def test_progress_does_not_fall_when_a_second_fill_is_made(
    vanisher: Vanisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vanisher_core.quality.misguided", lambda scores: True)
    seen: list[float] = []
    photo, mask = Photo.from_array(_texture(120, 120)), _box_mask(120, 120)
    vanisher.erase(photo, mask, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


def test_a_negative_seed_is_refused(vanisher: Vanisher) -> None:
    with pytest.raises(errors.UsageError, match="seed is -1"):
        vanisher.erase(Photo.from_array(_texture(9, 9)), _box_mask(9, 9), seed=-1)


def test_many_specks_and_half_a_picture_and_border_holes_work(vanisher: Vanisher) -> None:
    array = _texture(300, 420)
    specks = np.zeros((300, 420), np.uint8)
    specks[10::29, 8::31] = 255
    half = np.zeros((300, 420), np.uint8)
    half[:, :210] = 255
    border = np.zeros((300, 420), np.uint8)
    border[-60:, -80:] = 255
    # what lies beyond half a picture is anybody's guess; between specks there is no excuse
    for mask, tolerance in ((specks, 3), (half, 25), (border, 12)):
        result = vanisher.erase(Photo.from_array(array), Mask.from_array(mask))
        kept = result.mask_used.array == 0
        assert np.array_equal(result.photo.array[kept], array[kept])
        assert abs(result.photo.array[~kept].mean() - array[~kept].mean()) < tolerance


def test_people_are_found_at_the_photographs_own_size(vanisher: Vanisher) -> None:
    masks = vanisher.segment(Photo.from_array(_texture(70, 110)), ("person",))
    assert masks["person"].size == (110, 70)
    with pytest.raises(errors.UsageError, match="unicorn"):
        vanisher.segment(Photo.from_array(_texture(20, 20)), ("unicorn",))
