"""Pictures of whole rooms to train on: edges are where geometry, renderer and picture have them, holes hide things."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from panorama.rooms.camera import directions
from panorama.rooms.scene import draw_scene
from panorama.rooms.tracer import World
from tests.training.painted_rooms import Shape, box, notched, write_rooms
from training.data import room_layouts
from training.data.room_layouts import EMPTY, Batch, Rooms, draw, edges, load

WIDTH = 256
SIZE = 64, 128
"""Of the pictures drawn: half of the rooms'."""
SHAPES = (
    box(1.4, 3.1, 0.9, 2.2),
    notched(1.5, 2.6, 1.2, 2.8, 0.8, 1.1),
    notched(2.6, 1.5, 1.0, 2.0, -0.7, 0.9),
)
"""None has two sides alike; the third hides a corner and part of its walls."""
METRES = st.floats(0.3, 9)
SHARE = st.floats(0.15, 0.85)


def columns(width: int) -> np.ndarray:
    """Yaw of columns."""
    return ((np.arange(width) + 0.5) / width - 0.5) * 2 * math.pi


@st.composite
def shapes(draw: Callable) -> Shape:
    """Boxes and Ls round the camera, which need not see all of them."""
    left, right, back, front = (draw(METRES) for _ in range(4))
    floor, ceiling = -draw(st.floats(0.3, 3)), draw(st.floats(0.2, 3))
    if draw(st.booleans()):
        made = box(left, right, back, front)
    else:
        x = draw(st.sampled_from([-left, right])) * draw(SHARE)
        made = notched(left, right, back, front, x, front * draw(SHARE))
    return made._replace(floor=floor, ceiling=ceiling)


@given(shape=shapes(), turn=st.floats(-7, 7))
def test_edges_lie_where_walls_meet_floor_and_ceiling(shape: Shape, turn: float) -> None:
    yaw = columns(512) + turn
    corner = np.arctan2(shape.corners[:, 0], shape.corners[:, 1])
    beside = np.abs(np.sin((yaw[:, None] - corner) / 2)).min(axis=1) > 1e-4  # there, either wall would do
    found = edges(shape.corners, shape.floor, shape.ceiling, yaw)
    away = shape.distances(yaw)
    assert found.dtype == np.float32 and found.shape == (2, 512)
    assert np.allclose(found[0, beside], np.arctan2(shape.floor, away)[beside], atol=1e-6)
    assert np.allclose(found[1, beside], np.arctan2(shape.ceiling, away)[beside], atol=1e-6)
    backwards = edges(shape.corners[::-1], shape.floor, shape.ceiling, yaw)
    assert np.allclose(found[:, beside], backwards[:, beside], atol=1e-6)


@pytest.mark.parametrize(("seed", "corners"), [(3, 4), (4, 6), (10_000, 6)])
def test_edges_lie_where_the_renderer_has_them(seed: int, corners: int, width: int = 256) -> None:
    """Rays through the renderer's empty shell end on floor and ceiling beyond the edges, on walls between them."""
    scene = draw_scene(seed)
    plan, eye = scene.plan, scene.eye
    assert len(plan.corners) == corners
    shell = World([t for t in scene.room if t.name in ("floor", "ceiling", "wall")], 0, torch.device("cpu"))
    y, x = torch.meshgrid(torch.arange(width // 2) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    way = directions(x.flatten(), y.flatten(), width)
    start = torch.tensor(eye, dtype=torch.float32)[:, None].expand_as(way).contiguous()
    points = (start + way * shell.closest(start, way).distance).T.view(width // 2, width, 3).numpy()
    met = np.isfinite(points).all(axis=2)
    assert met.mean() > 0.9  # the rest is seen through windows
    height = np.where(met, points[..., 2], 1.0)
    floor, ceiling = edges(plan.corners - eye[:2], -eye[2], plan.height - eye[2], columns(width))
    pitch = ((0.5 - (np.arange(width // 2) + 0.5) / (width // 2)) * math.pi)[:, None]
    on_floor, on_ceiling = np.abs(height) < 1e-3, np.abs(height - plan.height) < 1e-3
    near = 1e-3  # radians, a twentieth of a texel
    assert on_floor[met & (pitch < floor - near)].all()
    assert on_ceiling[met & (pitch > ceiling + near)].all()
    # through doorways and windows one sees how floor and ceiling go on over the wall
    beyond = points[(on_floor & (pitch > floor + near)) | (on_ceiling & (pitch < ceiling - near))]
    assert len(beyond) < 0.01 * met.size
    assert not any(plan.inside(x, y) for x, y, _ in beyond.tolist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rooms(tmp_path_factory.mktemp("rooms"), SHAPES, 3, WIDTH)


@pytest.fixture(scope="module")
def source(folder: Path) -> Rooms:
    return load(folder, WIDTH)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes keep their colours' order: a tint follows the edges that it should be evidence of."""
    monkeypatch.setattr(room_layouts, "TINT", 0.0)
    monkeypatch.setattr(room_layouts, "GAIN", 0.0)


def test_rooms_are_read_at_the_width_asked_for(folder: Path, source: Rooms) -> None:
    assert source.pictures.shape == (3, 2, 3, WIDTH // 2, WIDTH) and source.pictures.dtype == torch.uint8
    assert source.objects.shape == (3, WIDTH // 2, WIDTH) and source.objects.unique().tolist() == [0, 1, 2]
    differs = (source.pictures[:, 0] != source.pictures[:, 1]).any(1)
    assert torch.equal(differs, source.objects > 0)
    for shape, (corners, floor, ceiling) in zip(SHAPES, source.outlines, strict=True):
        assert np.allclose(corners, shape.corners) and (floor, ceiling) == (shape.floor, shape.ceiling)
    half = load(folder, WIDTH // 2)
    assert half.pictures.shape[-2:] == half.objects.shape[-2:] == SIZE
    assert source.seeds == [3, 4, 5]
    some = source.part([2, 0])
    assert some.seeds == [5, 3]
    assert torch.equal(some.objects[0], source.objects[2]) and some.outlines[1] is source.outlines[0]


def test_a_rendered_room_is_read(small_room: Path, tmp_path: Path) -> None:
    for path in small_room.iterdir():
        shutil.copy(path, tmp_path / path.name.replace("10000", "00007"))
    one = load(tmp_path, 64)
    assert one.pictures.shape == (1, 2, 3, 32, 64) and len(one.outlines[0][0]) == 6
    batch = draw(one, 2, (32, 64), np.random.default_rng(0))
    assert bool(torch.isfinite(batch.rgb).all()) and bool(torch.isfinite(batch.edges).all())


def test_validation_rooms_and_empty_folders_are_refused(small_room: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="room 10000 in"):
        load(small_room, 64)
    with pytest.raises(FileNotFoundError, match="no rendered room"):
        load(tmp_path, 64)


def test_a_batch_is_what_the_network_takes(source: Rooms) -> None:
    batch = draw(source, 5, SIZE, np.random.default_rng(0))
    assert batch.rgb.shape == (5, 3, *SIZE) and batch.hole.shape == (5, 1, *SIZE)
    assert batch.edges.shape == (5, 2, SIZE[1])
    assert {part.dtype for part in batch} == {torch.float32}
    assert float(batch.rgb.min()) >= 0 and float(batch.rgb.max()) <= 1
    assert set(batch.hole.unique().tolist()) <= {0.0, 1.0}
    assert bool((batch.edges[:, 0] < 0).all()) and bool((batch.edges[:, 1] > 0).all())


def test_the_same_generator_draws_the_same_batch(source: Rooms) -> None:
    first, again, other = (draw(source, 3, SIZE, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def near_edges(pitch: np.ndarray, rows: int, reach: float) -> np.ndarray:
    """RxW: texels at most `reach` rows from an edge of their column or its neighbours, or between those."""
    at = (0.5 - pitch / math.pi) * rows  # 2xW
    beside = np.stack([np.roll(at, by, axis=1) for by in (-2, -1, 0, 1, 2)])
    low, high = beside.min(axis=0) - reach, beside.max(axis=0) + reach
    row = (np.arange(rows) + 0.5)[:, None]
    return ((row > low[:, None]) & (row < high[:, None])).any(axis=0)


def planes_seen(grey: np.ndarray) -> np.ndarray:
    """RxW: 0 floor, 1 wall, 2 ceiling by brightness; nadir, horizon and zenith show what they must."""
    rows = len(grey)
    floor, wall, ceiling = (float(np.median(grey[row])) for row in (rows - 1, rows // 2, 0))
    assert floor < wall < ceiling
    return (grey > (floor + wall) / 2).astype(int) + (grey > (wall + ceiling) / 2)


def of_empty_rooms(source: Rooms) -> Rooms:
    return source._replace(pictures=source.pictures[:, 1:].expand(-1, 2, -1, -1, -1))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("which", range(len(SHAPES)))
def test_the_picture_changes_where_its_edges_are(source: Rooms, which: int) -> None:
    """Turned, mirrored and stretched, floor and ceiling begin where they are said to."""
    one = of_empty_rooms(source).part([which])
    batch = draw(one, 16, SIZE, np.random.default_rng(which))
    row = ((0.5 - (np.arange(SIZE[0]) + 0.5) / SIZE[0]) * math.pi)[:, None]
    right, off = [], []
    for rgb, pitch in zip(batch.rgb.numpy(), batch.edges.numpy(), strict=True):
        clear = ~near_edges(pitch, SIZE[0], 1.5)
        assert clear.mean() > 0.5
        seen = planes_seen(rgb.mean(axis=0))
        expected = 1 - (row < pitch[0]).astype(int) + (row > pitch[1])
        right.append((seen[clear] == expected[clear]).mean())
        at = (0.5 - pitch / math.pi) * SIZE[0]
        off.append([((seen > 0).sum(axis=0) - at[0]).mean(), ((seen > 1).sum(axis=0) - at[1]).mean()])
    assert np.median(right) > 0.999 and min(right) > 0.97  # some pictures are drawn dark and full of noise
    assert np.abs(np.median(off, axis=0)).max() < 0.15


def test_rooms_are_turned_mirrored_and_stretched(source: Rooms) -> None:
    shape = SHAPES[2]
    floor, ceiling = (
        draw(source.part([2]), 40, SIZE, np.random.default_rng(0)).edges.numpy().transpose(1, 0, 2)
    )
    away = shape.floor / np.tan(floor)  # to the walls, metres
    heights = away * np.tan(ceiling)
    assert np.allclose(heights, heights[:, :1], atol=1e-3)
    low, top = (shape.ceiling * factor for factor in room_layouts.RAISE)
    assert heights.min() > low and heights.max() < top and np.ptp(heights) > 0.7 * (top - low)
    # where the L's inner corner hides a part, the wall jumps from far to near, or the other way in a mirror
    steps = away - np.roll(away, 1, axis=1)
    jump = np.abs(steps).argmax(axis=1)
    far_to_near = np.take_along_axis(steps, jump[:, None], axis=1) < 0
    assert 0.25 < far_to_near.mean() < 0.75
    assert len(set(jump.tolist())) > 20
    size = away.mean(axis=1)
    assert size.max() / size.min() > 1.5


@pytest.mark.parametrize("by", [0, 5, 31.5, -40.25])
def test_pictures_are_looked_up_round_the_seam(by: float) -> None:
    picture = torch.rand(1, 2, 16, 32, generator=torch.Generator().manual_seed(0))
    x = np.mod((np.arange(32) + 0.5 + by) / 32, 1) * 2 - 1
    y = (np.arange(16) + 0.5) / 16 * 2 - 1
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32))[None]
    whole, part = math.floor(by), by - math.floor(by)
    expected = torch.lerp(picture.roll(-whole, 3), picture.roll(-whole - 1, 3), part)
    assert torch.allclose(room_layouts.sampled(picture, grid, "bilinear"), expected, atol=1e-4)


def green(batch: Batch) -> torch.Tensor:
    """BxHxW bool: where the things are seen, which are greener than the grey room in any light."""
    red, middle, blue = batch.rgb.unbind(1)
    excess = (middle - (red + blue) / 2) / batch.rgb.amax(1).clamp_min(0.05)
    return excess - excess.flatten(1).median(1).values[:, None, None] > 0.2


def grown(marks: torch.Tensor, by: int) -> torch.Tensor:
    """BxHxW bool: everything at most so many texels away, round the seam."""
    wide = torch.nn.functional.pad(marks[:, None].float(), (by, by, 0, 0), mode="circular")
    return torch.nn.functional.max_pool2d(wide, 2 * by + 1, 1, (by, 0))[:, 0] > 0


@pytest.mark.usefixtures("plain")
def test_holes_hide_things_and_nothing_else(source: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_layouts, "EMPTY", 0.0)
    batch = draw(source, 60, SIZE, np.random.default_rng(1))
    things, hole = green(batch), batch.hole[:, 0] > 0
    assert not bool((hole & ~grown(things, 5)).any())  # the growth is at most 4, and resampling moves by 1
    hidden = (hole & things).sum((1, 2)) / things.sum((1, 2))
    all_hidden, none_hidden = (hidden > 0.97).float().mean(), (hidden == 0).float().mean()
    assert 0.3 < all_hidden < 0.7 and 0.15 < none_hidden < 0.55
    assert bool(((hidden > 0.1) & (hidden < 0.9)).any())  # one of two things
    widths = (hole.sum((1, 2)) - (hole & things).sum((1, 2)))[hidden > 0.97]
    assert int(widths.max()) > 4 * int(widths.min())  # masks are drawn closely and widely


def test_some_pictures_are_of_the_empty_room(source: Rooms) -> None:
    batch = draw(source, 100, SIZE, np.random.default_rng(2))
    bare = (~green(batch).flatten(1).any(1)).float().mean()
    assert abs(float(bare) - EMPTY) < 0.12


def test_holes_grow_round_the_seam(source: Rooms) -> None:
    """A thing that ends at the seam hides what is beside it on the other side too."""
    marks = torch.zeros(32, 64)
    marks[10:20, 58:] = 1
    widest = max((room_layouts._hidden(marks, np.random.default_rng(seed)) for seed in range(40)),
                 key=lambda hole: float(hole.sum()))  # fmt: skip
    assert widest.shape == (1, 32, 64)
    assert widest[0, 15].nonzero()[:, 0].tolist() == [*range(4), *range(54, 64)]
