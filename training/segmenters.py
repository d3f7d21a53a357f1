"""Our segmenters on the bench: shipped or freshly trained weights, the whole product or one network pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors import safe_open

from training.data.shards import Picture
from training.segment_peers import Finder
from vanisher_core.models.build import BUILDERS
from vanisher_core.segment import Segmenter, level_size, resized, short_side


class Opened(NamedTuple):
    """A segmentation network ready to be measured."""

    segmenter: Segmenter
    network: torch.nn.Module
    classes: tuple[str, ...]
    """In the order of the network's channels."""

    def product(self, name: str) -> Finder:
        """The whole product for one class: all levels, mirrored, edges followed; HxW bool."""
        return lambda rgb: self.segmenter.probabilities(rgb, [name])[name] > 0.5

    def one_pass(self, name: str) -> Finder:
        """One pass of the network over the whole photograph at its training scale; HxW bool."""
        channel = self.classes.index(name)

        @torch.inference_mode()
        def find(rgb: np.ndarray) -> np.ndarray:
            small = torch.from_numpy(resized(rgb, level_size(rgb, short_side(self.network))))
            small = small.to(self.segmenter.device).permute(2, 0, 1)[None].float() / 255
            logits = self.network(small)[0, channel].float().cpu().numpy()
            return cv2.resize(logits, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR) > 0

        return find


def open_segmenter(weights: Path | None, shipped_class: str, device: str = "cpu") -> Opened:
    """The network of a weight file, or the shipped one that finds a class when there is no file.

    Args:
        weights: `segment-*.safetensors` as training exports it; None for the shipped weights.
        shipped_class: what the shipped network has to find.
        device: "cpu", "cuda", ...

    Raises:
        UsageError: nothing that is shipped finds the class.
        FileNotFoundError: there is no such file.
        ValueError: its network does not find the class.
    """
    if weights is None:
        from vanisher_core.models import registry
        from vanisher_core.segment import known_classes

        segmenter = Segmenter(device)
        network, _ = segmenter.network(shipped_class)
        return Opened(segmenter, network, tuple(registry.info(known_classes()[shipped_class]).classes))
    if not weights.is_file():
        raise FileNotFoundError(f"no weights at {weights}: train them, or leave --weights out")
    with safe_open(weights, framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    net = BUILDERS[header["architecture"]](**json.loads(header["config"]))
    net.load_state_dict(tensors, strict=True)
    net = net.to(device).eval()
    classes = tuple(json.loads(header["classes"]))
    if shipped_class not in classes:
        raise ValueError(f"{weights} finds {', '.join(classes)}, not {shipped_class}; pass weights that do")
    networks = {name: (net, channel) for channel, name in enumerate(classes)}
    return Opened(Segmenter(device, networks), net, classes)


def overlay(rgb: np.ndarray, found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The photograph beside itself with what was found (red) and the truth (green), HxWx3 -> Hx2Wx3."""
    painted = rgb.astype(np.float32) * 0.6
    painted[..., 0] += 100 * found
    painted[..., 1] += 100 * truth
    return np.hstack([rgb, painted.clip(0, 255).astype(np.uint8)])


def write_plates(
    folder: Path, pictures: list[Picture], find: Finder, truths: list[np.ndarray], prefix: str = ""
) -> None:
    """Overlays of some photographs, numbered in their order (worst first)."""
    folder.mkdir(parents=True, exist_ok=True)
    for rank, (picture, truth) in enumerate(zip(pictures, truths, strict=True)):
        plate = overlay(picture.rgb, find(picture.rgb), truth)
        Image.fromarray(plate).save(folder / f"{prefix}{rank:02d}-{picture.key}.png")
