"""The room's layout is found from its edges, seen or half hidden, and pieces are cut along it."""

import math

import numpy as np
import pytest

from panorama.layout import CEILING, FIRST_WALL, FLOOR, Layout, Wall
from panorama.objects import grown_objects
from panorama.plan import pieces, view_of
from panorama.sphere import Frame
from panorama.walls import room_layout

FRAME = Frame.full(1024, 512)
HALF = (1.6, 2.4)
"""Half the room's sides, in camera heights."""
HEIGHT = 0.8
"""Of the ceiling above the camera."""


def truth(turn: float) -> Layout:
    """The layout of a rectangular room round its middle, turned by an angle."""
    walls = []
    for side in range(4):
        facing, before, own = turn + side * math.pi / 2, HALF[(side + 1) % 2], HALF[side % 2]
        start = math.remainder(facing - math.atan2(before, own), 2 * math.pi)
        walls.append(Wall(start, facing, own))
    return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), HEIGHT, 1.0)


def shown(layout: Layout, frame: Frame = FRAME) -> np.ndarray:
    """Plane of every texel."""
    return layout.planes(frame.yaw(np.arange(frame.width)), frame.pitch(np.arange(frame.height))[:, None])


def picture(layout: Layout, frame: Frame = FRAME) -> np.ndarray:
    """Floor, ceiling and walls in plain colours with grain, HxWx3 uint8."""
    colours = np.array([(120, 90, 60), (240, 240, 235), *[(190 + 6 * k, 190, 185) for k in range(4)]])
    grain = np.random.default_rng(0).normal(0, 3, (frame.height, frame.width, 1))
    return np.clip(colours[shown(layout, frame)] + grain, 0, 255).astype(np.uint8)


def furniture() -> np.ndarray:
    """Things that hide a third of the wall-floor edge; bool HxW."""
    hidden = np.zeros((512, 1024), bool)
    hidden[250:400, 100:260] = hidden[270:380, 600:760] = hidden[480:] = True
    return hidden


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.2])
def test_a_room_is_found_behind_its_furniture(turn: float) -> None:
    layout, hidden = truth(turn), furniture()
    seen = picture(layout)
    seen[hidden] = (200, 30, 160)
    found = room_layout(FRAME, seen, hidden, turn)
    assert found is not None
    assert found.score > 0.8
    assert abs(found.ceiling / HEIGHT - 1) < 0.03
    surface = np.minimum(shown(found), FIRST_WALL) != np.minimum(shown(layout), FIRST_WALL)
    assert surface[hidden].mean() < 0.02


def test_what_is_no_room_has_no_layout() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (512, 1024, 3), np.uint8)
    nothing = np.zeros((512, 1024), bool)
    assert room_layout(FRAME, noise, nothing, 0.3) is None
    assert room_layout(FRAME, noise, nothing, None) is None
    crop = Frame(1024, 400, 1024, 512, 0, 50)
    assert room_layout(crop, noise[:400], nothing[:400], 0.3) is None


def test_planes_lie_where_their_distances_say() -> None:
    layout = truth(0.0)
    yaw, pitch = np.array([0.0, math.pi / 2, math.pi, 5 * math.pi]), np.array([0.0])
    assert [layout.walls[k - FIRST_WALL].distance for k in layout.planes(yaw, pitch)] == [1.6, 2.4, 1.6, 1.6]
    foot = -math.atan2(1, 1.6)
    assert layout.planes(np.array(0.0), np.array(foot - 0.01)) == FLOOR
    assert layout.planes(np.array(0.0), np.array(foot + 0.01)) >= FIRST_WALL
    assert layout.planes(np.array(0.0), np.array(math.atan2(HEIGHT, 1.6) + 0.01)) == CEILING


def test_pieces_are_cut_along_the_edges_and_looked_at_straight() -> None:
    layout = truth(0.3)
    mask = np.zeros((512, 1024), np.uint8)
    mask[260:380, 500:620] = 255
    parts = grown_objects(mask, FRAME)
    found = pieces(parts, FRAME, layout)
    planes = shown(layout)
    together = np.zeros((512, 1024), bool)
    for piece in found:
        assert piece.plane is not None
        view = view_of(piece, FRAME, 0.3, layout)
        assert np.allclose(view.rotation, layout.towards(piece.plane))
        columns, rows = view.pixel(piece.points)
        assert (columns >= 0).all()
        assert (columns <= view.width - 1).all()
        assert (rows >= 0).all()
        assert (rows <= view.height - 1).all()
        for part in piece.parts:
            own = FRAME.cut(planes, part.region) == piece.plane
            assert own[part.hole].all()
            FRAME.put(together, part.region, FRAME.cut(together, part.region) | part.hole)
    assert {FLOOR} < {piece.plane for piece in found}
    (whole,) = parts
    assert np.array_equal(FRAME.cut(together, whole.region), whole.hole)


def test_the_rim_of_a_plane_is_where_its_room_ends() -> None:
    layout = truth(0.3)
    for plane in range(FIRST_WALL, FIRST_WALL + 4):
        x, y, z = (layout.rim(plane) @ layout.towards(plane).T).T
        half = HALF[0] + HALF[1] - layout.walls[plane - FIRST_WALL].distance  # of the wall's width
        assert np.allclose([(x / z).max() * z[0], (x / z).min() * z[0]], [half, -half], atol=1e-4)
        assert np.allclose([y.max(), y.min()], [HEIGHT, -1])
    for plane, height in ((FLOOR, -1.0), (CEILING, HEIGHT)):
        assert np.allclose(layout.rim(plane)[:, 1], height)


def test_a_view_of_a_plane_ends_soon_after_the_plane() -> None:
    layout = truth(0.3)
    frame = Frame.full(2048, 1024)
    mask = np.zeros((1024, 2048), np.uint8)
    mask[560:700, 900:1200] = 255
    for piece in pieces(grown_objects(mask, frame), frame, layout):
        assert piece.plane is not None
        view = view_of(piece, frame, None, layout)
        away = np.abs(layout.rim(piece.plane) @ view.rotation.T)
        widest = (away[:, :2] / away[:, 2:]).max(axis=0)
        assert view.width / view.focal <= 2 * widest[0] + 80 / view.focal
        assert view.height / view.focal <= 2 * widest[1] + 80 / view.focal
