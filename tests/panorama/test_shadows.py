"""Shadows that erased things have left on plain walls are lifted; what stands on a wall is not."""

import cv2
import numpy as np
import pytest

from panorama import light, shadows
from panorama.layout import Layout
from panorama.objects import Part, grown_objects
from panorama.sphere import Frame
from tests.panorama.test_corners import FRAME, room

WALL = np.array([0.6, 0.58, 0.55])
SOFT = 7.0
"""Texels within which the painted shadow falls to a third."""


def lift(frame: Frame, picture: np.ndarray, parts: list[Part], layout: Layout) -> None:
    """Lifts shadows in place."""
    gains = shadows.found(frame, picture, parts, layout)
    if gains is not None:
        light.apply(frame, picture, gains, shoulder=False)


def from_marks(marks: np.ndarray) -> np.ndarray:
    """How many texels away the nearest mark is."""
    return cv2.distanceTransform((~marks).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def prepared(
    dtype: type, dark: float = 0.35, wall: float = 1.0
) -> tuple[np.ndarray, np.ndarray, list[Part], np.ndarray]:
    """A room with a hole filled as it should be and a shadow round it, the room without, the parts, and distances.

    Args:
        dtype: of the samples.
        dark: of the shadow at the rim.
        wall: how much lighter than WALL.
    """
    mask = np.zeros((512, 1024), np.uint8)
    mask[270:330, 380:470] = 255
    away = from_marks(mask > 0)
    grain = np.random.default_rng(0).normal(0, 0.006, (512, 1024, 3))
    truth = WALL * wall + grain
    shaded = truth * (1 - dark * np.exp(-away / SOFT))[..., None]
    filled = np.where(mask[..., None] > 0, truth, shaded)
    top = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
    made = [
        a.astype(dtype) if dtype is np.float32 else np.rint(a * top).astype(dtype) for a in (filled, truth)
    ]
    return made[0], made[1], grown_objects(mask, FRAME, grow=0), away


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("wall", [0.3, 1.0, 1.5])
def test_a_shadow_round_a_hole_is_lifted(dtype: type, wall: float) -> None:
    filled, truth, parts, away = prepared(dtype, wall=wall)
    before = filled.copy()
    lift(FRAME, filled, parts, room())
    planes = room().planes(FRAME.yaw(np.arange(1024)), FRAME.pitch(np.arange(512))[:, None])
    ring = (away > 0) & (away < 12) & (planes == planes[300, 425])
    error = [float(np.abs(a[ring].astype(float) - truth[ring]).mean()) for a in (before, filled)]
    assert error[1] < 0.2 * error[0]
    inside = (away == 0) & (planes == planes[300, 425])
    top = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
    assert np.abs(filled[inside].astype(float) - truth[inside]).mean() < 0.01 * top
    rim = from_marks(away > 0) == 1
    assert np.abs(filled[rim & inside].astype(float) - truth[rim & inside]).mean() < 0.03 * top
    assert filled.dtype == dtype


def test_what_is_far_from_holes_or_on_other_planes_stays_to_the_last_bit() -> None:
    filled, _, parts, away = prepared(np.uint8)
    before = filled.copy()
    lift(FRAME, filled, parts, room())
    changed = (filled != before).any(axis=2)
    planes = room().planes(FRAME.yaw(np.arange(1024)), FRAME.pitch(np.arange(512))[:, None])
    assert changed.any()
    assert np.degrees(away[changed].max() * FRAME.step) < np.degrees(shadows.OUTSIDE + 2 * FRAME.step)
    reached = light.reached(light.fading(FRAME, parts), (512, 1024))
    assert (reached[changed] > 0).all()
    floor = from_marks(planes != 0) > 2
    assert not changed[floor].any()


def test_nothing_gets_darker() -> None:
    filled, _, parts, _ = prepared(np.uint8)
    before = filled.astype(int)
    lift(FRAME, filled, parts, room())
    assert (filled.astype(int) - before).min() >= 0


@pytest.mark.parametrize("colour", [(0.25, 0.24, 0.23), (0.6, 0.2, 0.15)], ids=["dark", "red"])
@pytest.mark.parametrize("shade", [0.0, 0.35])
def test_a_frame_beside_the_hole_is_no_shadow(colour: tuple[float, float, float], shade: float) -> None:
    filled, _, parts, _ = prepared(np.uint8, dark=shade)
    frame = np.zeros((512, 1024), bool)
    frame[230:330, 474:486] = True
    filled[frame] = np.rint(np.array(colour) * 255)
    before = filled.astype(int)
    lift(FRAME, filled, parts, room())
    assert np.abs(filled.astype(int) - before)[frame].max() <= (6 if shade else 2)


def test_the_sharp_yellow_shadow_of_a_desk_is_lifted_without_an_outline() -> None:
    filled, truth, parts, away = prepared(np.uint8, dark=0.0)
    shadow = np.zeros((512, 1024), bool)
    shadow[285:335, 470:482] = True
    filled[shadow] = np.rint(truth[shadow] * np.array([0.8, 0.76, 0.66]))
    before = filled.copy()
    lift(FRAME, filled, parts, room())
    planes = room().planes(FRAME.yaw(np.arange(1024)), FRAME.pitch(np.arange(512))[:, None])
    wall = planes == planes[300, 425]
    band = wall & (away > 0) & (from_marks(shadow) <= 3)
    errors = [np.abs(a.astype(float) - truth)[band] for a in (before, filled)]
    assert errors[1].mean() < 0.35 * errors[0].mean()
    assert np.percentile(errors[1], 95) < 0.5 * np.percentile(errors[0], 95)


def test_a_corner_that_gets_dark_and_brown_towards_a_pillar_gets_no_bright_outline() -> None:
    filled, truth, parts, _ = prepared(np.uint8, dark=0.0)
    beside, pillar = slice(200, 350), slice(478, 540)
    dark = np.clip((np.arange(440, 478) - 440) / 38, 0, 1)[None, :, None] * (1 - np.array([0.62, 0.5, 0.3]))
    filled[beside, 440:478] = np.rint(truth[beside, 440:478] * (1 - dark))
    filled[beside, pillar] = (205, 204, 200)
    before = filled.copy()
    lift(FRAME, filled, parts, room())
    near = cv2.GaussianBlur(filled[285:315, 440:476].mean(axis=(0, 2))[None], (0, 0), 1)[0]
    was = cv2.GaussianBlur(before[285:315, 440:476].mean(axis=(0, 2))[None], (0, 0), 1)[0]
    assert np.diff(was).max() < 1  # it gets darker all the way
    assert np.diff(near).max() < 1.5


def test_a_soft_red_thing_in_a_shadow_leaves_the_shadow_to_be_lifted_away_from_it() -> None:
    filled, truth, parts, away = prepared(np.uint8)
    blob = np.zeros((512, 1024), np.float32)
    blob[280:310, 474:486] = 1
    blob = cv2.GaussianBlur(blob, (0, 0), 5)[..., None]
    filled[:] = np.rint(filled * (1 - blob) + np.array([150, 40, 30]) * blob)
    before = filled.copy()
    lift(FRAME, filled, parts, room())
    planes = room().planes(FRAME.yaw(np.arange(1024)), FRAME.pitch(np.arange(512))[:, None])
    ring = (away > 0) & (away < 12) & (planes == planes[300, 425])
    ring[:, 445:] = False
    error = [float(np.abs(a[ring].astype(float) - truth[ring]).mean()) for a in (before, filled)]
    assert error[1] < 0.3 * error[0]


def test_grey_pictures_and_alpha() -> None:
    filled, _, parts, away = prepared(np.uint8)
    near = (away > 0) & (away < 6)
    grey = np.ascontiguousarray(filled[..., 1])
    alpha = np.full((512, 1024, 1), 200, np.uint8)
    four = np.concatenate([filled, alpha], axis=2)
    for picture in (filled, grey, four):
        lift(FRAME, picture, parts, room())
    assert np.array_equal(four, np.concatenate([filled, alpha], axis=2))
    assert float(np.abs(grey[near].astype(float) - filled[near][:, 1]).mean()) < 2


def test_all_lifts_lie_within_the_reach_of_the_new_light_at_the_least_size_too() -> None:
    columns = shadows.LEAST_COLUMNS
    cell, coarsest = 2 * np.pi / columns, 2 * np.pi / light.COLUMNS
    assert shadows.OUTSIDE + 2 * cell < light.REACH - 3 * coarsest


def test_a_small_panorama_stays_as_it_is() -> None:
    frame = Frame.full(256, 128)
    mask = np.zeros((128, 256), np.uint8)
    mask[66:80, 90:110] = 255
    picture = np.full((128, 256, 3), 120, np.uint8)
    picture[60:66, 90:110] = 90
    before = picture.copy()
    lift(frame, picture, grown_objects(mask, frame, grow=0), room())
    assert np.array_equal(picture, before)
