"""The compiled Lanczos window: its formula, OpenCV beside it, borders, types."""

import cv2
import numpy as np
import pytest

from panorama.lanczos import PHASES, sampled, weights


def places(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions inside and outside a picture, on OpenCV's grid of 1/32 pixel."""
    rng = np.random.default_rng(seed)
    columns, rows = rng.uniform(-6, width + 6, (40, 50)), rng.uniform(-6, height + 6, (40, 50))
    return np.round(columns * 32) / 32, np.round(rows * 32) / 32


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(), (2,), (3,), (4,)])
def test_it_equals_opencv_where_that_is_exact(shape: tuple[int, ...], dtype: type) -> None:
    picture = (np.random.default_rng(1).random((30, 41, *shape)) * 250).astype(dtype)
    columns, rows = places(30, 41)
    theirs = cv2.remap(
        picture.astype(np.float32),
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REPLICATE,
    )
    ours = sampled(picture, columns, rows)
    assert ours.dtype == np.float32
    assert ours.shape == (*columns.shape, *shape)
    assert np.abs(ours - theirs).max() < 1e-3


def test_whole_positions_give_the_pixels_back() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (20, 20, 3), np.uint8)
    columns, rows = np.meshgrid(np.arange(20.0), np.arange(20.0))
    assert np.array_equal(np.rint(sampled(picture, columns, rows)), picture)


def test_a_wave_is_met_to_a_fraction_of_a_code() -> None:
    """The window itself errs by a quarter of a code here; positions, rounded to 1/256 pixel, by 1/32 at most."""
    x = np.arange(200)
    picture = np.repeat((127 + 100 * np.sin(0.16 * x)).astype(np.float32)[None], 20, axis=0)
    columns = np.random.default_rng(3).uniform(10, 190, (9, 500))
    true = 127 + 100 * np.sin(0.16 * columns)
    error = np.abs(sampled(picture, columns, np.full_like(columns, 9.5)) - true)
    assert error.max() < 0.3


def test_weights_sum_to_one_and_mirror() -> None:
    table = weights()
    assert table.shape == (PHASES + 1, 8)
    assert np.allclose(table.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(table, table[::-1, ::-1], atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_is_not_wanted_is_the_nearest_pixel(dtype: type) -> None:
    picture = (np.random.default_rng(4).random((30, 41, 3)) * 250).astype(dtype)
    columns, rows = places(30, 41)
    where = np.random.default_rng(5).random(columns.shape) < 0.5
    found = sampled(picture, columns, rows, where)
    assert np.array_equal(found[where], sampled(picture, columns, rows)[where])
    nearest = picture[np.clip(np.rint(rows), 0, 29).astype(int), np.clip(np.rint(columns), 0, 40).astype(int)]
    assert np.array_equal(found[~where], nearest[~where])
