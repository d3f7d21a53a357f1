"""Whole photographs on square uint8 canvases in memory: what the segmenters' batches are cut from.

Every picture lies in the top left corner of its canvas, scaled down to fit and never up. The mask plane holds
either one soft mask (255 = person) or, in subclasses, a code a pixel that says what is known there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from training.data import shards

FAR_TRUST = {"ccp": 0.2, "places": 0.7}
"""Weight of background pixels far from labelled people, by source; 1 for all others."""

PEOPLE_SOURCES = frozenset({"ccp", "coco", "cocop", "cocov", "cocom", "voc", "vocneg"})

CanvasesT = TypeVar("CanvasesT", bound="Canvases")


@dataclass(frozen=True)
class Canvases:
    """Pictures of one split in memory, each with the mask of its people."""

    GROUPS: ClassVar[dict[str, float]] = {"people": 0.66, "ccp": 0.1, "empty": 0.12, "scenes": 0.12}
    """How much of a batch comes from each group, relative to the others that there are."""
    DONORS: ClassVar[tuple[str, ...]] = ("people", "ccp")
    """Groups whose objects are pasted onto other pictures."""
    SHRINKS_BY: ClassVar[str] = "area"
    """How `shrunk` scales the mask plane."""

    rgb: Tensor
    """Nx3xSxS uint8; the picture is the top left corner, 0 elsewhere."""
    mask: Tensor
    """Nx1xSxS uint8, 255 = person."""
    extent: Tensor
    """Nx2 float: width and height of each picture in canvas pixels."""
    trust: Tensor
    """N float: weight of far background."""
    keys: list[str]

    def __len__(self) -> int:
        return len(self.keys)

    def to(self: CanvasesT, device: torch.device) -> CanvasesT:
        """The same with its planes on a device; sizes stay on the CPU, where windows are drawn."""
        return replace(self, rgb=self.rgb.to(device), mask=self.mask.to(device))

    def group(self, name: str) -> Tensor:
        """Indices of the pictures in a group of GROUPS."""
        area = (self.mask.amax((1, 2, 3)) > 127).tolist()
        sources = [shards.source(key) for key in self.keys]
        tests: dict[str, Callable[[int], bool]] = {
            "people": lambda i: area[i] and sources[i] != "ccp",
            "ccp": lambda i: sources[i] == "ccp",
            "empty": lambda i: not area[i] and sources[i] in PEOPLE_SOURCES,
            "scenes": lambda i: sources[i] not in PEOPLE_SOURCES,
        }
        return torch.tensor([i for i in range(len(self)) if tests[name](i)], dtype=torch.int64)

    def planes(self, picked: Tensor) -> Tensor:
        """What is known of some pictures, BxCxSxS float in [0, 1]: here the one mask."""
        return self.mask[picked].float() / 255


def load_canvases(
    folder: Path,
    patterns: Sequence[str],
    size: int,
    predicate: Callable[[str], bool] = lambda key: True,
    limit: int | None = None,
) -> Canvases:
    """Decodes the pictures of some shards onto canvases; the long side is scaled down to `size`, never up.

    Args:
        folder: where the shards are.
        patterns: glob patterns of shard names.
        size: side of the canvas in pixels.
        predicate: which keys to take.
        limit: stop after so many pictures.
    """
    found = shards.pictures(shards.shards(folder, *patterns), predicate)
    return pack(found, size, limit)


def person_mask(picture: shards.Picture) -> np.ndarray:
    """HxW uint8, 255 = person; a picture without a mask shows nobody."""
    return np.zeros(picture.rgb.shape[:2], np.uint8) if picture.mask is None else picture.mask


def pack(
    found: Iterable[shards.Picture],
    size: int,
    limit: int | None = None,
    *,
    kind: type[CanvasesT] = Canvases,
    label: Callable[[shards.Picture], np.ndarray] = person_mask,
) -> CanvasesT:
    """Puts decoded pictures onto canvases.

    Args:
        found: the pictures.
        size: side of the canvas in pixels.
        limit: stop after so many pictures.
        kind: class of the result; codes (`SHRINKS_BY` other than "area") are never mixed when scaled.
        label: picture -> its HxW uint8 plane.

    Raises:
        ValueError: there is no picture.
    """
    soft = Image.Resampling.BOX if kind.SHRINKS_BY == "area" else Image.Resampling.NEAREST
    rgb, masks, extents, keys = [], [], [], []
    for picture in found:
        if limit is not None and len(keys) >= limit:
            break
        height, width = picture.rgb.shape[:2]
        scale = min(1.0, size / max(height, width))
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        rgb.append(_place(picture.rgb, fitted, size, Image.Resampling.LANCZOS))
        masks.append(_place(label(picture), fitted, size, soft))
        extents.append(fitted)
        keys.append(picture.key)
    if not keys:
        raise ValueError("no picture passed the filter; check the data folder, the patterns and the split")
    trust = [FAR_TRUST.get(shards.source(key), 1.0) for key in keys]
    return kind(
        torch.from_numpy(np.stack(rgb)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack(masks)).unsqueeze(1),
        torch.tensor(extents, dtype=torch.float32),
        torch.tensor(trust),
        keys,
    )


def _place(array: np.ndarray, fitted: tuple[int, int], size: int, resample: Image.Resampling) -> np.ndarray:
    """Scales to (width, height) and puts it into the corner of a square of zeros."""
    canvas = np.zeros((size, size, *array.shape[2:]), np.uint8)
    image = Image.fromarray(array)
    if image.size != fitted:
        image = image.resize(fitted, resample)
    canvas[: fitted[1], : fitted[0]] = np.asarray(image)
    return canvas


def shrunk(canvases: CanvasesT, size: int) -> CanvasesT:
    """The same pictures on smaller canvases, without reading them again."""
    factor = size / canvases.rgb.shape[-1]
    if factor == 1:
        return canvases

    def small(planes: Tensor, mode: str) -> Tensor:
        parts = [
            functional.interpolate(part.float(), size=(size, size), mode=mode).round().to(torch.uint8)
            for part in planes.split(256)
        ]
        return torch.cat(parts)

    return replace(
        canvases,
        rgb=small(canvases.rgb, "area"),
        mask=small(canvases.mask, canvases.SHRINKS_BY),
        extent=(canvases.extent * factor).floor().clamp_min(1),
    )


def joined(parts: Sequence[CanvasesT]) -> CanvasesT:
    """Several sets of canvases of one size as one."""
    planes = {
        name: torch.cat([getattr(part, name) for part in parts])
        for name in ("rgb", "mask", "extent", "trust")
    }
    return replace(parts[0], **planes, keys=[key for part in parts for key in part.keys])
