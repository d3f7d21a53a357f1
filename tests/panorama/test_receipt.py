"""Digests that are computed aside."""

import numpy as np

from panorama.receipt import Digests
from vanisher_core.receipt import pixel_digest


def test_digests_come_in_the_order_of_their_arrays() -> None:
    arrays = [np.full((40, 50, 3), value, np.uint8) for value in range(5)]
    with Digests() as digests:
        for array in arrays:
            digests.add(array)
        assert digests.found() == [pixel_digest(array) for array in arrays]
