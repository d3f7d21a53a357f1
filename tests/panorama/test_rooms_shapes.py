"""Rays against convex parts, checked against closed formulas and against the surface itself."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.rooms.classes import ROOM
from panorama.rooms.materials import Material
from panorama.rooms.shapes import Part, block, box, cone, cushion, rounded, surface
from panorama.rooms.tracer import Surfaces, Thing, World

GREY = Material("plain", (0.5, 0.5, 0.5))
CPU = torch.device("cpu")


def traced(parts: list[Part], origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances and part indices of rays given as (n, 3)."""
    world = World([Thing(ROOM, "thing", parts)], 0, CPU)
    hits = world.closest(
        torch.tensor(origin.T, dtype=torch.float32), torch.tensor(direction.T, dtype=torch.float32)
    )
    return hits.distance.numpy(), hits.part.numpy()


def some_rays(seed: int, count: int = 400, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Rays from outside towards the neighbourhood of the origin."""
    random = np.random.default_rng(seed)
    origin = random.normal(size=(count, 3))
    origin *= 3 / np.linalg.norm(origin, axis=1, keepdims=True)
    towards = random.normal(size=(count, 3)) * 0.5 * size - origin
    return origin, towards / np.linalg.norm(towards, axis=1, keepdims=True)


def test_an_ellipsoid_of_equal_axes_is_a_sphere() -> None:
    origin, way = some_rays(1)
    distance, part = traced([cushion((0, 0, 0), (1.2, 1.2, 1.2), GREY)], origin, way)
    along = -(origin * way).sum(axis=1)
    square = 0.36 - ((origin + along[:, None] * way) ** 2).sum(axis=1)
    clear = np.abs(square) > 0.01
    assert np.array_equal(part[clear] >= 0, square[clear] > 0)
    met = (square > 0.01) & clear
    assert np.abs(distance[met] - (along - np.sqrt(np.maximum(square, 0)))[met]).max() < 2e-3


def test_a_rounded_box_without_radius_is_a_box() -> None:
    origin, way = some_rays(2)
    sharp, _ = traced([box((0, 0, 0), (1, 0.6, 0.8), GREY, (0.3, 0.2, 0.1))], origin, way)
    soft, _ = traced([rounded((0, 0, 0), (1, 0.6, 0.8), 1e-4, GREY, (0.3, 0.2, 0.1))], origin, way)
    assert np.isclose(sharp, soft, atol=1e-3).mean() > 0.985  # rays that graze an edge may differ


shapes = st.one_of(
    st.builds(lambda r: rounded((0, 0, 0), (1.0, 0.7, 0.5), r, GREY, (0.4, 0.1, 0)), st.floats(0.02, 0.25)),
    st.builds(lambda p: cushion((0, 0, 0), (1.0, 0.7, 0.4), GREY, (0, 0.5, 0.2), p), st.floats(2, 5)),
    st.builds(
        lambda a, b: cone((0, 0, 0), 0.9, a, b, GREY, (0.2, 0.4, 0)),
        st.floats(0.1, 0.6),
        st.floats(0.02, 0.6),
    ),
)


@settings(max_examples=20)
@given(shapes, st.integers(0, 1000))
def test_hits_lie_on_the_surface_and_nothing_is_missed(part: Part, seed: int) -> None:
    origin, way = some_rays(seed, 100)
    distance, index = traced([part], origin, way)
    thing = Thing(ROOM, "thing", [part])
    surfaces = Surfaces([thing], CPU)
    half, shape = surfaces.half.T, surfaces.shape.T

    def g(points: np.ndarray) -> np.ndarray:
        moved = torch.tensor(points.T, dtype=torch.float32)
        local = surfaces.local(moved, torch.zeros(moved.shape[1], dtype=torch.int64))
        count = moved.shape[1]
        return surface(part.kind, local, half.expand(-1, count), shape.expand(-1, count))[0].numpy()

    met = index >= 0
    assert np.abs(g(origin[met] + distance[met, None] * way[met])).max(initial=0) < 1e-3
    steps = np.linspace(1.8, 4.2, 161)
    values = np.array([g(origin + t * way) for t in steps])
    lowest = values.min(axis=0)
    assert met[lowest < -0.02].all()
    assert not met[lowest > 0.02].any()
    first = np.where(values < -1e-3, steps[:, None], math.inf).min(axis=0)
    sure = met & np.isfinite(first)
    assert (distance[sure] <= first[sure] + 1e-3).all()


@settings(max_examples=15)
@given(shapes, st.integers(0, 1000))
def test_normals_are_unit_and_face_the_ray(part: Part, seed: int) -> None:
    origin, way = some_rays(seed, 120)
    distance, index = traced([part], origin, way)
    met = index >= 0
    if not met.any():
        return
    surfaces = Surfaces([Thing(ROOM, "thing", [part])], CPU)
    point = torch.tensor((origin[met] + distance[met, None] * way[met]).T, dtype=torch.float32)
    normal = surfaces.world_normal(point, torch.zeros(int(met.sum()), dtype=torch.int64)).numpy().T
    assert np.abs(np.linalg.norm(normal, axis=1) - 1).max() < 1e-4
    assert ((normal * way[met]).sum(axis=1) < 0.05).all()


def test_a_ray_that_starts_inside_does_not_see_the_part() -> None:
    parts = [
        block((-1, -1, -1), (1, 1, 1), GREY),
        cushion((0, 0, 0), (1, 1, 1), GREY),
        cone((0, 0, 0), 1, 1, 0.5, GREY),
    ]
    for part in parts:
        distance, index = traced([part], np.array([[0.0, 0.05, 0.1]]), np.array([[0.6, 0.0, 0.8]]))
        assert index[0] == -1
        assert math.isinf(distance[0])


@pytest.mark.parametrize("reach", [0.5, 1.5])
def test_blocked_minds_the_distance(reach: float) -> None:
    world = World([Thing(ROOM, "wall", [block((1, -1, -1), (1.1, 1, 1), GREY)])], 0, CPU)
    origin, way = torch.zeros(3, 1), torch.tensor([[1.0], [0.0], [0.0]])
    assert bool(world.blocked(origin, way, torch.tensor([reach]))[0]) == (reach > 1)
