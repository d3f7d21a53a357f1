"""Trains the layout network: `python -m training.layout --rooms runs/train-rooms --out runs/layout`.

Run it again and it goes on where it stopped. Rooms whose seed ends in 0 are held out: never trained on, they pick
nothing but show how far training has come. `--start WEIGHTS` begins with a segmenter's features, which have seen
photographs. A cut-down run that ends in seconds: `--steps 4 --batch 2 --size 64 --every 4`.

Loss: cross-entropy over the rows of each column against a narrow bell round the true edge. Figures: mean error of
the most likely row in degrees (`floor`, `ceiling`), and the share of edges found within two degrees (`within`), with
all furniture hidden and with none (`seen`).
"""

from __future__ import annotations

import math
import sys
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from training import common, upright
from training.data import room_layouts
from training.upright import Config
from vanisher_core.models.layout import LayoutNet, build_layout

BELL = 0.7
"""Standard deviation of the target, in rows of the answer."""


def target_of(pitch: Tensor, rows: int) -> Tensor:
    """Bx2xW pitches of edges -> Bx2xRxW, a bell over the rows of each column that adds up to 1."""
    at = (0.5 - pitch / math.pi) * rows - 0.5
    away = torch.arange(rows, device=pitch.device).view(1, 1, -1, 1) - at[:, :, None]
    return torch.softmax(-0.5 * (away / BELL) ** 2, dim=2)


def loss_of(net: LayoutNet, batch: room_layouts.Batch) -> Tensor:
    """Mean cross-entropy of both edges over all columns."""
    found = net(batch.rgb, batch.hole).float()
    pitch = 0.5 * (batch.edges[..., ::2] + batch.edges[..., 1::2])
    return -(target_of(pitch, found.shape[2]) * found).sum(2).mean()


@torch.no_grad()
def validate(net: LayoutNet, source: room_layouts.Rooms, size: int, batch: int) -> dict[str, float]:
    """Figures on rooms never trained on, all furniture hidden and none; see the module docstring."""
    yaw = ((np.arange(size) + 0.5) / size - 0.5) * 2 * math.pi
    truth = np.stack([room_layouts.edges(*outline, yaw) for outline in source.outlines])
    pictures = torch.nn.functional.interpolate(
        source.pictures[:, 0].float() / 255, (size, 2 * size), mode="bilinear", antialias=True
    )
    marks = (source.objects > 0)[:, None].float()
    holes = torch.nn.functional.interpolate(torch.nn.functional.max_pool2d(marks, 7, 1, 3), (size, 2 * size))
    figures: dict[str, float] = {}
    for name, hole in (("", holes), ("_seen", torch.zeros_like(holes))):
        found = torch.cat([net(p, h) for p, h in zip(pictures.split(batch), hole.split(batch), strict=True)])
        rows = found.argmax(2).cpu().numpy()
        error = np.degrees(np.abs((0.5 - (rows + 0.5) / found.shape[2]) * math.pi - truth))
        figures |= {f"floor{name}": float(error[:, 0].mean()), f"ceiling{name}": float(error[:, 1].mean())}
        figures[f"within{name}"] = float((error < 2).mean())
    return figures


def train(config: Config) -> dict[str, float]:
    """Trains or resumes; returns the last figures.

    Raises:
        FileNotFoundError: there are no rooms.
        ValueError: there are none to learn from, or none to hold out.
        FloatingPointError: the loss is not finite.
    """
    source, held_out = upright.prepared(config, room_layouts.load)
    size = config.size, 2 * config.size

    def loss(net: nn.Module, random: np.random.Generator) -> Tensor:
        return loss_of(cast(LayoutNet, net), room_layouts.draw(source, config.batch, size, random))

    def figures(net: nn.Module) -> dict[str, float]:
        return validate(cast(LayoutNet, net), held_out, config.size, config.batch)

    net = build_layout().to(config.device)
    job = upright.Job(
        "room-layout", "layout", "layout", net, loss, figures, len(source.seeds) + len(held_out.seeds)
    )
    return upright.train(config, job)


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
