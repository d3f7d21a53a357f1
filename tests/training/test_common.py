"""Training utilities: configuration, averaging, schedules, and checkpoints that resume bit for bit."""

import json
import math
import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from training import common


@dataclass(frozen=True)
class Config:
    """A configuration for the tests."""

    out: Path
    steps: int = 4
    rate: float = 1e-3
    flip: bool = True
    sizes: tuple[int, ...] = (128, 192)
    limit: int | None = None


def test_config_reads_defaults_and_overrides():
    argv = ["--out", "x", "--steps", "7", "--no-flip", "--sizes", "64", "96", "128", "--limit", "3"]
    config = common.parse_config(Config, argv)
    assert config == Config(out=Path("x"), steps=7, flip=False, sizes=(64, 96, 128), limit=3)
    assert common.parse_config(Config, ["--out", "y"]) == Config(out=Path("y"))


@pytest.mark.parametrize("argv", [[], ["--out", "x", "--steps", "many"], ["--out", "x", "--unknown", "1"]])
def test_config_refuses_what_it_does_not_know(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        common.parse_config(Config, argv)
    assert stop.value.code == 2
    assert capsys.readouterr().err


def test_cosine_rises_then_falls_to_nothing():
    values = [common.cosine(step, 100, 10) for step in range(101)]
    assert values[9] == 1 and values[0] == 0.1 and values[100] == 0
    assert all(a >= b for a, b in pairwise(values[10:]))
    assert common.cosine(55, 100, 10) == pytest.approx(0.5)


@pytest.mark.parametrize("loss", [math.nan, math.inf, torch.tensor(math.nan)])
def test_a_loss_that_is_not_finite_stops(loss):
    with pytest.raises(FloatingPointError, match="step 12"):
        common.stop_if_not_finite(loss, 12)
    assert common.stop_if_not_finite(torch.tensor(0.5), 1) == 0.5


def test_ema_follows_and_copies_buffers():
    net = nn.BatchNorm1d(2)
    ema = common.Ema(net, decay=0.9)
    with torch.no_grad():
        net.weight.fill_(3.0)
        assert net.running_mean is not None
        net.running_mean.fill_(5.0)
    for _ in range(200):
        ema.update(net)
    mean = ema.module.get_parameter("weight")
    assert torch.allclose(mean, torch.full((2,), 3.0), atol=1e-5)
    assert torch.equal(ema.module.get_buffer("running_mean"), torch.full((2,), 5.0))
    assert not mean.requires_grad
    with pytest.raises(ValueError, match="decay"):
        common.Ema(net, decay=1.0)


class Run:
    """A small training run whose every source of randomness is stored."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        random.seed(3)
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.GELU(), nn.Dropout(0.2), nn.Conv2d(8, 1, 3)
        )
        common.channels_last(self.net)
        self.ema = common.Ema(self.net, 0.99)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), 1e-2)
        self.numpy = np.random.default_rng(3)
        self.generator = torch.Generator().manual_seed(3)
        self.modules = {"net": self.net, "ema": self.ema}
        self.generators = {"numpy": self.numpy, "torch": self.generator}

    def step(self) -> float:
        picture = torch.rand(2, 3, 12, 12, generator=self.generator) * random.random()
        picture = picture.contiguous(memory_format=torch.channels_last)
        loss = (self.net(picture) - float(self.numpy.random())).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.ema.update(self.net)
        return common.stop_if_not_finite(loss, 0)


def test_resume_is_bit_for_bit(tmp_path):
    whole = Run()
    expected = [whole.step() for _ in range(4)]

    first = Run()
    losses = [first.step() for _ in range(2)]
    state = {"loss": losses[-1], "config": {"rate": 1e-2}}
    common.save_checkpoint(tmp_path, 2, first.modules, {"net": first.optimizer}, state, first.generators)
    torch.manual_seed(99)
    random.seed(99)
    second = Run()
    second.step()
    loaded = common.load_checkpoint(tmp_path, second.modules, {"net": second.optimizer}, second.generators)
    assert loaded == {"loss": losses[-1], "config": {"rate": 1e-2}, "step": 2}
    losses += [second.step() for _ in range(2)]

    assert losses == expected
    for name, module in whole.modules.items():
        for key, tensor in module.state_dict().items():
            assert torch.equal(tensor, second.modules[name].state_dict()[key]), (name, key)


def test_checkpoints_keep_two_and_leave_no_rubbish(tmp_path):
    run = Run()
    assert common.load_checkpoint(tmp_path, run.modules, {}) is None
    for step in (1, 2, 3, 3):
        common.save_checkpoint(tmp_path, step, run.modules, {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]


def test_a_torn_checkpoint_is_not_used(tmp_path):
    run = Run()
    common.save_checkpoint(tmp_path, 1, run.modules, {}, {"whole": True})
    (tmp_path / "step-00000002").mkdir()
    assert common.load_checkpoint(tmp_path, run.modules, {}) == {"whole": True, "step": 1}


def test_parts_stay_small_and_join_again(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "PART_BYTES", 1000)
    net = nn.Sequential(nn.Linear(40, 40), nn.Linear(40, 3))
    common.save_checkpoint(tmp_path, 1, {"net": net}, {}, {})
    files = list(tmp_path.glob("*/module.net.*.safetensors"))
    assert len(files) > 5
    for path in files:
        with safe_open(path, framework="np") as file:
            assert sum(file.get_tensor(name).nbytes for name in file.keys()) <= 1000  # noqa: SIM118
    other = nn.Sequential(nn.Linear(40, 40), nn.Linear(40, 3))
    common.load_checkpoint(tmp_path, {"net": other}, {})
    for ours, theirs in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_weights_of_another_network_are_refused(tmp_path):
    common.save_checkpoint(tmp_path, 1, {"net": nn.Linear(3, 3)}, {}, {})
    with pytest.raises(RuntimeError, match="bias"):
        common.load_checkpoint(tmp_path, {"net": nn.Linear(3, 3, bias=False)}, {})


def test_export_writes_the_registry_header(tmp_path):
    net = nn.Conv2d(3, 4, 3)
    common.channels_last(net)
    metadata = {
        "architecture": "unet",
        "config": {"widths": [8, 16]},
        "task": "segment",
        "classes": ["person"],
    }
    path = common.export_weights(net, tmp_path / "weights" / "x.safetensors", metadata)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        assert torch.equal(file.get_tensor("weight"), net.weight)
    assert header["architecture"] == "unet" and json.loads(header["config"]) == {"widths": [8, 16]}
    assert json.loads(header["classes"]) == ["person"]
    assert [p.name for p in path.parent.iterdir()] == ["x.safetensors"]


def test_log_appends_json_lines_and_prints(tmp_path, capsys):
    log = common.Log(tmp_path / "run" / "log.jsonl")
    log.write(5, loss=0.25, note="first")
    log.write(6, loss=0.125)
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == [(5, 0.25), (6, 0.125)]
    assert "loss 0.25" in capsys.readouterr().out
