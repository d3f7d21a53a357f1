"""Sample plates: rows of pictures side by side, to be looked at while a network trains or is judged."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def save_plate(rows: Tensor, path: Path) -> None:
    """Writes rows of pictures as one PNG.

    Args:
        rows: R x N x 3 x H x W in [0, 1]: R rows of N pictures.
        path: of the PNG; its folder is made.
    """
    count, across, _, height, width = rows.shape
    sheet = rows.permute(0, 3, 1, 4, 2).reshape(count * height, across * width, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((sheet.clamp(0, 1).cpu().numpy() * 255 + 0.5).astype(np.uint8)).save(path)


def found_plate(picture: np.ndarray, truth: NDArray[np.bool_], guess: NDArray[np.bool_]) -> np.ndarray:
    """A picture (HxWx3) above the same, darker, with what was to be found green, what was found red, both yellow."""
    over = picture // 2
    over[truth, 1] += 100
    over[guess, 0] += 100
    return np.vstack([picture, over])


def save_plates(folder: Path, name: str, plates: Iterable[tuple[str, np.ndarray]]) -> None:
    """Writes the plates (key, HxWx3 uint8) of an evaluation, in the order of their numbers, into FOLDER/plates."""
    into = folder / "plates"
    into.mkdir(parents=True, exist_ok=True)
    for place, (key, plate) in enumerate(plates):
        Image.fromarray(plate).save(into / f"{name}-{place:02d}-{key}.png")
