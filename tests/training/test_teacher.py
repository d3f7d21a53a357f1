"""A teacher's shard: the form of all others, its sure labels only, and mixed into both trainings."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.shard_writer import write_shard
from training import segment_tasks, teacher
from training.data import interiors, shards
from training.data.canvases import Canvases


def corners(rgb: np.ndarray) -> np.ndarray:
    """A person in the top left corner; in the lower half a chair, surely left and perhaps right."""
    height, width = rgb.shape[:2]
    found = np.zeros((21, height, width), np.float32)
    found[15, :8, :8] = 0.8
    found[9, height // 2 :] = np.where(np.arange(width) < width // 2, 0.8, 0.6)
    found[0] = 1 - found.sum(0)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_shard(tmp_path / "scenes-000.tar", {"places_1": (40, 32, False), "bsds_2": (32, 40, False)})
    crowd = {"ccp-3": (32, 32, True), "voc-4": (32, 32, True), "coco-5": (32, 32, True)}
    write_shard(tmp_path / "people-000.tar", crowd)
    write_shard(tmp_path / "scenes-val-000.tar", {"drew_6": (32, 32, False)})
    return tmp_path


@pytest.fixture
def shard(data: Path) -> Path:
    out = data / "taught.tar"
    kept = teacher.write_shard(teacher.unlabelled(teacher.Options(out, data)), corners, out, None)
    assert "places: 1 pictures, 1 with people" in teacher.report(kept)
    assert teacher.contact_sheet(kept, side=20, across=2).size == (40, 40)
    return out


def test_only_unlabelled_training_photographs_are_taught(data: Path, shard: Path) -> None:
    taught = {picture.key: picture for picture in shards.pictures([shard])}
    assert set(taught) == {"places_1", "bsds_2", "ccp-3"}
    before = dict(shards.read_shard(data / "scenes-000.tar"))
    assert dict(shards.read_shard(shard))["places_1"]["webp"] == before["places_1"]["webp"]
    assert not list(data.glob("*.part"))


def test_masks_are_soft_and_classes_sure(shard: Path) -> None:
    taught = {picture.key: picture for picture in shards.pictures([shard])}
    room = taught["places_1"]
    assert room.mask is not None and room.classes is not None
    assert room.mask[4, 4] == 204 and room.mask[2, 20] == 0
    assert (room.classes[28, 5], room.classes[28, 35], room.classes[2, 20]) == (9, teacher.VOID, 0)
    street = taught["ccp-3"]
    assert street.mask is not None and street.mask[16, 16] == 255  # its own label stands


def test_the_trainings_take_the_teachers_word(data: Path, shard: Path) -> None:
    people = segment_tasks.load_people(segment_tasks.Sources(data, 32, scenes=10, teacher=shard))
    assert isinstance(people, Canvases) and sorted(people.keys) == ["bsds_2", "ccp-3", "places_1", "voc-4"]
    trust = dict(zip(people.keys, people.trust.tolist(), strict=True))
    assert trust["ccp-3"] == pytest.approx(segment_tasks.TEACHER_TRUST) and trust["voc-4"] == 1
    assert int(people.mask[people.keys.index("places_1")].max()) == 204
    codes = interiors.teacher_codes(next(shards.pictures([shard])))
    assert codes[28, 5] == interiors.CLASSES.index("chair")
    assert codes[28, 30] == interiors.UNKNOWN and codes[2, 20] == interiors.TAUGHT_REST


def test_a_missing_teacher_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data / "none.tar"
    assert teacher.main(["--out", str(out), "--data", str(data), "--peers", str(data)]) == 2
    assert capsys.readouterr().err.startswith("error: ") and not out.exists()
