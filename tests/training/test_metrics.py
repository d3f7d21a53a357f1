"""Figures of `training.metrics`: known values, limits, bad input, and the published LPIPS distances."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.metrics import (
    METRICS_FOLDER,
    PSNR_CEILING,
    WEIGHTS_NAME,
    Lpips,
    masked_l1,
    masked_psnr,
    masked_ssim,
    measure,
    metrics_folder,
    texture_ratio,
)

REPOSITORY = Path(__file__).parents[2]


def reference_picture() -> np.ndarray:
    """The picture that the reference distances of the metrics folder are defined on."""
    y, x = np.mgrid[:128, :128]
    blue = ((x // 16 + y // 16) % 2) * 255
    return np.stack([x * 255 // 127, y * 255 // 127, blue], axis=-1).astype(np.uint8)


def square_hole(size: int = 128, low: int = 32, high: int = 96) -> np.ndarray:
    hole = np.zeros((size, size), bool)
    hole[low:high, low:high] = True
    return hole


FOLDER = Path(os.environ.get("VANISHER_METRICS") or REPOSITORY / METRICS_FOLDER)
"""The judge's weights are no part of the repository: where they are not, their figures cannot be checked."""

if (FOLDER / WEIGHTS_NAME).is_file():

    @pytest.fixture(scope="module")
    def lpips() -> Lpips:
        return Lpips(FOLDER)

    def test_lpips_reproduces_the_published_distances(lpips: Lpips) -> None:
        expected = json.loads((FOLDER / "reference.json").read_text())
        picture = reference_picture()
        grey = picture.copy()
        grey[32:96, 32:96] = 128
        got = {
            "grey_box_32_96": lpips.distance(picture, grey),
            "mirrored": lpips.distance(picture, picture[:, ::-1]),
            "posterised_32": lpips.distance(picture, picture // 32 * 32),
            "itself": lpips.distance(picture, picture),
        }
        assert got == pytest.approx(expected, rel=1e-3, abs=1e-7)

    def test_lpips_refuses_pictures_of_two_sizes(lpips: Lpips) -> None:
        with pytest.raises(ValueError, match="one size"):
            lpips.distance(reference_picture(), reference_picture()[:64])

else:

    def test_lpips_is_not_checked_here_and_says_what_is_missing() -> None:
        with pytest.raises(FileNotFoundError, match=WEIGHTS_NAME):
            Lpips(FOLDER)


def test_missing_weights_name_the_file_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="VANISHER_METRICS"):
        Lpips(tmp_path)


def test_folder_option_wins_over_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANISHER_METRICS", "from-environment")
    assert metrics_folder() == Path("from-environment")
    assert metrics_folder("given") == Path("given")
    monkeypatch.delenv("VANISHER_METRICS")
    assert metrics_folder() == METRICS_FOLDER


def test_psnr_and_l1_of_a_known_error() -> None:
    truth = np.full((16, 16, 3), 100, np.uint8)
    fill = truth + np.uint8(10)
    hole = square_hole(16, 4, 12)
    assert masked_psnr(truth, fill, hole) == pytest.approx(20 * np.log10(255 / 10))
    assert masked_l1(truth, fill, hole) == pytest.approx(10 / 255)


@given(arrays(np.uint8, (24, 24, 3)), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_only_the_hole_counts_for_psnr_l1_and_texture(truth: np.ndarray, change: int) -> None:
    hole = square_hole(24, 6, 18)
    fill = truth.copy()
    fill[~hole] += np.uint8(change)
    assert masked_psnr(truth, fill, hole) == PSNR_CEILING
    assert masked_l1(truth, fill, hole) == 0
    assert texture_ratio(truth, fill, hole) == 1


@given(arrays(np.uint8, (24, 24, 3)), arrays(np.uint8, (24, 24, 3)))
@settings(max_examples=25, deadline=None)
def test_ssim_is_symmetric_bounded_and_one_for_equal_pictures(a: np.ndarray, b: np.ndarray) -> None:
    hole = square_hole(24, 6, 18)
    assert masked_ssim(a, a, hole) == pytest.approx(1)
    assert masked_ssim(a, b, hole) == pytest.approx(masked_ssim(b, a, hole), abs=1e-9)
    assert -1 - 1e-9 <= masked_ssim(a, b, hole) <= 1 + 1e-9


def test_ssim_agrees_with_scikit_image() -> None:
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    generator = np.random.default_rng(3)
    truth = reference_picture()
    fill = np.clip(truth + generator.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    hole = square_hole()
    _, full = structural_similarity(
        truth, fill, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert masked_ssim(truth, fill, hole) == pytest.approx(full[hole].mean(), abs=1e-3)


def test_texture_ratio_tells_blur_from_noise() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(80, 176, (64, 64, 3)).astype(np.uint8)
    hole = square_hole(64, 16, 48)
    flat, wild = truth.copy(), truth.copy()
    flat[hole] = 128
    wild[hole] = generator.integers(0, 256, (int(hole.sum()), 3))
    assert texture_ratio(truth, flat, hole) < 0.1
    assert texture_ratio(truth, wild, hole) > 1.5


def test_texture_ratio_of_two_flat_walls_is_one() -> None:
    wall = np.full((32, 32, 3), 200, np.uint8)
    assert texture_ratio(wall, wall - np.uint8(50), square_hole(32, 8, 24)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("fill", "hole", "reason"),
    [
        (np.zeros((8, 9, 3), np.uint8), np.ones((8, 8), bool), "one size"),
        (np.zeros((8, 8, 3), np.float32), np.ones((8, 8), bool), "uint8"),
        (np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.uint8), "must be bool"),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool), "empty"),
    ],
)
def test_wrong_input_is_named(fill: np.ndarray, hole: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        masked_psnr(np.zeros((8, 8, 3), np.uint8), fill, hole)


def test_measure_gathers_everything_and_leaves_lpips_out_without_weights() -> None:
    truth = reference_picture()
    got = measure(truth, truth, square_hole(), None)
    assert (got.psnr, got.l1, got.texture) == (PSNR_CEILING, 0, 1)
    assert np.isnan(got.lpips)
