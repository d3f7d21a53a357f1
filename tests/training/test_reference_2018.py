"""The 2018 networks' training on tiny shards made here: it learns, resumes bit for bit, and knows when it overfits."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from tests.training.shard_writer import write_shard
from training.reference import epochs, vanisher2018
from training.reference.endtoend import vanish_people
from training.reference.vanisher2018 import FillConfig, SegmentConfig, main, train
from vanisher_core.models import vanisher2018 as networks


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "ENCODER", ((8,), (8,), (8,), (12,), (12,)))
    monkeypatch.setattr(networks, "DECODER", ((12,), (12,), (12,), (8,), (8,), (8,)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    crowd = {f"voc-{i}": (48, 44, i != 3) for i in range(6)} | {f"coco-{i}": (44, 48, True) for i in range(2)}
    write_shard(tmp_path / "people-000.tar", crowd)
    write_shard(tmp_path / "scenes-000.tar", {f"places_{i}": (44, 44, i % 2 == 0) for i in range(6)})
    write_shard(tmp_path / "scenes-val-000.tar", {f"drew_{i}": (40, 40, True) for i in range(3)})
    return tmp_path


def settings(kind: type[epochs.Config], folder: Path, name: str = "run", **changes: Any) -> Any:
    small: dict[str, Any] = {"epochs": 2, "batch": 3, "size": 32, "device": "cpu"}
    return kind(out=folder / name, data=folder, weights=folder / name, **(small | changes))


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@torch.no_grad()
def find_somebody(segmenter: networks.Segmenter2018, rgb: np.ndarray) -> None:
    """Shifts a random network's answers until half of a picture is somebody."""
    x = torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255
    list(segmenter.parameters())[-1].sub_(segmenter(x).median())


@pytest.mark.parametrize("kind", [SegmentConfig, FillConfig])
def test_a_run_stopped_within_an_epoch_goes_on_bit_for_bit(kind: type[epochs.Config], folder: Path) -> None:
    whole = settings(kind, folder, "whole", epochs=3)
    parts = settings(kind, folder, "parts", epochs=3)
    expected = train(whole)
    assert len(train(replace(parts, steps=3))) == 1, "three steps of two an epoch: one whole epoch"
    assert train(parts) == expected
    final = [sorted(run.out.glob("step-*/module.net.*"))[-1] for run in (whole, parts)]
    first, second = (load_file(path) for path in final)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert train(parts) == expected, "a finished run has nothing left to do"


def test_the_segmenter_learns_and_says_how_far_it_came(folder: Path, capsys: pytest.CaptureFixture) -> None:
    config = settings(SegmentConfig, folder, epochs=15, rate=2e-2)
    history = train(config)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert max(now["accuracy"] for now in history) > 0.9 and max(now["iou"] for now in history) > 0.6
    lines = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 16))
    assert {"train_loss", "validation_loss", "accuracy"} <= lines[0].keys()
    said = capsys.readouterr().out
    assert "(report: about 0.97)" in said and "overfitting" in said
    assert picture(config.out / "plate.png").shape == (2 * 32, 3 * 32, 3)


def test_the_autoencoder_learns_and_draws_the_four_pictures(folder: Path) -> None:
    config = settings(FillConfig, folder, epochs=12, rate=1e-2)
    history = train(config)
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    plate = picture(config.out / "plate.png").reshape(3, 32, 4, 32, 3).transpose(2, 0, 1, 3, 4)
    original, masked, output, composite = plate
    hole = (masked != original).any(-1)
    assert 0.03 < hole.mean() < 0.11
    assert np.array_equal(composite[~hole], original[~hole])
    assert np.array_equal(composite[hole], output[hole])


def test_both_together_take_only_the_segment_out(folder: Path) -> None:
    for kind in (SegmentConfig, FillConfig):
        train(replace(settings(kind, folder, kind.__name__), weights=folder / "weights"))
    main(["plate", "--data", str(folder), "--weights", str(folder / "weights"), "--out", str(folder / "plate.png"),
          "--device", "cpu"])  # fmt: skip
    assert picture(folder / "plate.png").shape == (2 * 32, 4 * 32, 3)
    torch.manual_seed(0)
    segmenter, autoencoder = networks.build_segmenter().eval(), networks.build_autoencoder().eval()
    rgb = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    find_somebody(segmenter, rgb)
    done = vanish_people(segmenter, autoencoder, rgb, sizes=(32, 32))
    assert 0 < done.mask.mean() < 1
    assert np.array_equal(done.composite[~done.mask], rgb[~done.mask])
    assert np.array_equal(done.composite[done.mask], done.output[done.mask])
    assert not done.masked[done.mask].any() and done.output.shape == rgb.shape


class Constant(nn.Module):
    """One number to learn."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))


def task(exported: list[int], losses: list[float], factor: float = 1.0) -> epochs.Task:
    """A task with scripted validation losses."""
    net, left = Constant(), iter(losses)

    def export(note: dict[str, Any]) -> Path:
        exported.append(note["epoch"])
        return Path()

    return epochs.Task(
        net,
        torch.zeros(2, 3, 18, 18, dtype=torch.uint8),
        lambda batch, generator: factor * (net.value - 1).square().sum(),
        lambda: {"validation_loss": next(left)},
        export,
        {},
    )


def test_the_epoch_of_the_lowest_validation_loss_is_exported(tmp_path: Path, capsys: Any) -> None:
    exported: list[int] = []
    config = epochs.Config(out=tmp_path, epochs=5, batch=2, size=16)
    epochs.run(config, task(exported, [5.0, 3.0, 4.0, 2.0, 6.0]))
    assert exported == [1, 2, 4]
    assert "overfitting starts after epoch 4" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_stops_before_it_spoils_the_weights(tmp_path: Path) -> None:
    broken = task([], [], factor=float("nan"))
    with pytest.raises(FloatingPointError, match="step 0"):
        epochs.run(epochs.Config(out=tmp_path, batch=2, size=16), broken)
    assert float(next(broken.net.parameters()).detach()) == 0 and not list(tmp_path.glob("step-*"))


def test_minutes_end_a_run_that_goes_on_later(tmp_path: Path) -> None:
    config = epochs.Config(out=tmp_path, epochs=2, batch=2, size=16, minutes=1e-9)
    assert epochs.run(config, task([], [2.0, 1.0])) == []
    assert len(epochs.run(replace(config, minutes=0.0), task([], [2.0, 1.0]))) == 2


@given(st.lists(st.floats(0, 10), max_size=30))
def test_overfitting_starts_where_the_validation_loss_was_lowest(losses: list[float]) -> None:
    epoch = epochs.overfitting([{"validation_loss": loss} for loss in losses])
    if epoch is None:
        assert not losses or losses[-1] < min(losses[:-1], default=11)
    else:
        assert losses[epoch - 1] == min(losses) and epoch < len(losses)
        assert all(loss >= losses[epoch - 1] for loss in losses[epoch:])


@pytest.mark.parametrize("argv", [[], ["paint"], ["segment", "--nonsense"]])
def test_bad_usage_ends_with_status_two(argv: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        vanisher2018.main(argv)
    assert stop.value.code == 2 and capsys.readouterr().err
