"""Where networks run and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from vanisher_core.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

ModuleT = TypeVar("ModuleT", bound="nn.Module")

DEVICES = ("auto", "cpu", "cuda", "mps")


def parse_device(name: str) -> tuple[str, int | None]:
    """Splits `auto`, `cpu`, `mps`, `cuda` or `cuda:N` into its kind and its number; asks no hardware.

    Raises:
        UsageError: another kind, or a number where none belongs.
    """
    kind, colon, number = name.partition(":")
    if kind not in DEVICES:
        raise UsageError(f"device {name!r} is unknown; use one of {', '.join(DEVICES)}")
    if not colon:
        return kind, None
    if kind != "cuda":
        raise UsageError(f"device {name!r} has a number, which only cuda takes; use {kind}")
    if not (number.isascii() and number.isdigit()):
        raise UsageError(
            f"device {name!r} is unknown: a whole number stands behind 'cuda:'; use cuda or cuda:0"
        )
    return kind, int(number)


def pick_device(name: str) -> torch.device:
    """Turns a device name into a torch device; `auto` takes CUDA, then MPS, then the CPU.

    Args:
        name: as `parse_device` takes it.

    Raises:
        UsageError: the name is unknown, or that device is not in this machine.
    """
    import torch

    kind, index = parse_device(name)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        return torch.device(next(k for k in ("cuda", "mps", "cpu") if there[k]))
    if not there[kind]:
        raise UsageError(f"device {name!r} is asked for, but torch sees none here; use --device cpu or auto")
    if index is None:
        return torch.device(kind)
    count = torch.cuda.device_count()
    if index >= count:
        raise UsageError(
            f"device {name!r} is asked for, but torch sees {count} CUDA device{'s' * (count != 1)} here, counted "
            "from cuda:0; use a lower number, or --device auto"
        )
    return torch.device(kind, index)


def channels_last(module: ModuleT) -> ModuleT:
    """The module with its weights in channels-last order, which convolutions on CPUs and tensor cores want."""
    import torch

    return module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def inference_dtype(device: torch.device) -> torch.dtype:
    """The precision that networks fill in: bfloat16 on a CUDA device that has it, float32 elsewhere.

    On CPUs with bfloat16 a pass takes 30 ms instead of 40, of seconds, and its sums differ visibly with the number of
    threads; in float32 the same picture comes out of the library, the daemon and a batch.
    """
    import torch

    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32
