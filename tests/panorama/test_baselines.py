"""The simpler ways fill the hole and nothing else, so that the comparison is fair."""

import numpy as np
import pytest

from panorama.baselines import on_cube_faces, on_flat_picture, on_sphere
from vanisher_core import Vanisher


@pytest.mark.parametrize("way", [on_sphere, on_flat_picture, on_cube_faces])
def test_only_the_hole_changes_and_all_of_it(way) -> None:
    rng = np.random.default_rng(0)
    rgb = np.clip(rng.normal(130, 10, (64, 128, 3)), 0, 255).astype(np.uint8)
    hole = np.zeros((64, 128), bool)
    hole[24:40, 10:26] = hole[50:60, 100:118] = True
    marked = rgb.copy()
    marked[hole] = (255, 0, 255)
    out = way(Vanisher(device="cpu"))(marked, hole)
    assert np.array_equal(out[~hole], rgb[~hole])
    assert (np.abs(out[hole].astype(int) - (255, 0, 255)).max(axis=1) > 50).all()
