"""Finds named things in a photograph: classes -> probability maps at the photograph's own resolution.

Coarse to fine, as little work as the picture needs:

1. the whole photograph at the scale the network was trained at: who is where, with all context;
2. overlapping tiles of the photograph at twice that scale: small people, better outlines; averaged with the
   first pass;
3. tiles at four times, only where the result is still in doubt (outlines, small or half seen people), most
   doubtful first;
4. edge-aware enlargement along the photograph's own luminance (`guided.py`).

Every network pass is averaged with that of the mirrored picture. A small photograph is enlarged for the
first two levels, up to fourfold: a thumbnail's people are small too. Memory is bounded by the photograph
and the finest level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vanisher_core.device import pick_device
from vanisher_core.errors import InputError, ModelError, UsageError
from vanisher_core.guided import upsample
from vanisher_core.models import registry

if TYPE_CHECKING:
    from torch import nn

LEVELS = (1, 2, 4)
"""Short side of the photograph at each level, in multiples of what the network saw whole photographs at."""

SHORT = 256
"""That short side, in pixels, for networks that do not say theirs (`network.short`)."""

LARGEST_ZOOM = 4.0
"""Enlargement of small photographs stops here."""

LONGEST = 8192
"""No level is longer than this, in pixels: very long strips are squeezed."""

TILE, OVERLAP = 1.5, 0.375
"""Side of the tiles and what neighbours share, in multiples of the same. A tile never sees less than 3/8 of the
photograph's short side: smaller windows were not trained on."""

DOUBT = 0.04
"""A pixel is in doubt when its probability is farther than this from both 0 and 1."""

MOST_TILES = 40
"""Tiles of the doubtful level at most: they bound the time a crowd takes."""

SHARE = 0.5
"""Weight of a finer level's logits in the average with those of the levels before."""

Progress = Callable[[float, str], None]
View = tuple[slice, slice]


class Segmenter:
    """Runs segmentation networks on whole photographs.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        networks: class -> (network, channel) to use in place of the shipped weights.

    Raises:
        UsageError: there is no such device.
    """

    def __init__(
        self, device: str = "auto", networks: Mapping[str, tuple[nn.Module, int]] | None = None
    ) -> None:
        self.device = pick_device(device)
        self._networks = dict(networks or {})

    def probabilities(
        self, rgb: np.ndarray, classes: Iterable[str], progress: Progress | None = None
    ) -> dict[str, np.ndarray]:
        """Says for every pixel how likely it belongs to each class.

        Args:
            rgb: HxWx3 uint8, upright.
            classes: names such as "person".
            progress: told the fraction done; may raise `Cancelled`.

        Returns:
            class -> HxW float32 in [0, 1].

        Raises:
            InputError: the array is not HxWx3 uint8 with at least one pixel.
            UsageError: no shipped network knows a class.
            ModelError: weights missing or damaged, or the network's output is not finite.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise InputError(
                f"a photograph of shape {rgb.shape} and type {rgb.dtype} cannot be segmented; use HxWx3 uint8"
            )
        wanted = list(dict.fromkeys(classes))
        found = {}
        for index, name in enumerate(wanted):
            network, channel = self.network(name)
            found[name] = self._one(network, channel, rgb, _part(progress, index, len(wanted), name))
        return found

    def network(self, name: str) -> tuple[nn.Module, int]:
        """The network that knows a class and its channel, loaded once."""
        if name not in self._networks:
            from vanisher_core.models.segmenter import SegmenterNet

            known = known_classes()
            if name not in known:
                raise UsageError(
                    f"nothing here finds {name!r}; classes to choose from: {', '.join(known) or 'none'}"
                )
            network = registry.load(known[name], self.device)
            if isinstance(network, SegmenterNet):
                network = network.folded()
            for channel, other in enumerate(registry.info(known[name]).classes):
                self._networks.setdefault(other, (network, channel))
        return self._networks[name]

    def _one(self, network: nn.Module, channel: int, rgb: np.ndarray, progress: Progress) -> np.ndarray:
        """All levels for one class: HxWx3 uint8 -> HxW float32."""
        short = short_side(network)
        coarse = resized(rgb, level_size(rgb, short))
        logits = self._pass(network, channel, coarse, None)
        for index, factor in enumerate(LEVELS[1:], 1):
            progress(index / 4, "looking closer")
            size = level_size(rgb, short * factor)
            if size[0] * size[1] <= logits.size * 1.5 or (index > 1 and size[0] > rgb.shape[1]):
                break  # the photograph has no more to show
            coarse = resized(rgb, size)
            logits = cv2.resize(logits, size, interpolation=cv2.INTER_LINEAR)
            doubt = None if index == 1 else _in_doubt(logits)
            finer = self._pass(network, channel, coarse, doubt)
            update = np.isfinite(finer) if doubt is None else np.isfinite(finer) & doubt
            logits = np.where(update, logits + SHARE * (finer - logits), logits)
        progress(0.75, "following edges")
        return upsample(_sigmoid(logits), coarse, rgb)

    def _pass(
        self, network: nn.Module, channel: int, rgb: np.ndarray, doubt: np.ndarray | None
    ) -> np.ndarray:
        """One level in tiles: HxW float32 logits, infinite where no tile looked."""
        tile, overlap = (round(share * short_side(network)) for share in (TILE, OVERLAP))
        total = np.zeros(rgb.shape[:2], np.float32)
        weight = np.zeros(rgb.shape[:2], np.float32)
        for view in _chosen(tiles(rgb.shape[0], rgb.shape[1], tile, overlap), doubt):
            logits = self._run(network, rgb[view])[channel]
            hat = np.minimum.outer(_hat(logits.shape[0], overlap), _hat(logits.shape[1], overlap))
            total[view] += hat * logits
            weight[view] += hat
        return np.divide(total, weight, out=np.full_like(total, np.inf), where=weight > 0)

    def _run(self, network: nn.Module, tile: np.ndarray) -> np.ndarray:
        """HxWx3 uint8 -> KxHxW float32 logits, averaged with the mirrored tile's."""
        import torch

        with torch.inference_mode():
            picture = (
                torch.from_numpy(np.ascontiguousarray(tile)).to(self.device).permute(2, 0, 1).float() / 255
            )
            both = torch.stack([picture, picture.flip(-1)]).contiguous(memory_format=torch.channels_last)
            logits = network(both).float()
            mean = (logits[0] + logits[1].flip(-1)) / 2
            if not bool(torch.isfinite(mean).all()):
                raise ModelError(
                    "the segmenter's output is not finite; run 'vanisher models verify', or use --device cpu"
                )
            return mean.cpu().numpy()


def known_classes() -> dict[str, str]:
    """Class -> name of the shipped weights that find it; the product's own (`segment-*`) come first."""
    known: dict[str, str] = {}
    for name in sorted(registry.names(), key=lambda name: (not name.startswith("segment-"), name)):
        about = registry.info(name)
        if about.task == "segment":
            for found in about.classes:
                known.setdefault(found, name)
    return known


def short_side(network: nn.Module) -> int:
    """Short side, in pixels, at which a network has learnt to see whole photographs."""
    return int(getattr(network, "short", SHORT))


def level_size(rgb: np.ndarray, short: int) -> tuple[int, int]:
    """(width, height) of a photograph at the level of the given short side."""
    height, width = rgb.shape[:2]
    scale = min(short / min(height, width), LARGEST_ZOOM, LONGEST / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """HxWx3 uint8 at another (width, height): area means when shrinking, bicubic when enlarging."""
    shrinks = size[0] * size[1] < rgb.shape[0] * rgb.shape[1]
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one axis: evenly, neighbours sharing at least the overlap."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def tiles(height: int, width: int, tile: int, overlap: int) -> list[View]:
    """Views of at most tile x tile pixels that cover a picture."""
    return [
        (slice(top, min(top + tile, height)), slice(left, min(left + tile, width)))
        for top in _starts(height, tile, overlap)
        for left in _starts(width, tile, overlap)
    ]


def _chosen(views: list[View], doubt: np.ndarray | None) -> list[View]:
    """The tiles to look at: all, or those with doubt, most doubtful first and MOST_TILES at most."""
    if doubt is None:
        return views
    counts = [(int(doubt[view].sum()), view) for view in views]
    doubtful = sorted((pair for pair in counts if pair[0]), key=lambda pair: -pair[0])
    return [view for _, view in doubtful[:MOST_TILES]]


def _hat(length: int, overlap: int) -> np.ndarray:
    """Blending weight along a tile's axis: 1 in the middle, falling over the overlap to little at the ends."""
    distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
    return np.minimum(1.0, distance / overlap).astype(np.float32)


def _in_doubt(logits: np.ndarray) -> np.ndarray:
    """HxW bool: uncertain pixels and the four pixels round them."""
    probability = _sigmoid(logits)
    unsure = ((probability > DOUBT) & (probability < 1 - DOUBT)).astype(np.uint8)
    return cv2.dilate(unsure, np.ones((9, 9), np.uint8)) > 0


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)


def _part(progress: Progress | None, index: int, count: int, name: str) -> Progress:
    """The caller's progress, narrowed to one class of several."""

    def report(fraction: float, text: str) -> None:
        if progress is not None:
            progress((index + fraction) / count, f"{name}: {text}")

    return report
