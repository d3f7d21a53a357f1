"""The membrane: exact outside, harmonic inside, bounded by its rim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.errors import HopelessFill
from vanisher_core.membrane import LARGE, carried, membrane


def _hole(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    hole = np.zeros((height, width), bool)
    hole[box[0] : box[1], box[2] : box[3]] = True
    return hole


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 10_000), st.floats(0, 1))
def test_known_exact_and_range_kept(height, width, channels, seed, share):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(height, width, channels)).astype(np.float32)
    hole = rng.random((height, width)) < share
    hole[rng.integers(height), rng.integers(width)] = False
    broken = values.copy()
    broken[hole] = np.nan
    out = membrane(broken, hole)
    assert out.dtype == np.float32 and out.shape == values.shape
    assert np.array_equal(out[~hole], values[~hole])
    low, high = values[~hole].min(0), values[~hole].max(0)
    assert np.all(out >= low) and np.all(out <= high)


def _exact(values, hole, across):
    """Of the same equations with free borders, by a direct sparse solution."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import spsolve

    height, width = hole.shape
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(hole.sum())
    entries: list[tuple[int, int, float]] = []
    right = np.zeros(hole.sum())
    for y, x in np.argwhere(hole).tolist():
        me, total = int(number[y, x]), 0.0
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < height and 0 <= u < width:
                link = 1.0 if u == x else float(across[y, min(u, x)])
                total += link
                if hole[v, u]:
                    entries.append((me, int(number[v, u]), -link))
                else:
                    right[me] += link * values[v, u]
        entries.append((me, me, total))
    rows, columns, data = zip(*entries, strict=True)
    return spsolve(coo_matrix((data, (rows, columns))).tocsr(), right)


BOXES = [(20, 60, 30, 80), (0, 40, 0, 50), (5, 6, 2, 118), (50, 96, 10, 120)]


@pytest.mark.parametrize("box", BOXES)
def test_solves_the_laplace_equation(box):
    values = np.random.default_rng(3).random((96, 120)).astype(np.float32)
    hole = _hole(96, 120, box)
    error = membrane(values, hole)[hole] - _exact(values, hole, np.ones_like(values))
    assert np.sqrt(np.mean(error**2)) < 0.01
    assert np.abs(error).max() < 0.06


@pytest.mark.parametrize("box", BOXES)
def test_solves_it_with_weak_links_in_some_columns(box):
    values = np.random.default_rng(3).random((96, 120)).astype(np.float32)
    across = np.ones_like(values)
    across[:, [40, 41, 52, 100]] = (1e-2, 1e-2, 1e-7, 1e-7)
    hole = _hole(96, 120, box)
    error = membrane(values, hole, across)[hole] - _exact(values, hole, across)
    assert np.sqrt(np.mean(error**2)) < 0.015
    assert np.abs(error).max() < 0.09


def test_nothing_flows_over_a_link_that_is_cut():
    values = np.zeros((100, 80), np.float32)
    values[:, 40:] = 1
    across = np.ones_like(values)
    across[:, 39] = 1e-9
    out = membrane(values, _hole(100, 80, (3, 100, 10, 70)), across)
    off = np.abs(out - values)
    assert off.mean() < 0.02 and off.max() < 0.06  # the coarser grids do not see the cut quite where it is


def test_a_ramp_is_continued():
    ramp = np.linspace(0, 1, 128, dtype=np.float32)[None, :, None].repeat(100, 0).repeat(3, 2)
    out = membrane(ramp, _hole(100, 128, (20, 70, 30, 90)))
    assert np.abs(out - ramp).max() < 0.01


def test_plane_without_channels_and_empty_hole():
    plane = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(membrane(plane, np.zeros((3, 4), bool)), plane)
    hole = np.zeros((3, 4), bool)
    hole[1, 1] = True
    assert membrane(plane, hole)[1, 1] == pytest.approx(5, abs=1e-4)


def test_refusals():
    with pytest.raises(HopelessFill, match="whole picture"):
        membrane(np.zeros((4, 4, 3), np.float32), np.ones((4, 4), bool))
    with pytest.raises(ValueError, match="agree"):
        membrane(np.zeros((4, 4, 3), np.float32), np.ones((4, 5), bool))


def test_colours_are_carried_coarsely_through_large_holes() -> None:
    rows, columns = np.mgrid[:500, :900].astype(np.float32)
    values = np.dstack([rows / 500, columns / 900, (rows + columns) / 1400])
    hole = np.ones((500, 900), bool)
    hole[::50] = hole[:, ::90] = False
    assert hole.sum() > LARGE
    out = carried(np.where(hole[..., None], np.nan, values).astype(np.float32), hole)
    assert np.array_equal(out[~hole], values[~hole])
    assert np.abs(out - values)[:451, :811].max() < 0.03
    small = hole[:100, :100]
    assert np.array_equal(carried(values[:100, :100], small), membrane(values[:100, :100], small))
