"""Which views to work in: one for each object, several for a very large one, one for a cluster of small ones.

A view looks at the middle of its piece, upright (or, near the poles, along the room's walls), at a little more than
the panorama's own resolution, and shows as much round the hole as `vanisher_core.window` asks for. Pieces whose foot
is farther from the camera come first: what is behind is filled before what stands before it. Where the room's layout is
known, those of the floor come last, and the nearest of them first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from panorama.layout import FLOOR, Layout
from panorama.objects import Part
from panorama.sphere import Frame, Region, angles, cap, turned
from panorama.views import View

LARGEST = math.radians(38)
"""Radius of the largest piece; beyond it perspective stretches too much."""
SMALL, CLUSTER = math.radians(4), math.radians(10)
"""Pieces up to the first radius share a view while together they stay below the second."""
STEEP = math.radians(60)
"""Views steeper than this are turned along the room's walls."""
FINER, FINE_PIXELS = 1.25, 500_000
"""Pixels of the middle of a view per texel, while the hole has no more pixels than this; down to 1 beyond."""
MOST_PIXELS = 1_200_000
"""Largest hole of a view, at the panorama's own resolution; what is larger is split, and memory stays bounded."""
MARGIN_MIN, MARGIN_MOST, MARGIN_SHARE = 96, 320, 0.8
"""Context on a side: least and most pixels, and as a share of the square root of the hole's pixels."""
GRID = 16
"""Sides of a view are multiples of so many pixels: the levels of the search are then made without copies."""
WIDEST = math.tan(math.radians(62))
"""How far from its middle a view may reach, on the plane z = 1."""
SHALLOW = 0.12
"""A piece that lies on its plane at a flatter angle (as a sine) is not looked at straight."""
SHARPEST = 0.8
"""Quantile of that over a piece, that sets the resolution."""
PLANE_MARGIN, REACH, PLANE_PIXELS = 0.8, 6.0, 320
"""Least context on a plane and farthest part of it, in distances between camera and plane; pixels that are enough."""
DULL = 0.7
"""What a plane shows less sharply than this share of a piece's own sharpness is not copied into it."""
AROUND = 24
"""Pixels shown round what can be copied from."""
MOST_SHARED = 0.75
"""Largest share of a piece that its second half may cover with the overlap."""
OUTLINE = 4000
"""Points of an outline that are looked at."""


@dataclass(frozen=True, eq=False)
class Piece:
    """What one view fills.

    Attributes:
        parts: objects, or parts of one.
        points: Nx3 unit vectors on their outlines.
        centre: unit vector, the middle of the cap round the points.
        radius: of that cap, in radians.
        plane: of the room's layout, that all of it lies on; None where no layout is known.
    """

    parts: tuple[Part, ...]
    points: np.ndarray
    centre: np.ndarray
    radius: float
    plane: int | None = None

    @classmethod
    def of(cls, parts: Iterable[Part], frame: Frame, plane: int | None = None) -> Piece:
        """The piece of some parts."""
        parts = tuple(parts)
        points = np.concatenate([outline(part, frame) for part in parts])
        return cls(parts, points, *cap(points), plane)

    @property
    def foot(self) -> float:
        """Lowest pitch, as its sine."""
        return float(self.points[:, 1].min())


def pieces(parts: list[Part], frame: Frame, layout: Layout | None = None) -> list[Piece]:
    """Pieces of all parts, in the order to fill them; with a layout each lies on one of its planes."""
    found: list[Piece] = []
    small: dict[int | None, list[Piece]] = {}
    for part in parts:
        for plane, own in _by_plane(part, frame, layout):
            for piece in _split(Piece.of([own], frame, plane), frame):
                if piece.radius <= SMALL:
                    small.setdefault(plane, []).append(piece)
                else:
                    found.append(piece)
    for group in small.values():
        found += _clusters(group, frame)
    return sorted(found, key=_turn)


def _turn(piece: Piece) -> tuple[float, ...]:
    """What pieces are sorted by.

    A floor begins below the camera: there it is seen sharply and from above, and serves the parts farther away.
    """
    on_floor = piece.plane == FLOOR
    return on_floor, piece.foot if on_floor else -piece.foot, *piece.parts[0].region


def _by_plane(part: Part, frame: Frame, layout: Layout | None) -> list[tuple[int | None, Part]]:
    """A part cut along the edges of the room."""
    if layout is None:
        return [(None, part)]
    yaw = frame.yaw(np.arange(part.region.left, part.region.right))
    planes = layout.planes(yaw, frame.pitch(np.arange(part.region.top, part.region.bottom))[:, None])
    found: list[tuple[int | None, Part]] = []
    for plane in np.unique(planes[part.hole]).tolist():
        found.append((plane, _tight(part, np.where(planes == plane, part.alpha, 0).astype(np.uint8))))
    return found


def outline(part: Part, frame: Frame) -> np.ndarray:
    """Nx3 unit vectors of texels on the outline of a part's hole (those at a region's border among them)."""
    hole = np.pad(part.hole, 1).view(np.uint8)
    edge = (cv2.erode(hole, np.ones((3, 3), np.uint8)) < hole)[1:-1, 1:-1]
    rows, columns = np.nonzero(edge)
    step = max(len(rows) // OUTLINE, 1)
    return frame.directions(columns[::step] + part.region.left, rows[::step] + part.region.top)


def view_of(piece: Piece, frame: Frame, room: float | None, layout: Layout | None = None) -> View:
    """The view to fill a piece in: straight onto its plane where there is one, else at its middle.

    Args:
        piece: what to fill.
        frame: of the panorama.
        room: yaw of a wall's normal, if known.
        layout: of the room, if known.
    """
    if layout is not None and piece.plane is not None:
        rotation = layout.towards(piece.plane)
        depth = piece.points @ rotation[2]
        if float(depth.min()) > SHALLOW:
            depth = float(np.quantile(depth, SHARPEST))
            return _frontal(piece, frame, rotation, depth, layout.rim(piece.plane))
    rotation = _orientation(piece.centre, room)
    area = _plane_area(piece.parts, frame, rotation[2])
    focal = _focal(area, 1 / frame.step)
    x, y = _on_plane(piece.points, rotation)
    margin = _margin(area, focal)
    near = 8 / focal
    left, right = _span(float(x.min()), float(x.max()), margin, near)
    top, bottom = _span(float(y.min()), float(y.max()), margin, near)
    return _window(rotation, focal, (left, right), (top, bottom))


def _focal(area: float, native: float) -> float:
    """Pixels per unit of the plane z = 1: a little more than native, unless the hole is large."""
    return min(max(math.sqrt(FINE_PIXELS / area), native), FINER * native)


def _margin(area: float, focal: float) -> float:
    """Context on a side of a hole: a share of its size, within limits; that of the very large is plenty."""
    return max(MARGIN_MIN / focal, min(MARGIN_SHARE * math.sqrt(area), MARGIN_MOST / focal))


def _frontal(piece: Piece, frame: Frame, rotation: np.ndarray, depth: float, rim: np.ndarray) -> View:
    """A view straight onto a plane, as fine as the panorama shows the nearest part of the piece.

    Args:
        piece: what to fill.
        frame: of the panorama.
        rotation: of the camera.
        depth: cosine between there and the plane's normal; the resolution on the plane falls with it.
        rim: Nx3 directions along the plane's edges.
    """
    area = _plane_area(piece.parts, frame, rotation[2], SHALLOW)
    focal = _focal(area, depth / frame.step)
    focal = min(focal, math.sqrt(MOST_PIXELS / area))
    margin = max(_margin(area, focal), min(PLANE_MARGIN, PLANE_PIXELS / focal))
    sharp = math.sqrt(max(1 / (DULL * depth) ** 2 - 1, 0))
    near, around = 8 / focal, AROUND / focal
    sides = []
    for points, edge in zip(_on_plane(piece.points, rotation), _on_plane(rim, rotation), strict=True):
        low, high = float(points.min()), float(points.max())
        least = max(-REACH, float(edge.min()) - around, -sharp - around)
        most = min(REACH, float(edge.max()) + around, sharp + around)
        sides.append((max(low - margin, min(least, low - near)), min(high + margin, max(most, high + near))))
    return _window(rotation, focal, *sides)


def _on_plane(directions: np.ndarray, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where directions (Nx3) meet the plane z = 1 of a camera: x, and y downwards."""
    x, y, z = (directions @ rotation.T).T
    return x / z, -y / z


def _window(
    rotation: np.ndarray, focal: float, across: tuple[float, float], down: tuple[float, float]
) -> View:
    """The view of a rectangle of the plane z = 1; its sides can be halved `GRID` times over."""
    width, height = (math.ceil((high - low) * focal / GRID) * GRID for low, high in (across, down))
    return View(rotation, focal, across[0], down[0], width, height)


def _span(low: float, high: float, margin: float, near: float) -> tuple[float, float]:
    """An interval with its margin, inside the widest window but never without `near` on both sides."""
    return min(max(low - margin, -WIDEST), low - near), max(min(high + margin, WIDEST), high + near)


def _orientation(centre: np.ndarray, room: float | None) -> np.ndarray:
    """The rotation of a camera that looks at a direction."""
    yaw, pitch = angles(centre)
    if abs(pitch) > STEEP and room is not None:
        quarter = math.pi / 2
        # Up and down the picture's upright is the room's: a camera turned about its own axis keeps its aim.
        spin = (yaw - room + quarter / 2) % quarter - quarter / 2
        spin = spin if pitch < 0 else -spin
        c, s = math.cos(spin), math.sin(spin)
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ turned(yaw, pitch)
    return turned(yaw, pitch)


def _plane_area(parts: Iterable[Part], frame: Frame, ahead: np.ndarray, least: float = 0.2) -> float:
    """About how much of the plane z = 1 of a camera that looks `ahead` the holes of parts cover."""
    total = 0.0
    for part in parts:
        directions, texels = _sampled(part, frame)
        flat = np.hypot(directions[:, 0], directions[:, 2])
        z = np.maximum(directions @ ahead, least)
        total += float((flat / z**3).sum()) * texels * frame.step * frame.row_step
    return max(total, frame.step * frame.row_step * 1e-3)


def _sampled(part: Part, frame: Frame) -> tuple[np.ndarray, float]:
    """Unit vectors (Nx3) of texels of a part's hole, on a grid where it is large, and how many each stands for."""
    step = max(math.isqrt(int(np.count_nonzero(part.alpha)) // OUTLINE), 1)
    rows, columns = np.nonzero(part.alpha[::step, ::step])
    if len(rows) == 0:  # all between the grid's lines
        rows, columns = (index[:1] // step for index in np.nonzero(part.alpha))
    directions = frame.directions(columns * step + part.region.left, rows * step + part.region.top)
    return directions, np.count_nonzero(part.alpha) / len(rows)


def _split(piece: Piece, frame: Frame) -> list[Piece]:
    """A piece, or halves of it (and of those) until each is small enough for one view."""
    pixels = _plane_area(piece.parts, frame, piece.centre) / frame.step**2
    if piece.radius <= LARGEST and pixels <= MOST_PIXELS:
        return [piece]
    (part,) = piece.parts
    directions, _ = _sampled(part, frame)
    middle = directions.mean(axis=0)
    axis = np.linalg.eigh((directions - middle).T @ (directions - middle))[1][:, -1]
    axis = axis * (1.0 if axis[np.abs(axis).argmax()] > 0 else -1.0)
    beyond = _along(part, frame, axis) - np.float32(middle @ axis)
    beyond /= np.float32(frame.step * max(part.grow, 4))  # in widths of the soft edge
    # The second half reaches over the first one's edge and fades there, so that no line shows where they meet; not
    # where the edge is as wide as the half itself, on panoramas of a few pixels.
    fades = np.mean(beyond[part.hole] > -1) < MOST_SHARED
    found: list[Piece] = []
    for share in (beyond <= 0, np.clip(beyond + 1, 0, 1) if fades else beyond > 0):
        alpha = np.ceil(part.alpha * share.astype(np.float32)).astype(np.uint8)
        if alpha.any():
            found += _split(Piece.of([_tight(part, alpha)], frame, piece.plane), frame)
    return found


def _along(part: Part, frame: Frame, axis: np.ndarray) -> np.ndarray:
    """float32 of a part's region: how far each texel's direction goes along an axis."""
    yaw = frame.yaw(np.arange(part.region.left, part.region.right))
    pitch = frame.pitch(np.arange(part.region.top, part.region.bottom))[:, None]
    level = (axis[0] * np.sin(yaw) + axis[2] * np.cos(yaw)).astype(np.float32)
    return np.cos(pitch).astype(np.float32) * level + (axis[1] * np.sin(pitch)).astype(np.float32)


def _tight(part: Part, alpha: np.ndarray) -> Part:
    """A part with another alpha, its region cut to what is left."""
    left, top, width, height = cv2.boundingRect(alpha)
    region = Region(
        part.region.left + left, part.region.top + top,
        part.region.left + left + width, part.region.top + top + height,
    )  # fmt: skip
    return Part(region, alpha[top : top + height, left : left + width].copy(), part.grow)


def _clusters(small: list[Piece], frame: Frame) -> list[Piece]:
    """Small pieces gathered while the cap round each group stays small."""
    rest = sorted(small, key=lambda piece: (piece.parts[0].region.top, piece.parts[0].region.left))
    found = []
    while rest:
        seed = rest[0]
        limit = math.cos(CLUSTER - SMALL)
        near = [float(piece.centre @ seed.centre) >= limit for piece in rest]
        group = [piece for piece, is_near in zip(rest, near, strict=True) if is_near]
        rest = [piece for piece, is_near in zip(rest, near, strict=True) if not is_near]
        found.append(
            seed
            if len(group) == 1
            else Piece.of([p for piece in group for p in piece.parts], frame, seed.plane)
        )
    return found
