"""What is certain enough to be a thing, and where it ends."""

import math

import numpy as np
import pytest

from panorama import Frame, certain
from panorama.furniture import CERTAIN

FRAME = Frame.full(720, 360)
"""Half a degree a texel."""


def boxed(*boxes: tuple[int, int, int, int, float]) -> np.ndarray:
    """Log odds of rectangles (left, top, right, bottom, probability), columns going round; nothing elsewhere."""
    odds = np.full((FRAME.height, FRAME.width), -CERTAIN, np.float32)
    for left, top, right, bottom, chance in boxes:
        odds[top:bottom, np.arange(left, right) % FRAME.width] = certain.log_odds(chance)
    return odds


def kept(odds: np.ndarray, views: float | np.ndarray = 0.0) -> np.ndarray:
    """Bool, where things are."""
    found = certain.certain(FRAME, odds, np.broadcast_to(np.float32(views), odds.shape))
    assert found.dtype == np.float32
    assert ((found == -CERTAIN) | (found >= certain.log_odds(certain.LEVEL) - 1e-6)).all()
    return found > -CERTAIN


@pytest.mark.parametrize("left", [200, 690])
def test_the_doubtful_rim_of_a_certain_thing_is_wall(left: int) -> None:
    rim, thing = (left - 4, 176, left + 64, 234, 0.4), (left, 180, left + 60, 230, 0.95)
    assert np.array_equal(kept(boxed(rim, thing)), boxed(thing) > -CERTAIN)


def test_the_doubtful_half_of_a_large_thing_stays() -> None:
    odds = boxed((200, 120, 260, 200, 0.4), (200, 200, 260, 240, 0.8))
    assert kept(odds)[120:190, 200:260].all(), "nothing near is more certain"


def test_what_is_doubtful_throughout_is_no_thing() -> None:
    doubtful = boxed((200, 180, 260, 230, 0.4), (200, 180, 204, 230, 0.6))
    assert not kept(doubtful).any()
    likely = boxed((200, 180, 260, 230, 0.4), (200, 180, 220, 230, 0.6))
    assert np.array_equal(kept(likely), likely > -CERTAIN)


def test_views_that_see_nothing_need_more_certainty() -> None:
    likely, sure = boxed((200, 190, 260, 230, 0.7)), boxed((200, 190, 260, 230, 0.8))
    assert kept(likely, -2).any() and not kept(likely, -3).any()
    assert kept(sure, -5).any()
    tall = boxed((200, 150, 260, 230, 0.7))
    assert kept(tall, -5).any(), "a wardrobe that looks like a wall"
    partly = np.where(np.arange(FRAME.width) < 240, -5.0, 1.0)[None]
    assert not kept(likely, partly).any(), "the median counts"


def test_a_screen_in_its_frame_is_part_of_it_and_a_wall_between_furniture_is_not() -> None:
    framed = boxed((200, 150, 230, 170, 0.9), (205, 156, 213, 164, 0.05))
    assert kept(framed)[150:170, 200:230].all()
    glass = boxed((200, 120, 230, 190, 0.9), (205, 140, 225, 160, 0.05))  # 10 degrees, as in a mirror's frame
    assert kept(glass)[120:190, 200:230].all()
    ring = boxed((200, 120, 300, 220, 0.9), (220, 140, 280, 200, 0.05))
    assert not kept(ring)[145:195, 225:275].any()


@pytest.mark.parametrize("chance", [1e-4, 0.9999])
def test_plain_odds_stay_plain(chance: float) -> None:
    odds = np.full((FRAME.height, FRAME.width), certain.log_odds(chance), np.float32)
    assert kept(odds).all() == (chance > 0.5) and kept(odds).any() == (chance > 0.5)


def test_rolled_odds_give_rolled_things() -> None:
    random = np.random.default_rng(3)
    odds = np.repeat(np.repeat(random.normal(-1, 3, (36, 72)), 10, 0), 10, 1).astype(np.float32)
    views = np.repeat(np.repeat(random.normal(-2, 2, (36, 72)), 10, 0), 10, 1).astype(np.float32)
    straight = certain.certain(FRAME, odds, views)
    rolled = certain.certain(FRAME, np.roll(odds, 130, 1), np.roll(views, 130, 1))
    assert np.array_equal(np.roll(straight, 130, 1), rolled) and (straight > -CERTAIN).any()


def test_log_odds() -> None:
    assert certain.log_odds(0.5) == 0 and math.isclose(certain.log_odds(0.75), math.log(3))
