"""The light network's training: the target is the light that furniture took, it learns, resumes exactly, exports."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from tests.training.painted_rooms import box, notched, write_rooms
from training import light, upright
from training.data import room_light
from training.panorama_rooms import RoomCase
from vanisher_core.models.build import BUILDERS
from vanisher_core.models.light import LightNet, build_light

SIZE = 64
HELD_OUT, FIRST = 20, 21
"""Seeds of the painted rooms."""


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One room that is held out and two to learn from."""
    shapes = [box(1.4, 3.1, 0.9, 2.2), notched(1.5, 2.6, 1.2, 2.8, 0.8, 1.1), box(2.0, 1.0, 1.7, 2.6)]
    return write_rooms(tmp_path_factory.mktemp("rooms"), shapes, HELD_OUT, 2 * SIZE)


def settings(rooms: Path, out: Path, **changes: object) -> light.Config:
    small = {"steps": 4, "batch": 1, "size": SIZE, "warmup": 1, "average": 0.5, "every": 4}
    return light.Config(rooms=rooms, out=out, **(small | changes))  # type: ignore[arg-type]


def weights(run: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(run / "room-light.safetensors", framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def darkened(by: float, hole: np.ndarray) -> RoomCase:
    """A grey room whose furniture, which is black, takes a share of all light."""
    empty = np.full((*hole.shape, 3), 160, np.uint8)
    furnished = np.where(hole[..., None], 0, np.rint(empty * by)).astype(np.uint8)
    return RoomCase(1, furnished, empty, hole, "PNG")


class Knowing(torch.nn.Module):
    """Says the same logarithm for every pixel."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        return torch.full((len(rgb), 3, rgb.shape[2] // 2, rgb.shape[3] // 2), self.value)


@pytest.mark.parametrize("by", [1.0, 0.8, 0.5])
def test_the_target_is_the_light_that_is_missing_inside_the_hole_and_round_it(by: float) -> None:
    hole = np.zeros((64, 128), bool)
    hole[30:50, np.arange(-10, 20)] = True
    found = room_light.light_of(darkened(by, hole))
    assert found.shape == (64, 128, 3)
    assert np.allclose(found, -np.log(by), atol=0.02)  # the thing's own colour is nowhere in it


def test_a_lamp_that_goes_is_not_learnt_in_full() -> None:
    hole = np.zeros((64, 128), bool)
    hole[30:40, 40:60] = True
    assert np.abs(room_light.light_of(darkened(0.1, hole))).max() <= room_light.LARGEST


def test_batches_have_holes_light_and_rooms_that_were_empty_before(rooms: Path) -> None:
    source = room_light.load(rooms, 2 * SIZE)
    assert source.light.shape == (3, 3, SIZE, 2 * SIZE) and source.seeds == [HELD_OUT, FIRST, FIRST + 1]
    lit = source._replace(light=torch.full_like(source.light, 0.25))
    batch = room_light.draw(lit, 40, (SIZE, 2 * SIZE), np.random.default_rng(0))
    assert batch.rgb.shape == (40, 3, SIZE, 2 * SIZE) and batch.hole.shape == (40, 1, SIZE, 2 * SIZE)
    assert float(batch.rgb.min()) >= 0 and float(batch.rgb.max()) <= 1
    assert set(batch.hole.unique().tolist()) == {0.0, 1.0}
    changed = batch.light.abs().amax((1, 2, 3)) > 0
    assert 2 <= int((~changed).sum()) <= 14  # about BARE of them
    assert batch.light[changed].min() > 0.1  # scaled by a gamma, and everywhere


def test_the_loss_is_least_at_the_truth(rooms: Path) -> None:
    source = room_light.load(rooms, 2 * SIZE)
    batch = room_light.draw(source, 2, (SIZE, 2 * SIZE), np.random.default_rng(0))
    batch = batch._replace(light=torch.full_like(batch.light, 0.2))
    loss = {by: float(light.loss_of(Knowing(by), batch)) for by in (0.0, 0.15, 0.2, 0.25, 0.4)}  # type: ignore[arg-type]
    assert loss[0.2] == pytest.approx(0, abs=1e-6) and loss[0.0] > loss[0.15] > 0 < loss[0.25] < loss[0.4]


@pytest.mark.parametrize(("value", "told"), [(0.2, 1.0), (0.0, 0.0), (0.4, 0.0), (0.1, 0.75)])
def test_figures_of_a_network_that_knows(rooms: Path, value: float, told: float) -> None:
    source = room_light.load(rooms, 2 * SIZE).part([0])
    source = source._replace(light=torch.full_like(source.light, 0.2))
    figures = light.validate(Knowing(value), source, 4)  # type: ignore[arg-type]
    assert figures["off"] == pytest.approx(abs(value - 0.2), abs=1e-3)
    assert figures["as_it_is"] == pytest.approx(0.2, abs=1e-3)
    assert figures["told"] == pytest.approx(told, abs=0.01)


def test_four_steps_equal_two_and_two(rooms: Path, tmp_path: Path) -> None:
    light.train(settings(rooms, tmp_path / "whole"))
    light.train(settings(rooms, tmp_path / "parts", stop=2))
    light.train(settings(rooms, tmp_path / "parts"))
    whole, parts = (weights(tmp_path / name)[0] for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_exports_what_the_registry_knows(rooms: Path, tmp_path: Path) -> None:
    small = ["--batch", "2", "--size", str(SIZE), "--warmup", "2", "--average", "0.8"]
    light.main(["--rooms", str(rooms), "--out", str(tmp_path), "--steps", "2", "--every", "2", *small])
    tensors, header = weights(tmp_path)
    assert (header["architecture"], header["task"], json.loads(header["classes"])) == ("light", "light", [])
    assert json.loads(header["training"])["rooms"] == 3
    net = BUILDERS[header["architecture"]](**json.loads(header["config"]))
    assert isinstance(net, LightNet)
    net.load_state_dict(tensors, strict=True)


def test_training_starts_from_the_layout_network(rooms: Path, tmp_path: Path) -> None:
    from training.common import export_weights
    from vanisher_core.models.layout import build_layout

    given = build_layout()
    start = export_weights(given, tmp_path / "start.safetensors", {"architecture": "layout"})
    net = build_light()
    taken = upright.warm_start(net.body, start)
    own = net.body.state_dict()
    alike = [name for name, tensor in given.body.state_dict().items() if torch.equal(own[name], tensor)]
    assert taken >= len(own) - 2 and {"encoder.stem.0.weight"} <= set(alike)


def test_rooms_to_learn_from_and_to_hold_out_are_both_wanted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs rooms to learn from"):
        upright.split([10, 20], tmp_path)
    with pytest.raises(ValueError, match="multiple of 10"):
        upright.split([11], tmp_path)
    assert upright.split([10, 11, 30], tmp_path) == ([1], [0, 2])
