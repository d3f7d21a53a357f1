"""The rendered rooms: two worlds that differ by the furniture and its light only."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from panorama.rooms import CLASSES, Layout, Room, render
from panorama.rooms.__main__ import main, parse_seeds
from panorama.rooms.camera import directions
from panorama.rooms.materials import Material
from panorama.rooms.quality import QUALITIES
from panorama.rooms.render import render_scene
from panorama.rooms.scene import Scene, bare_scene, draw_scene
from panorama.rooms.shapes import Part
from panorama.rooms.studio import Studio
from panorama.rooms.style import draw_style
from vanisher_core.errors import UsageError

SEED, WIDTH = 4, 96
SIZE, EYE = (4.0, 5.0, 2.5), np.array([0.5, -0.7, 1.4])


@functools.cache
def room(seed: int = SEED) -> Room:
    return render(seed, WIDTH, quality="draft")


@functools.cache
def studio() -> Studio:
    with torch.inference_mode():
        return Studio(draw_scene(SEED), SEED, WIDTH, torch.device("cpu"), QUALITIES["draft"])


def bare() -> Scene:
    """A closed box with a lamp, without furniture."""
    return bare_scene(SIZE, draw_style(np.random.default_rng(0)), EYE)


def rays(width: int) -> np.ndarray:
    """(h, w, 3) directions through the pixel centres."""
    y, x = torch.meshgrid(torch.arange(width // 2) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return directions(x.flatten(), y.flatten(), width).T.reshape(width // 2, width, 3).numpy()


def test_shapes_and_types() -> None:
    got, shape = room(), (WIDTH // 2, WIDTH)
    assert got.furnished.shape == got.empty.shape == (*shape, 3)
    assert got.furnished.dtype == got.empty.dtype == got.classes.dtype == np.uint8
    assert got.classes.shape == got.objects.shape == got.depth.shape == shape
    assert got.normals.shape == (*shape, 3)
    assert len(got.names) == len(got.kinds) > 0
    assert got.names[-1] == "tripod"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_room() -> None:
    again, other = render(SEED, WIDTH, quality="draft"), room(SEED + 1)
    for name in ("furnished", "empty", "classes", "objects", "normals", "depth"):
        assert np.array_equal(getattr(again, name), getattr(room(), name)), name
    assert (room().empty != other.empty).any(axis=2).mean() > 0.9


def test_classes_follow_objects_and_cover_where_furniture_is_hit() -> None:
    got = room()
    kinds = np.array([0, *got.kinds])
    assert np.array_equal(got.classes, kinds[got.objects])
    assert got.classes.max() < len(CLASSES)
    with torch.inference_mode():
        x, y = studio().grid(1)
        hit = torch.zeros(len(x), dtype=torch.bool)
        for dx in (-0.25, 0.25):  # the four subpixels
            for dy in (-0.25, 0.25):
                _, empty, full = studio().look(x + dx, y + dy)
                hit |= full.part >= studio().room.count
                assert bool((empty.part < studio().room.count).all())
    assert np.array_equal(got.classes > 0, hit.view(got.classes.shape).numpy())


def test_every_kind_of_furniture_turns_up() -> None:
    kinds = {thing.kind for seed in range(30) for thing in draw_scene(seed).furniture}
    assert kinds == set(range(1, len(CLASSES)))


@pytest.mark.parametrize("seed", range(8))
def test_scenes_are_sane(seed: int) -> None:
    scene = draw_scene(seed)
    low, high = scene.plan.corners.min(axis=0), scene.plan.corners.max(axis=0)
    for thing in scene.furniture:
        bounds = np.array([part.bounds() for part in thing.parts])
        assert (bounds[:, 0, :2] > low - 0.03).all() and (bounds[:, 1, :2] < high + 0.03).all(), thing.name
        assert bounds[:, 0, 2].min() > -0.02 and bounds[:, 1, 2].max() < scene.plan.height, thing.name
        if thing.name != "tripod":
            for lowest, highest in bounds:
                assert not ((lowest < scene.eye) & (scene.eye < highest)).all(), (
                    f"the eye is in a {thing.name}"
                )
    assert scene.plan.inside(float(scene.eye[0]), float(scene.eye[1]), 0.2)
    assert 1.2 <= scene.eye[2] <= 1.7


def test_depth_and_normals_of_a_bare_box() -> None:
    scene = bare()
    scene.room = [thing for thing in scene.room if thing.name in ("floor", "ceiling", "wall")]
    got = render_scene(scene, 0, 128, torch.device("cpu"), QUALITIES["draft"])
    way = rays(128).astype(np.float64)
    half = np.array([SIZE[0] / 2, SIZE[1] / 2, SIZE[2]])
    low, high = np.array([-half[0], -half[1], 0.0]) - EYE, half - EYE
    with np.errstate(divide="ignore"):
        away = np.where(way > 0, high / way, low / way)
    expected = away.min(axis=2)
    assert np.abs(got.depth - expected).max() < 2e-4 * expected.max()
    axis = away.argmin(axis=2)
    normal = np.where(np.arange(3) == axis[..., None], -np.sign(way), 0)
    certain = np.sort(away, axis=2)[..., 1] - expected > 1e-3
    assert np.abs(got.normals - normal)[certain].max() < 1e-5
    assert not got.classes.any()


def test_without_furniture_both_pictures_are_equal() -> None:
    got = render_scene(bare(), 0, 64, torch.device("cpu"), QUALITIES["draft"])
    assert np.array_equal(got.furnished, got.empty)


def test_away_from_furniture_the_pictures_nearly_agree() -> None:
    got = room()
    ceiling = slice(0, WIDTH // 10)
    difference = np.abs(got.furnished[ceiling].astype(int) - got.empty[ceiling])
    assert difference.mean() < 16


def test_a_closed_white_room_conserves_energy() -> None:
    """Flux that leaves the lamp equals flux absorbed: mean irradiance = flux / (area * (1 - albedo)), roughly."""
    scene = bare()
    scene.room = [thing for thing in scene.room if thing.name in ("floor", "ceiling", "wall")]
    for thing in scene.room:
        thing.parts[:] = [_painted(part, 0.5) for part in thing.parts]
    panel = next(light for light in scene.lights if light.kind == "panel")
    scene.lights = [panel]
    with torch.inference_mode():
        lit = Studio(scene, 0, 96, torch.device("cpu"), QUALITIES["draft"])
        guide = lit.fine[0]
        light = lit.fine_light[0][1]
        coarse = torch.nn.functional.interpolate(lit.coarse_light[0][None, 1:2], scale_factor=2)[0, 0]
        away = guide.point - lit.eye[:, :, None]
        facing = -(torch.nn.functional.normalize(away, dim=0) * guide.normal).sum(dim=0)
        rows = torch.arange(48) + 0.5
        solid = torch.sin(rows / 48 * math.pi)[:, None]
        area = (away**2).sum(dim=0) / facing * solid
        mean = float(((light + coarse) * area).sum() / area.sum())
    surface = 2 * (SIZE[0] * SIZE[1] + SIZE[0] * SIZE[2] + SIZE[1] * SIZE[2])
    flux = math.pi * panel.radiance[1] * 4 * np.linalg.norm(panel.first) * np.linalg.norm(panel.second)
    assert mean == pytest.approx(flux / (surface * 0.5), rel=0.15)


def _painted(part: Part, albedo: float) -> Part:
    return replace(part, material=Material("plain", (albedo, albedo, albedo)))


def test_layout_corners_lie_where_three_surfaces_meet() -> None:
    layout = Layout.of(bare())
    for row, height in zip(layout.pixels(64), (0.0, SIZE[2]), strict=True):
        x, y = torch.tensor(row.T, dtype=torch.float32)
        way = directions(x, y, 64).T.numpy()
        corners = np.array([[-2, -2.5, height], [2, -2.5, height], [2, 2.5, height], [-2, 2.5, height]]) - EYE
        expected = corners / np.linalg.norm(corners, axis=1, keepdims=True)
        assert np.abs(way - expected).max() < 1e-4


def test_command_writes_all_files(tmp_path, capsys) -> None:
    assert main(["--seeds", "3", "--width", "64", "--quality", "draft", "--out", str(tmp_path)]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    pictures = {
        f"00003-{n}.png" for n in ("furnished", "empty", "classes", "objects", "beyond", "depth", "normals")
    }
    assert names == pictures | {"00003.json", "sheet.png"}
    assert "00003" in capsys.readouterr().out


def test_seeds_are_lists_and_ranges() -> None:
    assert parse_seeds("5,9,100-102") == [5, 9, 100, 101, 102]


@pytest.mark.parametrize("text", ["", "a", "3-", "-4", "9-3", "1,,2"])
def test_bad_seeds_are_refused(text: str, tmp_path, capsys) -> None:
    with pytest.raises(UsageError, match="--seeds"):
        parse_seeds(text)
    assert main([f"--seeds={text}", "--out", str(tmp_path)]) == 2
    assert "--seeds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seed", "width", "quality"), [(-1, 64, "draft"), (0, 63, "draft"), (0, 9000, "draft"), (0, 64, "x")]
)
def test_bad_requests_are_refused(seed: int, width: int, quality: str) -> None:
    with pytest.raises(UsageError):
        render(seed, width, quality=quality)
