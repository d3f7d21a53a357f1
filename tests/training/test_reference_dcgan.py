"""The DCGAN's training on tiny shards made here: turns, resuming bit for bit, its curve."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from tests.training.shard_writer import write_shard
from training.reference import curve, dcgan128, game
from training.reference.dcgan128 import Config, train
from training.reference.sides import SideSwitch
from vanisher_core.models import dcgan128 as networks


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def discriminator() -> networks.Discriminator:
        whole, part = (networks.Critic(size=size, widths=(4, 8)) for size in (32, 16))
        return networks.Discriminator(whole=whole, part=part, hidden=8)

    monkeypatch.setattr(networks, "build_generator", lambda: networks.Generator(widths=(8, 12)))
    monkeypatch.setattr(networks, "build_discriminator", discriminator)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    write_shard(tmp_path / "scenes-000.tar", {f"places_{i}": (44, 40, i % 2 == 0) for i in range(6)})
    write_shard(tmp_path / "scenes-val-000.tar", {f"drew_{i}": (40, 40, True) for i in range(3)})
    return Config(out=tmp_path / "run", weights=tmp_path / "run", data=tmp_path, steps=4, batch=3, every=2,
                  device="cpu")  # fmt: skip


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def changes(before: nn.Module, after: nn.Module) -> bool:
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    return any(not torch.equal(old, new) for old, new in pairs)


def steps(config: Config, low: float, high: float, count: int) -> Iterator[tuple[str, bool, bool]]:
    """(side, did the generator change, did the discriminator change) of each step of a real game."""
    torch.manual_seed(0)
    pair = game.players(config.rate, torch.device("cpu"))
    pictures = dcgan128.load_pictures(config, 32, torch.device("cpu")).train
    source, switch = torch.Generator().manual_seed(0), SideSwitch(low, high)
    for step in range(count):
        before = copy.deepcopy((pair.generator, pair.discriminator))
        point = dcgan128.turn(config, pair, game.draw(pictures, 32, 3, source), switch, step)
        yield point.side, changes(before[0], pair.generator), changes(before[1], pair.discriminator)


def test_with_the_rule_one_side_learns_at_a_time(config: Config) -> None:
    """A high threshold just below the losses of a new pair makes the sides change after each ten losses or so."""
    seen = list(steps(config, 0.69, 0.692, 40))
    assert all(side == ("generator" if generator else "discriminator") for side, generator, _ in seen)
    assert all(generator != discriminator for _, generator, discriminator in seen)
    assert [side for side, *_ in seen[:10]] == ["discriminator"] * 10
    assert {side for side, *_ in seen} == {"discriminator", "generator"}


def test_without_the_rule_both_learn_in_every_step(config: Config) -> None:
    assert list(steps(replace(config, rule=False), 0.4, 0.6, 12)) == [("both", True, True)] * 12


def test_both_sides_learn_what_they_are_for(config: Config) -> None:
    """Alone, the discriminator's loss falls below guessing; alone, the generator's fill comes nearer."""
    torch.manual_seed(0)
    pair, source = game.players(5e-3, torch.device("cpu")), torch.Generator().manual_seed(0)
    pictures = dcgan128.load_pictures(config, 32, torch.device("cpu")).train
    judged = [game.discriminator_turn(pair, game.draw(pictures, 32, 6, source)) for _ in range(40)]
    assert np.mean(judged[-5:]) < 0.4 < np.mean(judged[:2])
    drawn = [game.generator_turn(pair, game.draw(pictures, 32, 6, source), 0.0)[0] for _ in range(60)]
    assert np.mean(drawn[-5:]) < 0.5 * np.mean(drawn[:2])


@pytest.mark.parametrize("rule", [True, False])
def test_an_interrupted_run_goes_on_bit_for_bit(config: Config, tmp_path: Path, rule: bool) -> None:
    whole = replace(config, steps=26, every=13, low=0.68, high=0.7, rule=rule)
    parts = replace(whole, out=tmp_path / "parts", weights=tmp_path / "parts")
    figures = train(whole)
    train(replace(parts, steps=13))
    assert train(parts) == figures
    first, second = (load_file(run.weights / "dcgan-128.safetensors") for run in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (whole.out / "curve.csv").read_text() == (parts.out / "curve.csv").read_text()
    assert train(parts) == figures, "a finished run has nothing left to do"


def test_a_killed_run_forgets_the_points_after_its_checkpoint(config: Config) -> None:
    train(config)
    late = curve.read(config.out / "curve.csv", 4)
    curve.write([*late, curve.Point(4, 9.0, "generator")], config.out / "curve.csv")
    train(replace(config, steps=6))
    points = curve.read(config.out / "curve.csv", 99)
    assert [point.step for point in points] == list(range(6)) and points[:4] == late
    assert points[4].loss != 9.0


def test_it_reports_exports_and_draws(config: Config) -> None:
    figures = train(replace(config, minutes=1e-9))
    assert figures["hole_psnr"] > 0 and 0 < figures["hole_l1"] < 255
    line = json.loads((config.out / "log.jsonl").read_text().splitlines()[-1])
    assert line["step"] == 1 and line["side"] == "discriminator", "the clock ends it after one step"
    plate = picture(config.out / "plate.png").reshape(3, 32, 3, 32, 3).transpose(2, 0, 1, 3, 4)
    original, grey, done = plate
    hole = (grey != original).any(-1)
    assert np.abs(grey[hole].astype(int) - 128).max() <= 1
    assert np.array_equal(done[~hole], original[~hole])


def test_a_loss_that_is_not_finite_stops_it(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> networks.Generator:
        generator = networks.Generator(widths=(8, 12))
        nn.init.constant_(next(generator.decoder.parameters()), float("nan"))
        return generator

    monkeypatch.setattr(networks, "build_generator", broken)
    with pytest.raises(FloatingPointError, match="step 0"):
        train(config)
    assert not list(config.out.glob("step-*"))


def test_the_curve_shades_the_active_side(tmp_path: Path) -> None:
    points = [curve.Point(i, 0.7, "discriminator") for i in range(50)]
    points += [curve.Point(50 + i, 0.3, "generator") for i in range(50)]
    curve.draw(points, tmp_path / "curve.png", low=0.4, high=0.6, window=10)
    row, middle = picture(tmp_path / "curve.png")[curve.BOTTOM - 5], (curve.LEFT + curve.RIGHT) // 2
    assert tuple(row[curve.LEFT + 60]) == curve.SHADES["discriminator"]
    assert tuple(row[middle - 60]) == curve.SHADES["discriminator"]
    assert tuple(row[middle + 60]) == tuple(row[curve.RIGHT - 60]) == curve.SHADES["generator"]
