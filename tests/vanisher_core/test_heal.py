"""Seams between copies: shades are spread, edges stay, nothing outside the hole is touched."""

import numpy as np
import pytest

from vanisher_core.exemplar.heal import shade_correction

SIZE = 64


def _patchwork(
    left_shade: float, right_shade: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A flat wall (0.5) with a hole whose halves were copied from a darker and a lighter place.

    Returns the flat picture with copies, source indices, hole (flat) and the hole as a plane.
    """
    plane = np.zeros((2 * SIZE, SIZE), bool)
    plane[16:48, 16:48] = True
    picture = np.full((2 * SIZE, SIZE, 3), 0.5, np.float32)
    picture[SIZE:, : SIZE // 2] = left_shade  # the places copied from stand below
    picture[SIZE:, SIZE // 2 :] = right_shade
    source = np.full(plane.size, -1, np.int64)
    rows, columns = np.nonzero(plane)
    half = columns < SIZE // 2
    from_column = np.where(half, 12, SIZE - 12)
    source[rows * SIZE + columns] = (SIZE + 10 + rows % 3) * SIZE + from_column
    picture[rows, columns] = np.where(half, left_shade, right_shade)[:, None]
    return picture.reshape(-1), source, plane.reshape(-1), plane


@pytest.mark.parametrize(("left", "right"), [(0.48, 0.53), (0.5, 0.5), (0.47, 0.47)])
def test_small_differences_of_shade_vanish(left: float, right: float) -> None:
    image, source, hole, plane = _patchwork(left, right)
    healed = image.reshape(-1, SIZE, 3) + shade_correction(image, source, hole, SIZE)
    assert np.abs(healed[plane] - 0.5).max() < 0.25 * max(abs(left - 0.5), abs(right - 0.5), 0.004)


def test_an_edge_is_left_alone() -> None:
    image, source, hole, plane = _patchwork(0.1, 0.9)
    correction = shade_correction(image, source, hole, SIZE)
    assert np.abs(correction[plane]).max() < 0.05


def test_nothing_outside_the_hole_is_corrected_and_an_empty_hole_needs_nothing() -> None:
    image, source, hole, plane = _patchwork(0.46, 0.55)
    assert not shade_correction(image, source, hole, SIZE)[~plane].any()
    assert not shade_correction(image, source, np.zeros_like(hole), SIZE).any()


def test_copies_that_agree_keep_their_texture() -> None:
    rng = np.random.default_rng(0)
    picture = rng.random((SIZE, SIZE, 3)).astype(np.float32)
    plane = np.zeros((SIZE, SIZE), bool)
    plane[10:20, 10:20] = True
    rows, columns = np.nonzero(plane)
    source = np.full(plane.size, -1, np.int64)
    source[rows * SIZE + columns] = (rows + 30) * SIZE + columns + 30
    picture[rows, columns] = picture[rows + 30, columns + 30]
    correction = shade_correction(picture.reshape(-1), source, plane.reshape(-1), SIZE)
    inner = np.s_[12:18, 12:18]
    assert np.abs(correction[inner]).max() < 0.08
    assert np.abs(np.diff(correction[inner], axis=0)).max() < 0.02
