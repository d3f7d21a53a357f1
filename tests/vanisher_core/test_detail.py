"""Guided exemplar synthesis: exact, bounded, reproducible; odd holes; texture and guide are followed."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.detail import synthesize, warm_up
from vanisher_core.errors import Cancelled, HopelessFill
from vanisher_core.exemplar.pyramid import halve
from vanisher_core.exemplar.synthesis import sketch_level
from vanisher_core.membrane import membrane


def _box(shape: tuple[int, int], top: int, bottom: int, left: int, right: int) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[top:bottom, left:right] = True
    return hole


def _noise(height: int, width: int, seed: int = 0, sigma: float = 1.0) -> np.ndarray:
    """Blurred noise of mean 0.5: a texture without structure."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.clip(0.5 + 0.12 * noise / noise.std(), 0, 1).astype(np.float32)


def _gradient(picture: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute gradient of the pixels `where`."""
    grey = picture.mean(2)
    steps = np.abs(np.diff(grey, axis=0, append=grey[-1:])) + np.abs(
        np.diff(grey, axis=1, append=grey[:, -1:])
    )
    return float(steps[where].mean())


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(0, 10_000),
    st.sampled_from(["specks", "box", "line", "half"]),
)
def test_known_pixels_exact_and_range(height, width, seed, kind):
    rng = np.random.default_rng(seed)
    rgb = rng.random((height, width, 3), np.float32)
    hole = rng.random((height, width)) < 0.02
    y, x = rng.integers(height), rng.integers(width)
    if kind == "box":
        hole[y : y + height // 3 + 1, x : x + width // 3 + 1] = True
    elif kind == "line":
        hole[y, :] = True
    elif kind == "half":
        hole[:, : width // 2] = True
    hole[rng.integers(height), rng.integers(width)] = False
    broken = rgb.copy()
    broken[hole] = np.nan
    try:
        out = synthesize(broken, hole, seed=seed, effort=0.3)
    except HopelessFill:
        assert min(height, width) > 20
        return
    assert out.dtype == np.float32 and out.shape == rgb.shape
    assert np.array_equal(out[~hole], rgb[~hole])
    assert np.all((out >= 0) & (out <= 1))


@pytest.mark.parametrize("side", [1, 2, 6, 7, 12, 20])
def test_tiny_pictures_take_the_membrane(side):
    rgb = np.random.default_rng(side).random((side, side, 3), np.float32)
    hole = _box((side, side), 0, max(1, side // 2), 0, side)
    if side == 1:
        with pytest.raises(HopelessFill):
            synthesize(rgb, hole)
        return
    out = synthesize(rgb, hole)
    assert np.array_equal(out[~hole], rgb[~hole]) and np.isfinite(out).all()


def test_same_seed_same_bytes_other_seed_other_bytes():
    rgb, hole = _noise(90, 110), _box((90, 110), 30, 65, 35, 80)
    first = synthesize(rgb, hole, seed=4)
    assert np.array_equal(first, synthesize(rgb, hole, seed=4))
    assert not np.array_equal(first, synthesize(rgb, hole, seed=5))


@pytest.mark.parametrize("grain", [1.0, 2.0, 40.0])
def test_number_of_threads_does_not_matter(monkeypatch, grain):
    rgb, hole = _noise(120, 110, 2), _box((120, 110), 20, 90, 35, 80)
    outs = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("VANISHER_THREADS", threads)
        outs.append(synthesize(rgb, hole, seed=1, grain=grain))
    assert np.array_equal(outs[0], outs[1]) and np.array_equal(outs[0], outs[2])


def test_inside_of_the_hole_is_not_read():
    rgb, hole = _noise(80, 80), _box((80, 80), 25, 55, 25, 55)
    other = np.where(hole[..., None], np.float32(1), rgb)
    assert np.array_equal(synthesize(rgb, hole), synthesize(other, hole))


def test_noise_stays_as_sharp_as_its_ring():
    rgb, hole = _noise(160, 160, 3), _box((160, 160), 50, 110, 50, 110)
    out = synthesize(rgb, hole)
    ring = cv2.dilate(hole.astype(np.uint8), np.ones((25, 25), np.uint8)) > hole
    assert 0.8 < _gradient(out, hole) / _gradient(out, ring) < 1.2


def test_stripes_continue():
    x = np.arange(160)
    stripes = (0.5 + 0.4 * np.sin(2 * np.pi * x / 10)).astype(np.float32)
    rgb = np.repeat(np.repeat(stripes[None, :, None], 160, 0), 3, 2)
    hole = _box((160, 160), 55, 105, 55, 105)
    error = np.abs(synthesize(rgb, hole) - rgb)[hole].mean()
    assert error < 0.25 * np.abs(membrane(rgb, hole) - rgb)[hole].mean()


@pytest.mark.parametrize("edge", [60, 70, 80])
def test_the_guide_places_the_edge(edge):
    """Dark left, bright right, the true edge at 70: inside the hole the guide decides where it runs."""
    rgb = 0.3 * (_noise(140, 140, 4) - 0.5) + 0.3
    rgb[:, 70:] += 0.4
    hole = _box((140, 140), 40, 100, 40, 100)
    guide = np.full_like(rgb, 0.3)
    guide[:, edge:] = 0.7
    out = synthesize(rgb, hole, guide=guide)
    row = out[55:85, 40:100].mean((0, 2))
    found = 40 + int(np.argmax(row > 0.5))
    assert abs(found - edge) <= 2


def test_contrast_asks_for_flat_or_rough_sources():
    """Left half flat, right half rough, the same mean colour: the expected contrast picks the source."""
    rgb = np.full((120, 160, 3), 0.5, np.float32)
    rgb[:, 80:] = _noise(120, 160, 5)[:, 80:]
    hole = _box((120, 160), 40, 80, 60, 100)
    flat = synthesize(rgb, hole, contrast=np.zeros((120, 160), np.float32))
    rough = synthesize(rgb, hole, contrast=np.full((120, 160), 0.1, np.float32))
    assert _gradient(rough, hole) > 1.3 * _gradient(flat, hole)


def test_only_usable_pixels_are_sources():
    rgb = np.zeros((100, 120, 3), np.float32)
    rgb[:, 60:] = 1.0
    rgb[:, :60] = 0.2 * _noise(100, 120)[:, :60]
    hole = _box((100, 120), 30, 70, 40, 58)
    usable = np.ones((100, 120), bool)
    usable[:, 60:] = False
    out = synthesize(rgb, hole, usable=usable, guide=np.full_like(rgb, 0.1))
    assert out[hole].max() < 0.5


@pytest.mark.parametrize(
    "box",
    [(0, 30, 0, 40), (60, 90, 70, 110), (0, 90, 50, 70), (0, 90, 0, 55), (44, 45, 0, 110), (10, 80, 60, 61)],
    ids=["corner", "far corner", "across", "half", "row", "column"],
)
def test_awkward_holes(box):
    rgb, hole = _noise(90, 110, 6), _box((90, 110), *box)
    out = synthesize(rgb, hole)
    assert np.array_equal(out[~hole], rgb[~hole])
    assert abs(float(out[hole].mean()) - 0.5) < 0.1
    assert _gradient(out, hole) > 0.6 * _gradient(rgb, hole)


def test_huge_windows_are_tiled(monkeypatch):
    """The bounded-memory path (forced small here) gives a sharp fill as well, and known pixels exact."""
    monkeypatch.setattr("vanisher_core.exemplar.synthesis.MAX_WINDOW", 20_000)
    monkeypatch.setattr("vanisher_core.exemplar.synthesis.TILE", 64)
    rgb, hole = _noise(200, 240, 7), _box((200, 240), 20, 180, 40, 200)
    out = synthesize(rgb, hole, effort=0.5)
    assert np.array_equal(out[~hole], rgb[~hole]) and np.isfinite(out).all()
    assert 0.7 < _gradient(out, hole) / _gradient(rgb, ~hole) < 1.3
    assert np.array_equal(out, synthesize(rgb, hole, effort=0.5))


def test_a_huge_hole_at_the_border_is_as_sharp_as_its_surroundings(monkeypatch):
    """The first tiles in reading order see nothing but hole; they must wait until their neighbours are filled."""
    monkeypatch.setattr("vanisher_core.exemplar.synthesis.MAX_WINDOW", 20_000)
    monkeypatch.setattr("vanisher_core.exemplar.synthesis.TILE", 96)
    rgb, hole = _noise(192, 288, 7), _box((192, 288), 0, 192, 0, 144)
    out = synthesize(rgb, hole, effort=0.5)
    for left in (0, 48, 96):
        part = np.zeros_like(hole)
        part[:, left : left + 48] = True
        assert 0.7 < _gradient(out, part) / _gradient(rgb, ~hole) < 1.3


def test_refusals_name_the_reason():
    rgb = _noise(60, 60)
    with pytest.raises(HopelessFill, match="mask less"):
        synthesize(rgb, np.ones((60, 60), bool))
    with pytest.raises(HopelessFill, match="mask less"):
        synthesize(rgb, _box((60, 60), 0, 57, 0, 60))
    with pytest.raises(ValueError, match=r"\(60, 61\)"):
        synthesize(rgb, np.zeros((60, 61), bool))
    with pytest.raises(ValueError, match="guide"):
        synthesize(rgb, _box((60, 60), 0, 9, 0, 9), guide=rgb[1:])


def test_progress_rises_and_may_cancel():
    rgb, hole = _noise(100, 100), _box((100, 100), 30, 70, 30, 70)
    seen: list[float] = []
    synthesize(rgb, hole, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen) and seen and seen[0] >= 0 and seen[-1] <= 1

    def stop(fraction: float, text: str) -> None:
        raise Cancelled("stopped by the caller")

    with pytest.raises(Cancelled):
        synthesize(rgb, hole, progress=stop)


def test_import_loads_no_compiler():
    code = "import sys, vanisher_core.detail; print(sorted({'numba', 'cv2', 'torch'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_warm_up_compiles_everything():
    from vanisher_core.exemplar import relax, search, vote

    warm_up()
    for kernel in (search.evaluate, search.sweep, vote.vote, vote.vote_best, relax.relax_plane):
        assert kernel.signatures


def test_a_deep_hole_keeps_its_texture():
    """Means of unlike patches are smooth and find smooth patches; copies do not wash out level by level."""
    rgb = _noise(420, 420, seed=3, sigma=1.5)
    hole = _box((420, 420), 80, 340, 80, 340)
    filled = synthesize(np.where(hole[..., None], 0, rgb).astype(np.float32), hole)
    middle = _box((420, 420), 150, 270, 150, 270)
    assert 0.8 < _gradient(filled, middle) / _gradient(rgb, ~hole) < 1.25


def test_a_horizon_goes_on_through_a_deep_hole():
    """Sky above a ground: what is free to follow the rim finds the edge; a smooth guide alone would blur it."""
    rgb = _noise(400, 500, seed=5) * 0.2
    rgb[:200] += np.array([0.4, 0.6, 0.8], np.float32)
    hole = _box((400, 500), 70, 330, 110, 390)
    filled = synthesize(np.where(hole[..., None], 0, rgb).astype(np.float32), hole)
    step = filled[206:212, 120:380].mean((0, 2)) - filled[188:194, 120:380].mean((0, 2))
    assert (step < -0.3).mean() > 0.9


def test_trust_decides_between_guide_and_rim():
    rgb = _noise(200, 200, seed=9) * 0.1 + 0.2
    hole = _box((200, 200), 70, 130, 70, 130)
    guide = np.full_like(rgb, 0.9)
    followed = synthesize(rgb, hole, guide=guide, trust=1.0)[hole].mean()
    free = synthesize(rgb, hole, guide=guide, trust=0.02)[hole].mean()
    assert followed > free + 0.05
    assert np.array_equal(synthesize(rgb, hole, trust=0.1), synthesize(rgb, hole, trust=0.1))


def test_fog_of_a_coarse_guide_is_not_kept():
    """Half of the band below a guide's own pixels used to come from the guide, which has none there."""
    rgb, hole = _noise(240, 240, seed=2, sigma=5), _box((240, 240), 70, 170, 70, 170)
    fog = np.full_like(rgb, 0.5)
    sharp, misty = (synthesize(rgb, hole, guide=fog, grain=grain) for grain in (2.0, 1.0))
    inside = _box((240, 240), 80, 160, 80, 160)
    assert sharp[inside].std() > 1.2 * misty[inside].std()
    assert sharp[inside].std() > 0.7 * rgb[inside].std()
    assert np.array_equal(sharp[~hole], rgb[~hole])


def test_a_coarse_guide_still_places_what_is_copied():
    rgb = np.full((200, 240, 3), 0.2, np.float32) + 0.1 * (_noise(200, 240, 3) - 0.5)
    rgb[:, 120:] += 0.5
    guide = np.full_like(rgb, 0.2)
    guide[:, 110:] = 0.7
    out = synthesize(rgb, _box((200, 240), 60, 140, 80, 160), guide=guide, grain=2.0)
    found = 80 + int(np.argmax(out[85:115, 80:160].mean((0, 2)) > 0.45))
    assert abs(found - 110) <= 6


def test_only_a_coarse_guide_gives_way_to_a_sketch():
    assert [sketch_level(grain) for grain in (1.0, 1.3, 2.0, 4.0, 7.5)] == [0, 0, 2, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (7, 4), (6, 9), (5, 5, 3), (1, 8)])
def test_odd_sides_are_halved_as_if_their_last_row_stood_twice(shape):
    plane = np.random.default_rng(0).random(shape, np.float32)
    around = [(0, shape[0] % 2), (0, shape[1] % 2)] + [(0, 0)] * (len(shape) - 2)
    whole = np.pad(plane, around, mode="edge")
    quads = whole.reshape(whole.shape[0] // 2, 2, whole.shape[1] // 2, 2, *shape[2:])
    assert np.allclose(halve(plane), quads.mean(axis=(1, 3)), atol=1e-6)
