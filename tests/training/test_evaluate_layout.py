"""The layout figures: the truth is read right, and a layout whose mistakes are known is judged by them."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panorama.layout import CEILING, FIRST_WALL, FLOOR, Layout
from panorama.sphere import Frame
from tests.training.painted_rooms import Shape, box, notched, painted, write_rooms
from training import evaluate, evaluate_layout
from training.data.room_layouts import edges
from training.evaluate_layout import COLUMNS, judged, true_layout
from training.panorama_rooms import RoomCase, opened
from vanisher_core.errors import ModelError

WIDTH, SEED = 128, 10_000
SHAPES = (
    box(1.4, 3.1, 0.9, 2.2),
    notched(1.5, 2.6, 1.2, 2.8, 0.8, 1.1),
    notched(2.6, 1.5, 1.0, 2.0, -0.7, 0.9),
)
"""None has two sides alike; the third hides a corner and part of its walls."""
FRAME = Frame.full(512, 256)
YAW, PITCH = FRAME.yaw(np.arange(512)), FRAME.pitch(np.arange(256))[:, None]
METRES, SHARE = st.floats(0.4, 6), st.floats(0.2, 0.8)


def described(shape: Shape, folder: Path, turn: float = 0.0) -> Path:
    """The JSON file of a room, which may stand at an angle to the camera."""
    sine, cosine = math.sin(turn), math.cos(turn)
    corners = shape.corners @ np.array([[cosine, -sine], [sine, cosine]])
    path = folder / "00000.json"
    about = {"corners": corners.tolist(), "floor": shape.floor, "ceiling": shape.ceiling}
    path.write_text(json.dumps({"layout": about}))
    return path


@st.composite
def shapes(draw: Callable) -> Shape:
    left, right, back, front = (draw(METRES) for _ in range(4))
    if draw(st.booleans()):
        return box(left, right, back, front)
    return notched(
        left, right, back, front, draw(st.sampled_from([-left, right])) * draw(SHARE), front * draw(SHARE)
    )


@given(shape=shapes(), turn=st.floats(-3, 3), floor=st.floats(-2, -0.5), ceiling=st.floats(0.4, 2))
def test_the_true_layout_shows_what_the_true_edges_say(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape, turn: float, floor: float, ceiling: float
) -> None:
    shape = shape._replace(floor=floor, ceiling=ceiling)
    truth = true_layout(described(shape, tmp_path_factory.mktemp("room"), turn))
    starts = [wall.start for wall in truth.walls]
    assert starts == sorted(starts) and -math.pi <= starts[0] and starts[-1] < math.pi
    assert all(wall.distance > 0 for wall in truth.walls)
    planes = truth.planes(YAW, PITCH)
    bottom, top = edges(shape.corners, floor, ceiling, YAW - turn)
    expected = np.where(bottom > PITCH, FLOOR, np.where(top < PITCH, CEILING, FIRST_WALL))
    corner = np.arctan2(shape.corners[:, 0], shape.corners[:, 1]) + turn
    # within half a column of a corner its two walls may be taken for each other
    sure = np.abs(np.sin((YAW[:, None] - corner) / 2)).min(axis=1) > math.pi / COLUMNS / 2 + 1e-6
    clear = sure & (np.abs(PITCH - bottom) > 1e-5) & (np.abs(PITCH - top) > 1e-5)
    assert np.array_equal(np.minimum(planes, FIRST_WALL)[clear], expected[clear])


def test_walls_of_a_box_are_at_their_distances(tmp_path: Path) -> None:
    truth = true_layout(described(SHAPES[0], tmp_path, 0.4))
    assert len(truth.walls) == 4 and truth.ceiling == pytest.approx(1.2 / 1.5)
    for yaw, metres in ((0, 2.2), (math.pi / 2, 3.1), (math.pi, 0.9), (-math.pi / 2, 1.4)):
        wall = truth.walls[int(truth.planes(np.array(yaw + 0.4), np.array(0.0))) - FIRST_WALL]
        assert wall.distance == pytest.approx(metres / 1.5)
        assert math.remainder(wall.facing - yaw - 0.4, 2 * math.pi) == pytest.approx(0, abs=1e-9)


def test_walls_begin_at_their_corners(tmp_path: Path) -> None:
    truth = true_layout(described(SHAPES[1], tmp_path))
    corners = np.sort(np.arctan2(*SHAPES[1].corners.T))
    assert np.abs([wall.start for wall in truth.walls] - corners).max() < math.pi / COLUMNS + 1e-9


def test_walls_that_the_camera_cannot_see_are_left_out(tmp_path: Path) -> None:
    assert len(true_layout(described(SHAPES[1], tmp_path)).walls) == 6
    hidden = true_layout(described(SHAPES[2], tmp_path))
    distances = sorted(round(wall.distance * 1.5, 6) for wall in hidden.walls)
    assert distances == [0.9, 1.0, 1.5, 2.0, 2.6]  # not the one that faces away


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rooms(tmp_path_factory.mktemp("cache"), SHAPES, SEED, WIDTH)


def case_of(hole: np.ndarray) -> RoomCase:
    """Room 10000 with another hole."""
    room = painted(SHAPES[0], SEED, WIDTH)
    return RoomCase(SEED, room.furnished, room.empty, hole, "PNG")


def looked(monkeypatch: pytest.MonkeyPatch, answer: Layout | None) -> None:
    """The search finds what it is told to."""
    monkeypatch.setattr(evaluate_layout, "room_layout", lambda *asked: answer)


def changed(truth: Layout, wall: int, **values: float) -> Layout:
    walls = list(truth.walls)
    walls[wall] = replace(walls[wall], **values)
    return replace(truth, walls=tuple(walls))


def test_the_truth_is_wrong_nowhere_and_nothing_everywhere(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (SEED, SEED + 2):
        case, truth = opened(cache, seed, WIDTH), true_layout(cache / f"{seed}.json")
        looked(monkeypatch, truth)
        one = judged(case, truth)
        rows = np.cos(case.frame.pitch(np.arange(WIDTH // 2))) @ case.hole.sum(axis=1)
        assert (one.seed, one.kind, one.plane) == (seed, 0, 0) and one.area == pytest.approx(float(rows))
        assert one.row() == {"seed": seed, "kind": 0, "plane": 0, "score": 1.0}
        looked(monkeypatch, None)
        none = judged(case, truth)
        assert (none.kind, none.plane, none.area) == (one.area,) * 3 and none.row()["score"] == ""


@pytest.mark.parametrize(
    ("change", "wrong"),
    [({"distance": 1.2}, True), ({"distance": 0.85}, True), ({"distance": 1.05}, False), ({"facing": 0.3}, True),
     ({"facing": 0.1}, False)],
)  # fmt: skip
def test_a_wall_that_stands_elsewhere_is_wrong_where_it_is_seen(
    cache: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, float], wrong: bool
) -> None:
    """A tenth of the distance and ten degrees are let pass; a hole along the horizon shows nothing but walls."""
    truth = true_layout(cache / f"{SEED}.json")
    columns = truth.planes(Frame.full(WIDTH, 64).yaw(np.arange(WIDTH)), np.array(0.0))
    index = int(columns[WIDTH // 2]) - FIRST_WALL  # the wall ahead
    hole = np.zeros((64, WIDTH), bool)
    hole[31:33] = True
    wall = truth.walls[index]
    values = {
        "facing": wall.facing + change.get("facing", 0),
        "distance": wall.distance * change.get("distance", 1),
    }
    looked(monkeypatch, changed(truth, index, **values))
    one = judged(case_of(hole), truth)
    share = float((columns == index + FIRST_WALL).mean())
    assert 0.1 < share < 0.9
    assert one.kind == 0
    assert one.plane / one.area == pytest.approx(share if wrong else 0)


def test_floor_taken_for_wall_is_wrong_in_kind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = true_layout(cache / f"{SEED}.json")
    hole = np.ones((64, WIDTH), bool)
    case = case_of(hole)
    farther = changed(truth, 0, distance=truth.walls[0].distance * 1.2)
    looked(monkeypatch, farther)
    one = judged(case, truth)
    frame = case.frame
    yaw, pitch = frame.yaw(np.arange(WIDTH)), frame.pitch(np.arange(64))[:, None]
    own, right = farther.planes(yaw, pitch), truth.planes(yaw, pitch)
    weight = np.broadcast_to(np.cos(pitch), own.shape)
    kind = np.minimum(own, FIRST_WALL) != np.minimum(right, FIRST_WALL)
    plane = kind | (right == FIRST_WALL)
    assert kind.any() and one.kind == pytest.approx(float(weight[kind].sum()))
    assert one.plane == pytest.approx(float(weight[plane].sum())) and one.plane > one.kind
    looked(monkeypatch, replace(truth, ceiling=truth.ceiling * 1.3))
    higher = judged(case, truth)
    assert higher.kind == higher.plane > 0


def test_a_layout_with_other_walls_in_other_places_is_compared_by_direction(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a wall means nothing: one cut in two is the same wall twice."""
    truth = true_layout(cache / f"{SEED}.json")
    first, second = truth.walls[:2]
    middle = replace(first, start=(first.start + second.start) / 2)
    looked(monkeypatch, replace(truth, walls=(first, middle, *truth.walls[1:])))
    one = judged(case_of(np.ones((64, WIDTH), bool)), truth)
    assert (one.kind, one.plane) == (0, 0)


def command(cache: Path, *more: str) -> int:
    words = ["layout", "--cache", str(cache), "--width", str(WIDTH), "--rooms", "3", "--threads", "1", *more]
    return evaluate.main(words)


def test_the_command_prints_keeps_and_draws(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truths = [true_layout(cache / f"{SEED + index}.json") for index in range(3)]
    farther = tuple(replace(wall, distance=wall.distance * 1.5) for wall in truths[1].walls)
    answers = iter([truths[0], replace(truths[1], walls=farther), None])
    monkeypatch.setattr(evaluate_layout, "room_layout", lambda *asked: next(answers))
    assert command(cache, "--out", str(tmp_path), "--plates", "2") == 0
    printed = capsys.readouterr().out
    assert "| 10000 | 0.0% | 0.0% | 1.00 |" in printed and "| 10002 | 100.0% | 100.0% | none |" in printed
    assert "kind wrong in the hole, all rooms: 0." in printed
    assert (tmp_path / "layout.md").read_text().startswith("| room |")
    with (tmp_path / "layout.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["10000", "10001", "10002"] and float(rows[2]["plane"]) == 1
    plates = sorted(path.name for path in (tmp_path / "plates").iterdir())
    assert plates == ["layout-10001.png", "layout-10002.png"]  # the worst
    plate = np.asarray(Image.open(tmp_path / "plates" / "layout-10001.png"))
    colours = {tuple(colour) for colour in plate.reshape(-1, 3).tolist()}
    assert {(0, 255, 0), (255, 0, 0)} <= colours
    assert not (plate[0] == (0, 255, 0)).all(axis=1).any()  # no edge between zenith and nadir


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--rooms", "0"), "no room"), (("--width", "256"), "128 pixels wide"), (("--seeds", "7"), "00007")],
)
def test_nothing_to_measure_is_one_sentence(
    cache: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert command(cache, *words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error


def test_missing_weights_are_one_sentence(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*asked: object) -> Layout:
        raise ModelError("The weight file room-layout.safetensors is missing: install Vanisher again.")

    monkeypatch.setattr(evaluate_layout, "room_layout", missing)
    assert command(cache) == 2
    assert capsys.readouterr().err.startswith("error: The weight file room-layout.safetensors")
