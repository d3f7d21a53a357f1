"""What a wall looks like behind things: plain paint, upright structure, and patterns that are left to others."""

import numpy as np
import pytest

from vanisher_core import Mask, Photo, Vanisher, wall
from vanisher_core.errors import UsageError

HEIGHT, WIDTH = 240, 320


def grain(seed: int = 0) -> np.ndarray:
    """HxWx1 float32 noise of a camera."""
    return np.random.default_rng(seed).normal(0, 0.008, (HEIGHT, WIDTH, 1)).astype(np.float32)


def painted() -> np.ndarray:
    """A blue wall that gets darker to the right and to the floor."""
    down, across = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) / WIDTH
    light = 1 - 0.3 * across - 0.2 * down
    return (np.array([0.2, 0.4, 0.7], np.float32) * light[..., None]).astype(np.float32)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """A hole, bool HxW."""
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[top:bottom, left:right] = True
    return hole


def test_light_of_a_plain_wall_goes_on_through_a_hole() -> None:
    truth, hole = painted(), box(60, 180, 90, 230)
    seen = truth + grain()
    seen[hole] = 1
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "plain"
    assert np.abs(found.light - truth)[hole].max() < 0.02
    assert np.array_equal(found.light[~hole], seen[~hole])


def test_a_socket_at_the_rim_is_not_drawn_into_the_hole() -> None:
    truth, hole = painted(), box(60, 180, 90, 230)
    seen = truth + grain()
    seen[100:112, 228:242] = 0.95  # beside the hole, and a little behind what is erased
    seen[hole] = 0
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "plain"
    assert np.abs(found.light - truth)[hole].max() < 0.03
    assert not found.own[100:112, 232:240].any()


def test_a_change_of_paint_runs_down_behind_furniture() -> None:
    hole = box(130, HEIGHT, 80, 260)
    truth = np.empty((HEIGHT, WIDTH, 3), np.float32)
    truth[:, :160], truth[:, 160:] = (0.8, 0.78, 0.75), (0.15, 0.35, 0.6)
    seen = truth + grain()
    seen[hole] = (0.5, 0.1, 0.1)
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "upright"
    off = np.abs(found.light - truth).max(axis=2)
    assert off[130:, 80:148].max() < 0.06
    assert off[130:, 172:260].max() < 0.06
    assert found.light[200, 150, 0] - found.light[200, 170, 0] > 0.35  # still an edge, and where it was


def test_uneven_light_between_a_door_and_a_change_of_paint_meets_all_rims() -> None:
    """No streaks from above: light comes from the sides as well, and stops where the paint does."""
    hole = box(110, HEIGHT, 70, 250)
    down, across = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) / WIDTH
    light = 0.8 + 0.5 * (across - 0.5) * (down - 0.2)
    truth = np.where(
        across[..., None] < 0.5,
        np.array((0.9, 0.88, 0.85), np.float32),
        np.array((0.3, 0.5, 0.7), np.float32),
    )
    truth = truth * light[..., None]
    seen = truth + grain()
    seen[hole] = 0
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "upright"
    off = np.abs(found.light - truth).max(axis=2)
    assert off[hole & (np.abs(across - 0.5) > 0.02)].max() < 0.06


def test_a_shadow_at_the_side_of_a_desk_ends_softly_and_the_light_above_is_not_drawn_down() -> None:
    """What was a rectangle with a hard edge: light above the hole, shadow beside it, a door farther away."""
    hole = box(110, HEIGHT, 90, 240)
    down, across = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    dark = 1 / (1 + np.exp((110 - down + (240 - across) * 0.3) / 12))
    truth = (np.array((0.9, 0.88, 0.85), np.float32) * (1 - 0.35 * dark)[..., None]).astype(np.float32)
    truth[:, :60] = (0.3, 0.2, 0.1)
    seen = truth + grain()
    seen[hole] = 0
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "upright"
    steps = np.abs(np.diff(found.light[180], axis=0)).max(axis=1)
    assert steps[88:].max() < 0.04  # 0.135 with colours carried down
    assert found.light[150, 235, 0] < found.light[150, 120, 0]


@pytest.mark.parametrize("wide", [12, 24])
def test_a_narrow_post_runs_down_a_high_hole(wide: int) -> None:
    height = 560
    truth = np.full((height, WIDTH, 3), 0.8, np.float32)
    truth[:, 180:], truth[:, 100 : 100 + wide] = (0.3, 0.5, 0.6), 0.15
    hole = np.zeros((height, WIDTH), bool)
    hole[150:, 60:260] = True
    noise = np.random.default_rng(0).normal(0, 0.008, (height, WIDTH, 1))
    seen = np.where(hole[..., None], np.float32(0.5), truth + noise.astype(np.float32))
    found = wall.behind(seen.astype(np.float32), hole, ~hole)
    assert found is not None
    inside = slice(100 + wide // 4, 100 + wide - wide // 4)
    for row in (300, 450, 555):
        assert abs(float(found.light[row, inside].mean()) - 0.15) < 0.08
        assert abs(float(found.light[row, 140:170].mean()) - 0.8) < 0.02


def test_a_sliver_of_what_stood_beside_a_pillar_is_neither_drawn_into_the_hole_nor_copied() -> None:
    hole = box(70, 200, 90, 222)
    truth = np.full((HEIGHT, WIDTH, 3), (0.7, 0.68, 0.62), np.float32)
    truth[:, 228:] = (0.92, 0.92, 0.9)
    seen = truth + grain()
    seen[70:200, 222:228] = (0.35, 0.22, 0.08)
    seen[70:200:4, 222:228] = (0.8, 0.6, 0.2)  # beads of a gilt frame
    seen[hole] = 0
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "upright"
    assert np.abs(found.light - truth)[hole].max() < 0.05
    assert not found.own[70:200, 222:228].any()
    assert found.own[70:200, 60:80].all()


def test_soft_outlines_at_both_sides_do_not_keep_the_walls_light_out() -> None:
    hole = box(20, 220, 100, 210)
    truth = np.full((HEIGHT, WIDTH, 3), (0.75, 0.75, 0.78), np.float32)
    truth[:20] *= 0.6
    truth[:, 240:] = (0.3, 0.2, 0.1)  # so that the wall is not plain
    seen = truth + grain()
    seen[20:220, 97:100] *= 0.93
    seen[20:220, 210:213] *= 0.93
    seen[hole] = 0
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "upright"
    assert np.abs(found.light - truth)[60:100, 100:106].max() < 0.12


def missed(truth: np.ndarray, hole: np.ndarray) -> float:
    """Mean error in a hole of what is said of a wall that is seen round it, with grain."""
    seen = truth + grain()
    seen[hole] = 0
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    return float(np.abs(found.light - truth)[hole].mean())


@pytest.mark.parametrize("top", [5, 7, 9, 10])
def test_little_wall_above_a_hole_shows_its_edges_all_the_same(top: int) -> None:
    truth = np.empty((HEIGHT, WIDTH, 3), np.float32)
    truth[:, :160], truth[:, 160:] = (0.8, 0.78, 0.75), (0.15, 0.35, 0.6)
    assert missed(truth, box(top, HEIGHT, 80, 260)) < 0.005


@pytest.mark.parametrize("away", [2, 3, 4, 6, 10])
def test_a_strip_of_wall_before_a_door_is_wall(away: int) -> None:
    truth = np.full((HEIGHT, WIDTH, 3), (0.75, 0.74, 0.7), np.float32)
    truth[60:, 222 + away :] = (0.3, 0.16, 0.08)
    assert missed(truth, box(40, HEIGHT, 90, 222)) < 0.03


def test_strips_of_wall_between_holes_are_wall() -> None:
    hole = np.zeros((HEIGHT, WIDTH), bool)
    for left in range(90, 220, 30):
        hole[60:200, left : left + 20] = True
    truth = np.full((HEIGHT, WIDTH, 3), (0.7, 0.68, 0.62), np.float32)
    truth *= np.linspace(1, 0.7, WIDTH, dtype=np.float32)[:, None]
    truth[:, 240:] = (0.3, 0.16, 0.08)
    assert missed(truth, hole) < 0.03


def test_a_hanging_picture_between_two_rims_meets_both() -> None:
    hole = box(80, 150, 60, 260)
    truth = np.where(np.arange(WIDTH)[None, :, None] < 160, np.float32(0.75), np.float32(0.3)).repeat(
        HEIGHT, 0
    )
    truth = truth.repeat(3, 2) * np.linspace(1.0, 0.8, HEIGHT, dtype=np.float32)[:, None, None]
    found = wall.behind(truth + grain(), hole, ~hole)
    assert found is not None
    for row in (82, 147):
        assert abs(float(found.light[row, 100:140].mean()) - float(truth[row, 100:140].mean())) < 0.02


@pytest.mark.parametrize("upright", [True, False])
def test_bricks_are_no_such_wall(upright: bool) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    joint = (rows % 16 < 4) | ((columns + 12 * (rows // 16 % 2)) % 24 < 4)
    seen = np.where(joint[..., None], np.float32(0.8), np.array([0.5, 0.2, 0.15], np.float32))
    hole = box(80, 160, 100, 200)
    assert wall.behind(seen.astype(np.float32), hole, ~hole, upright=upright) is None


def test_what_stands_in_a_burnt_out_window_goes_on() -> None:
    seen = np.ones((HEIGHT, WIDTH, 3), np.float32)
    seen[:, 155:165] = (0.4, 0.3, 0.1)
    hole = box(150, HEIGHT, 60, 260)
    found = wall.behind(seen, hole, ~hole)
    assert found is not None
    assert found.kind == "upright"
    assert found.light[200, 160, 2] < 0.4
    assert found.light[200, 100, 2] > 0.95


def test_nothing_known_says_nothing() -> None:
    hole = np.ones((HEIGHT, WIDTH), bool)
    assert wall.behind(painted(), hole, ~hole) is None
    assert wall.behind(painted(), ~hole, hole) is None


def test_the_pipeline_fills_a_wall_with_its_light_and_grain() -> None:
    truth, hole = painted(), box(60, 180, 90, 230)
    seen = np.clip((truth + grain()) * 255, 0, 255).astype(np.uint8)
    photo = Photo.from_array(np.where(hole[..., None], np.uint8(255), seen))
    vanisher = Vanisher(device="cpu")
    result = vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0, surface="wall")
    assert [window.method for window in result.receipt.windows] == ["plain"]
    filled = result.photo.array.astype(np.float32) / 255
    off = filled - truth
    assert np.abs(off[hole].mean(axis=0)).max() < 0.004
    assert 0.4 < off[hole].std() / grain().std() < 1.6  # grain of the wall, no smooth patch
    assert np.array_equal(result.photo.array[~hole], seen[~hole])
    again = vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0, surface="wall")
    assert np.array_equal(again.photo.array, result.photo.array)


def test_an_unknown_surface_is_refused() -> None:
    photo = Photo.from_array(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(UsageError, match="'roof' is unknown; use one of wall, floor, ceiling"):
        Vanisher(device="cpu").erase(photo, Mask.from_array(np.ones((32, 32), bool)), surface="roof")
