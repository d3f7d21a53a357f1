"""What every training loop shares: configuration, averaging, checkpoints, schedules, export and logging.

A loop reads `config = parse_config(Config, argv)`, builds its modules, calls `load_checkpoint`, and goes on
from the step that returns. A checkpoint is a folder `step-00001234/` of safetensors parts (weights,
optimiser tensors) beside a readable `checkpoint.json` (step, loop state) and `random.json` (generators). It
is written under another name and renamed, so that a run killed at any moment leaves whole checkpoints only.
On the CPU a resumed run continues bit for bit: weights, optimiser moments with their memory layout, and all
random generators come back as they were.

The habits (flat loops, JSON sidecar, null logger, stop on a non-finite loss) follow karpathy/nanochat.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import math
import os
import random
import shutil
import time
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save, save_file
from torch import Tensor, nn

ConfigT = TypeVar("ConfigT")

PART_BYTES = 15 * 2**20
"""Largest tensor payload of one safetensors file, in bytes (15 MiB): git hosts carry such files."""

KEEP_CHECKPOINTS = 2
"""The newest checkpoints that `save_checkpoint` leaves in its folder."""

Generators = Mapping[str, "np.random.Generator | torch.Generator"]


def parse_config(config_type: type[ConfigT], argv: Sequence[str] | None = None) -> ConfigT:
    """Builds a frozen dataclass from its defaults and `--field-name value` arguments.

    Args:
        config_type: dataclass of bool, int, float, str, Path, tuples of one of these, or optional ones.
        argv: arguments without the programme's name; None reads the command line.

    Raises:
        SystemExit: an unknown field or a value of the wrong type (argparse prints which, exit status 2).
    """
    hints = typing.get_type_hints(config_type)
    parser = argparse.ArgumentParser(description=(config_type.__doc__ or "").split("\n")[0])
    for field in fields(typing.cast(Any, config_type)):
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        options: dict[str, Any] = {"help": f"default: {default}" if default is not MISSING else "required"}
        options |= {"required": True} if default is MISSING else {"default": default}
        options |= _argument_of(hints[field.name])
        parser.add_argument("--" + field.name.replace("_", "-"), dest=field.name, **options)
    values = vars(parser.parse_args(argv))
    return config_type(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


def _argument_of(hint: Any) -> dict[str, Any]:
    """The argparse options that read one value of the given type."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if typing.get_origin(hint) is tuple:
        return {"nargs": "*", "type": typing.get_args(hint)[0]}
    return {"type": hint}


class Ema(nn.Module):
    """Exponential moving average of a module's weights, with a short memory in the first steps.

    `self.module` is the averaged copy, in eval mode, to validate and to export. The decay of update n is
    min(decay, (1 + n) / (10 + n)), so that the random start is forgotten. Buffers are copied, not averaged.
    """

    updates: Tensor

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Copies `module`; decay in [0, 1)."""
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay={decay} must lie in [0, 1); 0.999 is usual")
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Moves the average towards the present weights of `module`."""
        count = int(self.updates)
        weight = 1 - min(self.decay, (1 + count) / (10 + count))
        for mean, now in zip(self.module.parameters(), module.parameters(), strict=True):
            mean.lerp_(now.detach(), weight)
        for mean, now in zip(self.module.buffers(), module.buffers(), strict=True):
            mean.copy_(now)
        self.updates += 1


def channels_last(module: nn.Module) -> None:
    """Puts convolution weights in NHWC order, in place: 1.4 times faster on CPUs than NCHW, measured."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def cosine(step: int, total: int, warmup: int) -> float:
    """Learning-rate factor in [0, 1]: linear rise over `warmup` steps, then a half cosine down to 0."""
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return 0.5 * (1 + math.cos(math.pi * done))


def stop_if_not_finite(loss: Tensor | float, step: int) -> float:
    """Returns the loss as a float.

    Raises:
        FloatingPointError: it is infinite or not a number; nothing after it could be trusted.
    """
    value = float(loss.detach() if isinstance(loss, Tensor) else loss)
    if not math.isfinite(value):
        raise FloatingPointError(
            f"loss={value} at step {step} is not finite; resume with a lower learning rate"
        )
    return value


def save_checkpoint(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    state: Mapping[str, Any],
    generators: Generators | None = None,
) -> Path:
    """Writes `folder/step-NNNNNNNN` atomically and deletes all but the newest two checkpoints.

    Args:
        folder: where the run's checkpoints live (made when missing).
        step: steps done.
        modules: name -> module; parameters and buffers are stored.
        optimizers: name -> optimiser; its tensors are stored as safetensors, its settings in the JSON.
        state: JSON-able loop state: the configuration, the loss, the best score, ...
        generators: name -> generator used by the loop beside the global ones of `random` and torch.

    Returns:
        The checkpoint's folder.
    """
    folder = Path(folder)
    final = folder / f"step-{step:08d}"
    temporary = folder / f".step-{step:08d}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, module in modules.items():
        _write_parts(temporary, f"module.{name}", module.state_dict())
    settings = {}
    for name, optimizer in optimizers.items():
        tensors, settings[name] = _flatten_optimizer(optimizer)
        _write_parts(temporary, f"optimizer.{name}", tensors)
    sidecar = {"step": step, "state": dict(state), "optimizers": settings}
    (temporary / "random.json").write_text(json.dumps(_random_state(generators or {})), encoding="utf-8")
    text = json.dumps(sidecar, indent=1, default=str)
    (temporary / "checkpoint.json").write_text(text, encoding="utf-8")
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    for old in checkpoints(folder)[:-KEEP_CHECKPOINTS]:
        shutil.rmtree(old)
    return final


def load_checkpoint(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    generators: Generators | None = None,
) -> dict[str, Any] | None:
    """Puts the newest checkpoint of `folder` back into modules, optimisers and random generators.

    Returns:
        The saved loop state with "step" added, or None when the folder holds no checkpoint.

    Raises:
        RuntimeError: the stored weights do not fit a module (torch names the keys).
        KeyError: the checkpoint lacks an optimiser or generator that is asked for.
    """
    found = checkpoints(Path(folder))
    if not found:
        return None
    sidecar = json.loads((found[-1] / "checkpoint.json").read_text(encoding="utf-8"))
    for name, module in modules.items():
        module.load_state_dict(_read_parts(found[-1], f"module.{name}"), strict=True)
    for name, optimizer in optimizers.items():
        tensors = _read_parts(found[-1], f"optimizer.{name}")
        _restore_optimizer(optimizer, tensors, sidecar["optimizers"][name])
    _restore_random(json.loads((found[-1] / "random.json").read_text(encoding="utf-8")), generators or {})
    return sidecar["state"] | {"step": sidecar["step"]}


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(path.parent for path in Path(folder).glob("step-*/checkpoint.json"))


def export_weights(module: nn.Module, path: Path, metadata: Mapping[str, Any]) -> Path:
    """Writes a module's weights as one safetensors file, atomically, with the registry's header.

    Args:
        module: the network to ship (the averaged one).
        path: `.../weights/NAME.safetensors`.
        metadata: "architecture", "config", "task", "classes", "version"; what is not text becomes JSON.
    """
    header = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    return write_weights({name: _plain(tensor) for name, tensor in module.state_dict().items()}, path, header)


def write_weights(tensors: dict[str, Tensor], path: Path, header: dict[str, str]) -> Path:
    """Writes tensors as one safetensors file, atomically; see `export_weights`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(save(tensors, metadata=header))  # save_file makes it readable for its owner only
    temporary.replace(path)
    return path


class _Tracker(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...


class _NoTracker:
    """Stands in for TensorBoard when it is not asked for."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Does nothing."""


class Log:
    """Appends one JSON line per report to a file, prints it short, and feeds TensorBoard if asked to."""

    def __init__(self, path: Path, *, tensorboard: bool = False) -> None:
        """Opens nothing yet; `tensorboard=True` needs the package of that name."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._tracker: _Tracker = _tensorboard(self.path.parent) if tensorboard else _NoTracker()

    def write(self, step: int, **values: Any) -> None:
        """Reports numbers (or short texts) of one step."""
        record = {"step": step, "time": round(time.time(), 1)} | values
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=str) + "\n")
        for name, value in values.items():
            if isinstance(value, int | float):
                self._tracker.add_scalar(name, value, step)
        shown = (f"{k} {v:.5g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
        print(f"step {step:>7}  " + "  ".join(shown), flush=True)


def _tensorboard(folder: Path) -> _Tracker:
    from torch.utils.tensorboard import SummaryWriter

    return typing.cast(_Tracker, SummaryWriter(str(folder)))


def _plain(tensor: Tensor) -> Tensor:
    """The tensor on the CPU in row-major order with a memory of its own, as safetensors wants it."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _pieces(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yields every tensor, those above PART_BYTES cut into flat pieces named `name::0`, `name::1`, ..."""
    for name, tensor in tensors.items():
        plain = _plain(tensor)
        size = plain.numel() * plain.element_size()
        if size <= PART_BYTES:
            yield name, plain
            continue
        for index, piece in enumerate(plain.flatten().split(PART_BYTES // plain.element_size())):
            yield f"{name}::{index}", piece.clone()


def _write_parts(folder: Path, prefix: str, tensors: Mapping[str, Tensor]) -> None:
    """Writes `prefix.000.safetensors`, ... of at most PART_BYTES payload each; shapes go into the headers."""
    shapes = json.dumps({name: list(tensor.shape) for name, tensor in tensors.items()})
    part: dict[str, Tensor] = {}
    size, number = 0, 0
    for name, piece in _pieces(tensors):
        weight = piece.numel() * piece.element_size()
        if part and size + weight > PART_BYTES:
            save_file(part, folder / f"{prefix}.{number:03d}.safetensors", metadata={"shapes": shapes})
            part, size, number = {}, 0, number + 1
        part[name] = piece
        size += weight
    save_file(part, folder / f"{prefix}.{number:03d}.safetensors", metadata={"shapes": shapes})


def _read_parts(folder: Path, prefix: str) -> dict[str, Tensor]:
    """Reads back what `_write_parts` wrote."""
    pieces: dict[str, Tensor] = {}
    shapes: dict[str, list[int]] = {}
    for path in sorted(folder.glob(f"{prefix}.[0-9][0-9][0-9].safetensors")):
        with safe_open(path, framework="pt") as file:
            shapes = json.loads(file.metadata()["shapes"])
            pieces |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    tensors = {}
    for name, shape in shapes.items():
        if name in pieces:
            tensors[name] = pieces[name]
            continue
        count = sum(key.startswith(f"{name}::") for key in pieces)
        tensors[name] = torch.cat([pieces[f"{name}::{i}"] for i in range(count)]).view(shape)
    return tensors


def _flatten_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Splits an optimiser's state into named tensors and JSON-able settings."""
    content = optimizer.state_dict()
    tensors, values = {}, {}
    for index, entries in content["state"].items():
        for name, value in entries.items():
            (tensors if isinstance(value, Tensor) else values)[f"{index}.{name}"] = value
    return tensors, {"values": values, "param_groups": content["param_groups"]}


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> None:
    """Undoes `_flatten_optimizer`; moments get their parameter's memory layout, so that sums round alike."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *settings["values"].items()]:
        index, name = key.split(".", 1)
        if isinstance(value, Tensor) and value.shape == parameters[int(index)].shape:
            value = torch.empty_like(parameters[int(index)], dtype=value.dtype).copy_(value)
        state.setdefault(int(index), {})[name] = value
    groups = [
        {key: tuple(v) if isinstance(v, list) and key != "params" else v for key, v in group.items()}
        for group in settings["param_groups"]
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _random_state(generators: Generators) -> dict[str, Any]:
    """The states of `random`, torch (CPU and CUDA) and the loop's own generators, as JSON."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": random.getstate(),
        "torch": _text(torch.get_rng_state()),
        "cuda": [_text(state) for state in cuda],
        "generators": {
            name: _text(g.get_state()) if isinstance(g, torch.Generator) else g.bit_generator.state
            for name, g in generators.items()
        },
    }


def _restore_random(saved: Mapping[str, Any], generators: Generators) -> None:
    """Undoes `_random_state`."""
    version, internal, gauss = saved["python"]
    random.setstate((version, tuple(internal), gauss))
    torch.set_rng_state(_bytes(saved["torch"]))
    if torch.cuda.is_available() and len(saved["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([_bytes(text) for text in saved["cuda"]])
    for name, generator in generators.items():
        state = saved["generators"][name]
        if isinstance(generator, torch.Generator):
            generator.set_state(_bytes(state))
        else:
            generator.bit_generator.state = state


def _text(state: Tensor) -> str:
    return base64.b64encode(state.cpu().numpy().tobytes()).decode("ascii")


def _bytes(text: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
