"""Convex parts and rays: boxes by slabs, rounded and tapered shapes by Newton's method.

Every part is a convex solid `{x : g(x) <= 0}` with a convex g. Along a ray g stays convex, so Newton's method
started before the first root rises to it monotonically and never jumps over it; a slope that is no longer
negative proves a miss. One solver so serves rounded boxes, superellipsoids and cone frusta. Rays that start
inside a part do not see it.

Frame: metres, x right, y forward, z up. Rays are float32 tensors of shape (3, n): one row a coordinate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from panorama.rooms.materials import Material

BOX, ROUND, CONE, SUPER = range(4)
"""Kinds of parts: sharp box, rounded box, frustum of a cone along the local z axis, superellipsoid."""
NEWTON_STEPS = 10
SURFACE = 1e-4
"""Metres from a curved surface that count as on it."""
NEAR = 1e-4
"""Metres along a ray before which nothing is hit."""


@dataclass(frozen=True)
class Part:
    """One convex solid.

    Attributes:
        kind: BOX, ROUND, CONE or SUPER.
        centre: (3,) metres.
        axes: (3, 3), rows are the part's own axes in world coordinates (orthonormal).
        half: (3,) half sizes of the enclosing box in metres.
        shape: ROUND: (radius of the edges in metres, unused). CONE: (top radius divided by bottom radius,
            unused). SUPER: (unused, exponent).
        material: What it is made of.
    """

    kind: int
    centre: np.ndarray
    axes: np.ndarray
    half: np.ndarray
    shape: tuple[float, float]
    material: Material

    def moved(self, place: np.ndarray, yaw: float) -> Part:
        """The part turned by `yaw` radians about the z axis of its object and then shifted by `place`."""
        turn = turned(yaw)
        return replace(self, centre=turn @ self.centre + place, axes=self.axes @ turn.T)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner of the axis-aligned box round it."""
        reach = np.abs(self.axes).T @ self.half
        return self.centre - reach, self.centre + reach


def turned(yaw: float) -> np.ndarray:
    """Matrix that turns vectors by `yaw` radians about z, anticlockwise seen from above."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _axes(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rows: local axes after turning about x by `pitch`, about y by `roll`, then about z by `yaw`."""
    cx, sx, cy, sy = math.cos(pitch), math.sin(pitch), math.cos(roll), math.sin(roll)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return (turned(yaw) @ about_y @ about_x).T


Triple = tuple[float, float, float]


def box(at: Triple, size: Triple, material: Material, turn: Triple = (0, 0, 0)) -> Part:
    """A sharp box: its centre, its full sizes, and its (yaw, pitch, roll) in radians."""
    return Part(BOX, np.array(at, float), _axes(*turn), np.array(size, float) / 2, (0, 0), material)


def block(low: Triple, high: Triple, material: Material) -> Part:
    """A sharp box between two corners."""
    a, b = np.array(low, float), np.array(high, float)
    return Part(BOX, (a + b) / 2, np.eye(3), (b - a) / 2, (0, 0), material)


def rounded(at: Triple, size: Triple, radius: float, material: Material, turn: Triple = (0, 0, 0)) -> Part:
    """A box with edges and corners rounded by `radius` metres."""
    half = np.array(size, float) / 2
    return Part(ROUND, np.array(at, float), _axes(*turn), half, (min(radius, float(half.min())), 0), material)


def cushion(at: Triple, size: Triple, material: Material, turn: Triple = (0, 0, 0), power: float = 2) -> Part:
    """A superellipsoid: 2 is an ellipsoid, 3 to 5 a cushion."""
    return Part(SUPER, np.array(at, float), _axes(*turn), np.array(size, float) / 2, (0, power), material)


def cone(
    at: Triple, height: float, radius: float, top: float, material: Material, turn: Triple = (0, 0, 0)
) -> Part:
    """A frustum about its own z axis: `radius` at the bottom, `top` at the upper end (either may be larger)."""
    if top > radius:  # the enclosing box is measured at the wider end: turn it round
        turned_over = _axes(*turn) * np.array([[1], [-1], [-1]])
        part = Part(CONE, np.array(at, float), turned_over, np.empty(3), (radius / top, 0), material)
        return replace(part, half=np.array([top, top, height / 2]))
    half = np.array([radius, radius, height / 2])
    return Part(CONE, np.array(at, float), _axes(*turn), half, (top / radius, 0), material)


class Parts:
    """Parts of one kind that lie together, as tensors; `first` is the global index of the first."""

    def __init__(self, parts: list[Part], first: int, device: torch.device) -> None:
        def tensor(values: object) -> Tensor:
            return torch.tensor(np.asarray(values, np.float32), device=device)

        self.first, self.kind = first, parts[0].kind
        axes, centre = tensor([part.axes for part in parts]), tensor([part.centre for part in parts])
        self.rows = axes.transpose(0, 1).reshape(-1, 3).contiguous()  # (3 axes * parts, 3)
        self.offset = (axes @ centre[:, :, None])[:, :, 0].T.reshape(-1, 1).contiguous()
        self.half = tensor([part.half for part in parts]).T.contiguous()
        self.shape = tensor([part.shape for part in parts]).T.contiguous()

    def hit(self, origin: Tensor, direction: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
        """Distances (n,) of first hits nearer than `limit` (else `limit`), and global part indices (else -1)."""
        count = origin.shape[1]
        local_o = (self.rows @ origin - self.offset).view(3, -1, count)
        local_d = (self.rows @ direction).view(3, -1, count)
        near, far = slabs(local_o, local_d, self.half[:, :, None])
        inside = (near < far) & (far > NEAR) & (near < limit)
        if self.kind == BOX:
            distance = torch.where(inside & (near > NEAR), near, math.inf)
        else:
            part, ray = inside.nonzero(as_tuple=True)
            distance = torch.full_like(near, math.inf)
            found = self._newton(
                part, local_o[:, part, ray], local_d[:, part, ray], near[part, ray], far[part, ray]
            )
            distance[part, ray] = found
        best, index = distance.min(dim=0)
        closer = best < limit
        return torch.where(closer, best, limit), torch.where(closer, index + self.first, -1)

    def _newton(self, part: Tensor, origin: Tensor, ray: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """First roots of g along pairs of part and local ray; infinite for a miss or a start inside."""
        found = torch.full_like(near, math.inf)
        at, half, shape = near.clamp(min=0.0), self.half[:, part], self.shape[:, part]
        within = near < 0  # the ray may start inside the part: then it does not see it
        pairs = torch.arange(len(near), device=near.device)
        for step in range(NEWTON_STEPS):
            value, gradient = surface(self.kind, origin + at * ray, half, shape)
            slope = (gradient * ray).sum(dim=0)
            done = value < SURFACE
            arrived = done & (at > NEAR) & ~within if step == 0 else done & (at > NEAR)
            found[pairs[arrived]] = at[arrived]
            at = at - value / slope.clamp(max=-1e-9)
            kept = (~done & (slope < -1e-9) & (at <= far)).nonzero()[:, 0]
            if len(kept) == 0:
                break
            pairs, at, far = pairs[kept], at[kept], far[kept]
            origin, ray = origin[:, kept], ray[:, kept]
            half, shape, within = half[:, kept], shape[:, kept], within[kept]
        return found


def surface(kind: int, point: Tensor, half: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
    """G (n,) and its gradient (3, n) at local points (3, n) of parts with `half` (3, n) and `shape` (2, n)."""
    if kind == CONE:
        return _frustum(point, half, shape)
    if kind == SUPER:
        scaled = point / half
        power = shape[1]
        ratio = scaled.abs() + 1e-9
        total = ratio.pow(power).sum(dim=0).pow(1 / power)
        size = half.amin(dim=0)  # makes g a length, at least along the shortest axis
        return (total - 1) * size, (ratio / total).pow(power - 1) * scaled.sign() / half * size
    radius = shape[0]
    beyond = (point.abs() - (half - radius)).clamp(min=0.0) * point.sign()
    total = (beyond * beyond).sum(dim=0).sqrt().clamp(min=1e-9)
    return total - radius, beyond / total


def _frustum(point: Tensor, half: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
    slant = (shape[0] - 1) * half[0] / (2 * half[2])  # change of radius per metre of height
    across = (point[:2] * point[:2]).sum(dim=0).sqrt().clamp(min=1e-9)
    side = across - (half[0] + slant * (point[2] + half[2]))
    cap = point[2].abs() - half[2]
    on_cap = cap > side
    outward = torch.stack([point[0] / across, point[1] / across, -slant])
    upward = torch.stack([torch.zeros_like(cap), torch.zeros_like(cap), point[2].sign()])
    return torch.maximum(side, cap), torch.where(on_cap, upward, outward)


def slabs(origin: Tensor, direction: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """Entry and exit distances of rays in the frames of centred boxes; all (3, ...), results (...)."""
    inverse = 1 / torch.where(direction.abs() < 1e-9, torch.full_like(direction, 1e-9), direction)
    middle = -origin * inverse
    reach = half * inverse.abs_()
    near, far = middle - reach, middle + reach
    return (
        torch.maximum(torch.maximum(near[0], near[1]), near[2]),
        torch.minimum(torch.minimum(far[0], far[1]), far[2]),
    )
