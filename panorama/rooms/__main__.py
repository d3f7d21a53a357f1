"""Renders rooms into a folder: `python -m panorama.rooms --seeds 0-23 --width 1024 --out rooms`.

For each seed NNNNN: `NNNNN-furnished`, `NNNNN-empty` (PNG, or JPEG with `--jpeg`), `NNNNN-classes.png` (class
index), `NNNNN-objects.png` (16 bit, object number), `NNNNN-beyond.png` (1 bit, where the empty room shows outdoors or a
next room), `NNNNN-depth.png` (16 bit, millimetres, 0 = outside), `NNNNN-normals.png` (128 + 127 n) and `NNNNN.json`
(names, layout, seed); for all, `sheet.png`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from panorama.rooms import CLASSES, QUALITIES, Room, render
from vanisher_core.errors import UsageError, VanisherError

SHEET_WIDTH = 512
"""Pixels, width of one picture on the contact sheet."""


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m panorama.rooms", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seeds", default="0-3", help="such as 0-23 or 5,9,100-110 (default: %(default)s)")
    parser.add_argument("--width", type=int, default=1024, help="pixels (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--quality", default="normal", help=f"{', '.join(QUALITIES)} (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument(
        "--jpeg", type=int, metavar="QUALITY", help="write the pictures as JPEG of this quality"
    )
    parser.add_argument(
        "--lived-in", action="store_true", help="with small things, cords, open doors, kitchens"
    )
    options = parser.parse_args(argv)
    try:
        seeds = parse_seeds(options.seeds)
        options.out.mkdir(parents=True, exist_ok=True)
        rows = []
        for seed in seeds:
            begin = time.monotonic()
            room = render(seed, options.width, options.device, options.quality, options.lived_in)
            save(room, options.out, options.jpeg)
            rows.append(thumbnails(room))
            print(f"{seed:05d}  {len(room.names):2d} objects  {time.monotonic() - begin:6.1f} s", flush=True)
        Image.fromarray(np.concatenate(rows)).save(options.out / "sheet.png")
    except VanisherError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def parse_seeds(text: str) -> list[int]:
    """Whole numbers from a list of numbers and ranges, such as "5,9,100-110".

    Raises:
        UsageError: anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()):
            raise UsageError(f"--seeds is {text!r}; give numbers and ranges, such as 0-23 or 5,9,100-110.")
        seeds += range(int(low), int(high or low) + 1)
    if not seeds:
        raise UsageError(
            f"--seeds is {text!r}, which names no seed; the first of a range must not be the larger."
        )
    return seeds


def save(room: Room, folder: Path, jpeg: int | None = None) -> None:
    """Write one room's pictures, masks and description; see the module docstring."""
    stem = f"{room.seed:05d}"
    for name, picture in (("furnished", room.furnished), ("empty", room.empty)):
        image = Image.fromarray(picture)
        if jpeg is None:
            image.save(folder / f"{stem}-{name}.png")
        else:
            image.save(folder / f"{stem}-{name}.jpg", quality=jpeg, subsampling=0 if jpeg > 92 else 2)
    Image.fromarray(room.classes).save(folder / f"{stem}-classes.png")
    Image.fromarray(room.objects.astype(np.uint16)).save(folder / f"{stem}-objects.png")
    Image.fromarray(room.beyond).save(folder / f"{stem}-beyond.png")
    millimetres = np.where(np.isfinite(room.depth), room.depth * 1000, 0).round().clip(0, 65535)
    Image.fromarray(millimetres.astype(np.uint16)).save(folder / f"{stem}-depth.png")
    Image.fromarray((128 + 127 * room.normals).round().astype(np.uint8)).save(folder / f"{stem}-normals.png")
    layout = room.layout
    described = {
        "seed": room.seed,
        "objects": [
            {"number": number, "name": name, "class": CLASSES[kind]}
            for number, (name, kind) in enumerate(zip(room.names, room.kinds, strict=True), start=1)
        ],
        "layout": {"corners": layout.corners.tolist(), "floor": layout.floor, "ceiling": layout.ceiling},
    }
    (folder / f"{stem}.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def thumbnails(room: Room) -> np.ndarray:
    """uint8 (256, 1536, 3): furnished, empty, classes in colours."""
    colours = np.random.default_rng(3).integers(40, 256, (len(CLASSES), 3)).astype(np.uint8)
    colours[0] = 20
    size = (SHEET_WIDTH, SHEET_WIDTH // 2)
    pictures = [Image.fromarray(p).resize(size, Image.Resampling.BOX) for p in (room.furnished, room.empty)]
    pictures.append(Image.fromarray(colours[room.classes]).resize(size, Image.Resampling.NEAREST))
    return np.concatenate([np.asarray(p) for p in pictures], axis=1)


if __name__ == "__main__":
    raise SystemExit(main())
