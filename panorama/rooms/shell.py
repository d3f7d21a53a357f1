"""The fixed room: walls with holes, floor, ceiling, skirting, windows, doors, radiators, curtains, ceiling lights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from panorama.rooms.classes import ROOM
from panorama.rooms.light_sources import Light
from panorama.rooms.materials import (
    FABRICS,
    Colour,
    Material,
    linear,
    pick,
)
from panorama.rooms.plan import Opening, Plan, Wall
from panorama.rooms.shapes import Part, block, cone, rounded
from panorama.rooms.style import Style
from panorama.rooms.tracer import Thing

THICK = 0.24
"""Metres, thickness of walls, floor and ceiling."""


def on_wall(
    wall: Wall,
    left: float,
    right: float,
    out: float,
    into: float,
    low: float,
    high: float,
    material: Material,
) -> Part:
    """A block on a wall: along it from `left` to `right`, across from `out` to `into` the room, metres."""
    a, b = wall.at(left, out, low), wall.at(right, into, high)
    return block(tuple(np.minimum(a, b)), tuple(np.maximum(a, b)), material)


class Shell:
    """Builds the fixed parts of a plan; `things` and `lights` hold the result."""

    def __init__(self, plan: Plan, style: Style, night: bool, random: np.random.Generator) -> None:
        self.plan, self.style, self.night, self.random = plan, style, night, random
        self.skirting = float(random.uniform(0.05, 0.15)), float(random.uniform(0.01, 0.02))
        self.things: list[Thing] = []
        self.lights: list[Light] = []
        low, high = plan.corners.min(axis=0) - THICK, plan.corners.max(axis=0) + THICK
        floor = block((low[0], low[1], -THICK), (high[0], high[1], 0), style.floor)
        top = plan.height
        ceiling = block((low[0], low[1], top), (high[0], high[1], top + THICK), style.ceiling)
        self._add("floor", [floor])
        self._add("ceiling", [ceiling])
        accent = int(random.integers(len(plan.walls)))
        sheer = (not night) and random.random() < 0.3
        curtains = random.random() < 0.6
        radiators = random.random() < 0.6
        cloth = Material("fabric", pick(random, FABRICS), seed=4 * int(random.integers(99)), variation=0.6)
        for index, wall in enumerate(plan.walls):
            material = style.accent if style.accent and index == accent else style.wall
            self._add("wall", self._slabs(wall, material))
            self._add("skirting", self._skirting(wall))
            for opening in wall.openings:
                if opening.kind == "door":
                    self._door(wall, opening)
                    continue
                self._window(wall, opening, sheer)
                if curtains:
                    self._curtains(wall, opening, cloth)
                if radiators and opening.bottom > 0.6:
                    self._radiator(wall, opening)
            self._socket(wall)
        self._ceiling_lights()

    def _add(self, name: str, parts: list[Part]) -> None:
        if parts:
            self.things.append(Thing(ROOM, name, parts))

    def _slabs(self, wall: Wall, material: Material) -> list[Part]:
        top = self.plan.height
        begin = -THICK if wall.convex[0] else 0.0
        end = wall.length + (THICK if wall.convex[1] else 0.0)
        parts, at = [], begin
        for gap in sorted(wall.openings, key=lambda opening: opening.left):
            parts.append(on_wall(wall, at, gap.left, -THICK, 0, 0, top, material))
            if gap.bottom > 0:
                parts.append(on_wall(wall, gap.left, gap.right, -THICK, 0, 0, gap.bottom, material))
            parts.append(on_wall(wall, gap.left, gap.right, -THICK, 0, gap.top, top, material))
            at = gap.right
        parts.append(on_wall(wall, at, end, -THICK, 0, 0, top, material))
        return parts

    def _skirting(self, wall: Wall) -> list[Part]:
        tall, thick = self.skirting
        gaps = sorted((g for g in wall.openings if g.bottom < tall), key=lambda gap: gap.left)
        edges = [0.0, *(edge for gap in gaps for edge in (gap.left - 0.07, gap.right + 0.07)), wall.length]
        return [
            on_wall(wall, left, right, 0, thick, 0, tall, self.style.trim)
            for left, right in zip(edges[::2], edges[1::2], strict=True)
            if right - left > 0.02
        ]

    def _window(self, wall: Wall, gap: Opening, sheer: bool) -> None:
        frame, out, thick = self.style.frame, -0.15, 0.055
        left, right, low, high = gap.left, gap.right, gap.bottom, gap.top

        def bar(a: float, b: float, c: float, d: float, deep: float = 0.06) -> Part:
            return on_wall(wall, a, b, out - deep / 2, out + deep / 2, c, d, frame)

        parts = [bar(left, left + thick, low, high), bar(right - thick, right, low, high)]
        parts += [bar(left, right, low, low + thick), bar(left, right, high - thick, high)]
        wings = 1 if right - left < 0.85 else 2 if right - left < 1.7 else 3
        for index in range(1, wings):
            middle = left + (right - left) * index / wings
            parts.append(bar(middle - 0.045, middle + 0.045, low, high, 0.07))
        if self.random.random() < 0.3:
            height = low + (high - low) * float(self.random.choice([0.5, 0.7]))
            parts.append(bar(left, right, height - 0.02, height + 0.02, 0.05))
        for row in range(1, gap.rows):
            height = low + (high - low) * row / gap.rows
            parts.append(bar(left, right, height - 0.02, height + 0.02, 0.05))
        for index in range(wings):  # handles
            at = left + (right - left) * (index + 0.97) / wings - 0.03
            parts.append(on_wall(wall, at, at + 0.02, out + 0.03, out + 0.07, 1.25, 1.37, self.style.metal))
        if low > 0.2:
            parts.append(
                on_wall(wall, left - 0.05, right + 0.05, -0.12, 0.05, low - 0.03, low, self.style.trim)
            )
        self._add("window", parts)
        self._daylight(wall, gap, sheer)

    def _daylight(self, wall: Wall, gap: Opening, sheer: bool) -> None:
        """The light that comes through: the outside itself, or a net curtain lit by it."""
        half_wide, half_tall = (gap.right - gap.left) / 2, (gap.top - gap.bottom) / 2
        first, second = half_wide * np.append(wall.along, 0), np.array([0, 0, half_tall])
        if not sheer:
            centre = wall.at(gap.middle, -THICK, (gap.bottom + gap.top) / 2)
            self.lights.append(Light("window", centre, first, second, (0, 0, 0)))
            return
        strength = float(self.random.uniform(3.0, 6.0))
        glow: Colour = (1.0 * strength, 1.02 * strength, 1.04 * strength)
        drop = 0.03 if gap.bottom < 1 and self.random.random() < 0.6 else gap.bottom - 0.08
        net = Material("sheer", glow, seed=int(self.random.integers(99)))
        top = min(gap.top + 0.12, self.plan.height - 0.02)
        parts = [on_wall(wall, gap.left - 0.1, gap.right + 0.1, 0.062, 0.066, drop, top, net)]
        self._add("net curtain", parts)
        centre = wall.at(gap.middle, 0.075, (gap.bottom + gap.top) / 2)
        radiance = (0.85 * glow[0], 0.85 * glow[1], 0.85 * glow[2])
        # along x up points out of the room for an anticlockwise outline: turn it
        self.lights.append(Light("panel", centre, -first, second, radiance))

    def _curtains(self, wall: Wall, gap: Opening, cloth: Material) -> None:
        top = min(gap.top + 0.15, self.plan.height - 0.03)
        low = 0.02 if self.random.random() < 0.75 else gap.bottom - 0.12
        wide = float(np.clip(0.28 * (gap.right - gap.left), 0.22, 0.5))
        parts = []
        for outer, sign in ((gap.left - 0.12, 1), (gap.right + 0.12, -1)):
            folds = max(int(wide / 0.055), 3)
            for index in range(folds):
                along = outer + sign * (index + 0.5) * wide / folds
                if not 0.03 < along < wall.length - 0.03:
                    continue
                deep = 0.1 + 0.022 * float(self.random.normal()) + (0.03 if index % 2 else 0)
                radius = 0.034 + 0.006 * float(self.random.normal())
                place = wall.at(along, deep, (low + top) / 2)
                parts.append(cone(tuple(place), top - low, radius * 1.12, radius * 0.85, cloth))
        reach = (max(gap.left - 0.3, 0.02), min(gap.right + 0.3, wall.length - 0.02))
        parts.append(on_wall(wall, *reach, 0.09, 0.115, top, top + 0.025, self.style.metal))
        self._add("curtains", parts)

    def _door(self, wall: Wall, gap: Opening) -> None:
        style, left, right, top = self.style, gap.left, gap.right, gap.top
        if not gap.framed:
            return
        parts = [on_wall(wall, left - 0.07, left + 0.01, -0.01, 0.018, 0, top + 0.07, style.door)]
        parts.append(on_wall(wall, right - 0.01, right + 0.07, -0.01, 0.018, 0, top + 0.07, style.door))
        parts.append(
            on_wall(wall, left + 0.01, right - 0.01, -0.01, 0.018, top - 0.01, top + 0.07, style.door)
        )
        if gap.ajar:
            self._add("door frame", parts)
            return
        parts.append(on_wall(wall, left, right, -0.1, -0.055, 0.005, top, style.door))  # the leaf
        kind = int(self.random.integers(3))
        panels = {
            0: [],
            1: [(0.12, 0.95), (1.08, top - 0.12)],
            2: [(0.15, 0.7), (0.8, 1.35), (1.45, top - 0.12)],
        }
        for low, high in panels[kind]:
            edge, deep = 0.13, -0.048
            parts.append(on_wall(wall, left + edge, right - edge, -0.06, deep, low, high, style.door))
            inner = 0.17
            parts.append(
                on_wall(wall, left + inner, right - inner, -0.06, -0.043, low + 0.04, high - 0.04, style.door)
            )
        side = left + 0.07 if self.random.random() < 0.5 else right - 0.07
        towards = 1 if side < gap.middle else -1
        parts.append(on_wall(wall, side - 0.02, side + 0.02, -0.056, -0.05, 0.92, 1.14, style.metal))
        lever = tuple(wall.at(side + towards * 0.05, -0.005, 1.05))
        size = np.abs(
            np.append(wall.along, 0) * 0.13 + np.append(wall.inward, 0) * 0.018 + np.array([0, 0, 0.02])
        )
        parts.append(rounded(lever, tuple(size), 0.008, style.metal))
        self._add("door", parts)

    def _radiator(self, wall: Wall, gap: Opening) -> None:
        white = replace(self.style.trim, colour=linear("f3f2ee"), kind="plain")
        wide = min(gap.right - gap.left, float(self.random.uniform(0.8, 1.4)))
        low, high = 0.12, gap.bottom - 0.14
        parts = []
        columns = int(wide / 0.075)
        for index in range(columns):
            at = wall.at(gap.middle - wide / 2 + (index + 0.5) * wide / columns, 0.09, (low + high) / 2)
            size = np.abs(np.append(wall.along * 0.062, 0) + np.append(wall.inward * 0.08, 0)) + np.array(
                [0, 0, high - low]
            )
            parts.append(rounded(tuple(at), tuple(size), 0.018, white))
        for height in (low + 0.05, high - 0.05):
            parts.append(
                on_wall(
                    wall,
                    gap.middle - wide / 2,
                    gap.middle + wide / 2,
                    0.07,
                    0.11,
                    height - 0.02,
                    height + 0.02,
                    white,
                )
            )
        self._add("radiator", parts)

    def _socket(self, wall: Wall) -> None:
        """A socket near the floor, and a switch beside a door."""
        white = replace(self.style.trim, colour=linear("f4f4f1"), kind="plain")
        at = float(self.random.uniform(0.3, max(wall.length - 0.3, 0.31)))
        parts = []
        if wall.free(at - 0.1, at + 0.1):
            parts.append(on_wall(wall, at - 0.04, at + 0.04, 0, 0.008, 0.26, 0.34, white))
        for gap in wall.openings:
            if gap.kind == "door" and gap.right + 0.3 < wall.length:
                parts.append(on_wall(wall, gap.right + 0.16, gap.right + 0.24, 0, 0.009, 1.06, 1.14, white))
        self._add("socket", parts)

    def _ceiling_lights(self) -> None:
        """One lamp in the middle, a row of downlights, or nothing."""
        random, top = self.random, self.plan.height
        lit = self.night or random.random() < 0.3
        warm = float(random.uniform(0, 1))
        tint = np.array([1.0, 0.86 - 0.1 * warm, 0.68 - 0.2 * warm])
        low, high = self.plan.corners.min(axis=0), self.plan.corners.max(axis=0)
        middle = (low + high) / 2
        if not self.plan.inside(float(middle[0]), float(middle[1]), 0.5):
            middle = low + (high - low) * 0.35
        if random.random() < 0.45:
            spots = [low + (high - low) * np.array([i, j]) for i in (0.25, 0.75) for j in (0.25, 0.75)]
            spots = [spot for spot in spots if self.plan.inside(float(spot[0]), float(spot[1]), 0.3)]
            radius, power = 0.045, 55.0
        else:
            spots, radius, power = [middle], float(random.uniform(0.14, 0.25)), float(random.uniform(9, 14))
        glow = tuple(tint * power) if lit else (0.0, 0.0, 0.0)
        shade = Material("glow", glow) if lit else Material("plain", linear("efeeea"), gloss=0.03)
        ring = self.style.metal if random.random() < 0.4 else self.style.trim
        for spot in spots:
            deep = 0.004 if radius < 0.1 else 0.07
            parts = [cone((spot[0], spot[1], top - deep / 2), deep, radius, radius, shade)]
            parts.append(cone((spot[0], spot[1], top - 0.006), 0.012, radius * 1.12, radius * 1.1, ring))
            parts[1] = replace(parts[1], centre=parts[1].centre + np.array([0, 0, 0.003]))
            self._add("ceiling light", parts)
            if lit:
                side = radius * 0.886  # a square of the disc's area
                at = np.array([spot[0], spot[1], top - deep - 0.012])
                first, second = np.array([side, 0, 0]), np.array([0, -side, 0])
                self.lights.append(Light("panel", at, first, second, glow))
