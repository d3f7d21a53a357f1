"""Texels, directions and distances on the sphere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.sphere import Frame, Region, angles, cap, turned

FRAMES = {
    "even": Frame.full(64, 32),
    "odd": Frame.full(101, 50),
    "cropped": Frame(40, 20, 90, 45, 30, 12),
    "band": Frame(90, 20, 90, 45, 0, 12),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_texels_and_directions_are_inverse(frame: Frame) -> None:
    columns, rows = np.meshgrid(np.arange(frame.width), np.arange(frame.height))
    back = frame.texel(frame.directions(columns, rows))
    assert np.abs(back[0] - columns).max() < 1e-9
    assert np.abs(back[1] - rows).max() < 1e-9


def test_the_middle_looks_ahead_right_is_right_and_up_is_up() -> None:
    frame = Frame.full(64, 32)
    assert np.allclose(frame.directions(31.5, 15.5), [0, 0, 1])
    assert frame.directions(40, 15.5)[0] > 0
    assert frame.directions(31.5, 4)[1] > 0


@given(yaw=st.floats(-3.1, 3.1), pitch=st.floats(-1.5, 1.5))
def test_a_turned_camera_is_a_rotation_that_looks_where_it_should(yaw: float, pitch: float) -> None:
    rotation = turned(yaw, pitch)
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert angles(rotation[2]) == pytest.approx((yaw, pitch))
    assert rotation[1][1] >= 0


@settings(max_examples=30)
@given(data=st.data())
def test_distance_agrees_with_brute_force_across_seam_and_poles(data: st.DataObject) -> None:
    frame = data.draw(st.sampled_from(list(FRAMES.values())))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    left, top = int(rng.integers(frame.width)), int(rng.integers(frame.height))
    wide, high = (int(rng.integers(1, limit // 2)) for limit in (frame.width, frame.height))
    if not frame.wraps:
        left = min(left, frame.width - wide)
    region = Region(left, top, left + wide, min(top + high, frame.height))
    own = rng.random(region.shape) < 0.2
    own[0, 0] = True
    reach = float(rng.uniform(0.02, 0.5))
    around = frame.around(region, reach)
    marks = np.zeros(around.shape, bool)
    columns = np.arange(region.left, region.right) - around.left
    marks[region.top - around.top : region.bottom - around.top, columns % marks.shape[1]] = own
    away = frame.distance(marks, around, reach)
    rows, places = np.nonzero(own)
    points = frame.directions(places + region.left, rows + region.top)
    everywhere = frame.directions(np.arange(frame.width)[None], np.arange(frame.height)[:, None])
    true = np.arccos(np.clip((everywhere[:, :, None] * points).sum(-1), -1, 1)).min(axis=-1)
    near = true <= reach
    found = np.full(true.shape, np.inf)
    frame.put(found, around, away)
    assert np.abs(found[near] - true[near]).max() < 1e-3  # and `around` left nothing near outside
    assert (found[~near] > reach - 1e-3).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), spread=st.floats(0.01, 0.7))
def test_a_cap_holds_its_points_and_is_hardly_larger_than_needed(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal([0.3, 0.5, 1.0], spread * 0.5, (40, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    centre, radius = cap(points)
    apart = np.arccos(np.clip(points @ centre, -1, 1))
    assert apart.max() <= radius + 1e-6
    widest = np.arccos(np.clip(points @ points.T, -1, 1)).max()
    assert radius <= 1.25 * max(widest / math.sqrt(3) * 1.16, 1e-3)


def test_cut_and_put_go_round_the_seam() -> None:
    frame = Frame.full(10, 5)
    picture = np.arange(50).reshape(5, 10)
    region = Region(8, 1, 13, 3)
    part = frame.cut(picture, region)
    assert part.tolist() == [[18, 19, 10, 11, 12], [28, 29, 20, 21, 22]]
    other = np.zeros_like(picture)
    frame.put(other, region, part)
    assert np.array_equal(other[other > 0], picture[other > 0])
    assert (other > 0).sum() == part.size
