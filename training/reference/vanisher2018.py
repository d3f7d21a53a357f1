"""The Vanisher Network (2018), trained: `python -m training.reference.vanisher2018 segment|fill|plate`.

    python -m training.reference.vanisher2018 segment     # person segmenter: RGB -> bit mask
    python -m training.reference.vanisher2018 fill        # autoencoder: RGB with 5-10 % removed, and the hole -> RGB
    python -m training.reference.vanisher2018 plate       # original, masked, network output, composite in rows
    ... segment --limit 8 --validate 4 --batch 2 --size 32 --epochs 2 --device cpu     # rehearsal, half a minute

Each network is read from the report's layer table, 21.3 M parameters (`vanisher_core.models.vanisher2018` says how;
the report's prose has "about 30 M", which no reading of the table gives). 30 epochs of 224x224 pictures. The
report trained the segmenter on 68 k COCO photographs with people and 5 k without, the autoencoder on Places; here
it is the training split of `people-*` (4,046, more than a third without people) and `scenes-*` (8,936).

What the report leaves open and is chosen here: Adam at 1e-3, batch 32; cross-entropy of every pixel for the
segmenter, squared error of the whole picture for the autoencoder (it is one, and its report shows the whole
output); holes of one to six boxes and ellipses; random crop and mirror. No averaged weights, no other losses.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training import common
from training.data import shards
from training.plates import save_plate
from training.reference import data, epochs
from training.reference.endtoend import vanish_people, whole_output
from training.reference.holes import random_parts
from training.reference.methods import load_autoencoder, load_segmenter
from vanisher_core.device import pick_device
from vanisher_core.models import vanisher2018

PUBLISHED_ACCURACY = 0.97
"""Pixel accuracy on validation that the report gives; it flatters, since most pixels are background."""

SEGMENTER, AUTOENCODER = "vanisher-2018-segmenter", "vanisher-2018-autoencoder"


@dataclass(frozen=True)
class SegmentConfig(epochs.Config):
    """Trains the person segmenter of 2018."""

    out: Path = Path("runs/ref-2018-segment")


@dataclass(frozen=True)
class FillConfig(epochs.Config):
    """Trains the hole-filling autoencoder of 2018."""

    out: Path = Path("runs/ref-2018-fill")


@dataclass(frozen=True)
class PlateConfig:
    """Runs both networks end to end on held-out photographs with people and draws the report's plate."""

    out: Path = Path("runs/ref-2018-plate.png")
    weights: Path = Path("runs/ref-weights")
    data: Path = shards.DEFAULT_FOLDER
    rows: int = 8
    threads: int = 1
    device: str = "auto"


def segment_task(config: SegmentConfig, device: torch.device) -> epochs.Task:
    """The segmenter, its photographs and its figures."""

    def validates(key: str) -> bool:
        return shards.validates("people", key)

    train = data.load(
        config.data, "people-*.tar", data.margin(config.size), predicate=lambda key: not validates(key),
        limit=config.limit, masks=True,
    )  # fmt: skip
    held_out = data.load(
        config.data, "people-*.tar", config.size, predicate=validates, limit=config.validate, masks=True
    ).to(device)
    net = vanisher2018.build_segmenter()
    epochs.prepared(net, net.network, device)

    def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
        return functional.binary_cross_entropy_with_logits(net(batch[:, :3]), batch[:, 3:])

    def validate() -> epochs.Figures:
        return segment_figures(net, held_out, config.out / "plate.png")

    def export(note: dict[str, Any]) -> Path:
        return _export(net, config, SEGMENTER, "segment", ["person"], note)

    return epochs.Task(net, train.layers.to(device), loss, validate, export, _split(train, held_out))


def fill_task(config: FillConfig, device: torch.device) -> epochs.Task:
    """The autoencoder, its photographs and its figures."""
    train = data.load(config.data, "scenes-0*.tar", data.margin(config.size), limit=config.limit)
    held_out = data.load(config.data, "scenes-val-*.tar", config.size, limit=config.validate).to(device)
    fixed = random_parts(len(held_out.keys), config.size, torch.Generator().manual_seed(1), device)
    net = vanisher2018.build_autoencoder()
    epochs.prepared(net, net.network, device)

    def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
        hole = random_parts(len(batch), config.size, generator, device)
        return functional.mse_loss(whole_output(net, batch, hole), batch)

    def validate() -> epochs.Figures:
        return fill_figures(net, held_out, fixed, config.out / "plate.png")

    def export(note: dict[str, Any]) -> Path:
        return _export(net, config, AUTOENCODER, "inpaint", [], note)

    return epochs.Task(net, train.layers.to(device), loss, validate, export, _split(train, held_out))


@torch.no_grad()
def segment_figures(net: nn.Module, held_out: data.Squares, plate: Path) -> epochs.Figures:
    """Cross-entropy, pixel accuracy and pooled IoU of "person"; draws original, true mask, found mask."""
    entropy = right = both = either = 0.0
    rows = []
    for rgb, mask in zip(held_out.rgb.split(16), held_out.mask.split(16), strict=True):
        x, truth = rgb.float() / 255, mask.float() / 255
        with epochs.autocast(x.device):
            logits = net(x)
        found, there = logits > 0, truth > 0.5
        entropy += float(functional.binary_cross_entropy_with_logits(logits.float(), truth, reduction="sum"))
        right += float((found == there).sum())
        both, either = both + float((found & there).sum()), either + float((found | there).sum())
        rows.append(torch.stack((x, truth.expand_as(x), found.float().expand_as(x)), 1).cpu())
    save_plate(data.spread(torch.cat(rows)), plate)
    pixels = held_out.mask.numel()
    return {"validation_loss": entropy / pixels, "accuracy": right / pixels, "iou": both / max(either, 1.0)}


@torch.no_grad()
def fill_figures(
    net: vanisher2018.Autoencoder2018, held_out: data.Squares, holes: Tensor, plate: Path
) -> epochs.Figures:
    """Squared error of the whole output, PSNR (dB) inside the holes; draws the report's four pictures."""
    whole, psnr, rows = 0.0, [], []
    for rgb, hole in zip(held_out.rgb.split(16), holes.split(16), strict=True):
        truth = rgb.float() / 255
        with epochs.autocast(truth.device):
            output = whole_output(net, truth, hole)
        squared = (output - truth).square()
        whole += float(squared.sum())
        inside = (squared * hole).sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3)))
        psnr.append(-10 * inside.clamp_min(1e-8).log10())
        composite = torch.where(hole > 0, output, truth)
        rows.append(torch.stack((truth, truth * (1 - hole), output, composite), 1).cpu())
    save_plate(data.spread(torch.cat(rows)), plate)
    return {"validation_loss": whole / held_out.rgb.numel(), "hole_psnr": float(torch.cat(psnr).mean())}


def train(config: SegmentConfig | FillConfig) -> list[epochs.Figures]:
    """Trains, or goes on training, one of the two networks; returns the figures of every whole epoch."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = pick_device(config.device)
    if isinstance(config, FillConfig):
        return epochs.run(config, fill_task(config, device))
    history = epochs.run(config, segment_task(config, device))
    if history:
        print(f"pixel accuracy {history[-1]['accuracy']:.4f} (report: about {PUBLISHED_ACCURACY:.2f})")
    return history


def draw_plate(config: PlateConfig) -> Path:
    """Original, masked, network output and composite of held-out photographs with people, found by the system.

    Raises:
        ModelError: one of the two weight files is missing or damaged.
        FileNotFoundError: there is no such photograph.
    """
    torch.set_num_threads(config.threads)
    device = pick_device(config.device)
    segmenter, segment_size = load_segmenter(config.weights, device)
    autoencoder, fill_size = load_autoencoder(config.weights, device)
    found = data.load(
        config.data, "people-*.tar", fill_size, predicate=lambda key: shards.validates("people", key),
        limit=4 * config.rows, masks=True,
    )  # fmt: skip
    with_people = (found.mask > 127).float().mean((1, 2, 3)) > 0.02
    if not with_people.any():
        raise FileNotFoundError(f"{config.data} holds no validation photograph with people: check --data")
    rows = []
    for rgb in found.rgb[with_people][: config.rows]:
        done = vanish_people(
            segmenter, autoencoder, rgb.permute(1, 2, 0).numpy(), sizes=(segment_size, fill_size)
        )
        rows.append(np.stack(done[:4]).transpose(0, 3, 1, 2).astype(np.float32) / 255)
    save_plate(torch.from_numpy(np.stack(rows)), config.out)
    print(f"wrote {config.out}: original, masked, network output, composite")
    return config.out


def _export(
    net: nn.Module, config: epochs.Config, name: str, task: str, classes: list[str], note: dict[str, Any]
) -> Path:
    header = {"architecture": name, "config": {}, "task": task, "classes": classes, "version": "1"}
    extra = {"size": str(config.size), "training": json.dumps(note)}
    return common.export_weights(net, config.weights / f"{name}.safetensors", header | extra)


def _split(train: data.Squares, held_out: data.Squares) -> dict[str, str]:
    return {"train": shards.fingerprint(train.keys), "validation": shards.fingerprint(held_out.keys)}


def main(argv: list[str]) -> None:
    """Command line entry: the first argument says what to do, `--help` after it shows its settings."""
    match argv[:1]:
        case ["segment"]:
            train(common.parse_config(SegmentConfig, argv[1:]))
        case ["fill"]:
            train(common.parse_config(FillConfig, argv[1:]))
        case ["plate"]:
            draw_plate(common.parse_config(PlateConfig, argv[1:]))
        case _:
            asked = argv[0] if argv else "nothing"
            print(f"{__doc__}\n{asked!r} is no part: use segment, fill or plate", file=sys.stderr)
            raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
