"""Reading shards, splitting by source, canvases and augmentation."""

import io
import tarfile

import pytest
import torch

from tests.training.shard_writer import write_shard
from training.data import canvases as canvases_module
from training.data import people, shards


@pytest.fixture
def folder(tmp_path):
    write_shard(
        tmp_path / "people-000.tar",
        {"cocov-1": (48, 32, True), "coco-2": (40, 40, True), "vocneg-3": (32, 48, False)},
    )
    write_shard(tmp_path / "people-001.tar", {"ccp-4": (30, 60, True), "cocop-5": (64, 64, False)})
    write_shard(tmp_path / "scenes-000.tar", {"places_hall_1": (64, 64, False)})
    return tmp_path


def test_files_of_a_key_come_together(folder):
    found = dict(shards.read_shard(folder / "people-000.tar"))
    assert list(found) == ["cocov-1", "coco-2", "vocneg-3"]
    assert all(set(members) == {"webp", "mask.png"} for members in found.values())
    picture = shards.decode("cocov-1", found["cocov-1"])
    assert picture.rgb.shape == (32, 48, 3) and picture.mask is not None and picture.classes is None
    assert picture.mask[16, 24] == 255 and picture.mask[0, 0] == 0


def test_scattered_files_are_refused(tmp_path):
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("a.webp", "b.webp", "a.mask.png"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ValueError, match="'a'"):
        list(shards.read_shard(path))


def test_no_shard_says_what_to_pass(tmp_path):
    with pytest.raises(FileNotFoundError, match="--data"):
        shards.shards(tmp_path, "people-*.tar")


@pytest.mark.parametrize(
    ("kind", "key", "held_out"),
    [
        ("people", "coco-000000106235", True),
        ("people", "cocop-000000000030", True),
        ("people", "cocov-000000280930", False),
        ("people", "cocom-000000280930", False),
        ("people", "vocneg-2007_002088", False),
        ("hires", "stunning_01", True),
        ("hires", "matheus_01", False),
        ("panoramas", "photo_polyhaven_1", True),
        ("panoramas", "photo_madridflat_1", False),
        ("scenes", "places_hall_1", False),
        ("scenes-val", "drew_1", True),
        ("interiors", "furn-6", True),
        ("interiors", "furn-2", False),
    ],
)
def test_split_is_by_source(kind, key, held_out):
    assert shards.validates(kind, key) is held_out


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'faces'"):
        shards.validates("faces", "x")


def test_fingerprint_knows_the_set_not_the_order():
    assert shards.fingerprint(["a", "b"]) == shards.fingerprint(["b", "a"]) != shards.fingerprint(["a", "c"])


def test_pictures_become_squares(folder):
    tensor, keys = shards.load_pictures(
        folder, ["people-*.tar"], 24, lambda key: not shards.validates("people", key)
    )
    assert keys == ["cocov-1", "vocneg-3", "ccp-4"]
    assert tensor.shape == (3, 3, 24, 24) and tensor.dtype == torch.uint8
    none, no_keys = shards.load_pictures(folder, ["people-*.tar"], 24, lambda key: False)
    assert none.shape == (0, 3, 24, 24) and no_keys == []


def test_canvases_hold_whole_pictures(folder):
    canvases = canvases_module.load_canvases(folder, ["people-*.tar", "scenes-*.tar"], 32)
    assert canvases.rgb.shape == (6, 3, 32, 32) and canvases.mask.shape == (6, 1, 32, 32)
    assert canvases.extent.tolist()[:2] == [[32, 21], [32, 32]]
    assert int(canvases.rgb[0, :, 21:].max()) == 0
    names = {name: canvases.group(name).tolist() for name in canvases.GROUPS}
    assert names == {"people": [0, 1], "ccp": [3], "empty": [2, 4], "scenes": [5]}
    assert canvases.trust.tolist() == pytest.approx([1, 1, 1, 0.2, 1, 0.7])
    with pytest.raises(ValueError, match="no picture"):
        canvases_module.load_canvases(folder, ["people-*.tar"], 32, lambda key: False)


def test_shrunk_canvases_keep_picture_and_people(folder):
    large = canvases_module.load_canvases(folder, ["people-*.tar"], 64)
    small = canvases_module.shrunk(large, 32)
    assert small.rgb.shape[-1] == 32 and small.keys == large.keys
    assert torch.equal(small.extent, (large.extent / 2).floor())
    share, large_share = (float((c.mask > 127).sum() / c.extent.prod(1).sum()) for c in (small, large))
    assert share == pytest.approx(large_share, abs=0.03)
    assert canvases_module.shrunk(large, 64) is large


def test_batches_are_in_range_and_repeat_with_the_seed(folder):
    canvases = canvases_module.load_canvases(folder, ["people-*.tar", "scenes-*.tar"], 48)
    first, again, other = (
        people.Augmenter(canvases, torch.Generator().manual_seed(seed), paste=0.6).batch(12, 32)
        for seed in (1, 1, 2)
    )
    assert first.rgb.shape == (12, 3, 32, 32) and first.target.shape == first.weight.shape == (12, 1, 32, 32)
    for plane in (first.rgb, first.target):
        assert float(plane.min()) >= 0 and float(plane.max()) <= 1
    assert float(first.weight.min()) > 0 and float(first.target.mean()) > 0.02
    assert torch.equal(first.rgb, again.rgb) and torch.equal(first.weight, again.weight)
    assert not torch.equal(first.rgb, other.rgb)


def test_the_target_follows_the_picture(folder):
    """Bright pixels are the person's: crop, flip and paste move both alike."""
    canvases = canvases_module.load_canvases(folder, ["people-000.tar"], 48, lambda key: key != "vocneg-3")
    augmenter = people.Augmenter(canvases, torch.Generator().manual_seed(0), paste=0.5)
    augmenter._colours = lambda rgb: rgb
    batch = augmenter.batch(24, 32)
    bright = batch.rgb.mean(1, keepdim=True) > 0.5
    agrees = bright == (batch.target > 0.5)
    assert float(agrees.float().mean()) > 0.97
