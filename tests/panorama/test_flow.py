"""Odds flow over one colour, stop at edges, and know no seam."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama import Frame
from panorama.flow import COLUMNS, flowed
from tests.panorama.test_outlines import picture_of


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 70), st.integers(1, 140), st.floats(-6, 6, width=32))
def test_what_is_everywhere_the_same_stays_so(height: int, width: int, value: float) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    found = flowed(Frame.full(width, height), picture, np.full((height, width), value, np.float32))
    assert found.shape == (height, width) and found.dtype == np.float32
    assert np.allclose(found, value, atol=2e-3)


def test_noise_on_one_colour_is_averaged() -> None:
    odds = np.random.default_rng(2).normal(1, 2, (64, 128)).astype(np.float32)
    found = flowed(Frame.full(128, 64), np.full((64, 128, 3), 90, np.uint8), odds)
    assert found.std() < 0.1 * odds.std()
    assert found.mean() == pytest.approx(odds.mean(), abs=0.02)


@pytest.mark.parametrize("first", [200, COLUMNS - 30])
def test_the_unseen_end_of_a_thing_joins_it_and_the_wall_does_not(first: int) -> None:
    thing = np.zeros((COLUMNS // 2, COLUMNS), bool)
    columns = (first + np.arange(60)) % COLUMNS
    thing[150:200, columns] = True
    odds = np.full(thing.shape, -4.0, np.float32)
    odds[150:200, columns] = 5.0
    odds[150:200, columns[48:]] = -1.5  # its end, of which little is known
    found = flowed(Frame.full(COLUMNS, COLUMNS // 2), picture_of(thing), odds)
    assert found[155:195, columns[50:58]].min() > 0
    assert found[~thing].max() < -3


def test_a_thing_that_is_turned_gets_the_same_odds() -> None:
    generator = np.random.default_rng(3)
    frame = Frame.full(COLUMNS, COLUMNS // 2)
    picture = generator.integers(0, 256, (COLUMNS // 2, COLUMNS, 3), np.uint8)
    odds = generator.normal(0, 3, picture.shape[:2]).astype(np.float32)
    turned = flowed(frame, np.roll(picture, 100, axis=1), np.roll(odds, 100, axis=1))
    assert np.abs(np.roll(turned, -100, axis=1) - flowed(frame, picture, odds)).max() < 2e-3
