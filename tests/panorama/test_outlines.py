"""Coarse answers drawn along the picture's edges."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama import Frame, cells
from panorama.outlines import along_edges


def picture_of(marks: np.ndarray) -> np.ndarray:
    """Grey, and brown where marked, with grain; HxWx3 uint8."""
    grain = np.random.default_rng(0).normal(0, 2, (*marks.shape, 1))
    colours = np.where(marks[..., None], (120, 80, 40), (180, 180, 175))
    return np.clip(colours + grain, 0, 255).astype(np.uint8)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 140), st.integers(1, 9), st.integers(2, 20), st.floats(-6, 6, width=32)
)
def test_what_is_everywhere_the_same_stays_so(
    height: int, width: int, rows: int, columns: int, value: float
) -> None:
    random = np.random.default_rng(1)
    picture = random.integers(0, 256, (height, width, 3), np.uint8)
    found = along_edges(Frame.full(width, height), picture, np.full((rows, columns), value))
    assert found.shape == (height, width) and found.dtype == np.float32
    assert np.allclose(found, value, atol=2e-3)


@pytest.mark.parametrize("first", [200, 300, 1000])
@pytest.mark.parametrize("width", [1024, 600])
def test_a_blurred_step_moves_to_the_edge_across_the_seam_too(first: int, width: int) -> None:
    """A thing 16 degrees wide, told by texels of 3.75 degrees."""
    marks = np.zeros((width // 2, width), bool)
    columns = (first * width // 1024 + np.arange(width * 45 // 1024)) % width
    marks[width // 5 : width // 3, columns] = True
    truth = np.where(marks, 4.0, -4.0)
    grid = cv2.resize(truth, (96, 48), interpolation=cv2.INTER_AREA)
    frame = Frame.full(width, width // 2)
    found, coarse = along_edges(frame, picture_of(marks), grid) > 0, cells.enlarged(grid, frame) > 0
    assert (found ^ marks).sum() < 0.1 * marks.sum()
    assert (found ^ marks).sum() < 0.7 * (coarse ^ marks).sum()


def test_a_plain_wall_keeps_the_coarse_answer() -> None:
    grid = np.full((24, 48), -3.0)
    grid[8:16, 20:30] = 3
    found = along_edges(Frame.full(480, 240), np.full((240, 480, 3), 200, np.uint8), grid)
    assert found[120, 250] > 2 and found[120, 60] < -2.9
