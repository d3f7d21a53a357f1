"""The network stage: scales, honest known pixels, and what happens when a network breaks."""

import numpy as np
import pytest
import torch
from torch import nn

from vanisher_core.device import inference_dtype, pick_device
from vanisher_core.errors import ModelError, UsageError
from vanisher_core.inpaint import Inpainter, credit, shrink
from vanisher_core.models.inpainter import Completion


@pytest.fixture(scope="module")
def inpainter() -> Inpainter:
    return Inpainter(device="cpu")


def _sunset(height: int, width: int) -> np.ndarray:
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = np.array([0.9, 0.5, 0.2], np.float32) + rows * np.array([-0.3, -0.2, 0.5], np.float32)
    return np.repeat(sky, width, axis=1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 90), (200, 256), (700, 400)])
def test_fills_windows_of_any_size_and_keeps_known_pixels(
    inpainter: Inpainter, height: int, width: int
) -> None:
    rgb = _sunset(height, width)
    hole = np.zeros((height, width), bool)
    hole[height // 3 : height // 2, width // 4 : width // 2] = True
    coarse = inpainter.fill(rgb, hole)
    assert coarse.shape == rgb.shape
    assert coarse.dtype == np.float32
    assert np.array_equal(coarse[~hole], rgb[~hole])
    assert np.isfinite(coarse).all()


def test_a_smooth_sky_is_continued(inpainter: Inpainter) -> None:
    rgb = _sunset(256, 256)
    hole = np.zeros((256, 256), bool)
    hole[90:160, 100:180] = True
    broken = np.where(hole[..., None], np.float32(0), rgb)
    assert np.abs(inpainter.fill(broken, hole) - rgb)[hole].mean() < 0.03


def test_shrinking_does_not_let_the_hole_leak() -> None:
    rgb = np.full((64, 64, 3), 0.25, np.float32)
    hole = np.zeros((64, 64), bool)
    hole[20:31, 10:31] = True
    rgb[hole] = 1.0
    small, small_hole = shrink(rgb, hole, (16, 16))
    assert np.allclose(small[~small_hole], 0.25, atol=1e-6)
    assert small_hole.sum() >= hole.sum() / 16
    assert not small_hole[:4].any()


def test_the_network_is_believed_among_texture_and_not_in_a_clear_sky() -> None:
    hole = np.zeros((96, 96), bool)
    hole[30:60, 30:60] = True
    leaves = np.random.default_rng(0).random((96, 96, 3)).astype(np.float32)
    assert credit(leaves, hole) > 0.9
    assert credit(_sunset(96, 96), hole) < 0.1
    assert credit(leaves, np.ones((96, 96), bool)) == 1.0


class _Broken(nn.Module):
    """A network whose arithmetic fails in low precision (or always)."""

    def __init__(self, fault: float, heals: bool) -> None:
        super().__init__()
        self.fault, self.heals, self.calls = fault, heals, 0

    def forward(self, rgb: torch.Tensor, hole: torch.Tensor) -> Completion:
        self.calls += 1
        good = self.heals and not torch.is_autocast_enabled("cpu")
        return Completion(
            rgb, hole * 0.1, torch.zeros_like(rgb) if good else torch.full_like(rgb, self.fault)
        )


@pytest.mark.parametrize("fault", [float("nan"), float("inf"), 5.0, -3.0])
def test_a_pass_that_fails_its_checks_is_repeated_in_float32(fault: float) -> None:
    broken = Inpainter.__new__(Inpainter)
    broken.name, broken.device, broken.dtype = "broken", torch.device("cpu"), torch.bfloat16
    broken._network = network = _Broken(fault, heals=True)
    rgb, hole = _sunset(16, 16), np.eye(16, dtype=bool)
    assert np.isfinite(broken.fill(rgb, hole)).all()
    assert network.calls == 2
    broken._network = _Broken(fault, heals=False)
    with pytest.raises(ModelError, match=r"broken.*not finite or beyond"):
        broken.fill(rgb, hole)


def test_low_precision_changes_a_fill_by_less_than_two_grey_levels(inpainter: Inpainter) -> None:
    rng = np.random.default_rng(1)
    rgb = np.clip(_sunset(96, 96) + rng.normal(0, 0.05, (96, 96, 3)), 0, 1).astype(np.float32)
    hole = np.zeros((96, 96), bool)
    hole[30:60, 30:60] = True
    exact, kept = inpainter.fill(rgb, hole), inpainter.dtype
    inpainter.dtype = torch.bfloat16
    rough = inpainter.fill(rgb, hole)
    inpainter.dtype = kept
    assert np.abs(exact - rough).mean() < 2 / 255


def test_devices_are_picked_by_name() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(UsageError, match="'tpu' is unknown"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="torch sees none"):
            pick_device("cuda")
    assert inference_dtype(torch.device("cpu")) == torch.float32


def test_only_what_is_wanted_of_a_hole_is_filled(inpainter: Inpainter) -> None:
    rgb = _sunset(200, 256)
    hole, wanted = np.zeros((2, 200, 256), bool)
    hole[60:140, 80:220], wanted[60:140, 80:150] = True, True
    fill = inpainter.fill(rgb, hole, wanted)
    assert np.array_equal(fill[~wanted], rgb[~wanted])
    assert np.abs(fill - rgb)[wanted].max() < 0.1
