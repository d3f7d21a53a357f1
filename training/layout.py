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
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from training import common
from training.data import room_layouts
from training.segment import weight_groups
from vanisher_core.models.layout import LayoutNet, build_layout

LOG_EVERY = 50
HELD_OUT = 10
"""Rooms whose seed it divides are never trained on."""
BELL = 0.7
"""Standard deviation of the target, in rows of the answer."""


@dataclass(frozen=True)
class Config:
    """Settings of the layout network's training."""

    rooms: Path = Path("runs/train-rooms")
    out: Path = Path("runs/layout")
    start: Path | None = None
    steps: int = 6000
    stop: int | None = None
    batch: int = 8
    size: int = 256
    """Rows of the pictures; they are twice as wide."""
    rate: float = 1.5e-3
    warmup: int = 100
    decay: float = 0.02
    average: float = 0.998
    every: int = 300
    threads: int = 1
    device: str = "cpu"
    seed: int = 0


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


def warm_start(net: LayoutNet, weights: Path) -> int:
    """Takes what fits of a segmenter's weights, its stem with nothing for the added planes; tensors taken.

    Raises:
        ValueError: nothing fits.
    """
    own, taken = net.body.state_dict(), 0
    for name, tensor in load_file(weights).items():
        if name in own and own[name].shape == tensor.shape:
            own[name], taken = tensor, taken + 1
        elif name in own and own[name].ndim == 4 and own[name].shape[0] == tensor.shape[0]:
            own[name] = torch.zeros_like(own[name])
            own[name][:, : tensor.shape[1]] = tensor
            taken += 1
    if not taken:
        raise ValueError(f"no tensor of {weights} has the name and shape of one of this network's")
    net.body.load_state_dict(own)
    return taken


def train(config: Config) -> dict[str, float]:
    """Trains or resumes; returns the last figures.

    Raises:
        FileNotFoundError: there are no rooms.
        ValueError: there are none to learn from, or none to hold out.
        FloatingPointError: the loss is not finite.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    every = room_layouts.load(config.rooms, 2 * config.size).to(device)
    count = len(every.seeds)
    held_out = every.part([index for index in range(count) if every.seeds[index] % HELD_OUT == 0])
    source = every.part([index for index in range(count) if every.seeds[index] % HELD_OUT])
    if not held_out.seeds or not source.seeds:
        raise ValueError(
            f"{config.rooms} needs rooms to learn from and one whose seed is a multiple of {HELD_OUT}: render more"
        )
    net = build_layout().to(device)
    common.channels_last(net)
    if config.start is not None:
        print(
            f"{warm_start(net, config.start)} of {len(net.state_dict())} tensors start as in {config.start}"
        )
    ema = common.Ema(net, config.average)
    averaged = cast(LayoutNet, ema.module)
    optimizer = torch.optim.AdamW(weight_groups(net, config.decay), config.rate, fused=True)
    modules, optimizers = {"net": net, "ema": ema}, {"adamw": optimizer}
    generators = {"draw": np.random.default_rng(config.seed)}
    state: dict[str, Any] = common.load_checkpoint(config.out, modules, optimizers, generators) or {"step": 0}
    log = common.Log(config.out / "log.jsonl")
    figures: dict[str, float] = state.get("figures", {})
    step, mean, began = int(state["step"]), float(state.get("loss", 0)), time.time()
    while step < config.steps and step != config.stop:
        rate = config.rate * common.cosine(step, config.steps, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        net.train()
        batch = room_layouts.draw(source, config.batch, (config.size, 2 * config.size), generators["draw"])
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = loss_of(net, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        ema.update(net)
        value = common.stop_if_not_finite(loss, step)
        mean = value if mean == 0 else 0.98 * mean + 0.02 * value
        step += 1
        if step % LOG_EVERY == 0:
            log.write(step, loss=mean, rate=rate, seconds=time.time() - began)
        if step % config.every == 0 or step in (config.steps, config.stop):
            figures = validate(averaged, held_out, config.size, config.batch)
            log.write(step, **figures)
            report = {"config": {name: str(value) for name, value in asdict(config).items()}, "loss": mean}
            common.save_checkpoint(
                config.out, step, modules, optimizers, report | {"figures": figures}, generators
            )
            export(
                ema.module, config.out / "room-layout.safetensors", {"step": step, "rooms": count} | figures
            )
    return figures


def export(net: torch.nn.Module, path: Path, note: dict[str, float]) -> Path:
    """Writes the weights in the registry's form."""
    header = {
        "architecture": "layout",
        "config": {},
        "task": "layout",
        "classes": [],
        "training": note,
        "version": "1",
    }
    return common.export_weights(net, path, header)


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
