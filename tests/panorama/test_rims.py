"""Steps of tone between fills and what was kept are taken away; edges that end at a rim are not smeared."""

import numpy as np
import pytest

from panorama import rims
from panorama.layout import FIRST_WALL, Layout
from panorama.objects import Part, grown_objects
from panorama.sphere import Frame
from tests.panorama.test_corners import room

FRAME = Frame.full(1024, 512)


def prepared(dtype: type, gain: float) -> tuple[np.ndarray, np.ndarray, list[Part], np.ndarray]:
    """An evenly lit sphere with two holes filled too dark or too light, as it should be, the parts, and the holes."""
    mask = np.zeros((512, 1024), np.uint8)
    mask[200:300, 400:480] = mask[320:360, 1000:] = mask[320:360, :60] = 255
    parts = grown_objects(mask, FRAME, grow=0)
    top = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
    truth = np.full((512, 1024, 3), (0.5, 0.45, 0.4)) + np.random.default_rng(0).normal(
        0, 0.01, (512, 1024, 3)
    )
    filled = np.where(mask[..., None] > 0, truth * gain, truth)
    convert = (
        (lambda a: a.astype(np.float32))
        if dtype is np.float32
        else (lambda a: np.rint(a * top).astype(dtype))
    )
    return convert(filled), convert(truth), parts, mask > 0


def at_rims(picture: np.ndarray, hole: np.ndarray) -> float:
    """How much darker holes are than what surrounds them: mean of both sides, a few texels wide."""
    import cv2

    kernel = np.ones((9, 9), np.uint8)
    inside = hole & (cv2.erode(hole.view(np.uint8), kernel) == 0)
    outside = ~hole & (cv2.dilate(hole.view(np.uint8), kernel) > 0)
    return float(picture[outside].astype(float).mean() / picture[inside].astype(float).mean() - 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("gain", [0.88, 1.12])
def test_a_step_at_the_rim_goes_and_nothing_else_changes(dtype: type, gain: float) -> None:
    filled, truth, parts, hole = prepared(dtype, gain)
    before = filled.copy()
    rims.even_out(FRAME, filled, parts, room())
    assert np.array_equal(filled[~hole], before[~hole])
    assert abs(at_rims(before, hole)) > 0.1
    assert abs(at_rims(filled, hole)) < 0.04
    assert filled.dtype == dtype
    assert truth.shape == filled.shape


def test_what_fits_stays_as_it_is() -> None:
    filled, _, parts, hole = prepared(np.uint8, 1.0)
    before = filled.astype(int)
    rims.even_out(FRAME, filled, parts, room())
    assert np.abs(filled.astype(int) - before)[hole].mean() < 1.0


def test_a_thing_that_ends_at_the_rim_is_no_error_of_tone() -> None:
    filled, _, parts, hole = prepared(
        np.uint8, 0.4
    )  # a fill that is less than half as light is another thing
    before = filled.copy()
    rims.even_out(FRAME, filled, parts, room())
    assert np.array_equal(filled, before)
    assert hole.any()


def test_grey_pictures_and_alpha() -> None:
    filled, _, parts, hole = prepared(np.uint8, 0.9)
    grey = np.ascontiguousarray(filled[..., 1])
    rims.even_out(FRAME, grey, parts, room())
    assert abs(at_rims(grey, hole)) < 0.04
    alpha = np.full((512, 1024, 1), 200, np.uint8)
    four = np.concatenate([filled, alpha], axis=2)
    rims.even_out(FRAME, four, parts, room())
    assert np.array_equal(four[..., 3:], alpha)
    assert abs(at_rims(four[..., :3], hole)) < 0.04


@pytest.mark.parametrize("size", [(1026, 512), (1024, 513), (2046, 1022), (700, 351)])
def test_a_sphere_of_any_ratio_is_evened_out(size: tuple[int, int]) -> None:
    """Stitchers round: width and height may differ by a texel or two from 2:1."""
    frame = Frame.full(*size)
    mask = np.zeros(size[::-1], np.uint8)
    mask[size[1] // 2 : size[1] * 3 // 5, size[0] // 3 : size[0] // 2] = 255
    work = np.where(mask[..., None] > 0, np.uint8(120), np.full((*mask.shape, 3), 140, np.uint8))
    rims.even_out(frame, work, grown_objects(mask, frame, grow=0), room())
    assert (work[mask == 0] == 140).all()
    assert work[mask > 0].max() > 130


def test_planes_are_looked_at_one_by_one() -> None:
    """What is wrong with the floor's fill is not carried onto the wall."""
    layout: Layout = room()
    planes = layout.planes(FRAME.yaw(np.arange(1024)), FRAME.pitch(np.arange(512))[:, None])
    colours = np.full((512, 1024, 3), -0.7, np.float32)
    share = np.zeros((512, 1024), np.float32)
    share[250:420, 300:420] = 1
    floor = planes == 0
    colours[(share > 0) & floor] -= 0.1
    found = rims.steps(colours, share, layout, FRAME)
    wall = (share > 0) & ~floor
    assert found[(share > 0) & floor].max() > 0.07
    assert np.abs(found[wall]).max() < 1e-3
    assert np.abs(found[share == 0]).max() == 0


class OneWall(Layout):
    """A room of which only a wall is seen."""

    def planes(self, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """The wall's number everywhere."""
        return np.full(np.broadcast_shapes(yaw.shape, pitch.shape), FIRST_WALL, np.int16)


@pytest.mark.parametrize("turn", [512, 300])
def test_it_does_not_matter_where_the_seam_is(turn: int) -> None:
    """A wide hole across the seam whose one side has another tone: what is carried in has no step there."""
    share = np.zeros((512, 1024), np.float32)
    share[230:330, :80] = share[230:330, -80:] = 1
    tone = np.where(np.arange(1024) < 512, 0.6, 0.0)[None, :, None] * (share[..., None] == 0)
    colours = np.repeat(tone, 3, axis=2).astype(np.float32)
    whole = OneWall((), 1.0, 1.0)
    straight = rims.steps(colours, share, whole, FRAME)
    rolled = rims.steps(np.roll(colours, turn, axis=1), np.roll(share, turn, axis=1), whole, FRAME)
    assert np.abs(np.roll(straight, turn, axis=1) - rolled).max() < 0.02
    assert np.abs(straight).max() > 0.2
