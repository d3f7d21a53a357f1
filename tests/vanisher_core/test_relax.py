"""Sweeps that follow each other down a plane give what whole sweeps one after the other do."""

import numpy as np
import pytest

from vanisher_core.exemplar.relax import relax_linked, relax_plane
from vanisher_core.exemplar.stitch import relax

SHAPES = [(1, 1), (1, 7), (2, 2), (9, 1), (13, 17), (40, 31)]
SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))


def points(hole: np.ndarray, colour: int) -> list[tuple[int, int]]:
    return [(y, x) for y, x in np.argwhere(hole).tolist() if (x + y) % 2 == colour]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_membrane_with_links(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    plane, hole = random.random(shape, np.float32), random.random(shape) < 0.8
    across = random.random(shape, np.float32) + np.float32(0.01)
    true = plane.astype(float)
    for sweep in range(6):
        omega = 1.6 if sweep < 4 else 1.0
        for colour in (0, 1):
            for y, x in points(hole, colour):
                near = [(y + j, x + i) for j, i in SIDES if 0 <= y + j < shape[0] and 0 <= x + i < shape[1]]
                links = [1.0 if i == x else float(across[y, min(i, x)]) for _, i in near]
                if near:
                    mean = np.average([true[at] for at in near], weights=links)
                    true[y, x] += omega * (mean - true[y, x])
    done = plane.copy()
    relax_linked(done, hole, across, 6, 1.6)
    assert np.abs(done - true).max() < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_a_membrane(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    plane, hole = random.random(shape, np.float32), random.random(shape) < 0.8
    true = plane.astype(float)
    for sweep in range(6):
        omega = 1.6 if sweep < 4 else 1.0
        for colour in (0, 1):
            for y, x in points(hole, colour):
                near = [(y + j, x + i) for j, i in SIDES if 0 <= y + j < shape[0] and 0 <= x + i < shape[1]]
                if near:
                    true[y, x] += omega * (np.mean([true[at] for at in near]) - true[y, x])
    done = plane.copy()
    relax_plane(done, hole, 6, 1.6)
    np.testing.assert_allclose(done, true, atol=1e-5)
    assert np.array_equal(done[~hole], plane[~hole])


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_at_seams(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    plane, right, down, pull, across, along, hold = random.random((7, *shape), np.float32)
    hole = random.random(shape) < 0.8
    hold *= np.float32(0.1)
    true = plane.astype(float)
    for sweep in range(6):
        omega = 1.7 if sweep < 4 else 1.0
        for colour in (0, 1):
            for y, x in points(hole, colour):
                total, weight = float(pull[y, x]), float(hold[y, x])
                for j, i in SIDES:
                    if not (0 <= y + j < shape[0] and 0 <= x + i < shape[1]):
                        continue
                    first = (min(y, y + j), min(x, x + i))  # a pair is kept by its upper or left pixel
                    w, step = (across, right) if i else (along, down)
                    total += w[first] * (true[y + j, x + i] + (i + j) * step[first])
                    weight += w[first]
                true[y, x] += omega * (total / weight - true[y, x])
    done = plane.copy()
    relax(done, right, down, pull, hole, across, along, hold, 6)
    np.testing.assert_allclose(done, true, atol=1e-4)
    assert np.array_equal(done[~hole], plane[~hole])
