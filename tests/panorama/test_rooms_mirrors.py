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
    bounds, frame = bounds_of(piece.parts), 0.2
    assert bounds[:, 0, 2].min() > -frame and bounds[:, 1, 2].max() < 2.45
    assert np.abs(bounds[..., 0]).max() < piece.width / 2 + frame
    assert bounds[:, 0, 1].min() > -frame and bounds[:, 1, 1].max() < piece.depth + frame


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_mirror_that_leans_has_its_top_nearer_to_the_wall(seed: int) -> None:
    parts = standing_mirror(np.random.default_rng(seed)).parts
    centres = np.array([part.centre for part in parts])
    glass = np.array([part.material is SILVER for part in parts])
    assert glass.any()
    low, high = centres[:, 2].argmin(), centres[:, 2].argmax()
    assert centres[high, 1] <= centres[low, 1] + 0.03


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.4, 1.0), st.floats(1.2, 2.0))
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
    bounds, own = bounds_of(sheet_over(random, made)), bounds_of(made.parts)
    cover = bounds[0]
    assert cover[0, 2] > -0.05
    assert cover[1, 0] - cover[0, 0] >= made.width
    assert cover[1, 1] <= made.depth + 0.1
    wide = own[own[:, 1, 0] - own[:, 0, 0] > 0.8 * made.width]
    assert cover[1, 2] < wide[:, 1, 2].max() + 0.1
