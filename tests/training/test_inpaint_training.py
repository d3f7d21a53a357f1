"""The inpainter's loop on tiny shards made here: it learns, resumes bit for bit, and trains against its critics."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.training.painted_rooms import box, write_rooms
from training import inpaint
from training.common import save_checkpoint
from training.data import room_views
from training.data.scenes import empty_rooms
from training.inpaint import Config, learning_rate, main
from vanisher_core.models.inpainter import ResidualGenerator


def _add(tar: tarfile.TarFile, name: str, array: np.ndarray) -> None:
    data = io.BytesIO()
    Image.fromarray(array).save(data, Path(name).suffix[1:])
    entry = tarfile.TarInfo(name)
    entry.size = data.tell()
    data.seek(0)
    tar.addfile(entry, data)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 255, 64)
    for shard, prefix, count in (
        ("scenes-000", "places", 6),
        ("scenes-val-000", "drew", 4),
        ("people-000", "voc", 4),
    ):
        with tarfile.open(folder / f"{shard}.tar", "w") as tar:
            for number in range(count):
                picture = np.clip(
                    grid[:, None, None] * rng.uniform(0.3, 1, 3) + rng.normal(0, 8, (64, 64, 3)), 0, 255
                )
                _add(tar, f"{prefix}_{number:05d}.webp", picture.astype(np.uint8))
                if shard.startswith("people"):
                    person = np.zeros((64, 64), np.uint8)
                    person[10:50, 20:40] = 255
                    _add(tar, f"{prefix}_{number:05d}.mask.png", person)
    return folder


@pytest.fixture
def config(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    def tiny() -> ResidualGenerator:
        return ResidualGenerator(widths=(8, 12), encoder_blocks=(1, 1), decoder_blocks=(1,))

    monkeypatch.setattr(inpaint, "build_inpaint_small", tiny)
    return Config(
        data=shards, out=tmp_path / "run", steps=4, sizes=(32, 64), pixels=4 * 32 * 32, size=64, validate=4,
        bank=20, every=2, warmup=2, device="cpu",
    )  # fmt: skip


def test_an_interrupted_run_goes_on_bit_for_bit(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(config)
    whole = load_file(config.out / "inpaint-small.safetensors")

    def save_and_stop(*arguments: Any) -> Path:
        save_checkpoint(*arguments)
        raise KeyboardInterrupt

    halves = replace(config, out=tmp_path / "halves")
    with monkeypatch.context() as patch:
        patch.setattr(inpaint, "save_checkpoint", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            main(halves)
    half = load_file(halves.out / "inpaint-small.safetensors")
    assert any(not torch.equal(half[name], whole[name]) for name in whole)
    main(halves)
    resumed = load_file(halves.out / "inpaint-small.safetensors")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_it_reports_exports_and_learns(config: Config) -> None:
    main(replace(config, steps=60, every=30, rate=5e-3))
    reports = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert reports[-1]["loss"] < reports[0]["loss"]
    assert reports[-1]["psnr"] > 15
    assert (config.out / "plate.png").stat().st_size > 0


def test_the_critics_take_part_when_asked(config: Config) -> None:
    main(replace(config, steps=2, sizes=(64,), pixels=2 * 64 * 64, adversarial=0.01))
    report = json.loads((config.out / "log.jsonl").read_text().splitlines()[-1])
    assert report["critic"] > 0


def test_a_warm_start_keeps_features_and_forgets_the_head(config: Config, tmp_path: Path) -> None:
    main(config)
    weights = config.out / "inpaint-small.safetensors"
    run = inpaint.build(replace(config, start=weights, out=tmp_path / "warm"), torch.device("cpu"))
    assert torch.equal(run.model.stem.weight, load_file(weights)["stem.weight"])
    assert not any(parameter.any() for parameter in list(run.model.head.parameters())[-2:])


def test_the_rate_follows_the_clock_when_minutes_are_given(config: Config) -> None:
    timed = replace(config, minutes=10.0)
    assert learning_rate(timed, 0, 0) == pytest.approx(config.rate / 2)
    assert learning_rate(timed, 5, 300) == pytest.approx(config.rate / 2)
    assert learning_rate(timed, 5, 600) == pytest.approx(config.rate / 100)


def test_a_head_can_be_kept(config: Config, tmp_path: Path) -> None:
    main(config)
    weights = config.out / "inpaint-small.safetensors"
    settings = replace(config, start=weights, out=tmp_path / "warm", keep_head=True)
    kept, saved = inpaint.build(settings, torch.device("cpu")).model.state_dict(), load_file(weights)
    assert all(torch.equal(kept[name], saved[name]) for name in saved)


def test_views_of_empty_rooms_are_mixed_in_and_other_rooms_are_measured(
    config: Config, tmp_path: Path
) -> None:
    rooms = write_rooms(tmp_path / "rooms", [box(1.4, 3.1, 0.9, 2.2), box(2.0, 1.0, 1.7, 2.6)], 20, 128)
    bare, held_out = empty_rooms(rooms, 48)
    assert bare.shape == held_out.shape == (room_views.BARE, 3, 48, 48)
    main(replace(config, rooms=rooms, room_share=1.0))
    report = json.loads((config.out / "log.jsonl").read_text().splitlines()[-1])
    assert report["rooms_psnr"] > 5 and report["psnr"] > 5
    assert (config.out / "plate-rooms.png").stat().st_size > 0
    with pytest.raises(ValueError, match="one whose seed is a multiple of 10"):
        empty_rooms(write_rooms(tmp_path / "few", [box(1, 2, 1, 2)], 20, 128), 48)
