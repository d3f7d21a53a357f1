"""What is behind the walls of a room, or part of them, is left alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from panorama import Frame, beyond
from panorama.furniture import CERTAIN, RoomFurniture, kinds
from panorama.layout import Feet, Layout, Wall

FRAME = Frame.full(720, 360)
"""Half a degree a texel."""
ROOM = Layout(
    tuple(Wall(math.radians(turn - 45), math.radians(turn), 2.0) for turn in (-90, 0, 90, 180)), 1.0, 0.9
)
"""A square room, four camera heights wide."""
STANDS, HANGS = 1.0, 0.0


class Told(RoomFurniture):
    """A room whose network says how likely furniture stands, and how likely it is a picture."""

    def __init__(self, stands: float, picture: float | None = None) -> None:
        self.stands, self.picture = stands, 1 - stands if picture is None else picture

    def share(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """Everywhere the same."""
        assert channels
        pictures = set(channels) <= set(kinds()["picture"])
        return np.full((FRAME.height, FRAME.width), self.picture if pictures else self.stands, np.float32)

    def beyond(self) -> NDArray[np.float32]:
        """No opening, unless one was put in its place."""
        return opening() if self.opened is None else self.opened

    opened: NDArray[np.float32] | None = None


def opening(yaw: float = 0, wide: float = 0) -> NDArray[np.float32]:
    """Chance of an opening from the wall's foot up, round a yaw, as wide as said (degrees)."""
    chance = np.zeros((FRAME.height, FRAME.width), np.float32)
    columns = np.arange(round((yaw - wide / 2 + 180) * 2), round((yaw + wide / 2 + 180) * 2)) % FRAME.width
    chance[((90 - 20) * 2) : round((90 + 26.5) * 2), columns] = 0.9
    return chance


class Seen:
    """Evidence for feet of walls, everywhere the same."""

    mass = np.zeros(0)
    sure = 0.9

    def __init__(self, *_: object) -> None:
        """As `panorama.edges.Edges`."""

    def of(self, mass: np.ndarray, height: float, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """How likely the wall's foot is."""
        assert height == -1 and (np.tan(pitch) * ROOM.away(yaw) < -0.7).all()
        return np.full(yaw.shape, self.sure)


@pytest.fixture(autouse=True)
def square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture shows the feet of the walls."""
    monkeypatch.setattr(beyond, "Edges", Seen)


def thing(yaw: float, top: float, foot: float, wide: float = 16) -> np.ndarray:
    """Log odds of one thing round a yaw (degrees); its ends as pitch in degrees."""
    odds = np.full((FRAME.height, FRAME.width), -CERTAIN, np.float32)
    columns = np.arange(round((yaw - wide / 2 + 180) * 2), round((yaw + wide / 2 + 180) * 2)) % FRAME.width
    odds[round((90 - top) * 2) : round((90 - foot) * 2), columns] = 2.0
    return odds


def stays(
    odds: np.ndarray, stands: float, picture: float | None = None, layout: Layout | None = ROOM
) -> bool:
    """Whether what was found is in the room; all of it or nothing."""
    black = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    left = beyond.in_the_room(FRAME, black, odds, Told(stands, picture), layout)
    assert np.array_equal(left, odds) or (left == -CERTAIN).all()
    return np.array_equal(left, odds)


@pytest.mark.parametrize("yaw", [0, 90, 180, -100])
@pytest.mark.parametrize(
    ("foot", "stands", "wanted"),
    [
        (-40, STANDS, True),  # stands before the wall, whose foot is at -26.6 degrees and lower in corners
        (-26.5, STANDS, True),  # at the wall
        (-12, STANDS, False),  # a sofa in the next room
        (5, STANDS, False),
        (-12, HANGS, True),  # a picture
        (5, HANGS, True),
        (-21.5, HANGS, False),  # an open door
        (-40, HANGS, True),  # a lamp that stands
    ],
)
def test_things_end_where_they_stand(yaw: float, foot: float, stands: float, wanted: bool) -> None:
    assert stays(thing(yaw, 15, foot), stands) == wanted


@pytest.mark.parametrize(
    ("foot", "picture", "wanted"), [(-12, 0.3, False), (-12, 0.6, True), (-26.5, 0.3, True)]
)
def test_what_hangs_and_is_no_kind_of_thing_is_part_of_what_lies_behind(
    foot: float, picture: float, wanted: bool
) -> None:
    assert stays(thing(0, 15, foot), HANGS, picture) == wanted


@pytest.mark.parametrize("foot", [12, -2])
def test_what_ends_above_a_door_hangs_whatever_it_is(foot: float) -> None:
    assert stays(thing(0, 25, foot), HANGS, 0.3)


def test_a_thing_stands_where_most_of_its_lowest_columns_end() -> None:
    chair = np.maximum(thing(0, 10, -12, 20), thing(-7, -10, -35, 2))
    assert stays(chair, STANDS), "a seat on a leg"
    sofa = np.maximum(thing(0, 10, -12, 20), thing(-7, -10, -35, 0.5))
    assert not stays(sofa, STANDS), "a stain below"


def test_one_thing_goes_and_another_stays() -> None:
    near, far = thing(0, 0, -35), thing(60, 0, -8)
    picture = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    left = beyond.in_the_room(FRAME, picture, np.maximum(near, far), Told(STANDS), ROOM)
    assert np.array_equal(left, near)


class Parted(Told):
    """What is right of yaw 0 is a picture, the rest stands."""

    def share(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """1 where furniture stands, or where pictures hang."""
        stands = np.arange(FRAME.width) < FRAME.width // 2
        own = ~stands if set(channels) <= set(kinds()["picture"]) else stands
        return np.broadcast_to(own.astype(np.float32), (FRAME.height, FRAME.width))


@pytest.mark.parametrize(("yaw", "foot", "wanted"), [(8, 0, False), (30, 0, True), (8, -40, True)])
def test_a_picture_beside_what_is_behind_the_wall_is_left_with_it(
    yaw: float, foot: float, wanted: bool
) -> None:
    sofa, other = thing(-8, 2, -12, 12), thing(yaw, 15, foot, 12)
    picture = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    left = beyond.in_the_room(FRAME, picture, np.maximum(sofa, other), Parted(STANDS), ROOM)
    assert np.array_equal(left, other if wanted else np.full_like(other, -CERTAIN))


class Doubtful(Told):
    """What is right of yaw 0 is a picture, the rest is nothing that is known."""

    def share(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """1 where pictures hang."""
        known = np.arange(FRAME.width) >= FRAME.width // 2
        own = known & (set(channels) <= set(kinds()["picture"]))
        return np.broadcast_to(own.astype(np.float32), (FRAME.height, FRAME.width))


def test_a_doubtful_thing_takes_no_neighbour_with_it() -> None:
    door, picture = thing(-8, 2, -12, 12), thing(8, 15, 0, 12)
    black = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    left = beyond.in_the_room(FRAME, black, np.maximum(door, picture), Doubtful(HANGS), ROOM)
    assert np.array_equal(left, picture)


def test_where_no_foot_is_seen_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seen, "sure", 0.3)
    assert stays(thing(0, 15, -12), STANDS)


def test_without_a_layout_nothing_is_dropped() -> None:
    assert stays(thing(0, 15, -12), STANDS, layout=None)


def test_walls_end_at_their_feet() -> None:
    """A thing whose foot is a little above the layout's is before a wall whose own foot is there."""
    end = math.degrees(math.atan2(-0.8, float(ROOM.away(np.array(0.0)))))
    risen = replace(ROOM, feet=Feet(np.array([-0.8]), np.ones(1, bool)))
    assert not stays(thing(0, 15, end), STANDS)
    assert stays(thing(0, 15, end), STANDS, layout=risen)


@pytest.mark.parametrize("layout", [ROOM, None])
@pytest.mark.parametrize("yaw", [0, 180])
def test_what_is_seen_through_an_opening_is_cut_off_from_what_stands_before_it(
    yaw: float, layout: Layout | None
) -> None:
    """A sofa in the next room hangs together with the rug of this one, and a rim of the frame with it."""
    through, rug = thing(yaw, 0, -26.5, 21), thing(yaw, -26.5, -50, 60)
    told = Told(STANDS)
    told.opened = opening(yaw, 20)
    black = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    left = beyond.in_the_room(FRAME, black, np.maximum(through, rug), told, layout)
    assert np.array_equal(left > -CERTAIN, rug > -CERTAIN)


@pytest.mark.parametrize(("yaw", "stays_whole"), [(0, False), (16, True), (40, True)])
def test_what_is_mostly_seen_through_an_opening_goes_and_what_touches_it_stays(
    yaw: float, stays_whole: bool
) -> None:
    told, chair = Told(STANDS), thing(yaw, 0, -35, 16)
    told.opened = opening(0, 20)
    black = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    left = beyond.in_the_room(FRAME, black, chair, told, ROOM)
    assert np.array_equal(left, chair) == stays_whole
    assert stays_whole or (left == -CERTAIN).all()


def test_openings_are_whole_and_doors_reach_the_floor() -> None:
    """What is doubtful beside something certain belongs to it; what is doubtful throughout is no opening."""
    chance = np.maximum(0.3 * thing(0, 10, -22, 30), 0.9 * thing(0, 10, -15, 10)) / 2
    chance = np.maximum(chance, 0.3 * thing(90, 10, -20, 30) / 2).clip(0)
    trace = np.maximum(chance, 0.05 * (thing(0, -22, -26, 30) > 0))
    wide, empty = thing(0, 10, -22, 30) > 0, np.zeros_like(chance, bool)
    assert np.array_equal(beyond.openings(FRAME, chance, empty, None), wide)
    assert np.array_equal(beyond.openings(FRAME, empty.astype(np.float32), empty, ROOM), empty)
    door = beyond.openings(FRAME, trace, empty, ROOM)
    added = door & ~wide
    rows = np.flatnonzero(added[:, FRAME.width // 2])
    assert math.isclose(FRAME.pitch(rows[-1]), -math.atan2(1, 2), abs_tol=FRAME.row_step)
    assert not (added & ~np.roll(wide, 40, axis=0).any(axis=0)).any()
    assert np.array_equal(beyond.openings(FRAME, chance, empty, ROOM), wide), "a bed before it"
    window = np.maximum(0.9 * thing(0, 20, -10, 10) / 2, 0)
    assert np.array_equal(beyond.openings(FRAME, window, empty, ROOM), window > 0)
    mirror = thing(0, 18, -8, 9) > 0
    assert not beyond.openings(FRAME, window, mirror, ROOM).any()


def test_thin_parts_far_from_an_opening_stay_and_small_things_in_it_go() -> None:
    """A lamp's pole on a rug that touches an opening; a cushion in the next room."""
    told = Told(STANDS)
    told.opened = opening(0, 20)
    black = np.zeros((FRAME.height, FRAME.width, 3), np.uint8)
    rug = np.maximum(thing(-35, -20, -50, 60), thing(-60, 10, -20, 1))
    left = beyond.in_the_room(FRAME, black, rug, told, None) > -CERTAIN
    pole = thing(-60, 10, -20, 1) > -CERTAIN
    assert left[pole].all()
    assert (left != (rug > -CERTAIN)).any(), "the rug was cut"
    cushion = thing(0, 0, -2, 2)
    assert not (beyond.in_the_room(FRAME, black, cushion, told, None) > -CERTAIN).any()
