"""One training process or several: what a loop needs to run unchanged under `torchrun`.

    torchrun --nproc-per-node 8 -m training.inpaint --out runs/inpaint ...

Gradients are averaged over the processes by one all-reduce a step (gloo on CPUs, NCCL on GPUs) and not by
wrapping modules: a step of a GAN goes backward several times, through other modules' graphs and twice for
R1, which a plain average after `backward` meets with no rules to keep. So a step of n processes with batch b
is the step of one process with batch n x b wherever the loss is a mean over pictures.

Batch normalisation is the exception: each process normalises by its own pictures (as in most published
recipes), and the running statistics are averaged with the gradients, so that all processes stay equal.

Every process draws its own pictures: process r starts its generators from `seed_of(seed, r, step)`. Only
process 0 logs, validates and saves; a resumed run repeats an uninterrupted one with the same `--every`, since at
each checkpoint the other processes start new generators in both.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vanisher_core.device import pick_device


class World(NamedTuple):
    """This process among all."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process logs, validates and saves."""
        return self.rank == 0


ALONE = World(0, 1, torch.device("cpu"))
"""One process on the CPU."""


def start(device: str) -> World:
    """Joins the processes that `torchrun` started; one process alone needs nothing.

    Args:
        device: "auto", "cpu" or "cuda"; each process takes the GPU of its local rank.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    picked = pick_device(device)
    if size == 1:
        return World(0, 1, picked)
    if picked.type == "cuda":
        picked = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(picked)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if picked.type == "cuda" else "gloo")
    return World(dist.get_rank(), size, picked)


def stop(world: World) -> None:
    """Leaves the group, all together: a connection that ends while another process still uses it aborts that one."""
    if world.size > 1:
        with suppress(AssertionError, ValueError):  # the group may be gone already
            dist.barrier()
            dist.destroy_process_group()


def seed_of(seed: int, rank: int, step: int = 0) -> int:
    """A seed for each process and checkpoint; process 0 starts from the plain seed."""
    return seed if rank == 0 and step == 0 else (seed * 1_000_003 + rank * 7919 + step) % 2**31


def reseed(world: World, seed: int, step: int, generator: torch.Generator | None = None) -> None:
    """Starts the generators of all processes but the first, whose own are in the checkpoint."""
    if not world.leads:
        torch.manual_seed(seed_of(seed, world.rank, step))
        if generator is not None:
            generator.manual_seed(seed_of(seed, world.rank, step))


@torch.no_grad()
def share(world: World, modules: Iterable[nn.Module]) -> None:
    """Copies the first process's parameters and buffers to all."""
    if world.size == 1:
        return
    for module in modules:
        for tensor in module.state_dict().values():
            plain = tensor.contiguous()
            dist.broadcast(plain, 0)
            tensor.copy_(plain)


@torch.no_grad()
def average(world: World, module: nn.Module) -> None:
    """Averages a module's gradients, and its batch-normalisation statistics, over all processes.

    To be called between `backward` and the optimiser's step.
    """
    if world.size == 1:
        return
    tensors = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    for part in module.modules():
        if isinstance(part, _BatchNorm):
            tensors += [t for t in (part.running_mean, part.running_var) if t is not None]
    if not tensors:
        return
    flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= world.size
    for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view(tensor.shape))


def agreed(world: World, value: float) -> float:
    """The first process's number, on all: clocks differ, and a loop must end everywhere at once."""
    if world.size == 1:
        return value
    number = torch.tensor(value, dtype=torch.float64, device=world.device)
    dist.broadcast(number, 0)
    return float(number)


def check_equal(world: World, module: nn.Module) -> None:
    """Makes sure that the processes have not drifted apart.

    Raises:
        RuntimeError: on all processes, when any holds other weights than the first.
    """
    if world.size == 1:
        return
    total = sum(float(tensor.double().abs().sum()) for tensor in module.state_dict().values())
    gap = torch.tensor(abs(total - agreed(world, total)), dtype=torch.float64, device=world.device)
    dist.all_reduce(gap, dist.ReduceOp.MAX)
    if float(gap) != 0:
        raise RuntimeError(
            f"the processes' weights have drifted apart (sums differ by {float(gap):.3g}); "
            "every gradient must pass through distributed.average, and generators must not steer the model"
        )
