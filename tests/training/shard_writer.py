"""Writes small shards of made-up pictures for the tests of `training`."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def add_picture(tar: tarfile.TarFile, name: str, array: np.ndarray, kind: str, **options: bool) -> None:
    """Adds a picture to a shard under its whole name."""
    data = io.BytesIO()
    Image.fromarray(array).save(data, kind, **options)
    entry = tarfile.TarInfo(name)
    entry.size = data.tell()
    data.seek(0)
    tar.addfile(entry, data)


def write_shard(path: Path, samples: dict[str, tuple[int, int, bool]]) -> Path:
    """A shard of noise pictures: key -> (width, height, somebody stands in the middle)."""
    rng = np.random.default_rng(0)
    with tarfile.open(path, "w") as tar:
        for key, (width, height, somebody) in samples.items():
            rgb = rng.integers(0, 90, (height, width, 3), dtype=np.uint8)
            mask = np.zeros((height, width), np.uint8)
            if somebody:
                mask[height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = 255
                rgb[mask > 0] = 220
            for extension, array, kind in (("webp", rgb, "WEBP"), ("mask.png", mask, "PNG")):
                add_picture(tar, f"{key}.{extension}", array, kind)
    return path
