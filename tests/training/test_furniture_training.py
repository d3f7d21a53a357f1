"""The furniture network's training: pieces go and get other colours with their labels; it learns, resumes, exports."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from panorama.rooms import CLASSES
from panorama.rooms import classes as rendered
from tests.training.painted_rooms import THING, box, notched, write_rooms
from training import furniture
from training.data import room_furniture
from vanisher_core.models.build import BUILDERS
from vanisher_core.models.furniture import FurnitureNet

SIZE = 64
HELD_OUT, FIRST = 20, 21
"""Seeds of the painted rooms."""
ALL = (SIZE, 2 * SIZE)


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One room that is held out and two to learn from."""
    shapes = [box(1.4, 3.1, 0.9, 2.2), notched(1.5, 2.6, 1.2, 2.8, 0.8, 1.1), box(2.0, 1.0, 1.7, 2.6)]
    return write_rooms(tmp_path_factory.mktemp("rooms"), shapes, HELD_OUT, 2 * SIZE)


def settings(rooms: Path, out: Path, **changes: object) -> furniture.Config:
    small = {"steps": 4, "batch": 1, "size": SIZE, "warmup": 1, "average": 0.5, "every": 4}
    return furniture.Config(rooms=rooms, out=out, **(small | changes))  # type: ignore[arg-type]


def weights(run: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(run / "room-furniture.safetensors", framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


class Knowing(torch.nn.Module):
    """Says of every texel of the given pictures what it is told, with a certainty."""

    def __init__(self, labels: Tensor, sure: float) -> None:
        super().__init__()
        self.labels, self.sure = labels, sure

    def forward(self, rgb: Tensor) -> Tensor:
        count = len(room_furniture.CLASSES)
        odds = torch.nn.functional.one_hot(self.labels[:, ::2, ::2], count).movedim(-1, 1) * self.sure
        return torch.log_softmax(odds.float(), 1).expand(len(rgb), -1, -1, -1)


def test_bfloat16_is_for_steps_only_and_weights_get_the_name_asked_for(rooms: Path, tmp_path: Path) -> None:
    for name, bf16 in (("half", True), ("single", False)):
        furniture.train(settings(rooms, tmp_path / name, steps=2, bf16=bf16, name=name))
    half, single = (load_file(tmp_path / name / f"{name}.safetensors") for name in ("half", "single"))
    assert half.keys() == single.keys() and not any(t.dtype == torch.bfloat16 for t in half.values())
    assert any(not torch.equal(half[name], single[name]) for name in half)


def test_channels_are_the_renderers_classes_without_the_tripod_and_what_lies_beyond() -> None:
    assert (*CLASSES[:-1], "beyond") == room_furniture.CLASSES and len(CLASSES) - 1 == rendered.TRIPOD
    assert len(CLASSES) == room_furniture.BEYOND


def test_pieces_go_with_their_labels(rooms: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_furniture, "REPAINTED", 0.0)
    source, random = room_furniture.load(rooms, 2 * SIZE), np.random.default_rng(0)
    thing = (torch.tensor(THING) / 255).view(3, 1, 1)
    found = [room_furniture._furnished(source, 1, random) for _ in range(60)]
    for picture, labels in found:
        shown = (picture - thing).abs().amax(0) < 0.01
        assert torch.equal(shown, labels == rendered.SOFA)
    left = {int((labels == rendered.SOFA).sum()) for _, labels in found}
    assert len(left) == 4 and min(left) == 0  # all, either of both, none


def test_pieces_get_colours_and_the_room_keeps_its_own(rooms: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("REPAINTED", 1.0), ("BARE", 0.0), ("THINNED", 0.0)):
        monkeypatch.setattr(room_furniture, name, value)
    source, random = room_furniture.load(rooms, 2 * SIZE), np.random.default_rng(0)
    marks = source.objects[1]
    plain = source.pictures[1, 0].float() / 255
    alike = 0
    for _ in range(40):
        picture, labels = room_furniture._furnished(source, 1, random)
        assert torch.equal(picture[:, marks == 0], plain[:, marks == 0])
        assert torch.equal(labels, source.classes[1])
        for number in (1, 2):
            colour = picture[:, marks == number]
            assert (colour - colour[:, :1]).abs().max() < 1e-5
            assert not torch.allclose(colour, plain[:, marks == number], atol=1e-3)
            red, green, _ = colour[:, 0] * 255
            alike += int(red > 40 and 90 < green < 180)  # as near to the walls' grey as factors may go
    assert 2 <= alike <= 40  # about HIDDEN of them


def test_rooms_with_wardrobes_are_drawn_more_often() -> None:
    classes = torch.zeros(2, *ALL, dtype=torch.uint8)
    classes[0, 20:40, 10:30] = classes[1, 20:30, 10:14] = rendered.CABINET
    assert room_furniture._weights(classes).tolist() == [room_furniture.OFTEN, 1.0]


def test_batches_are_stretched_rooms(rooms: Path) -> None:
    batch = room_furniture.draw(room_furniture.load(rooms, 2 * SIZE), 30, ALL, np.random.default_rng(0))
    assert batch.rgb.shape == (30, 3, *ALL) and batch.classes.shape == (30, *ALL)
    assert float(batch.rgb.min()) >= 0 and float(batch.rgb.max()) <= 1
    assert set(batch.classes.unique().tolist()) == {0, rendered.SOFA}
    bare = (batch.classes == 0).all(2).all(1)
    assert 1 <= int(bare.sum()) <= 12


def test_the_loss_is_least_at_the_truth_and_the_tripod_is_unknown() -> None:
    labels = torch.zeros(1, *ALL, dtype=torch.int64)
    labels[:, 30:50, 20:60] = rendered.BED
    rgb = torch.zeros(1, 3, *ALL)

    def loss(told: Tensor, truth: Tensor) -> float:
        return float(furniture.loss_of(Knowing(told, 9), room_furniture.Batch(rgb, truth)))  # type: ignore[arg-type]

    other = torch.where(labels > 0, rendered.SOFA, labels)
    assert loss(labels, labels) < 0.02 < loss(other, labels) < loss(torch.zeros_like(labels), labels)
    tripod = labels.clone()
    tripod[:, 50:] = rendered.TRIPOD
    wrong = torch.where(tripod == rendered.TRIPOD, rendered.CHAIR, labels)
    assert loss(wrong, tripod) < 0.02 < loss(wrong, labels)


def test_figures_of_a_network_that_knows(rooms: Path) -> None:
    source = room_furniture.load(rooms, 2 * SIZE).part([0])
    truth = source.classes.long()
    figures = furniture.validate(Knowing(truth, 9), source, SIZE, 4)  # type: ignore[arg-type]
    assert figures["iou"] > 0.98 and figures["named"] > 0.98  # half a texel of its outline
    assert figures["alarm"] > 0.05  # it says the same of the empty room
    wrong = torch.where(truth > 0, rendered.BED, 0)
    figures = furniture.validate(Knowing(wrong, 9), source, SIZE, 4)  # type: ignore[arg-type]
    assert figures["iou"] > 0.98 and figures["named"] == 0
    blind = furniture.validate(Knowing(0 * truth, 9), source, SIZE, 4)  # type: ignore[arg-type]
    assert blind["iou"] == 0 and blind["alarm"] == 0


def test_four_steps_equal_two_and_two(rooms: Path, tmp_path: Path) -> None:
    furniture.train(settings(rooms, tmp_path / "whole"))
    furniture.train(settings(rooms, tmp_path / "parts", stop=2))
    furniture.train(settings(rooms, tmp_path / "parts"))
    whole, parts = (weights(tmp_path / name)[0] for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_exports_what_the_registry_knows(rooms: Path, tmp_path: Path) -> None:
    small = ["--batch", "2", "--size", str(SIZE), "--warmup", "2", "--average", "0.8"]
    furniture.main(["--rooms", str(rooms), "--out", str(tmp_path), "--steps", "2", "--every", "2", *small])
    tensors, header = weights(tmp_path)
    assert (header["architecture"], header["task"]) == ("furniture", "furniture")
    assert tuple(json.loads(header["classes"])) == room_furniture.CLASSES
    net = BUILDERS[header["architecture"]](**json.loads(header["config"]))
    assert isinstance(net, FurnitureNet)
    net.load_state_dict(tensors, strict=True)


def test_what_lies_beyond_is_labelled_behind_what_goes_and_gets_a_light_of_its_own(
    rooms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, random = room_furniture.load(rooms, 2 * SIZE), np.random.default_rng(0)
    beyond = torch.zeros_like(source.beyond)
    beyond[1, 10:40] = True
    marks = source.objects[1] > 0
    labels = torch.where(beyond[1] & ~marks, room_furniture.BEYOND, source.classes[1])
    classes = source.classes.clone()
    classes[1] = labels
    source = source._replace(beyond=beyond, classes=classes)
    for name, value in (("REPAINTED", 0.0), ("RELIT", 1.0)):
        monkeypatch.setattr(room_furniture, name, value)
    plain = source.pictures[1].float() / 255
    seen = set()
    for _ in range(40):
        picture, told = room_furniture._furnished(source, 1, random)
        gone = marks & (told != source.classes[1])
        assert torch.equal(told[gone], room_furniture.BEYOND * beyond[1][gone].to(told.dtype))
        assert torch.equal(told[~gone & ~marks], labels[~gone & ~marks])
        inside = ~beyond[1] & ~marks
        assert torch.equal(picture[:, inside], plain[0][:, inside])
        outside = beyond[1] & ~marks
        seen.add(round(float((picture[:, outside] / plain[0][:, outside]).mean()), 3))
    assert len(seen) > 30
