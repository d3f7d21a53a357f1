"""What the gallery erases: hand-placed outlines, labelled people and furniture, strokes.

Outlines are polygons in fractions of the picture, drawn the way a user paints: round the object with some
slack, one list per photograph. Labelled objects come from the validation side of the shards. The list is
fixed, easy and hopeless cases alike, so that two versions of the product can be compared picture by picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.shards import decode, read_shard, shards
from training.holes import Hole, draw_hole
from training.validation import Picture, validation_files

Polygon = tuple[tuple[float, float], ...]

PEOPLE, FURNITURE = 7, 4
LABELLED_AREA = (0.01, 0.2)  # share of the picture; larger objects leave little to continue
SLACK = 2  # pixels round a labelled object on 256-384 px pictures


class Scene(NamedTuple):
    """One erasure to show: a file-name part, a title, the photograph and what to erase."""

    name: str
    title: str
    rgb: Picture
    hole: Hole


def _box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


OUTLINES: dict[str, tuple[str, str, tuple[Polygon, ...]]] = {
    "guard": ("drew_00077", "man on a stone floor", (_box(0.40, 0.765, 0.52, 0.995),)),
    "tower": (
        "drew_00030",
        "tower block",
        (((0.67, 0.61), (0.77, 0.58), (0.89, 0.64), (0.92, 1), (0.69, 1)),),
    ),
    "pastry": (
        "drew_00064",
        "packet in a shop window",
        (((0.74, 0.385), (0.87, 0.37), (0.91, 0.52), (0.76, 0.54)),),
    ),
    "pole": ("lightg_00005", "pole in the sea", (_box(0.53, 0.46, 0.605, 0.69),)),
    "lamp": ("lightg_00005", "light on the horizon", (_box(0.65, 0.16, 0.715, 0.215),)),
    "dandelion": (
        "mate_00008",
        "seed",
        (((0.66, 0.33), (0.93, 0.33), (0.93, 0.63), (0.72, 0.74), (0.69, 0.6)),),
    ),
    "bicycle": (
        "matheus_00005",
        "bicycle against a wall",
        (((0.21, 0.41), (0.43, 0.42), (0.43, 0.72), (0.4, 0.82), (0.33, 0.88), (0.21, 0.88)),),
    ),
    "signature": ("matheus_00008", "painter's signature", (_box(0.905, 0.92, 0.975, 0.975),)),
    "sun": ("matheus_00017", "sun over a lake", (_box(0.525, 0.285, 0.57, 0.345),)),
    "hut": (
        "stunning_00003",
        "boat shed in the lagoon",
        (((0.53, 0.45), (0.87, 0.47), (0.87, 0.66), (0.80, 0.73), (0.66, 0.76), (0.58, 0.72), (0.56, 0.56)),),
    ),
    "trunk": (
        "stunning_00003",
        "dead tree, cut by the edge",
        (
            (
                (0.125, 0.25),
                (0.17, 0.25),
                (0.175, 0.43),
                (0.21, 0.36),
                (0.235, 0.40),
                (0.18, 0.54),
                (0.18, 0.86),
                (0.2, 1.0),
                (0.11, 1.0),
                (0.13, 0.86),
                (0.135, 0.54),
                (0.105, 0.5),
            ),
        ),
    ),
    "visitors": (
        "stunning_00007",
        "visitors by the rocks",
        (_box(0.29, 0.74, 0.38, 0.88), _box(0.425, 0.74, 0.46, 0.83), _box(0.53, 0.71, 0.57, 0.83)),
    ),
    "hoodoo": ("stunning_00012", "rock needle", (((0.2, 0.06), (0.275, 0.06), (0.27, 0.27), (0.205, 0.27)),)),
    "branch": (
        "stunning_00018",
        "hanging branch, cut by the edge",
        (((0.58, 0), (0.76, 0), (0.72, 0.2), (0.69, 0.45), (0.62, 0.45)),),
    ),
    "sapling": ("stunning_00022", "thin dead tree", (_box(0.475, 0.47, 0.525, 0.81),)),
    "dead-tree": (
        "stunning_00022",
        "large dead tree",
        (
            (
                (0.5, 0.34),
                (0.6, 0.12),
                (0.94, 0.1),
                (0.93, 0.3),
                (0.78, 0.62),
                (0.78, 0.9),
                (0.64, 0.9),
                (0.67, 0.7),
            ),
        ),
    ),
    "bush": ("stunning_00034", "bush on the pan", (_box(0.62, 0.69, 0.71, 0.78),)),
    "train": (
        "stunning_00035",
        "train",
        (((0.085, 0.45), (0.41, 0.54), (0.41, 0.74), (0.22, 0.79), (0.085, 0.79)),),
    ),
    "lighthouse": ("stunning_00037", "lighthouse", (_box(0.735, 0.46, 0.795, 0.65),)),
    "plaza": (
        "stunning_00042",
        "people on the square",
        (_box(0.3, 0.9, 0.37, 1.0), _box(0.405, 0.86, 0.445, 0.96), _box(0.515, 0.82, 0.555, 0.9)),
    ),
    "jetty": (
        "stunning_00044",
        "jetty, cut by the edge",
        (((0.43, 0.58), (0.58, 0.56), (1, 0.9), (1, 1), (0.72, 1), (0.43, 0.7)),),
    ),
    "hikers": (
        "stunning_00045",
        "hikers on a dune",
        (_box(0.525, 0.375, 0.565, 0.45), _box(0.6, 0.63, 0.635, 0.7)),
    ),
    "cross": (
        "stunning_00052",
        "stone cross",
        (
            (
                (0.73, 0.38),
                (0.83, 0.38),
                (0.86, 0.46),
                (0.86, 0.57),
                (0.81, 0.58),
                (0.82, 0.76),
                (0.89, 0.79),
                (0.88, 0.86),
                (0.67, 0.86),
                (0.74, 0.76),
                (0.74, 0.56),
                (0.69, 0.54),
                (0.69, 0.46),
            ),
        ),
    ),
}
"""Name -> (photograph's key, title, polygons)."""

STROKES = {
    "cliff": ("stunning_00051", "stroke over forest and cliff"),
    "shore": ("stunning_00048", "stroke over shore and reflection"),
    "leaf": ("mate_00009", "stroke over a leaf's ribs"),
    "facade": ("matheus_00018", "stroke over roofs"),
}
"""Name -> (photograph's key, title); the stroke is drawn from the key."""


def polygon_hole(size: tuple[int, int], polygons: tuple[Polygon, ...]) -> Hole:
    """Polygons in fractions of a picture of `size` (w, h), filled."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    for polygon in polygons:
        points = np.rint(np.array(polygon) * np.array(size)).astype(np.int32)
        cv2.fillPoly(canvas, [points], (1,))
    return canvas.astype(bool)


def outlined(folder: Path) -> Iterator[Scene]:
    """The hand-placed erasures and the strokes whose photographs the folder holds."""
    wanted = {key for key, _, _ in OUTLINES.values()} | {key for key, _ in STROKES.values()}
    try:
        paths = shards(folder, "hires-*.tar")
    except FileNotFoundError:
        return
    files = {key: members for path in paths for key, members in read_shard(path) if key in wanted}
    for name, (key, title, polygons) in OUTLINES.items():
        if key in files:
            rgb = decode(key, files[key]).rgb
            yield Scene(name, f"{title} ({key})", rgb, polygon_hole((rgb.shape[1], rgb.shape[0]), polygons))
    for name, (key, title) in STROKES.items():
        if key in files:
            rgb = decode(key, files[key]).rgb
            hole = draw_hole("brush", "5-10 %", (rgb.shape[1], rgb.shape[0]), [], tuple(key.encode()))
            yield Scene(name, f"{title} ({key})", rgb, hole)


def _slack(marked: NDArray[np.bool_]) -> Hole:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SLACK + 1, 2 * SLACK + 1))
    return np.asarray(cv2.dilate(marked.astype(np.uint8), kernel)).astype(bool)


def labelled(folder: Path, kind: str, title: str, count: int) -> Iterator[Scene]:
    """The first `count` validation pictures of a kind ("people", "interiors") with a fitting object."""
    found = 0
    for key, members in validation_files(folder, kind):
        if found == count:
            return
        picture = decode(key, members)
        marked = picture.mask if kind == "people" else picture.classes
        if marked is None or not LABELLED_AREA[0] <= (marked > 0).mean() <= LABELLED_AREA[1]:
            continue
        found += 1
        yield Scene(f"{kind}-{found}", f"{title} ({key})", picture.rgb, _slack(marked > 0))


def scenes(folder: Path) -> Iterator[Scene]:
    """Every erasure of the gallery, in its order; photographs are decoded one at a time."""
    yield from outlined(folder)
    yield from labelled(folder, "people", "people, by their label", PEOPLE)
    yield from labelled(folder, "interiors", "furniture, by its label", FURNITURE)
