"""Labels made by eye (`training.label`): an index of `training.label_edits.KINDS` for every texel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.room_furniture import BEYOND, UNKNOWN


def read_labels(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """HxW labels of a picture of this shape.

    Raises:
        OSError: the file is missing or no picture.
        ValueError: it is no label.
    """
    with Image.open(path) as file:
        found = np.asarray(file)
    if found.dtype != np.uint8 or found.shape != shape or found.max() > BEYOND:
        raise ValueError(
            f"{path} is {found.dtype} of shape {found.shape} and goes up to {found.max()}; this picture's label is "
            f"8-bit, {shape[1]}x{shape[0]}, of one channel, and goes up to {BEYOND}"
        )
    return found


def is_furniture(labels: np.ndarray) -> NDArray[np.bool_]:
    """Where labels name a piece of this room's furniture."""
    return (labels > 0) & (labels != UNKNOWN) & (labels != BEYOND)


def without_beyond(labels: np.ndarray) -> NDArray[np.uint8]:
    """Labels in which what lies beyond the walls is unknown, for networks of views: whatever stands there."""
    return np.where(labels == BEYOND, UNKNOWN, labels).astype(np.uint8)
