"""Which views are chosen, and that each shows its piece whole."""

import math

import numpy as np
import pytest

from panorama.axes import room_yaw
from panorama.layout import FLOOR, Layout, Wall
from panorama.objects import grown_objects
from panorama.plan import LARGEST, Piece, pieces, view_of
from panorama.sphere import Frame, angles

FRAME = Frame.full(512, 256)


def disc(frame: Frame, yaw: float, pitch: float, radius: float) -> np.ndarray:
    """A round object on the sphere; uint8 HxW, 255 inside."""
    middle = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    d = frame.directions(np.arange(frame.width)[None], np.arange(frame.height)[:, None])
    return np.where(d @ middle >= math.cos(radius), 255, 0).astype(np.uint8)


def box_room(frame: Frame, turn: float) -> np.ndarray:
    """A square room with lines on floor and walls, turned by an angle; HxW uint8."""
    d = frame.directions(np.arange(frame.width)[None], np.arange(frame.height)[:, None])
    c, s = math.cos(turn), math.sin(turn)
    x, y, z = c * d[..., 0] - s * d[..., 2], d[..., 1], s * d[..., 0] + c * d[..., 2]
    reach = np.minimum(
        np.minimum(2 / np.abs(x), 3 / np.abs(z)), np.where(y < 0, 1.4 / np.abs(y), 1.2 / np.abs(y))
    )
    x, y, z = x * reach, y * reach, z * reach
    floor = y < -1.399
    boards = np.where(np.floor(x * 5) % 2 > 0, 120, 90)
    rails = np.where(np.floor(y * 3) % 2 > 0, 200, 180)
    return np.where(floor, boards, rails).astype(np.uint8)


@pytest.mark.parametrize("turn", [0.1, 0.7, 1.3])
def test_the_walls_yaw_is_read_from_the_picture(turn: float) -> None:
    frame = Frame.full(1024, 512)
    found = room_yaw(frame, box_room(frame, turn))
    assert found is not None
    off = (found - turn + math.pi / 4) % (math.pi / 2) - math.pi / 4
    assert abs(off) < math.radians(1)


def test_noise_has_no_walls() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 512), np.uint8)
    assert room_yaw(FRAME, noise) is None
    assert room_yaw(FRAME, np.full((256, 512), 7, np.uint8)) is None


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (math.pi, -0.6), (1.0, -1.5), (0.3, 1.55)])
@pytest.mark.parametrize("room", [None, 0.4])
def test_a_view_is_centred_and_shows_the_whole_piece_with_context(
    yaw: float, pitch: float, room: float | None
) -> None:
    (piece,) = pieces(grown_objects(disc(FRAME, yaw, pitch, 0.3), FRAME), FRAME)
    view = view_of(piece, FRAME, room)
    columns, rows = view.pixel(piece.points)
    assert columns.min() > 30
    assert columns.max() < view.width - 31
    assert rows.min() > 30
    assert rows.max() < view.height - 31
    wanted = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    assert piece.centre @ wanted > math.cos(0.02)


@pytest.mark.parametrize("pitch", [-math.pi / 2, -1.3, 1.2, math.pi / 2])
def test_a_steep_view_stands_along_the_walls(pitch: float) -> None:
    (piece,) = pieces(grown_objects(disc(FRAME, 0.9, pitch, 0.2), FRAME), FRAME)
    up = view_of(piece, FRAME, 0.4).rotation[1]
    off = (angles(np.array([up[0], 0, up[2]]))[0] - 0.4 + math.pi / 4) % (math.pi / 2) - math.pi / 4
    assert abs(off) < (0.01 if abs(pitch) > 1.5 else 0.2)


def test_large_objects_are_split_and_every_texel_stays_in_a_piece() -> None:
    mask = np.zeros((256, 512), np.uint8)
    mask[110:180, 40:330] = 255
    (part,) = grown_objects(mask, FRAME)
    found = pieces([part], FRAME)
    assert len(found) > 1
    assert all(piece.radius <= LARGEST for piece in found)
    alpha = np.zeros_like(mask)
    for piece in found:
        for one in piece.parts:
            FRAME.put(alpha, one.region, np.maximum(FRAME.cut(alpha, one.region), one.alpha))
    whole = np.zeros_like(mask)
    FRAME.put(whole, part.region, part.alpha)
    assert np.array_equal(alpha, whole)


def test_small_neighbours_share_a_view_and_far_ones_do_not() -> None:
    mask = np.maximum.reduce([disc(FRAME, yaw, -0.2, 0.02) for yaw in (0.0, 0.07, 2.0)])
    found = pieces(grown_objects(mask, FRAME), FRAME)
    assert sorted(len(piece.parts) for piece in found) == [1, 2]
    assert isinstance(found[0], Piece)


def test_floors_come_last_and_begin_below_the_camera() -> None:
    room = Layout(
        tuple(Wall((k - 0.5) * math.pi / 2, k * math.pi / 2, 1.5) for k in (-1, 0, 1, 2)),
        ceiling=1.0,
        score=1.0,
    )
    low = [(0.0, -1.2, 0.15), (1.0, -0.8, 0.06), (3.0, -0.65, 0.06)]
    mask = np.maximum.reduce([disc(FRAME, *one) for one in [*low, (2.0, 0.1, 0.1), (-1.0, -0.4, 0.1)]])
    found = pieces(grown_objects(mask, FRAME), FRAME, room)
    planes = [piece.plane for piece in found]
    feet = [piece.foot for piece in found if piece.plane == FLOOR]
    assert planes.index(FLOOR) == len(planes) - len(feet) >= 2
    assert len(feet) >= 3 and feet == sorted(feet)
