"""What each of two real processes does in `test_distributed.py`; stands alone so that it can be spawned."""

import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from training import distributed, inpaint, segment
from training.distributed import World
from vanisher_core.models import segmenter
from vanisher_core.models.inpainter import ResidualGenerator

TINY_SEGMENTER: dict[str, Any] = {
    "widths": (8, 8, 16, 16, 24),
    "depths": (1, 1, 1, 1),
    "decoder_widths": (8, 8, 8, 16, 16),
    "sizes": (32,),
    "shares": (1.0,),
    "batch": 3,
    "validate_size": 48,
    "warmup": 1,
    "average": 0.5,
    "rate": 1e-2,
}


def tiny_generator() -> ResidualGenerator:
    return ResidualGenerator(widths=(8, 12), encoder_blocks=(1, 1), decoder_blocks=(1,))


def one_step(
    config: inpaint.Config, truth: torch.Tensor, hole: torch.Tensor, world: World
) -> dict[str, torch.Tensor]:
    """A step of generator and critics, from a seeded start, and all weights after it."""
    torch.manual_seed(3)
    run = inpaint.build(config, torch.device("cpu"))
    inpaint.train_step(config, run, truth, hole, 0, world)
    return {
        f"{name}.{key}": t
        for name in ("model", "critic")
        for key, t in run.modules[name].state_dict().items()
    }


def work(rank: int, folder: Path, data: Path, configs: dict[str, inpaint.Config]) -> None:
    """Joins the group and leaves what this process ended with in `folder`."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    world = distributed.start("cpu")
    inpaint.build_inpaint_small = tiny_generator
    real_stop, distributed.stop = distributed.stop, lambda world: None  # one group for all runs

    batch = torch.load(folder / "batch.pt")
    mine = slice(rank * 2, rank * 2 + 2)
    torch.save(
        one_step(configs["step"], batch["truth"][mine], batch["hole"][mine], world), folder / f"step.{rank}"
    )

    kept: list[dict[str, torch.Tensor]] = []
    real_check = distributed.check_equal

    def check(world: World, module: torch.nn.Module) -> None:
        real_check(world, module)
        kept.append({name: tensor.clone() for name, tensor in module.state_dict().items()})

    distributed.check_equal = check
    inpaint.main(configs["loop"])
    torch.save(kept[-2], folder / f"inpaint.{rank}")  # the last is the critics'
    for name, changes in (
        ("whole", {"every": 2}),
        ("parts", {"every": 2, "stop": 2}),
        ("parts", {"every": 2}),
    ):
        settings: dict[str, Any] = TINY_SEGMENTER | changes
        config = segment.Config(out=folder / name, data=data, steps=4, limit=8, **settings)
        segment.train(config)
        torch.save(kept[-1], folder / f"{name}.{rank}")

    strange = segmenter.build_segmenter(
        1, **{k: TINY_SEGMENTER[k] for k in ("widths", "depths", "decoder_widths")}
    )
    with torch.no_grad():
        next(strange.parameters()).add_(rank)
    try:
        real_check(world, strange)
    except RuntimeError as error:
        (folder / f"drift.{rank}").write_text(str(error))
    real_stop(world)
