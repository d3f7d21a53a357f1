"""The loop that trains networks of upright panoramas on rendered rooms: layout, light and furniture.

Rooms whose seed ends in 0 are held out: never trained on, they pick nothing but show how far training has come.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar, cast

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from training import common
from training.data import shards
from training.data.room_views import HELD_OUT
from training.segment import weight_groups
from vanisher_core.models.segmenter import SegmenterNet

LOG_EVERY = 50


@dataclass(frozen=True)
class Config:
    """Settings of a training on rooms."""

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
    bf16: bool = False
    """Multiply in bfloat16 on a CPU too; worth it where the processor has instructions for it."""
    device: str = "cpu"
    seed: int = 0


class Job(NamedTuple):
    """What is learnt: a network with a segmenter's body, its loss on a new batch, and its figures in eval mode."""

    name: str
    architecture: str
    task: str
    net: nn.Module
    loss: Callable[[nn.Module, np.random.Generator], Tensor]
    validate: Callable[[nn.Module], dict[str, float]]
    rooms: int
    classes: tuple[str, ...] = ()
    """Of a network that tells classes apart."""
    others: Sequence[str] = ()
    """Keys of pictures of others that are learnt from as well."""


class Rooms(Protocol):
    """What the networks learn from: tensors of rooms that can be divided and moved."""

    @property
    def seeds(self) -> list[int]:
        """Of the rooms."""
        ...

    def part(self, which: list[int]) -> Self:
        """Some of them."""
        ...

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        ...


R = TypeVar("R", bound=Rooms)


def prepared(config: Config, load: Callable[[Path, int], R]) -> tuple[R, R]:
    """Sets threads and chance, and loads the rooms to learn from and those that are held out.

    Raises:
        FileNotFoundError: there are no rooms.
        ValueError: there are none to learn from, or none to hold out.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    every = load(config.rooms, 2 * config.size).to(torch.device(config.device))
    learnt, kept = split(every.seeds, config.rooms)
    return every.part(learnt), every.part(kept)


def split(seeds: Sequence[int], folder: Path) -> tuple[list[int], list[int]]:
    """Places of the rooms to learn from, and of those that are held out.

    Raises:
        ValueError: there are none of either.
    """
    learnt = [index for index, seed in enumerate(seeds) if seed % HELD_OUT]
    held_out = [index for index, seed in enumerate(seeds) if seed % HELD_OUT == 0]
    if not held_out or not learnt:
        raise ValueError(
            f"{folder} needs rooms to learn from and one whose seed is a multiple of {HELD_OUT}: render more"
        )
    return learnt, held_out


def warm_start(body: SegmenterNet, weights: Path, classes: Sequence[str] = ()) -> int:
    """Takes what fits of a segmenter's weights, its stem with nothing for the added planes; tensors taken.

    Args:
        body: to be given weights.
        weights: a file of weights.
        classes: that the body is to tell apart; if the others are the first of these, their answers are taken too.

    Raises:
        ValueError: nothing fits.
    """
    own, taken = body.state_dict(), 0
    with safe_open(weights, framework="pt") as file:
        others = json.loads((file.metadata() or {}).get("classes", "[]"))
    alike = bool(others) and list(classes[: len(others)]) == others
    for key, tensor in load_file(weights).items():
        name = key.removeprefix("body.")
        if name in own and own[name].shape == tensor.shape:
            own[name], taken = tensor, taken + 1
        elif name in ("head.weight", "head.bias") and alike:
            own[name][: len(tensor)] = tensor
            taken += 1
        elif name in own and own[name].ndim == 4 and own[name].shape[0] == tensor.shape[0]:
            own[name] = torch.zeros_like(own[name])
            own[name][:, : tensor.shape[1]] = tensor
            taken += 1
    if not taken:
        raise ValueError(f"no tensor of {weights} has the name and shape of one of this network's")
    body.load_state_dict(own)
    return taken


def train(config: Config, job: Job) -> dict[str, float]:
    """Trains or resumes; returns the last figures.

    Raises:
        FloatingPointError: the loss is not finite.
        ValueError: nothing of the weights to start with fits.
    """
    device, net = torch.device(config.device), job.net
    common.channels_last(net)
    if config.start is not None:
        taken = warm_start(cast(SegmenterNet, net.body), config.start, job.classes)
        print(f"{taken} of {len(net.state_dict())} tensors start as in {config.start}")
    ema = common.Ema(net, config.average)
    optimizer = torch.optim.AdamW(weight_groups(net, config.decay), config.rate, fused=True)
    modules, optimizers = {"net": net, "ema": ema}, {"adamw": optimizer}
    generators = {"draw": np.random.default_rng(config.seed)}
    state: dict[str, Any] = common.load_checkpoint(config.out, modules, optimizers, generators) or {"step": 0}
    log = common.Log(config.out / "log.jsonl")
    figures: dict[str, float] = state.get("figures", {})
    step, mean, began = int(state["step"]), float(state.get("loss", 0)), time.time()
    reduced = config.bf16 or device.type == "cuda"
    while step < config.steps and step != config.stop:
        rate = config.rate * common.cosine(step, config.steps, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        net.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
            loss = job.loss(net, generators["draw"])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        ema.update(net)
        value = common.stop_if_not_finite(loss, step)
        mean = value if mean == 0 else 0.98 * mean + 0.02 * value
        step += 1
        if step % LOG_EVERY == 0:
            log.write(step, loss=mean, rate=rate, seconds=time.time() - began)
        if step % config.every == 0 or step in (config.steps, config.stop):
            figures = job.validate(ema.module)
            log.write(step, **figures)
            report = {"config": {name: str(value) for name, value in asdict(config).items()}, "loss": mean}
            report |= {"figures": figures}
            common.save_checkpoint(config.out, step, modules, optimizers, report, generators)
            export(job, ema.module, config.out, {"step": step, "rooms": job.rooms} | _others(job) | figures)
    return figures


def _others(job: Job) -> dict[str, float | str]:
    """How many pictures of others, and which."""
    return {"others": len(job.others), "split": shards.fingerprint(job.others)} if job.others else {}


def export(job: Job, net: nn.Module, folder: Path, note: Mapping[str, float | str]) -> Path:
    """Writes the weights in the registry's form."""
    header = {
        "architecture": job.architecture,
        "config": {"classes": len(job.classes)} if job.classes else {},
        "task": job.task,
        "classes": list(job.classes),
        "training": dict(note),
        "version": "1",
    }
    return common.export_weights(net, folder / f"{job.name}.safetensors", header)
