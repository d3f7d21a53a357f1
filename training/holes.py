"""Holes to measure on: the same for a given seed on every machine, in the shapes that people erase.

Four kinds: `object` (silhouettes of people and furniture from the validation masks), `brush` (a stroke as
drawn with a mouse), `box`, and `border` (a silhouette cut off by the picture's edge, where a fill has context
on one side only). Two area bands: 5-10 % and 10-25 % of the picture. A shape is drawn in unit coordinates and
scaled until its area, after clipping, lies in its band, so the band is a promise and not an aim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Silhouette = NDArray[np.bool_]  # hxw, cropped to the object
Hole = NDArray[np.bool_]  # HxW, True = to be filled

KINDS = ("object", "brush", "box", "border")
BANDS = {"5-10 %": (0.05, 0.10), "10-25 %": (0.10, 0.25)}
SCALE_STEPS = 24
ATTEMPTS = 40


class HoleCase(NamedTuple):
    """A hole with the row of the table that it belongs to."""

    hole: Hole
    kind: str
    band: str


class Placed(NamedTuple):
    """Where a shape goes: centre in pixels and the corner of the frame for shapes that stay inside."""

    x: float
    y: float
    inside: bool


def crop_silhouette(mask: NDArray[np.bool_], smallest: float = 0.01) -> Silhouette | None:
    """The largest component of a mask, cropped; None when it covers less than `smallest` of the picture.

    One component only: a crowd's mask is no object. Shapes that touch the edge are left out as well, since
    they are cut straight where the photograph ended.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    left, top, width, height, area = (int(v) for v in stats[largest])
    touches = left == 0 or top == 0 or left + width == mask.shape[1] or top + height == mask.shape[0]
    if touches or area < smallest * mask.size or min(width, height) < 12:
        return None
    return labels[top : top + height, left : left + width] == largest


def fallback_silhouettes() -> list[Silhouette]:
    """Three drawn figures (standing person, potted plant, chair) for places without the data folder."""
    person, plant, chair = (np.zeros((200, 120), np.uint8) for _ in range(3))
    cv2.circle(person, (60, 28), 22, 1, -1)
    cv2.ellipse(person, (60, 95), (36, 50), 0, 0, 360, 1, -1)
    cv2.line(person, (46, 130), (40, 194), 1, 22)
    cv2.line(person, (74, 130), (82, 194), 1, 22)
    for angle in range(0, 360, 45):
        cv2.ellipse(plant, (60, 70), (56, 14), angle, 0, 360, 1, -1)
    cv2.fillPoly(plant, [np.array([[36, 110], [84, 110], [76, 196], [44, 196]], np.int32)], (1,))
    cv2.rectangle(chair, (24, 6), (96, 120), 1, -1)
    cv2.line(chair, (30, 110), (22, 194), 1, 12)
    cv2.line(chair, (90, 110), (98, 194), 1, 12)
    return [shape.astype(bool) for shape in (person, plant, chair)]


def _stamp(silhouette: Silhouette, flip: bool, scale: float, size: tuple[int, int], at: Placed) -> Hole:
    """The silhouette with its longer side scaled to `scale` pixels, in an empty mask of size (w, h)."""
    shape = silhouette[:, ::-1] if flip else silhouette
    factor = scale / max(shape.shape)
    half_w, half_h = shape.shape[1] * factor / 2, shape.shape[0] * factor / 2
    x, y = _kept_inside(at, half_w, half_h, size)
    matrix = np.array([[factor, 0, x - half_w], [0, factor, y - half_h]])
    drawn = cv2.warpAffine(shape.astype(np.uint8) * 255, matrix, size, flags=cv2.INTER_LINEAR)
    return drawn >= 128


def _kept_inside(at: Placed, half_w: float, half_h: float, size: tuple[int, int]) -> tuple[float, float]:
    """The centre, moved so that a shape which is to stay inside keeps a rim of 4 % (where it fits at all)."""
    if not at.inside:
        return at.x, at.y
    rim = 0.04 * min(size)
    x = min(max(at.x, half_w + rim), size[0] - half_w - rim) if 2 * (half_w + rim) < size[0] else size[0] / 2
    y = min(max(at.y, half_h + rim), size[1] - half_h - rim) if 2 * (half_h + rim) < size[1] else size[1] / 2
    return x, y


def _stroke(
    points: NDArray[np.float64], width: float, scale: float, size: tuple[int, int], at: Placed
) -> Hole:
    """A polyline given in -0.5..0.5, `scale` pixels across, with a brush of `width` * `scale` pixels."""
    half = scale * (0.5 + width / 2)
    x, y = _kept_inside(at, half, half, size)
    canvas = np.zeros((size[1], size[0]), np.uint8)
    path = np.rint(points * scale + (x, y)).astype(np.int32)
    cv2.polylines(canvas, [path], False, (1,), thickness=max(2, round(width * scale)))
    return canvas.astype(bool)


def _brush_path(generator: np.random.Generator) -> NDArray[np.float64]:
    """A wandering stroke whose longer extent is 1, centred on 0."""
    heading = generator.uniform(0, 2 * np.pi)
    headings = heading + np.cumsum(generator.normal(0, 0.7, int(generator.integers(4, 10))))
    points = np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=-1), axis=0)
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / max(float((high - low).max()), 1e-6)


def _border_place(generator: np.random.Generator, size: tuple[int, int]) -> Placed:
    """A centre on, or a little inside of, one of the four sides."""
    along, depth = generator.uniform(0.15, 0.85), generator.uniform(0.0, 0.04)
    across = depth if generator.random() < 0.5 else 1 - depth
    x, y = (along, across) if generator.random() < 0.5 else (across, along)
    return Placed(x * size[0], y * size[1], inside=False)


def _drawer(
    kind: str, generator: np.random.Generator, size: tuple[int, int], silhouettes: Sequence[Silhouette]
) -> Callable[[float], Hole]:
    """A shape of the kind with everything drawn but its scale."""
    at = Placed(generator.uniform(0.1, 0.9) * size[0], generator.uniform(0.1, 0.9) * size[1], inside=True)
    flip = bool(generator.random() < 0.5)
    if kind == "brush":
        path, width = _brush_path(generator), float(generator.uniform(0.12, 0.3))
        return lambda scale: _stroke(path, width, scale, size, at)
    if kind == "box":
        ratio = float(np.exp(generator.uniform(-0.8, 0.8)))
        box = np.ones((round(200 * min(1, ratio)), round(200 * min(1, 1 / ratio))), bool)
        return lambda scale: _stamp(box, False, scale, size, at)
    shape = silhouettes[int(generator.integers(len(silhouettes)))]
    if kind == "border":
        at = _border_place(generator, size)
    return lambda scale: _stamp(shape, flip, scale, size, at)


def _fitted(draw: Callable[[float], Hole], area: float, size: tuple[int, int]) -> Hole:
    """The shape at the scale, found by bisection, where it covers `area` of the picture."""
    low, high = 4.0, 3.0 * max(size)
    for _ in range(SCALE_STEPS):
        middle = (low + high) / 2
        if draw(middle).mean() < area:
            low = middle
        else:
            high = middle
    return draw(high)


def draw_hole(
    kind: str, band: str, size: tuple[int, int], silhouettes: Sequence[Silhouette], seed: Sequence[int]
) -> Hole:
    """A hole of the kind (`KINDS`) and area band (a key of `BANDS`) for a picture of `size` (width, height).

    Same arguments, same hole. `border` holes touch the edge and the others do not, as long as the shape
    leaves room.

    Raises ValueError for an unknown kind or band.
    """
    if kind not in KINDS or band not in BANDS:
        raise ValueError(f"kind {kind!r} must be one of {KINDS} and band {band!r} one of {tuple(BANDS)}")
    generator = np.random.default_rng(list(seed))
    low, high = BANDS[band]
    for _ in range(ATTEMPTS):
        area = generator.uniform(low * 1.02, high * 0.98)
        hole = _fitted(_drawer(kind, generator, size, silhouettes), area, size)
        if low <= hole.mean() <= high and touches_border(hole) == (kind == "border"):
            return hole
    raise ValueError(
        f"no {kind} hole of {band} fits a picture of {size}: use a picture of at least 32 px a side"
    )


def touches_border(hole: Hole) -> bool:
    """Whether a hole reaches the outermost row or column of its picture."""
    return bool(hole[0].any() or hole[-1].any() or hole[:, 0].any() or hole[:, -1].any())


def hole_cases(
    count: int, size: tuple[int, int], silhouettes: Sequence[Silhouette], seed: int = 0
) -> list[HoleCase]:
    """`count` holes that go through kinds and bands in turn; case i depends on seed and i only."""
    cases = []
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        band = list(BANDS)[index // len(KINDS) % len(BANDS)]
        cases.append(HoleCase(draw_hole(kind, band, size, silhouettes, (seed, index)), kind, band))
    return cases
