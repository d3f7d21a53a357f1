"""The promises of the pipeline on the sphere, on the real networks and the real exemplar stage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama import Frame, Panorama, erase_panorama
from panorama.erase import nadir_cap
from vanisher_core import Mask, Vanisher, errors
from vanisher_core.receipt import pixel_digest


@pytest.fixture(scope="module")
def vanisher() -> Vanisher:
    return Vanisher(device="cpu")


def room(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Walls, floor and ceiling with grain, HxWx3 uint8: no two columns alike."""
    frame = Frame.full(width, height)
    d = frame.directions(np.arange(width)[None], np.arange(height)[:, None])
    rng = np.random.default_rng(seed)
    side = np.where(np.abs(d[..., 0]) > np.abs(d[..., 2]), 150, 190)
    value = np.where(d[..., 1] < -0.35, 90, np.where(d[..., 1] > 0.5, 225, side))
    colour = value[..., None] * np.array([1.0, 0.95, 0.85]) + rng.normal(0, 5, (height, width, 3))
    return np.clip(colour, 0, 255).astype(np.uint8)


def blob(width: int, height: int, u: float, v: float, ru: float, rv: float) -> np.ndarray:
    """An ellipse in equirectangular pixels, across the seam where it lies there; uint8 HxW."""
    yy, xx = np.mgrid[:height, :width]
    across = (xx / width - u + 0.5) % 1 - 0.5
    return np.where((across / ru) ** 2 + ((yy / height - v) / rv) ** 2 < 1, 255, 0).astype(np.uint8)


CHANNELS = {"grey": (), "grey+alpha": (2,), "rgb": (3,), "rgba": (4,)}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Panorama, np.ndarray, int]:
    """A random panorama, full or cropped, of any mode and depth; a random mask with seam and poles in it."""
    height = draw(st.integers(16, 70))
    width = 2 * height + draw(st.sampled_from((-1, 0, 0, 1)))
    frame = draw(
        st.sampled_from(
            (
                Frame.full(width, height),
                Frame.full(width, height),
                Frame(width, height, width, height + 20, 0, 10),
                Frame(width, height, width + 41, height, 20, 0),
            )
        )
    )
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    shape = (height, width, *CHANNELS[draw(st.sampled_from(sorted(CHANNELS)))])
    depth = draw(st.sampled_from(("uint8", "uint16", "float32")))
    if depth == "float32":
        array = rng.normal(0.4, 0.5, shape).astype(np.float32)
    else:
        array = rng.integers(0, np.iinfo(depth).max + 1, shape).astype(depth)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(0, 3))):
        top, left = (
            draw(st.sampled_from((0, height - 3, int(rng.integers(height))))),
            int(rng.integers(width)),
        )
        columns = np.arange(left, left + rng.integers(1, width // 3)) % width
        mask[top : top + rng.integers(1, height // 3), columns] = rng.integers(1, 256)
    return Panorama.from_array(array, frame), mask, seed


@settings(max_examples=10)
@given(case=cases(), grow=st.sampled_from((None, 0, 2)), model=st.sampled_from(("auto", "exemplar")))
def test_nothing_changes_outside_the_grown_mask(
    vanisher: Vanisher, case: tuple[Panorama, np.ndarray, int], grow: int | None, model: str
) -> None:
    panorama, mask, seed = case
    before = panorama.photo.array.copy()
    try:
        result = erase_panorama(
            panorama, Mask.from_array(mask), vanisher=vanisher, grow=grow, model=model, seed=seed
        )
    except errors.HopelessFill:
        assert mask.any()
        return
    after = result.photo.array
    kept = result.mask_used.array == 0
    assert after.shape == before.shape
    assert after.dtype == before.dtype
    assert np.array_equal(after[kept], before[kept])
    assert np.isfinite(after).all()
    assert np.array_equal(panorama.photo.array, before)
    if before.ndim == 3 and before.shape[2] in (2, 4):
        assert np.array_equal(after[..., -1], before[..., -1])
    assert (result.mask_used.array[mask >= 128] > 0).all()
    if grow == 0:
        assert np.array_equal(result.mask_used.array, mask)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shift", [1, 64, 101])
def test_rolling_before_or_after_makes_no_difference(vanisher: Vanisher, shift: int, dtype: str) -> None:
    width, height = 192, 96
    array = room(width, height).astype(dtype) * (257 if dtype == "uint16" else 1)
    mask = np.maximum(blob(width, height, 0.98, 0.55, 0.05, 0.1), blob(width, height, 0.4, 0.97, 0.2, 0.08))
    plain = erase_panorama(Panorama.from_array(array), Mask.from_array(mask), vanisher=vanisher)
    rolled = erase_panorama(
        Panorama.from_array(np.roll(array, shift, axis=1)),
        Mask.from_array(np.roll(mask, shift, axis=1)),
        vanisher=vanisher,
    )
    assert np.array_equal(np.roll(rolled.photo.array, -shift, axis=1), plain.photo.array)
    assert np.array_equal(np.roll(rolled.mask_used.array, -shift, axis=1), plain.mask_used.array)


def test_the_same_request_gives_the_same_bytes_and_its_receipt_replays(vanisher: Vanisher) -> None:
    panorama, mask = Panorama.from_array(room(160, 80)), Mask.from_array(blob(160, 80, 0.5, 0.6, 0.06, 0.1))
    first = erase_panorama(panorama, mask, vanisher=vanisher, seed=7)
    again = erase_panorama(panorama, first.mask, vanisher=Vanisher(device="cpu"), **first.receipt.replay())
    assert pixel_digest(again.photo.array) == first.receipt.output_pixels_sha256
    assert again.receipt.to_json() == first.receipt.to_json()
    assert first.receipt.input_pixels_sha256 == pixel_digest(panorama.photo.array)


def test_an_object_on_the_seam_is_one_view_and_leaves_none(vanisher: Vanisher) -> None:
    array = room(256, 128)
    marked = array.copy()
    mask = blob(256, 128, 0.0, 0.5, 0.05, 0.12)
    marked[mask > 0] = (255, 0, 0)
    result = erase_panorama(Panorama.from_array(marked), Mask.from_array(mask), vanisher=vanisher)
    (view,) = result.receipt.views
    assert abs(abs(view.yaw) - 180) < 2
    after = result.photo.array.astype(int)
    assert np.abs(after - array)[mask > 0].mean() < 12
    across = np.abs(after[:, 0] - after[:, -1]).mean()
    beside = np.mean([np.abs(after[:, k] - after[:, k + 1]).mean() for k in (*range(8), *range(-9, -1))])
    assert across < 1.3 * beside


def test_the_nadir_is_filled_from_the_floor(vanisher: Vanisher) -> None:
    array = room(256, 128)
    array[118:] = (10, 200, 10)
    result = erase_panorama(Panorama.from_array(array), nadir=16, vanisher=vanisher)
    (view,) = result.receipt.views
    assert view.pitch < -85
    floor = result.photo.array[118:].reshape(-1, 3).mean(axis=0)
    assert np.abs(floor - np.array([90, 85, 76])).max() < 8
    assert result.receipt.nadir == 16


def test_what_is_too_large_for_one_view_is_split_and_wholly_filled(vanisher: Vanisher) -> None:
    array = room(256, 128)
    marked = array.copy()
    mask = blob(256, 128, 0.5, 0.62, 0.3, 0.1)
    marked[mask > 0] = (255, 0, 255)
    result = erase_panorama(Panorama.from_array(marked), Mask.from_array(mask), vanisher=vanisher)
    assert len(result.receipt.views) > 1
    after = result.photo.array.astype(int)
    assert (np.abs(after - np.array([255, 0, 255])).max(axis=2)[mask > 0] > 60).all()


def test_what_is_farther_is_filled_first(vanisher: Vanisher) -> None:
    mask = np.maximum(blob(256, 128, 0.2, 0.75, 0.03, 0.06), blob(256, 128, 0.6, 0.55, 0.03, 0.06))
    result = erase_panorama(Panorama.from_array(room(256, 128)), Mask.from_array(mask), vanisher=vanisher)
    pitches = [view.pitch for view in result.receipt.views]
    assert pitches == sorted(pitches, reverse=True)


def test_an_empty_mask_gives_the_panorama_back_and_says_so(vanisher: Vanisher) -> None:
    panorama = Panorama.from_array(room(64, 32))
    result = erase_panorama(panorama, Mask.from_array(np.zeros((32, 64), np.uint8)), vanisher=vanisher)
    assert np.array_equal(result.photo.array, panorama.photo.array)
    assert "othing to erase" in " ".join(result.notes)
    assert result.scores is None


def test_progress_rises_to_one_and_a_caller_may_cancel(vanisher: Vanisher) -> None:
    panorama = Panorama.from_array(room(160, 80))
    mask = Mask.from_array(np.maximum(blob(160, 80, 0.2, 0.5, 0.05, 0.1), blob(160, 80, 0.7, 0.5, 0.05, 0.1)))
    told: list[float] = []
    erase_panorama(panorama, mask, vanisher=vanisher, progress=lambda fraction, text: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(fraction: float, text: str) -> None:
        raise errors.Cancelled("stopped")

    with pytest.raises(errors.Cancelled):
        erase_panorama(panorama, mask, vanisher=vanisher, progress=stop)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, errors.UsageError, "what to erase"),
        ({"nadir": 0}, errors.UsageError, "nadir is 0"),
        ({"nadir": 61}, errors.UsageError, "at most 60"),
        ({"mask": Mask.from_array(np.zeros((3, 6), np.uint8))}, errors.MaskError, "6x3"),
        ({"mask": Mask.from_array(np.full((32, 64), 255, np.uint8))}, errors.HopelessFill, "100%"),
        ({"nadir": 20, "grow": 3, "feather": 9}, errors.UsageError, "feather"),
        ({"nadir": 20, "grow": -1}, errors.UsageError, "grow is -1"),
        ({"nadir": 20, "model": "magic"}, errors.UsageError, "magic"),
        ({"remove": ("unicorn",)}, errors.UsageError, "unicorn"),
    ],
)
def test_bad_requests_are_refused_with_advice(options, error, says, vanisher: Vanisher) -> None:
    with pytest.raises(error, match=says):
        erase_panorama(Panorama.from_array(room(64, 32)), vanisher=vanisher, **options)


def test_the_nadir_cap_is_as_large_as_it_says() -> None:
    frame = Frame.full(360, 180)
    cap = nadir_cap(frame, 20)
    assert (cap > 0).sum() == 20 * 360
    assert cap[-20:].all()
