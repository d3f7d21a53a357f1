"""Trains a segmenter: `python -m training.segment [--task person|furniture] --out runs/segment`.

Run it again and it goes on where it stopped, with any setting changed. `--sizes 128 160 224 --shares 0.6
0.2 0.2` trains small pictures first: a step at 128 pixels costs a third of one at 224, and early on it
teaches as much. A cut-down run that ends in seconds: `--steps 4 --batch 2 --sizes 64 --shares 1 --limit 8`.
Several processes: `torchrun --nproc-per-node 4 -m training.segment ...`; `--batch` is that of one process.
`--teacher SHARD` mixes in photographs that `training.teacher` has labelled, `--rooms FOLDER` views of rendered rooms,
`--panoramas FOLDER` views of the panoramas in its shards that were labelled by eye, `--photographs FOLDER` photographs
that were.
`--start WEIGHTS` begins with another segmenter's features (of as many layers as fit).

Loss: binary cross-entropy of each class, outlines weighted more, doubtful background less and unknown pixels
not at all (`training/data/people.py`, `interiors.py`), plus soft Dice over the batch (Milletari et al., V-Net,
2016, section 3; of each process's own batch) and a small cross-entropy on the coarse second head. The average
of the weights is what gets validated and exported, every `--every` steps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from training import common, distributed
from training.data import canvases, people, shards
from training.segment_tasks import TASKS, Sources, split_of
from vanisher_core.models.segmenter import SegmenterNet, build_segmenter

ARCHITECTURE = "segmenter"
LOG_EVERY = 50
VERSION = "1"


@dataclass(frozen=True)
class Config:
    """Settings of a segmenter's training.

    `stop` ends this run early, to be resumed; `minutes` spreads what is left of the schedule over this
    run's clock instead of counting steps (the run then does not repeat bit for bit). `bf16` is for CPUs that
    multiply bfloat16 (AMX): 1.5 times the pictures a second; CUDA always works in it.
    """

    task: str = "person"
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
    degrade: float = 0.0
    scenes: int = 2500
    teacher: Path | None = None
    rooms: Path | None = None
    panoramas: Path | None = None
    photographs: Path | None = None
    start: Path | None = None
    every: int = 300
    validate_size: int = 192
    validate_limit: int | None = None
    limit: int | None = None
    widths: tuple[int, ...] = (16, 32, 64, 144, 256)
    depths: tuple[int, ...] = (1, 2, 5, 2)
    decoder_widths: tuple[int, ...] = (16, 32, 48, 96, 128)
    threads: int = 1
    bf16: bool = False
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
    """Cross-entropy + half of Dice (mean over classes) + 0.6 x cross-entropy of the coarse head."""
    fine, coarse = net.logits(batch.rgb)
    fine, coarse = fine.float(), coarse.float()
    entropy = functional.binary_cross_entropy_with_logits(fine, batch.target, batch.weight)
    sure = batch.weight.clamp_max(1)
    probability, target = torch.sigmoid(fine) * sure, batch.target * sure
    common_area = (probability * batch.target).sum((0, 2, 3))
    dice = 1 - (2 * common_area + 1) / (probability.sum((0, 2, 3)) + target.sum((0, 2, 3)) + 1)
    grid = coarse.shape[-2], coarse.shape[-1]
    trust = functional.adaptive_avg_pool2d(sure, grid)
    small = functional.adaptive_avg_pool2d(target, grid) / trust.clamp_min(1e-6)
    second = functional.binary_cross_entropy_with_logits(coarse, small.clamp(0, 1), trust)
    return entropy + 0.5 * dice.mean() + 0.6 * second


def canvas_for(size: int) -> int:
    """Side of the canvases that steps of a picture size are cut from."""
    return round(size * 1.6 / 16) * 16


def weight_groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Convolution weights decay; biases and normalisation do not."""
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def export(net: nn.Module, config: Config, path: Path, note: Mapping[str, Any]) -> Path:
    """Writes the weights in the registry's form; `note` tells the card how they came to be."""
    sizes = {name: getattr(config, name) for name in ("widths", "depths", "decoder_widths")}
    sizes["short"] = config.sizes[-1]
    classes = TASKS[config.task].classes
    header = {
        "architecture": ARCHITECTURE,
        "config": {"classes": len(classes)} | sizes,
        "task": "segment",
        "classes": list(classes),
        "training": dict(note),
    }
    return common.export_weights(net, path, header | {"version": VERSION})


def warm_start(net: nn.Module, weights: Path) -> int:
    """Takes what fits of another segmenter's weights; the number of tensors taken.

    Raises:
        ValueError: nothing fits.
    """
    own, other = net.state_dict(), load_file(weights)
    fitting = {
        name: tensor for name, tensor in other.items() if name in own and own[name].shape == tensor.shape
    }
    if not fitting:
        raise ValueError(f"no tensor of {weights} has the name and shape of one of this network's")
    net.load_state_dict(own | fitting)
    return len(fitting)


def train(config: Config) -> dict[str, float]:
    """Trains or resumes; returns the last validation figures (empty in all processes but the first).

    Raises:
        ValueError: an unknown task, or sizes that do not fit their shares.
        FloatingPointError: the loss is not finite.
    """
    if config.task not in TASKS:
        raise ValueError(f"task={config.task!r} is unknown; use one of {', '.join(TASKS)}")
    task = TASKS[config.task]
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    world = distributed.start(config.device)
    generator = torch.Generator().manual_seed(config.seed)
    net = build_segmenter(len(task.classes), config.widths, config.depths, config.decoder_widths)
    net = net.to(world.device)
    common.channels_last(net)
    if config.start is not None:
        taken = warm_start(net, config.start)
        print(f"{taken} of {len(net.state_dict())} tensors start as in {config.start}")
    ema = common.Ema(net, config.average)
    optimizer = torch.optim.AdamW(weight_groups(net, config.decay), config.rate, fused=True)
    modules, optimizers, generators = {"net": net, "ema": ema}, {"adamw": optimizer}, {"draw": generator}
    state = common.load_checkpoint(config.out, modules, optimizers, generators) or {"step": 0}
    distributed.share(world, modules.values())
    distributed.reseed(world, config.seed, state["step"], generator)
    log = common.Log(config.out / "log.jsonl", tensorboard=config.tensorboard) if world.leads else None
    held_out = task.validation(config.data, config.validate_size, config.validate_limit or config.limit)
    canvas = canvas_for(max(config.sizes))
    wanted = Sources(
        config.data, canvas, config.limit, config.scenes, config.teacher, config.rooms, config.panoramas,
        config.photographs,
    )  # fmt: skip
    pictures = task.training(wanted)
    split = split_of(pictures.keys, held_out.keys)
    figures: dict[str, float] = state.get("figures", {})
    size, source, mean, started = 0, None, float(state.get("loss", 0)), time.time()
    step = saved = first = state["step"]

    def save(done: int, loss: float) -> dict[str, float]:
        distributed.check_equal(world, net)
        now: dict[str, float] = {}
        if log is not None:
            now = task.validate(ema.module, held_out)
            log.write(done, **now)
            settings = {name: str(value) for name, value in asdict(config).items()}
            report = {"config": settings, "split": split, "loss": loss, "figures": now}
            common.save_checkpoint(config.out, done, modules, optimizers, report, generators)
            note = {"step": done, "split": split} | now
            export(ema.module, config, config.out / f"segment-{config.task}.safetensors", note)
        distributed.reseed(world, config.seed, done, generator)
        return now

    def place() -> int:
        return place_in(config, first, step, distributed.agreed(world, time.time() - started))

    while (at := place()) < config.steps and step != config.stop:
        if source is None or size != size_at(config, at):
            size = size_at(config, at)
            smaller = canvases.shrunk(pictures, canvas_for(size)).to(world.device)
            losses = {"paste": config.paste, "colour": config.colour, "degrade": config.degrade}
            source = task.augmenter(smaller, generator, **losses)
        rate = config.rate * common.cosine(at, config.steps, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        net.train()
        batch = source.batch(config.batch, size)
        with torch.autocast(
            world.device.type, torch.bfloat16, enabled=config.bf16 or world.device.type == "cuda"
        ):
            loss = loss_of(net, batch)
        optimizer.zero_grad()
        loss.backward()
        distributed.average(world, net)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        ema.update(net)
        value = common.stop_if_not_finite(loss, step)
        mean = value if mean == 0 else 0.98 * mean + 0.02 * value
        step += 1
        if log is not None and step % LOG_EVERY == 0:
            log.write(step, loss=mean, size=size, rate=rate, seconds=time.time() - started)
        if step % config.every == 0:
            figures, saved = save(step, mean), step
    if saved < step:
        figures = save(step, mean)
    distributed.stop(world)
    return figures


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
