"""The finding figures: a finder whose answer is known gets the figures it deserves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panorama import Panorama
from panorama.rooms import classes as rendered
from training import evaluate, evaluate_find
from vanisher_core import Mask

SEED, WIDTH = 10_000, 128


@pytest.fixture
def cache(small_room: Path) -> Path:
    return small_room


def truth_of(cache: Path) -> np.ndarray:
    labels = np.asarray(Image.open(cache / f"{SEED}-classes.png"))
    return (labels != rendered.ROOM) & (labels != rendered.TRIPOD)


def knowing(cache: Path, answer: np.ndarray, calls: list[np.ndarray]):
    """A finder that gives `answer` for the furnished picture and nothing for any other."""
    furnished = np.asarray(Image.open(cache / f"{SEED}-furnished.png").convert("RGB"))

    def find(panorama: Panorama, classes: tuple[str, ...], **options: object) -> dict[str, Mask]:
        calls.append(panorama.photo.array)
        same = np.array_equal(panorama.photo.array, furnished)
        return {name: Mask.from_array(answer & same) for name in classes}

    return find


def test_the_right_answer_gets_an_iou_of_one(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[np.ndarray] = []
    monkeypatch.setattr(evaluate_find, "find_in_panorama", knowing(cache, truth_of(cache), calls))
    words = ["find", "--cache", str(cache), "--rooms", "1", "--width", str(WIDTH), "--out", str(tmp_path),
             "--plates", "1", "--again"]  # fmt: skip
    assert evaluate.main(words) == 0
    printed = capsys.readouterr().out
    assert "| 10000 | 1.000 | 0.00% | 0.000 |" in printed
    assert "met: furniture found again" in printed
    assert len(calls) == 3  # furnished, emptied, empty
    assert (tmp_path / "find.csv").exists()
    with Image.open(tmp_path / "plates" / "find-00-10000.png") as plate:
        assert plate.size == (WIDTH, WIDTH)


def test_a_finder_that_calls_everything_furniture_fails(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = np.ones_like(truth_of(cache))
    monkeypatch.setattr(evaluate_find, "find_in_panorama", knowing(cache, everything, []))
    words = ["find", "--cache", str(cache), "--seeds", "10000", "--width", str(WIDTH)]
    assert evaluate.main(words) == 1
    assert "NOT MET: IoU of furniture" in capsys.readouterr().out
