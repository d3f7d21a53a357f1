import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vanisher_core import tone as module
from vanisher_core.tone import CAP, DEPTH, QUANTILE, encode

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
def test_floats_come_back_within_a_ten_thousandth_up_to_the_cap(source):
    rgb, tone = encode(source)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    back = tone.decode(rgb)
    assert back.dtype == np.float32
    assert back.shape == source.shape
    last = -1 if source.ndim == 3 and source.shape[2] in (2, 4) else None
    if last:
        assert (back[..., -1] == source[..., -1]).all()
        source, back = source[..., :-1], back[..., :-1]
    assert tone.curve is not None
    low, high = tone.curve.low, tone.curve.high
    level = np.float64(np.quantile(np.abs(source), QUANTILE))
    inside = (source >= -DEPTH * level) & (source <= CAP * level)
    assert ((source >= low) & (source <= high))[inside].all(), "only what lies far beyond white is clipped"
    expected = np.clip(source, low, high)
    np.testing.assert_allclose(back, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


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
    source[0, :3] = 500.0
    rgb, tone = encode(source)
    assert 0.4 < np.median(rgb) < 0.9
    np.testing.assert_allclose(tone.decode(rgb), source, rtol=1e-4)
    source[0, :3] = 20_000.0  # beyond the cap: the scene as bright, the highlights clipped in the copy
    rgb, tone = encode(source)
    assert 0.4 < np.median(rgb) < 0.95
    np.testing.assert_allclose(tone.decode(rgb)[1:], source[1:], rtol=1e-4)
    assert (rgb[0, :3] == 1).all()


def test_one_pixel_within_the_cap_does_not_make_an_overshoot_explode():
    source = np.random.default_rng(0).uniform(0, 1, (80, 80, 3)).astype(np.float32)
    source[2, 3] = 900
    rgb, tone = encode(source)
    np.testing.assert_allclose(tone.decode(rgb), source, rtol=1e-4, atol=1e-6)
    fill = rgb[30:60, 30:60] + np.float32(0.01)
    assert tone.decode(fill).max() < 1.5


@pytest.mark.parametrize("hot", [1e6, 1e30, -1e6, -1e30, 3.4e38])
@pytest.mark.parametrize("shape", [(80, 80), (80, 80, 3)])
def test_a_hot_pixel_does_not_reach_a_fill(hot, shape):
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 1, shape).astype(np.float32)
    clean, _ = encode(source)
    source[2, 3] = hot
    rgb, tone = encode(source)
    rest = np.ones((80, 80), bool)
    rest[2, 3] = False
    np.testing.assert_allclose(rgb[rest], clean[rest], atol=1e-3)
    np.testing.assert_allclose(tone.decode(rgb)[rest], source[rest], rtol=1e-4, atol=1e-6)
    fill = rgb[30:60, 30:60] + rng.normal(0, 0.05, (30, 30, 3)).astype(np.float32)
    assert tone.decode(fill).min() >= -0.1
    assert tone.decode(fill).max() <= 1.5


def test_a_black_picture_with_few_lit_pixels_keeps_them():
    rng = np.random.default_rng(0)
    for dark in (0.0, 1e-10):
        source = np.full((100, 100, 3), dark, np.float32)
        source[50, :40] = rng.uniform(0.1, 1, (40, 3))
        rgb, tone = encode(source)
        np.testing.assert_allclose(tone.decode(rgb), source, rtol=1e-4, atol=1e-6)
        source[2, 3] = 1e30
        rgb, tone = encode(source)
        assert 0.3 < np.median(rgb[50, :40]) <= 1
        assert tone.decode(rgb).max() <= 1.5


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [0, 2, 3, 4])
def test_bands_do_not_change_a_byte(kind, channels, monkeypatch):
    rng = np.random.default_rng(0)
    shape = (37, 19, channels) if channels else (37, 19)
    source = (rng.uniform(0, 250, shape) ** 2 / 250).astype(kind)
    results = []
    for band in (10**6, 8, 1):
        monkeypatch.setattr(module, "BAND", band)
        rgb, tone = encode(source)
        noisy = rgb + np.random.default_rng(1).normal(0, 0.1, rgb.shape).astype(np.float32)
        results.append(rgb.tobytes() + tone.decode(noisy).tobytes())
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_memory_stays_near_the_result(kind, monkeypatch):
    monkeypatch.setattr(module, "SAMPLES", 1000)
    source = np.random.default_rng(0).uniform(0, 200, (2000, 200, 3)).astype(kind)
    working = 2000 * 200 * 3 * 4
    tracemalloc.start()
    try:
        rgb, tone = encode(source)
        peak = tracemalloc.get_traced_memory()[1]
        assert peak < 1.6 * working
        tracemalloc.reset_peak()
        tone.decode(rgb)
        assert tracemalloc.get_traced_memory()[1] - rgb.nbytes < source.nbytes + 0.6 * working
    finally:
        tracemalloc.stop()


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


def test_a_part_is_decoded_with_its_own_alpha():
    source = np.random.default_rng(5).integers(0, 256, (9, 11, 4), np.uint8)
    rgb, tone = encode(source)
    part = np.s_[2:7, 3:10]
    assert np.array_equal(tone.cut(part).decode(rgb[part]), source[part])
    rgb, tone = encode(source[..., :3])
    assert np.array_equal(tone.cut(part).decode(rgb[part]), source[part][..., :3])
