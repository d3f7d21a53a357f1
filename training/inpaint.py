"""Trains the default inpainter: reconstruction first, then (optionally) against global and local critics.

    python -m training.inpaint --data ../shared/data --out runs/inpaint --minutes 90
    python -m training.inpaint --steps 8 --limit 64 --bank 64 --sizes 64 --pixels 16384   # rehearsal, CPU, a minute

A step draws one picture size and as many pictures as the pixel budget allows. The run resumes from its newest
checkpoint, stops on a non-finite loss and after `steps` or `minutes`, whichever comes first; with `minutes` the
learning rate follows the clock, so that a machine of any speed ends its schedule. The averaged weights are
exported with each validation.
"""

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training import losses
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
from training.plates import save_plate
from vanisher_core.models.inpainter import ResidualGenerator, build_inpaint_small


@dataclass(frozen=True)
class Config:
    """Trains the default inpainter."""

    data: Path = Path("../shared/data")
    out: Path = Path("runs/inpaint")
    start: Path | None = None
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
    every: int = 1000
    seed: int = 0
    threads: int = 1
    device: str = "auto"
    compile: bool = False


def generator_loss(model: nn.Module, truth: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Reconstruction and contrast loss of a batch, and the completed pictures."""
    done = model(truth, hole)
    contrast = losses.hole_mean((done.contrast - losses.local_contrast(truth)).abs(), hole)
    return losses.reconstruction(done.rgb, truth, hole) + 2 * contrast, done.rgb


def adversarial_loss(critic: nn.Module, fake: Tensor, truth: Tensor, hole: Tensor) -> Tensor:
    """What the critics say of the fills, plus the distance of their features."""
    score, features = critic(fake, hole)
    with torch.no_grad():
        _, real_features = critic(truth, hole)
    return -score.mean() + 10 * losses.feature_matching(real_features, features)


def critic_step(
    critic: nn.Module, optimizer: torch.optim.Optimizer, fake: Tensor, truth: Tensor, hole: Tensor, r1: float
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
    optimizer.step()
    return float(loss.detach())


@torch.no_grad()
def validate(model: nn.Module, scenes: Scenes, plate: Path) -> dict[str, float]:
    """Masked PSNR (dB, mean over pictures) and contrast error of the fixed validation holes; writes a plate."""
    psnrs, contrasts, shown = [], [], []
    for rgb, hole in zip(scenes.validation.split(8), scenes.validation_holes.split(8), strict=True):
        truth = rgb.float() / 255
        done = model(truth, hole)
        squared = ((done.rgb - truth).square() * hole).sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3)))
        psnrs.append(-10 * squared.clamp_min(1e-8).log10())
        error = (done.contrast - losses.local_contrast(truth)).abs()
        contrasts.append(losses.hole_mean(error, hole))
        shown.append(torch.stack((truth, truth * (1 - hole) + 0.5 * hole, done.rgb), 1)[:2])
    save_plate(torch.cat(shown)[:16], plate)
    return {"psnr": float(torch.cat(psnrs).mean()), "contrast": float(torch.stack(contrasts).mean())}


def export(model: ResidualGenerator, path: Path, note: dict[str, float | int]) -> None:
    """Writes the averaged generator as the registry reads it."""
    metadata = {
        "architecture": "inpaint-small",
        "config": {},
        "task": "inpaint",
        "classes": [],
        "version": "1",
    }
    export_weights(model, path, metadata | {"training": note})


def warm_start(model: ResidualGenerator, weights: Path) -> None:
    """Takes the features of earlier weights but starts again from the smooth fill: the head is zeroed."""
    model.load_state_dict(load_file(weights), strict=True)
    for tensor in list(model.head.parameters())[-2:]:
        nn.init.zeros_(tensor)


def main(config: Config) -> None:
    """Runs, or resumes, the training."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    name = config.device if config.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    log = Log(config.out / "log.jsonl")
    scenes = load_scenes(config.data, config.size, config.limit, config.validate, config.bank, device)
    model = build_inpaint_small().to(device, memory_format=torch.channels_last)
    if config.start is not None:
        warm_start(model, config.start)
    ema = Ema(model, config.decay)
    critic = GlobalLocalCritic().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=0.01)
    critic_optimizer = torch.optim.AdamW(critic.parameters(), config.critic_rate, betas=(0.5, 0.99))
    modules = {"model": model, "ema": ema, "critic": critic}
    optimizers = {"model": optimizer, "critic": critic_optimizer}
    state = load_checkpoint(config.out, modules, optimizers) or {"step": 0, "seconds": 0.0, "pictures": 0}
    forward = torch.compile(model) if config.compile else model
    print(f"device {device}, {scenes.split}, resuming at step {state['step']}")

    step, seconds, seen = int(state["step"]), float(state["seconds"]), int(state["pictures"])
    running = {"loss": 0.0, "critic": 0.0}
    clock = time.monotonic()
    finished = False
    while not finished:
        # one picture size a step; the rate follows the clock when minutes are given
        progress = seconds / (60 * config.minutes) if config.minutes else step / config.steps
        rate = (
            cosine(step, step + 1, config.warmup)
            if step < config.warmup
            else cosine(int(progress * 1e6), 10**6, 0)
        )
        for group in optimizer.param_groups:
            group["lr"] = config.rate * max(rate, 0.01)
        size = config.sizes[int(torch.randint(len(config.sizes), ()))]
        batch = max(1, config.pixels // size**2)
        truth = augmented(scenes.train, batch, size).contiguous(memory_format=torch.channels_last)
        hole = scenes.holes.sample(batch, size)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss, fake = generator_loss(forward, truth, hole)
            if config.adversarial:
                running["critic"] += critic_step(critic, critic_optimizer, fake, truth, hole, config.r1)
                loss = loss + config.adversarial * adversarial_loss(critic, fake, truth, hole)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        ema.update(model)
        running["loss"] += float(loss.detach())
        step, seen = step + 1, seen + batch
        seconds, clock = seconds + time.monotonic() - clock, time.monotonic()
        finished = step >= config.steps or (config.minutes > 0 and seconds >= 60 * config.minutes)

        if step % config.every == 0 or finished:
            means = {key: stop_if_not_finite(total, step) / config.every for key, total in running.items()}
            running = dict.fromkeys(running, 0.0)
            figures = validate(ema.module, scenes, config.out / "plate.png")
            log.write(
                step,
                **means,
                **figures,
                pictures=seen,
                seconds=round(seconds),
                rate=optimizer.param_groups[0]["lr"],
            )
            note = {"step": step, "pictures": seen, "seconds": round(seconds)} | figures
            export(ema.module, config.out / "inpaint-small.safetensors", note)  # type: ignore[arg-type]
            sidecar = {
                "config": asdict(config),
                "seconds": seconds,
                "pictures": seen,
                "split": scenes.split,
            } | figures
            save_checkpoint(config.out, step, modules, optimizers, sidecar)
            clock = time.monotonic()


if __name__ == "__main__":
    main(parse_config(Config, sys.argv[1:]))
