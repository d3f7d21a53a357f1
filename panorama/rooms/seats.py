"""Beds, sofas, armchairs, chairs, swivel chairs."""

from __future__ import annotations

import math

import numpy as np

from panorama.rooms.classes import BED, CHAIR, SOFA, SWIVEL_CHAIR
from panorama.rooms.materials import LINENS
from panorama.rooms.piece import DARK, Piece, cloth, leather, legs, metal, upholstery, wood
from panorama.rooms.shapes import Part, box, cone, cushion, rounded


def bed(random: np.random.Generator) -> Piece:
    """Frame, headboard, mattress, duvet turned down, pillows, sometimes a throw."""
    wide = float(random.choice([0.95, 1.25, 1.45, 1.65, 1.85]))
    long, low = 2.06, float(random.uniform(0.18, 0.3))
    frame, sheet, duvet = wood(random), cloth(random, LINENS), cloth(random, LINENS, pattern=True)
    parts = [box((0, long / 2 + 0.04, low), (wide + 0.06, long + 0.02, 0.14), frame)]
    parts += legs(wide, long, low, 0.035, frame)
    parts += _headboard(random, wide, low, frame)
    top = low + 0.07 + float(random.uniform(0.16, 0.24))
    parts.append(
        rounded(
            (0, long / 2 + 0.05, (low + 0.05 + top) / 2), (wide, long - 0.04, top - low - 0.05), 0.06, sheet
        )
    )
    turn = float(random.uniform(0.45, 0.7))  # where the duvet begins
    length = long - turn + 0.05
    drop = float(random.uniform(0.2, 0.34))
    cover_at = (0, turn + length / 2 + 0.02, top + 0.045 - drop / 2)
    parts.append(rounded(cover_at, (wide + 0.1, length, drop), 0.07, duvet))
    fold = (0, turn + 0.13, top + 0.05)
    parts.append(cushion(fold, (wide + 0.09, 0.36, 0.1), sheet if random.random() < 0.5 else duvet, power=5))
    pillows = 1 if wide < 1.2 else 2
    for row in range(2 if random.random() < 0.4 else 1):
        case = sheet if row == 0 else cloth(random, LINENS)
        for index in range(pillows):
            x = (index - (pillows - 1) / 2) * wide / pillows
            size = (min(0.72, wide / pillows - 0.04), 0.44 - 0.06 * row, 0.17)
            tilt = (float(random.normal(0, 0.05)), -0.35 - 0.25 * row, float(random.normal(0, 0.03)))
            parts.append(cushion((x, 0.27 + 0.16 * row, top + 0.11 + 0.02 * row), size, case, tilt, 3.2))
    if random.random() < 0.5:
        throw = cloth(random, pattern=True)
        at = (0, long - 0.35, top + 0.05 - drop / 2)
        parts.append(rounded(at, (wide + 0.13, float(random.uniform(0.4, 0.6)), drop + 0.02), 0.06, throw))
    return Piece(BED, "bed", parts, wide + 0.12, long + 0.08)


def sheet_over(random: np.random.Generator, made: Piece) -> list[Part]:
    """A sheet or blanket over a bed that hangs down at its sides, in creases, some of it as far as the floor."""
    low, high = (np.array([part.bounds()[side] for part in made.parts]) for side in (0, 1))
    skin = cloth(random, LINENS, pattern=random.random() < 0.3)
    # what is as wide as the bed and lies before its headboard is its cover
    covers = (high[:, 0] - low[:, 0] > 0.8 * made.width) & (low[:, 1] > 0.1)
    top = float(high[covers, 2].max())
    first = float(random.uniform(0.1, 0.9))
    long, wide = made.depth - first + 0.03, made.width + float(random.uniform(0, 0.06))
    drop = float(random.uniform(0.25, 1)) * top
    middle = first + long / 2
    parts = [rounded((0, middle, top + 0.015 - drop / 2), (wide, long, drop), 0.06, skin)]
    for _ in range(int(random.integers(3, 14))):  # creases, none of which reaches beyond the edge
        x, y = (float(random.uniform(-0.4, 0.4)) * side for side in (wide, long))
        turn = float(random.uniform(0, math.pi))
        free = (
            (wide / 2 - abs(x)) / max(abs(math.cos(turn)), 0.1),
            (long / 2 - abs(y)) / max(math.sin(turn), 0.1),
        )
        size = (
            min(float(random.uniform(0.2, 1.2)), 2 * min(free)),
            *random.uniform([0.03, 0.05], [0.12, 0.1]).tolist(),
        )
        parts.append(cushion((x, middle + y, top), size, skin, (turn, 0, 0), 2.4))
    return parts


def _headboard(random: np.random.Generator, wide: float, low: float, frame) -> list[Part]:
    high = low + float(random.uniform(0.55, 0.95))
    if random.random() < 0.5:
        pad = cloth(random)
        columns = int(random.integers(1, 5))
        size = (wide + 0.06) / columns
        return [
            rounded(
                ((i - (columns - 1) / 2) * size, 0.045, (high + 0.1) / 2),
                (size - 0.004, 0.09, high - 0.1),
                0.03,
                pad,
            )
            for i in range(columns)
        ]
    return [box((0, 0.02, high / 2), (wide + 0.08, 0.04, high), frame)]


def sofa(random: np.random.Generator) -> Piece:
    """Two or three seats with loose cushions, now and then a chaise."""
    seats = int(random.choice([2, 3, 3]))
    seat_wide, deep = float(random.uniform(0.6, 0.75)), float(random.uniform(0.82, 0.98))
    arm, high = float(random.uniform(0.1, 0.24)), float(random.uniform(0.72, 0.9))
    wide = seats * seat_wide + 2 * arm
    skin, leg = upholstery(random), float(random.uniform(0.06, 0.15))
    parts = legs(wide, deep, leg + 0.02, 0.022, wood(random))
    parts.append(rounded((0, deep / 2, leg + 0.1), (wide - 0.02, deep, 0.2), 0.03, skin))
    parts.append(rounded((0, 0.1, (leg + high) / 2), (wide - 0.04, 0.2, high - leg), 0.06, skin))
    arm_high = float(random.uniform(0.52, 0.64))
    for side in (-1, 1):
        at = (side * (wide - arm) / 2, deep / 2, (leg + arm_high) / 2)
        parts.append(rounded(at, (arm, deep, arm_high - leg), min(0.07, arm / 2 - 0.005), skin))
    chaise = int(random.choice([-1, 1])) if random.random() < 0.25 else 0
    for index in range(seats):
        x = (index - (seats - 1) / 2) * seat_wide
        long = deep - 0.18
        if chaise and index == (0 if chaise < 0 else seats - 1):
            long += 0.65
            parts.append(rounded((x, deep + 0.3, leg + 0.1), (seat_wide - 0.02, 0.68, 0.2), 0.03, skin))
        parts.append(rounded((x, 0.18 + long / 2, leg + 0.27), (seat_wide - 0.006, long, 0.16), 0.05, skin))
        back = (x, 0.26, leg + 0.33 + 0.2)
        parts.append(cushion(back, (seat_wide - 0.01, 0.2, 0.42), skin, (0, 0.16, 0), 4.5))
    for _ in range(int(random.integers(0, 5))):
        x = float(random.uniform(-0.5, 0.5)) * (wide - 2 * arm - 0.4)
        tilt = (float(random.normal(0, 0.2)), 0.35, float(random.normal(0, 0.15)))
        size = float(random.uniform(0.38, 0.48))
        parts.append(
            cushion((x, 0.42, leg + 0.55), (size, 0.15, size), cloth(random, pattern=True), tilt, 3.0)
        )
    return Piece(SOFA, "sofa", parts, wide, deep + (0.65 if chaise else 0))


def armchair(random: np.random.Generator) -> Piece:
    """One upholstered seat on legs."""
    wide, deep, high = (
        float(random.uniform(0.68, 0.86)),
        float(random.uniform(0.74, 0.86)),
        float(random.uniform(0.76, 0.98)),
    )
    skin, leg = upholstery(random), float(random.uniform(0.12, 0.2))
    arm = float(random.uniform(0.09, 0.14))
    parts = legs(wide, deep, leg + 0.03, 0.02, wood(random), 0.08)
    parts.append(rounded((0, deep / 2, leg + 0.08), (wide - 0.02, deep - 0.06, 0.14), 0.04, skin))
    parts.append(
        rounded((0, 0.12, (leg + high) / 2), (wide - 0.06, 0.15, high - leg), 0.07, skin, (0, 0.13, 0))
    )
    for side in (-1, 1):
        at = (side * (wide - arm) / 2, deep / 2, leg + 0.22)
        parts.append(rounded(at, (arm, deep - 0.1, 0.4), 0.045, skin, (side * 0.04, 0, 0)))
    parts.append(rounded((0, deep / 2 + 0.05, leg + 0.21), (wide - 2 * arm, deep - 0.2, 0.14), 0.05, skin))
    if random.random() < 0.4:
        parts.append(
            cushion((0, 0.3, leg + 0.46), (0.42, 0.14, 0.36), cloth(random, pattern=True), (0, 0.3, 0), 3)
        )
    return Piece(CHAIR, "armchair", parts, wide, deep)


def draw_chair(random: np.random.Generator):
    """A builder of equal chairs, so that a table's chairs match."""
    seed = int(random.integers(1 << 31))
    return lambda: chair(np.random.default_rng(seed))


def chair(random: np.random.Generator) -> Piece:
    """A dining chair: slats, a solid back or a padded shell."""
    wide, deep, seat = 0.45, 0.46, 0.46
    high, style = float(random.uniform(0.82, 1.0)), int(random.integers(3))
    frame = metal(random) if style == 2 else wood(random)
    parts = legs(wide, deep, seat - 0.01, 0.018, frame, 0.035)
    if style == 0:
        parts.append(box((0, deep / 2, seat), (wide, deep, 0.03), frame))
        parts += [
            box(
                (s * (wide / 2 - 0.02), 0.0, (seat + high) / 2),
                (0.032, 0.03, high - seat + 0.04),
                frame,
                (0, 0.1, 0),
            )
            for s in (-1, 1)
        ]
        slats = int(random.integers(2, 5))
        for index in range(slats):
            z = seat + (high - seat) * (index + 0.8) / (slats + 0.2)
            parts.append(box((0, -0.0 - 0.1 * (z - (seat + high) / 2), z), (wide - 0.04, 0.016, 0.05), frame))
    elif style == 1:
        skin = upholstery(random)
        parts.append(rounded((0, deep / 2, seat + 0.02), (wide, deep, 0.08), 0.035, skin))
        parts.append(
            rounded(
                (0, 0.0, (seat + high) / 2 + 0.03),
                (wide - 0.02, 0.06, high - seat),
                0.028,
                skin,
                (0, 0.12, 0),
            )
        )
    else:
        shell = cloth(random) if random.random() < 0.5 else leather(random)
        parts.append(rounded((0, deep / 2, seat), (wide + 0.02, deep, 0.05), 0.024, shell))
        parts.append(rounded((0, 0.0, seat + 0.22), (wide + 0.02, 0.04, 0.38), 0.019, shell, (0, 0.2, 0)))
        for s in (-1, 1):
            parts.append(
                rounded(
                    (s * (wide / 2 + 0.01), 0.16, seat + 0.1), (0.03, 0.3, 0.2), 0.014, shell, (0, 0.2, 0)
                )
            )
    return Piece(CHAIR, "chair", parts, wide, deep)


def swivel_chair(random: np.random.Generator) -> Piece:
    """Five-star base with castors, gas spring, padded seat and back, often arms."""
    skin, foot = upholstery(random), DARK if random.random() < 0.7 else metal(random)
    centre, seat = 0.3, float(random.uniform(0.45, 0.52))
    parts: list[Part] = []
    turn = float(random.uniform(0, 1.2))
    for index in range(5):
        angle = turn + index * 2 * math.pi / 5
        x, y = math.cos(angle), math.sin(angle)
        parts.append(box((x * 0.155, centre + y * 0.155, 0.085), (0.3, 0.04, 0.028), foot, (angle, 0, 0.1)))
        parts.append(cushion((x * 0.3, centre + y * 0.3, 0.03), (0.045, 0.045, 0.06), DARK))
    parts.append(cone((0, centre, 0.26), 0.36, 0.028, 0.022, DARK))
    parts.append(rounded((0, centre, seat), (0.5, 0.49, 0.09), 0.04, skin))
    tall = float(random.uniform(0.42, 0.7))
    parts.append(rounded((0, 0.04, seat + 0.12 + tall / 2), (0.47, 0.07, tall), 0.033, skin, (0, 0.14, 0)))
    parts.append(box((0, 0.03, seat + 0.06), (0.06, 0.03, 0.26), DARK, (0, 0.1, 0)))
    if random.random() < 0.7:
        for side in (-1, 1):
            parts.append(box((side * 0.27, centre, seat + 0.1), (0.03, 0.05, 0.2), DARK))
            parts.append(rounded((side * 0.27, centre, seat + 0.21), (0.06, 0.26, 0.03), 0.013, DARK))
    return Piece(SWIVEL_CHAIR, "swivel chair", parts, 0.62, 0.62)
