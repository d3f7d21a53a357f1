"""Training by epochs, as the 2018 report did it: Adam at one rate, a validation after each pass over the pictures.

The weights of the epoch with the lowest validation loss are exported, since what comes after it is overfitting;
the report saw that from epoch 15 of 30. bfloat16 where hardware has it, channels-last weights; compiled on CUDA.
A stopped run (`--steps`, `--minutes`, a kill) goes on in the middle of its epoch, bit for bit on the same CPU.
"""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from training import common
from training.data.shards import DEFAULT_FOLDER
from training.reference import data
from vanisher_core.device import channels_last

Figures = dict[str, float]


@dataclass(frozen=True)
class Config:
    """Settings that both networks of 2018 share.

    `steps` and `minutes` end this run early, to be resumed (0: no such limit); `limit` and `validate` take at
    most so many pictures (0: all); `weights` is the folder that the exported weights of all reference systems
    share.
    """

    out: Path
    data: Path = DEFAULT_FOLDER
    weights: Path = Path("runs/ref-weights")
    epochs: int = 30
    batch: int = 32
    size: int = 224
    rate: float = 1e-3
    steps: int = 0
    minutes: float = 0.0
    limit: int = 0
    validate: int = 0
    seed: int = 0
    threads: int = 1
    device: str = "auto"


class Task(NamedTuple):
    """What one of the networks learns, for `run`."""

    net: nn.Module
    pictures: Tensor
    """N x C x S x S uint8 on the training device, S = `data.margin(size)`."""
    loss: Callable[[Tensor, torch.Generator], Tensor]
    """Loss of a batch, B x C x size x size in [0, 1]; further chance comes from the generator."""
    validate: Callable[[], Figures]
    """Held-out figures of the network in eval mode; "validation_loss" among them."""
    export: Callable[[dict[str, Any]], Path]
    """Writes the weights, with a note on their training."""
    split: dict[str, str]
    """Fingerprints of the pictures that train and validate."""


def prepared(net: nn.Module, network: nn.Module, device: torch.device) -> nn.Module:
    """`net` on the device with channels-last weights; its inner `network` compiled where that pays."""
    channels_last(net.to(device))
    if device.type == "cuda":
        network.compile()
    return net


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where hardware multiplies it, float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device))


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether hardware multiplies bfloat16: CUDA, AVX-512 BF16 and AMX.

    Emulated it is ten times slower than float32 in convolutions on a CPU with AVX2 only.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    probes = (
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    native = device.type == "cpu" and platform.machine() in ("x86_64", "AMD64")
    return native and any(probe is not None and probe() for probe in probes)


def overfitting(history: Sequence[Figures]) -> int | None:
    """The epoch (from 1) after which the validation loss only got worse: the place of its minimum.

    None when that is the last epoch, since overfitting has not begun then.
    """
    if not history:
        return None
    lowest = min(range(len(history)), key=lambda index: history[index]["validation_loss"])
    return None if lowest == len(history) - 1 else lowest + 1


def verdict(history: Sequence[Figures]) -> str:
    """One sentence on overfitting, beside what the report says."""
    if not history:
        return "no epoch is complete yet: run again to go on"
    epoch = overfitting(history)
    if epoch is None:
        return (
            f"validation loss still falls at epoch {len(history)}: no overfitting yet (report: from epoch 15)"
        )
    low, last = history[epoch - 1]["validation_loss"], history[-1]["validation_loss"]
    return (
        f"overfitting starts after epoch {epoch}: validation loss {low:.4f} there, "
        f"{last:.4f} at epoch {len(history)} (report: from epoch 15)"
    )


def run(config: Config, task: Task) -> list[Figures]:
    """Trains, or goes on training; returns the figures of every whole epoch so far."""
    device, started = task.pictures.device, time.monotonic()
    optimizer = torch.optim.Adam(task.net.parameters(), config.rate)
    generator = torch.Generator().manual_seed(config.seed)
    parts = {"net": task.net}, {"adam": optimizer}, {"draw": generator}
    state = common.load_checkpoint(config.out, *parts) or {"step": 0, "history": [], "loss": 0.0}
    step, history, total = state["step"], state["history"], state["loss"]
    log = common.Log(config.out / "log.jsonl")
    batch = min(config.batch, len(task.pictures))
    per_epoch = len(task.pictures) // batch
    last = min(config.epochs * per_epoch, config.steps or config.epochs * per_epoch)
    print(f"device {device}, {task.split}, {per_epoch} steps an epoch, from step {step}")

    def save() -> None:
        settings = {key: str(value) for key, value in asdict(config).items()}
        now = {"config": settings, "split": task.split, "history": history, "loss": total}
        common.save_checkpoint(config.out, step, parts[0], parts[1], now, parts[2])

    saved, sequence = step, data.order(len(task.pictures), config.seed, step // per_epoch)
    while step < last and not (config.minutes and time.monotonic() - started > 60 * config.minutes):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            sequence, total = data.order(len(task.pictures), config.seed, epoch), 0.0
        chosen = sequence[place * batch : (place + 1) * batch]
        task.net.train()
        with autocast(device):
            loss = task.loss(data.cut(task.pictures, chosen, config.size, generator), generator)
        total += common.stop_if_not_finite(loss, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        if step % per_epoch == 0:
            task.net.eval()
            history = [*history, {"train_loss": total / per_epoch, **task.validate()}]
            log.write(step, epoch=epoch + 1, **history[-1], seconds=round(time.monotonic() - started))
            if overfitting(history) is None:
                task.export({"epoch": epoch + 1, "pictures": len(task.pictures), **task.split, **history[-1]})
            save()
            saved = step
    if saved < step:
        save()
    print(verdict(history))
    return history
