import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.window import CELL, MARGIN_MIN, SPECK_SIDE, Box, bounding_box, plan


@st.composite
def holes(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 700)), draw(st.integers(1, 700))
    hole = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 8))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        tall, wide = draw(st.sampled_from([1, 4, 50, 300, 700])), draw(st.sampled_from([1, 7, 60, 250, 700]))
        hole[top : top + tall, left : left + wide] = True
    return hole


def check(hole: np.ndarray) -> list:
    """The promises of a plan."""
    height, width = hole.shape
    windows = plan(hole, (width, height))
    covered = np.zeros(hole.shape, int)
    for window in windows:
        assert window.box.clipped((width, height)) == window.box, "boxes stay inside the photograph"
        assert window.box.contains(window.core)
        assert window.own.shape == (window.core.height, window.core.width)
        assert window.own[0].any() and window.own[-1].any(), "core is tight"
        assert window.own[:, 0].any() and window.own[:, -1].any(), "core is tight"
        covered[window.core.slices] += window.own
        assert (window.own_in_box()[window.core.within(window.box).slices] == window.own).all()
        assert window.own_in_box().sum() == window.own.sum()
        for low, high, core_low, core_high, end in (
            (window.box.left, window.box.right, window.core.left, window.core.right, width),
            (window.box.top, window.box.bottom, window.core.top, window.core.bottom, height),
        ):
            assert core_low - low >= MARGIN_MIN or low == 0
            assert high - core_high >= MARGIN_MIN or high == end
            assert high - low >= min(end, core_high - core_low + 2 * MARGIN_MIN), (
                "the border costs no context"
            )
    assert (covered == hole).all(), "each hole pixel belongs to exactly one window"
    return windows


@given(holes())
@settings(max_examples=60)
def test_every_hole_pixel_is_in_exactly_one_window(hole):
    windows = check(hole)
    again = plan(hole.copy())
    assert [(w.box, w.core) for w in windows] == [(w.box, w.core) for w in again]
    assert all((a.own == b.own).all() for a, b in zip(windows, again, strict=True))
    assert (len(windows) == 0) == (not hole.any())


def test_many_specks_share_few_bounded_windows():
    rng = np.random.default_rng(3)
    hole = np.zeros((2000, 2600), bool)
    hole[rng.integers(0, 2000, 3000), rng.integers(0, 2600, 3000)] = True
    windows = check(hole)
    assert len(windows) <= (2000 // CELL + 1) * (2600 // CELL + 1)
    limit = CELL + 2 * SPECK_SIDE + 4 * MARGIN_MIN
    assert all(max(w.box.width, w.box.height) <= limit for w in windows)
    assert sum(w.holes for w in windows) > 2500


def test_half_the_picture_is_one_window():
    hole = np.zeros((900, 1200), bool)
    hole[:, :600] = True
    (window,) = check(hole)
    assert window.box.width >= 1000


def test_a_large_hole_gets_context_of_its_own_size():
    hole = np.zeros((4000, 6000), bool)
    hole[1800:2200, 2700:3300] = True
    (window,) = check(hole)
    known = window.box.area - window.core.area
    assert 2 * window.core.area <= known <= 12 * window.core.area


def test_a_long_wire_is_cut_so_that_memory_follows_the_hole():
    hole = np.zeros((3000, 3000), bool)
    for i in range(2999):
        hole[i : i + 2, i] = True
    windows = check(hole)
    assert len(windows) >= 5
    assert max(w.box.area for w in windows) < 2_000_000


def test_overlapping_holes_share_a_window_and_distant_ones_do_not():
    hole = np.zeros((1500, 1500), bool)
    hole[100:500, 100:300] = True
    hole[100:500, 310:560] = True
    hole[100:120, 302:308] = True
    hole[1000:1300, 1000:1300] = True
    ring = np.zeros_like(hole)
    ring[600:900, 100:400] = True
    ring[620:880, 120:380] = False
    ring[700:800, 200:300] = True
    windows = check(hole | ring)
    assert sum(w.holes for w in windows) == 6
    assert sorted(w.holes for w in windows) == [1, 5]
    around = [w for w in windows if w.core.contains(Box(200, 700, 300, 800))]
    assert len(around) == 1, "a hole inside another's ring is worked together with it"


def test_integer_marks_are_accepted_and_wrong_shapes_refused():
    marks = np.zeros((30, 40), np.uint8)
    marks[5, 5] = 7
    assert plan(marks)[0].core == Box(5, 5, 6, 6)
    with pytest.raises(ValueError, match="30x40"):
        plan(marks, (30, 40))
    with pytest.raises(ValueError, match="height x width"):
        plan(np.zeros((3, 3, 1), bool))


def test_boxes():
    box = Box(2, 3, 10, 8)
    assert (box.width, box.height, box.area) == (8, 5, 40)
    assert box.expanded(4).clipped((9, 9)) == Box(0, 0, 9, 9)
    assert box.common(Box(10, 0, 20, 20)).area == 0
    assert not box.overlaps(Box(10, 0, 20, 20))
    assert box.union(Box(0, 7, 3, 9)) == Box(0, 3, 10, 9)
    assert box.within(Box(1, 1, 20, 20)) == Box(1, 2, 9, 7)
    assert bounding_box(np.zeros((4, 4), np.uint8)) == Box(0, 0, 0, 0)
