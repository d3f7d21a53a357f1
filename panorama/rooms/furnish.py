"""Where furniture stands: against walls, round tables, in corners; never inside each other or before a door."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from panorama.rooms.light_sources import Light
from panorama.rooms.piece import Piece
from panorama.rooms.plan import Plan, Wall
from panorama.rooms.seats import armchair, bed, draw_chair, sofa, swivel_chair
from panorama.rooms.shapes import turned
from panorama.rooms.storage import (
    bookcase,
    cabinet,
    carpet_piece,
    coffee_table,
    desk,
    dining_table,
    floor_lamp,
    picture,
    plant,
    table_lamp,
    television,
    tripod,
)
from panorama.rooms.tracer import Thing

DOOR_CLEAR = 0.95
"""Metres before a door that stay free."""
TRIES = 40
"""Places tried for one piece before it is left out."""


@dataclass
class Placed:
    """A piece's place: the middle of its back edge and its turn."""

    piece: Piece
    place: np.ndarray
    yaw: float

    def point(self, x: float, y: float) -> np.ndarray:
        """World (x, y) of a point given in the piece's frame."""
        return self.place[:2] + turned(self.yaw)[:2, :2] @ np.array([x, y])


@dataclass
class Furnisher:
    """Fills a plan; `things`, `placed`, `lights` and `taken` (rectangles low x, low y, high x, high y) grow."""

    plan: Plan
    random: np.random.Generator
    lamps_lit: bool
    things: list[Thing] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    hung: list[tuple[int, float, float]] = field(default_factory=list)
    """(wall, left, right): stretches of wall above the skirting that are in use."""

    def __post_init__(self) -> None:
        """Keep doors and French windows clear."""
        for wall in self.plan.walls:
            for gap in wall.openings:
                if gap.kind != "window":
                    deep = DOOR_CLEAR if gap.kind == "door" else 0.3
                    a, b = wall.at(gap.left - 0.1, 0, 0), wall.at(gap.right + 0.1, deep, 0)
                    self.taken.append((*np.minimum(a, b)[:2], *np.maximum(a, b)[:2]))

    def furnish(self) -> None:
        """Place what the room's use asks for, large things first."""
        use = self.plan.use
        if use in ("bedroom", "studio"):
            self._sleeping()
        if use in ("living", "studio"):
            self._living()
        if use == "dining" or (use in ("living", "studio") and self.random.random() < 0.55):
            self._dining()
        if use == "office" or self.random.random() < 0.25:
            self._working()
        self._along_walls()
        self._pictures()

    def add(self, piece: Piece, place: np.ndarray, yaw: float) -> Placed:
        """Put a piece into the world without asking."""
        turn = turned(yaw)
        self.things.append(Thing(piece.kind, piece.name, [part.moved(place, yaw) for part in piece.parts]))
        self.lights += [replace(light, at=turn @ light.at + place) for light in piece.lights]
        self.placed.append(Placed(piece, place, yaw))
        return self.placed[-1]

    def fits(self, piece: Piece, place: np.ndarray, yaw: float, margin: float = 0.04) -> tuple | None:
        """The floor rectangle of a piece at a place, or None when it leaves the room or meets another."""
        corners = [(x, y) for x in (-piece.width / 2, piece.width / 2) for y in (0.0, piece.depth)]
        points = np.array([place[:2] + turned(yaw)[:2, :2] @ np.array(c) for c in corners])
        low, high = points.min(axis=0), points.max(axis=0)
        inner = [
            (low + 0.005),
            (high - 0.005),
            (low[0] + 0.005, high[1] - 0.005),
            (high[0] - 0.005, low[1] + 0.005),
        ]
        if not all(self.plan.inside(float(x), float(y)) for x, y in [*inner, (low + high) / 2]):
            return None
        for a, b, c, d in self.taken:
            if low[0] < c + margin and high[0] > a - margin and low[1] < d + margin and high[1] > b - margin:
                return None
        return (*low, *high)

    def try_at(self, piece: Piece, place: np.ndarray, yaw: float, margin: float = 0.04) -> Placed | None:
        """Place a piece if it fits."""
        area = self.fits(piece, place, yaw, margin)
        if area is None:
            return None
        self.taken.append(area)
        return self.add(piece, place, yaw)

    def at_wall(
        self,
        piece: Piece,
        gap: float = 0.03,
        tall: bool = False,
        corner: bool = False,
        before: bool = True,
    ) -> Placed | None:
        """Stand a piece with its back to a wall; tall ones not before windows, nor `before` what hangs on it."""
        walls = [i for i, wall in enumerate(self.plan.walls) if wall.length > piece.width + 0.1]
        for _ in range(TRIES if walls else 0):
            index = int(self.random.choice(walls))
            wall = self.plan.walls[index]
            low, high = piece.width / 2 + 0.04, wall.length - piece.width / 2 - 0.04
            along = float(self.random.uniform(low, high))
            if corner or self.random.random() < 0.25:
                along = low if self.random.random() < 0.5 else high
            left, right = along - piece.width / 2, along + piece.width / 2
            blocked = [g for g in wall.openings if right > g.left - 0.3 and left < g.right + 0.3]
            if blocked and (tall or any(g.kind != "window" for g in blocked)):
                continue
            if not before and self._hung_between(index, left, right):
                continue
            out = gap + (0.2 if any(g.kind == "window" for g in blocked) else 0.0)  # radiator, curtain
            placed = self.try_at(piece, wall.at(along, out, 0.0), wall.yaw)
            if placed:
                if tall:
                    self.hung.append((index, left, right))
                return placed
        return None

    def wall_of(self, placed: Placed) -> tuple[int, float]:
        """Index of the wall behind a placed piece and the position along it."""
        distances = [float((placed.place[:2] - wall.start) @ wall.inward) for wall in self.plan.walls]
        facing = [abs(math.remainder(wall.yaw - placed.yaw, 2 * math.pi)) < 0.1 for wall in self.plan.walls]
        spans = [float((placed.place[:2] - wall.start) @ wall.along) for wall in self.plan.walls]
        behind = [
            (d, i)
            for i, d in enumerate(distances)
            if facing[i] and -0.01 <= d < 0.5 and 0 <= spans[i] <= self.plan.walls[i].length
        ]
        index = min(behind)[1] if behind else 0
        return index, spans[index]

    def _sleeping(self) -> None:
        random = self.random
        placed = None
        for _ in range(4):
            placed = self.at_wall(bed(random), tall=random.random() < 0.8)
            if placed:
                break
        if not placed:
            return
        stand_seed = int(random.integers(1 << 31))
        for side in (-1, 1):
            wide = 0.46
            stand = cabinet(np.random.default_rng(stand_seed), wide, 0.4, 0.5, 1, 2)
            where = placed.point(side * (placed.piece.width / 2 + wide / 2 + 0.05), 0)
            done = self.try_at(stand, np.append(where, 0.0), placed.yaw, 0.0)
            if done and random.random() < 0.75:
                self.add(table_lamp(random, (0, 0.2, 0.5), self.lamps_lit), done.place, done.yaw)
        if random.random() < 0.55:
            size = (placed.piece.width + 1.0, 1.5)
            where = placed.point(0, placed.piece.depth - 1.1)
            self._rug(size, np.append(where, 0.0), placed.yaw)
        wardrobe = cabinet(
            random, float(random.choice([0.9, 1.35, 1.8])), 0.58, float(random.uniform(1.95, 2.25)), 2, 1
        )
        self.at_wall(wardrobe, tall=True, corner=True)
        if random.random() < 0.6:
            self._chest()

    def _rug(self, size: tuple[float, float], place: np.ndarray, yaw: float) -> None:
        self.lay(carpet_piece(self.random, *size), place, yaw)

    def lay(self, piece: Piece, place: np.ndarray, yaw: float) -> None:
        """Puts a rug under whatever stands there, but not through a wall."""
        taken, self.taken = self.taken, []
        if self.fits(piece, place, yaw) is not None:
            self.add(piece, place, yaw)
        self.taken = taken

    def _living(self) -> None:
        random = self.random
        placed = None
        for _ in range(4):
            placed = self.at_wall(sofa(random), gap=0.06)
            if placed:
                break
        if placed:
            front = placed.piece.depth
            table = coffee_table(random)
            self.try_at(
                table, np.append(placed.point(float(random.normal(0, 0.1)), front + 0.38), 0.0), placed.yaw
            )
            if random.random() < 0.75:
                size = (float(random.uniform(1.7, 2.6)), float(random.uniform(1.3, 1.9)))
                self._rug(size, np.append(placed.point(0, front - 0.25), 0.0), placed.yaw)
            for side in (-1, 1):
                if random.random() < 0.55:
                    seat = armchair(random)
                    where = placed.point(side * (placed.piece.width / 2 + 0.35), front + 1.1)
                    self.try_at(
                        seat, np.append(where, 0.0), placed.yaw + side * (math.pi / 2 + random.normal(0, 0.2))
                    )
        self._television()

    def _television(self) -> None:
        random = self.random
        wide = float(random.uniform(0.95, 1.4))
        board = cabinet(random, wide + 0.4, 0.4, float(random.uniform(0.4, 0.55)), 3, 1)
        placed = self.at_wall(board, tall=True)
        if placed:
            high = float(random.uniform(0.95, 1.05)) if random.random() < 0.5 else 0.62
            back = -0.03 if high > 0.9 else 0.08
            self.add(television(random, wide, high), np.append(placed.point(0, back), 0.0), placed.yaw)

    def _dining(self) -> None:
        random = self.random
        make, table = draw_chair(random), dining_table(random)
        low, high = self.plan.corners.min(axis=0), self.plan.corners.max(axis=0)
        for _ in range(TRIES):
            yaw = float(random.choice([0, math.pi / 2]))
            place = np.append(random.uniform(low, high), 0.0)
            if self.fits(table, place, yaw, 0.45) is None:
                continue
            placed = self.try_at(table, place, yaw, 0.45)
            assert placed is not None
            seats = [
                (x, y, y > 0)
                for y in (0.0, table.depth)
                for x in ((-0.32, 0.32) if table.width > 1.3 else (0.0,))
            ]
            for x, y, far in seats:
                pull = float(random.uniform(-0.22, 0.18))
                spot = placed.point(x, y + (0.3 + pull if far else -0.3 - pull))
                turn = (math.pi if far else 0.0) + float(random.normal(0, 0.1))
                self._sit(make(), spot, placed.yaw + turn)
            for side in (-1, 1):
                if random.random() < 0.6:
                    spot = placed.point(side * (table.width / 2 + 0.3), table.depth / 2)
                    self._sit(make(), spot, placed.yaw + side * math.pi / 2 + float(random.normal(0, 0.15)))
            return

    def _sit(self, piece: Piece, spot: np.ndarray, yaw: float) -> None:
        """A chair whose seat is centred at `spot` facing `yaw`; it may reach under a table."""
        back = spot - turned(yaw)[:2, :2] @ np.array([0.0, piece.depth / 2])
        reach = 0.32
        if self.plan.inside(float(spot[0]), float(spot[1]), reach + 0.06):
            self.taken.append((*(spot - reach), *(spot + reach)))
            self.add(piece, np.append(back, 0.0), yaw)

    def _working(self) -> None:
        random = self.random
        placed = self.at_wall(desk(random))
        if placed:
            spot = placed.point(
                float(random.normal(0, 0.1)), placed.piece.depth + float(random.uniform(0.2, 0.5))
            )
            self._sit(swivel_chair(random), spot, placed.yaw + math.pi + float(random.normal(0, 0.5)))

    def _chest(self) -> None:
        random = self.random
        wide, high = float(random.uniform(0.7, 1.5)), float(random.uniform(0.7, 0.95))
        self.at_wall(
            cabinet(random, wide, 0.42, high, 2 if wide > 0.9 else 1, int(random.integers(2, 5))), tall=True
        )

    def _along_walls(self) -> None:
        random = self.random
        for _ in range(int(random.integers(0, 3))):
            self.at_wall(bookcase(random), tall=True)
        if self.plan.use in ("living", "dining", "office") and random.random() < 0.5:
            self._chest()
        if random.random() < 0.55:
            self.at_wall(floor_lamp(random, self.lamps_lit), gap=0.08, corner=True)
        for _ in range(int(random.integers(0, 3))):
            self.at_wall(plant(random), gap=0.06, corner=random.random() < 0.7)
        if random.random() < 0.4:
            self.at_wall(armchair(random), gap=0.1)

    def _pictures(self) -> None:
        """Pictures at eye height where the wall is free of windows, doors and tall furniture."""
        random = self.random
        for index, wall in enumerate(self.plan.walls):
            for _ in range(int(random.integers(0, 4))):
                wide, tall = sorted(random.uniform(0.3, 1.0, 2), reverse=random.random() < 0.6)
                along = float(
                    random.uniform(wide / 2 + 0.2, max(wall.length - wide / 2 - 0.2, wide / 2 + 0.21))
                )
                self.hang(index, wall, picture(random, float(wide), float(tall), 1.6), along)

    def _hung_between(self, index: int, left: float, right: float) -> bool:
        """Whether something hangs on a wall, or tall furniture hides it, between two places along it."""
        return any(i == index and right > a and left < b for i, a, b in self.hung)

    def hang(self, index: int, wall: Wall, piece: Piece, along: float) -> bool:
        """Puts a piece on a wall where nothing hangs and no opening is near; whether it did."""
        left, right = along - piece.width / 2 - 0.12, along + piece.width / 2 + 0.12
        if left < 0 or right > wall.length or self._hung_between(index, left, right):
            return False
        if not wall.free(left - 0.45, right + 0.45):
            return False
        self.hung.append((index, left, right))
        self.add(piece, wall.at(along, 0.0, 0.0), wall.yaw)
        return True


def stand_camera(furnisher: Furnisher, random: np.random.Generator, anywhere: bool = False) -> np.ndarray:
    """Eye point, 1.2 to 1.7 m high; adds the tripod below it.

    Args:
        furnisher: with all furniture placed.
        random: draws the spots that are tried.
        anywhere: wherever a tripod fits, close to furniture as well; else in the middle of the free floor.
    """
    plan = furnisher.plan
    low, high = plan.corners.min(axis=0), plan.corners.max(axis=0)
    best, best_score = (low + high) / 2, -math.inf
    for _ in range(240):
        spot = random.uniform(low, high)
        if not plan.inside(float(spot[0]), float(spot[1]), 0.45):
            continue
        gaps = [
            math.hypot(max(a - spot[0], 0, spot[0] - c), max(b - spot[1], 0, spot[1] - d))
            for a, b, c, d in furnisher.taken
        ]
        clear = min([*gaps, 1.1])
        away = float(np.hypot(*(spot - (low + high) / 2)))
        score = min(clear, 0.75) * 3 + clear - 0.35 * away
        if anywhere:
            score = min(clear, 0.42) * 10 + random.random()
        if score > best_score:
            best, best_score = spot, score
    eye = np.array([best[0], best[1], random.uniform(1.2, 1.7)])
    furnisher.add(tripod(random, float(eye[2])), np.array([best[0], best[1], 0.0]), 0.0)
    return eye
