"""The layout network's training: its loss and figures mean what they say, it resumes exactly, starts warm, exports."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from tests.training.painted_rooms import box, notched, write_rooms
from training import layout, upright
from training.common import export_weights
from training.data import room_layouts
from vanisher_core.models.build import BUILDERS
from vanisher_core.models.furniture import build_furniture
from vanisher_core.models.layout import EDGES, LayoutNet, build_layout
from vanisher_core.models.segmenter import Encoder, build_segmenter

SIZE = 64
HELD_OUT, FIRST = 20, 21
"""Seeds of the painted rooms."""


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One room that is held out and two to learn from."""
    shapes = [box(1.4, 3.1, 0.9, 2.2), notched(1.5, 2.6, 1.2, 2.8, 0.8, 1.1), box(2.0, 1.0, 1.7, 2.6)]
    return write_rooms(tmp_path_factory.mktemp("rooms"), shapes, HELD_OUT, 2 * SIZE)


def settings(rooms: Path, out: Path, **changes: object) -> layout.Config:
    small = {"steps": 4, "batch": 1, "size": SIZE, "warmup": 1, "average": 0.5, "every": 4}
    return layout.Config(rooms=rooms, out=out, **(small | changes))  # type: ignore[arg-type]


def weights(run: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(run / "room-layout.safetensors", framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


class Knowing(torch.nn.Module):
    """Says what it is told to for every picture: Bx2xW pitches."""

    def __init__(self, pitch: Tensor) -> None:
        super().__init__()
        self.pitch = pitch

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        return (
            layout.target_of(self.pitch, rgb.shape[2] // 2)
            .clamp_min(1e-30)
            .log()
            .expand(len(rgb), -1, -1, -1)
        )


def test_the_target_is_a_bell_round_the_edge() -> None:
    pitch = torch.linspace(-1.4, 1.4, 101).view(1, 1, -1).repeat(2, 2, 1)
    target = layout.target_of(pitch, 32)
    assert target.shape == (2, 2, 32, 101)
    assert torch.allclose(target.sum(2), torch.ones(2, 2, 101), atol=1e-5)
    rows = (0.5 - pitch / math.pi) * 32 - 0.5  # of rows' centres
    middle = (target * torch.arange(32.0).view(1, 1, -1, 1)).sum(2)
    assert torch.allclose(middle, rows, atol=0.02)
    spread = (target * (torch.arange(32.0).view(1, 1, -1, 1) - rows[:, :, None]) ** 2).sum(2).sqrt()
    assert torch.allclose(spread, torch.full_like(spread, layout.BELL), atol=0.05)


def test_the_loss_is_least_at_the_truth(rooms: Path) -> None:
    source = room_layouts.load(rooms, 2 * SIZE)
    batch = room_layouts.draw(source.part([1]), 1, (SIZE, 2 * SIZE), np.random.default_rng(0))
    truth = 0.5 * (batch.edges[..., ::2] + batch.edges[..., 1::2])
    loss = {by: float(layout.loss_of(Knowing(truth + by), batch)) for by in (-0.2, -0.05, 0.0, 0.05, 0.2)}  # type: ignore[arg-type]
    assert min(loss, key=lambda by: loss[by]) == 0
    assert loss[-0.2] > loss[-0.05] and loss[0.2] > loss[0.05]


@pytest.mark.parametrize("off", [0.0, 6.0])
def test_figures_of_a_network_that_knows(rooms: Path, off: float) -> None:
    """Right to half a row, or as wrong as it is made to be; floor and ceiling are told apart."""
    source = room_layouts.load(rooms, 2 * SIZE).part([0])
    yaw = ((np.arange(SIZE) + 0.5) / SIZE - 0.5) * 2 * math.pi
    pitch = torch.from_numpy(room_layouts.edges(*source.outlines[0], yaw))[None]
    pitch[:, 1] -= math.radians(off)
    figures = layout.validate(Knowing(pitch), source, SIZE, 4)  # type: ignore[arg-type]
    row = 180 / (SIZE // 2)
    assert figures.keys() == {name + end for name in ("floor", "ceiling", "within") for end in ("", "_seen")}
    assert figures["floor"] < row / 2 and figures["ceiling"] == pytest.approx(off, abs=row / 2)
    assert (figures["within"] > 0.5) == (off == 0) and figures["within_seen"] == figures["within"]


def test_four_steps_equal_two_and_two(rooms: Path, tmp_path: Path) -> None:
    layout.train(settings(rooms, tmp_path / "whole"))
    layout.train(settings(rooms, tmp_path / "parts", stop=2))
    layout.train(settings(rooms, tmp_path / "parts"))
    whole, parts = (weights(tmp_path / name)[0] for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_learns_and_exports_what_the_registry_knows(rooms: Path, tmp_path: Path) -> None:
    small = ["--batch", "2", "--size", str(SIZE), "--warmup", "2", "--average", "0.8"]
    layout.main(["--rooms", str(rooms), "--out", str(tmp_path), "--steps", "14", "--every", "7", *small])
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    early, late = (line for line in lines if "floor" in line)
    assert (early["step"], late["step"]) == (7, 14)
    assert late["floor"] + late["ceiling"] < early["floor"] + early["ceiling"]
    tensors, header = weights(tmp_path)
    assert (header["architecture"], header["task"], json.loads(header["classes"])) == ("layout", "layout", [])
    assert json.loads(header["training"])["rooms"] == 3
    net = BUILDERS[header["architecture"]](**json.loads(header["config"]))
    assert isinstance(net, LayoutNet)
    net.load_state_dict(tensors, strict=True)
    source = room_layouts.load(rooms, 2 * SIZE).part([0])
    assert layout.validate(net.eval(), source, SIZE, 2)["floor"] == pytest.approx(late["floor"], abs=1e-3)


def test_held_out_rooms_are_not_learnt_from(
    rooms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    draw = room_layouts.draw

    def watched(source: room_layouts.Rooms, *rest: object) -> room_layouts.Batch:
        seen.append(source.seeds)
        return draw(source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(room_layouts, "draw", watched)
    layout.train(settings(rooms, tmp_path, steps=1))
    assert seen == [[FIRST, FIRST + 1]]


def test_a_warm_start_takes_the_features_and_nothing_for_the_added_planes(tmp_path: Path) -> None:
    torch.manual_seed(1)
    segmenter, net = build_segmenter(7), build_layout()
    path = export_weights(segmenter, tmp_path / "segmenter.safetensors", {"architecture": "segmenter"})
    before = {name: tensor.clone() for name, tensor in net.body.state_dict().items()}
    taken = upright.warm_start(net.body, path)
    given, own = segmenter.state_dict(), net.body.state_dict()
    own_alone = {"head.weight", "head.bias"}  # of another number of classes
    assert taken == len(own) - len(own_alone)
    for name, tensor in own.items():
        if name in own_alone:
            assert torch.equal(tensor, before[name])
        elif name == "encoder.stem.0.weight":
            assert torch.equal(tensor[:, :3], given[name])
            assert tensor.shape[1] == 5 and not tensor[:, 3:].any()
        else:
            assert torch.equal(tensor, given[name]), name
    assert isinstance(net.body.encoder, Encoder) and isinstance(segmenter.encoder, Encoder)
    rgb, added = torch.randn(1, 3, 32, 32), torch.randn(1, 2, 32, 32)
    with torch.inference_mode():
        stem, told = segmenter.encoder.stem.eval(), net.body.encoder.stem.eval()
        assert torch.allclose(told(torch.cat([rgb, added], 1)), stem(rgb), atol=1e-5)


def test_a_warm_start_from_something_else_is_refused(tmp_path: Path) -> None:
    path = export_weights(torch.nn.Linear(2, 2), tmp_path / "other.safetensors", {"architecture": "none"})
    with pytest.raises(ValueError, match="no tensor of"):
        upright.warm_start(build_layout().body, path)


def test_training_starts_from_a_segmenter(
    rooms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segmenter = build_segmenter(len(EDGES) + 1)
    start = export_weights(segmenter, tmp_path / "start.safetensors", {"architecture": "segmenter"})
    layout.train(settings(rooms, tmp_path / "run", start=start, steps=1, rate=1e-9))
    assert "tensors start as in" in capsys.readouterr().out
    trained, given = weights(tmp_path / "run")[0], segmenter.encoder.state_dict()
    kernels = [name for name, tensor in given.items() if tensor.ndim == 4 and not name.startswith("stem")]
    assert len(kernels) > 20
    assert all(torch.allclose(trained[f"body.encoder.{name}"], given[name], atol=1e-6) for name in kernels)


def test_validation_rooms_are_refused(tmp_path: Path) -> None:
    write_rooms(tmp_path / "rooms", [box(1, 2, 1, 2)], 10_000, 2 * SIZE)
    with pytest.raises(ValueError, match="room 10000 in"):
        layout.train(settings(tmp_path / "rooms", tmp_path / "run"))
    with pytest.raises(FileNotFoundError, match="no rendered room"):
        layout.train(settings(tmp_path, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("more", [True, False])
def test_answers_are_taken_for_the_classes_that_come_first(tmp_path: Path, more: bool) -> None:
    old, new = build_furniture(3), build_furniture(4)
    header = {"architecture": "furniture", "classes": ["room", "bed", "rug"]}
    path = export_weights(old, tmp_path / "old.safetensors", header)
    classes = ("room", "bed", "rug", "beyond") if more else ("room", "rug", "bed", "beyond")
    before = new.body.state_dict()["head.weight"].clone()
    upright.warm_start(new.body, path, classes)
    found, own = new.body.state_dict()["head.weight"], old.body.state_dict()["head.weight"]
    assert torch.equal(found[:3], own if more else before[:3])
    assert torch.equal(found[3], before[3])
