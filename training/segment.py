"""Trains the person segmenter: `python -m training.segment --out runs/segment`.

Run it again and it goes on where it stopped, with any setting changed. `--sizes 128 160 224 --shares 0.6
0.2 0.2` trains small pictures first: a step at 128 pixels costs a third of one at 224, and early on it
teaches as much. A cut-down run that ends in seconds: `--steps 4 --batch 2 --sizes 64 --limit 8`.

Loss: binary cross-entropy, outlines weighted threefold and doubtful background less
(`training/data/people.py`), plus soft Dice over the batch (Milletari et al., V-Net, 2016, section 3) and a
small cross-entropy on the coarse second head. The average of the weights is what gets validated and
exported, every `--every` steps.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import common
from training.data import people, shards
from vanisher_core.models.segmenter import SegmenterNet, build_segmenter

ARCHITECTURE = "segmenter"
VERSION = "1"


@dataclass(frozen=True)
class Config:
    """Settings of a person segmenter's training."""

    out: Path = Path("runs/segment")
    data: Path = shards.DEFAULT_FOLDER
    steps: int = 12000
    stop: int | None = None
    batch: int = 16
    sizes: tuple[int, ...] = (128, 160, 224)
    shares: tuple[float, ...] = (0.6, 0.2, 0.2)
    rate: float = 2e-3
    warmup: int = 200
    decay: float = 0.02
    average: float = 0.998
    paste: float = 0.4
    scenes: int = 2500
    every: int = 300
    validate_size: int = 192
    validate_limit: int | None = None
    limit: int | None = None
    widths: tuple[int, ...] = (16, 32, 64, 144, 256)
    depths: tuple[int, ...] = (1, 2, 5, 2)
    decoder_widths: tuple[int, ...] = (16, 32, 48, 96, 128)
    threads: int = 1
    device: str = "cpu"
    seed: int = 0
    tensorboard: bool = False


def size_at(config: Config, step: int) -> int:
    """The picture size of a step: each of `sizes` lasts its share of all steps."""
    if len(config.sizes) != len(config.shares):
        raise ValueError(f"sizes={config.sizes} and shares={config.shares} must be equally many")
    done = step / config.steps * sum(config.shares)
    for size, share in zip(config.sizes, config.shares, strict=True):
        done -= share
        if done < 0:
            return size
    return config.sizes[-1]


def loss_of(net: SegmenterNet, batch: people.Batch) -> Tensor:
    """Cross-entropy + Dice + 0.4 x cross-entropy of the coarse head."""
    fine, coarse = net.logits(batch.rgb)
    entropy = functional.binary_cross_entropy_with_logits(fine, batch.target, batch.weight)
    sure = batch.weight.clamp_max(1)
    probability = torch.sigmoid(fine) * sure
    common_area = (probability * batch.target).sum()
    dice = 1 - (2 * common_area + 1) / (probability.sum() + (batch.target * sure).sum() + 1)
    small = functional.adaptive_avg_pool2d(batch.target, coarse.shape[-2:])
    trust = functional.adaptive_avg_pool2d(sure, coarse.shape[-2:])
    second = functional.binary_cross_entropy_with_logits(coarse, small, trust)
    return entropy + 0.5 * dice + 0.4 * second


def canvas_for(size: int) -> int:
    """Side of the canvases that steps of a picture size are cut from."""
    return round(size * 1.6 / 16) * 16


def load_training(config: Config, canvas: int) -> people.Canvases:
    """The training split: people, animals, and scenes to paste people on."""
    found = shards.shards(config.data, "people-*.tar")
    crowd = shards.pictures(found, lambda key: not shards.validates("people", key))
    rooms = shards.pictures(shards.shards(config.data, "scenes-0*.tar"))
    parts = [
        people.pack(crowd, canvas, config.limit),
        people.pack(rooms, canvas, config.limit or config.scenes),
    ]
    return people.Canvases(
        *(torch.cat([getattr(part, name) for part in parts]) for name in ("rgb", "mask", "extent", "trust")),
        keys=[key for part in parts for key in part.keys],
    )


@torch.no_grad()
def validate(net: nn.Module, canvases: people.Canvases, batch: int = 16) -> dict[str, float]:
    """Pooled person IoU, pixel accuracy and recall of small people (< 1 % of the picture) on canvases."""
    net.eval()
    both = either = right = total = small_found = small_all = 0.0
    for start in range(0, len(canvases), batch):
        part = slice(start, start + batch)
        extent = canvases.extent[part]
        guess = net(fill_border(canvases.rgb[part].float() / 255, extent)) > 0
        truth = canvases.mask[part] > 127
        inside = inside_of(extent, guess.shape[-1])
        guess, truth = guess & inside, truth & inside
        both += float((guess & truth).sum())
        either += float((guess | truth).sum())
        right += float(((guess == truth) & inside).sum())
        total += float(inside.sum())
        share = truth.sum((1, 2, 3)) / inside.sum((1, 2, 3))
        few = (share > 0) & (share < 0.01)
        small_found += float((guess & truth)[few].sum())
        small_all += float(truth[few].sum())
    return {
        "iou": both / max(either, 1),
        "accuracy": right / total,
        "small_recall": small_found / max(small_all, 1),
    }


def inside_of(extent: Tensor, size: int) -> Tensor:
    """Bx1xSIZExSIZE bool: the part of a canvas that is picture."""
    line = torch.arange(size)
    across = line.view(1, 1, 1, -1) < extent[:, 0].view(-1, 1, 1, 1)
    return across & (line.view(1, 1, -1, 1) < extent[:, 1].view(-1, 1, 1, 1))


def fill_border(rgb: Tensor, extent: Tensor) -> Tensor:
    """Repeats each picture's last row and column over the rest of its canvas."""
    line = torch.arange(rgb.shape[-1])
    x = torch.minimum(line.view(1, -1), extent[:, :1].long() - 1).view(len(rgb), 1, 1, -1)
    y = torch.minimum(line.view(1, -1), extent[:, 1:].long() - 1).view(len(rgb), 1, -1, 1)
    return rgb.gather(3, x.expand_as(rgb)).gather(2, y.expand_as(rgb))


def export(net: nn.Module, config: Config, path: Path) -> Path:
    """Writes the weights in the registry's form."""
    sizes = {name: getattr(config, name) for name in ("widths", "depths", "decoder_widths")}
    header = {
        "architecture": ARCHITECTURE,
        "config": {"classes": 1} | sizes,
        "task": "segment",
        "classes": ["person"],
    }
    return common.export_weights(net, path, header | {"version": VERSION})


def train(config: Config) -> dict[str, float]:
    """Trains or resumes; returns the last validation figures."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    generator = torch.Generator().manual_seed(config.seed)
    net = build_segmenter(1, config.widths, config.depths, config.decoder_widths)
    net = net.to(device=device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    ema = common.Ema(net, config.average)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, config.rate, fused=True)
    modules, optimizers, generators = {"net": net, "ema": ema}, {"adamw": optimizer}, {"draw": generator}
    state = common.load_checkpoint(config.out, modules, optimizers, generators) or {"step": 0}
    log = common.Log(config.out / "log.jsonl", tensorboard=config.tensorboard)
    held_out = people.load_canvases(
        config.data,
        ["people-*.tar"],
        config.validate_size,
        lambda key: shards.validates("people", key),
        config.validate_limit or config.limit,
    )
    pictures = load_training(config, canvas_for(max(config.sizes)))
    figures: dict[str, float] = {}
    size, source, mean, started = 0, None, 0.0, time.time()
    for step in range(state["step"], min(config.steps, config.stop or config.steps)):
        if source is None or size != size_at(config, step):
            size = size_at(config, step)
            canvases = people.shrunk(pictures, canvas_for(size))
            source = people.Augmenter(canvases, generator, paste=config.paste)
        for group in optimizer.param_groups:
            group["lr"] = config.rate * common.cosine(step, config.steps, config.warmup)
        net.train()
        batch = source.batch(config.batch, size)
        loss = loss_of(net, batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        ema.update(net)
        value = common.stop_if_not_finite(loss, step)
        mean = value if mean == 0 else 0.98 * mean + 0.02 * value
        if (step + 1) % 50 == 0:
            log.write(
                step + 1,
                loss=mean,
                size=size,
                rate=optimizer.param_groups[0]["lr"],
                seconds=time.time() - started,
            )
        if (step + 1) % config.every == 0 or step + 1 == config.steps:
            figures = validate(ema.module, held_out)
            log.write(step + 1, **figures)
            report = {
                "config": {k: str(v) for k, v in asdict(config).items()},
                "loss": mean,
                "figures": figures,
            }
            common.save_checkpoint(config.out, step + 1, modules, optimizers, report, generators)
            export(ema.module, config, config.out / "segment-person.safetensors")
    return figures


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
