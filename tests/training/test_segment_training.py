"""The segmenter's training: it learns, resumes exactly, and exports what the registry reads."""

import json

import pytest
import torch
from safetensors import safe_open

from tests.training.shard_writer import write_shard
from training import segment, segment_tasks
from training.data import canvases as canvases_module
from vanisher_core.models.build import BUILDERS


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    crowd = {f"voc-{i}": (48, 40, True) for i in range(4)} | {f"coco-{i}": (40, 48, True) for i in range(2)}
    write_shard(folder / "people-000.tar", crowd)
    write_shard(folder / "scenes-000.tar", {f"places_{i}": (40, 40, False) for i in range(2)})
    return folder


def settings(tmp_path, data, **changes):
    small = {
        "widths": (8, 8, 16, 16, 24),
        "depths": (1, 1, 1, 1),
        "decoder_widths": (8, 8, 8, 16, 16),
        "sizes": (32,),
        "shares": (1.0,),
        "batch": 4,
        "validate_size": 48,
        "warmup": 1,
        "average": 0.5,
    }
    return segment.Config(out=tmp_path / "run", data=data, **(small | changes))


def weights(run):
    with safe_open(run / "segment-person.safetensors", framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def test_four_steps_equal_two_and_two(tmp_path, data):
    segment.train(settings(tmp_path / "whole", data, steps=4, every=4))
    segment.train(settings(tmp_path / "parts", data, steps=4, every=2, stop=2))
    segment.train(settings(tmp_path / "parts", data, steps=4, every=2))
    whole, parts = (weights(tmp_path / name / "run")[0] for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_it_learns_and_exports(tmp_path, data):
    config = settings(tmp_path, data, steps=40, every=40, rate=1e-2, paste=0.0, average=0.8)
    figures = segment.train(config)
    assert figures["iou"] > 0.5 and 0 <= figures["small_recall"] <= 1
    tensors, header = weights(config.out)
    assert header["task"] == "segment" and json.loads(header["classes"]) == ["person"]
    net = BUILDERS[header["architecture"]](**json.loads(header["config"]))
    net.load_state_dict(tensors, strict=True)
    lines = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 40 and lines[-1]["iou"] == figures["iou"]


def test_bfloat16_is_for_steps_only(tmp_path, data):
    """What is kept and exported stays in single precision, and another precision takes another path."""
    runs = [
        settings(tmp_path / name, data, steps=2, bf16=bf16)
        for name, bf16 in (("half", True), ("single", False))
    ]
    for run in runs:
        assert 0 <= segment.train(run)["accuracy"] <= 1
    half, single = (weights(run.out)[0] for run in runs)
    assert all(tensor.dtype != torch.bfloat16 for tensor in half.values())
    assert any(not torch.equal(half[name], single[name]) for name in half)


def test_sizes_follow_their_shares(tmp_path, data):
    config = settings(tmp_path, data, steps=10, sizes=(32, 64), shares=(0.6, 0.4))
    assert [segment.size_at(config, step) for step in range(10)] == [32] * 6 + [64] * 4
    with pytest.raises(ValueError, match="equally many"):
        segment.size_at(settings(tmp_path, data, sizes=(32, 64)), 0)


def test_the_clock_replaces_the_step_count_when_asked(tmp_path, data):
    counted = settings(tmp_path, data, steps=1000)
    assert segment.place_in(counted, 100, 345, seconds=9e9) == 345
    timed = settings(tmp_path, data, steps=1000, minutes=10.0)
    assert segment.place_in(timed, 100, 777, seconds=0) == 100
    assert segment.place_in(timed, 100, 777, seconds=300) == 550
    assert segment.place_in(timed, 100, 777, seconds=700) == 1000
    assert segment.train(settings(tmp_path, data, steps=50, minutes=0.02, every=1000))["accuracy"] > 0
    assert (tmp_path / "run" / "segment-person.safetensors").exists()


def test_validation_counts_only_the_picture(data):
    """A network that says "everybody" everywhere: accuracy = share of people within the pictures."""

    class Everybody(torch.nn.Module):
        def forward(self, rgb):
            return torch.ones_like(rgb[:, :1])

    canvases = canvases_module.load_canvases(data, ["people-*.tar"], 64)
    figures = segment_tasks.validate_people(Everybody(), canvases)
    share = float((canvases.mask > 127).sum()) / float(canvases.extent.prod(1).sum())
    assert figures["iou"] == pytest.approx(share) and figures["accuracy"] == pytest.approx(share)


def test_canvas_borders_repeat_the_last_pixel():
    rgb = torch.rand(1, 3, 6, 6)
    filled = segment_tasks.fill_border(rgb, torch.tensor([[4.0, 3.0]]))
    assert torch.equal(filled[0, :, 2, :4], rgb[0, :, 2, :4])
    assert torch.equal(filled[0, :, 5, 5], rgb[0, :, 2, 3])
