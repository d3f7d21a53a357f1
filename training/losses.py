"""Losses of the inpainter, each a plain function of tensors.

Pictures are B x 3 x H x W in [0, 1]; holes B x 1 x H x W, 1 inside. All means are over hole pixels, so that
a small hole weighs as much as a large one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian blur with replicated borders; B x C x H x W, sigma in pixels."""
    radius = max(1, round(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype) / sigma) ** 2)
    taps = (taps / taps.sum()).expand(x.shape[1], 1, 1, -1)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), taps, groups=x.shape[1])
    x = F.pad(x, (0, 0, radius, radius), mode="replicate")
    return F.conv2d(x, taps.transpose(-1, -2), groups=x.shape[1])


def local_contrast(rgb: Tensor) -> Tensor:
    """|Y - lowpass Y|, smoothed: how textured each place is; B x 1 x H x W."""
    luma = (rgb * torch.tensor(LUMA, device=rgb.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return gaussian_blur((luma - gaussian_blur(luma, 3.0)).abs(), 4.0)


def hole_mean(error: Tensor, hole: Tensor) -> Tensor:
    """Mean over the hole of each picture, then over pictures; error B x C x H x W."""
    return ((error * hole).sum((1, 2, 3)) / (hole.sum((1, 2, 3)) * error.shape[1]).clamp_min(1)).mean()


def reconstruction(fill: Tensor, truth: Tensor, hole: Tensor, scales: int = 3) -> Tensor:
    """Squared and absolute error at several scales.

    The squared error makes the fill the mean of what could be there, which is what the exemplar stage wants
    of its guide; a little absolute error keeps edges from washing out.
    """
    error, loss = fill - truth, fill.new_zeros(())
    for _ in range(scales):
        loss = loss + 10 * hole_mean(error.square(), hole) + 0.5 * hole_mean(error.abs(), hole)
        error, hole = F.avg_pool2d(error * hole, 2), F.avg_pool2d(hole, 2)
        error = error / hole.clamp_min(1e-6)
    return loss / scales


def discriminator_hinge(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of a discriminator from its scores of real and filled pictures."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def feature_matching(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """L1 distance of discriminator features (Wang et al., pix2pixHD, CVPR 2018, section 3.2)."""
    return torch.stack([F.l1_loss(f, r.detach()) for r, f in zip(real, fake, strict=True)]).mean()


def r1_penalty(score: Tensor, picture: Tensor) -> Tensor:
    """Squared gradient of the scores of real pictures (Mescheder et al., ICML 2018, equation 9)."""
    (gradient,) = torch.autograd.grad(score.sum(), picture, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()
