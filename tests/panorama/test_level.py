"""A panorama that was taken askew is turned upright to be worked on, and is given back as it was taken."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama import Panorama, erase_panorama, find_in_panorama, level
from panorama.canvas import Canvas
from panorama.plan import view_of
from panorama.replay import KIND
from panorama.rooms import render
from panorama.sphere import Frame
from tests.panorama.test_corners import FRAME, picture, room
from vanisher_core import Mask, Photo, Vanisher

PLAIN = picture(room())


def askew(right: float, ahead: float) -> np.ndarray:
    """Rotation from the room's directions to those of a camera whose zenith is off by so many degrees."""
    (up,) = level._zeniths(np.radians([[right, ahead]]))
    return level._onto(np.array([0.0, 1.0, 0.0]), up)


def taken(right: float, ahead: float, array: np.ndarray = PLAIN, *, linear: bool = False) -> np.ndarray:
    """What such a camera makes of a level picture."""
    return level.leveled(FRAME, array, askew(right, ahead), linear=linear)


def typed(values: np.ndarray, dtype: type) -> np.ndarray:
    """Values as samples of a type."""
    return values.astype(np.float32) if dtype is np.float32 else np.rint(values).astype(dtype)


@settings(max_examples=12, deadline=None)
@given(st.floats(-4, 4), st.floats(-4, 4))
def test_the_zenith_is_found(right: float, ahead: float) -> None:
    found = level.uprighting(FRAME, taken(right, ahead))
    if found is None:
        assert math.hypot(right, ahead) < 0.6
    else:
        assert np.abs(found @ askew(right, ahead) - np.eye(3)).max() < math.radians(0.2)


def test_a_level_picture_stays_as_it_is() -> None:
    assert level.uprighting(FRAME, PLAIN) is None
    assert level.uprighting(FRAME, PLAIN[..., 1]) is None
    assert level.uprighting(FRAME, PLAIN.astype(np.uint16) * 257) is None


def test_without_upright_edges_there_is_no_telling() -> None:
    even = np.full((256, 512, 3), 128, np.uint8)
    assert level.uprighting(Frame.full(512, 256), even) is None
    noise = np.random.default_rng(0).integers(0, 256, (256, 512, 3), np.uint8)
    assert level.uprighting(Frame.full(512, 256), noise) is None
    assert level.uprighting(Frame(512, 100, 512, 256, 0, 60), even[:100]) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_turning_there_and_back_gives_the_same_picture(dtype: type) -> None:
    smooth = np.stack(
        [FRAME.directions(np.arange(1024), np.arange(512)[:, None])[..., axis] for axis in range(3)], -1
    )
    scale = 1 if dtype is np.float32 else np.iinfo(dtype).max
    first = typed((smooth * 0.45 + 0.5) * scale, dtype)
    turn = askew(2.0, -1.0)
    there = level.leveled(FRAME, first, turn)
    assert there.dtype == dtype
    back = level.leveled(FRAME, there, turn.T)
    off = np.abs(back.astype(float) - first) / scale
    assert off.max() < (0.006 if dtype is np.uint8 else 2e-4)
    wanted = ((smooth @ turn) * 0.45 + 0.5) * scale  # what lies at each direction of the result
    assert (np.abs(there - wanted) / scale).max() < (0.004 if dtype is np.uint8 else 2e-4)


def test_masks_do_not_overshoot() -> None:
    marks = np.zeros((512, 1024), np.float32)
    marks[200:300, 400:500] = 1
    turned = level.leveled(FRAME, marks, askew(3, 1), linear=True)
    assert turned.min() >= 0 and turned.max() <= 1
    rows = np.cos(FRAME.pitch(np.arange(512)))
    assert abs(float(turned.sum(1) @ rows) / float(marks.sum(1) @ rows) - 1) < 0.01


@pytest.fixture(scope="module")
def vanisher() -> Vanisher:
    return Vanisher(device="cpu")


def _thing() -> tuple[np.ndarray, np.ndarray]:
    """A room with a chest before a wall, from the floor up, and its mask."""
    array, mask = PLAIN.copy(), np.zeros((512, 1024), np.uint8)
    array[230:330, 500:560] = (20, 90, 30)
    mask[230:330, 500:560] = 255
    return array, mask


def _askew() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same askew, with the mask that covers it there, and without the thing."""
    array, mask = _thing()
    marks = taken(2.5, -1.5, mask.astype(np.float32), linear=True) > 0
    return taken(2.5, -1.5, array), marks.astype(np.uint8) * 255, taken(2.5, -1.5)


@pytest.mark.parametrize("relight", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_erased_from_a_picture_taken_askew(vanisher: Vanisher, relight: bool, deep: bool) -> None:
    array, mask, truth = _askew()
    if deep:
        array, truth = (one.astype(np.uint16) * 257 for one in (array, truth))
    result = erase_panorama(
        Panorama.from_array(array), Mask.from_array(mask), vanisher=vanisher, relight=relight
    )
    out, hole = result.photo.array, mask > 0
    kept = result.mask_used.array == 0
    assert np.array_equal(out[kept], array[kept])
    assert kept.mean() > (0.3 if relight else 0.9)
    off = np.abs(out.astype(float) - truth).mean(2) / (257 if deep else 1)
    assert off[hole].mean() < 8
    # what `vanisher verify` says may have changed is what was said to have been used
    changed = KIND.changed(result.receipt, Photo.from_array(array), Mask.from_array(mask))
    assert np.array_equal(changed, ~kept)
    again = KIND.erase(result.receipt, Photo.from_array(array), Mask.from_array(mask), "cpu", None)
    assert np.array_equal(again.photo.array, out)


def test_a_shadow_is_lifted_up_to_the_rim_of_what_was_filled(vanisher: Vanisher) -> None:
    """No line of it stays between what is filled in the level picture and what comes back."""
    errors = []
    for right, ahead in ((0.0, 0.0), (2.5, -1.5)):
        array, mask = _thing()
        away = cv2.distanceTransform((mask == 0).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        shaded = np.rint(array * (1 - 0.35 * np.exp(-away / 7))[..., None]).astype(np.uint8)
        shaded[mask > 0] = array[mask > 0]
        seen, truth = taken(right, ahead, shaded), taken(right, ahead)
        marks = taken(right, ahead, mask.astype(np.float32), linear=True) > 0
        result = erase_panorama(
            Panorama.from_array(seen),
            Mask.from_array(marks.astype(np.uint8) * 255),
            vanisher=vanisher,
            relight=True,
        )
        near = cv2.distanceTransform((~marks).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        ring = (near > 0) & (near < 16) & (np.arange(512)[:, None] < 300)
        errors.append(np.abs(result.photo.array[ring].astype(float) - truth[ring]).mean())
        assert errors[-1] < 0.6 * np.abs(seen[ring].astype(float) - truth[ring]).mean()
    level_error, askew_error = errors
    assert askew_error < 1.5 * level_error + 1


def test_the_canvas_turns_only_what_is_askew() -> None:
    array, mask, _ = _askew()
    canvas = Canvas(Panorama.from_array(array), mask, None, None)
    assert canvas.upright is not None and canvas.layout is not None
    straight, own = _thing()
    assert Canvas(Panorama.from_array(straight), own, None, None).upright is None
    see_through = np.concatenate([array, np.full((512, 1024, 1), 255, np.uint8)], axis=2)
    assert Canvas(Panorama.from_array(see_through), mask, None, None).upright is None
    below = np.zeros((512, 1024), np.uint8)
    below[490:] = 255
    assert Canvas(Panorama.from_array(array), below, None, None).upright is None


def test_a_canvas_aims_where_the_picture_as_given_shows_the_piece() -> None:
    array, mask, _ = _askew()
    canvas = Canvas(Panorama.from_array(array), mask, None, None)
    (piece, *_) = canvas.pieces
    view = view_of(piece, canvas.frame, canvas.room, None)
    yaw, pitch = view.centre
    column, row = FRAME.texel_at(
        *(
            np.array(part)
            for part in (math.cos(pitch) * math.sin(yaw), math.sin(pitch), math.cos(pitch) * math.cos(yaw))
        )
    )
    dot = np.zeros((512, 1024), np.float32)  # in the level picture
    dot[round(float(row)), (round(float(column)) + canvas.first) % 1024] = 1
    assert canvas.upright is not None
    seen = np.roll(
        level.leveled(FRAME, np.roll(dot, -canvas.first, axis=1), canvas.upright.T, linear=True),
        canvas.first,
        1,
    )
    row_seen, column_seen = divmod(int(seen.argmax()), 1024)
    yaw, pitch = canvas.aim(view)
    assert abs(math.remainder(float(FRAME.yaw(column_seen)) - yaw, 2 * math.pi)) < math.radians(0.6)
    assert abs(float(FRAME.pitch(row_seen)) - pitch) < math.radians(0.6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("grow, feather", [(0, 0.0), (None, None), (3, 2.0)])
def test_nothing_of_what_is_erased_comes_back(
    dtype: type, grey: bool, grow: int | None, feather: float | None
) -> None:
    """The true background as the fill: what comes back is the background, specks and rims too."""
    array, mask, truth = _askew()
    for row in range(180, 330, 30):  # specks of one texel
        mask[row, 300:900:70] = 255
    array[mask > 0] = (250, 0, 0)
    top = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    array, truth = (typed(one / 255 * top, dtype) for one in (array, truth))
    if grey:
        array, truth = (np.ascontiguousarray(one[..., 0]) for one in (array, truth))
    canvas = Canvas(Panorama.from_array(array), mask, grow, feather)
    assert canvas.upright is not None
    level_truth = level.leveled(FRAME, np.roll(truth, -canvas.first, axis=1), canvas.upright)
    for part in canvas.parts:
        region = part.region
        filled = FRAME.cut(canvas.work, region)
        filled[part.hole] = FRAME.cut(level_truth, region)[part.hole]
        FRAME.put(canvas.work, region, filled)
    canvas.come_back()
    used, out = canvas.alpha(), canvas.finished()
    assert out.dtype == dtype and np.array_equal(out[used == 0], array[used == 0])
    off = np.abs(out.astype(float) - truth)[used == 255] / top * 255
    assert off.mean() < 1.5
    # edges of the painted room ring; what was red would be off by a hundred and more
    assert (
        np.quantile(off, 0.999) < 60
        and out.min() >= array.min()
        and out.max() <= max(array.max(), truth.max())
    )


def test_edges_of_one_wall_do_not_tell_the_zenith() -> None:
    """Three posts seen close together: which way they lean to the side is told, but not whether towards the camera."""
    random = np.random.default_rng(0)
    turned = 0
    for _ in range(40):
        yaw = random.normal(0.4, 0.05, 60)
        normals = np.stack([np.cos(yaw), random.normal(0, math.radians(0.4), 60), -np.sin(yaw)], axis=1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        turned += level._from_all_sides(normals, np.full(60, 60.0), np.array([0.0, 1.0, 0.0]))
    assert turned == 0


@pytest.mark.parametrize("shift", [1, 300, 777])
def test_rolling_makes_no_difference_to_a_picture_taken_askew(vanisher: Vanisher, shift: int) -> None:
    array, mask, _ = _askew()
    plain = erase_panorama(Panorama.from_array(array), Mask.from_array(mask), vanisher=vanisher)
    rolled = erase_panorama(
        Panorama.from_array(np.roll(array, shift, axis=1)), Mask.from_array(np.roll(mask, shift, axis=1)),
        vanisher=vanisher,
    )  # fmt: skip
    assert np.array_equal(np.roll(rolled.photo.array, -shift, axis=1), plain.photo.array)
    assert np.array_equal(np.roll(rolled.mask_used.array, -shift, axis=1), plain.mask_used.array)


def test_what_is_found_comes_back_askew(vanisher: Vanisher) -> None:
    """The mask of a picture taken askew is the mask of the level one, turned."""
    frame, turn = Frame.full(512, 256), askew(2.5, -1.5)
    array = render(300, 512, quality="draft").furnished
    tilted = level.leveled(frame, array, turn)
    assert level.uprighting(frame, array) is None
    assert level.uprighting(frame, tilted) is not None
    straight, other = (
        find_in_panorama(Panorama.from_array(one), ["furniture"], segmenter=vanisher.segmenter)[
            "furniture"
        ].hole
        for one in (array, tilted)
    )
    turned = level.leveled(frame, straight.astype(np.float32), turn, linear=True) > 0.5
    assert turned.mean() > 0.02
    assert (turned & other).sum() > 0.8 * (turned | other).sum()
