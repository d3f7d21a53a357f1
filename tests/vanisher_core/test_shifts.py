"""A flat surface goes on by shifts of itself: its pattern is met, its light stays, nothing unknown is copied."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vanisher_core import Mask, Photo, Vanisher, errors
from vanisher_core.shifts import continued
from vanisher_core.shifts.labels import BLOCKED, Blocks, _seams, assigned, rim_costs
from vanisher_core.shifts.offsets import dominant, moved


def tiled(height: int, width: int, tile: tuple[int, int] = (20, 28), light: float = 0.0) -> np.ndarray:
    """A tile repeated without end, under light that falls from left to right; HxWx3 float32."""
    one = np.random.default_rng(0).uniform(0.3, 0.6, (*tile, 3))
    picture = np.tile(one, (height // tile[0] + 1, width // tile[1] + 1, 1))[:height, :width]
    return (picture * np.exp(-light * np.linspace(0, 1, width))[None, :, None]).astype(np.float32)


def box(height: int, width: int, top: int, left: int, side: int) -> np.ndarray:
    """A square hole; HxW bool."""
    hole = np.zeros((height, width), bool)
    hole[top : top + side, left : left + side] = True
    return hole


def test_the_offsets_of_a_pattern_are_its_periods() -> None:
    picture, hole = tiled(160, 200), box(160, 200, 60, 80, 40)
    detail = np.where(hole[..., None], 0, picture - picture.mean((0, 1))).astype(np.float32)
    best = dominant(detail, ~hole, hole, 8)[:8]
    assert (best[:, 0] % 20 == 0).all()
    assert (best[:, 1] % 28 == 0).all()


@given(down=st.integers(-9, 9), right=st.integers(-9, 9))
def test_a_plane_moved_shows_what_lies_at_the_offset(down: int, right: int) -> None:
    plane = np.arange(1, 43).reshape(6, 7)
    out = moved(plane, np.array([down, right]))
    for y, x in itertools.product(range(6), range(7)):
        inside = 0 <= y + down < 6 and 0 <= x + right < 7
        assert out[y, x] == (plane[y + down, x + right] if inside else 0)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(top=st.integers(0, 100), left=st.integers(0, 140), side=st.integers(8, 60), light=st.floats(0, 0.6))
def test_a_pattern_is_met_under_any_light(top: int, left: int, side: int, light: float) -> None:
    truth, hole = tiled(160, 200, light=light), box(160, 200, top, left, side)
    given_picture = np.where(hole[..., None], np.float32(0.9), truth)
    found = continued(given_picture, hole, ~hole)
    assert found is not None
    assert np.array_equal(found.rgb[~hole], truth[~hole])
    assert np.array_equal(found.done, hole)
    assert found.seams < 0.5
    assert np.abs(found.rgb - truth)[hole].mean() < 0.02


def test_a_large_picture_is_met_to_the_pixel() -> None:
    truth, hole = tiled(700, 1500, tile=(64, 90)), box(700, 1500, 200, 500, 260)
    found = continued(np.where(hole[..., None], 0, truth).astype(np.float32), hole, ~hole)
    assert found is not None
    assert np.abs(found.rgb - truth)[hole].mean() < 0.02


def test_what_is_not_known_is_never_copied() -> None:
    picture, hole = tiled(160, 240), box(160, 240, 50, 60, 50)
    other = np.zeros_like(hole)
    other[:, 150:] = True
    picture[other] = (1, 0, 1)
    picture[20:40, 20:50] = 1  # glare
    found = continued(picture, hole, ~hole & ~other)
    assert found is not None
    filled = found.rgb[found.done]
    assert filled.max() < 0.9
    assert not (found.done & ~hole).any()


def test_nothing_known_gives_nothing() -> None:
    picture, hole = tiled(60, 60), np.ones((60, 60), bool)
    assert continued(picture, hole, ~hole) is None
    hole[:2] = False
    assert continued(picture, hole, ~hole) is None


def test_the_same_input_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(1)
    picture, hole = rng.uniform(0.2, 0.8, (120, 160, 3)).astype(np.float32), box(120, 160, 30, 50, 50)
    first, second = (continued(picture, hole, ~hole) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.rgb, second.rgb)


def test_labels_are_near_the_best_there_are() -> None:
    """All labellings of eight blocks, counted out."""
    rng = np.random.default_rng(2)
    detail = rng.normal(0, 1, (40, 40, 3)).astype(np.float32)
    hole = np.zeros((40, 40), bool)
    hole[16:24, 12:28] = True
    known = ~hole
    blocks = Blocks.of(hole, 4)
    assert len(blocks.rows) == 8
    offsets = np.array([(-12, 0), (12, 0), (-12, 8)])
    unary = rim_costs(detail, known, hole, *blocks[:3], offsets, 6.0)
    assert (unary < BLOCKED).all()
    label, mean = assigned(detail, known, blocks, offsets, unary, 6.0)

    def energy(labels: np.ndarray) -> float:
        between = _seams(detail, known, *blocks, offsets, labels, 0, 6.0)[:, 0].sum()
        return float(between + unary[np.arange(8), labels].sum())

    best = min(energy(np.array(labels)) for labels in itertools.product(range(3), repeat=8))
    assert mean * len(blocks.pairs) == pytest.approx(energy(label), rel=1e-4)
    assert energy(label) <= 1.1 * best
    assert energy(label) <= energy(unary.argmin(axis=1))


@pytest.fixture(scope="module")
def vanisher() -> Vanisher:
    return Vanisher(device="cpu")


def test_the_pipeline_continues_a_surface(vanisher: Vanisher) -> None:
    truth, hole = np.rint(tiled(160, 220, light=0.4) * 255).astype(np.uint8), box(160, 220, 40, 60, 60)
    opaque = np.full(hole.shape, 255, np.uint8)
    opaque[:, 200:] = 0
    photo = Photo.from_array(np.dstack([np.where(hole[..., None], 250, truth), opaque]).astype(np.uint8))
    result = vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0, surface="floor")
    assert [window.method for window in result.receipt.windows] == ["shifts"]
    out = result.photo.array
    assert np.array_equal(out[~hole], photo.array[~hole])
    assert np.abs(out[..., :3].astype(int) - truth)[hole].mean() < 5
    again = vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0, surface="floor")
    assert np.array_equal(again.photo.array, out)


def test_what_shifts_leave_open_is_filled_in_the_usual_way(vanisher: Vanisher) -> None:
    """A hole so wide that no shift reaches its middle."""
    truth = np.rint(tiled(120, 400) * 255).astype(np.uint8)
    hole = np.zeros(truth.shape[:2], bool)
    hole[:, 60:340] = True
    photo = Photo.from_array(np.where(hole[..., None], 0, truth).astype(np.uint8))
    result = vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0, surface="floor")
    assert np.array_equal(result.photo.array[~hole], truth[~hole])
    assert result.photo.array[hole].min() > 20


def test_what_shifts_leave_open_is_filled_by_shifts_of_what_they_did(vanisher: Vanisher) -> None:
    """The far end of a floor lies further from what is known than any shift leads."""
    truth = np.rint(tiled(120, 400) * 255).astype(np.uint8)
    hole = np.zeros(truth.shape[:2], bool)
    hole[:, 150:] = True
    found = continued(truth / np.float32(255), hole, ~hole)
    assert found is not None and not found.done[:, 300:].all()
    photo = Photo.from_array(np.where(hole[..., None], 0, truth).astype(np.uint8))
    result = vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0, surface="floor")
    assert [window.method for window in result.receipt.windows] == ["shifts"]
    assert np.abs(result.photo.array.astype(int) - truth)[:, 300:].mean() < 8


def test_a_continuation_can_be_cancelled(vanisher: Vanisher) -> None:
    truth, hole = np.rint(tiled(160, 220) * 255).astype(np.uint8), box(160, 220, 40, 60, 60)

    def stop(fraction: float, text: str) -> None:
        if "surface" in text:
            raise errors.Cancelled("stopped")

    with pytest.raises(errors.Cancelled):
        vanisher.erase(Photo.from_array(truth), Mask.from_array(hole), surface="floor", progress=stop)
