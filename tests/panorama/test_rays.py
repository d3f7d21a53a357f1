"""Compiled geometry against numpy's own functions, and marks against bilinear sampling."""

import math
from dataclasses import replace

import numpy as np
import pytest

from panorama.layout import CEILING, FIRST_WALL, FLOOR, Feet, Layout, Wall
from panorama.sphere import Frame, Region, turned
from panorama.views import View, marked, positions, render

FRAMES = {"full": Frame.full(1200, 600), "cropped": Frame(700, 300, 1200, 600, 250, 150)}
LOOKS = [(0.3, 0.1), (math.pi - 0.01, -0.4), (1.0, -math.pi / 2), (2.0, 1.4)]
WALLS = [(-2.5, -2.0, 1.5), (-0.7, -0.43, 2.2), (0.4, 1.14, 1.1), (2.3, 2.71, 3.0)]
ROOM = Layout(tuple(Wall(*wall) for wall in WALLS), 1.2, 1.0)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("look", LOOKS)
def test_positions_are_those_of_the_arctangents(frame: Frame, look: tuple[float, float]) -> None:
    view = View.square(*look, math.radians(80), 321)  # an odd side: one pixel looks at the pole itself
    columns, rows = positions(frame, view)
    across, down = frame.texel_at(*view.parts(0, 0, 321, 321))
    turns = (columns - across) / frame.full_width
    flat = np.abs(down + frame.top - (frame.full_height - 1) / 2) < frame.full_height / 2 - 1e-6
    assert np.abs(turns - np.rint(turns))[flat].max() * frame.full_width < 2e-4
    assert np.abs(rows - down).max() < 2e-4


@pytest.mark.parametrize("look", LOOKS)
def test_texels_are_found_in_the_view_and_nowhere_behind_it(look: tuple[float, float]) -> None:
    frame, view = FRAMES["full"], View.square(*look, math.radians(80), 200)
    region = Region(100, 20, 900, 590)
    found = view._pixels_of(frame, region, (0.25, -0.25))
    directions = frame.directions(
        np.arange(region.left, region.right) + 0.25, np.arange(region.top, region.bottom)[:, None] - 0.25
    )
    for ours, theirs in zip(found, view.pixel(directions), strict=True):
        near = np.abs(theirs) < 1e4
        assert np.abs(ours - theirs)[near].max() < 1e-6
        assert (np.abs(ours)[~near] >= 1e4 * 0.999).all()


@pytest.mark.parametrize("look", LOOKS)
def test_marks_are_seen_where_a_bilinear_sample_takes_anything(look: tuple[float, float]) -> None:
    frame, view = FRAMES["full"], View.square(*look, math.radians(80), 300)
    marks = (np.random.default_rng(0).random((600, 1200, 2)) < 0.02).astype(np.uint8)
    marks[:, :600, 1] = 0
    at = positions(frame, view)
    assert np.array_equal(marked(frame, marks, view, at), render(frame, marks, view, linear=True, at=at) > 0)


FEET = Feet(np.array([-1.0, -0.92, -1.07, -0.97, -1.02]), np.ones(5, bool))


@pytest.mark.parametrize("room", [ROOM, replace(ROOM, feet=FEET)], ids=["level", "feet"])
@pytest.mark.parametrize(
    "rotation", [turned(0.3, 0.0), turned(2.9, 0.2), turned(0, -math.pi / 2), turned(1, 1.5)]
)
def test_planes_of_a_view_are_those_of_its_directions(rotation: np.ndarray, room: Layout) -> None:
    frame, view = FRAMES["full"], View(rotation, 150.0, -1.5, -1.2, 450, 360)
    across = (np.arange(view.width) + 0.5) / view.focal + view.left
    down = (np.arange(view.height) + 0.5) / view.focal + view.top
    shown = room.shown(across, down, rotation)
    columns, rows = frame.texel_at(*view.parts(0, 0, view.width, view.height))
    planes = room.planes(frame.yaw(columns), frame.pitch(rows))
    assert shown.dtype == planes.dtype
    assert np.mean(shown != planes) < 1e-4  # a pixel on an edge may fall to either side
    assert {FLOOR, CEILING} & set(np.unique(shown).tolist())
    assert shown.max() >= FIRST_WALL or abs(rotation[2, 1]) > 0.9
