"""Objects are components on the sphere, grown on the sphere."""

import math

import numpy as np
import pytest

from panorama.objects import components, grown_objects, solid_angle
from panorama.sphere import Frame, Region
from vanisher_core.mask import FEATHER_SHARE, auto_grow

FRAME = Frame.full(512, 256)


def disc(frame: Frame, yaw: float, pitch: float, radius: float) -> np.ndarray:
    """A round object on the sphere; uint8 HxW, 255 inside."""
    middle = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    d = frame.directions(np.arange(frame.width)[None], np.arange(frame.height)[:, None])
    return np.where(d @ middle >= math.cos(radius), 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("yaw", "pitch"),
    [(0.0, 0.0), (math.pi, 0.2), (3.1, -0.9), (1.0, math.pi / 2), (0.3, -1.5), (2.0, -math.pi / 2)],
)
def test_a_disc_grows_to_a_disc_wherever_it_lies(yaw: float, pitch: float) -> None:
    radius, grow = 0.2, 12
    (part,) = grown_objects(disc(FRAME, yaw, pitch, radius), FRAME, grow=grow)
    found = np.zeros((256, 512), bool)
    FRAME.put(found, part.region, part.hole)
    wider = disc(FRAME, yaw, pitch, radius + (grow + 1) * FRAME.step) > 0
    narrower = disc(FRAME, yaw, pitch, radius + (grow - 1) * FRAME.step) > 0
    assert (found <= wider).all()
    assert (narrower <= found).all()


def test_alpha_is_full_on_the_object_and_falls_in_the_ring_only() -> None:
    mask = disc(FRAME, 0.5, -0.4, 0.15)
    (part,) = grown_objects(mask, FRAME, grow=10, feather=6)
    alpha = np.zeros((256, 512), np.uint8)
    FRAME.put(alpha, part.region, part.alpha)
    assert (alpha[mask > 0] == 255).all()
    away = FRAME.distance(mask > 0, Region(0, 0, 512, 256), 12 * FRAME.step) / FRAME.step
    assert (alpha[away <= 4] == 255).all()
    ring = (away > 5) & (away <= 10)
    assert ((alpha[ring] > 0) & (alpha[ring] < 255)).all()
    assert not alpha[away > 10].any()


def test_growth_follows_the_area_on_the_sphere_not_in_pixels() -> None:
    grown = [grown_objects(disc(FRAME, 0.0, pitch, 0.2), FRAME)[0].grow for pitch in (0.0, -1.0, -1.4)]
    assert len(set(grown)) == 1
    area = math.pi * 0.2**2 / FRAME.step**2
    assert grown[0] == auto_grow(area)
    assert 0 < FEATHER_SHARE < 1


def test_solid_angle_of_a_cap() -> None:
    own = disc(FRAME, 0.0, 0.0, 0.5) > 0
    assert solid_angle(own, Region(0, 0, 512, 256), FRAME) == pytest.approx(
        2 * math.pi * (1 - math.cos(0.5)), rel=0.01
    )


def test_the_seam_and_the_poles_join() -> None:
    marks = np.zeros((256, 512), bool)
    marks[100:140, :30] = marks[100:140, -20:] = True
    marks[-15:, 100:140] = marks[-15:, 350:390] = True
    marks[:15, 10:40] = True
    found = components(marks, FRAME)
    assert sorted(int(own.sum()) for _, own in found) == [15 * 30, 2 * 15 * 40, 40 * 50]
    seam = next(region for region, own in found if own.sum() == 40 * 50)
    assert seam.right - seam.left == 50
    assert seam.left % FRAME.width == 492


def test_a_diagonal_touch_across_the_seam_joins() -> None:
    marks = np.zeros((256, 512), bool)
    marks[100:110, :20] = True
    marks[110:120, -20:] = True
    assert len(components(marks, FRAME)) == 1
    marks[110] = False
    assert len(components(marks, FRAME)) == 2


def test_a_crop_has_no_seam_and_no_pole_it_does_not_show() -> None:
    marks = np.zeros((128, 256), bool)
    marks[50:60, :10] = marks[50:60, -10:] = True
    marks[-5:, 40:50] = marks[-5:, 150:160] = True
    assert len(components(marks, Frame(256, 128, 512, 256, 10, 20))) == 4


def test_many_specks_are_a_few_objects() -> None:
    marks = np.random.default_rng(0).random((256, 512)) < 0.02
    found = components(marks, FRAME)
    assert len(found) < 64 * 32
    total = np.zeros_like(marks)
    for region, own in found:
        FRAME.put(total, region, FRAME.cut(total, region) | own)
    assert np.array_equal(total, marks)


def test_growth_zero_takes_the_mask_as_it_is_and_faint_marks_count_only_there() -> None:
    mask = np.zeros((256, 512), np.uint8)
    mask[60:70, 500:512] = 90
    mask[120:140, :9] = mask[120:140, -9:] = 201
    (only,) = grown_objects(mask, FRAME)
    assert only.region.top < 120
    alpha = np.zeros_like(mask)
    for part in grown_objects(mask, FRAME, grow=0):
        FRAME.put(alpha, part.region, np.maximum(FRAME.cut(alpha, part.region), part.alpha))
    assert np.array_equal(alpha, mask)
    assert grown_objects(np.zeros((256, 512), np.uint8), FRAME) == []


def test_nothing_has_no_components() -> None:
    assert components(np.zeros((32, 64), bool), Frame.full(64, 32)) == []
