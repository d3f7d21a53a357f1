"""Trains the furniture network: `python -m training.furniture --rooms runs/train-rooms --out runs/room-furniture`.

Run it again and it goes on where it stopped. `--start WEIGHTS` begins with the layout network's features, which know
rooms. A cut-down run that ends in seconds: `--steps 4 --batch 2 --size 64 --every 4`.

Loss: cross-entropy of the classes, texels weighted by their area on the sphere, plus soft Dice of everything that is
furniture (Milletari et al., V-Net, 2016, section 3). Figures on rooms never trained on: `iou` of furniture at even
odds, `named`, the share of furniture that is also given its own class, and `alarm`, the share of the sphere that is
called furniture in the empty rooms; `beyond`, the intersection over union of what lies beyond the walls.
`--panoramas DATA` mixes in those labelled by eye (`training.data.labelled`), and adds the figure `labelled`: `iou` on
those held out. `--photographs DATA` pastes photographs labelled by eye into some pictures (`training.data.pasted`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from panorama.rooms import classes as rendered
from training import common, upright
from training.data import labelled, pasted, room_furniture
from training.light import area
from vanisher_core.models.furniture import FurnitureNet, build_furniture


@dataclass(frozen=True)
class Config(upright.Config):
    """Settings of the furniture network's training."""

    out: Path = Path("runs/room-furniture")
    name: str = "room-furniture"
    """Of the weights that are written."""
    size: int = 192
    panoramas: Path | None = None
    """Folder of the shards whose labelled panoramas are learnt from as well."""
    share: float = 0.3
    """Of the pictures, that show one of them."""
    photographs: Path | None = None
    """Folder of the shards whose labelled photographs are pasted in."""
    pasted: float = 0.5
    """Share of the pictures that hold some of them."""


def shares_of(labels: Tensor) -> tuple[Tensor, Tensor]:
    """BxHxW classes -> of every 2x2 texels how much each class covers (BxKxhxw), and is known (Bx1xhxw)."""
    planes = functional.one_hot(labels, room_furniture.BEYOND + 1).movedim(-1, 1).float()
    small = functional.avg_pool2d(planes, 2)
    known = 1 - small[:, rendered.TRIPOD, None]
    return torch.cat([small[:, : len(room_furniture.KINDS)], small[:, room_furniture.BEYOND :]], 1), known


def furniture_of(chances: Tensor) -> Tensor:
    """BxKx... chances or shares of the classes -> Bx1x... of all furniture."""
    return chances[:, 1 : len(room_furniture.KINDS)].sum(1, keepdim=True)


def loss_of(net: FurnitureNet, batch: room_furniture.Batch) -> Tensor:
    """Cross-entropy of the classes plus Dice of furniture."""
    found = net(batch.rgb).float()
    truth, known = shares_of(batch.classes)
    weight = area(found) * known
    entropy = -(truth * found).sum(1, keepdim=True)
    furniture, there = furniture_of(found.exp()) * weight, furniture_of(truth)
    both = (furniture * there).sum()
    dice = 1 - (2 * both + 1) / (furniture.sum() + (there * weight).sum() + 1)
    return (entropy * area(found)).sum() / weight.sum() + 0.5 * dice


@torch.no_grad()
def validate(net: FurnitureNet, source: room_furniture.Rooms, size: int, batch: int) -> dict[str, float]:
    """Figures on rooms never trained on; see the module docstring."""

    def look(which: int) -> Tensor:
        pictures = functional.interpolate(
            source.pictures[:, which].float() / 255, (size, 2 * size), mode="bilinear", antialias=True
        )
        return torch.cat([net(part) for part in pictures.split(batch)])

    found, empty = look(0), look(1)
    labels = functional.interpolate(source.classes[:, None].float(), found.shape[2:])
    weight = area(found) * (labels != rendered.TRIPOD)
    beyond, outside = labels == room_furniture.BEYOND, found[:, -1:] > np.log(0.5)
    guess, truth = furniture_of(found.exp()) > 0.5, (labels > 0) & ~beyond
    own = (found[:, 1 : len(room_furniture.KINDS)].argmax(1, keepdim=True) + 1) == labels
    both = ((guess & truth) * weight).sum()
    return {
        "iou": float(both / ((guess | truth) * weight).sum()),
        "named": float(((guess & truth & own) * weight).sum() / both.clamp_min(1)),
        "alarm": float(((furniture_of(empty.exp()) > 0.5) * area(found)).mean() / area(found).mean()),
        "beyond": float(
            ((beyond & outside) * weight).sum() / ((beyond | outside) * weight).sum().clamp_min(1e-6)
        ),
    }


@torch.no_grad()
def agreement(net: FurnitureNet, source: labelled.Panoramas) -> float:
    """Intersection over union of furniture in labelled panoramas, at even odds."""
    both = either = 0.0
    for picture, labels in zip(source.pictures, source.classes, strict=True):
        found = net(picture[None].float() / 255)
        shares, known = shares_of(labels[None].long())
        guess, truth = furniture_of(found.exp()) > 0.5, furniture_of(shares) > 0.5 * known
        weight = area(found) * (known > 0.5)
        both += float(((guess & truth) * weight).sum())
        either += float(((guess | truth) * weight).sum())
    return both / max(either, 1e-6)


def mixed(
    source: room_furniture.Rooms,
    others: labelled.Panoramas | None,
    seen: pasted.Photographs | None,
    config: Config,
    random: np.random.Generator,
) -> room_furniture.Batch:
    """A batch of rooms, a share of them labelled panoramas if there are any, photographs pasted into some."""
    size = config.size, 2 * config.size
    count = int((random.random(config.batch) < config.share).sum()) if others else 0
    batches = [labelled.draw(others, count, size, random)] if others and count else []
    if count < config.batch:
        batches.append(room_furniture.draw(source, config.batch - count, size, random))
    rgb, classes = zip(*batches, strict=True)
    batch = room_furniture.Batch(torch.cat(rgb), torch.cat(classes))
    return pasted.paste(batch, seen, config.pasted, random) if seen else batch


def train(config: Config) -> dict[str, float]:
    """Trains or resumes; returns the last figures.

    Raises:
        FileNotFoundError: there are no rooms, or no labelled pictures where they are asked for.
        ValueError: there are none to learn from, or none to hold out, or a share is none.
        FloatingPointError: the loss is not finite.
    """
    for name in ("share", "pasted"):
        if not 0 <= getattr(config, name) <= 1:
            raise ValueError(f"{name}={getattr(config, name)} must be from 0 to 1")
    source, held_out = upright.prepared(config, room_furniture.load)
    others, kept = (
        labelled.load(config.panoramas, 2 * config.size, learnt=learnt).to(torch.device(config.device))
        if config.panoramas
        else None
        for learnt in (True, False)
    )
    seen = (
        pasted.load(config.photographs, config.size // 2).to(torch.device(config.device))
        if config.photographs
        else None
    )

    def loss(net: nn.Module, random: np.random.Generator) -> Tensor:
        return loss_of(cast(FurnitureNet, net), mixed(source, others, seen, config, random))

    def figures(net: nn.Module) -> dict[str, float]:
        asked = cast(FurnitureNet, net)
        found = validate(asked, held_out, config.size, config.batch)
        return found | {"labelled": agreement(asked, kept)} if kept else found

    classes = room_furniture.CLASSES
    net = build_furniture(len(classes)).to(config.device)
    job = upright.Job(
        config.name,
        "furniture",
        "furniture",
        net,
        loss,
        figures,
        len(source.seeds) + len(held_out.seeds),
        classes,
        [*(others.keys if others else ()), *(seen.keys if seen else ())],
    )
    return upright.train(config, job)


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
