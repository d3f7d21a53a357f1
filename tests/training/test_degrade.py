"""Blur, noise and JPEG-like loss: right on what is known, repeatable, and as JPEG itself does it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from training import speed
from training.data.degrade import blurred, degraded, jpeg_like


@pytest.fixture
def photo() -> torch.Tensor:
    return torch.from_numpy(speed.scene((64, 48))).permute(2, 0, 1)[None].float() / 255


def test_jpeg_like_loses_what_jpeg_loses(photo: torch.Tensor) -> None:
    array = (photo[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    errors = []
    for quality in (10, 40, 90):
        data = io.BytesIO()
        Image.fromarray(array).save(data, "JPEG", quality=quality)
        real = torch.from_numpy(np.array(Image.open(data))).permute(2, 0, 1)[None].float() / 255
        ours = jpeg_like(photo, torch.tensor([float(quality)]))
        loss, gap = (real - photo).square().mean(), (real - ours).square().mean()
        assert float(gap) < 0.25 * float(loss) + 1e-5
        errors.append(float((ours - photo).square().mean()))
    assert errors[0] > errors[1] > errors[2] > 0


def test_jpeg_like_keeps_flat_pictures_and_odd_sizes() -> None:
    flat = torch.full((2, 3, 21, 19), 128 / 255)
    assert torch.allclose(jpeg_like(flat, torch.tensor([20.0, 95.0])), flat, atol=2e-2)


def test_blur_keeps_the_mean_and_follows_each_sigma() -> None:
    points = torch.zeros(2, 3, 33, 33)
    points[..., 16, 16] = 1
    soft = blurred(points, torch.tensor([0.6, 2.0]))
    assert torch.allclose(soft.sum((2, 3)), torch.ones(2, 3), atol=1e-3)
    assert float(soft[0, 0, 16, 16]) > 4 * float(soft[1, 0, 16, 16])
    assert torch.allclose(soft, soft.transpose(-1, -2), atol=1e-6)


def test_strength_is_the_share_of_pictures_and_the_seed_repeats(photo: torch.Tensor) -> None:
    batch = photo.expand(40, -1, -1, -1)
    first, again = (degraded(batch, torch.Generator().manual_seed(3), 0.2) for _ in range(2))
    assert torch.equal(first, again) and 0 <= float(first.min()) <= float(first.max()) <= 1
    changed = (first != batch).any(1).any(-1).any(-1).float().mean()
    assert 0.2 < float(changed) < 0.8  # 1 - 0.8 ** 3 = 0.49
    assert torch.equal(degraded(batch, torch.Generator().manual_seed(3), 0.0), batch)
    assert batch.data_ptr() == photo.data_ptr()  # the input is left alone
