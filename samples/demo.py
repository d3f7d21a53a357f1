"""`make demo`: erases the mission patch from a spacesuit, with the command a user would type.

The photograph is NASA's portrait of Eileen Collins, in the public domain, as scikit-image ships it
(samples/LICENSES.md); the mask is drawn here. Everything lands in runs/demo/: the photograph, the mask, the
result with its receipt, and before-after.png. What is printed at the end is computed from those files, and
a demonstration that changed one sample outside the mask fails.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(__file__).parents[1] / "runs" / "demo"

PATCH = (127, 340, 218, 431)
"""The mission patch: left, top, right, bottom of an ellipse, in pixels of the 512x512 photograph."""


def prepare() -> tuple[Path, Path]:
    """Writes the photograph and the mask.

    Returns:
        Their two paths.
    """
    from skimage import data

    FOLDER.mkdir(parents=True, exist_ok=True)
    photo, mask = FOLDER / "astronaut.png", FOLDER / "patch-mask.png"
    Image.fromarray(data.astronaut()).save(photo)
    drawn = Image.new("L", (512, 512))
    ImageDraw.Draw(drawn).ellipse(PATCH, fill=255)
    drawn.save(mask)
    return photo, mask


def erase(photo: Path, mask: Path) -> Path:
    """Runs the command line, as a process of its own.

    Returns:
        The result's path.
    """
    result = photo.with_name("astronaut.vanished.png")
    words = [
        "erase",
        photo,
        "--mask",
        mask,
        "-o",
        result,
        "--receipt",
        photo.with_name("receipt.json"),
        "--overwrite",
    ]
    print("vanisher " + " ".join(str(word) for word in words))
    subprocess.run([sys.executable, "-m", "vanisher_core", *map(str, words)], check=True)
    return result


def read(path: Path) -> np.ndarray:
    """A picture's samples."""
    with Image.open(path) as image:
        return np.asarray(image)


def compare(photo: Path, mask: Path, result: Path) -> tuple[Path, int, int]:
    """Puts before, mask and after beside each other and counts what changed where it must not.

    Returns:
        The plate's path, how many samples changed over 40 pixels from the mask's box, and how many lie there.
    """
    before, after, painted = read(photo), read(result), read(mask) > 127
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    outside = np.ones(painted.shape, bool)
    outside[max(rows[0] - 40, 0) : rows[-1] + 41, max(columns[0] - 40, 0) : columns[-1] + 41] = False
    shown = np.where(painted[..., None], before // 2 + np.array([0, 127, 90], np.uint8), before)
    plate = FOLDER / "before-after.png"
    Image.fromarray(np.hstack((before, shown.astype(np.uint8), after))).save(plate)
    return plate, int((before[outside] != after[outside]).sum()), int(outside.sum()) * 3


def main() -> int:
    """Runs the demonstration.

    Returns:
        0 if it worked and nothing outside changed, else 1.
    """
    photo, mask = prepare()
    began = time.perf_counter()
    result = erase(photo, mask)
    plate, changed, looked = compare(photo, mask, result)
    seconds = time.perf_counter() - began
    print(f"{seconds:.1f} s from a cold start; {changed} of {looked} samples away from the mask changed")
    print(f"before, mask, after: {plate}")
    print(f"result: {result}")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
