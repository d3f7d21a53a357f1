"""The discriminator's loss over a training run, as a CSV file and as a picture with the active side shaded."""

import csv
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

SIZE = (1200, 400)
"""Width and height of the picture in pixels."""

LEFT, TOP, RIGHT, BOTTOM = 56, 34, 1184, 364
"""The plot's frame inside it."""

SHADES = {"discriminator": (214, 228, 246), "generator": (253, 229, 205), "both": (236, 236, 236)}
"""Colour behind the steps of each side."""


class Point(NamedTuple):
    """One step."""

    step: int
    loss: float
    """The discriminator's, before the step."""
    side: str
    """Who trained: "discriminator", "generator" or, without the rule, "both"."""


def write(points: list[Point], path: Path) -> None:
    """Writes the curve as CSV, atomically."""
    draft = path.with_suffix(".part")
    with draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Point._fields, *points])
    draft.replace(path)


def read(path: Path, before: int) -> list[Point]:
    """The points of steps below `before`; none when there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        points = [Point(int(row["step"]), float(row["loss"]), row["side"]) for row in csv.DictReader(file)]
    return [point for point in points if point.step < before]


def draw(points: list[Point], path: Path, *, low: float, high: float, window: int) -> None:
    """Draws the curve as a PNG.

    Args:
        points: at least one.
        path: of the picture.
        low: the generator's threshold, a dashed line.
        high: the discriminator's threshold, a dashed line.
        window: steps of the running mean, the dark line; single losses are the pale one.
    """
    losses = [point.loss for point in points]
    means = [sum(losses[i + 1 - window : i + 1]) / window for i in range(window - 1, len(losses))]
    first, last = points[0].step, max(points[-1].step, points[0].step + 1)
    top = 1.1 * max(high, sorted(losses)[int(0.99 * (len(losses) - 1))])

    def place(step: float, loss: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * (step - first) / (last - first)
        return x, BOTTOM - (BOTTOM - TOP) * min(loss, top) / top

    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)
    for point, following in zip(points, [*points[1:], None], strict=True):
        end = place(following.step if following else last, 0)[0]
        pen.rectangle((place(point.step, 0)[0], TOP, end, BOTTOM), fill=SHADES[point.side])
    pen.line([place(point.step, point.loss) for point in points], fill=(170, 170, 185))
    pen.line(
        [place(point.step, mean) for point, mean in zip(points[window - 1 :], means, strict=True)],
        fill=(25, 45, 115),
        width=2,
    )
    for name, level in (("low", low), ("high", high)):
        _dashes(pen, place(first, level)[1])
        pen.text((RIGHT - 60, place(first, level)[1] - 12), f"{name} {level:g}", fill="black")
    pen.rectangle((LEFT, TOP, RIGHT, BOTTOM), outline="black")
    _labels(pen, points, top, window)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def _dashes(pen: ImageDraw.ImageDraw, y: float) -> None:
    for x in range(LEFT, RIGHT, 10):
        pen.line((x, y, x + 5, y), fill=(120, 40, 40))


def _labels(pen: ImageDraw.ImageDraw, points: list[Point], top: float, window: int) -> None:
    """Title, legend and the ends of both axes."""
    share = {side: sum(point.side == side for point in points) / len(points) for side in SHADES}
    switches = sum(a.side != b.side for a, b in pairwise(points))
    pen.text(
        (LEFT, 4), f"Discriminator loss, mean of {window} (single: pale); switches: {switches}", fill="black"
    )
    x = LEFT
    for side, part in share.items():
        if part:
            pen.rectangle((x, 19, x + 11, 30), fill=SHADES[side], outline="black")
            pen.text((x + 16, 18), f"{side} {part:.0%}", fill="black")
            x += 150
    pen.text((8, TOP - 5), f"{top:.2f}", fill="black")
    pen.text((8, BOTTOM - 8), "0.00", fill="black")
    pen.text((LEFT, BOTTOM + 8), f"step {points[0].step}", fill="black")
    pen.text((RIGHT - 70, BOTTOM + 8), f"step {points[-1].step}", fill="black")
