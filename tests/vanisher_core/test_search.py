"""The kernels of the search against their formulas."""

import numpy as np
import pytest

from vanisher_core.exemplar import pyramid, search
from vanisher_core.exemplar.search import NARROW, TAIL, WIDE

SIDES = 60, 70
STRENGTH = np.float32(0.7)


def level(radius: int, seed: int = 0) -> pyramid.Level:
    random = np.random.default_rng(seed)
    image, guide = random.random((*SIDES, 3), np.float32), random.random((*SIDES, 4), np.float32)
    hole = np.zeros(SIDES, bool)
    hole[25:33, 30:41] = True
    made = pyramid.make_level(image, guide, hole, hole, radius, TAIL)
    pyramid.start(made, seed)
    return made


def true_cost(made: pyramid.Level, target: int, source: int) -> float:
    """The formula, in double precision."""
    image = made.image[:-TAIL].reshape(*SIDES, 3).astype(float)
    guide = made.guide.reshape(*SIDES, 4).astype(float)
    (y, x), (j, i) = (divmod(at, SIDES[1]) for at in (target, source))
    r = made.radius
    patches = [image[a - r : a + r + 1, b - r : b + r + 1] for a, b in ((y, x), (j, i))]
    grids = [guide[a - 3 : a + 4 : 3, b - 3 : b + 4 : 3] for a, b in ((y, x), (j, i))]
    pixels, low = (np.square(one - other).sum() for one, other in (patches, grids))
    return float(pixels + STRENGTH * low)


def evaluated(made: pyramid.Level) -> np.ndarray:
    """The costs of all matches, as `evaluate` has them."""
    made.dist[:] = 0
    search.evaluate(
        made.image, made.guide, made.width, made.radius, made.nnf, made.dist, STRENGTH, 0, SIDES[0], 0, SIDES[1]
    )  # fmt: skip
    return made.dist.copy()


@pytest.mark.parametrize("radius", [NARROW, WIDE])
def test_costs_are_whole(radius: int) -> None:
    """A cost cut short, as of a candidate that is refused, would refuse everything that comes after."""
    made = level(radius)
    targets = np.flatnonzero(made.target)
    true = [true_cost(made, int(target), int(made.nnf[target])) for target in targets]
    np.testing.assert_allclose(evaluated(made)[targets], true, rtol=1e-4)


@pytest.mark.parametrize("radius", [NARROW, WIDE])
def test_a_sweep_only_mends_and_knows_what_its_matches_cost(radius: int) -> None:
    made = level(radius)
    before = evaluated(made)
    box = (0, SIDES[0], 0, SIDES[1])
    for step in (1, -1):
        search.sweep(
            made.image, made.guide, made.width, radius, made.valid, made.sources, made.nnf, made.nnf.copy(), made.dist,
            STRENGTH, box, step, 5, 6, max(SIDES), max(SIDES),
        )  # fmt: skip
    after = made.dist.copy()
    assert (after <= before).all()
    assert after[made.target].mean() < 0.9 * before[made.target].mean()
    assert made.valid[made.nnf[made.target]].all()
    np.testing.assert_allclose(after, evaluated(made), rtol=1e-4)


def test_matches_are_carried_up_to_the_same_place() -> None:
    fine = level(NARROW)
    image, guide = (pyramid.halve(plane.reshape(*SIDES, -1)) for plane in (fine.image[:-TAIL], fine.guide))
    hole = pyramid.halve_any(fine.hole.reshape(SIDES))
    coarse = pyramid.make_level(image, guide, hole, hole, NARROW, TAIL)
    pyramid.start(coarse, 1)
    pyramid.carry_up(coarse, fine, 2)
    assert fine.valid[fine.nnf[fine.target]].all()
    kept = 0
    for target in np.flatnonzero(fine.target):
        y, x = divmod(int(target), SIDES[1])
        match = divmod(int(coarse.nnf[y // 2 * coarse.width + x // 2]), coarse.width)
        source = (2 * match[0] + y % 2) * SIDES[1] + 2 * match[1] + x % 2
        if fine.valid[source]:
            kept += 1
            assert fine.nnf[target] == source
    assert kept > 50
