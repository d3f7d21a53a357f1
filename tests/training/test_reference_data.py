"""Squares of the reference systems: the right split, evenly thinned, cut without resampling."""

from pathlib import Path

import pytest
import torch

from tests.training.shard_writer import write_shard
from training.data import shards
from training.reference import data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    crowd = {f"voc-{i}": (48, 40, i % 2 == 0) for i in range(6)} | {"coco-0": (40, 48, True)}
    write_shard(tmp_path / "people-000.tar", crowd)
    return tmp_path


def test_loading_follows_the_split_and_binarises_masks(folder: Path) -> None:
    train = data.load(
        folder, "people-*.tar", 32, predicate=lambda key: not shards.validates("people", key), masks=True
    )
    assert train.keys == [f"voc-{i}" for i in range(6)]
    assert train.rgb.shape == (6, 3, 32, 32) and train.layers.shape == (6, 4, 32, 32)
    assert set(train.mask.unique().tolist()) == {0, 255}
    assert [bool(mask.any()) for mask in train.mask] == [i % 2 == 0 for i in range(6)]
    bright = train.rgb.float().mean(1, keepdim=True) > 150
    assert float((bright == (train.mask > 0)).float().mean()) > 0.95, "picture and mask stay together"


def test_a_limit_takes_pictures_evenly(folder: Path) -> None:
    some = data.load(folder, "people-*.tar", 16, predicate=lambda key: key.startswith("voc"), limit=3)
    assert some.keys == ["voc-0", "voc-2", "voc-4"] and some.mask.shape == (3, 0, 16, 16)


def test_no_picture_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="people"):
        data.load(folder, "people-*.tar", 16, predicate=lambda key: False)


def test_cuts_are_parts_of_their_own_picture_mirrored_half_the_time() -> None:
    """Each pixel holds its picture, row and column, so that a cut tells where it came from."""
    line = torch.arange(24, dtype=torch.uint8)
    layers = torch.stack([
        torch.stack((torch.full((24, 24), n, dtype=torch.uint8), line[:, None].expand(24, 24), line.expand(24, 24)))
        for n in range(5)
    ])  # fmt: skip
    chosen = torch.tensor([4, 1, 0, 3] * 20)
    batch = (data.cut(layers, chosen, 16, torch.Generator().manual_seed(0)) * 255).round().long()
    assert batch.shape == (80, 3, 16, 16)
    mirrored, corners = 0, set()
    for number, part in zip(chosen.tolist(), batch, strict=True):
        assert set(part[0].unique().tolist()) == {number}
        top, first = int(part[1, 0, 0]), int(part[2, 0, 0])
        step = int(part[2, 0, 1]) - first
        assert step in (1, -1)
        assert torch.equal(part[1], (top + torch.arange(16))[:, None].expand(16, 16))
        assert torch.equal(part[2], (first + step * torch.arange(16)).expand(16, 16))
        mirrored += step == -1
        corners.add((top, first))
    assert 20 < mirrored < 60 and len(corners) > 30


def test_an_epoch_sees_every_picture_once_in_an_order_of_its_own() -> None:
    first, second = data.order(50, 0, 0), data.order(50, 0, 1)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert not torch.equal(first, second) and torch.equal(first, data.order(50, 0, 0))
    assert not torch.equal(first, data.order(50, 1, 0))
