"""Views against a sphere known by formula: no error, no shift, in both directions."""

import math

import cv2
import numpy as np
import py360convert
import pytest

from panorama.sphere import Frame, Region
from panorama.views import View, render, seen, unproject


def smooth(directions: np.ndarray) -> np.ndarray:
    """A smooth function on the sphere with values in about [0.1, 0.9]."""
    x, y, z = np.moveaxis(directions / np.linalg.norm(directions, axis=-1, keepdims=True), -1, 0)
    return 0.5 + 0.15 * x + 0.1 * y * z + 0.12 * x * y * z + 0.1 * np.sin(4 * z + 2 * y)


def sphere_picture(frame: Frame) -> np.ndarray:
    columns, rows = np.arange(frame.width)[None], np.arange(frame.height)[:, None]
    return smooth(frame.directions(columns, rows)).astype(np.float32)


FRAMES = {"even": Frame.full(1200, 600), "odd": Frame.full(1001, 500)}
LOOKS = {
    "ahead": (0.3, 0.1),
    "seam": (math.pi - 0.01, -0.4),
    "nadir": (1.0, -math.pi / 2),
    "zenith": (2.0, 1.4),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_smooth_sphere_survives_both_ways(frame: Frame, look: tuple[float, float]) -> None:
    picture = sphere_picture(frame)
    view = View.square(*look, math.radians(80), 320)
    true = smooth(view.directions(0, 0, 320, 320)).astype(np.float32)
    error = np.abs(render(frame, picture, view) - true) * 255
    assert error.mean() < 0.01
    assert error.max() < 0.04  # OpenCV rounds positions to 1/32 of a pixel
    wide = View.square(*look, math.radians(80), round(frame.full_width * 0.33))
    true = smooth(wide.directions(0, 0, wide.width, wide.height)).astype(np.float32)
    column, row = frame.texel(wide.rotation[2])
    region = Region(
        int(column) - 90, max(int(row) - 70, 0), int(column) + 90, min(int(row) + 70, frame.height)
    )
    error = np.abs(unproject(frame, region, wide, true) - frame.cut(picture, region)) * 255
    assert error.mean() < 0.01
    assert error.max() < 0.04


def test_a_round_trip_does_not_shift() -> None:
    """Texture there and back, registered by phase correlation to a hundredth of a texel."""
    frame = Frame.full(1024, 512)
    noise = np.random.default_rng(0).random((512, 1024)).astype(np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    view = View.square(0.5, -0.2, math.radians(80), 400)
    column, row = (int(value) for value in frame.texel(view.rotation[2]))
    region = Region(column - 64, row - 64, column + 64, row + 64)
    back = unproject(frame, region, view, render(frame, picture, view))
    (x, y), _ = cv2.phaseCorrelate(
        frame.cut(picture, region), back, cv2.createHanningWindow((128, 128), cv2.CV_32F)
    )
    assert abs(x) < 0.05
    assert abs(y) < 0.05


def test_grain_survives_the_round_trip() -> None:
    """Film grain there and back through a view a little finer than the panorama keeps its strength."""
    frame = Frame.full(1024, 512)
    grain = np.random.default_rng(0).normal(0.5, 0.1, (512, 1024)).astype(np.float32)
    view = View.square(0.0, 0.0, math.radians(50), round(1.25 * 1024 / (2 * math.pi) * 2 * math.tan(0.436)))
    region = Region(472, 216, 552, 296)
    back = unproject(frame, region, view, render(frame, grain, view))
    assert 0.9 < back.std() / frame.cut(grain, region).std() < 1.02


def test_it_agrees_with_py360convert_where_that_is_right() -> None:
    frame = Frame.full(1024, 512)
    picture = sphere_picture(frame)
    view = View.square(0.7, -0.3, math.radians(90), 257)
    theirs = py360convert.e2p(
        picture[..., None], (90, 90), math.degrees(0.7), math.degrees(-0.3), (257, 257), mode="bilinear"
    )[..., 0]
    # py360convert spans the field between the centres of the outermost pixels, we between their edges
    corner = View(view.rotation, 128.0, -128.5 / 128.0, -128.5 / 128.0, 257, 257)
    assert np.abs(render(frame, picture, corner) - theirs).mean() * 255 < 0.05


def test_pixel_is_the_inverse_of_directions() -> None:
    view = View(View.square(0.4, 0.9, 1.0, 50).rotation, 40.0, -0.3, -0.9, 30, 44)
    columns, rows = view.pixel(view.directions(0, 0, 30, 44))
    assert np.abs(columns - np.arange(30)[None]).max() < 1e-9
    assert np.abs(rows - np.arange(44)[:, None]).max() < 1e-9


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (4,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_depth_and_channel_count_keeps_its_values(shape: tuple[int, ...], dtype: type) -> None:
    frame = Frame.full(64, 32)
    view = View.square(1.0, -1.3, 1.2, 20)
    out = render(frame, np.full((32, 64, *shape), 77, dtype), view)
    assert out.shape == (20, 20, *shape)
    assert np.allclose(out, 77)


def test_a_cropped_panorama_knows_what_it_does_not_show() -> None:
    frame = Frame(512, 160, 512, 256, 0, 48)
    assert not seen(frame, View.square(0.0, -math.pi / 2, 0.5, 30)).any()
    assert seen(frame, View.square(2.0, 0.0, 1.0, 30)).all()
    half = seen(frame, View.square(2.0, frame.pitch(np.array(159.5)).item(), 0.6, 30))
    assert half[:14, 12:18].all()
    assert not half[16:, 12:18].any()
    narrow = Frame(100, 128, 256, 128, 20, 0)
    assert not seen(narrow, View.square(2.0, 0.0, 0.5, 30)).any()
    assert seen(narrow, View.square(-1.5, 0.0, 0.5, 30)).all()


def test_a_tiny_panorama_is_looked_at_without_fault() -> None:
    frame = Frame.full(4, 2)
    out = render(frame, np.full((2, 4, 3), 9, np.uint8), View.square(0.0, 1.5, 2.0, 16))
    assert np.allclose(out, 9)
