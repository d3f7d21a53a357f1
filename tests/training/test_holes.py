"""Evaluation holes: deterministic, inside their band, touching the border exactly when they are named so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.holes import (
    BANDS,
    KINDS,
    crop_silhouette,
    draw_hole,
    fallback_silhouettes,
    hole_cases,
    touches_border,
)

SHAPES = fallback_silhouettes()


@given(
    st.sampled_from(KINDS),
    st.sampled_from(list(BANDS)),
    st.integers(48, 120),
    st.integers(48, 120),
    st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_every_hole_keeps_its_promises(kind: str, band: str, width: int, height: int, seed: int) -> None:
    hole = draw_hole(kind, band, (width, height), SHAPES, (seed,))
    low, high = BANDS[band]
    assert hole.shape == (height, width)
    assert hole.dtype == np.bool_
    assert low <= hole.mean() <= high
    assert touches_border(hole) == (kind == "border")


def test_same_seed_same_holes_and_longer_lists_extend_shorter_ones() -> None:
    long, short = hole_cases(16, (96, 96), SHAPES, seed=5), hole_cases(9, (96, 96), SHAPES, seed=5)
    for a, b in zip(short, long[:9], strict=True):
        assert (a.kind, a.band) == (b.kind, b.band)
        assert np.array_equal(a.hole, b.hole)
    other = hole_cases(16, (96, 96), SHAPES, seed=6)
    assert any(not np.array_equal(a.hole, b.hole) for a, b in zip(long, other, strict=True))


def test_cases_cover_every_kind_in_every_band() -> None:
    cases = hole_cases(8, (96, 96), SHAPES)
    assert {(case.kind, case.band) for case in cases} == {(kind, band) for kind in KINDS for band in BANDS}


@pytest.mark.parametrize(("kind", "band"), [("cloud", "5-10 %"), ("box", "50 %")])
def test_unknown_kind_or_band_is_named(kind: str, band: str) -> None:
    with pytest.raises(ValueError, match=r"must be one of"):
        draw_hole(kind, band, (64, 64), SHAPES, (0,))


def test_a_picture_too_small_for_its_hole_says_so() -> None:
    with pytest.raises(ValueError, match="at least 32 px"):
        draw_hole("object", "5-10 %", (3, 3), SHAPES, (0,))


def test_silhouette_is_the_largest_whole_component() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:40, 20:40] = True
    mask[60:72, 60:72] = True
    shape = crop_silhouette(mask)
    assert shape is not None
    assert shape.shape == (30, 20)
    assert shape.all()


def test_silhouettes_cut_by_the_edge_or_too_small_are_left_out() -> None:
    cut, tiny = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    cut[0:40, 20:60] = True
    tiny[50:54, 50:54] = True
    assert crop_silhouette(cut) is None
    assert crop_silhouette(tiny) is None
    assert crop_silhouette(np.zeros((10, 10), bool)) is None
