"""Trains the default inpainter: reconstruction first, then (optionally) against global and local critics.

    python -m training.inpaint --data ../shared/data --out runs/inpaint --minutes 90
    python -m training.inpaint --steps 8 --limit 64 --bank 64 --sizes 64 --pixels 16384   # rehearsal, CPU, a minute
    torchrun --nproc-per-node 4 -m training.inpaint ...                                   # several GPUs

A step draws one picture size and as many pictures as the pixel budget allows. The run resumes from its newest
checkpoint, stops on a non-finite loss and after `steps` or `minutes`, whichever comes first; with `minutes` the
learning rate follows the clock, so that a machine of any speed ends its schedule. The averaged weights are
exported with each validation. `--pixels` is the budget of one process (`training.distributed`).
`--rooms FOLDER` mixes in views of rendered rooms without furniture; `--keep-head` goes on from `--start` as it is.
"""

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training import distributed, losses
from training.common import (
    Ema,
    Log,
    cosine,
    export_weights,
    load_checkpoint,
    parse_config,
    save_checkpoint,
    stop_if_not_finite,
)
from training.data.scenes import Scenes, augmented, load_scenes
from training.discriminator import GlobalLocalCritic
from training.distributed import ALONE, World
from training.perceptual import Perceptual
from training.plates import save_plate
from vanisher_core.device import channels_last
from vanisher_core.models.inpainter import ResidualGenerator, build_inpaint_small


@dataclass(frozen=True)
class Config:
    """Trains the default inpainter."""

    data: Path = Path("../shared/data")
    out: Path = Path("runs/inpaint")
    start: Path | None = None
    keep_head: bool = False
    rooms: Path | None = None
    room_share: float = 0.3
    steps: int = 1_000_000
    minutes: float = 0.0
    sizes: tuple[int, ...] = (128, 128, 128, 192, 256)
    pixels: int = 16 * 128 * 128
    size: int = 256
    limit: int = 0
    validate: int = 96
    bank: int = 6000
    rate: float = 2e-3
    warmup: int = 200
    decay: float = 0.999
    adversarial: float = 0.0
    critic_rate: float = 2e-4
    r1: float = 1.0
    r1_every: int = 16
    perceptual: float = 0.0
    perceptual_weights: Path | None = None
    every: int = 1000
    seed: int = 0
    threads: int = 1
    device: str = "auto"
    compile: bool = False


def generator_loss(model: nn.Module, truth: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Reconstruction and contrast loss of a batch, and the completed pictures."""
    done = model(truth, hole)
    # squared, so that the head learns the mean: the median of absolute error is too smooth
    contrast = losses.hole_mean((done.contrast - losses.local_contrast(truth)).square(), hole)
    return losses.reconstruction(done.rgb, truth, hole) + 60 * contrast, done.rgb


def adversarial_loss(critic: nn.Module, fake: Tensor, truth: Tensor, hole: Tensor) -> Tensor:
    """What the critics say of the fills, plus the distance of their features."""
    score, features = critic(fake, hole)
    with torch.no_grad():
        _, real_features = critic(truth, hole)
    return -score.mean() + 10 * losses.feature_matching(real_features, features)


def critic_step(
    critic: nn.Module,
    optimizer: torch.optim.Optimizer,
    fake: Tensor,
    truth: Tensor,
    hole: Tensor,
    r1: float,
    world: World = ALONE,
) -> float:
    """One step of the critics; returns their loss."""
    truth = truth.detach().requires_grad_(r1 > 0)
    real_score, _ = critic(truth, hole)
    fake_score, _ = critic(fake.detach(), hole)
    loss = losses.discriminator_hinge(real_score, fake_score)
    if r1 > 0:
        loss = loss + r1 * losses.r1_penalty(real_score, truth)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    distributed.average(world, critic)
    optimizer.step()
    return float(loss.detach())


@torch.no_grad()
def validate(model: nn.Module, scenes: Scenes, plate: Path) -> dict[str, float]:
    """Masked PSNR (dB, mean over pictures) and contrast error of the fixed validation holes; writes a plate.

    `rooms_psnr` is that of views of rooms never trained on, if there are any.
    """
    figures = _figures(model, scenes.validation, scenes.validation_holes, plate)
    if scenes.rooms_validation is not None:
        holes = scenes.validation_holes[: len(scenes.rooms_validation)]
        own = _figures(model, scenes.rooms_validation, holes, plate.with_name("plate-rooms.png"))
        figures["rooms_psnr"] = own["psnr"]
    return figures


@torch.no_grad()
def _figures(model: nn.Module, pictures: Tensor, holes: Tensor, plate: Path) -> dict[str, float]:
    psnrs, contrasts, shown = [], [], []
    for rgb, hole in zip(pictures.split(8), holes.split(8), strict=True):
        truth = rgb.float() / 255
        done = model(truth, hole)
        squared = ((done.rgb - truth).square() * hole).sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3)))
        psnrs.append(-10 * squared.clamp_min(1e-8).log10())
        error = (done.contrast - losses.local_contrast(truth)).abs()
        contrasts.append(losses.hole_mean(error, hole))
        shown.append(torch.stack((truth, truth * (1 - hole) + 0.5 * hole, done.rgb), 1)[:2])
    save_plate(torch.cat(shown)[:16], plate)
    return {"psnr": float(torch.cat(psnrs).mean()), "contrast": float(torch.stack(contrasts).mean())}


def export(model: nn.Module, path: Path, note: dict[str, Any]) -> None:
    """Writes the averaged generator as the registry reads it."""
    metadata = {
        "architecture": "inpaint-small",
        "config": {},
        "task": "inpaint",
        "classes": [],
        "version": "1",
    }
    export_weights(model, path, metadata | {"training": note})


def warm_start(model: ResidualGenerator, weights: Path, *, keep_head: bool = False) -> None:
    """Takes earlier weights; unless the head is kept, it is zeroed, and the smooth fill is the start again."""
    model.load_state_dict(load_file(weights), strict=True)
    for tensor in [] if keep_head else list(model.head.parameters())[-2:]:
        nn.init.zeros_(tensor)


class Run(NamedTuple):
    """Everything a training step needs, and what a checkpoint keeps."""

    model: ResidualGenerator
    ema: Ema
    critic: GlobalLocalCritic
    optimizer: torch.optim.Optimizer
    critic_optimizer: torch.optim.Optimizer
    perceptual: Perceptual | None = None

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By the names of a checkpoint's parts."""
        return {"model": self.model, "ema": self.ema, "critic": self.critic}

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """By the names of a checkpoint's parts."""
        return {"model": self.optimizer, "critic": self.critic_optimizer}


def build(config: Config, device: torch.device) -> Run:
    """Networks and optimisers at their start."""
    model = channels_last(build_inpaint_small().to(device))
    if config.start is not None:
        warm_start(model, config.start, keep_head=config.keep_head)
    critic = channels_last(GlobalLocalCritic().to(device))
    return Run(
        model,
        Ema(model, config.decay),
        critic,
        torch.optim.AdamW(model.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=0.01),
        torch.optim.AdamW(critic.parameters(), config.critic_rate, betas=(0.5, 0.99)),
        Perceptual(config.perceptual_weights, device) if config.perceptual else None,
    )


def learning_rate(config: Config, step: int, seconds: float) -> float:
    """Warm-up by steps, then a cosine by steps or, when minutes are given, by the clock; never below 1 %."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    progress = seconds / (60 * config.minutes) if config.minutes else step / config.steps
    return config.rate * max(cosine(int(progress * 1e6), 10**6, 0), 0.01)


def draw(config: Config, scenes: Scenes) -> tuple[Tensor, Tensor]:
    """Pictures of one random size, as many as the pixel budget allows, and a hole for each."""
    size = config.sizes[int(torch.randint(len(config.sizes), ()))]
    batch = max(1, config.pixels // size**2)
    source = scenes.train
    if scenes.rooms is not None and float(torch.rand(())) < config.room_share:
        source = scenes.rooms
    truth = augmented(source, batch, size).contiguous(memory_format=torch.channels_last)
    return truth, scenes.holes.sample(batch, size)


def train_step(
    config: Config, run: Run, truth: Tensor, hole: Tensor, step: int, world: World = ALONE
) -> tuple[float, float]:
    """One step of the critics and the generator; returns the generator's loss and that of the critics.

    Every loss is a mean over pictures, so that processes which average their gradients take the step of one
    process with all their pictures.
    """
    critics = 0.0
    with torch.autocast(truth.device.type, torch.bfloat16, enabled=truth.is_cuda):
        loss, fake = generator_loss(run.model, truth, hole)
        if config.adversarial:
            # the penalty is a second derivative and dear: seldom and heavier (Karras et al. 2020, section 3.1)
            r1 = 0.0 if step % config.r1_every else config.r1 * config.r1_every
            critics = critic_step(run.critic, run.critic_optimizer, fake, truth, hole, r1, world)
            loss = loss + config.adversarial * adversarial_loss(run.critic, fake, truth, hole)
        if run.perceptual is not None:
            loss = loss + config.perceptual * run.perceptual.distance(fake, truth)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    distributed.average(world, run.model)
    nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.step()
    run.ema.update(run.model)
    return float(loss.detach()), critics


def main(config: Config) -> None:
    """Runs, or resumes, the training."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    world = distributed.start(config.device)
    scenes = load_scenes(
        config.data, config.size, config.limit, config.validate, config.bank, world.device, config.rooms
    )
    run = build(config, world.device)
    state = load_checkpoint(config.out, run.modules, run.optimizers) or {}
    step, seconds, seen = (state.get(key, 0) for key in ("step", "seconds", "pictures"))
    distributed.share(world, run.modules.values())
    distributed.reseed(world, config.seed, step)
    if config.compile:
        run.model.compile()
    log = Log(config.out / "log.jsonl") if world.leads else None
    if world.leads:
        print(f"device {world.device} x {world.size}, {scenes.split}, resuming at step {step}")

    losses_since, critics_since, steps_since = 0.0, 0.0, 0
    clock = time.monotonic()
    finished = False
    while not finished:
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate(config, step, seconds)
        truth, hole = draw(config, scenes)
        loss, critics = train_step(config, run, truth, hole, step, world)
        losses_since += stop_if_not_finite(loss, step)
        critics_since += critics
        step, seen, steps_since = step + 1, seen + len(truth) * world.size, steps_since + 1
        seconds, clock = seconds + time.monotonic() - clock, time.monotonic()
        if config.minutes:
            seconds = distributed.agreed(world, seconds)
        finished = step >= config.steps or (config.minutes > 0 and seconds >= 60 * config.minutes)

        # once in a while: validate, export, save
        if step % config.every == 0 or finished:
            distributed.check_equal(world, run.model)
            distributed.check_equal(world, run.critic)
            if log is not None:
                figures = validate(run.ema.module, scenes, config.out / "plate.png")
                done: dict[str, Any] = {"pictures": seen, "seconds": round(seconds)}
                means = {"loss": losses_since / steps_since, "critic": critics_since / steps_since}
                log.write(step, **done, **means, **figures, rate=run.optimizer.param_groups[0]["lr"])
                note = {"step": step, "split": scenes.split} | done | figures
                export(run.ema.module, config.out / "inpaint-small.safetensors", note)
                state = {
                    "config": asdict(config),
                    "split": scenes.split,
                    **done,
                    "seconds": seconds,
                    **figures,
                }
                save_checkpoint(config.out, step, run.modules, run.optimizers, state)
            distributed.reseed(world, config.seed, step)
            losses_since, critics_since, steps_since = 0.0, 0.0, 0
            clock = time.monotonic()
    distributed.stop(world)


if __name__ == "__main__":
    main(parse_config(Config, sys.argv[1:]))
