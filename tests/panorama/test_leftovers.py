"""What sticks out of a found thing goes with it; what is fixed to the room, and what runs on, stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.leftovers import leftovers
from panorama.sphere import Frame

FRAME = Frame.full(1024, 512)
WALL, DARK, SKIRTING = (232, 226, 210), (40, 44, 60), (120, 80, 40)
BOX = (slice(240, 300), slice(500, 580))
"""Rows and columns of the thing that was found."""


def wall(noise: float = 1.0) -> np.ndarray:
    """A plain, faintly grainy wall that gets darker to one side."""
    shade = np.linspace(1, 0.8, 1024)[None, :, None]
    grain = np.random.default_rng(0).normal(0, noise, (512, 1024, 1))
    return np.clip(np.array(WALL) * shade + grain, 0, 255).astype(np.uint8)


def scene(*more: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """A wall with the found thing and more dark things, and the mask of what was found."""
    picture, found = wall(), np.zeros((512, 1024), bool)
    for where in (BOX, *more):
        picture[where] = DARK
    found[BOX] = True
    return picture, found


def asked(picture: np.ndarray, found: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    return leftovers(FRAME, picture, found, np.zeros_like(found) if others is None else others)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param((slice(300, 316), slice(530, 532)), id="a cable below it"),
        pytest.param((slice(225, 240), slice(510, 522)), id="a figurine on it"),
        pytest.param((slice(240, 300), slice(580, 586)), id="its missed side"),
        pytest.param((slice(222, 237), slice(540, 550)), id="a vase with a gap below"),
    ],
)
def test_what_sticks_out_is_added(piece: tuple[slice, slice]) -> None:
    more = asked(*scene(piece))
    assert more[piece].mean() > 0.95
    assert not more[BOX].any()


def test_the_gap_below_what_stands_on_a_thing_goes_as_well() -> None:
    more = asked(*scene((slice(222, 237), slice(540, 550))))
    assert more[237:240, 542:548].all()


def test_a_faint_cord_goes_as_far_as_it_runs() -> None:
    seen = [(slice(306, 312), slice(540, 541)), (slice(318, 323), slice(540, 541))]
    picture, found = scene(*seen)
    below = (slice(330, 360), slice(520, 570))
    picture[below], found[below] = DARK, True
    more = asked(picture, found)
    assert more[300:330, 540].all() and more[300:330].sum(axis=1).max() <= 5
    short = asked(*scene((slice(318, 323), slice(540, 541))))
    assert not short.any(), "too far below to hang from it"


def test_a_cord_as_pale_as_the_wall_from_one_thing_to_the_next_goes() -> None:
    picture, found = scene()
    below = (slice(345, 375), slice(520, 570))
    picture[below], found[below] = DARK, True
    line = (slice(300, 345), slice(540, 541))
    picture[line] = np.clip(picture[line].astype(int) - 16, 0, 255).astype(np.uint8)
    more = asked(picture, found)
    assert more[300:345, 540].all() and more[300:345].sum(axis=1).max() <= 5
    found[below], picture[below] = False, picture[10:40, 10:60]
    assert not asked(picture, found)[305:].any(), "a joint, for all that is known"


def test_a_screw_between_two_things_is_no_cord_and_a_joint_seen_through_a_shelf_neither() -> None:
    picture, found = scene()
    below = (slice(320, 350), slice(520, 570))
    picture[below], found[below] = DARK, True
    picture[310, 540] = 150
    assert not asked(picture, found)[303:317].any()
    found[300:320, 520:528] = found[300:320, 562:570] = True  # its sides
    picture[found] = DARK
    picture[310, 540] = picture[0, 540]
    line = (slice(300, 320), slice(540, 541))
    picture[line] = np.clip(picture[line].astype(int) - 16, 0, 255).astype(np.uint8)
    assert not asked(picture, found)[303:317, 530:560].any()


@pytest.mark.parametrize(
    "fixed",
    [
        pytest.param((slice(260, 268), slice(590, 598)), id="a switch beside it"),
        pytest.param((slice(296, 304), slice(0, 1024)), id="a skirting that runs on"),
        pytest.param((slice(150, 330), slice(492, 500)), id="a door frame at its side"),
        pytest.param((slice(230, 300), slice(580, 622)), id="a wide radiator at its side"),
        pytest.param((slice(330, 340), slice(530, 550)), id="something on the floor below"),
    ],
)
def test_what_belongs_to_the_room_stays(fixed: tuple[slice, slice]) -> None:
    assert not asked(*scene(fixed))[fixed].any()


def test_a_bare_wall_and_a_shadow_on_it_add_nothing() -> None:
    picture, found = scene()
    soft = cv2.GaussianBlur(found.astype(np.float32), (0, 0), 8)[..., None]
    shaded = np.where(found[..., None], picture, picture * (1 - 0.12 * soft)).astype(np.uint8)
    assert asked(picture, found).mean() < 1e-4
    assert asked(shaded, found).mean() < 1e-3
    assert not asked(picture, np.zeros_like(found)).any()


def test_other_things_are_left_alone() -> None:
    piece = (slice(225, 240), slice(510, 522))
    picture, found = scene(piece)
    others = np.zeros_like(found)
    others[piece] = True
    assert not asked(picture, found, others)[piece].any()


def test_a_rough_floor_differs_from_itself() -> None:
    random = np.random.default_rng(1)
    boards = cv2.resize(random.normal(0, 30, (128, 256)), (1024, 512), interpolation=cv2.INTER_NEAREST)
    picture, found = scene()
    rough = np.where(found[..., None], picture, np.clip(picture - 60 + boards[..., None], 0, 255)).astype(
        np.uint8
    )
    assert asked(rough, found).mean() < 0.002


@settings(max_examples=20, deadline=None)
@given(turn=st.integers(0, 1023))
def test_it_does_not_matter_where_the_seam_is(turn: int) -> None:
    skirting = (slice(302, 310), slice(440, 600))
    picture, found = scene((slice(225, 240), slice(510, 522)), (slice(300, 301), slice(530, 532)), skirting)
    straight = asked(picture, found)
    rolled = asked(np.roll(picture, turn, axis=1), np.roll(found, turn, axis=1))
    assert (np.roll(straight, turn, axis=1) != rolled).mean() < 1e-4
    assert not np.roll(rolled, -turn, axis=1)[skirting].any()
