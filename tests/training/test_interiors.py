"""Furniture labels: what is unknown stays unknown, in batches, losses and figures."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tests.training.shard_writer import add_picture
from training import evaluate_furniture, segment, segment_tasks
from training.data import interiors, shards
from training.data.canvases import shrunk
from training.data.interiors import CLASSES, NOTHING, RING, UNKNOWN, VOC_REST
from vanisher_core.models import registry
from vanisher_core.segment import Segmenter, known_classes

COUNT = len(CLASSES)
SIDE = 48
TINY = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}


def furniture_shard(path: Path, samples: dict[str, int | None]) -> None:
    """key -> index in seg.png of a bright box in the middle; None: no seg.png."""
    rng = np.random.default_rng(0)
    with tarfile.open(path, "w") as tar:
        for key, index in samples.items():
            rgb = rng.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
            classes = np.zeros((SIDE, SIDE), np.uint8)
            if index is not None:
                classes[14:38, 12:36] = index
                rgb[14:38, 12:36] = 220
            files = {"webp": rgb} | ({} if index is None else {"seg.png": classes})
            for extension, array in files.items():
                add_picture(tar, f"{key}.{extension}", array, "WEBP" if extension == "webp" else "PNG")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    keys = [f"furn-{n}" for n in range(60)]
    train = [key for key in keys if not shards.validates("interiors", key)][:6]
    held_out = [key for key in keys if shards.validates("interiors", key)][:3]
    furniture_shard(folder / "interiors-000.tar", {key: 1 + i % 2 for i, key in enumerate(train + held_out)})
    people = {"voc-1": 9, "vocneg-2": None, "vocneg-3": 12, "coco-4": 18, "coco-5": None, "cocov-6": None}
    furniture_shard(folder / "people-000.tar", people)
    furniture_shard(folder / "scenes-000.tar", {"places_1": None, "bsds_2": None})
    return folder


def picture(
    classes: np.ndarray | None, mask: np.ndarray | None = None, key: str = "furn-1"
) -> shards.Picture:
    return shards.Picture(key, np.zeros((100, 100, 3), np.uint8), mask, classes)


def box(index: int) -> np.ndarray:
    classes = np.zeros((100, 100), np.uint8)
    classes[40:70, 30:60] = index
    return classes


def test_an_interior_knows_its_object_a_ring_and_a_strip() -> None:
    codes = interiors.interior_codes(picture(box(5)))  # a swivel chair is a chair
    chair = CLASSES.index("chair")
    assert (codes[40:70, 30:60] == chair).all()
    assert (codes[36:39, 40] == RING + chair).all() and codes[33, 40] == UNKNOWN
    assert codes[90, 90] == UNKNOWN and codes[2, 50] == interiors.STRIP
    with pytest.raises(ValueError, match=r"seg\.png"):
        interiors.interior_codes(picture(None))


def test_voc_knows_all_but_what_it_never_labels() -> None:
    person = np.zeros((100, 100), np.uint8)
    person[:20, :20] = 255
    classes = box(9)
    classes[80:90, 80:90], classes[80:90, 60:70], classes[0:5, 90:] = 12, 255, 16
    codes = interiors.voc_codes(picture(classes, person, "voc-1"))
    assert codes[50, 50] == CLASSES.index("chair") and codes[2, 95] == CLASSES.index("plant")
    assert codes[5, 5] == codes[85, 85] == NOTHING and codes[85, 65] == UNKNOWN and codes[95, 5] == VOC_REST
    weights = interiors.code_table()[VOC_REST, COUNT:]
    assert weights[CLASSES.index("bed")] < 0.2 < weights[CLASSES.index("chair")] == 1
    assert (interiors.teacher_codes(picture(classes, person))[95, 5]) == interiors.TAUGHT_REST


def test_the_table_never_trains_on_the_unknown() -> None:
    table = interiors.code_table()
    assert not table[UNKNOWN].any()
    for index in range(1, COUNT):
        targets, weights = table[index].split(COUNT)
        assert targets.tolist() == [1.0] + [float(i == index) for i in range(1, COUNT)]
        assert (weights == 1).all()
        ring_targets, ring_weights = table[RING + index].split(COUNT)
        assert not ring_targets.any() and ring_weights[index] == ring_weights.max() == 1


def test_rooms_have_all_groups_and_shrink_without_mixing_codes(data: Path) -> None:
    rooms = interiors.load_rooms(data, 48, None, 10)
    sizes = {name: len(rooms.group(name)) for name in rooms.GROUPS}
    assert sizes == {
        "interiors": 6,
        "voc": 1,
        "empty": 2,
        "scenes": 2,
        "rendered": 0,
        "bare": 0,
        "labelled": 0,
        "photographs": 0,
    }
    small = shrunk(rooms, 24)
    assert isinstance(small, interiors.Rooms)
    assert set(small.mask.unique().tolist()) <= set(rooms.mask.unique().tolist())


def test_batches_are_in_range_repeat_and_leave_most_unknown(data: Path) -> None:
    rooms = interiors.load_rooms(data, 48, None, 10)
    first, again = (
        interiors.FurnitureAugmenter(
            rooms, torch.Generator().manual_seed(1), paste=0.3, colour=0.3, degrade=0.4
        ).batch(16, 32)
        for _ in range(2)
    )
    assert first.rgb.shape == (16, 3, 32, 32)
    assert first.target.shape == first.weight.shape == (16, COUNT, 32, 32)
    assert torch.equal(first.rgb, again.rgb) and torch.equal(first.weight, again.weight)
    assert float(first.rgb.min()) >= 0 and float(first.rgb.max()) <= 1
    assert float((first.weight == 0).float().mean()) > 0.05
    assert float(first.target[:, 0].mean()) > 0.05
    # any of the classes is furniture, and of two that meet each has its part
    assert torch.allclose(first.target[:, 1:].sum(1), first.target[:, 0], atol=1e-5)
    # something is known of every picture, pasted on where nothing was
    assert (first.weight[:, 0].amax((1, 2)) > 0.25).all()


def test_the_loss_ignores_unknown_pixels(data: Path) -> None:
    torch.manual_seed(0)
    net = segment.build_segmenter(COUNT, **TINY).eval()
    rooms = interiors.load_rooms(data, 48, None, 10)
    batch = interiors.FurnitureAugmenter(rooms, torch.Generator().manual_seed(1)).batch(4, 32)
    other = batch.target.where(batch.weight > 0, torch.ones(()))
    changed = type(batch)(batch.rgb, other, batch.weight)
    assert float(segment.loss_of(net, batch).detach()) == pytest.approx(
        float(segment.loss_of(net, changed).detach()), abs=1e-6
    )


class Everything(torch.nn.Module):
    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(rgb), COUNT, *rgb.shape[2:])


def test_validation_judges_object_and_ring_only(data: Path) -> None:
    held_out = interiors.load_held_out(data, SIDE, None)
    figures = segment_tasks.validate_furniture(Everything(), held_out)
    target, weight = held_out.planes(torch.arange(len(held_out))).chunk(2, 1)
    share = float(target[:, 0].sum() / (weight[:, 0] > 0).sum())
    assert figures["iou"] == pytest.approx(share)
    assert figures["everywhere"] == 1
    assert {name for name in figures if name.startswith("iou_")} == {"iou_class", "iou_bed", "iou_chair"}


def test_training_learns_exports_and_is_measured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = segment.Config(
        task="furniture", out=tmp_path / "run", data=data, steps=40, every=40, batch=6, sizes=(32,),
        shares=(1.0,), validate_size=48, warmup=1, average=0.8, rate=1e-2, paste=0.2, colour=0.2, **TINY,
    )  # fmt: skip
    figures = segment.train(config)
    assert figures["iou"] > 0.5
    weights = config.out / "segment-furniture.safetensors"
    with safe_open(weights, framework="pt") as file:
        header = file.metadata()
    assert json.loads(header["classes"]) == list(CLASSES)
    assert set(json.loads(header["training"])["split"]) == {"train", "validation", "pictures"}
    argv = [
        "--data",
        data,
        "--weights",
        weights,
        "--out",
        tmp_path / "out",
        "--plates",
        "2",
        "--threads",
        "1",
    ]
    assert evaluate_furniture.main([str(part) for part in argv]) in (0, 1)
    printed = capsys.readouterr().out
    assert "3 validation pictures of interiors" in printed and "| bed | " in printed
    assert "on 1 photographs without any" in printed
    assert (tmp_path / "out" / "furniture.md").read_text() in printed
    assert len(list((tmp_path / "out" / "plates").glob("furniture-*.png"))) == 2


def test_shipped_weights_of_both_tasks_serve_their_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, classes in (("person", ("person",)), ("furniture", CLASSES)):
        config = segment.Config(task=name, sizes=(64,), **TINY)
        net = segment.build_segmenter(len(classes), **TINY)
        segment.export(net, config, tmp_path / f"segment-{name}.safetensors", {"step": 1})
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    registry.write_manifest()
    assert all(verdict.ok for verdict in registry.verify())
    assert set(known_classes()) == {"person", *CLASSES}
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    segmenter = Segmenter("cpu")
    found = segmenter.probabilities(rgb, ["chair", "person", "furniture"])
    assert {name: plane.shape for name, plane in found.items()} == dict.fromkeys(found, (40, 60))
    assert segmenter.network("chair")[0] is segmenter.network("furniture")[0]
    assert [segmenter.network(name)[1] for name in CLASSES] == list(range(COUNT))


def test_unknown_tasks_and_missing_weights_are_named(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="use one of person, furniture"):
        segment.train(segment.Config(task="cars", out=tmp_path))
    assert evaluate_furniture.main(["--data", str(data), "--weights", str(tmp_path / "none")]) == 2
    assert "no weights at" in capsys.readouterr().err


def test_one_photograph_never_trains_and_validates() -> None:
    with pytest.raises(ValueError, match="'b'"):
        segment_tasks.split_of(["a", "b"], ["b", "c"])
