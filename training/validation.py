"""Validation photographs for the inpainting figures: pictures that no training shard holds.

The data folder holds WebDataset-style tar shards (`KEY.webp`, `KEY.mask.png`, `KEY.seg.png`), default
`../shared/data`, see `--data` / `VANISHER_DATA`. What may be used is fixed by the folder's README and repeated here,
so that a training picture cannot slip in:

- 256: `scenes-val-*`, the short side scaled to 256, centre crop;
- 512: `hires-*` with prefixes `stunning` and `drew`, the short side scaled to 768, up to three crops a picture
  (the small `scenes-val` pictures end at 320 px: enlarging them would measure a resampler);
- native: 768x768 crops of the same `hires-*` pictures as they are.

Silhouettes come from the validation side of `people-*` (prefixes `coco-`, `cocop-`) and `interiors-*` (CRC-32 of the
key divisible by 8).
"""

from __future__ import annotations

import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.holes import Silhouette, crop_silhouette, fallback_silhouettes

Picture = NDArray[np.uint8]  # HxWx3, RGB

DATA_FOLDER = Path("..") / "shared" / "data"
HIRES_PREFIXES = ("stunning", "drew")
PEOPLE_PREFIXES = ("coco-", "cocop-")
SIZES = ("256", "512", "native")
NATIVE_SIDE = 768
SHORT_SIDE_512 = 768  # the hires pictures are scaled to this before 512 crops: three times less data than pixels
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
    folder = Path(option or os.environ.get("VANISHER_DATA") or DATA_FOLDER)
    if not folder.is_dir():
        raise FileNotFoundError(f"no data folder at {folder}: point --data or VANISHER_DATA to the tar shards")
    return folder


def read_shards(folder: Path, pattern: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    """(key, file bytes) of the members `KEY.suffix` of all shards that match the pattern, in shard order."""
    for shard in sorted(folder.glob(pattern)):
        with tarfile.open(shard) as archive:
            for member in archive:
                key, _, ending = Path(member.name).name.partition(".")
                handle = archive.extractfile(member) if member.isfile() and ending == suffix else None
                if handle is not None:
                    yield key, handle.read()


def decode(data: bytes) -> Picture:
    """RGB pixels of an encoded picture."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


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
    """(short side to scale to, crop side, crops a picture, shard pattern)."""
    if size == "256":
        return 256, 256, 1, "scenes-val-*.tar"
    if size == "512":
        return SHORT_SIDE_512, 512, CROPS_512, "hires-*.tar"
    if size == "native":
        return 1 << 30, NATIVE_SIDE, 1, "hires-*.tar"
    raise ValueError(f"unknown size {size!r}: choose from {', '.join(SIZES)}")


def samples(folder: Path, size: str, count: int, seed: int = 0) -> list[Sample]:
    """At most `count` validation crops of one size, in an order fixed by the seed.

    The first n of a larger count are the n of a smaller one. Raises ValueError for an unknown size and
    FileNotFoundError when the folder holds none.
    """
    short_side, side, per_picture, pattern = _crop_plan(size)
    files = [
        (key, data)
        for key, data in read_shards(folder, pattern, "webp")
        if pattern.startswith("scenes-val") or key.startswith(HIRES_PREFIXES)
    ]
    if not files:
        raise FileNotFoundError(f"{folder} holds no validation photographs ({pattern}) for size {size}")
    order = np.random.default_rng([seed, 1]).permutation(len(files))
    rounds: list[list[Sample]] = [[] for _ in range(per_picture)]
    for index in order[:count]:
        key, data = files[int(index)]
        for turn, crop in enumerate(crops(short_side_to(decode(data), short_side), side, per_picture)):
            rounds[turn].append(Sample(key, crop))
    return [sample for turn in rounds for sample in turn][:count]


def silhouettes(folder: Path, limit: int = SILHOUETTES) -> list[Silhouette]:
    """Object shapes of the validation masks, people and furniture in turn; drawn figures when there are none."""
    people = _shapes(folder, "people-*.tar", "mask.png", lambda key: key.startswith(PEOPLE_PREFIXES), limit // 2)
    rooms = _shapes(
        folder, "interiors-*.tar", "seg.png", lambda key: zlib.crc32(key.encode()) % 8 == 0, limit - limit // 2
    )
    return [*people, *rooms] or fallback_silhouettes()


def _shapes(folder: Path, pattern: str, suffix: str, wanted, limit: int) -> list[Silhouette]:
    found: list[Silhouette] = []
    for key, data in read_shards(folder, pattern, suffix):
        if not wanted(key):
            continue
        with Image.open(io.BytesIO(data)) as picture:
            shape = crop_silhouette((np.asarray(picture) > 0) & (np.asarray(picture) < 256))
        if shape is not None:
            found.append(shape)
        if len(found) == limit:
            break
    return found
