"""Mirrors of every shape keep to their places, and sheets to their beds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.rooms.mirrors import SILVER, _glass, standing_mirror, wall_mirror
from panorama.rooms.seats import bed, sheet_over

seeds = st.integers(0, 1 << 31)


def bounds_of(parts) -> np.ndarray:
    return np.array([part.bounds() for part in parts])


@settings(max_examples=80, deadline=None)
@given(seeds, st.sampled_from([standing_mirror, wall_mirror]))
def test_mirrors_stand_before_their_wall(seed: int, make) -> None:
    piece = make(np.random.default_rng(seed))
    bounds = bounds_of(piece.parts)
    assert all((part.half > 0).all() for part in piece.parts)
    assert bounds[:, 0, 2].min() > -1e-6 and bounds[:, 1, 2].max() < 2.35
    assert np.abs(bounds[..., 0]).max() <= piece.width / 2 + 1e-6
    assert bounds[:, 0, 1].min() > -0.1 and bounds[:, 1, 1].max() < piece.depth + 0.1


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_mirror_that_leans_has_its_top_nearer_to_the_wall(seed: int) -> None:
    glass = [part for part in standing_mirror(np.random.default_rng(seed)).parts if part.material is SILVER]
    low, high = np.array(
        [part.axes.T @ (part.half * (0, 0, side)) for side in (-1, 1) for part in glass[-1:]]
    )
    assert high[2] > low[2] and high[1] < low[1] if len(glass) == 1 else glass[0].axes[2][1] < 0


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.35, 1.1), st.floats(0.35, 2.0))
def test_glass_with_cut_corners_is_an_octagon(seed: int, wide: float, tall: float) -> None:
    """Points just inside the outline lie in a part, points just outside in none."""
    parts = [
        part
        for part in _glass(np.random.default_rng(seed), wide, tall, (0, 0, 0), 0.0, 1)
        if part.material is SILVER
    ]
    cut = wide / 2 - parts[1].half[0]

    def inside(x: float, z: float) -> bool:
        point = np.array([x, 0.0, z])
        return any((np.abs(part.axes @ (point - part.centre)) <= part.half).all() for part in parts)

    corner = np.array([wide / 2 - cut / 2, tall / 2 - cut / 2])
    for x, z in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        assert inside(*(corner * 0.98 * (x, z)).tolist())
        assert not inside(*(corner * 1.02 * (x, z)).tolist())
    assert inside(0, tall * 0.49) and inside(wide * 0.49, 0)
    assert not inside(0, tall * 0.51) and not inside(wide * 0.51, 0)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_sheets_lie_over_beds_and_end_above_the_floor(seed: int) -> None:
    random = np.random.default_rng(seed)
    made = bed(random)
    cover, *creases = bounds_of(sheet_over(random, made))
    own = bounds_of(made.parts)
    assert cover[0, 2] > 0
    assert made.width <= cover[1, 0] - cover[0, 0] <= made.width + 0.061
    assert cover[1, 1] <= made.depth + 0.05
    before = own[(own[:, 1, 0] - own[:, 0, 0] > 0.8 * made.width) & (own[:, 0, 1] > 0.1)]
    assert cover[1, 2] > before[:, 1, 2].max()
    for crease in creases:
        assert (crease[0, :2] > cover[0, :2] - 0.06).all() and (crease[1, :2] < cover[1, :2] + 0.06).all()
