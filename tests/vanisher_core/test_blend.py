import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vanisher_core.blend import match, paste

CODE = 1 / 255


def sky(size: int = 200, grain: float = 0.0, seed: int = 0) -> np.ndarray:
    """A smooth gradient, optionally with sensor-like grain."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    picture = np.stack([0.35 + 0.2 * y, 0.45 + 0.15 * y, 0.6 + 0.1 * y + 0.05 * x], axis=2)
    noise = np.random.default_rng(seed).standard_normal((size, size, 3)).astype(np.float32)
    return picture + np.float32(grain) * cv2.GaussianBlur(noise, (0, 0), 0.7)


def texture(size: int = 200, seed: int = 1) -> np.ndarray:
    """Leaves-like texture with strong contrast."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.random((size // s, size // s, 3), dtype=np.float32), (size, size)) for s in (2, 5, 20)
    ]
    return np.clip(0.2 + 0.6 * sum(layers) / 3, 0, 1).astype(np.float32)


def disc(size: int = 200, radius: int = 45, place: tuple[int, int] = (100, 90)) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return (y - place[0]) ** 2 + (x - place[1]) ** 2 <= radius**2


def inserted(rgb: np.ndarray, fill: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.where(hole[..., None], fill, rgb).astype(np.float32)


def error(a: np.ndarray, b: np.ndarray, hole: np.ndarray) -> float:
    """Mean absolute difference in the hole, in 8-bit codes."""
    return float(np.abs(a - b)[hole].mean() / CODE)


@pytest.mark.parametrize("picture", [sky(), sky(grain=0.02), texture()], ids=["smooth", "grainy", "textured"])
def test_a_perfect_fill_stays_as_it_is(picture):
    hole = disc()
    assert np.abs(match(picture, picture, hole) - picture).max() < CODE


@pytest.mark.parametrize("picture", [sky(), sky(grain=0.02)], ids=["smooth", "grainy"])
def test_a_colour_offset_is_removed(picture):
    hole = disc()
    fill = inserted(picture, picture + np.float32(12 * CODE) * np.array([1, -1, 0.5], np.float32), hole)
    assert error(match(picture, fill, hole), picture, hole) < 0.2 * error(fill, picture, hole)


def test_a_colour_offset_in_texture_is_mostly_removed():
    picture, hole = texture(), disc()
    fill = inserted(picture, picture + np.float32(25 * CODE), hole)
    assert error(match(picture, fill, hole), picture, hole) < 0.5 * error(fill, picture, hole)


def test_a_slow_drift_is_removed():
    picture, hole = sky(grain=0.01), disc()
    drift = np.linspace(-25 * CODE, 25 * CODE, 200, dtype=np.float32)[None, :, None]
    fill = inserted(picture, picture + drift, hole)
    assert error(match(picture, fill, hole), picture, hole) < 0.25 * error(fill, picture, hole)


def test_a_step_on_a_part_of_the_rim_is_carried_inwards_and_fades():
    picture, hole = sky(), disc()
    x = np.arange(200, dtype=np.float32)
    bump = (15 * CODE * np.exp(-(((x - 135) / 12) ** 2)))[None, :, None]
    fill = inserted(picture, picture + bump, hole)
    done = match(picture, fill, hole)
    rim = hole & ~(cv2.erode(hole.view(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    assert error(done, picture, rim) < 0.6 * error(fill, picture, rim)


def test_an_edge_that_crosses_the_rim_is_not_smeared():
    picture = sky()
    picture[:, 100:] = 0.95
    hole = disc()
    plain = sky()  # the fill did not continue the edge
    fill = inserted(picture, plain, hole)
    done = match(picture, fill, hole)
    away = hole & disc(radius=25) & (np.arange(200) < 80)[None, :]
    assert error(done, fill, away) < 3
    assert np.abs(done - fill)[hole].max() < 0.15


def test_missing_grain_is_added_like_the_ring_s():
    picture, hole = sky(grain=0.03), disc()
    fill = inserted(picture, sky(), hole)
    done = match(picture, fill, hole)
    inner = cv2.erode(hole.view(np.uint8), np.ones((9, 9), np.uint8)) > 0

    def grain(a: np.ndarray) -> np.ndarray:
        high = a - cv2.GaussianBlur(a, (0, 0), 1.5)
        return high[inner].std(axis=0)

    assert (grain(fill) < 0.1 * grain(picture)).all()
    np.testing.assert_allclose(grain(done), grain(picture), rtol=0.25)
    residual = done - cv2.GaussianBlur(done, (0, 0), 1.5)
    true = picture - cv2.GaussianBlur(picture, (0, 0), 1.5)
    for shift in (1, 2):  # the grain has the ring's own spectrum, seen in its autocorrelation
        own = np.mean((residual * np.roll(residual, shift, 1))[inner]) / np.mean(residual[inner] ** 2)
        wanted = np.mean((true * np.roll(true, shift, 1))[inner]) / np.mean(true[inner] ** 2)
        assert own == pytest.approx(wanted, abs=0.12)


def test_grain_follows_the_seed():
    picture, hole = sky(grain=0.03), disc()
    fill = inserted(picture, sky(), hole)
    assert (match(picture, fill, hole, seed=4) == match(picture, fill, hole, seed=4)).all()
    assert (match(picture, fill, hole, seed=4) != match(picture, fill, hole, seed=5))[hole].any()


def test_what_stands_in_the_hole_of_the_photograph_does_not_matter():
    picture, hole = sky(grain=0.02), disc()
    fill = inserted(picture, picture + np.float32(10 * CODE), hole)
    spoiled = inserted(picture, np.full_like(picture, np.nan), hole)
    assert (match(spoiled, fill, hole) == match(picture, fill, hole)).all()


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    smooth = draw(st.integers(1, 12))
    rgb, fill = (
        cv2.blur(rng.random((height, width, 3), dtype=np.float32), (smooth, smooth)).reshape(height, width, 3)
        for _ in range(2)
    )
    hole = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 4))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        hole[top : top + draw(st.integers(1, 60)), left : left + draw(st.integers(1, 60))] = True
    return rgb, fill, hole


@given(cases())
@settings(max_examples=80)
def test_match_changes_only_the_hole_and_stays_a_picture(case):
    rgb, fill, hole = case
    before = fill.copy()
    done = match(rgb, fill, hole)
    assert done.shape == fill.shape
    assert done.dtype == np.float32
    assert (done[~hole] == fill[~hole]).all()
    assert np.isfinite(done).all()
    assert done[hole].min(initial=0) >= 0
    assert done[hole].max(initial=0) <= 1
    assert (fill == before).all(), "arguments are not changed"
    assert (match(rgb, fill, hole) == done).all(), "deterministic"


@st.composite
def pastes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kind = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    size = (draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    shape = draw(st.sampled_from([size, (*size, 2), (*size, 3), (*size, 4)]))
    values = st.floats(-(2.0**99), 2.0**99, width=32) if kind == np.float32 else None
    source, fill = (draw(arrays(kind, shape, elements=values)) for _ in range(2))
    alpha = draw(arrays(np.uint8, size, elements=st.sampled_from([0, 0, 1, 77, 128, 254, 255])))
    return source, fill, alpha


@given(pastes())
@settings(max_examples=150)
def test_paste_is_exact_outside_and_right_inside(case):
    source, fill, alpha = case
    kept = source.copy()
    done = paste(source, fill, alpha)
    assert done.dtype == source.dtype
    assert done.shape == source.shape
    assert done[alpha == 0].tobytes() == source[alpha == 0].tobytes()
    assert (done[alpha == 255] == fill[alpha == 255]).all()
    assert (done[source == fill] == source[source == fill]).all()
    assert source.tobytes() == kept.tobytes()
    share = alpha.reshape(alpha.shape + (1,) * (source.ndim - 2)).astype(np.float64) / 255
    wanted = source.astype(np.float64) * (1 - share) + fill.astype(np.float64) * share
    if source.dtype == np.float32:
        np.testing.assert_allclose(done, wanted, rtol=1e-5, atol=1e-5 * max(np.abs(wanted).max(), 1e-20))
    else:
        assert np.abs(done - wanted).max() <= 0.5 + 1e-6


def test_paste_ignores_what_the_fill_holds_outside():
    source = np.ones((3, 3, 3), np.float32)
    fill = np.full((3, 3, 3), np.nan, np.float32)
    fill[1, 1] = 2
    alpha = np.zeros((3, 3), np.uint8)
    alpha[1, 1] = 255
    done = paste(source, fill, alpha)
    assert done[1, 1, 0] == 2
    assert np.isfinite(done).all()


@pytest.mark.parametrize(
    ("fill", "alpha"),
    [
        (np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.uint8)),
        (np.zeros((2, 2), np.uint16), np.zeros((2, 2), np.uint8)),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), bool)),
    ],
)
def test_paste_refuses_what_does_not_fit(fill, alpha):
    with pytest.raises(ValueError, match=r"must agree|must be uint8"):
        paste(np.zeros((2, 2), np.uint8), fill, alpha)
