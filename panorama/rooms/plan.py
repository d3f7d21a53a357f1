"""The shape of a room: outline, walls, and where windows and doors go."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

USES = ("living", "bedroom", "dining", "office", "studio")


@dataclass(frozen=True)
class Opening:
    """A hole in a wall: `left` to `right` along it and `bottom` to `top` above the floor, metres."""

    kind: str  # "window", "french" (window to the floor) or "door"
    left: float
    right: float
    bottom: float
    top: float
    ajar: bool = False  # a door through which the next room is seen
    framed: bool = True  # False: a way through, without a door
    rows: int = 1  # of a window's panes

    @property
    def middle(self) -> float:
        """Middle along the wall."""
        return (self.left + self.right) / 2


@dataclass(eq=False)
class Wall:
    """A wall from `start` along the unit vector `along`; `inward` is its normal into the room."""

    start: np.ndarray
    along: np.ndarray
    length: float
    inward: np.ndarray
    convex: tuple[bool, bool]  # whether the corner at its start and at its end is an ordinary one
    openings: list[Opening] = field(default_factory=list)

    def at(self, along: float, inward: float, height: float) -> np.ndarray:
        """World point from distances along the wall, into the room and above the floor."""
        flat = self.start + along * self.along + inward * self.inward
        return np.array([flat[0], flat[1], height])

    @property
    def yaw(self) -> float:
        """Turn that sends +y to `inward`, so that furniture built with its back at y = 0 stands against it."""
        return float(np.arctan2(-self.inward[0], self.inward[1]))

    def free(self, left: float, right: float) -> bool:
        """Whether no opening lies within [left, right]."""
        return all(right <= gap.left or left >= gap.right for gap in self.openings)


@dataclass(eq=False)
class Plan:
    """A room with axis-aligned walls.

    Attributes:
        corners: (n, 2) outline in metres, anticlockwise seen from above.
        height: Of the ceiling, metres.
        walls: One for each side of the outline, in order.
        use: One of USES.
    """

    corners: np.ndarray
    height: float
    walls: list[Wall]
    use: str

    def inside(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a square of half side `margin` round a point lies in the room."""
        for dx, dy in ((-margin, -margin), (-margin, margin), (margin, -margin), (margin, margin)):
            if not _contains(self.corners, x + dx, y + dy):
                return False
        notch = self.corners[_reflex(self.corners)]
        return all(abs(x - cx) >= margin or abs(y - cy) >= margin for cx, cy in notch)


def draw_plan(random: np.random.Generator) -> Plan:
    """A room of 8 to 45 square metres, a box or an L, with at least one window and one door."""
    wide = float(np.clip(random.normal(4.6, 0.9), 2.9, 7.5))
    deep = float(np.clip(random.normal(4.0, 0.8), 2.8, 6.5))
    height = float(np.clip(random.normal(2.62, 0.17), 2.35, 3.4))
    if wide * deep > 15 and random.random() < 0.35:
        cut_x, cut_y = wide * random.uniform(0.25, 0.45), deep * random.uniform(0.25, 0.45)
        outline = [(0, 0), (wide, 0), (wide, deep - cut_y), (wide - cut_x, deep - cut_y)]
        corners = np.array([*outline, (wide - cut_x, deep), (0, deep)], float)
    else:
        corners = np.array([(0, 0), (wide, 0), (wide, deep), (0, deep)], float)
    use = str(random.choice(USES, p=[0.36, 0.28, 0.14, 0.1, 0.12]))
    plan = Plan(corners - corners.mean(axis=0), height, [], use)
    plan.walls = _walls(plan.corners)
    _open(plan, random)
    return plan


def plain_plan(wide: float, deep: float, height: float) -> Plan:
    """A closed box without openings, centred on the origin."""
    corners = np.array([(-wide, -deep), (wide, -deep), (wide, deep), (-wide, deep)]) / 2
    return Plan(corners, height, _walls(corners), "studio")


def _walls(corners: np.ndarray) -> list[Wall]:
    reflex = set(_reflex(corners))
    walls = []
    for index, start in enumerate(corners):
        after = (index + 1) % len(corners)
        side = corners[after] - start
        length = float(np.hypot(*side))
        along = side / length
        inward = np.array([-along[1], along[0]])
        walls.append(Wall(start, along, length, inward, (index not in reflex, after not in reflex)))
    return walls


def _reflex(corners: np.ndarray) -> list[int]:
    """Indices of corners that point into the room."""
    found = []
    for index, here in enumerate(corners):
        before, after = here - corners[index - 1], corners[(index + 1) % len(corners)] - here
        if before[0] * after[1] - before[1] * after[0] < 0:
            found.append(index)
    return found


def _contains(corners: np.ndarray, x: float, y: float) -> bool:
    """Even-odd rule."""
    inside = False
    outline = corners.tolist()
    bx, by = outline[-1]
    for ax, ay in outline:
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            inside = not inside
        bx, by = ax, ay
    return inside


def _open(plan: Plan, random: np.random.Generator) -> None:
    """Put in one to four windows on one or two walls, and one or two doors on the others."""
    outer = [wall for wall in plan.walls if all(wall.convex) and wall.length > 2.0]
    order = [outer[i] for i in random.permutation(len(outer))]
    windowed = order[: 1 if random.random() < 0.6 or len(order) < 3 else 2]
    sill, top = (
        float(random.choice([0.45, 0.8, 0.9, 1.0])),
        min(plan.height - 0.25, random.uniform(2.05, 2.35)),
    )
    for wall in windowed:
        count = int(np.clip(round(wall.length / random.uniform(1.8, 3.2)), 1, 3))
        wide = min(float(random.uniform(0.9, 1.9)), wall.length / count - 0.5)
        for index in range(count):
            middle = wall.length * (index + 0.5) / count
            french = random.random() < 0.22
            wall.openings.append(
                Opening(
                    "french" if french else "window",
                    middle - wide / 2,
                    middle + wide / 2,
                    0.04 if french else sill,
                    float(top),
                )
            )
    rest = [wall for wall in plan.walls if wall not in windowed and wall.length > 1.5]
    for wall in [rest[i] for i in random.permutation(len(rest))][: 1 if random.random() < 0.6 else 2]:
        wide = float(random.uniform(0.78, 0.95))
        near_corner = float(random.uniform(0.12, 0.45))
        left = near_corner if random.random() < 0.5 else wall.length - near_corner - wide
        if random.random() < 0.25:
            left = float(random.uniform(0.2, wall.length - wide - 0.2))
        wall.openings.append(Opening("door", left, left + wide, 0.0, float(min(2.05, plan.height - 0.15))))
