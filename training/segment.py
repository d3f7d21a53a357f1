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
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import common
from training.data import people, shards
from vanisher_core.models.segmenter import SegmenterNet, build_segmenter

ARCHITECTURE = "segmenter"
LOG_EVERY = 50
VERSION = "1"


@dataclass(frozen=True)
class Config:
    """Settings of a person segmenter's training.

    `stop` ends this run early, to be resumed; `minutes` spreads what is left of the schedule over this
    run's clock instead of counting steps (the run then does not repeat bit for bit).
    """

    out: Path = Path("runs/segment")
    data: Path = shards.DEFAULT_FOLDER
    steps: int = 12000
    stop: int | None = None
    minutes: float | None = None
    batch: int = 16
    sizes: tuple[int, ...] = (128, 160, 224)
    shares: tuple[float, ...] = (0.6, 0.2, 0.2)
    rate: float = 2e-3
    warmup: int = 200
    decay: float = 0.02
    average: float = 0.998
    paste: float = 0.15
    colour: float = 0.4
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


def place_in(config: Config, first: int, step: int, seconds: float) -> int:
    """Where in the schedule a step stands: at its own number, or by the clock when `minutes` is set."""
    if config.minutes is None:
        return step
    done = min(1.0, seconds / 60 / config.minutes)
    return first + round((config.steps - first) * done)


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
    """Cross-entropy + half of Dice + 0.6 x cross-entropy of the coarse head."""
    fine, coarse = net.logits(batch.rgb)
    entropy = functional.binary_cross_entropy_with_logits(fine, batch.target, batch.weight)
    sure = batch.weight.clamp_max(1)
    probability = torch.sigmoid(fine) * sure
    common_area = (probability * batch.target).sum()
    dice = 1 - (2 * common_area + 1) / (probability.sum() + (batch.target * sure).sum() + 1)
    grid = coarse.shape[-2], coarse.shape[-1]
    small = functional.adaptive_avg_pool2d(batch.target, grid)
    trust = functional.adaptive_avg_pool2d(sure, grid)
    second = functional.binary_cross_entropy_with_logits(coarse, small, trust)
    return entropy + 0.5 * dice + 0.6 * second


def canvas_for(size: int) -> int:
    """Side of the canvases that steps of a picture size are cut from."""
    return round(size * 1.6 / 16) * 16


def weight_groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Convolution weights decay; biases and normalisation do not."""
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def load_validation(config: Config) -> people.Canvases:
    """The validation split, smaller when `limit` or `validate_limit` says so."""
    limit = config.validate_limit or config.limit
    return people.load_canvases(
        config.data,
        ["people-*.tar"],
        config.validate_size,
        lambda key: shards.validates("people", key),
        limit,
    )


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
    device = next(net.buffers(), torch.zeros(())).device
    both = either = right = total = small_found = small_all = 0.0
    for start in range(0, len(canvases), batch):
        part = slice(start, start + batch)
        extent = canvases.extent[part]
        guess = net(fill_border(canvases.rgb[part].float() / 255, extent).to(device)).cpu() > 0
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
    sizes["short"] = config.sizes[-1]
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
    net = build_segmenter(1, config.widths, config.depths, config.decoder_widths).to(device)
    common.channels_last(net)
    ema = common.Ema(net, config.average)
    optimizer = torch.optim.AdamW(weight_groups(net, config.decay), config.rate, fused=True)
    modules, optimizers, generators = {"net": net, "ema": ema}, {"adamw": optimizer}, {"draw": generator}
    state = common.load_checkpoint(config.out, modules, optimizers, generators) or {"step": 0}
    log = common.Log(config.out / "log.jsonl", tensorboard=config.tensorboard)
    held_out, pictures = load_validation(config), load_training(config, canvas_for(max(config.sizes)))
    figures: dict[str, float] = state.get("figures", {})
    size, source, mean, started = 0, None, float(state.get("loss", 0)), time.time()
    step = saved = first = state["step"]

    def save(done: int, loss: float) -> dict[str, float]:
        now = validate(ema.module, held_out)
        log.write(done, **now)
        report = {"config": {k: str(v) for k, v in asdict(config).items()}, "loss": loss, "figures": now}
        common.save_checkpoint(config.out, done, modules, optimizers, report, generators)
        export(ema.module, config, config.out / "segment-person.safetensors")
        return now

    while (
        place := place_in(config, first, step, time.time() - started)
    ) < config.steps and step != config.stop:
        if source is None or size != size_at(config, place):
            size = size_at(config, place)
            canvases = people.shrunk(pictures, canvas_for(size)).to(device)
            source = people.Augmenter(canvases, generator, paste=config.paste, colour=config.colour)
        rate = config.rate * common.cosine(place, config.steps, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        net.train()
        loss = loss_of(net, source.batch(config.batch, size))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        ema.update(net)
        value = common.stop_if_not_finite(loss, step)
        mean = value if mean == 0 else 0.98 * mean + 0.02 * value
        step += 1
        if step % LOG_EVERY == 0:
            log.write(step, loss=mean, size=size, rate=rate, seconds=time.time() - started)
        if step % config.every == 0:
            figures, saved = save(step, mean), step
    if saved < step:
        figures = save(step, mean)
    return figures


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
