"""Reads the tar shards of ../shared/data and says which pictures train and which validate.

WebDataset layout: files of one key stand together in a tar (`KEY.webp`, `KEY.mask.png`, `KEY.seg.png`).
Everything fits into memory as uint8, so a loop loads once and never waits for a disk again.

The split is by source (key prefix) or by a stable hash, never by drawing pictures: near-duplicates share
sources. The rules are those of the data folder's README; `fingerprint` makes them checkable in a model
card.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

DEFAULT_FOLDER = Path("../shared/data")
"""Where the shards stand beside the repository."""

PEOPLE_VALIDATION = frozenset({"coco", "cocop"})
"""Sources of `people-*` that validate. Compared whole: `cocov` and `cocom` are other sources and train."""

HIRES_VALIDATION = frozenset({"stunning", "drew"})
PANORAMA_VALIDATION = ("photo_autokomanda", "photo_polyhaven")

Members = dict[str, bytes]
"""Extension without the leading dot ("webp", "mask.png") -> the file's bytes."""


class Picture(NamedTuple):
    """One decoded sample."""

    key: str
    rgb: np.ndarray
    """HxWx3 uint8."""
    mask: np.ndarray | None
    """HxW uint8, 255 = object; None when the shard has none."""
    classes: np.ndarray | None
    """HxW uint8 class index; None when the shard has none."""


def read_shard(path: Path) -> Iterator[tuple[str, Members]]:
    """Yields (key, files) of a tar in its order.

    Raises:
        ValueError: the files of one key do not stand together.
    """
    seen: set[str] = set()
    key, members = "", Members()
    with tarfile.open(path) as tar:
        for entry in tar:
            file = tar.extractfile(entry)
            if file is None:
                continue
            name, _, extension = entry.name.partition(".")
            if name != key:
                if members:
                    yield key, members
                if name in seen:
                    raise ValueError(
                        f"{path}: files of key {name!r} are apart; files of one key must stand together"
                    )
                seen.add(name)
                key, members = name, Members()
            members[extension] = file.read()
    if members:
        yield key, members


def shards(folder: Path, *patterns: str) -> list[Path]:
    """The tar files that match any of the glob patterns ("people-*.tar"), sorted.

    Raises:
        FileNotFoundError: none does.
    """
    found = sorted({path for pattern in patterns for path in Path(folder).glob(pattern)})
    if not found:
        raise FileNotFoundError(f"no shard matches {patterns} in {folder}; pass the data folder (--data)")
    return found


def source(key: str) -> str:
    """The source prefix of a key: `cocov-000000280930` -> `cocov`, `places_hall_001` -> `places`."""
    return key.partition("-")[0].partition("_")[0]


def validates(kind: str, key: str) -> bool:
    """Whether a picture belongs to the validation split.

    Args:
        kind: start of the shard's name: "people", "interiors", "hires", "panoramas", "scenes", "scenes-val".
        key: the picture's key.

    Raises:
        ValueError: an unknown kind.
    """
    match kind:
        case "people":
            return source(key) in PEOPLE_VALIDATION
        case "interiors":
            return zlib.crc32(key.encode()) % 8 == 0
        case "hires":
            return source(key) in HIRES_VALIDATION
        case "panoramas":
            return key.startswith(PANORAMA_VALIDATION)
        case "scenes":
            return False
        case "scenes-val":
            return True
    raise ValueError(
        f"kind={kind!r} is unknown; use people, interiors, hires, panoramas, scenes or scenes-val"
    )


def decode(key: str, members: Members) -> Picture:
    """Decodes one sample's picture and, where there are any, its masks."""

    def grey(extension: str) -> np.ndarray | None:
        data = members.get(extension)
        return None if data is None else np.asarray(Image.open(io.BytesIO(data)).convert("L"))

    rgb = np.asarray(Image.open(io.BytesIO(members["webp"])).convert("RGB"))
    classes = members.get("seg.png")
    indices = None if classes is None else np.asarray(Image.open(io.BytesIO(classes)))
    return Picture(key, rgb, grey("mask.png"), indices)


def pictures(paths: Iterable[Path], predicate: Callable[[str], bool] = lambda key: True) -> Iterator[Picture]:
    """Decodes the samples of several shards whose key satisfies the predicate, in order."""
    for path in paths:
        for key, members in read_shard(path):
            if predicate(key):
                yield decode(key, members)


def load_pictures(
    folder: Path, patterns: Sequence[str], size: int, predicate: Callable[[str], bool] = lambda key: True
) -> tuple[Tensor, list[str]]:
    """Loads photographs as squares: the short side scaled to `size`, the middle cut out.

    Returns:
        uint8 tensor Nx3xSIZExSIZE and the N keys, in shard order.
    """
    squares, keys = [], []
    for picture in pictures(shards(folder, *patterns), predicate):
        squares.append(torch.from_numpy(square(picture.rgb, size)))
        keys.append(picture.key)
    if not squares:
        return torch.zeros(0, 3, size, size, dtype=torch.uint8), []
    return torch.stack(squares).permute(0, 3, 1, 2).contiguous(), keys


def square(rgb: np.ndarray, size: int) -> np.ndarray:
    """HxWx3 uint8 -> SIZExSIZEx3 uint8: short side scaled to `size`, middle cut out."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    resample = Image.Resampling.LANCZOS if side >= size else Image.Resampling.BICUBIC
    return np.array(Image.fromarray(rgb).resize((size, size), resample, box=box))


def fingerprint(keys: Iterable[str]) -> str:
    """Short hash of a split (order does not matter), for model cards."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]
