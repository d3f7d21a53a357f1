import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vanisher_core.tone import encode

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.sampled_from([size, (*size, 2), (*size, 3), (*size, 4)])
)
integers = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda kind: shapes.flatmap(lambda shape: arrays(kind, shape))
)
floats = shapes.flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-2, 50, width=32, allow_subnormal=False))
)


@given(integers)
def test_integers_come_back_exactly(source):
    rgb, tone = encode(source)
    assert rgb.shape == (*source.shape[:2], 3)
    assert rgb.dtype == np.float32
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    back = tone.decode(rgb)
    assert back.dtype == source.dtype
    assert (back == source).all()


@given(floats)
def test_floats_come_back_within_a_ten_thousandth(source):
    rgb, tone = encode(source)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    back = tone.decode(rgb)
    assert back.dtype == np.float32
    assert back.shape == source.shape
    scale = np.abs(source[..., :-1] if source.ndim == 3 and source.shape[2] in (2, 4) else source).max()
    np.testing.assert_allclose(back, source, rtol=1e-4, atol=1e-6 * scale)


@given(
    st.sampled_from([1e-20, 1e-6, 1.0, 1e4, 1e20]),
    arrays(np.float32, (6, 6, 3), elements=st.floats(0, 1, width=32, allow_subnormal=False)),
)
@settings(max_examples=40)
def test_floats_of_any_scale(scale, values):
    source = (values * np.float32(scale)).astype(np.float32)
    rgb, tone = encode(source)
    np.testing.assert_allclose(tone.decode(rgb), source, rtol=1e-4, atol=1e-6 * float(source.max()))


def test_highlights_far_above_white_do_not_darken_the_scene():
    rng = np.random.default_rng(0)
    source = rng.uniform(0.05, 0.8, (60, 60, 3)).astype(np.float32)
    source[0, :3] = 20_000.0
    rgb, tone = encode(source)
    assert 0.4 < np.median(rgb) < 0.9
    np.testing.assert_allclose(tone.decode(rgb), source, rtol=1e-4)


def test_a_smooth_sixteen_bit_fill_stays_smooth():
    source = np.zeros((4, 2000, 3), np.uint16)
    _, tone = encode(source)
    ramp = np.linspace(0.3, 0.4, 2000, dtype=np.float32)[None, :, None] * np.ones((4, 1, 3), np.float32)
    levels = tone.decode(ramp)
    assert len(np.unique(levels)) > 1500
    assert np.abs(np.diff(levels[0, :, 0].astype(int))).max() <= 4


def test_fills_beyond_the_range_are_clipped():
    for source in (np.full((2, 2, 3), 9, np.uint8), np.full((2, 2), 9, np.uint16)):
        _, tone = encode(source)
        top = np.iinfo(source.dtype).max
        assert (tone.decode(np.full((2, 2, 3), 1.7, np.float32)) == top).all()
        assert (tone.decode(np.full((2, 2, 3), -0.4, np.float32)) == 0).all()


def test_only_known_pixels_shape_the_curve():
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 1, (30, 30, 3)).astype(np.float32)
    known = np.ones((30, 30), bool)
    known[10:20, 10:20] = False
    spoiled = source.copy()
    spoiled[10:20, 10:20] = 1e6
    plain, tone = encode(source, known)
    other, tone_other = encode(spoiled, known)
    assert tone.curve == tone_other.curve
    assert (plain[known] == other[known]).all()
    assert other.max() <= 1


def test_alpha_comes_from_the_source():
    source = np.random.default_rng(0).integers(0, 256, (5, 6, 4), dtype=np.uint8)
    _, tone = encode(source)
    filled = tone.decode(np.zeros((5, 6, 3), np.float32))
    assert (filled[..., 3] == source[..., 3]).all()
    assert (filled[..., :3] == 0).all()
    with pytest.raises(ValueError, match="alpha"):
        tone.decode(np.zeros((5, 5, 3), np.float32))


def test_flat_black_and_negative_pictures():
    for value in (0.0, -3.0, 7.0):
        source = np.full((3, 3), value, np.float32)
        rgb, tone = encode(source)
        assert np.isfinite(rgb).all()
        np.testing.assert_allclose(tone.decode(rgb), source, rtol=1e-4)
    _, tone = encode(np.ones((2, 2), np.float32), np.zeros((2, 2), bool))
    assert tone.curve is not None
    assert tone.curve.white == 1


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2), np.int32), np.zeros((2, 2, 5), np.uint8), np.zeros(4, np.uint8)]
)
def test_other_arrays_are_refused(array):
    with pytest.raises(ValueError, match="give uint8"):
        encode(array)


def test_a_working_picture_must_be_rgb():
    _, tone = encode(np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="height x width x 3"):
        tone.decode(np.zeros((2, 2), np.float32))
