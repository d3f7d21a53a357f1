"""DCGAN object elimination, trained: `python -m training.reference.dcgan128`.

    python -m training.reference.dcgan128 --minutes 60              # with the side-switching rule
    python -m training.reference.dcgan128 --no-rule --out runs/ref-dcgan-free --weights runs/ref-dcgan-free
    python -m training.reference.dcgan128 --steps 20 --batch 4 --limit 16 --validate 4 --every 10   # rehearsal

Generator and discriminator play at 128x128, the discriminator's local half at 64x64 centred on the fill
(`training.reference.game`). The rule of the published system lets one side train at a time
(`training.reference.sides`): the discriminator first, the generator when the mean of the last ten discriminator
losses falls below `low`, the discriminator again when it rises above `high`. `--no-rule` trains both in every
step, as GANs usually do. Either way every loss of the discriminator goes to `curve.csv` and `curve.png`, the
active side shaded.

What the published system leaves open and is chosen here: Adam at 2e-4; squared error in the hole + `adversarial` x
cross-entropy of being believed, 0.01 in place of Iizuka's 4e-4, since the rule waits until the generator has fooled
the discriminator; one box of 48-64 pixels a side as hole (Iizuka's 96-128 of 256); the thresholds, round 0.5.
Trained on Places2 as published, here on the Places rooms and photographs of `scenes-*`. No averaged weights.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from training import common
from training.data import shards
from training.plates import save_plate
from training.reference import curve, data, game
from training.reference.epochs import Figures, autocast
from training.reference.holes import random_boxes
from training.reference.sides import WINDOW, SideSwitch
from vanisher_core.device import pick_device
from vanisher_core.models import dcgan128

NAME = "dcgan-128"


@dataclass(frozen=True)
class Config:
    """Trains the DCGAN object eliminator.

    `minutes` ends this run early, to be resumed (0: no limit); `limit` takes at most so many pictures (0: all).
    """

    out: Path = Path("runs/ref-dcgan")
    weights: Path = Path("runs/ref-weights")
    data: Path = shards.DEFAULT_FOLDER
    steps: int = 100_000
    minutes: float = 0.0
    batch: int = 64
    rate: float = 2e-4
    adversarial: float = 0.01
    rule: bool = True
    low: float = 0.4
    high: float = 0.6
    every: int = 500
    limit: int = 0
    validate: int = 96
    seed: int = 0
    threads: int = 1
    device: str = "auto"


class Pictures(NamedTuple):
    """What the game is played with, on the training device."""

    train: Tensor
    """N x 3 x S x S uint8, larger than the networks' picture."""
    validation: Tensor
    """M x 3 x 128 x 128 uint8."""
    holes: Tensor
    """M x 1 x 128 x 128 float32, the same in every run."""
    split: dict[str, str]
    """Fingerprints of both."""


def load_pictures(config: Config, size: int, device: torch.device) -> Pictures:
    """Reads the shards of scenes."""
    train = data.load(config.data, "scenes-0*.tar", data.margin(size), limit=config.limit)
    held_out = data.load(config.data, "scenes-val-*.tar", size, limit=config.validate)
    holes = random_boxes(
        len(held_out.keys), size, *game.hole_sides(size), torch.Generator().manual_seed(1), device
    )
    split = {"train": shards.fingerprint(train.keys), "validation": shards.fingerprint(held_out.keys)}
    return Pictures(train.rgb.to(device), held_out.rgb.to(device), holes, split)


def turn(config: Config, pair: game.Players, batch: game.Batch, switch: SideSwitch, step: int) -> curve.Point:
    """One step of whoever's turn it is.

    Raises:
        FloatingPointError: a loss is not finite.
    """
    side = switch.side if config.rule else "both"
    generator_loss: float | None = None
    if side == "generator":
        generator_loss, loss = game.generator_turn(pair, batch, config.adversarial)
    else:
        loss = game.discriminator_turn(pair, batch)
    if side == "both":
        generator_loss, _ = game.generator_turn(pair, batch, config.adversarial)
    if generator_loss is not None:
        common.stop_if_not_finite(generator_loss, step)
    switch.update(common.stop_if_not_finite(loss, step))
    return curve.Point(step, loss, side)


@torch.no_grad()
def figures(generator: nn.Module, pictures: Pictures, plate: Path) -> Figures:
    """PSNR (dB) and mean absolute error (0-255) inside the fixed holes; draws original, grey hole, completion."""
    generator.eval()
    psnr, absolute, rows = [], [], []
    for rgb, hole in zip(pictures.validation.split(16), pictures.holes.split(16), strict=True):
        truth = rgb.float() / 255
        with autocast(truth.device):
            done = generator(truth, hole).float()
        count = 3 * hole.sum((1, 2, 3))
        error = (done - truth) * hole
        psnr.append(-10 * (error.square().sum((1, 2, 3)) / count).clamp_min(1e-8).log10())
        absolute.append(255 * error.abs().sum((1, 2, 3)) / count)
        grey = truth * (1 - hole) + dcgan128.GREY * hole
        rows.append(torch.stack((truth, grey, done), 1).cpu())
    save_plate(data.spread(torch.cat(rows)), plate)
    generator.train()
    return {"hole_psnr": float(torch.cat(psnr).mean()), "hole_l1": float(torch.cat(absolute).mean())}


def export(generator: nn.Module, config: Config, size: int, note: dict[str, Any]) -> Path:
    """Writes the generator's weights as the registry reads them."""
    header = {"architecture": NAME, "config": {}, "task": "inpaint", "classes": [], "version": "1"}
    extra = {"size": str(size), "training": json.dumps(note)}
    return common.export_weights(generator, config.weights / f"{NAME}.safetensors", header | extra)


def report(
    config: Config, pair: game.Players, pictures: Pictures, points: list[curve.Point], log: common.Log
) -> Figures:
    """Held-out figures, plate, curve and weights after the newest of the points."""
    step = points[-1].step + 1
    found = figures(pair.generator, pictures, config.out / "plate.png")
    lately = [point.loss for point in points[-config.every :]]
    switches = sum(a.side != b.side for a, b in pairwise(points))
    log.write(step, **found, discriminator=sum(lately) / len(lately), side=points[-1].side, switches=switches)
    curve.write(points, config.out / "curve.csv")
    curve.draw(points, config.out / "curve.png", low=config.low, high=config.high, window=WINDOW)
    note = {"step": step, "batch": config.batch, "rule": config.rule, **pictures.split, **found}
    export(pair.generator, config, pair.discriminator.whole.size, note)
    return found


def train(config: Config) -> Figures:
    """Trains, or goes on training; returns the last held-out figures."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device, started = pick_device(config.device), time.monotonic()
    pair, source = game.players(config.rate, device), torch.Generator().manual_seed(config.seed)
    size = pair.discriminator.whole.size
    parts = pair.modules, pair.optimizers, {"draw": source}
    state = common.load_checkpoint(config.out, *parts) or {"step": 0, "losses": [], "side": "discriminator"}
    step, now = state["step"], state.get("figures", {})
    switch = SideSwitch(config.low, config.high, state["losses"], state["side"])
    pictures = load_pictures(config, size, device)
    points, log = curve.read(config.out / "curve.csv", step), common.Log(config.out / "log.jsonl")
    print(f"device {device}, {pictures.split}, rule {'on' if config.rule else 'off'}, from step {step}")

    finished = step >= config.steps
    while not finished:
        batch = game.draw(pictures.train, size, config.batch, source)
        points.append(turn(config, pair, batch, switch, step))
        step += 1
        late = config.minutes > 0 and time.monotonic() - started > 60 * config.minutes
        finished = step >= config.steps or late
        if step % config.every == 0 or finished:
            now = report(config, pair, pictures, points, log)
            settings = {key: str(value) for key, value in asdict(config).items()}
            rule = {"losses": switch.losses, "side": switch.side}
            kept = {"config": settings, "split": pictures.split, "figures": now, **rule}
            common.save_checkpoint(config.out, step, parts[0], parts[1], kept, parts[2])
    return now


def main(argv: list[str]) -> None:
    """Command line entry."""
    train(common.parse_config(Config, argv))


if __name__ == "__main__":
    main(sys.argv[1:])
