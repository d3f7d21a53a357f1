"""Validation photographs for the inpainting figures: pictures that no training shard holds.

The data folder holds WebDataset-style tar shards (`KEY.webp`, `KEY.mask.png`, `KEY.seg.png`), default
`../shared/data`, see `--data` / `VANISHER_DATA`. What may be used is fixed by the folder's README and
repeated here, so that a training picture cannot slip in (the split itself is
`training.data.shards.validates`):

- 256: `scenes-val-*`, the short side scaled to 256, centre crop;
- 512: `hires-*` with prefixes `stunning` and `drew`, the short side scaled to 768, up to three crops a
  picture (the small `scenes-val` pictures end at 320 px: enlarging them would measure a resampler);
- native: 768x768 crops of the same `hires-*` pictures as they are.

Silhouettes come from the validation side of `people-*` (prefixes `coco-`, `cocop-`) and `interiors-*` (CRC-32
of the key divisible by 8).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.shards import DEFAULT_FOLDER, Members, decode, read_shard, shards, validates
from training.holes import Silhouette, crop_silhouette, fallback_silhouettes

Picture = NDArray[np.uint8]  # HxWx3, RGB

SIZES = ("256", "512", "native")
NATIVE_SIDE = 768
SHORT_SIDE_512 = (
    768  # the hires pictures are scaled to this before 512 crops: three times less data than pixels
)
CROPS_512 = 3
SILHOUETTES = 120


class Sample(NamedTuple):
    """A crop and the key of the photograph it was taken from (bootstrap draws photographs, not crops)."""

    key: str
    rgb: Picture


def data_folder(option: str | Path | None = None) -> Path:
    """The folder with the shards: the option, else `VANISHER_DATA`, else `../shared/data`.

    Raises FileNotFoundError when there is none.
    """
    folder = Path(option or os.environ.get("VANISHER_DATA") or DEFAULT_FOLDER)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no data folder at {folder}: point --data or VANISHER_DATA to the tar shards"
        )
    return folder


def validation_files(folder: Path, kind: str) -> list[tuple[str, Members]]:
    """(key, undecoded files) of the validation side of one kind of shard ("scenes-val", "hires", ...)."""
    try:
        paths = shards(folder, f"{kind}-*.tar")
    except FileNotFoundError:
        return []
    return [(key, members) for path in paths for key, members in read_shard(path) if validates(kind, key)]


def short_side_to(rgb: Picture, side: int) -> Picture:
    """The picture with its short side scaled down to `side`; never enlarged."""
    height, width = rgb.shape[:2]
    factor = side / min(height, width)
    if factor >= 1:
        return rgb
    size = (max(side, round(width * factor)), max(side, round(height * factor)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def crops(rgb: Picture, side: int, count: int) -> list[Picture]:
    """Up to `count` square crops, spread evenly along the picture's longer side; none if it is too small."""
    height, width = rgb.shape[:2]
    if min(height, width) < side:
        return []
    fractions = (np.arange(count) + 0.5) / count
    starts = {(round((height - side) * f), round((width - side) * f)) for f in fractions}
    return [np.ascontiguousarray(rgb[y : y + side, x : x + side]) for y, x in sorted(starts)]


def _crop_plan(size: str) -> tuple[int, int, int, str]:
    """(short side to scale to, crop side, crops a picture, kind of shard)."""
    if size == "256":
        return 256, 256, 1, "scenes-val"
    if size == "512":
        return SHORT_SIDE_512, 512, CROPS_512, "hires"
    if size == "native":
        return 1 << 30, NATIVE_SIDE, 1, "hires"
    raise ValueError(f"unknown size {size!r}: choose from {', '.join(SIZES)}")


def samples(folder: Path, size: str, count: int, seed: int = 0) -> list[Sample]:
    """At most `count` validation crops of one size, in an order fixed by the seed.

    Raises ValueError for an unknown size and FileNotFoundError when the folder holds none.
    """
    short_side, side, per_picture, kind = _crop_plan(size)
    files = validation_files(folder, kind)
    if not files:
        raise FileNotFoundError(f"{folder} holds no validation photographs ({kind}-*.tar) for size {size}")
    order = np.random.default_rng([seed, 1]).permutation(len(files))
    rounds: list[list[Sample]] = [[] for _ in range(per_picture)]
    for index in order[:count]:
        key, members = files[int(index)]
        rgb = short_side_to(decode(key, members).rgb, short_side)
        for turn, crop in enumerate(crops(rgb, side, per_picture)):
            rounds[turn].append(Sample(key, crop))
    return [sample for turn in rounds for sample in turn][:count]


def silhouettes(folder: Path, limit: int = SILHOUETTES) -> list[Silhouette]:
    """Object shapes of the validation masks, people and furniture; drawn figures when there are none."""
    found: list[Silhouette] = []
    for kind in ("people", "interiors"):
        room = len(found) + limit // 2
        for key, members in validation_files(folder, kind):
            picture = decode(key, members)
            marked = picture.mask if kind == "people" else picture.classes
            shape = None if marked is None else crop_silhouette(marked > 0)
            if shape is not None and len(found) < room:
                found.append(shape)
    return found or fallback_silhouettes()
