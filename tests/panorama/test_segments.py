"""Odds are drawn towards those of what looks alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama import Frame
from panorama.segments import COLUMNS, SAYS, shared
from tests.panorama.test_outlines import picture_of


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 70), st.integers(1, 140), st.floats(-6, 6, width=32))
def test_what_is_everywhere_the_same_stays_so(height: int, width: int, value: float) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    found = shared(Frame.full(width, height), picture, np.full((height, width), value, np.float32))
    assert found.shape == (height, width) and found.dtype == np.float32
    assert np.allclose(found, value, atol=1e-3)


@pytest.mark.parametrize("width", [COLUMNS, 2 * COLUMNS])
@pytest.mark.parametrize("first", [200, 480, 1000])
def test_a_thing_of_which_two_thirds_are_seen_is_whole_across_the_seam_too(width: int, first: int) -> None:
    scale = width // 1024
    thing = np.zeros((width // 2, width), bool)
    thing[150 * scale : 240 * scale, (first * scale + np.arange(60 * scale)) % width] = True
    seen = thing.copy()
    seen[210 * scale :] = False
    odds = np.where(seen, 3.0, -3.0).astype(np.float32)
    found = shared(Frame.full(width, width // 2), picture_of(thing), odds) > -1.1
    assert (found ^ thing).sum() < 0.1 * thing.sum()
    assert (seen ^ thing).sum() > 0.3 * thing.sum()


def test_the_seam_is_no_border_of_a_segment() -> None:
    """Of a thing across it only what is right of it is seen; the same thing elsewhere gets the same answer."""
    frame, answers = Frame.full(COLUMNS, COLUMNS // 2), []
    for first in (480, COLUMNS - 24):
        thing = np.zeros((COLUMNS // 2, COLUMNS), bool)
        columns = (first + np.arange(60)) % COLUMNS
        thing[150:240, columns] = True
        odds = np.full(thing.shape, -3.0, np.float32)
        odds[150:240, columns[24:]] = 3.0
        answers.append(shared(frame, picture_of(thing), odds)[150:240, columns])
    assert answers[1][5:-5, 5:20].mean() > -1.5
    assert np.abs(answers[0] - answers[1])[5:-5, 5:-5].mean() < 0.1


def test_a_stain_on_a_plain_wall_fades() -> None:
    """Where the picture shows nothing, odds alone count half."""
    odds = np.full((256, 512), -5.0, np.float32)
    odds[100:120, 100:120] = 2.0
    found = shared(Frame.full(512, 256), picture_of(np.zeros((256, 512), bool)), odds)
    assert found[105:115, 105:115].max() < -1.1
    assert 0 < sum(SAYS.values()) < 1
