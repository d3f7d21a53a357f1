"""The reference systems as methods of the bench, from a folder of weights that their trainings wrote.

They are worked as published: the whole photograph is squeezed to the network's square (224 or 128 pixels), and the
fill is scaled back and pasted into the hole. That they lose sharpness on large photographs is what they did.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import nn

from training.peers import Fill
from training.reference.endtoend import Hole, Picture, find_people, paste, refill, squeezed, stretched
from vanisher_core.device import pick_device
from vanisher_core.errors import ModelError
from vanisher_core.models.build import BUILDERS
from vanisher_core.models.dcgan128 import Generator
from vanisher_core.models.header import read_header
from vanisher_core.models.vanisher2018 import Autoencoder2018, Segmenter2018

TITLES = {"vanisher-2018": "Vanisher Network (2018)", "dcgan-128": "DCGAN object elimination, 128"}
"""Method name -> what a table calls it."""

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def reference_methods(weights_folder: Path | str, device: str = "cpu") -> dict[str, Fill]:
    """The reference inpainters whose weights lie in a folder.

    Args:
        weights_folder: with `vanisher-2018-autoencoder.safetensors`, `dcgan-128.safetensors`, or one of them.
        device: where they run, as `--device` takes it.

    Returns:
        Method name -> function (rgb uint8 HxWx3, hole bool HxW) -> uint8 HxWx3, known pixels kept.

    Raises:
        ModelError: the folder holds neither, or a file is damaged or for another network.
    """
    folder, where = Path(weights_folder), pick_device(device)
    loaders = {
        "vanisher-2018": ("vanisher-2018-autoencoder", _autoencoder_method),
        "dcgan-128": ("dcgan-128", _generator_method),
    }
    there = {
        name: make for name, (stem, make) in loaders.items() if (folder / f"{stem}.safetensors").is_file()
    }
    if not there:
        raise ModelError(
            f"{folder} holds no weights of a reference system: train them with "
            "`python -m training.reference.vanisher2018 fill` or `python -m training.reference.dcgan128`"
        )
    return {name: make(folder, where) for name, make in there.items()}


def reference_segmenters(
    weights_folder: Path | str, device: str = "cpu"
) -> dict[str, Callable[[Picture], Hole]]:
    """The segmenter of 2018 as a function (rgb uint8 HxWx3) -> bool HxW, True = person.

    Raises:
        ModelError: its weights are missing, damaged, or for another network.
    """
    segmenter, size = load_segmenter(Path(weights_folder), pick_device(device))
    return {"vanisher-2018": lambda rgb: find_people(segmenter, rgb, size)}


def load_segmenter(folder: Path, device: torch.device) -> tuple[Segmenter2018, int]:
    """The trained segmenter of 2018 and the side in pixels that it works at.

    Raises:
        ModelError: the file is missing, damaged, or for another network.
    """
    return _load(folder, "vanisher-2018-segmenter", Segmenter2018, device)


def load_autoencoder(folder: Path, device: torch.device) -> tuple[Autoencoder2018, int]:
    """The trained autoencoder of 2018 and the side in pixels that it works at.

    Raises:
        ModelError: the file is missing, damaged, or for another network.
    """
    return _load(folder, "vanisher-2018-autoencoder", Autoencoder2018, device)


def load_generator(folder: Path, device: torch.device) -> tuple[Generator, int]:
    """The trained DCGAN generator and the side in pixels that it works at.

    Raises:
        ModelError: the file is missing, damaged, or for another network.
    """
    return _load(folder, "dcgan-128", Generator, device)


def _autoencoder_method(folder: Path, device: torch.device) -> Fill:
    network, size = load_autoencoder(folder, device)
    return lambda rgb, hole: paste(rgb, hole, refill(network, rgb, hole, size))


def _generator_method(folder: Path, device: torch.device) -> Fill:
    network, size = load_generator(folder, device)

    def fill(rgb: Picture, hole: Hole) -> Picture:
        x, m = squeezed(rgb, hole, size)
        with torch.inference_mode():
            return paste(rgb, hole, stretched(network(x.to(device), m.to(device)), rgb))

    return fill


def _load(folder: Path, name: str, kind: type[NetworkT], device: torch.device) -> tuple[NetworkT, int]:
    path = folder / f"{name}.safetensors"
    said = read_header(path).metadata
    try:
        size = int(said["size"])
        network = BUILDERS[said["architecture"]](**json.loads(said["config"]))
        if not isinstance(network, kind) or size < 1:
            raise ValueError(f"it is for {said['architecture']!r} at {size} pixels")
        network.load_state_dict(load_file(path), strict=True)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(
            f"{path} does not fit the reference network {name!r} ({first}): train it again"
        ) from None
    return network.to(device).eval().requires_grad_(False), size
