"""Layouts found in rendered rooms: `python -m training.evaluate layout`.

The product's own `room_layout` looks at furnished rooms whose furniture is to be erased, as `erase_panorama` does;
the truth is the renderer's. A direction inside the hole counts as wrong in `kind` if floor, wall and ceiling are
mistaken there, and as wrong in `plane` also if the wall stands in another direction or more than a tenth nearer or
farther. Directions count by their solid angle. A room without a layout (none trusted) is wrong everywhere.

`--cache FOLDER` names other rooms, such as training rooms to choose settings on; `--out DIR` keeps `layout.md`,
`layout.csv` and, with `--plates N`, the N worst rooms with true edges (green) and found ones (red).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image

from panorama.axes import room_yaw
from panorama.layout import FIRST_WALL, Layout, Wall
from panorama.walls import room_layout
from training.common import parse_config
from training.intervals import ratio
from training.pages import Page
from training.panorama_rooms import RoomCase, chosen
from vanisher_core.errors import VanisherError

NEAR = 0.1
"""By how much of its distance a wall may stand elsewhere."""
COLUMNS = 4096
"""Columns in which the true walls are looked for."""


@dataclass(frozen=True)
class Options:
    """Options of the layout figures."""

    cache: Path = Path("runs/rooms")
    rooms: int = 24
    seeds: tuple[int, ...] = ()
    width: int = 1024
    threads: int = 2
    out: Path | None = None
    plates: int = 0


class Judged(NamedTuple):
    """Solid angles (in texels of the equator) of one room's hole, and its layout."""

    seed: int
    kind: float
    plane: float
    area: float
    found: Layout | None

    def row(self) -> dict[str, object]:
        """For the CSV file."""
        score = self.found.score if self.found else ""
        return {
            "seed": self.seed,
            "kind": self.kind / self.area,
            "plane": self.plane / self.area,
            "score": score,
        }


def true_layout(description: Path) -> Layout:
    """The layout in a rendered room's JSON file."""
    about = json.loads(description.read_text())["layout"]
    corners, unit = np.array(about["corners"]), -about["floor"]
    along = np.roll(corners, -1, axis=0) - corners
    normal = (
        np.stack([along[:, 1], -along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    )  # outwards: anticlockwise
    distance = (corners * normal).sum(axis=1)
    yaw = ((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5) * 2 * math.pi
    ahead = np.stack([np.sin(yaw), np.cos(yaw)], axis=1)
    away = distance / np.where(np.abs(ahead @ normal.T) < 1e-9, 1e-9, ahead @ normal.T)  # columns x walls
    share = ((ahead[:, None] * away[..., None] - corners) * along).sum(axis=2) / (along**2).sum(axis=1)
    which = np.where((away > 0) & (share >= -1e-6) & (share <= 1 + 1e-6), away, np.inf).argmin(axis=1)
    walls = [
        Wall(float(yaw[index]) - math.pi / COLUMNS, math.atan2(*normal[wall]), float(distance[wall] / unit))
        for index in np.flatnonzero(which != np.roll(which, 1)).tolist()
        for wall in which[index : index + 1].tolist()
    ]
    return Layout(tuple(walls), about["ceiling"] / unit, 1.0)


def judged(case: RoomCase, truth: Layout) -> Judged:
    """What the product makes of one room."""
    frame = case.frame
    found = room_layout(frame, case.furnished, case.hole, room_yaw(frame, case.furnished))
    weight = np.cos(frame.pitch(np.arange(frame.height)))[:, None] * case.hole
    area = float(weight.sum())
    if found is None:
        return Judged(case.seed, area, area, area, None)
    yaw, pitch = frame.yaw(np.arange(frame.width)), frame.pitch(np.arange(frame.height))[:, None]
    own, right = found.planes(yaw, pitch), truth.planes(yaw, pitch)
    kind = np.minimum(own, FIRST_WALL) != np.minimum(right, FIRST_WALL)
    wall = (own >= FIRST_WALL) & (right >= FIRST_WALL) & ~_same_wall(found, own, truth, right)
    return Judged(case.seed, float((weight * kind).sum()), float((weight * (kind | wall)).sum()), area, found)


def _same_wall(found: Layout, own: np.ndarray, truth: Layout, right: np.ndarray) -> np.ndarray:
    """Where two walls are about the same: HxW bool, of no meaning where either shows no wall."""
    facing, distance = (
        [np.array([getattr(wall, name) for wall in layout.walls])[np.maximum(shown - FIRST_WALL, 0)]
         for layout, shown in ((found, own), (truth, right))]
        for name in ("facing", "distance")
    )  # fmt: skip
    turned = np.cos(facing[0] - facing[1]) > math.cos(math.radians(10))
    return turned & (np.abs(np.log(distance[0] / distance[1])) < NEAR)


def plate(case: RoomCase, truth: Layout, found: Layout | None) -> np.ndarray:
    """The furnished room, its hole dark, true edges green and found ones red."""
    frame, out = case.frame, case.furnished.copy()
    out[case.hole] //= 2
    yaw, pitch = frame.yaw(np.arange(frame.width)), frame.pitch(np.arange(frame.height))[:, None]
    for layout, colour in ((truth, (0, 255, 0)), (found, (255, 0, 0))):
        if layout is not None:
            planes = layout.planes(yaw, pitch)
            below = np.diff(planes, axis=0, prepend=planes[:1]) != 0
            out[(planes != np.roll(planes, 1, axis=1)) | below] = colour
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0, or 2 when nothing could be measured."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    page = Page(options.out, "layout")
    page.write("| room | kind wrong in the hole | plane wrong | trust |", "|---|---|---|---|")
    done: list[tuple[Judged, RoomCase, Layout]] = []
    try:
        for case in chosen(options.cache, options.rooms, options.width, options.seeds):
            truth = true_layout(options.cache / f"{case.seed:05d}.json")
            one = judged(case, truth)
            done.append((one, case, truth))
            trust = f"{one.found.score:.2f}" if one.found else "none"
            page.write(f"| {one.seed} | {one.kind / one.area:.1%} | {one.plane / one.area:.1%} | {trust} |")
        if not done:
            raise ValueError(f"no room to measure: --rooms is {options.rooms} and must be at least 1")
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    keys, area = [str(one.seed) for one, _, _ in done], [one.area for one, _, _ in done]
    for name, wrong in (
        ("kind", [one.kind for one, _, _ in done]),
        ("plane", [one.plane for one, _, _ in done]),
    ):
        page.write("", f"{name} wrong in the hole, all rooms: {ratio(wrong, area, keys).text(3)}")
    page.rows([one.row() for one, _, _ in done])
    page.close()
    if options.out is not None and options.plates:
        (options.out / "plates").mkdir(parents=True, exist_ok=True)
        for one, case, truth in sorted(done, key=lambda item: -item[0].plane / item[0].area)[
            : options.plates
        ]:
            Image.fromarray(plate(case, truth, one.found)).save(
                options.out / "plates" / f"layout-{one.seed}.png"
            )
    return 0
