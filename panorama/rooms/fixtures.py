"""Fixed things of a lived-in home that resemble furniture and stay: kitchens, hearths, closets, next rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from panorama.rooms.appliances import appliance, column
from panorama.rooms.classes import PICTURE, ROOM
from panorama.rooms.furnish import Furnisher
from panorama.rooms.light_sources import Light
from panorama.rooms.materials import FABRICS, WALLS, WOODS, Colour, Material, linear, pick
from panorama.rooms.piece import BLACK, DARK, Piece, metal, wood
from panorama.rooms.plan import Opening, Plan, Wall
from panorama.rooms.seats import armchair, bed, chair, sofa
from panorama.rooms.shapes import Part, box, cone, rounded
from panorama.rooms.shell import THICK, on_wall
from panorama.rooms.small import drawn
from panorama.rooms.storage import bookcase, cabinet, carpet_piece, coffee_table, picture, plant
from panorama.rooms.style import Style
from panorama.rooms.tracer import Thing

BEYOND = "next room"
"""Name of the things that lie beyond this room's walls."""
DARK_FLOORS = ["2a2b2d", "3a3532", "4a1f1c", "6a6a6c", "1f2326", "5a3a30"]


def lived_in_style(style: Style, random: np.random.Generator) -> Style:
    """Now and then a dark floor or strongly coloured walls, which the plain rooms lack."""
    if random.random() < 0.3:
        floor = replace(style.floor, colour=pick(random, DARK_FLOORS), second=linear("101010"))
        style = replace(style, floor=floor)
    if random.random() < 0.2:
        style = replace(style, wall=replace(style.wall, kind="paint", colour=pick(random, FABRICS)))
    return style


def open_doors(plan: Plan, random: np.random.Generator) -> None:
    """Most of the doors stand open, or are ways through without a frame, some of these wide."""
    for wall in plan.walls:
        for index, gap in enumerate(wall.openings):
            if gap.kind != "door" or random.random() < 0.4:
                continue
            wall.openings[index] = replace(gap, ajar=True, framed=bool(random.random() < 0.65))
            if not wall.openings[index].framed:
                wall.openings[index] = widened(wall, wall.openings[index], plan.height, random)


def widened(wall: Wall, gap: Opening, top: float, random: np.random.Generator) -> Opening:
    """An opening that is wider and higher, as far as its wall has room for it."""
    others = [other for other in wall.openings if other.middle != gap.middle]
    first = max([0.15, *(other.right + 0.15 for other in others if other.right <= gap.left)])
    last = min([wall.length - 0.15, *(other.left - 0.15 for other in others if other.left >= gap.right)])
    left = max(gap.left - float(random.uniform(0, 0.8)), min(first, gap.left))
    right = min(gap.right + float(random.uniform(0, 0.8)), max(last, gap.right))
    return replace(
        gap, left=left, right=right, top=float(max(gap.top, min(random.uniform(2.0, 2.4), top - 0.12)))
    )


def next_rooms(plan: Plan, style: Style, random: np.random.Generator) -> tuple[list[Thing], list[Light]]:
    """What is seen through the doors that stand open: a lit room or corridor, furnished or not."""
    things: list[Thing] = []
    lights: list[Light] = []
    for wall in plan.walls:
        for gap in wall.openings:
            if gap.ajar:
                way = str(random.choice(["out", "in", "sliding", "none"], p=[0.3, 0.25, 0.2, 0.25]))
                parts, light = _next_room(wall, gap, plan.height, style, way == "out", random)
                things.append(Thing(ROOM, BEYOND, parts))
                things.append(Thing(ROOM, "doorway", _doorway(wall, gap, style, way, random)))
                lights.append(light)
    return things, lights


def _next_room(
    wall: Wall, gap: Opening, top: float, style: Style, swung: bool, random: np.random.Generator
) -> tuple[list[Part], Light]:
    # at a corner that points into the room, the side wall would come out beside it
    first, last = (0.0 if convex else 0.1 for convex in wall.convex)
    left = max(gap.left - float(random.uniform(0.15, 2.0)), first)
    right = min(gap.right + float(random.uniform(0.15, 2.0)), wall.length - last)
    corridor = random.random() < 0.4
    if corridor:
        left, right = max(gap.left - float(random.uniform(0, 0.3)), first), min(gap.right + 0.2, right)
    far = -THICK - float(random.uniform(2, 6.5) if corridor else random.uniform(1.2, 4.5))
    paint = (
        style.wall if random.random() < 0.5 else replace(style.wall, kind="paint", colour=pick(random, WALLS))
    )
    floor = style.floor
    if random.random() < 0.5:
        floor = Material("tile", pick(random, WALLS), linear("8a8680"), (0.4, 0.4), 0.6, 0.03, 0.2, 0.5)
    parts = [
        on_wall(wall, left, right, far, -THICK, -0.2, 0, floor),
        on_wall(wall, left, right, far, -THICK, top, top + 0.2, style.ceiling),
        on_wall(wall, left - 0.1, left, far, -THICK, 0, top, paint),
        on_wall(wall, right, right + 0.1, far, -THICK, 0, top, paint),
        on_wall(wall, left - 0.1, right + 0.1, far - 0.1, far, 0, top, paint),
    ]
    if gap.framed and swung:  # away from the camera
        parts.append(_leaf(wall, gap, -THICK - (gap.right - gap.left), -THICK, style, random))
    if random.random() < (0.8 if corridor else 0.4):  # a further door at the end
        middle = float(random.uniform(left + 0.5, max(right - 0.5, left + 0.51)))
        colour = pick(random, [*WOODS, *DARK_FLOORS]) if random.random() < 0.6 else style.door.colour
        other = replace(style.door, colour=colour)
        parts.append(on_wall(wall, middle - 0.42, middle + 0.42, far, far + 0.03, 0, 2.03, other))
        parts.append(on_wall(wall, middle + 0.28, middle + 0.36, far, far + 0.06, 1.0, 1.06, style.metal))
        if random.random() < 0.4:
            parts.append(
                on_wall(
                    wall,
                    middle - 0.3,
                    middle + 0.3,
                    far,
                    far + 0.02,
                    2.1,
                    2.1 + random.uniform(0.1, 0.3),
                    DARK,
                )
            )
    for _ in range(int(random.integers(0, 6))):
        piece = drawn(_NEXT, random)
        if piece.width < right - left - 0.1 and piece.depth < -THICK - far - 0.1:
            along = float(random.uniform(left + piece.width / 2, right - piece.width / 2))
            forward = 0.0 if piece.kind == PICTURE or random.random() < 0.7 else float(random.random())
            deep = far + 0.02 + forward * (-THICK - far - piece.depth - 0.1)
            parts += [part.moved(wall.at(along, deep, 0), wall.yaw) for part in piece.parts]
    power = float(random.uniform(3, 22))
    glow: Colour = (power, power * float(random.uniform(0.75, 1)), power * float(random.uniform(0.5, 1)))
    at = wall.at((left + right) / 2, (far - THICK) / 2, top - 0.03)
    half = np.array([0.2, 0, 0]), np.array([0, -0.2, 0])
    parts.append(box((at[0], at[1], at[2] + 0.02), (0.4, 0.4, 0.02), Material("glow", glow)))
    return parts, Light("panel", at, *half, glow)


def _leaf(
    wall: Wall, gap: Opening, out: float, into: float, style: Style, random: np.random.Generator
) -> Part:
    """An open door, at right angles to its wall."""
    swung = gap.left if random.random() < 0.5 else gap.right - 0.045
    return on_wall(wall, swung, swung + 0.045, out, into, 0.005, gap.top, style.door)


def _doorway(wall: Wall, gap: Opening, style: Style, way: str, random: np.random.Generator) -> list[Part]:
    """What of an open door belongs to this room: its threshold, its leaf, or one of glass that slides."""
    parts = []
    if random.random() < 0.5:
        strip = replace(style.floor, kind="wood", colour=pick(random, [*WOODS, "b8b4ac", "2a2a2c"]))
        parts.append(on_wall(wall, gap.left, gap.right, -THICK, 0.0, 0, 0.012, strip))
    wide = gap.right - gap.left
    if gap.framed and way == "in":
        parts.append(_leaf(wall, gap, 0.01, wide, style, random))
    elif way == "sliding":
        after = gap.right + wide < wall.length
        low, high = (gap.right, gap.right + wide) if after else (gap.left - wide, gap.left)
        if low > 0 and wall.free(low + 0.02, high - 0.02):
            parts += _sliding(wall, low, high, gap.top, random)
            parts.append(
                on_wall(
                    wall, min(low, gap.left), max(high, gap.right), 0.02, 0.07, gap.top, gap.top + 0.07, DARK
                )
            )
    return parts


def _sliding(wall: Wall, left: float, right: float, top: float, random: np.random.Generator) -> list[Part]:
    """A door of frosted glass in dark bars, in front of the wall."""
    pane = Material(
        "plain", linear(str(random.choice(["e8ebe6", "cfd6d4", "f4f4f0"]))), gloss=0.04, rough=0.5, bump=0
    )
    parts = [on_wall(wall, left, right, 0.02, 0.05, 0.01, top, pane)]
    bars, thick = int(random.integers(1, 6)), float(random.uniform(0.025, 0.06))
    for height in np.linspace(0.01, top - thick, bars + 2):
        parts.append(on_wall(wall, left, right, 0.015, 0.055, float(height), float(height) + thick, DARK))
    for along in (left, right - thick):
        parts.append(on_wall(wall, along, along + thick, 0.015, 0.055, 0.01, top, DARK))
    return parts


_NEXT: tuple[Callable[[np.random.Generator], Piece], ...] = (
    sofa,
    armchair,
    chair,
    bookcase,
    plant,
    coffee_table,
    lambda random: cabinet(
        random, float(random.uniform(0.5, 1.5)), 0.4, float(random.uniform(0.5, 2.1)), 2, 2
    ),
    lambda random: picture(random, float(random.uniform(0.3, 0.9)), float(random.uniform(0.3, 0.9)), 1.5),
    lambda random: carpet_piece(random, 1.2, 1.0),
)


def fixtures(furnisher: Furnisher, style: Style, random: np.random.Generator) -> None:
    """Places fixed things, which are of class 0, before the furniture comes; and a bed that must have a corner."""
    top = furnisher.plan.height
    for make, chance in (
        (kitchen, 0.22),
        (hearth, 0.22),
        (closet, 0.3),
        (sliding_closet, 0.2),
        (radiator, 0.45),
        (radiator, 0.3),
        (appliance, 0.2),
        (appliance, 0.15),
    ):
        if random.random() < chance:
            furnisher.at_wall(make(random, top), gap=0.0, tall=True)
    if furnisher.plan.use in ("bedroom", "studio") and random.random() < 0.4:
        furnisher.at_wall(bed(random), gap=0.0, corner=True)  # one side along a wall
    if random.random() < 0.25:
        furnisher.at_wall(column(random, top, style), gap=0.0, tall=True, corner=random.random() < 0.5)
    for _ in range(int(random.integers(0, 3))):
        index = int(random.integers(len(furnisher.plan.walls)))
        wall, piece = furnisher.plan.walls[index], device(random)
        if wall.length > 1.5:
            along = float(random.uniform(0.6, wall.length - 0.6))
            furnisher.hang(index, wall, piece, along)


def _unit(
    x: float, wide: float, deep: float, low: float, high: float, front: Material, handle: Material
) -> list[Part]:
    """One cupboard of a fitted kitchen."""
    parts = [box((x, deep / 2, (low + high) / 2), (wide - 0.004, deep, high - low), front)]
    bar = (x, deep + 0.012, high - 0.05 if low < 0.5 else low + 0.05)
    return [*parts, rounded(bar, (min(0.18, wide * 0.5), 0.02, 0.014), 0.005, handle)]


def kitchen(random: np.random.Generator, top: float) -> Piece:
    """A row of units with worktop, sink, hob and hood, and cupboards above."""
    count, wide = int(random.integers(2, 6)), 0.6
    total, front, handle = count * wide, wood(random), metal(random)
    slab, tiles = (
        wood(random),
        Material("tile", pick(random, WALLS), linear("b8b4ac"), (0.15, 0.1), 0.5, 0.04, 0.1, 0.3),
    )
    parts = [
        box((0, 0.3, 0.05), (total, 0.52, 0.1), DARK),
        box((0, 0.3, 0.9), (total + 0.02, 0.62, 0.04), slab),
    ]
    parts.append(box((0, 0.005, 1.18), (total, 0.01, 0.52), tiles))
    sink, hob = int(random.integers(count)), int(random.integers(count))
    upper = random.random() < 0.75
    for index in range(count):
        x = (index - (count - 1) / 2) * wide
        parts += _unit(x, wide, 0.58, 0.1, 0.88, front, handle)
        if index == hob:
            parts.append(box((x, 0.3, 0.922), (0.56, 0.5, 0.01), BLACK))
            if random.random() < 0.7:
                parts.append(box((x, 0.585, 0.5), (0.56, 0.02, 0.5), BLACK))
            parts.append(box((x, 0.2, 1.75), (0.58, 0.4, 0.12), handle))
            parts.append(box((x, 0.14, (1.8 + top) / 2), (0.25, 0.25, top - 1.8), handle))
        elif upper:
            parts += _unit(x, wide, 0.34, 1.45, float(min(2.15, top - 0.1)), front, handle)
        if index == sink and index != hob:
            parts.append(box((x, 0.3, 0.921), (0.46, 0.4, 0.006), metal(random)))
            parts.append(cone((x, 0.08, 1.05), 0.26, 0.014, 0.012, metal(random)))
            parts.append(box((x, 0.16, 1.18), (0.024, 0.18, 0.024), metal(random)))
    return Piece(ROOM, "kitchen", parts, total, 0.64)


def hearth(random: np.random.Generator, top: float) -> Piece:
    """A fireplace: surround, mantel, dark firebox, often a breast up to the ceiling."""
    wide, high, deep = (float(random.uniform(*span)) for span in ((1.0, 1.6), (0.9, 1.25), (0.12, 0.45)))
    stone = Material("plaster", pick(random, WALLS), bump=1) if random.random() < 0.6 else wood(random)
    side, mouth = wide * 0.22, high * 0.68
    parts = [box((s * (wide - side) / 2, deep / 2, high / 2), (side, deep, high), stone) for s in (-1, 1)]
    parts.append(box((0, deep / 2, (mouth + high) / 2), (wide - 2 * side, deep, high - mouth), stone))
    parts.append(box((0, 0.02, mouth / 2), (wide - 2 * side, 0.04, mouth), DARK))
    parts.append(box((0, deep / 2 + 0.03, high + 0.025), (wide + 0.12, deep + 0.06, 0.05), stone))
    parts.append(box((0, deep + 0.15, 0.015), (wide + 0.1, 0.3, 0.03), stone))
    if random.random() < 0.5:
        narrow = wide * float(random.uniform(0.6, 1))
        parts.append(
            box((0, deep * 0.4, (high + top) / 2 + 0.02), (narrow, deep * 0.8, top - high - 0.05), stone)
        )
    return Piece(ROOM, "hearth", parts, wide + 0.12, deep + 0.3)


def closet(random: np.random.Generator, top: float) -> Piece:
    """A closet built into the wall: doors in a frame, flush with it."""
    doors, wide = int(random.integers(1, 5)), float(random.uniform(0.45, 0.75))
    high = float(random.choice([2.05, top - 0.06, min(2.4, top - 0.06)]))
    total, front, handle = doors * wide, wood(random), metal(random)
    parts = [box((0, 0.006, high / 2 + 0.02), (total + 0.12, 0.012, high + 0.04), front)]
    split = 2.0 if high > 2.2 and random.random() < 0.6 else high
    for index in range(doors):
        x = (index - (doors - 1) / 2) * wide
        for low, up in ((0.05, split), (split, high)):
            if up - low > 0.1:
                parts.append(box((x, 0.015, (low + up) / 2), (wide - 0.006, 0.022, up - low - 0.006), front))
        parts.append(box((x + (0.5 - index % 2) * wide * 0.8, 0.035, 1.05), (0.015, 0.02, 0.12), handle))
    return Piece(ROOM, "closet", parts, total + 0.12, 0.06)


def sliding_closet(random: np.random.Generator, top: float) -> Piece:
    """A closet behind sliding doors of frosted glass or mirror in bars, from the floor to near the ceiling."""
    doors, wide = int(random.integers(1, 4)), float(random.uniform(0.6, 1.1))
    high, deep = top - float(random.uniform(0.05, 0.4)), float(random.uniform(0.06, 0.6))
    bars, thick = int(random.integers(0, 5)), float(random.uniform(0.02, 0.05))
    frame = DARK if random.random() < 0.6 else metal(random)
    colour = linear(str(random.choice(["e8ebe6", "cfd6d4", "f4f4f0", "6a6e70"])))
    mirror = random.random() < 0.2
    pane = Material("plain", colour, gloss=0.8 if mirror else 0.04, rough=0.0 if mirror else 0.5, bump=0)
    parts = [box((0, deep / 2, high / 2), (doors * wide, deep, high), pane)]
    for height in np.linspace(thick / 2, high - thick / 2, bars + 2).tolist():
        parts.append(box((0, deep, height), (doors * wide, 0.03, thick), frame))
    for index in range(doors + 1):
        parts.append(box(((index - doors / 2) * wide, deep, high / 2), (thick, 0.03, high), frame))
    return Piece(ROOM, "closet", parts, doors * wide + thick, deep + 0.03)


def radiator(random: np.random.Generator, top: float) -> Piece:
    """A radiator of columns or a flat plate, low and wide or high and narrow, of any colour, below any ceiling."""
    upright = random.random() < 0.3
    wide = float(random.uniform(0.35, 0.6) if upright else random.uniform(0.5, 1.6))
    high = float(random.uniform(0.9, 1.7) if upright else random.uniform(0.4, 0.75))
    low, white = float(random.uniform(0.08, 0.2)), linear("f3f2ee")
    colour = (
        white if random.random() < 0.7 else pick(random, ["2a2a2c", "8a8a8c", "5a2f2a", "d8d0c0", "6a5a4a"])
    )
    skin = Material("plain", colour, gloss=0.035, rough=0.3, bump=0)
    middle, parts = low + high / 2, []
    if random.random() < 0.3:
        parts.append(rounded((0, 0.08, middle), (wide, 0.06, high), 0.012, skin))
    pitch = float(random.uniform(0.045, 0.085))
    for index in range(round(wide / pitch)):
        x = (index + 0.5) * pitch - wide / 2
        parts.append(rounded((x, 0.08, middle), (pitch * 0.82, 0.09, high), 0.016, skin))
    parts.append(cone((wide / 2 + 0.04, 0.08, low / 2), low, 0.01, 0.01, skin))
    parts.append(box((wide / 2 + 0.02, 0.08, low + 0.03), (0.06, 0.03, 0.03), skin))
    return Piece(ROOM, "radiator", parts, wide + 0.1, 0.14)


def device(random: np.random.Generator) -> Piece:
    """What hangs on walls for good: an air conditioner, a fuse box, a grille."""
    skin = Material("plain", linear("f2f2ef"), gloss=0.03, rough=0.3, bump=0)
    kind = int(random.integers(3))
    if kind == 0:
        z = float(random.uniform(2.0, 2.2))
        return Piece(ROOM, "air conditioner", [rounded((0, 0.1, z), (0.8, 0.2, 0.28), 0.05, skin)], 0.8, 0.2)
    wide, tall = random.uniform(0.15, 0.45, 2)
    z = float(random.uniform(1.4, 1.9) if kind == 1 else random.uniform(0.15, 2.2))
    return Piece(
        ROOM, "panel", [box((0, 0.012, z), (float(wide), 0.024, float(tall)), skin)], float(wide), 0.03
    )
