"""Training holes: areas, kinds, determinism."""

import numpy as np
import torch

from training.data.masks import AREA_BANDS, MaskBank, placed, strokes, touches_border


def _disc(side: int = 60) -> np.ndarray:
    grid = np.linspace(-1, 1, side)
    return ((grid[None] ** 2 + grid[:, None] ** 2 < 0.8) * 255).astype(np.uint8)


def test_a_bank_keeps_its_share_of_small_middle_and_large_holes() -> None:
    bank = MaskBank(60, 64, [_disc()], seed=0, device="cpu")
    areas = bank.holes.float().mean((1, 2, 3)).numpy()
    for low, high, share in AREA_BANDS:
        assert abs(((areas >= low) & (areas < high)).sum() - 60 * share) <= 1


def test_the_same_seed_draws_the_same_bank() -> None:
    banks = [MaskBank(12, 48, [_disc()], seed=5, device="cpu").holes for _ in range(2)]
    assert torch.equal(*banks)
    assert not torch.equal(banks[0], MaskBank(12, 48, [_disc()], seed=6, device="cpu").holes)


def test_samples_are_binary_and_of_the_size_asked_for() -> None:
    torch.manual_seed(0)
    holes = MaskBank(20, 64, [_disc()], seed=0, device="cpu").sample(7, 32)
    assert holes.shape == (7, 1, 32, 32)
    assert set(holes.unique().tolist()) == {0.0, 1.0}


def test_a_placed_silhouette_has_the_objects_shape() -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        hole = placed(_disc(), 128, rng)
        rows, columns = np.nonzero(hole)
        if rows.min() > 0 and columns.min() > 0 and rows.max() < 127 and columns.max() < 127:
            filled = hole.sum() / (np.ptp(rows) + 1) / (np.ptp(columns) + 1)
            assert 0.7 < filled < 0.9  # a disc fills pi/4 of its box
    assert not placed(np.zeros((9, 9), np.uint8), 32, rng).any()


def test_strokes_are_drawn_inside_the_canvas() -> None:
    assert all(strokes(64, np.random.default_rng(seed)).any() for seed in range(20))


def test_a_bank_keeps_its_share_of_border_holes() -> None:
    bank = MaskBank(60, 64, [_disc()], seed=0, device="cpu", border=0.5)
    holes = [hole for hole in bank.holes[:, 0].numpy() if hole.mean() < 0.25]
    assert len(holes) == 51  # 12 small and 39 middle ones
    assert sum(touches_border(hole) for hole in holes) in (25, 26)
