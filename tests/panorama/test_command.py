"""`vanisher panorama`, end to end on real files."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panorama import Frame, Panorama, gpano
from panorama.command import register
from panorama.sphere import Region
from vanisher_core import Photo
from vanisher_core.errors import UsageError, VanisherError
from vanisher_core.receipt import file_digest


def vanisher(*words: object) -> int:
    """Runs the command as the command line does."""
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    chosen = parser.parse_args(["panorama", *map(str, words)])
    return chosen.run(chosen)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    array = np.clip(rng.normal(140, 8, (64, 128, 3)), 0, 255).astype(np.uint8)
    array[26:36, :4] = array[26:36, -4:] = (200, 30, 30)
    Image.fromarray(array).save(tmp_path / "room.png")
    mask = np.zeros((64, 128), np.uint8)
    mask[26:36, :4] = mask[26:36, -4:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path / "room.png"


def test_erases_writes_all_outputs_and_reports(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = room.parent
    status = vanisher(
        room, "--mask", folder / "mask.png", "--nadir", 15, "--receipt", folder / "r.json",
        "--preview", folder / "p.png", "--view", folder / "v.html", "--json",
    )  # fmt: skip
    assert status == 0
    report = json.loads(capsys.readouterr().out)
    assert report["output"] == str(folder / "room.vanished.png")
    assert len(report["views"]) == 2
    before, after = Photo.open(room).array, Panorama.open(folder / "room.vanished.png")
    assert np.abs(after.photo.array[27:35, :3].astype(int) - 140).mean() < 15
    assert np.array_equal(after.photo.array[:12], before[:12])
    assert gpano.properties(after.photo.metadata.xmp)["ProjectionType"] == "equirectangular"
    receipt = json.loads((folder / "r.json").read_text())
    assert receipt["kind"] == "panorama"
    assert receipt["output_file_sha256"] == file_digest(folder / "room.vanished.png")
    assert {"yaw", "pitch", "field", "windows"} <= set(receipt["views"][0])
    assert Photo.open(folder / "p.png").size == (128, 132)
    assert "data:image/jpeg;base64," in (folder / "v.html").read_text()


def test_says_in_a_sentence_what_it_did(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vanisher(room, "--nadir", 10, "-o", room.parent / "out.jpg", "--model", "exemplar") == 0
    assert "out.jpg" in capsys.readouterr().out
    assert Photo.open(room.parent / "out.jpg").size == (128, 64)


def test_relight_changes_nothing_beyond_20_degrees(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = room.parent
    words = ("--mask", folder / "mask.png", "--grow", 0, "--relight", "--receipt", folder / "r.json")
    assert vanisher(room, *words) == 0
    assert "filled and relit" in capsys.readouterr().out
    assert json.loads((folder / "r.json").read_text())["relight"] is True
    before, after = Photo.open(room).array, Photo.open(folder / "room.vanished.png").array
    mask = Photo.open(folder / "mask.png").array > 0
    away = np.degrees(Frame.full(128, 64).distance(mask, Region(0, 0, 128, 64), np.pi))
    assert np.array_equal(after[away > 20], before[away > 20])
    assert not np.array_equal(after[mask], before[mask])


def test_a_cropped_panorama_is_not_relit_and_the_note_says_why(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = room.parent
    crop = Panorama.from_array(Photo.open(room).array[:48], Frame(128, 48, 128, 64))
    crop.with_array(crop.photo.array).photo.save(folder / "crop.png")
    mask = Image.open(folder / "mask.png").crop((0, 0, 128, 48))
    mask.save(folder / "mask.png")
    words = ("--mask", folder / "mask.png", "--relight", "--receipt", folder / "r.json", "--json")
    assert vanisher(folder / "crop.png", *words) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert any("only a picture of the whole sphere can be relit" in note for note in notes)
    assert json.loads((folder / "r.json").read_text())["relight"] is False


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Nothing says what to erase"),
        (("--nadir", 10, "-o", "room.png"), "original"),
        (("--nadir", 10, "--preview", "same.png", "-o", "same.png"), "same name"),
        (("--nadir", 10, "--view", "page.txt"), "html"),
        (("--remove", "unicorn"), "nothing here finds 'unicorn'"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_written(words, says, room: Path, monkeypatch) -> None:
    monkeypatch.chdir(room.parent)
    before = sorted(path.name for path in room.parent.iterdir())
    with pytest.raises(VanisherError, match=says):
        vanisher(room, *words)
    assert sorted(path.name for path in room.parent.iterdir()) == before


def test_no_output_is_overwritten_unasked(room: Path) -> None:
    (room.parent / "r.json").write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        vanisher(room, "--nadir", 10, "--receipt", room.parent / "r.json")
    assert (room.parent / "r.json").read_text() == "mine"
