"""Trains the light network: `python -m training.light --rooms runs/train-rooms --out runs/light --size 128`.

Run it again and it goes on where it stopped. `--start WEIGHTS` begins with the layout network's features, which know
rooms. A cut-down run that ends in seconds: `--steps 4 --batch 2 --size 64 --every 4`.

Loss: mean absolute error of the logarithms, rows weighted by their area on the sphere and the hole more than the
rest. Figures on rooms never trained on: `off`, that error inside the hole, beside `as_it_is`, the error of leaving the
light alone, and `told`, the share of the squared error that is gone.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training import common, upright
from training.data import room_light
from vanisher_core.models.light import LightNet, build_light

OUTSIDE = 0.3
"""Weight of what lies outside the hole."""


@dataclass(frozen=True)
class Config(upright.Config):
    """Settings of the light network's training."""

    out: Path = Path("runs/light")
    size: int = 128


def loss_of(net: LightNet, batch: room_light.Batch) -> Tensor:
    """Weighted mean absolute error of the logarithms."""
    found = net(batch.rgb, batch.hole).float()
    truth, hole = (functional.avg_pool2d(plane, 2) for plane in (batch.light, batch.hole))
    weight = area(found) * (OUTSIDE + (1 - OUTSIDE) * hole)
    return ((found - truth).abs() * weight).sum() / (weight.sum() * found.shape[1])


def area(planes: Tensor) -> Tensor:
    """1x1xHx1: what a pixel of each row covers of the sphere, 1 at the equator."""
    rows = planes.shape[2]
    pitch = (0.5 - (torch.arange(rows, device=planes.device) + 0.5) / rows) * math.pi
    return torch.cos(pitch).view(1, 1, -1, 1)


@torch.no_grad()
def validate(net: LightNet, source: room_light.Rooms, batch: int) -> dict[str, float]:
    """Figures on rooms never trained on; see the module docstring."""
    rgb = (source.pictures[:, 0].float() / 255).split(batch)
    found = torch.cat([net(p, h.float()) for p, h in zip(rgb, source.holes.split(batch), strict=True)])
    truth, hole = (functional.avg_pool2d(plane.float(), 2) for plane in (source.light, source.holes))
    weight = (area(found) * hole).expand_as(found)
    off, there = (found - truth) * weight, truth * weight
    total = weight.sum()
    return {
        "off": float(off.abs().sum() / total),
        "as_it_is": float(there.abs().sum() / total),
        "told": 1 - float((off * (found - truth)).sum() / (there * truth).sum().clamp_min(1e-9)),
    }


def train(config: Config) -> dict[str, float]:
    """Trains or resumes; returns the last figures.

    Raises:
        FileNotFoundError: there are no rooms.
        ValueError: there are none to learn from, or none to hold out.
        FloatingPointError: the loss is not finite.
    """
    source, held_out = upright.prepared(config, room_light.load)
    size = config.size, 2 * config.size

    def loss(net: nn.Module, random: np.random.Generator) -> Tensor:
        return loss_of(cast(LightNet, net), room_light.draw(source, config.batch, size, random))

    def figures(net: nn.Module) -> dict[str, float]:
        return validate(cast(LightNet, net), held_out, config.batch)

    net = build_light().to(config.device)
    job = upright.Job(
        "room-light", "light", "light", net, loss, figures, len(source.seeds) + len(held_out.seeds)
    )
    return upright.train(config, job)


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
