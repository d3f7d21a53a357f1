"""The perceptual loss: zero for equal pictures, a gradient to the fill only, frozen weights."""

from pathlib import Path

import pytest
import torch

from training.common import export_weights
from training.perceptual import Perceptual
from vanisher_core.models.segmenter import build_segmenter
from vanisher_core.models.vanisher2018 import build_segmenter as build_2018

SIZES = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}


@pytest.fixture
def loss(tmp_path: Path) -> Perceptual:
    torch.manual_seed(0)
    header = {"architecture": "segmenter", "config": SIZES, "task": "segment", "classes": ["person"]}
    weights = export_weights(build_segmenter(1, **SIZES), tmp_path / "segment.safetensors", header)
    return Perceptual(weights, torch.device("cpu"))


def test_equal_pictures_are_at_no_distance_and_others_farther_the_more_they_differ(loss: Perceptual) -> None:
    truth = torch.rand(2, 3, 64, 64)
    assert float(loss.distance(truth, truth)) == 0
    near, far = (
        float(loss.distance((truth + s * torch.randn(truth.shape)).clamp(0, 1), truth)) for s in (0.05, 0.4)
    )
    assert 0 < near < far


def test_the_gradient_goes_to_the_fill_only(loss: Perceptual) -> None:
    fill, truth = (torch.rand(1, 3, 64, 64, requires_grad=True) for _ in range(2))
    loss.distance(fill, truth).backward()
    assert fill.grad is not None and bool(fill.grad.any()) and truth.grad is None
    assert all(parameter.grad is None for parameter in loss.network.parameters())
    assert not loss.network.training


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    header = {
        "architecture": "vanisher-2018-segmenter",
        "config": {},
        "task": "segment",
        "classes": ["person"],
    }
    weights = export_weights(build_2018(), tmp_path / "old.safetensors", header)
    with pytest.raises(ValueError, match="Segmenter2018"):
        Perceptual(weights, torch.device("cpu"))
